import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import uni from '@dcloudio/vite-plugin-uni'

const mini = process.env.UNI_PLATFORM === 'mp-weixin'

// The mini program names the role of a view `aria-role`; browsers name it `role`. Pages are written the browsers' way.
const roles: Plugin = {
  name: 'guanxi-roles',
  enforce: 'pre',
  transform(code, file) {
    if (!mini || !file.split('?')[0].endsWith('.vue')) return
    return { code: code.replace(/(\s:?)role="/g, '$1aria-role="'), map: null }
  },
}

export default defineConfig({
  base: './',
  plugins: [roles, (uni as any).default ? (uni as any).default() : uni()],
  resolve: { alias: { '@contract': fileURLToPath(new URL('../contract', import.meta.url)) } },
  build: { assetsInlineLimit: 0, target: mini ? undefined : 'es2018' },
})
