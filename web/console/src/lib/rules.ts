// What the rule pages share: the kinds as the server describes them, states, sentences, differences.
import type { Reply } from './api'
import { say, type CondField, type Tree } from './cond'
import { int, yuan } from './format'
import { either, t } from './i18n'
import type { Field, Form } from './schema'
import { word } from './words'

export type Rule = Reply<'/rules'>['data'][number]
export type Version = Rule['versions'][number]
export type Spec = Version['spec']
export type Kind = { name: string; zh: string; en: string; on: string; form: Form; defaults: Record<string, unknown> }
export type Kinds = { data: Kind[]; fields: CondField[]; caps: Form }

export function stateOf(v: Version): 'draft' | 'in_force' | 'scheduled' | 'retired' | 'published' {
  if (v.state === 'draft') return 'draft'
  if (v.in_force) return 'in_force'
  if (v.state === 'published' && v.from > Date.now()) return 'scheduled'
  return v.state === 'retired' || (v.until && v.until <= Date.now()) ? 'retired' : 'published'
}
export const newest = (r: Rule) => r.current || r.versions[r.versions.length - 1]
export const nameOf = (v: { spec: Spec }) => either(v.spec)

/** What a field of a form says, in words. */
export function saidBy(f: Field, v: unknown): string {
  if (f.options) return either(f.options.find((o) => o.value === v)) || String(v)
  if (typeof v === 'boolean') return v ? t('是', 'yes') : t('否', 'no')
  if (f.type === 'list') return (v as Record<string, unknown>[]).map((x) => (f.fields || []).filter((s) => x[s.name] !== false).map((s) => (x[s.name] === true ? either(s) : `${either(s)} ${saidBy(s, x[s.name])}`)).join(t('、', ', '))).join(t('；', '; ')) || t('没有', 'none')
  if (Array.isArray(v)) return v.join(' · ')
  return f.unit === 'fen' ? yuan(Number(v)) : typeof v === 'number' ? int(v) : String(v)
}

/** What a version says, line by line: for reading it and for comparing two. */
export function lines(s: Spec, kinds: Kinds): [string, string][] {
  const kind = kinds.data.find((k) => k.name === s.kind)
  const settings = (s.settings || {}) as Record<string, unknown>
  const caps = (s.caps || {}) as Record<string, unknown>
  const out: [string, string][] = [
    [t('名称', 'Name'), `${s.zh} / ${s.en}`],
    [t('种类', 'Kind'), either(kind) || s.kind],
    [t('何时', 'When'), word('on', kind?.on || '')],
    [t('条件', 'Condition'), say(s.when as Tree, kinds.fields)],
  ]
  for (const f of kind?.form.fields || []) if (settings[f.name] !== undefined) out.push([either(f), saidBy(f, settings[f.name])])
  out.push([t('奖励', 'Gives'), word('asset', s.asset) + (s.asset === 'points' ? ' · ' + word('class', s.class) : '')])
  const capped = kinds.caps.fields.some((f) => f.name !== 'over' && caps[f.name])
  for (const f of kinds.caps.fields) if (caps[f.name] && (f.name !== 'over' || capped)) out.push([either(f), saidBy(f, caps[f.name])])
  out.push([t('优先级', 'Priority'), String(s.priority ?? 0)])
  if (s.group) out.push([t('互斥组', 'Group'), s.group])
  if (s.stop) out.push([t('给出后停止', 'Stops the rest'), t('是', 'yes')])
  if (s.bearer) out.push([t('成本承担方', 'Cost carried by'), s.bearer])
  return out
}

/** One sentence for a list. */
export function gist(s: Spec, kinds: Kinds): string {
  const kind = kinds.data.find((k) => k.name === s.kind)
  const settings = (s.settings || {}) as Record<string, unknown>
  const parts = (kind?.form.fields || []).filter((f) => settings[f.name] !== undefined && settings[f.name] !== false && settings[f.name] !== 0).map((f) => (settings[f.name] === true ? either(f) : `${either(f)} ${saidBy(f, settings[f.name])}`))
  const when = say(s.when as Tree, kinds.fields)
  return parts.join(t('，', ', ')) + (when === t('总是', 'Always') ? '' : t('；当 ', '; when ') + when)
}

/** Lines of two versions beside each other; changed ones are marked. */
export function compare(a: [string, string][], b: [string, string][]) {
  const names = [...new Set([...a, ...b].map(([n]) => n))]
  const of = (l: [string, string][], n: string) => l.find(([x]) => x === n)?.[1] ?? '—'
  return names.map((name) => ({ name, was: of(a, name), now: of(b, name), changed: of(a, name) !== of(b, name) }))
}

export const emptySpec = (kind: Kind): Spec => ({ kind: kind.name, zh: '', en: '', asset: 'points', class: kind.on === 'order.paid' && kind.name === 'per_yuan' ? 1 : 2, priority: 10, settings: { ...kind.defaults }, when: null, caps: { over: 'clip' } }) as unknown as Spec
