// Where a member came from (入会渠道): kept from the first page until they join, however they get there.

export interface Entry {
  channel?: string
  store?: string
  clerk?: string
  source?: string
  invite?: string
}

const kept = 'gx.entry'
const names: Record<string, keyof Entry> = { ch: 'channel', channel: 'channel', store: 'store', st: 'store', clerk: 'clerk', src: 'source', utm_source: 'source', invite: 'invite', code: 'invite' }

/** Reads what an address or a scene says; "scene" is that of a mini-program code: s=S001&c=12 in 32 characters. */
export function readEntry(query: Record<string, string | undefined>): Entry {
  const out: Entry = {}
  const short: Record<string, keyof Entry> = { s: 'store', c: 'clerk', h: 'channel', i: 'invite', r: 'source' }
  if (query.scene)
    for (const pair of decodeURIComponent(query.scene).split('&')) {
      const [k, v] = pair.split('=')
      if (v && short[k]) out[short[k]] = v.slice(0, 64)
    }
  for (const [k, v] of Object.entries(query)) if (v && names[k]) out[names[k]] = v.slice(0, 64)
  return out
}

export function noteEntry(options?: { query?: Record<string, any>; scene?: any }) {
  const query: Record<string, string> = { ...options?.query }
  // #ifdef H5
  new URLSearchParams(location.search).forEach((v, k) => (query[k] ??= v))
  // #endif
  const said = readEntry(query)
  if (Object.keys(said).length) uni.setStorageSync(kept, said)
}

export const entry = (): Entry => uni.getStorageSync(kept) || {}

export const entryUsed = () => uni.removeStorageSync(kept)
