// What the pages of campaigns share: the kinds as the server describes them, states, and what a version says line by line.
import type { Row } from './api'
import { either, t } from './i18n'
import { saidBy, type Kind } from './rules'
import type { Form } from './schema'
import { time } from './format'

export type Version = Row<'/campaigns'>
export type Kinds = { data: Pick<Kind, 'name' | 'zh' | 'en' | 'form' | 'defaults'>[]; caps: Form }
export type Campaign = { id: string; kind: string; versions: Version[] }
export type Spec = { kind: string; zh: string; en: string; until?: number; settings: Record<string, unknown>; caps: Record<string, unknown> }

export function stateOf(v: Version, now = Date.now()): 'draft' | 'scheduled' | 'in_force' | 'over' {
  if (v.state === 'draft') return 'draft'
  if (v.state === 'retired' || (v.until && v.until <= now)) return 'over'
  return (v.from || 0) > now ? 'scheduled' : 'in_force'
}

/** The server lists versions, newest first; here they are gathered by campaign. */
export function gather(all: Version[]): Campaign[] {
  const out = new Map<string, Campaign>()
  for (const v of all) {
    const c = out.get(v.campaign_id) || { id: v.campaign_id, kind: v.kind, versions: [] }
    c.versions.push(v)
    out.set(v.campaign_id, c)
  }
  return [...out.values()]
}
/** The version a campaign is known by: what runs, else what is to come, else the newest. */
export const current = (c: Campaign) => c.versions.find((v) => stateOf(v) === 'in_force') || c.versions.find((v) => stateOf(v) === 'scheduled') || c.versions[0]
export const nameOf = (v: { zh: string; en: string }) => either(v)

const open = (v: unknown) => (typeof v === 'string' ? (JSON.parse(v || '{}') as Record<string, unknown>) : (v as Record<string, unknown>) || {})
export const specOf = (v: Version): Spec => ({ kind: v.kind, zh: v.zh, en: v.en, until: v.until, settings: open(v.settings), caps: { over: 'clip', ...open(v.caps) } })
export const emptySpec = (k: Kinds['data'][number]): Spec => ({ kind: k.name, zh: '', en: '', settings: { ...open(k.defaults) }, caps: { over: 'clip' } })

/** What a version says, line by line: for reading it and for comparing two. */
export function lines(s: Spec, kinds: Kinds): [string, string][] {
  const kind = kinds.data.find((k) => k.name === s.kind)
  const out: [string, string][] = [[t('名称', 'Name'), `${s.zh} / ${s.en}`], [t('种类', 'Kind'), either(kind) || s.kind], [t('结束', 'Ends'), s.until ? time(s.until) : t('长期', 'open')]]
  for (const f of kind?.form.fields || []) if (s.settings[f.name] !== undefined) out.push([either(f), saidBy(f, s.settings[f.name])])
  for (const f of kinds.caps.fields) if (s.caps[f.name] && (f.name !== 'over' || kinds.caps.fields.some((x) => x.name !== 'over' && s.caps[x.name]))) out.push([either(f), saidBy(f, s.caps[f.name])])
  return out
}
/** One line for a list: what it gives. */
export const gist = (s: Spec, kinds: Kinds) => lines(s, kinds).slice(3).map(([n, v]) => `${n.replace(/（.*?）|\s*\(.*?\)/, '')}${t('：', ': ')}${v}`).join(t('；', '; '))
