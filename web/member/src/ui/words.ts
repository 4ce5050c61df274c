import type { ApiError } from '@/api/http'
import { t } from '@/i18n'

/** A failure in words: what happened (the service says it in the member's language) and what to do. */
export function wordsOf(e: ApiError): { title: string; todo: string } {
  if (e.code === 'net.timeout') return { title: t('fail.slow'), todo: t('fail.slow.todo') }
  if (e.offline) return { title: t('fail.offline'), todo: t('fail.offline.todo') }
  if (e.code === 'outcome.unknown') return { title: e.message || t('fail.unknown'), todo: t('fail.unknown.todo') }
  if (e.status === 429 || e.status === 503) return { title: e.message || t('fail.busy'), todo: t('fail.busy.todo') }
  if (e.status >= 500 || e.status < 0) return { title: t('fail.broken'), todo: t('fail.broken.todo') }
  return { title: e.message || t('fail.refused'), todo: e.fields[0]?.message || e.detail || t('fail.refused.todo') }
}
