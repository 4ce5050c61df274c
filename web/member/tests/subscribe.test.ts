import { beforeEach, expect, test, vi } from 'vitest'
import { pace } from '@/api/http'
import { learnSubscriptions, offer, wanted } from '@/stores/subscribe'
import { phone } from './phone'

const templates = (left: number) => ({ data: ['points_expiring', 'tier_up', 'tier_warned', 'announcement'].map((occasion, n) => ({ template: 'T' + n, occasion, name: occasion, left })) })
let asked: string[][] = []
let says: string[] = []

// What WeChat itself does: it shows its question and gives what was allowed.
vi.mock('@/platform', async (original) => ({
  ...(await original<object>()),
  canSubscribe: true,
  requestSubscriptions: async (ids: string[]) => {
    asked.push(ids)
    return ids.filter((id) => says.includes(id))
  },
}))

beforeEach(() => {
  asked = []
  says = ['T0', 'T2']
  pace.sleep = async () => {}
})
const learn = async (left = 0) => {
  phone.answers.push({ status: 200, body: templates(left) })
  await learnSubscriptions()
}

test('what was allowed is told to the service, under one key although an answer is lost', async () => {
  await learn()
  phone.answers.push('lost', { status: 201, body: templates(1) })
  expect(await offer(['points_expiring', 'tier_up', 'tier_warned'])).toBe(2)
  expect(asked).toEqual([['T0', 'T1', 'T2']])
  const told = phone.sent.slice(1)
  expect(told.map((s) => JSON.parse(s.data!))).toEqual([{ accepted: ['T0', 'T2'] }, { accepted: ['T0', 'T2'] }])
  expect(told[0].header['Idempotency-Key']).toBe(told[1].header['Idempotency-Key'])
  expect(wanted(['points_expiring'])).toBe(false)
})

test('nobody is asked for what they have allowed already, or for more than WeChat shows', async () => {
  await learn(1)
  expect(await offer(['points_expiring'])).toBe(0)
  await learn(0)
  says = []
  await offer(['points_expiring', 'tier_up', 'tier_warned', 'announcement'])
  expect(asked).toEqual([['T0', 'T1', 'T2']])
})

test('after a no it rests for a week, unless the member asks for it', async () => {
  await learn()
  says = []
  expect(await offer(['tier_up'])).toBe(0)
  says = ['T0', 'T1']
  expect(await offer(['tier_up'])).toBe(0)
  expect(asked).toHaveLength(1)
  phone.answers.push({ status: 201, body: templates(1) })
  expect(await offer(['points_expiring'], true)).toBe(1)
  expect(phone.sent.at(-1)?.method).toBe('POST')
})
