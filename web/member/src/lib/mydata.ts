import { api } from '@/api'

/** Everything the service shows a member of themselves, read to the end. */
export async function myData() {
  const all = async <T>(read: (cursor: string) => Promise<{ data: T[]; next?: string }>): Promise<T[]> => {
    const out: T[] = []
    let cursor = ''
    do {
      const page = await read(cursor)
      out.push(...page.data)
      cursor = page.next ?? ''
    } while (cursor)
    return out
  }
  const [me, tier, consents] = await Promise.all([api.me(), api.tier(), api.consents()])
  const statement = await all((cursor) => api.statement({ cursor, limit: 200 }))
  const orders = await all((cursor) => api.orders(cursor, 200))
  const messages = await all((cursor) => api.inbox(cursor, 200))
  return { me, tier: { growth: tier.growth, tier: tier.tier, history: tier.history, notices: tier.notices }, consents: { purposes: consents.purposes, history: consents.history }, statement, orders, messages }
}
export type MyData = Awaited<ReturnType<typeof myData>>
