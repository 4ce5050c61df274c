// Finding a member or an order by whatever is at hand. Nothing of it stands in an address: what is looked for may be a phone number.
import { post, type Reply } from './api'

export type Hit = Reply<'/search', 'post'>['data'][number]

export const search = async (q: string) => (await post('/search', { q })).data

/** Where a hit leads. */
export const place = (h: Hit) => (h.by === 'order' && h.order ? `/orders/${encodeURIComponent(h.order.source)}/${encodeURIComponent(h.order.no)}` : h.member ? '/members/' + h.member.id : '/')
