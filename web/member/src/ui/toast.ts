import { ref } from 'vue'

export const toast = ref<{ text: string; icon: string } | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

/** Says something in passing; screen readers hear it too. */
export function say(text: string, icon = 'check') {
  toast.value = { text, icon }
  clearTimeout(timer)
  timer = setTimeout(() => (toast.value = null), 3200)
}
