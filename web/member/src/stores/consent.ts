import { api, type Consent } from '@/api'
import { tracker } from '@/track'

/** The purpose under which behaviour is gathered. */
export const behaviour = 'tracking'

export function applyConsents(list: Consent[]) {
  tracker.allow(!!list.find((c) => c.key === behaviour)?.given)
}

/** Once after the start, as soon as the service knows who is asking: what the member has agreed to. */
let read: Promise<void> | undefined
export function learnConsents(): Promise<void> {
  read ??= api.consents().then(
    (c) => applyConsents(c.purposes),
    () => {
      read = undefined // asked again with the next page
    },
  )
  return read
}
export const forgetConsents = () => void (read = undefined)
