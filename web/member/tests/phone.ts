// The part of a phone that the pages need: storage and a network that does what a test says.
import { beforeEach } from 'vitest'

export interface Sent {
  url: string
  method: string
  header: Record<string, string>
  data?: string
}
type Answer = { status: number; body?: unknown; header?: Record<string, string> } | 'lost' | 'timeout'

export const phone = { store: new Map<string, unknown>(), sent: [] as Sent[], answers: [] as Answer[], went: [] as string[] }

const copy = <T>(v: T): T => (v === undefined ? v : JSON.parse(JSON.stringify(v)))

;(globalThis as any).uni = {
  getStorageSync: (k: string) => copy(phone.store.get(k)) ?? '',
  setStorageSync: (k: string, v: unknown) => void phone.store.set(k, copy(v)),
  removeStorageSync: (k: string) => void phone.store.delete(k),
  getStorageInfoSync: () => ({ keys: [...phone.store.keys()] }),
  reLaunch: (o: { url: string }) => void phone.went.push(o.url),
  request(o: any) {
    phone.sent.push({ url: o.url, method: o.method, header: o.header, data: o.data })
    const a = phone.answers.shift() ?? 'lost'
    queueMicrotask(() => {
      if (typeof a === 'string') o.fail({ errMsg: a === 'timeout' ? 'request:fail timeout' : 'request:fail' })
      else o.success({ statusCode: a.status, data: a.body ?? {}, header: a.header ?? {} })
    })
  },
}
;(globalThis as any).getCurrentPages = () => []

beforeEach(() => {
  phone.store.clear()
  phone.sent.length = phone.answers.length = phone.went.length = 0
})
