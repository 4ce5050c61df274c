import { lang } from '@/i18n'

const pad = (n: number) => String(n).padStart(2, '0')

/** The zone of the programme: natural days are the shop's, wherever the phone is. */
const zoneOffset = 8 * 3600_000

function parts(ms: number) {
  const d = new Date(ms + zoneOffset)
  return { y: d.getUTCFullYear(), m: d.getUTCMonth() + 1, d: d.getUTCDate(), h: d.getUTCHours(), min: d.getUTCMinutes() }
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function day(ms: number, now = Date.now()): string {
  const p = parts(ms)
  if (lang.value === 'en') return `${p.d} ${months[p.m - 1]}` + (p.y === parts(now).y ? '' : ` ${p.y}`)
  return (p.y === parts(now).y ? '' : `${p.y}年`) + `${p.m}月${p.d}日`
}

/** The last day on which something still holds that ends at an instant. */
export const lastDay = (ms: number): string => day(ms - 1)

export const clock = (ms: number): string => `${pad(parts(ms).h)}:${pad(parts(ms).min)}`

export const moment = (ms: number): string => `${day(ms)} ${clock(ms)}`

export function month(ms: number): string {
  const p = parts(ms)
  return lang.value === 'en' ? `${months[p.m - 1]} ${p.y}` : `${p.y}年${p.m}月`
}

/** A month as the service counts them, such as 202607. */
export const monthName = (m: number): string => (lang.value === 'en' ? `${months[(m % 100) - 1]} ${Math.floor(m / 100)}` : `${Math.floor(m / 100)}年${m % 100}月`)

export const monthKey = (ms: number): string => `${parts(ms).y}-${pad(parts(ms).m)}`

export const dayNumber = (ms: number): number => parts(ms).y * 10000 + parts(ms).m * 100 + parts(ms).d

/** Days until an instant, counted in natural days. */
export function daysUntil(ms: number, now = Date.now()): number {
  const midnight = (at: number) => Math.floor((at + zoneOffset) / 86_400_000)
  return midnight(ms) - midnight(now)
}

export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

export const bytes = (n: number): string => (n < 1024 * 1024 ? `${Math.max(1, Math.round(n / 1024))} KB` : `${(n / 1024 / 1024).toFixed(1)} MB`)

export const signed = (n: number): string => (n > 0 ? '+' : n < 0 ? '−' : '') + count(Math.abs(n))

export function money(fen: number): string {
  const whole = Math.trunc(Math.abs(fen) / 100)
  const rest = Math.abs(fen) % 100
  return (fen < 0 ? '−' : '') + '¥' + count(whole) + (rest ? '.' + pad(rest) : '')
}

/** A list in runs of the same month, in the order it came. */
export function byMonth<T>(rows: T[], at: (row: T) => number): { key: string; title: string; rows: T[] }[] {
  const out: { key: string; title: string; rows: T[] }[] = []
  for (const row of rows) {
    const key = monthKey(at(row))
    if (out[out.length - 1]?.key !== key) out.push({ key, title: month(at(row)), rows: [] })
    out[out.length - 1].rows.push(row)
  }
  return out
}
