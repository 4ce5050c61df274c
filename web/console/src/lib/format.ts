// How numbers, money and times are shown. Times are those of the installation's zone, not of the browser.
import { en, t } from './i18n'
import { session } from './session'

const locale = () => (en.value ? 'en-GB' : 'zh-CN')
export const DAY = 86_400_000

export const int = (n?: number | null) => (n === undefined || n === null ? '—' : n.toLocaleString('en-US'))
export const signed = (n: number) => (n > 0 ? '+' : '') + n.toLocaleString('en-US')
export const yuan = (fen?: number | null) => (fen === undefined || fen === null ? '—' : (fen < 0 ? '-' : '') + '¥' + (Math.abs(fen) / 100).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 }))
/** Money in a figure of a card: no fen above 10,000 yuan. */
export const yuanShort = (fen: number) => (Math.abs(fen) >= 1_000_000 ? '¥' + Math.round(fen / 100).toLocaleString('en-US') : yuan(fen))
export const percent = (share: string | number, digits = 1) => (Number(share) * 100).toFixed(digits) + '%'

const parts = (ms: number) => {
  const p = new Intl.DateTimeFormat('en-CA', { timeZone: session.zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).formatToParts(ms)
  return Object.fromEntries(p.map((x) => [x.type, x.value])) as Record<string, string>
}

export const date = (ms?: number) => {
  if (!ms) return '—'
  const p = parts(ms)
  return `${p.year}-${p.month}-${p.day}`
}
export const time = (ms?: number) => {
  if (!ms) return '—'
  const p = parts(ms)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}`
}
export const clock = (ms: number) => {
  const p = parts(ms)
  return `${p.hour}:${p.minute}:${p.second}`
}
/** A local day such as 20260131. */
export const day = (n?: number) => (n ? `${String(n).slice(0, 4)}-${String(n).slice(4, 6)}-${String(n).slice(6)}` : '—')
export const dayOf = (ms: number) => Number(date(ms).replaceAll('-', ''))
export const monthOf = (n: number) => `${String(n).slice(0, 4)}-${String(n).slice(4, 6)}`

/** How far a zone is from UTC at an instant, in milliseconds. */
function offset(ms: number) {
  const p = parts(ms)
  return Date.UTC(+p.year, +p.month - 1, +p.day, +p.hour, +p.minute, +p.second) - Math.floor(ms / 1000) * 1000
}
/** The instant at which a local day begins, from "2026-01-31". */
export function startOfDay(text: string) {
  const [y, m, d] = text.split('-').map(Number)
  const guess = Date.UTC(y, m - 1, d)
  return guess - offset(guess - offset(guess))
}

export function ago(ms?: number) {
  if (!ms) return '—'
  const s = Math.round((ms - Date.now()) / 1000)
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' })
  for (const [unit, size] of [['day', 86400], ['hour', 3600], ['minute', 60]] as const) if (Math.abs(s) >= size) return f.format(Math.trunc(s / size), unit)
  return t('刚刚', 'just now')
}

export const bytes = (n: number) => (n >= 1 << 30 ? (n / (1 << 30)).toFixed(1) + ' GB' : n >= 1 << 20 ? (n / (1 << 20)).toFixed(1) + ' MB' : Math.ceil(n / 1024) + ' KB')
/** An id is long; its end tells rows apart. */
export const short = (id: string) => (id.length > 10 ? '…' + id.slice(-8) : id)

/** A browser as people call it, from what it calls itself: what nobody knows stands as it is. */
export function browser(agent: string) {
  const name = [['Edg/', 'Edge'], ['MicroMessenger/', 'WeChat'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Version/', 'Safari']].find(([mark]) => agent.includes(mark))
  const system = [['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Windows', 'Windows'], ['Mac OS X', 'macOS'], ['Linux', 'Linux']].find(([mark]) => agent.includes(mark))
  if (!name) return agent.slice(0, 60) || '—'
  return name[1] + ' ' + (agent.split(name[0])[1]?.match(/^\d+/)?.[0] || '') + (system ? t('，', ' on ') + system[1] : '')
}
