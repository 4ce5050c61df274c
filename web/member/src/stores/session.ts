import { forgetAll } from '@/api/use'
import { token } from '@/platform'
import { forgetConsents } from '@/stores/consent'
import { tracker } from '@/track'

/** Nobody is logged in, or no longer: the welcome page takes over, once. */
export function leave() {
  token.set('')
  forgetAll()
  forgetConsents()
  tracker.forget() // what one did is not told as another's
  const pages = getCurrentPages()
  const now = (pages[pages.length - 1] as any)?.route ?? ''
  if (!now.startsWith('pages/welcome/') && !now.startsWith('more/agreement') && !now.startsWith('more/rules')) void uni.reLaunch({ url: '/pages/welcome/welcome' })
}
