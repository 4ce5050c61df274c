// The step after the password: a code is asked for once the server says that there is a second factor.
import { ref, watch } from 'vue'
import { useForm } from './form'

export function useSignIn() {
  const form = useForm({ login: '', password: '', code: '' })
  const step = ref(false)
  watch(() => form.problem?.code, (code) => {
    if (code === 'staff.code_needed' || code === 'staff.wrong_code') step.value = true
  })
  /** What is sent: the code only when it was asked for. */
  const body = () => ({ login: form.values.login, password: form.values.password, ...(step.value ? { code: form.values.code.trim() } : {}) })
  function reset() {
    step.value = false
    form.reset({ login: '', password: '', code: '' })
  }
  return { form, step, body, reset }
}
