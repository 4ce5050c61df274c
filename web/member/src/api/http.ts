// One way to ask the service: problems are told as ApiError, a poor network is met with patience, and a write that is
// sent again carries the key it had, so that it takes effect once.
import { lang } from '@/i18n'
import { origin, token } from '@/platform'

export interface FieldProblem {
  field: string
  code: string
  message: string
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly detail = '',
    readonly fields: FieldProblem[] = [],
    readonly after = 0,
    readonly request = '',
  ) {
    super(title)
  }
  /** Whether the same request may succeed later: nothing is wrong with it. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
  }
  get offline(): boolean {
    return this.status === 0
  }
}

export interface Ask {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  /** The key of a write; the same one whenever it is sent again. */
  key?: string
}

const waits = [400, 1200, 3000]
const timeout = 15_000

/** Tests hold the clock here. */
export const pace = { sleep: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)) }

export function newKey(): string {
  let out = ''
  const bytes = new Uint8Array(16)
  if (typeof crypto !== 'undefined' && crypto.getRandomValues) crypto.getRandomValues(bytes)
  else for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256)
  for (const b of bytes) out += b.toString(16).padStart(2, '0')
  return out
}

export function address(path: string, query: Ask['query'] = {}): string {
  const all: Record<string, string | number | boolean | undefined> = { ...query, lang: lang.value }
  const pairs = Object.entries(all)
    .filter(([, v]) => v !== undefined && v !== '')
    .map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`)
  return `${origin()}/api/member${path}?${pairs.join('&')}`
}

function once<T>(path: string, ask: Ask): Promise<T> {
  const header: Record<string, string> = {}
  if (ask.body !== undefined) header['Content-Type'] = 'application/json'
  if (ask.key) header['Idempotency-Key'] = ask.key
  if (token.get()) header.Authorization = `Bearer ${token.get()}`
  return new Promise((done, fail) => {
    uni.request({
      url: address(path, ask.query),
      method: ask.method ?? 'GET',
      data: ask.body === undefined ? undefined : (JSON.stringify(ask.body) as any),
      header,
      timeout,
      success: (r) => (r.statusCode < 400 ? done(r.data as T) : fail(problem(r))),
      fail: (e) => fail(new ApiError(0, /timeout/.test(e.errMsg ?? '') ? 'net.timeout' : 'net.offline', '')),
    })
  })
}

function problem(r: UniApp.RequestSuccessCallbackResult): ApiError {
  const p = (typeof r.data === 'object' && r.data ? r.data : {}) as Record<string, any>
  const h = r.header as Record<string, string>
  const after = Number(h['Retry-After'] ?? h['retry-after'] ?? 0) || 0
  return new ApiError(r.statusCode, p.code ?? 'net.answer', p.title ?? '', p.detail ?? '', p.errors ?? [], after, p.instance ?? '')
}

/** Whom to tell that the service knows who is asking, and that it no longer does. */
export const session: { known: () => void; left: () => void } = { known: () => {}, left: () => {} }

const opened = Date.now()
let began = true

/** Once, when the app has just begun and nothing was changed: what the browser was told to ask for ahead of it is still true then. */
export function justBegun(): boolean {
  const yes = began && Date.now() - opened < 10_000
  began = false
  return yes
}

/** Asks, and asks again while the failure is passing: reads, and writes that carry a key. */
export async function ask<T>(path: string, a: Ask = {}): Promise<T> {
  const again = (a.method ?? 'GET') === 'GET' || a.key !== undefined
  if (a.method && a.method !== 'GET') began = false
  for (let tries = 0; ; tries++) {
    try {
      const out = await once<T>(path, a)
      if (path.startsWith('/me')) session.known()
      return out
    } catch (e) {
      const err = e as ApiError
      if (err.status === 401) session.left()
      if (!again || !err.passing || tries >= waits.length) throw err
      await pace.sleep(Math.max(waits[tries], Math.min(err.after, 5) * 1000))
    }
  }
}
