// Who is signed in, what they may do, and what the whole console needs to know once.
import { reactive } from 'vue'
import { get, put, post, del, type Reply } from './api'

export type Me = Reply<'/session'>

export const session = reactive<{ me: Me | null; known: boolean; zone: string; waiting: number }>({ me: null, known: false, zone: 'Asia/Shanghai', waiting: 0 })

/** can says whether the one who is signed in has a permission; what they may not do is not shown to them. */
export const can = (...permissions: string[]) => permissions.every((p) => session.me?.permissions.includes(p))
export const canAny = (...permissions: string[]) => permissions.some((p) => session.me?.permissions.includes(p))

/** Asks who is signed in. Nobody is no failure. */
export async function enter() {
  try {
    session.me = await get('/session', { quiet: true })
  } catch (e) {
    session.me = null
    if ((e as { status?: number }).status !== 401) throw e
  } finally {
    session.known = true
  }
  if (!session.me) return
  void countWaiting()
  if (can('view.jobs') || can('view.reports')) {
    get('/status', { quiet: true }).then((s) => (session.zone = s.zone || session.zone), () => {})
  }
}

/** mustSetUp says that nothing else can be done before there is a second factor. */
export const mustSetUp = () => !!session.me?.factor_due && session.me.factor_due <= Date.now()

/** How many approvals wait for this operator: the number in the menu. */
export async function countWaiting() {
  try {
    session.waiting = (await get('/approvals', { quiet: true })).data.filter((a) => a.state === 'waiting' && a.maker !== session.me?.id).length
  } catch {
    session.waiting = 0
  }
}

/** Signing out lets the browser forget all it keeps of us; how somebody likes the lists is kept. */
export async function leave() {
  const kept = Object.entries(localStorage).filter(([k]) => k.startsWith('gx.'))
  try {
    await del('/session', { quiet: true })
  } finally {
    for (const [k, v] of kept) localStorage.setItem(k, v as string)
    sessionStorage.clear()
    session.me = null
  }
}

export { put, post }
