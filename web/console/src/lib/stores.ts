// The stores an operator sees, for choosing one.
import { computed } from 'vue'
import { get } from './api'
import { either } from './i18n'
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
