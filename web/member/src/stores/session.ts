import { forgetAll } from '@/api/use'
import { token } from '@/platform'

/** Nobody is logged in, or no longer: the welcome page takes over, once. */
export function leave() {
  token.set('')
  forgetAll()
  const pages = getCurrentPages()
  const now = (pages[pages.length - 1] as any)?.route ?? ''
  if (!now.startsWith('pages/welcome/') && !now.startsWith('more/agreement') && !now.startsWith('more/rules')) void uni.reLaunch({ url: '/pages/welcome/welcome' })
}
