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

  it('says apart what no field on the page says', async () => {
    const f = inScope(() => useForm({ login: '', n: 1 }))
    const refuse = async () => { throw new Problem(422, 'request.invalid', 'wrong', [{ field: 'body.login', code: 'short', message: 'too short' }, { field: 'body.caps.day', code: 'many', message: 'too many' }]) }
    await f.submit(refuse)
    expect(f.error('login')).toBe('too short')
    expect(f.elsewhere.map((x) => x.field)).toEqual(['body.caps.day'])
    await f.submit(refuse)
    expect(f.elsewhere.length).toBe(2) // nobody has asked yet
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

  it('asks again under the same key after a reload, when the answer was lost', async () => {
    const keys: string[] = []
    const send = (fails: boolean) => async (key: string) => {
      keys.push(key)
      if (fails) throw new Problem(0, 'network', 'lost')
      return 'ok'
    }
    const first = inScope(() => useForm({ name: '' }, { draft: 'z' }))
    first.values.name = 'x'
    await nextTick()
    await first.submit(send(true))
    const again = inScope(() => useForm({ name: '' }, { draft: 'z' }))
    await again.submit(send(false))
    expect(keys[1]).toBe(keys[0])
    const later = inScope(() => useForm({ name: '' }, { draft: 'z' }))
    later.values.name = 'x'
    await later.submit(send(false))
    expect(keys[2]).not.toBe(keys[0])
  })

  it('never keeps a password', async () => {
    const form = inScope(() => useForm({ login: '', password: '' }, { draft: 'w' }))
    Object.assign(form.values, { login: 'ops', password: 'correct horse' })
    await nextTick()
    await form.submit(async () => { throw new Problem(0, 'network', 'lost') })
    expect(JSON.stringify({ ...sessionStorage })).not.toContain('horse')
    expect(inScope(() => useForm({ login: '', password: '' }, { draft: 'w' })).values).toEqual({ login: 'ops', password: '' })
  })
})
