import { beforeEach, expect, test } from 'vitest'
import { ApiError } from '@/api/http'
import { type Batch, type Event, Tracker } from '@/track/tracker'

let now = 0
let kept: Batch[] = []
let sent: { key: string; events: Event[] }[] = []
let fail: unknown
let timers: { ms: number; run: () => void }[] = []

beforeEach(() => {
  now = 1_000_000
  kept = []
  sent = []
  fail = undefined
  timers = []
})

const start = () =>
  new Tracker({
    send: async (events, key) => {
      sent.push({ key, events })
      if (fail) throw fail
    },
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
  expect([sent, kept, timers]).toEqual([[], [], []])
  t.allow(false)
  t.click('x')
  t.rest()
  await settle()
  expect([sent, kept]).toEqual([[], []])
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

test('without a network batches wait, over a start of the app too, and go again under the same key', async () => {
  const t = start()
  t.allow(true)
  fail = new ApiError(0, 'net.offline', '')
  t.enter('home')
  t.rest()
  await settle()
  expect(kept).toHaveLength(1)
  const key = kept[0].key
  timers = []
  const later = start() // the app was closed and opened again
  fail = undefined
  later.allow(true)
  await fire()
  await fire()
  expect(sent.map((s) => s.key)).toEqual([key, key])
  expect(kept).toEqual([])
})

test('a batch that is refused for good is dropped, and failures make it wait longer', async () => {
  const t = start()
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
  t.allow(true)
  for (let i = 0; i < 20; i++) t.click('c' + i)
  await settle()
  expect(sent[0].events).toHaveLength(20)
  fail = new ApiError(0, 'net.offline', '')
  for (let i = 0; i < 2000; i++) {
    t.click('d' + i)
    await Promise.resolve()
  }
  await settle()
  expect(kept.length).toBeLessThanOrEqual(25)
})

test('taking consent back drops what waits', async () => {
  const t = start()
  t.allow(true)
  fail = new ApiError(0, 'net.offline', '')
  t.click('a')
  t.rest()
  await settle()
  t.allow(false)
  expect(kept).toEqual([])
  fail = undefined
  await t.flush()
  expect(sent).toHaveLength(1) // the one that was lost
})
