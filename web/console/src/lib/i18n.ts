// Both languages stand where the text is used: t('会员', 'Members'). Nothing can be missing in one of them, and no file of keys has to be kept.
import { computed, ref } from 'vue'

export type Lang = 'zh' | 'en'

const stored = (): Lang => {
  const kept = localStorage.getItem('gx.lang')
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language && !navigator.language.toLowerCase().startsWith('zh') ? 'en' : 'zh'
}

export const lang = ref<Lang>(stored())
export const en = computed(() => lang.value === 'en')

document.documentElement.lang = lang.value === 'en' ? 'en' : 'zh-CN'

export function setLang(to: Lang) {
  lang.value = to
  localStorage.setItem('gx.lang', to)
  document.documentElement.lang = to === 'en' ? 'en' : 'zh-CN'
}

type Holes = Record<string, string | number>

const fill = (text: string, holes?: Holes) => (holes ? text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in holes ? String(holes[name]) : whole)) : text)

/** t gives the text of the current language; {name} is filled from holes. */
export const t = (zh: string, enText: string, holes?: Holes) => fill(lang.value === 'en' ? enText : zh, holes)

/** either picks from what the server sends in both languages. */
export const either = (o?: { zh?: string; en?: string; name_zh?: string; name_en?: string } | null) =>
  !o ? '' : lang.value === 'en' ? o.en || o.name_en || o.zh || o.name_zh || '' : o.zh || o.name_zh || o.en || o.name_en || ''

/** helpOf is the help of a field that a form draws. */
export const helpOf = (o: { help?: string; help_en?: string }) => (lang.value === 'en' ? o.help_en : o.help) || ''
