import { createApp } from 'vue'
import { ElIcon } from 'element-plus'
import 'element-plus/dist/index.css'
import './styles.css'
import App from './App.vue'
import { router } from './router'

createApp(App).use(router).component('ElIcon', ElIcon).mount('#app')
