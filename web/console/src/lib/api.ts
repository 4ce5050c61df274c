// Everything is asked through here. The session is the browser's cookie; each write has a key, and a write whose answer got
// lost is sent again with the same key, so that it never happens twice.
import { reactive } from 'vue'
import createClient from 'openapi-fetch'
import type { paths } from '@contract/openapi'
import { lang, t } from './i18n'

export type FieldProblem = { field: string; code: string; message: string }

/** What a request failed with: a sentence for people, a stable code, and the fields that are wrong. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    title: string,
    readonly fields: FieldProblem[] = [],
    readonly request = '',
  ) {
    super(title)
  }
  get lost() {
    return this.status === 0
  }
}

/** What the frame shows about the connection and the session. */
export const link = reactive({ lost: false, expired: false, stale: false })

const client = createClient<paths>({ baseUrl: '/', cache: 'no-store' })
client.use({ onRequest: ({ request }) => request.headers.set('Accept-Language', lang.value) })

export const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')

type Answers<O> = O extends { responses: infer R } ? R : never
type Body<R> = R extends { content: infer C } ? (C extends { 'application/json': infer J } ? J : unknown) : unknown
type Success<R> = { [S in keyof R]: S extends 200 | 201 | 202 ? Body<R[S]> : never }[keyof R]
type Door = '/api/console'
type At<M extends string> = { [P in keyof paths]: P extends `${Door}${infer Rest}` ? (paths[P] extends Record<M, { responses: unknown }> ? Rest : never) : never }[keyof paths]
type Op<P extends string, M extends string> = `${Door}${P}` extends keyof paths ? (M extends keyof paths[`${Door}${P}`] ? paths[`${Door}${P}`][M] : never) : never
/** What a route answers. */
export type Reply<P extends string, M extends string = 'get'> = Success<Answers<Op<P, M>>>
type Sent<O> = O extends { requestBody: { content: { 'application/json': infer B } } } ? B : undefined
/** One row of a list. */
export type Row<P extends string> = Reply<P> extends { data: (infer R)[] } ? R : never

export type Params = { path?: Record<string, string>; query?: Record<string, unknown>; key?: string; quiet?: boolean; signal?: AbortSignal }

// A request may have to wait until somebody has signed in again, or has proved once more who they are. It is then sent
// again with its own key.
type Wait = { done: Promise<void>; go: () => void; give: (p: Problem) => void }
const waits: Partial<Record<'expired' | 'stale', Wait>> = {}

function waitFor(what: 'expired' | 'stale'): Promise<void> {
  link[what] = true
  if (!waits[what]) {
    let go = () => {}
    let give = (_: Problem) => {}
    const done = new Promise<void>((yes, no) => ((go = yes), (give = no)))
    waits[what] = { done, go, give }
  }
  return waits[what]!.done
}

/** went lets what waited go on; a problem gives it up. */
export function went(what: 'expired' | 'stale', problem?: Problem) {
  link[what] = false
  const w = waits[what]
  delete waits[what]
  if (problem) w?.give(problem)
  else w?.go()
}

/** forgetWaiting leaves what waited where it is: the page is left. */
export function forgetWaiting() {
  link.expired = link.stale = false
  delete waits.expired
  delete waits.stale
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
type Asked = { data?: unknown; error?: Record<string, unknown>; response: Response }
type Loose = (path: string, init: unknown) => Promise<Asked>

async function ask(method: Method, path: string, body: unknown, p: Params = {}): Promise<unknown> {
  const headers: Record<string, string> = {}
  if (method !== 'GET') headers['Idempotency-Key'] = p.key || newKey()
  const query = Object.fromEntries(Object.entries(p.query || {}).filter(([, v]) => v !== undefined && v !== '' && v !== null))
  let answer: Asked
  try {
    answer = await (client[method] as unknown as Loose)('/api/console' + path, { params: { path: p.path, query }, body, headers, signal: p.signal })
  } catch (e) {
    if (p.signal?.aborted) throw e
    link.lost = true
    throw new Problem(0, 'network', t('网络已断开，内容仍保留在页面上，恢复后可重试。', 'The connection is lost. What you typed is still here; try again when it is back.'))
  }
  link.lost = false
  if (answer.response.ok) return answer.data ?? {}
  const e = answer.error || {}
  const status = answer.response.status
  const wait = p.quiet ? '' : e.code === 'login.required' || e.code === 'staff.no_session' ? 'expired' : e.code === 'login.stale' ? 'stale' : ''
  if (wait) {
    await waitFor(wait)
    return ask(method, path, body, { ...p, key: headers['Idempotency-Key'] })
  }
  const title = typeof e.title === 'string' ? e.title : t('服务器暂时无法处理（{n}）', 'The server could not answer ({n})', { n: status })
  throw new Problem(status, String(e.code || 'http.' + status), title, (e.errors as FieldProblem[]) || [], String(e.instance || ''))
}

export const get = <P extends At<'get'>>(path: P, p?: Params) => ask('GET', path, undefined, p) as Promise<Reply<P, 'get'>>
export const post = <P extends At<'post'>>(path: P, body?: Sent<Op<P, 'post'>>, p?: Params) => ask('POST', path, body, p) as Promise<Reply<P, 'post'>>
export const put = <P extends At<'put'>>(path: P, body?: Sent<Op<P, 'put'>>, p?: Params) => ask('PUT', path, body, p) as Promise<Reply<P, 'put'>>
export const del = <P extends At<'delete'>>(path: P, p?: Params) => ask('DELETE', path, undefined, p) as Promise<Reply<P, 'delete'>>
