import { mount } from '@vue/test-utils'
import { nextTick } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import type { Field } from '@/lib/schema'
import SchemaForm from './SchemaForm.vue'

const fields: Field[] = [
  { name: 'min_fen', type: 'int', unit: 'fen', zh: '最低消费', en: 'Least amount' },
  { name: 'points', type: 'int', unit: 'points', zh: '积分', en: 'Points', required: true },
  { name: 'floating', type: 'bool', zh: '浮动', en: 'Floating' },
  { name: 'levels', type: 'list', zh: '等级', en: 'Tiers', fields: [{ name: 'growth', type: 'int', zh: '成长值', en: 'Growth' }] },
]

describe('a form the server describes', () => {
  it('shows fen as yuan and gives fen back', async () => {
    const w = mount(SchemaForm, { props: { modelValue: { min_fen: 1250, levels: [] }, fields, error: () => '' } })
    const input = w.get('input[aria-label="最低消费"], input[aria-label="Least amount"]')
    expect((input.element as HTMLInputElement).value).toBe('12.50')
    await input.setValue('20')
    await input.trigger('change')
    expect(w.emitted('update:modelValue')!.at(-1)![0]).toMatchObject({ min_fen: 2000 })
  })
  it('shows what is wrong beside the field and in the row of a list', async () => {
    const w = mount(SchemaForm, { props: { modelValue: { levels: [{ growth: 1 }, { growth: 2 }] }, fields, path: 'value', error: (p: string) => (p === 'value.points' ? '必填' : p === 'value.levels[1].growth' ? '太小' : '') } })
    await vi.waitFor(() => expect(w.text()).toContain('必填'))
    expect(w.findAll('tbody tr')[1].text()).toContain('太小')
    expect(w.findAll('tbody tr')[0].text()).not.toContain('太小')
  })
  it('takes a list of numbers as it is typed, letter by letter', async () => {
    const daily: Field[] = [{ name: 'daily', type: 'ints', zh: '每日', en: 'Daily' }]
    const w = mount(SchemaForm, { props: { modelValue: { daily: [5, 6] }, fields: daily, error: () => '' } })
    const input = w.get('input')
    await input.setValue('5, 6, 7')
    await nextTick()
    expect((input.element as HTMLInputElement).value).toBe('5, 6, 7')
    await input.trigger('change')
    expect(w.emitted('update:modelValue')!.at(-1)![0]).toEqual({ daily: [5, 6, 7] })
  })
})
