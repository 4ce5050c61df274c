// The stores an operator sees, for choosing one.
import { computed } from 'vue'
import { get } from './api'
import { either, t } from './i18n'
import { useLoad } from './load'
import { can } from './session'

export function storeList() {
  return useLoad((signal) => (can('view.shops') ? get('/stores', { query: { limit: 200 }, signal }) : Promise.resolve({ data: [] })))
}
type Store = { id: string; code: string; name_zh: string; name_en: string; region?: string; status?: string }
/** Stores by their code, as orders and members name them. */
export function storeChoices() {
  const stores = storeList()
  return computed(() => ((stores.data.value?.data || []) as unknown as Store[]).map((s) => ({ value: s.code, label: either(s) || s.code })))
}
export function storeIDs() {
  const stores = storeList()
  return computed(() => ((stores.data.value?.data || []) as unknown as Store[]).map((s) => ({ value: s.id, label: either(s) || s.code })))
}
/** The tills there are, with the store each stands in. */
export function terminalChoices() {
  const tills = useLoad((signal) => (can('view.shops') ? get('/terminals', { query: { limit: 200 }, signal }) : Promise.resolve({ data: [] })))
  return computed(() => (tills.data.value?.data || []).map((x) => ({ value: x.id, label: t(`${x.name}（${x.store_zh}）`, `${x.name} (${x.store_en})`) })))
}
/** The regions there are. */
export function regionChoices() {
  const stores = storeList()
  return computed(() => [...new Set(((stores.data.value?.data || []) as unknown as Store[]).map((s) => s.region || ''))].filter(Boolean).sort().map((r) => ({ value: r, label: r })))
}
/** The brands there are. */
export function brandChoices(again: () => unknown = () => 0) {
  const brands = useLoad((signal) => (can('view.shops') ? get('/brands', { signal }) : Promise.resolve({ data: [] })), again)
  return computed(() => (brands.data.value?.data || []).map((b) => ({ value: b.id, label: either(b) })))
}
