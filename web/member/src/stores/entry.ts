// Where a member came from (入会渠道): kept from the first page until they join, however they get there.

import { tracker } from '@/track'

export interface Entry {
  channel?: string
  store?: string
  clerk?: string
  source?: string
  invite?: string
  /** The entry link by which they came: the service knows what it says. */
  link?: string
}

const kept = 'gx.entry'
// The short ones are those of a code, whose text has 32 characters at most, and of the addresses that the service writes.
const names: Record<string, keyof Entry> = { s: 'store', c: 'clerk', h: 'channel', i: 'invite', r: 'source', l: 'link',
  ch: 'channel', channel: 'channel', store: 'store', st: 'store', clerk: 'clerk', src: 'source', utm_source: 'source', invite: 'invite', code: 'invite' }

/** The longest that the service takes of each: an address is anybody's, and must not keep people from joining. */
const longest: Partial<Record<keyof Entry, number>> = { clerk: 32, source: 32, link: 24 }

function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Reads what an address or a scene says; "scene" is that of a mini-program code: s=S001&c=12. */
export function readEntry(query: Record<string, string | undefined>): Entry {
  const out: Entry = {}
  const pairs = query.scene ? plain(query.scene).split('&').map((pair) => pair.split('=')) : []
  for (const [k, v] of [...pairs, ...Object.entries(query)]) if (v && k && names[k]) out[names[k]] = v.slice(0, longest[names[k]] ?? 64)
  return out
}

export function noteEntry(options?: { query?: Record<string, any>; scene?: any }) {
  const query: Record<string, string> = { ...options?.query }
  // #ifdef H5
  new URLSearchParams(location.search).forEach((v, k) => (query[k] ??= v))
  // #endif
  const said = readEntry(query)
  if (said.link) tracker.came(said.link)
  if (Object.keys(said).length) uni.setStorageSync(kept, said)
}

export const entry = (): Entry => uni.getStorageSync(kept) || {}

export const entryUsed = () => uni.removeStorageSync(kept)
