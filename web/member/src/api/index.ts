// What the pages ask of the service. The shapes are those of the API reference (web/contract).
import type { components } from '@contract/openapi'
import { ask, justBegun } from './http'
import type { Batch } from '@/track/tracker'

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
export type Email = S['EntryEmailOut']
export type Badges = S['RecognitionBadgesOut']
export type Badge = S['RecognitionBadgeOut']
export type Code = S['MemberCodeOut']
export type Letter = { id: string; occasion: string; title: string; body: string; page: string; at: number; read: boolean }
export type Consent = S['MemberConsentOut']
export type Consents = S['MemberConsentsOut']
/** That somebody agreed, and where they came from. */
export type Agreed = { version: string; channel?: string; store?: string; clerk?: string; source?: string; invite?: string; link?: string }
export type Session = { state: 'in' | 'agree'; is_new: boolean; phone: boolean; token?: string; ticket?: string }
export type Agreements = S['MemberAgreementsOut']
export type Month = S['EarnMonthLine']
export type Calendar = S['CampaignCalendarOut']
export type CheckedIn = S['CampaignCheckInOut']
export type Rules = S['CentreHelpOut']
export type Closure = S['PrivacyClosureOut']
export type Copy = S['PrivacyExportOut']
export type Access = S['PrivacyAccessOut']

type Page<T> = { data: T[]; next?: string }

export interface StatementQuery {
  cursor?: string
  limit?: number
  direction?: 'in' | 'out'
  kind?: 'expire'
  month?: number
}

export const api = {
  theme: () => ask<Theme>('/theme'),
  home: () => ask<Home>('/me/home', { query: { early: justBegun() || undefined } }),
  me: () => ask<Me>('/me'),
  code: () => ask<Code>('/me/codes', { method: 'POST' }),
  tier: () => ask<MyTier>('/me/tier'),
  statement: (q: StatementQuery) => ask<Page<Line>>('/me/statement', { query: { limit: 30, ...q } }),
  months: () => ask<{ data: Month[] }>('/me/statement/months'),
  expiring: () => ask<Expiring>('/me/expiring', { query: { days: 400 } }),
  orders: (cursor: string, limit = 20) => ask<Page<Order>>('/me/orders', { query: { limit, cursor } }),
  order: (id: string) => ask<OrderDetail>(`/me/orders/${id}/why`),
  saveProfile: (key: string, body: ProfileFields) => ask<S['MemberPutProfileOut']>('/me/profile', { method: 'PUT', key, body }),
  inbox: (cursor: string, limit = 20) => ask<Page<Letter>>('/me/messages', { query: { limit, cursor } }),
  readLetters: (key: string, body: { ids?: string[]; up_to?: string }) => ask<unknown>('/me/messages/read', { method: 'PUT', key, body }),
  consents: () => ask<Consents>('/me/consents'),
  setConsent: (key: string, purpose: string, given: boolean, version?: string) => ask<unknown>(`/me/consents/${purpose}`, { method: 'PUT', key, body: given ? { given, version } : { given } }),
  agreements: () => ask<Agreements>('/agreements'),
  askCode: (phone: string) => ask<{ again_after: number }>('/phone-codes', { method: 'POST', body: { phone } }),
  enter: (body: { phone: string; code: string; agreement: Agreed; client: 'web' | 'mini' }) => ask<Session>('/session', { method: 'POST', body }),
  enterWechat: (body: { code?: string; ticket?: string; phone_code?: string; agreement?: Agreed }) => ask<Session>('/wechat-session', { method: 'POST', body }),
  bindPhone: (key: string, phone: string, code: string) => ask<unknown>('/me/phone', { method: 'POST', key, body: { phone, code } }),
  email: () => ask<Email>('/me/email'),
  askMail: (email: string) => ask<{ again_after: number }>('/me/email-codes', { method: 'POST', body: { email } }),
  bindEmail: (key: string, email: string, code: string) => ask<Email>('/me/email', { method: 'POST', key, body: { email, code } }),
  dropEmail: (key: string) => ask<Email>('/me/email', { method: 'DELETE', key }),
  wechatApp: (url: string) => ask<{ app_id: string }>('/wechat/js-config', { query: { url } }),
  logout: () => ask<unknown>('/session', { method: 'DELETE' }),
  subscriptions: () => ask<S['MessageSubscriptionsOut']>('/me/subscriptions'),
  subscribe: (key: string, accepted: string[]) => ask<S['MessageSubscriptionsOut']>('/me/subscriptions', { method: 'POST', key, body: { accepted } }),
  calendar: (month?: number) => ask<Calendar>('/me/checkin', { query: { month } }),
  checkIn: (key: string) => ask<CheckedIn>('/me/checkins', { method: 'POST', key }),
  doTask: (key: string, task: 'browse') => ask<S['CampaignTaskDoneOut']>(`/me/tasks/${task}`, { method: 'POST', key }),
  badges: () => ask<Badges>('/me/badges'),
  rules: () => ask<Rules>('/rules'),
  closure: () => ask<Closure>('/me/closure'),
  close: (key: string, points: number) => ask<Closure>('/me/closure', { method: 'POST', key, body: { points } }),
  stay: (key: string) => ask<Closure>('/me/closure', { method: 'DELETE', key }),
  copies: () => ask<{ data: Copy[] }>('/me/exports'),
  askCopy: (key: string) => ask<Copy>('/me/exports', { method: 'POST', key }),
  copy: (id: string) => ask<{ name: string; content: unknown }>(`/me/exports/${id}/content`),
  accesses: (cursor: string, limit = 20) => ask<Page<Access>>('/me/access-log', { query: { limit, cursor } }),
  track: (batch: Batch) => ask<S['TrackEventsOut']>('/me/events', { method: 'POST', body: batch }),
}
