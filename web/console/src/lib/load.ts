// Loading and listing: one way for every page.
import { computed, onScopeDispose, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { del, get, Problem, put } from './api'
import { session } from './session'

/** Loads something, again when what it depends on changes; an older answer never overtakes a newer one. */
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, deps: () => unknown = () => 0) {
  const data = shallowRef<T | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(true)
  let running: AbortController | null = null
  async function reload() {
    running?.abort()
    const mine = (running = new AbortController())
    loading.value = true
    try {
      const got = await load(mine.signal)
      if (mine !== running) return
      data.value = got
      problem.value = null
    } catch (e) {
      if (mine !== running) return
      problem.value = e instanceof Problem ? e : new Problem(0, 'broken', String(e))
    } finally {
      if (mine === running) loading.value = false
    }
  }
  watch(deps, reload, { immediate: true })
  onScopeDispose(() => running?.abort())
  return { data, problem, loading, reload }
}

type Filters = Record<string, string>
/** A filter somebody saved under a name; the server keeps it for them. */
export type Saved = { id: string; name: string; filters: Filters }

/**
 * A list with filters in the address (so that a link shows the same list), saved filters, columns (kept for this operator
 * in this browser), and pages that follow by the server's cursor.
 */
export function useList<R extends object>(name: string, path: string, options: { filters?: string[]; query?: (filters: Filters) => Record<string, unknown>; pageSize?: number; local?: boolean } = {}) {
  const route = useRoute()
  const router = useRouter()
  const keys = options.filters || []
  const filters = computed<Filters>(() => Object.fromEntries(keys.map((k) => [k, String(route.query[k] ?? '')])))
  const rows = shallowRef<R[]>([])
  const next = ref('')
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(true)
  const more = ref(false)
  let turn = 0

  const query = () => (options.query ? options.query(filters.value) : Object.fromEntries(Object.entries(filters.value).filter(([, v]) => v)))
  async function fetchPage(cursor: string) {
    const page = options.local ? {} : { limit: options.pageSize || 50, cursor: cursor || undefined }
    return (await get(path as '/members', { query: { ...query(), ...page } })) as unknown as { data: R[]; next?: string }
  }
  // A rare filter is looked for in bounded steps: empty ones are gone over.
  async function fetchFound(cursor: string, mine: number) {
    let page = await fetchPage(cursor)
    while (!page.data.length && page.next && mine === turn) page = await fetchPage(page.next)
    return page
  }
  async function reload() {
    const mine = ++turn
    loading.value = true
    try {
      const page = await fetchFound('', mine)
      if (mine !== turn) return
      rows.value = page.data
      next.value = page.next || ''
      problem.value = null
    } catch (e) {
      if (mine === turn) problem.value = e as Problem
    } finally {
      if (mine === turn) loading.value = false
    }
  }
  async function loadMore() {
    if (!next.value || more.value) return
    const mine = turn
    more.value = true
    try {
      const page = await fetchFound(next.value, mine)
      if (mine !== turn) return
      rows.value = [...rows.value, ...page.data]
      next.value = page.next || ''
    } catch (e) {
      problem.value = e as Problem
    } finally {
      more.value = false
    }
  }
  function set(to: Filters) {
    const kept = Object.fromEntries(Object.entries(route.query).filter(([k]) => !keys.includes(k)))
    void router.replace({ query: { ...kept, ...Object.fromEntries(Object.entries({ ...filters.value, ...to }).filter(([, v]) => v)) } })
  }
  const clear = () => set(Object.fromEntries(keys.map((k) => [k, ''])))
  const active = computed(() => Object.values(filters.value).some(Boolean))
  watch(() => JSON.stringify(filters.value), reload, { immediate: true })

  const saved = shallowRef<Saved[]>([])
  const loadSaved = async () => {
    saved.value = (await get('/filters', { query: { page: name } })).data.map((f) => ({ id: f.id, name: f.name, filters: f.value as unknown as Filters }))
  }
  const save = async (label: string) => {
    await put('/filters', { page: name, name: label, value: { ...filters.value } as never })
    await loadSaved()
  }
  const drop = async (s: Saved) => {
    await del('/filters/{id}', { path: { id: s.id } })
    await loadSaved()
  }
  const apply = (s: Saved) => set({ ...Object.fromEntries(keys.map((k) => [k, ''])), ...s.filters })

  return reactive({ name, rows, next, problem, loading, more, filters, active, set, clear, reload, loadMore, query, saved, loadSaved, save, drop, apply })
}

/** Something kept for this operator in this browser. Never personal data. */
export function useKept<T>(name: string, initial: T): Ref<T> {
  const key = () => `gx.${session.me?.id || ''}.${name}`
  const read = (): T => {
    try {
      const text = localStorage.getItem(key())
      return text ? (JSON.parse(text) as T) : initial
    } catch {
      return initial
    }
  }
  const value = ref(read()) as Ref<T>
  watch(value, (v) => localStorage.setItem(key(), JSON.stringify(v)), { deep: true })
  return value
}
