// Conditions: a tree of questions, as the server reads them. The builder edits groups of questions; deeper trees are kept as they are.
import { either, t } from './i18n'

export type CondField = { name: string; zh: string; en: string; type: 'int' | 'text' | 'set' | 'bool'; unit?: string; ops: string[] }
export type Leaf = { field: string; op: string; value: unknown }
export type Tree = Leaf | { all: Tree[] } | { any: Tree[] } | { not: Tree } | Record<string, never> | null | undefined
export type Group = { join: 'all' | 'any'; leaves: (Leaf | Group)[] }

const ops: Record<string, [string, string]> = {
  eq: ['等于', 'is'], ne: ['不等于', 'is not'], lt: ['小于', 'is less than'], lte: ['不大于', 'is at most'], gt: ['大于', 'is more than'], gte: ['不小于', 'is at least'], between: ['介于', 'is between'],
  in: ['属于', 'is one of'], nin: ['不属于', 'is none of'], prefix: ['开头为', 'starts with'], any_of: ['含任一', 'has any of'], all_of: ['全部含', 'has all of'], none_of: ['不含', 'has none of'],
}
export const opWord = (op: string) => (ops[op] ? t(ops[op][0], ops[op][1]) : op)
export const shape = (op: string): 'one' | 'pair' | 'many' => (op === 'between' ? 'pair' : ['in', 'nin', 'any_of', 'all_of', 'none_of'].includes(op) ? 'many' : 'one')

const isLeaf = (x: unknown): x is Leaf => typeof x === 'object' && x !== null && 'field' in x
export const isGroup = (x: Leaf | Group): x is Group => 'leaves' in x

/** Reads a tree into groups; null when it says something the builder does not show (a "not"). */
export function read(tree: Tree): Group | null {
  if (!tree || Object.keys(tree).length === 0) return { join: 'all', leaves: [] }
  if (isLeaf(tree)) return { join: 'all', leaves: [{ ...tree }] }
  const join = 'all' in tree ? 'all' : 'any' in tree ? 'any' : null
  if (!join) return null
  const leaves: (Leaf | Group)[] = []
  for (const kid of (tree as Record<string, Tree[]>)[join]) {
    const one = isLeaf(kid) ? { ...kid } : read(kid)
    if (!one) return null
    leaves.push(one)
  }
  return { join, leaves }
}

/** Writes groups as the server reads them; empty ones say nothing. */
export function write(g: Group): Tree {
  const kids = g.leaves.map((l) => (isGroup(l) ? write(l) : l)).filter((k) => k && Object.keys(k).length) as Tree[]
  if (!kids.length) return null
  return g.join === 'all' ? { all: kids } : { any: kids }
}

export function fresh(f: CondField): Leaf {
  const op = f.ops[0]
  return { field: f.name, op, value: blankValue(f, op) }
}
export function blankValue(f: CondField, op: string): unknown {
  if (f.type === 'bool') return true
  const zero = f.type === 'int' ? 0 : ''
  return shape(op) === 'pair' ? [0, 0] : shape(op) === 'many' ? [] : zero
}

const yuan = (v: unknown) => '¥' + Number(v) / 100

/** Says a condition in a sentence. */
export function say(tree: Tree, fields: CondField[]): string {
  if (!tree || Object.keys(tree).length === 0) return t('总是', 'Always')
  if (isLeaf(tree)) {
    const f = fields.find((x) => x.name === tree.field)
    const one = (v: unknown) => (f?.unit === 'fen' ? yuan(v) : String(v))
    const v = Array.isArray(tree.value) ? tree.value.map(one).join(shape(tree.op) === 'pair' ? t(' 至 ', ' and ') : t('、', ', ')) : one(tree.value)
    return `${f ? either(f) : tree.field} ${opWord(tree.op)} ${v}`
  }
  if ('not' in tree) return t('非（{x}）', 'not ({x})', { x: say((tree as { not: Tree }).not, fields) })
  const all = 'all' in tree
  const kids = (tree as Record<string, Tree[]>)[all ? 'all' : 'any']
  return kids.map((k) => (isLeaf(k) || kids.length === 1 ? say(k, fields) : `（${say(k, fields)}）`)).join(all ? t(' 且 ', ' and ') : t(' 或 ', ' or '))
}
