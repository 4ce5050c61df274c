import { createApp } from 'vue'
import { ElIcon } from 'element-plus'
import 'element-plus/dist/index.css'
import './styles.css'
import App from './App.vue'
import { router } from './router'

// The policy of the pages refuses HTML made from text. The one use there is (the chart library empties its box) is let through; anything else still fails.
type Policies = { createPolicy(name: string, rules: { createHTML(text: string): string }): unknown }
;(window as unknown as { trustedTypes?: Policies }).trustedTypes?.createPolicy('default', {
  createHTML(text) {
    if (text !== '') throw new TypeError('HTML from text is refused')
    return text
  },
})

createApp(App).use(router).component('ElIcon', ElIcon).mount('#app')
