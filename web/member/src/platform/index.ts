// What differs between browsers and the mini program, in one place.

const tokenAt = 'gx.token'

/** Browsers hold the session in a cookie that scripts can't read; the mini program has none and brings its token. */
export const token = {
  get(): string {
    // #ifdef MP-WEIXIN
    return uni.getStorageSync(tokenAt) || ''
    // #endif
    // #ifndef MP-WEIXIN
    return ''
    // #endif
  },
  set(value: string) {
    // #ifdef MP-WEIXIN
    uni.setStorageSync(tokenAt, value)
    // #endif
  },
}

export function origin(): string {
  // #ifdef MP-WEIXIN
  return import.meta.env.VITE_GUANXI_ORIGIN ?? ''
  // #endif
  // #ifndef MP-WEIXIN
  return ''
  // #endif
}

export const where = (): 'h5' | 'mp' => {
  // #ifdef MP-WEIXIN
  return 'mp'
  // #endif
  // #ifndef MP-WEIXIN
  return 'h5'
  // #endif
}

/** Called before anything is shown. */
export function begin() {
  // #ifdef H5
  letKeysPress()
  // #endif
}

// #ifdef H5
/** Everything that says it is a button can be pressed with the keyboard. */
function letKeysPress() {
  document.addEventListener('keydown', (e) => {
    const at = e.target as HTMLElement
    if ((e.key === 'Enter' || e.key === ' ') && /^(button|tab|switch|link|checkbox|radio)$/.test(at.getAttribute?.('role') ?? '')) {
      e.preventDefault()
      at.click()
    }
  })
}
// #endif

/** Whether WeChat can say who this is. */
export function inWechat(): boolean {
  // #ifdef MP-WEIXIN
  return true
  // #endif
  // #ifndef MP-WEIXIN
  return /MicroMessenger/i.test(navigator.userAgent)
  // #endif
}

// #ifdef MP-WEIXIN
/** The code by which the service asks WeChat who this is. */
export const wechatCode = (): Promise<string> => new Promise((done) => uni.login({ provider: 'weixin', success: (r) => done(r.code), fail: () => done('') }))
// #endif

// #ifndef MP-WEIXIN
/** The address of this page as WeChat knows it, without what follows the "#". */
export const pageAddress = (): string => location.href.split('#')[0]

/** Leaves for WeChat, which sends the browser back to the app. */
export function leaveForWechat(app: string) {
  location.href = `/hooks/wechat/oa/${encodeURIComponent(app)}/login?next=${encodeURIComponent(location.pathname)}`
}

/** How a login by WeChat went, once: "ready", a word for what failed, or nothing when there was none. */
export function wechatSaid(): string {
  const query = new URLSearchParams(location.search)
  const word = query.get('wechat') ?? ''
  if (word) {
    query.delete('wechat')
    const rest = query.toString()
    history.replaceState(history.state, '', location.pathname + (rest ? '?' + rest : '') + location.hash)
  }
  return word
}
// #endif

/** Makes the screen bright while a code is shown; gives back what puts it right. */
export function brighten(): () => void {
  // #ifdef MP-WEIXIN
  let before = -1
  uni.getScreenBrightness({ success: (r: any) => (before = r.value) })
  uni.setScreenBrightness({ value: 1 })
  uni.setKeepScreenOn({ keepScreenOn: true })
  return () => {
    if (before >= 0) uni.setScreenBrightness({ value: before })
    uni.setKeepScreenOn({ keepScreenOn: false })
  }
  // #endif
  // #ifndef MP-WEIXIN
  let lock: any
  void (navigator as any).wakeLock?.request('screen').then(
    (l: any) => (lock = l),
    () => {},
  )
  return () => void lock?.release?.()
  // #endif
}

/** Heights that a phone keeps for itself, in px. */
export function insets(): { top: number; right: number } {
  // #ifdef MP-WEIXIN
  const info = uni.getSystemInfoSync()
  const box = uni.getMenuButtonBoundingClientRect()
  return { top: info.statusBarHeight ?? 20, right: info.windowWidth - box.left }
  // #endif
  // #ifndef MP-WEIXIN
  return { top: 0, right: 0 }
  // #endif
}

export function call(phone: string) {
  // #ifdef MP-WEIXIN
  void uni.makePhoneCall({ phoneNumber: phone })
  // #endif
  // #ifndef MP-WEIXIN
  location.href = 'tel:' + phone
  // #endif
}

/** Whether there are messages that WeChat lets a member subscribe to. */
export const canSubscribe = where() === 'mp'

/** WeChat asks the member; gives the templates that were allowed. Only within a press. */
export function requestSubscriptions(ids: string[]): Promise<string[]> {
  // #ifdef MP-WEIXIN
  return new Promise((done) =>
    (uni as any).requestSubscribeMessage({ tmplIds: ids, success: (r: Record<string, string>) => done(ids.filter((id) => r[id] === 'accept')), fail: () => done([]) }),
  )
  // #endif
  // #ifndef MP-WEIXIN
  return Promise.resolve([])
  // #endif
}

// #ifndef MP-WEIXIN
/** Hands the address of the member centre on: by the browser's own sheet, else to the clipboard (true). */
export async function shareLink(title: string, query: string): Promise<boolean> {
  const url = pageAddress().split('?')[0] + query
  if (typeof navigator.share === 'function' && !inWechat()) {
    await navigator.share({ title, url }).catch(() => {}) // closed without sharing
    return false
  }
  await navigator.clipboard.writeText(`${title} ${url}`)
  return true
}
// #endif

/** Browsers take a file at any time; the mini program sends one to a chat, when it is pressed. */
export const canDownload = where() === 'h5'

/** Gives a text to the member as a file. */
export function saveText(name: string, text: string) {
  // #ifdef MP-WEIXIN
  const path = `${(uni as any).env.USER_DATA_PATH}/${name}`
  ;(uni as any).getFileSystemManager().writeFileSync(path, text, 'utf8')
  ;(uni as any).shareFileMessage({ filePath: path, fileName: name })
  // #endif
  // #ifndef MP-WEIXIN
  const a = document.createElement('a')
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
  // #endif
}
