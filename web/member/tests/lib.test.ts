import { beforeEach, expect, test } from 'vitest'
import { speak, t } from '@/i18n'
import { en } from '@/i18n/en'
import { zh } from '@/i18n/zh'
import { monthCells, shiftMonth } from '@/lib/calendar'
import { code128, symbols } from '@/lib/code128'
import { brandVars, contrast, inkOn, parse, readable } from '@/lib/colour'
import { qrPicture } from '@/lib/qr'
import { byMonth, count, day, daysUntil, lastDay, moment, money, signed } from '@/lib/text'
import { readEntry } from '@/stores/entry'

beforeEach(() => speak('zh'))

test('both languages have all words, with the same places to fill in', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort())
  const places = (s: string) => (s.match(/\{\w+\}/g) ?? []).sort()
  for (const k of Object.keys(zh) as (keyof typeof zh)[]) expect([k, places(en[k])]).toEqual([k, places(zh[k])])
  expect(t('home.ahead', { n: 87 })).toBe('已超越 87% 的会员')
  speak('en')
  expect(t('home.missing', { n: 7, tier: 'Gold' })).toBe('7 more growth to Gold')
})

test('days are those of the shop, and end before midnight', () => {
  const ms = Date.UTC(2026, 10, 30, 16, 30) // 00:30 on 1 December in Shanghai
  expect(day(ms, ms)).toBe('12月1日')
  expect(moment(ms)).toContain('00:30')
  const midnight = Date.UTC(2026, 11, 31, 16)
  expect(lastDay(midnight)).toContain('12月31日')
  expect(daysUntil(midnight - 1, Date.UTC(2026, 11, 30, 15, 59))).toBe(1)
  speak('en')
  expect(day(ms, Date.UTC(2027, 5, 1))).toBe('1 Dec 2026')
})

test('money and numbers are exact', () => {
  expect([money(0), money(5), money(123456), money(-1050), money(200)]).toEqual(['¥0', '¥0.05', '¥1,234.56', '−¥10.50', '¥2'])
  expect([count(1234567), signed(12), signed(-3400), signed(0)]).toEqual(['1,234,567', '+12', '−3,400', '0'])
})

test('a list falls into months in its order', () => {
  const at = (m: number, d: number) => Date.UTC(2026, m - 1, d)
  const groups = byMonth([at(11, 20), at(11, 1), at(10, 31)], (x) => x)
  expect(groups.map((g) => [g.key, g.title, g.rows.length])).toEqual([['2026-11', '2026年11月', 2], ['2026-10', '2026年10月', 1]])
})

test('a barcode says what it should', () => {
  expect(symbols('PJJ123C')).toEqual([104, 48, 42, 42, 17, 18, 19, 35, 55, 106]) // 104 + 48·1 + 42·2 + … = 879, less 8 × 103
  expect(symbols('28')).toEqual([105, 28, 30, 106]) // 105 + 28 = 133, less 103
  const twenty = symbols('28000714105522679432')
  expect(twenty).toHaveLength(13) // start, ten pairs, sum, stop
  const { bars, modules } = code128('28000714105522679432')
  expect(modules).toBe(12 * 11 + 13)
  expect(bars[0]).toEqual({ at: 0, width: 2 })
  expect(bars[bars.length - 1]).toEqual({ at: modules - 2, width: 2 })
  expect(() => symbols('会员')).toThrow(RangeError)
})

test('a QR code is a bitmap of its modules', () => {
  const bytes = Uint8Array.from(atob(qrPicture('28000714105522679432', 4).split(',')[1]), (c) => c.charCodeAt(0))
  const v = new DataView(bytes.buffer)
  expect(String.fromCharCode(bytes[0], bytes[1])).toBe('BM')
  expect(v.getUint32(2, true)).toBe(bytes.length)
  const side = v.getInt32(18, true)
  expect(side % 4).toBe(0)
  const stride = Math.ceil(side / 32) * 4
  const dark = (x: number, y: number) => !!(bytes[62 + (side - 1 - y) * stride + (x >> 3)] & (0x80 >> (x & 7)))
  expect([dark(0, 0), dark(8, 8), dark(8 + 4, 8 + 4), dark(8 + 8, 8 + 8)]).toEqual([false, true, false, true]) // the quiet zone, then the finder's frame, gap and eye
})

test('whatever a brand chooses can be read', () => {
  for (const primary of ['#0f5c4d', '#ffe100', '#ffffff', '#000000', '#e60012', '#c8a45c', 'nonsense']) {
    const v = brandVars({ primary, accent: '#c8873c', paper: '#f6f5f2', dark_paper: '#121413' })
    expect(contrast(parse(v['--brand']), parse(v['--on-brand']))).toBeGreaterThanOrEqual(4.5)
    for (const [ink, ground] of [['--accent-l', '--ground-l'], ['--accent-l', '--sunk-l'], ['--accent-l', '--soft-l'], ['--accent-d', '--ground-d'], ['--accent-d', '--sunk-d'], ['--accent-d', '--soft-d'], ['--warm-ink-l', '--warm-l'], ['--warm-ink-d', '--warm-d']])
      expect([primary, ink, ground, contrast(parse(v[ink]), parse(v[ground])) >= 4.5]).toEqual([primary, ink, ground, true])
  }
  expect(inkOn(parse('#ffe100'))).not.toEqual([255, 255, 255])
  expect(contrast(readable(parse('#f2a900'), [255, 255, 255]), [255, 255, 255])).toBeGreaterThanOrEqual(4.5)
})

test('where a member came from is read from addresses and from scenes', () => {
  expect(readEntry({ ch: 'poster', store: 'W-01', lang: 'en' })).toEqual({ channel: 'poster', store: 'W-01' })
  expect(readEntry({ scene: encodeURIComponent('s=W-01&c=12&h=cashier') })).toEqual({ store: 'W-01', clerk: '12', channel: 'cashier' })
  expect(readEntry({ scene: 'x&y=1' })).toEqual({})
  expect(readEntry({ scene: 'l=brand-zone' })).toEqual({ link: 'brand-zone' })
  expect(readEntry({ l: 'brand-zone', s: 'W-01', c: '12' })).toEqual({ link: 'brand-zone', store: 'W-01', clerk: '12' })
  expect(readEntry({ scene: '100%', utm_source: 'x'.repeat(80), l: 'y'.repeat(80) })).toEqual({ source: 'x'.repeat(32), link: 'y'.repeat(24) })
})

test('a month is in weeks from Monday, whatever day it begins with', () => {
  expect(monthCells(202607).slice(0, 4)).toEqual([0, 0, 1, 2]) // a Wednesday
  expect(monthCells(202602)).toHaveLength(35) // begins on a Sunday: 6 of the week before
  expect(monthCells(202602).filter(Boolean)).toHaveLength(28)
  expect(monthCells(202802).filter(Boolean)).toHaveLength(29)
  expect([shiftMonth(202601, -1), shiftMonth(202612, 1), shiftMonth(202607, -12)]).toEqual([202512, 202701, 202507])
})
