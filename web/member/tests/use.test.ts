import { beforeEach, expect, test } from 'vitest'
import { ApiError } from '@/api/http'
import { forgetAll, useAct, usePages, useResource } from '@/api/use'
import { speak } from '@/i18n'
import { phone } from './phone'

beforeEach(() => {
  forgetAll()
  speak('zh')
})

const lost = () => new ApiError(0, 'net.offline', '')
const refused = () => new ApiError(409, 'member.blocked', '不行')

test('what was read is there at once the next time, also after a start, until it is forgotten', async () => {
  let n = 1
  const first = useResource('home', async () => ({ n }), true)
  expect(first.blank.value).toBe(true)
  await first.refresh()
  n = 2
  const second = useResource('home', async () => ({ n }), true)
  expect(second.blank.value).toBe(false)
  expect(second.data.value).toEqual({ n: 1 })
  await second.refresh()
  expect(second.data.value).toEqual({ n: 2 })
  expect(phone.store.get('gx.c.zh.home')).toEqual({ n: 2 })
  speak('en')
  expect(useResource('home', async () => ({ n }), true).data.value).toBeUndefined() // words of another language
  speak('zh')
  forgetAll()
  expect(useResource('home', async () => ({ n }), true).data.value).toBeUndefined()
  expect([...phone.store.keys()].filter((k) => k.startsWith('gx.c.'))).toEqual([])
})

test('a failure leaves what is shown, and a late answer does not overtake a newer one', async () => {
  const waiting: ((v: number) => void)[] = []
  let fail = false
  const r = useResource('x', () => (fail ? Promise.reject(lost()) : new Promise<number>((done) => waiting.push(done))))
  const a = r.refresh()
  const b = r.refresh()
  waiting[1](2)
  await b
  waiting[0](1)
  await a
  expect(r.data.value).toBe(2)
  fail = true
  await r.refresh()
  expect(r.data.value).toBe(2)
  expect(r.error.value?.offline).toBe(true)
  expect(r.busy.value).toBe(false)
})

test('a list goes on where it stopped, also after a page was lost', async () => {
  const asked: string[] = []
  let fail = false
  const list = usePages(async (cursor) => {
    asked.push(cursor)
    if (fail) throw lost()
    return cursor === '' ? { data: [1, 2], next: 'c' } : { data: [3] }
  })
  expect(list.blank.value).toBe(true)
  await list.restart()
  fail = true
  await list.more()
  expect(list.rows.value).toEqual([1, 2])
  expect(list.error.value?.offline).toBe(true)
  fail = false
  await list.more()
  expect(list.rows.value).toEqual([1, 2, 3])
  await list.more()
  expect(asked).toEqual(['', 'c', 'c'])
  expect(list.done.value).toBe(true)
})

test('pressing again after a lost answer has the same key; after a yes, a no or another wish a new one', async () => {
  const keys: string[] = []
  let next: Error | undefined
  const act = useAct(async (key: string, what: string) => {
    keys.push(key)
    if (next) throw next
    return what
  })
  next = lost()
  expect(await act.run('a')).toBeUndefined()
  expect(await act.run('a')).toBeUndefined()
  next = undefined
  expect(await act.run('a')).toBe('a')
  expect(new Set(keys).size).toBe(1)
  expect(await act.run('a')).toBe('a')
  next = refused()
  await act.run('a')
  next = lost()
  await act.run('a')
  await act.run('b')
  expect(new Set(keys).size).toBe(5)
  expect(act.error.value?.offline).toBe(true)
})

test('a press while the first is under way does nothing', async () => {
  let calls = 0
  let done = () => {}
  const act = useAct(() => {
    calls++
    return new Promise<void>((d) => (done = d))
  })
  const first = act.run()
  await act.run()
  done()
  await first
  expect(calls).toBe(1)
})

test('of one thing among many another is never shown in its place', async () => {
  let id = '1'
  const r = useResource(() => 'order.' + id, async () => (id === '3' ? Promise.reject(refused()) : { id }))
  await r.refresh()
  expect(r.data.value).toEqual({ id: '1' })
  id = '3'
  r.data.value = undefined
  await r.refresh()
  expect(r.data.value).toBeUndefined()
  expect(r.error.value?.code).toBe('member.blocked')
  id = '1'
  expect(useResource(() => 'order.' + id, async () => ({ id })).data.value).toEqual({ id: '1' })
})
