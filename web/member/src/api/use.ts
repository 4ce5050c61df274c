import { computed, ref, shallowRef, type Ref } from 'vue'
import { ApiError, newKey } from './http'
import { lang } from '@/i18n'

const memory = new Map<string, unknown>()
const prefix = 'gx.c.'

/** Forgets what was kept of a member: at the end of a session, and when another comes. */
export function forgetAll() {
  memory.clear()
  for (const key of uni.getStorageInfoSync().keys) if (key.startsWith(prefix)) uni.removeStorageSync(key)
}

const asError = (e: unknown): ApiError => (e instanceof ApiError ? e : new ApiError(-1, 'page.broken', String((e as Error)?.message ?? e)))

export interface Resource<T> {
  data: Ref<T | undefined>
  error: Ref<ApiError | undefined>
  busy: Ref<boolean>
  /** First load without anything to show: a skeleton's time. */
  blank: Ref<boolean>
  refresh: () => Promise<void>
}

/**
 * Something read from the service. What was read last is shown at once and read anew behind it; `keep` holds it across
 * starts of the app, so that the first page is there before the network answers. Of one thing among many the name says which.
 */
export function useResource<T>(name: string | (() => string), load: () => Promise<T>, keep = false): Resource<T> {
  const key = () => `${prefix}${lang.value}.${typeof name === 'string' ? name : name()}`
  const known = () => (memory.get(key()) ?? (keep ? uni.getStorageSync(key()) || undefined : undefined)) as T | undefined
  const data = shallowRef<T | undefined>(known())
  const error = shallowRef<ApiError>()
  const busy = ref(false)
  let turn = 0
  async function refresh() {
    const mine = ++turn
    busy.value = true
    data.value = data.value ?? known()
    try {
      const fresh = await load()
      if (mine !== turn) return
      data.value = fresh
      error.value = undefined
      memory.set(key(), fresh)
      if (keep) uni.setStorageSync(key(), fresh)
    } catch (e) {
      if (mine === turn) error.value = asError(e)
    } finally {
      if (mine === turn) busy.value = false
    }
  }
  return { data, error, busy, blank: computed(() => data.value === undefined && !error.value), refresh }
}

export interface Pages<T> {
  rows: Ref<T[]>
  error: Ref<ApiError | undefined>
  busy: Ref<boolean>
  done: Ref<boolean>
  blank: Ref<boolean>
  restart: () => Promise<void>
  more: () => Promise<void>
}

/** A list read page by page. A page that fails leaves the rows that are there, and can be asked for again. */
export function usePages<T>(load: (cursor: string) => Promise<{ data: T[]; next?: string }>): Pages<T> {
  const rows = shallowRef<T[]>([])
  const error = shallowRef<ApiError>()
  const busy = ref(false)
  const done = ref(false)
  const asked = ref(false)
  let cursor = ''
  let turn = 0
  async function read(from: string) {
    const mine = ++turn
    busy.value = true
    error.value = undefined
    try {
      const page = await load(from)
      if (mine !== turn) return
      rows.value = from === '' ? page.data : [...rows.value, ...page.data]
      cursor = page.next ?? ''
      done.value = cursor === ''
      asked.value = true
    } catch (e) {
      if (mine === turn) error.value = asError(e)
    } finally {
      if (mine === turn) busy.value = false
    }
  }
  return {
    rows, error, busy, done,
    blank: computed(() => !asked.value && !error.value),
    restart: () => read(''),
    more: async () => {
      if (!busy.value && !done.value && asked.value) await read(cursor)
    },
  }
}

/**
 * An act of the member. The key is made once and kept while the outcome is open, so that pressing again after a lost answer
 * cannot do it twice; a clear yes or no ends it.
 */
export function useAct<A extends unknown[], T>(act: (key: string, ...args: A) => Promise<T>) {
  const busy = ref(false)
  const error = shallowRef<ApiError>()
  let key = ''
  let said = ''
  async function run(...args: A): Promise<T | undefined> {
    if (busy.value) return undefined
    const now = JSON.stringify(args)
    if (key === '' || now !== said) key = newKey()
    said = now
    busy.value = true
    error.value = undefined
    try {
      const out = await act(key, ...args)
      key = ''
      return out
    } catch (e) {
      error.value = asError(e)
      if (!error.value.passing) key = ''
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { busy, error, run }
}
