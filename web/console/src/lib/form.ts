// A form that shows what is wrong beside each field and never loses what was typed: it outlives a reload, an expired session
// and a lost connection. What was typed stays in this tab only, and is gone when it was sent or thrown away.
import { computed, onScopeDispose, reactive, ref, shallowRef, toRaw, watch } from 'vue'
import { newKey, Problem } from './api'
import { t } from './i18n'

const copy = <T>(v: T): T => JSON.parse(JSON.stringify(v)) as T

export function useForm<T extends object>(initial: T, options: { draft?: string } = {}) {
  const slot = options.draft ? 'gx.draft.' + options.draft : ''
  const start = ref(copy(initial))
  const kept = slot ? sessionStorage.getItem(slot) : null
  const values = reactive(kept ? { ...copy(initial), ...(JSON.parse(kept) as T) } : copy(initial)) as T
  const restored = ref(!!kept)
  const problem = shallowRef<Problem | null>(null)
  const busy = ref(false)
  const dirty = computed(() => JSON.stringify(values) !== JSON.stringify(start.value))
  let key = newKey()
  let sent = ''

  watch(values, () => {
    if (!slot) return
    if (dirty.value) sessionStorage.setItem(slot, JSON.stringify(toRaw(values)))
    else sessionStorage.removeItem(slot)
  }, { deep: true })

  const warn = (e: BeforeUnloadEvent) => {
    if (dirty.value && busy.value) e.preventDefault()
  }
  addEventListener('beforeunload', warn)
  onScopeDispose(() => removeEventListener('beforeunload', warn))

  function reset(to: T = start.value as T) {
    start.value = copy(to)
    for (const k of Object.keys(values)) delete (values as Record<string, unknown>)[k]
    Object.assign(values, copy(to))
    problem.value = null
    restored.value = false
    if (slot) sessionStorage.removeItem(slot)
  }

  /** base sets what the form starts from, once it is loaded; what was typed before a reload stays. */
  function base(to: T) {
    const typed = restored.value ? copy(toRaw(values)) : null
    start.value = copy(to)
    Object.assign(values, copy(to), typed || {})
  }

  /** error is what is wrong with a field, by its path or the end of it. */
  function error(path: string) {
    const hit = problem.value?.fields.find((f) => {
      const name = f.field.replace(/^body\./, '')
      return name === path || name.endsWith('.' + path)
    })
    return hit?.message || ''
  }

  /** submit sends; a sending whose answer was lost is repeated under its key, a changed one gets a new key. */
  async function submit<R>(send: (key: string) => Promise<R>): Promise<R | undefined> {
    if (busy.value) return undefined
    const now = JSON.stringify(values)
    if (now !== sent) key = newKey()
    sent = now
    busy.value = true
    problem.value = null
    try {
      const reply = await send(key)
      if (slot) sessionStorage.removeItem(slot)
      restored.value = false
      start.value = copy(toRaw(values)) as typeof start.value
      sent = ''
      return reply
    } catch (e) {
      problem.value = e instanceof Problem ? e : new Problem(0, 'broken', String(e))
      if (!problem.value.lost && problem.value.code !== 'outcome.unknown') sent = ''
      return undefined
    } finally {
      busy.value = false
    }
  }

  /** What is wrong that no field shows. */
  const general = computed(() => {
    const p = problem.value
    if (!p) return ''
    return p.fields.length ? t('请检查标出的内容。', 'Please look at what is marked.') : p.message
  })

  return reactive({ values, busy, problem, dirty, restored, general, error, submit, reset, base })
}
