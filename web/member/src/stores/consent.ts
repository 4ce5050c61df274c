import { api, type Consent } from '@/api'
import { tracker } from '@/track'

/** The purpose under which behaviour is gathered. */
export const behaviour = 'tracking'

/** Whether the service takes events. It does not yet, so nothing is gathered, whatever was agreed. */
const taken = false

export function applyConsents(list: Consent[]) {
  tracker.allow(taken && !!list.find((c) => c.key === behaviour)?.given)
}

/** Once after the start: what the member has agreed to. */
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
