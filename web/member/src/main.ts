import { createSSRApp } from 'vue'
import App from './App.vue'
import { begin } from './platform'

export function createApp() {
  begin()
  return { app: createSSRApp(App) }
}
