import { effectScope, nextTick } from 'vue'
import { beforeEach, describe, expect, it } from 'vitest'
import { Problem } from './api'
import { useForm } from './form'

const inScope = <T>(f: () => T) => effectScope().run(f)!

describe('a form', () => {
  beforeEach(() => sessionStorage.clear())

  it('keeps what was typed through a reload, until it is sent', async () => {
    const first = inScope(() => useForm({ name: '', n: 1 }, { draft: 'x' }))
    first.values.name = '周末'
    await nextTick()
    const reloaded = inScope(() => useForm({ name: '', n: 1 }, { draft: 'x' }))
    expect(reloaded.values).toEqual({ name: '周末', n: 1 })
    expect(reloaded.restored).toBe(true)
    await reloaded.submit(async () => 'ok')
    expect(inScope(() => useForm({ name: '', n: 1 }, { draft: 'x' })).values.name).toBe('')
  })

  it('lets what was typed win over what is loaded later', async () => {
    const first = inScope(() => useForm({ name: '' }, { draft: 'y' }))
    first.values.name = 'typed'
    await nextTick()
    const later = inScope(() => useForm({ name: '' }, { draft: 'y' }))
    later.base({ name: 'loaded' })
    expect(later.values.name).toBe('typed')
    const fresh = inScope(() => useForm({ name: '' }))
    fresh.base({ name: 'loaded' })
    expect(fresh.values.name).toBe('loaded')
  })

  it('sends again under the same key when the answer got lost, and under a new one when it changed', async () => {
    const f = inScope(() => useForm({ n: 1 }))
    const keys: string[] = []
    const lost = async (k: string) => { keys.push(k); throw new Problem(0, 'network', 'lost') }
    await f.submit(lost)
    await f.submit(lost)
    expect(keys[0]).toBe(keys[1])
    f.values.n = 2
    await f.submit(lost)
    expect(keys[2]).not.toBe(keys[1])
  })

  it('takes a new key after a refusal', async () => {
    const f = inScope(() => useForm({ n: 1 }))
    const keys: string[] = []
    const refuse = async (k: string) => { keys.push(k); throw new Problem(422, 'input.invalid', 'bad', [{ field: 'body.settings.n', code: 'x', message: '太大' }]) }
    await f.submit(refuse)
    expect(f.error('settings.n')).toBe('太大')
    expect(f.error('n')).toBe('太大')
    expect(f.error('other')).toBe('')
    await f.submit(refuse)
    expect(keys[0]).not.toBe(keys[1])
  })
})
