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
export type Line = S['EarnStatementLine']
export type MyTier = S['TierMyTierOut']
export type Perk = S['TierPerkOut']

export type Face = S['CentreFaceOut']
export type Theme = S['CentreThemeOut']
export type Nudge = S['CentreNudgeOut']
export type Task = S['CentreTaskOut']
export type Home = S['CentreHomeOut']
export type Code = S['MemberCodeOut']
export type Letter = { id: string; title: string; body: string; at: number; read_at?: number; page?: string }
export type Consent = S['MemberConsentOut']
export type Consents = S['MemberConsentsOut']
export type Joined = { is_new: boolean; token?: string; points?: number }
export type Agreements = S['MemberAgreementsOut']
export type Checkin = { open: boolean; today: number; done_today: boolean; streak: number; next_day: number; next_points: number; days: { day: number; points: number }[]; ladder: { day: number; points: number }[] }
export type Rules = { version: string; since: number; sections: { key: string; title: string; lines: string[] }[] }
export type MyData = { data: { kind: string; title: string; note: string; count: number }[]; points: number }
export type Month = S['EarnMonthLine']

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
