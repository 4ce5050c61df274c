import { api } from '@/api'
import { Tracker } from './tracker'

/** What members do in the pages: only with their consent, a few at a time, kept while there is no network. */
export const tracker = new Tracker({
  send: (batch, key) => api.track(batch, key),
  now: () => Date.now(),
  later: (ms, run) => setTimeout(run, ms),
  read: () => uni.getStorageSync('gx.events') || [],
  write: (list) => uni.setStorageSync('gx.events', list),
})
