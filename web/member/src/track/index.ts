import { api } from '@/api'
import { newKey } from '@/api/http'
import { Tracker } from './tracker'

/** What members do in the pages: only with their consent, a few at a time, kept while there is no network. */
export const tracker = new Tracker({
  send: (batch) => api.track(batch),
  now: () => Date.now(),
  later: (ms, run) => setTimeout(run, ms),
  read: () => uni.getStorageSync('gx.events') || undefined,
  write: (kept) => (kept ? uni.setStorageSync('gx.events', kept) : uni.removeStorageSync('gx.events')),
  run: newKey(),
})
