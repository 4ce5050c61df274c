// The forms the server describes: of rule kinds, caps and settings.
import { t } from './i18n'

export type Field = {
  name: string; type: 'int' | 'rate' | 'bool' | 'text' | 'ints' | 'texts' | 'object' | 'list' | 'cond' | 'rates'; zh: string; en: string; help?: string; help_en?: string
  required?: boolean; unit?: string; min?: number; max?: number; options?: { value: string; zh: string; en: string }[]; fields?: Field[]
}
export type Form = { fields: Field[] }

export function unitOf(f: Field) {
  switch (f.unit) {
    case 'points': return t('积分', 'points')
    case 'days': return t('天', 'days')
    case 'months': return t('个月', 'months')
    case 'percent': return '%'
    default: return ''
  }
}

/** Texts that take more than a line; 2000 is what a text may have that says nothing of it. */
export const isLong = (f: Field) => f.type === 'text' && !f.options && Number(f.max || 0) > 250 && Number(f.max) !== 2000

/** A value that is a colour is chosen as one. */
export const isColour = (v: unknown) => typeof v === 'string' && /^#[0-9a-f]{6}$/i.test(v)

/** A new item of a list. */
export const blank = (fields: Field[]) => Object.fromEntries(fields.map((f) => [f.name, f.type === 'int' ? 0 : f.type === 'bool' ? false : f.type === 'list' || f.type === 'ints' ? [] : f.type === 'rate' ? '1' : f.options ? f.options[0].value : '']))
