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

/** The pages as the service names them. */
const named: Record<string, string> = {
  home: '/pages/home/home', statement: '/pages/points/points', tiers: '/pages/tiers/tiers', expiring: '/more/expiring/expiring', profile: '/more/profile/profile',
  settings: '/more/settings/settings', orders: '/more/orders/orders', inbox: '/more/inbox/inbox', closure: '/more/closure/closure', checkin: '/more/checkin/checkin', badges: '/more/badges/badges',
}

/** Goes where the service says. */
export function to(page: string) {
  const path = named[page] ?? named.home
  if (path.startsWith('/pages/')) swap(path)
  else go(path)
}
