import { describe, expect, it } from 'vitest'
import { browser, date, day, DAY, dayOf, int, percent, startOfDay, time, yuan } from './format'
import { session } from './session'

describe('browsers', () => {
  it('are called as people call them', () => {
    const of = (rest: string, system = 'Windows NT 10.0; Win64; x64') => browser(`Mozilla/5.0 (${system}) ${rest}`)
    expect(of('AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.87')).toMatch(/^Edge 126.*Windows$/)
    expect(of('AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15', 'Macintosh; Intel Mac OS X 10_15_7')).toMatch(/^Safari 17.*macOS$/)
    expect(of('AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36', 'Linux; Android 14')).toMatch(/^Chrome 125.*Android$/)
    expect(browser('curl/8.5.0')).toBe('curl/8.5.0')
    expect(browser('')).toBe('—')
  })
})

describe('figures and times', () => {
  it('show fen as yuan, also below nothing', () => {
    expect(yuan(123456)).toBe('¥1,234.56')
    expect(yuan(-5)).toBe('-¥0.05')
    expect(yuan(undefined)).toBe('—')
    expect(int(1234567)).toBe('1,234,567')
    expect(percent('0.1255')).toBe('12.6%')
  })
  it('are those of the installation, whatever the browser thinks', () => {
    session.zone = 'Asia/Shanghai'
    const late = Date.UTC(2026, 0, 31, 16, 30) // 00:30 of February in Shanghai
    expect(time(late)).toBe('2026-02-01 00:30')
    expect(dayOf(late)).toBe(20260201)
    expect(startOfDay('2026-02-01')).toBe(Date.UTC(2026, 0, 31, 16))
  })
  it('begin a day where the clocks change', () => {
    session.zone = 'Europe/Berlin'
    expect(startOfDay('2026-03-29')).toBe(Date.UTC(2026, 2, 28, 23))
    expect(startOfDay('2026-03-30') - startOfDay('2026-03-29')).toBe(DAY - 3_600_000)
    expect(date(startOfDay('2026-10-25'))).toBe('2026-10-25')
    session.zone = 'Asia/Shanghai'
  })
  it('write days as people do', () => expect(day(20260131)).toBe('2026-01-31'))
})
