// Subscription messages (订阅消息): the mini program may ask once for each message it wants to send. It is asked after a press that
// deserves it, for what the member has no permission left for, and not again for a week after a no. Browsers have none of this.
import { api } from '@/api'
import { newKey } from '@/api/http'
import { canSubscribe, requestSubscriptions } from '@/platform'

const noAt = 'gx.sub.no'
const week = 7 * 86_400_000
const most = 3 // WeChat shows no more at once

let known: { template: string; occasion: string; left: number }[] = []

/** What can be asked for must be known before the press: WeChat opens its question in a press only. */
export async function learnSubscriptions(): Promise<void> {
  if (!canSubscribe) return
  known = await api.subscriptions().then((x) => x.data, () => known)
}

/** Whether any of these messages is still to be allowed. */
export const wanted = (occasions: string[]): boolean => known.some((s) => occasions.includes(s.occasion) && s.left === 0)

/** Asks for messages of these occasions; what was allowed is told to the service. `insist` is for a press that asks for just that. */
export async function offer(occasions: string[], insist = false): Promise<number> {
  const ids = known.filter((s) => occasions.includes(s.occasion) && s.left === 0).map((s) => s.template)
  const lately = Date.now() - (uni.getStorageSync(noAt) || 0) < week
  if (ids.length === 0 || (lately && !insist)) return 0
  const accepted = await requestSubscriptions(ids.slice(0, most))
  if (accepted.length === 0) {
    uni.setStorageSync(noAt, Date.now())
    return 0
  }
  known = await api.subscribe(newKey(), accepted).then((x) => x.data, () => known)
  return accepted.length
}
