import { ref } from 'vue'

export type TextSize = 'normal' | 'large' | 'huge'

const kept = 'gx.text'

export const textSize = ref<TextSize>(uni.getStorageSync(kept) || 'normal')

export function setTextSize(s: TextSize) {
  textSize.value = s
  uni.setStorageSync(kept, s)
}
