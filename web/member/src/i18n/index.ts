import { ref } from 'vue'
import { en } from './en'
import { zh } from './zh'

export type Lang = 'zh' | 'en'
export type Key = keyof typeof zh

const kept = 'gx.lang'

/** The language of the pages: chosen, or Chinese. */
export const lang = ref<Lang>(uni.getStorageSync(kept) === 'en' ? 'en' : 'zh')

function tell() {
  // #ifdef H5
  document.documentElement.lang = lang.value === 'en' ? 'en' : 'zh-CN'
  document.cookie = `gx_lang=${lang.value}; path=/m/; max-age=31536000; samesite=lax` // for what the browser asks ahead of this program
  // #endif
}
tell()

export function speak(l: Lang) {
  lang.value = l
  uni.setStorageSync(kept, l)
  tell()
}

/** The words of a key; `{name}` is filled in. Not a library: those compile templates at run time, which neither our policy nor the mini program allows. */
export function t(key: Key, values?: Record<string, string | number>): string {
  const words = (lang.value === 'en' ? en : zh)[key]
  return values ? words.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? '')) : words
}
