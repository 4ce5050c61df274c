// A form that shows what is wrong beside each field and never loses what was typed: it outlives a reload, an expired session
// and a lost connection. What was typed stays in this tab only, and is gone when it was sent or thrown away. So does the key of a
// sending whose answer was lost: also after a reload it is asked again under that key. Passwords and codes are never kept.
import { computed, onScopeDispose, reactive, ref, shallowRef, toRaw, watch } from 'vue'
import { newKey, Problem } from './api'
import { t } from './i18n'

const SECRET = ['password', 'old', 'new']
const copy = <T>(v: T): T => JSON.parse(JSON.stringify(v)) as T

export function useForm<T extends object>(initial: T, options: { draft?: string } = {}) {
  const slot = options.draft ? 'gx.draft.' + options.draft : ''
  const start = ref(copy(initial))
  const kept = slot ? sessionStorage.getItem(slot) : null
  const secret = Object.keys(initial).some((k) => SECRET.includes(k))
  const plain = () => Object.fromEntries(Object.entries(toRaw(values)).filter(([k]) => !SECRET.includes(k)))
  const values = reactive(kept ? { ...copy(initial), ...(JSON.parse(kept) as T) } : copy(initial)) as T
  const restored = ref(!!kept)
  const problem = shallowRef<Problem | null>(null)
  const placed = reactive(new Set<string>()) // fields of the problem that some place on the page speaks for
  const busy = ref(false)
  const dirty = computed(() => JSON.stringify(values) !== JSON.stringify(start.value))
  const lost = slot ? (JSON.parse(sessionStorage.getItem(slot + '.sent') || 'null') as { key: string; sent: string } | null) : null
  let key = lost?.key || newKey()
  let sent = lost?.sent || ''
  const forget = () => {
    sessionStorage.removeItem(slot)
    sessionStorage.removeItem(slot + '.sent')
  }

  watch(values, () => {
    if (!slot) return
    if (dirty.value) sessionStorage.setItem(slot, JSON.stringify(plain()))
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
    if (slot) forget()
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
      return name === path || name.endsWith('.' + path) || path === 'settings.' + name || path === 'value.' + name
    })
    if (hit) placed.add(hit.field)
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
    placed.clear()
    try {
      const reply = await send(key)
      if (slot) forget()
      restored.value = false
      start.value = copy(toRaw(values)) as typeof start.value
      sent = ''
      return reply
    } catch (e) {
      problem.value = e instanceof Problem ? e : new Problem(0, 'broken', String(e))
      const unknown = problem.value.lost || problem.value.code === 'outcome.unknown'
      if (!unknown) sent = ''
      if (slot && unknown && !secret) sessionStorage.setItem(slot + '.sent', JSON.stringify({ key, sent }))
      else if (slot) sessionStorage.removeItem(slot + '.sent')
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

  /** Of what is wrong, the fields that have no place on the page where it could be said. */
  const elsewhere = computed(() => (problem.value?.fields || []).filter((f) => !placed.has(f.field)))

  return reactive({ values, busy, problem, dirty, restored, general, elsewhere, error, submit, reset, base })
}
