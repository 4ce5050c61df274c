import { beforeEach, expect, test } from 'vitest'
import { ApiError } from '@/api/http'
import { type Batch, type Kept, Tracker } from '@/track/tracker'

let now = 0
let kept: Kept
let sent: Batch[] = []
let fail: unknown
let off = false
let run = 0
let timers: { ms: number; run: () => void }[] = []

beforeEach(() => {
  now = 1_000_000
  kept = undefined
  sent = []
  fail = undefined
  off = false
  run = 0
  timers = []
})

const start = () =>
  new Tracker({
    send: async (batch) => {
      sent.push(batch)
      if (fail) throw fail
      return { off }
    },
    run: 'run' + ++run,
    now: () => now,
    later: (ms, run) => timers.push({ ms, run }),
    read: () => kept,
    write: (list) => (kept = list),
  })
const settle = () => new Promise((done) => setTimeout(done))
const fire = async () => {
  timers.shift()?.run()
  await settle()
}

test('nothing is sent or kept before the member has agreed, and nothing after a no', async () => {
  const t = start()
  t.enter('home')
  t.click('code')
  t.rest()
  await settle()
  expect([sent, kept, timers]).toEqual([[], undefined, []])
  t.allow(false)
  t.click('x')
  t.rest()
  await settle()
  expect([sent, kept]).toEqual([[], undefined])
})

test('what happened is told with the entry link that led here', async () => {
  const t = start()
  t.came('brand-zone')
  t.allow(true)
  t.enter('home')
  await fire()
  expect(sent[0].link).toBe('brand-zone')
  expect(start()).not.toHaveProperty('link', 'brand-zone')
})

test('what happened is told a few at a time, in order, with the time a page was looked at', async () => {
  const t = start()
  t.allow(true)
  t.enter('home')
  now += 4_000
  t.click('nudge.profile')
  now += 1_000
  t.enter('profile')
  t.share('poster')
  expect(sent).toEqual([])
  await fire()
  expect(sent).toHaveLength(1)
  expect(sent[0].events.map((e) => [e.kind, e.page, e.target ?? e.ms])).toEqual([
    ['page', 'home', undefined],
    ['click', 'home', 'nudge.profile'],
    ['dwell', 'home', 5_000],
    ['page', 'profile', undefined],
    ['share', 'profile', 'poster'],
  ])
  expect(kept).toEqual([])
})

test('without a network batches wait, over a start of the app too, and go again under the same run and numbers', async () => {
  const t = start()
  t.allow(true)
  fail = new ApiError(0, 'net.offline', '')
  t.enter('home')
  t.rest()
  await settle()
  expect(kept).toHaveLength(1)
  timers = []
  const later = start() // the app was closed and opened again; the service has not said yet what holds
  later.enter('home')
  fail = undefined
  await fire()
  expect(sent.map((b) => [b.run, b.events[0].n])).toEqual([['run1', 1], ['run1', 1], ['run2', 1]])
  expect(kept).toEqual([])
})

test('a batch that is refused for good is dropped, and failures make it wait longer', async () => {
  const t = start()
  t.enter('home')
  t.allow(true)
  fail = new ApiError(422, 'input.invalid', '')
  t.click('a')
  await fire()
  expect(kept).toEqual([])
  fail = new ApiError(503, 'busy', '')
  t.click('b')
  await fire()
  expect(kept).toHaveLength(1)
  expect(timers.at(-1)?.ms).toBe(10_000)
})

test('twenty events go at once, and a phone that never comes online keeps no more than it must', async () => {
  const t = start()
  t.enter('home')
  t.allow(true)
  for (let i = 0; i < 19; i++) t.click('c' + i)
  await settle()
  expect(sent[0].events).toHaveLength(20)
  fail = new ApiError(0, 'net.offline', '')
  for (let i = 0; i < 2000; i++) {
    t.click('d' + i)
    await Promise.resolve()
  }
  await settle()
  expect(kept!.length).toBeLessThanOrEqual(25)
})

test('a phone whose member no longer agrees is told so, and gathers nothing more', async () => {
  const t = start()
  t.allow(true)
  t.enter('home')
  off = true
  await fire()
  t.click('a')
  t.rest()
  await settle()
  expect([sent.length, kept]).toEqual([1, undefined])
})

test('what one member did is not told as what the next one did', async () => {
  const t = start()
  t.allow(true)
  t.enter('home')
  t.forget()
  expect(kept).toBe(undefined)
  t.enter('join')
  t.allow(true)
  await fire()
  expect(sent[0].events.map((e) => [e.kind, e.page])).toEqual([['page', 'join']])
})

test('what a member is told went wrong is counted by its code', async () => {
  const t = start()
  t.allow(true)
  t.enter('orders')
  t.fault('net.offline')
  await fire()
  expect(sent[0].events.at(-1)).toMatchObject({ kind: 'error', page: 'orders', target: 'net.offline' })
})

test('taking consent back drops what waits', async () => {
  const t = start()
  t.enter('home')
  t.allow(true)
  fail = new ApiError(0, 'net.offline', '')
  t.click('a')
  t.rest()
  await settle()
  t.allow(false)
  expect(kept).toBe(undefined)
  fail = undefined
  await t.flush()
  expect(sent).toHaveLength(1) // the one that was lost
})
