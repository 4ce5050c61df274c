/** Opens a page on top of this one. */
export function go(path: string, query: Record<string, string> = {}) {
  const q = Object.entries(query).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join('&')
  void uni.navigateTo({ url: path + (q ? '?' + q : ''), fail: () => uni.redirectTo({ url: path + (q ? '?' + q : '') }) })
}

/** Goes to one of the five places of the bar at the bottom: they replace each other. */
export const swap = (path: string) => void uni.redirectTo({ url: path })

export function goBack() {
  if (getCurrentPages().length > 1) void uni.navigateBack({ delta: 1 })
  else void uni.reLaunch({ url: '/pages/home/home' })
}
