// Inputs and pictures of the browser itself: the framework's own stand-ins hide them from screen readers and are heavier.
import { defineComponent, h } from 'vue'

export const NativeInput = defineComponent({
  name: 'NativeInput',
  props: {
    modelValue: { type: String, default: '' },
    type: { type: String, default: 'text' },
    label: { type: String, required: true },
    hint: { type: String, default: '' },
    most: { type: Number, default: 140 },
    mode: { type: String, default: '' },
    auto: { type: String, default: 'off' },
    bad: Boolean,
    max: { type: String, default: undefined },
  },
  emits: ['update:modelValue', 'enter'],
  setup: (p, { emit }) => () =>
    h('input', {
      class: 'field__input', type: p.type, value: p.modelValue, 'aria-label': p.label, placeholder: p.hint, maxlength: p.most,
      inputmode: p.mode || undefined, autocomplete: p.auto, 'aria-invalid': p.bad ? 'true' : undefined, max: p.max,
      onInput: (e: Event) => emit('update:modelValue', (e.target as HTMLInputElement).value),
      onKeydown: (e: KeyboardEvent) => e.key === 'Enter' && emit('enter'),
    }),
})

export const NativeImage = defineComponent({
  name: 'NativeImage',
  props: { src: { type: String, required: true }, alt: { type: String, default: '' } },
  setup: (p) => () => h('img', { class: 'picture', src: p.src, alt: p.alt, draggable: false }),
})
