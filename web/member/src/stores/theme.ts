import { shallowRef } from 'vue'
import { api, type Theme } from '@/api'
import { lang } from '@/i18n'

const kept = () => 'gx.theme.' + lang.value

/** Until the brand's own look has come: the look of the house. */
const house: Theme = { name: '', points_name: '', primary: '#0f5c4d', accent: '#c8873c', paper: '#f6f5f2', dark_paper: '#121413', faces: [] }

export const theme = shallowRef<Theme>(uni.getStorageSync(kept()) || house)

/** Reads the brand's look; what was kept of it serves until then, and when there is no network. */
export async function loadTheme() {
  const known = uni.getStorageSync(kept())
  if (known) theme.value = known
  try {
    theme.value = await api.theme()
    uni.setStorageSync(kept(), theme.value)
    // #ifdef H5
    document.title = theme.value.name
    // #endif
  } catch {
    // the pages stand without it
  }
}
