import { beforeEach, describe, expect, it } from 'vitest'
import { read, say, write, type CondField, type Group, type Tree } from './cond'
import { setLang } from './i18n'

const fields: CondField[] = [
  { name: 'order.amount_fen', zh: '订单金额', en: 'Order amount', type: 'int', unit: 'fen', ops: ['gte', 'between'] },
  { name: 'member.tier', zh: '会员等级', en: 'Tier', type: 'text', ops: ['eq', 'in'] },
]
const tree: Tree = { all: [{ field: 'order.amount_fen', op: 'gte', value: 5000 }, { any: [{ field: 'member.tier', op: 'in', value: ['gold', 'silver'] }, { field: 'order.amount_fen', op: 'between', value: [100, 200] }] }] }

describe('conditions', () => {
  beforeEach(() => setLang('zh'))
  it('are read into groups and written back as they were', () => expect(write(read(tree)!)).toEqual(tree))
  it('of one question become a group of one', () => expect(read({ field: 'member.tier', op: 'eq', value: 'gold' })).toEqual({ join: 'all', leaves: [{ field: 'member.tier', op: 'eq', value: 'gold' }] }))
  it('with a "not" are left alone by the builder', () => expect(read({ not: { field: 'member.tier', op: 'eq', value: 'gold' } })).toBeNull())
  it('that ask nothing are absent', () => {
    expect(write({ join: 'all', leaves: [] } as Group)).toBeNull()
    expect(write({ join: 'any', leaves: [{ join: 'all', leaves: [] }] })).toBeNull()
  })
  it('are said in a sentence of either language, money in yuan', () => {
    expect(say(tree, fields)).toBe('订单金额 不小于 ¥50 且 （会员等级 属于 gold、silver 或 订单金额 介于 ¥1 至 ¥2）')
    setLang('en')
    expect(say(tree, fields)).toBe('Order amount is at least ¥50 and （Tier is one of gold, silver or Order amount is between ¥1 and ¥2）')
    expect(say(null, fields)).toBe('Always')
  })
})
