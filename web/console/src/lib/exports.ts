// Exports: which lists the operator may export, asked for once, and saving the file of one that is done.
import { ref } from 'vue'
import { get, post, type Reply } from './api'
import { session } from './session'

export type Exportable = Reply<'/exports/lists'>['data'][number]
export type Task = Reply<'/tasks/{id}'>

const asked = ref<{ by: string; lists: Exportable[] } | null>(null)

/** The list of that name, if the one who is signed in may export it. */
export function exportable(name: string): Exportable | undefined {
  const me = session.me?.id || ''
  if (asked.value?.by !== me) {
    asked.value = { by: me, lists: [] }
    get('/exports/lists', { quiet: true }).then((r) => (asked.value = { by: me, lists: r.data }), () => {})
  }
  return asked.value?.lists.find((l) => l.name === name)
}

/** Lets the browser save a file that is done. */
export function save(id: string) {
  const a = document.createElement('a')
  a.href = `/api/console/exports/${id}/file`
  a.download = ''
  a.click()
}

/** Filters as the server takes them. */
export const filterItems = (known: string[], query: Record<string, unknown>) =>
  Object.entries(query).filter(([k, v]) => known.includes(k) && v !== undefined && v !== '').map(([name, v]) => ({ name, value: String(v) }))

export const startExport = (body: { list: string; format: 'csv' | 'xlsx'; filter: { name: string; value: string }[]; clear?: boolean; reason?: string }, key: string) => post('/exports', body, { key })
