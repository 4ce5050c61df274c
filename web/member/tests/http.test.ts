import { beforeEach, expect, test, vi } from 'vitest'
import { address, ApiError, ask, justBegun, newKey, session, pace } from '@/api/http'
import { speak } from '@/i18n'
import { phone } from './phone'

const slept: number[] = []
beforeEach(() => {
  slept.length = 0
  pace.sleep = async (ms) => void slept.push(ms)
  session.left = () => {}
  speak('zh')
})

const caught = (p: Promise<unknown>) => p.then(() => undefined, (e) => e as ApiError)

test('what was asked for ahead is taken once, and not after something was changed', async () => {
  expect([justBegun(), justBegun()]).toEqual([true, false])
  vi.resetModules()
  const again = await import('@/api/http')
  phone.answers.push({ status: 200 })
  await again.ask('/me/checkins', { method: 'POST', key: 'k' })
  expect(again.justBegun()).toBe(false)
})

test('a read is tried again while the network is poor, and not when the answer is no', async () => {
  phone.answers.push('lost', 'timeout', { status: 200, body: { n: 7 } })
  expect(await ask('/me/home')).toEqual({ n: 7 })
  expect(phone.sent).toHaveLength(3)
  expect(slept).toEqual([400, 1200])

  phone.answers.push({ status: 404, body: { code: 'order.not_found', title: '没有' } })
  const e = await caught(ask('/me/orders/1/why'))
  expect(e?.code).toBe('order.not_found')
  expect(phone.sent).toHaveLength(4)
})

test('a write that is sent again has the key it had', async () => {
  phone.answers.push('lost', { status: 503, body: { code: 'outcome.unknown', title: '?' } }, { status: 201, body: { points: 5 } })
  expect(await ask('/me/checkins', { method: 'POST', key: 'k1', body: {} })).toEqual({ points: 5 })
  expect(phone.sent.map((s) => s.header['Idempotency-Key'])).toEqual(['k1', 'k1', 'k1'])
})

test('a write without a key is never sent twice', async () => {
  phone.answers.push('lost', { status: 200 })
  expect((await caught(ask('/me/codes', { method: 'POST' })))?.offline).toBe(true)
  expect(phone.sent).toHaveLength(1)
})

test('the service says how long to wait, and patience ends', async () => {
  for (let i = 0; i < 4; i++) phone.answers.push({ status: 429, body: { code: 'busy', title: '忙' }, header: { 'Retry-After': '2' } })
  const e = await caught(ask('/me/home'))
  expect(e?.code).toBe('busy')
  expect(slept).toEqual([2000, 2000, 3000])
  expect(phone.sent).toHaveLength(4)
})

test('who is not logged in is told once for each answer', async () => {
  let told = 0
  session.left = () => told++
  phone.answers.push({ status: 401, body: { code: 'member.no_session' } })
  await caught(ask('/me/home'))
  expect(told).toBe(1)
})

test('fields that are wrong come with their words', async () => {
  phone.answers.push({ status: 422, body: { code: 'input.invalid', title: '有误', errors: [{ field: 'birthday', code: 'x', message: '日期不对' }] } })
  const e = await caught(ask('/me/profile', { method: 'PUT', key: 'k', body: { birthday: 'x' } }))
  expect(e?.fields[0].message).toBe('日期不对')
  expect(e?.passing).toBe(false)
})

test('an address carries the language and leaves out what is not asked', () => {
  expect(address('/me/statement', { limit: 30, cursor: '', month: undefined, kind: 'a b' })).toBe('/api/member/me/statement?limit=30&kind=a%20b&lang=zh')
  speak('en')
  expect(address('/theme')).toBe('/api/member/theme?lang=en')
})

test('keys do not repeat', () => {
  const keys = new Set(Array.from({ length: 500 }, newKey))
  expect(keys.size).toBe(500)
  expect([...keys][0]).toMatch(/^[0-9a-f]{32}$/)
})
