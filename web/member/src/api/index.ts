// What the pages ask of the service. The shapes are those of the API reference (web/contract).
import type { components } from '@contract/openapi'
import { ask } from './http'
import type { Event } from '@/track/tracker'

type S = components['schemas']

export type Me = S['MemberMeOut']
export type Expiring = S['PointsExpiringOut']
export type Order = S['EarnOrderFacts']
export type OrderDetail = S['EarnOrderDetail']
export type ProfileFields = S['MemberProfileFields']
export type Line = S['EarnStatementLine'] & { title?: string }
export type MyTier = Omit<S['TierMyTierOut'], 'levels'> & { levels: (S['TierLevelOut'] & { perks?: Perk[] })[] }
export type Perk = { icon: string; name: string; note?: string }

export type Face = { tier: string; from: string; to: string; ink: string; image_url?: string }
export type Theme = {
  name: string; slogan?: string; points_name: string; logo_url?: string; primary: string; accent: string; paper: string; dark_paper: string; service_phone?: string; faces: Face[]
}
export type Nudge = { kind: string; title: string; note?: string; page: string; n: number; at?: number }
export type Task = { key: string; title: string; points: number; done: boolean; until_at?: number }
export type Home = {
  now: number; member_no: string; nickname?: string; status: string; joined_at: number; ahead_percent: number
  card: { tier: string; name: string; rank: number; until_at?: number; face: Face }
  progress: { growth: number; percent: number; keep_growth: number; brings: Perk[]; next?: { tier: string; name: string; growth: number; missing_growth: number; brings: Perk[]; face: Face } }
  points: { balance: number; available: number; pending: number; held: number; frozen: number; debt: number; worth_fen: number; expiring: number; expiring_at?: number }
  nudges: Nudge[]; tasks: Task[]
}
export type Code = { code: string; expires_at: number; refresh_at: number; now: number }
export type Letter = { id: string; title: string; body: string; at: number; read_at?: number; page?: string }
export type Consent = { key: string; name: string; note: string; given: boolean; required: boolean; at?: number }
export type Consents = { version: string; ask_again: boolean; minor: boolean; purposes: Consent[] }
export type Joined = { is_new: boolean; token?: string; points?: number }
export type Agreements = { version: string; label: string; from_at: number; changes?: string; terms: { title: string; text: string }; privacy: { title: string; text: string } }
export type Checkin = { open: boolean; today: number; done_today: boolean; streak: number; next_day: number; next_points: number; days: { day: number; points: number }[]; ladder: { day: number; points: number }[] }
export type Rules = { version: string; since: number; sections: { key: string; title: string; lines: string[] }[] }
export type MyData = { data: { kind: string; title: string; note: string; count: number }[]; points: number }
export type Month = { month: number; in: number; out: number; expired: number; entries: number }

type Page<T> = { data: T[]; next?: string }

export interface StatementQuery {
  cursor?: string
  direction?: 'in' | 'out'
  kind?: 'expire'
  month?: number
}

export const api = {
  theme: () => ask<Theme>('/theme'),
  home: () => ask<Home>('/me/home'),
  me: () => ask<Me>('/me'),
  code: () => ask<Code>('/me/codes', { method: 'POST' }),
  tier: () => ask<MyTier>('/me/tier'),
  statement: (q: StatementQuery) => ask<Page<Line>>('/me/statement', { query: { limit: 30, ...q } }),
  months: () => ask<{ data: Month[] }>('/me/statement/months'),
  expiring: () => ask<Expiring>('/me/expiring', { query: { days: 400 } }),
  orders: (cursor: string) => ask<Page<Order>>('/me/orders', { query: { limit: 20, cursor } }),
  order: (id: string) => ask<OrderDetail>(`/me/orders/${id}/why`),
  saveProfile: (key: string, body: ProfileFields) => ask<S['MemberPutProfileOut']>('/me/profile', { method: 'PUT', key, body }),
  unread: () => ask<{ unread: number }>('/me/inbox/unread'),
  inbox: (cursor: string) => ask<Page<Letter>>('/me/inbox', { query: { limit: 20, cursor } }),
  readLetter: (key: string, id: string) => ask<unknown>(`/me/inbox/${id}/reading`, { method: 'PUT', key }),
  readAll: (key: string) => ask<unknown>('/me/inbox/reading', { method: 'PUT', key }),
  checkin: (month?: number) => ask<Checkin>('/me/checkin', { query: { month } }),
  checkIn: (key: string) => ask<{ points: number }>('/me/checkins', { method: 'POST', key, body: {} }),
  consents: () => ask<Consents>('/me/consents'),
  setConsent: (key: string, purpose: string, given: boolean, version?: string) => ask<unknown>(`/me/consents/${purpose}`, { method: 'PUT', key, body: given ? { given, version } : { given } }),
  myData: () => ask<MyData>('/me/data'),
  exportData: (key: string) => ask<unknown>('/me/exports', { method: 'POST', key, body: {} }),
  close: (key: string) => ask<unknown>('/me/closure', { method: 'POST', key, body: {} }),
  rules: () => ask<Rules>('/rules'),
  agreements: () => ask<Agreements>('/agreements'),
  askCode: (key: string, phone: string) => ask<{ again_after: number }>('/phone-codes', { method: 'POST', key, body: { phone } }),
  enter: (key: string, body: unknown) => ask<Joined>('/session', { method: 'POST', key, body }),
  enterWechat: (key: string, body: unknown) => ask<Joined>('/wechat-session', { method: 'POST', key, body }),
  logout: () => ask<unknown>('/session', { method: 'DELETE' }),
  track: (events: Event[], key: string) => ask<unknown>('/events', { method: 'POST', key, body: { events } }),
}
