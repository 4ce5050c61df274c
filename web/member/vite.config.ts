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

// The framework's runtime names a host of its maker: pictures of shadows it never shows, a script of advertisements it never loads.
// They go, so that no host but ours stands in what we ship; mini.mjs and hosts.mjs hold that.
const hosts: Plugin = {
  name: 'guanxi-hosts',
  enforce: 'post',
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'chunk') file.code = file.code.replace(/https?:\/\/[\w.-]*dcloud\.(?:net\.cn|io)[^"'`\s)]*/g, 'about:blank')
      else if (typeof file.source === 'string') file.source = file.source.replace(/url\(["']?https?:\/\/[\w.-]*dcloud[^)]*\)/g, 'none')
    }
  },
}

// What the first page needs is one file, with the framework that it stands on: each further one waits for a connection on a poor network.
const first = /\/src\/(pages\/(home|welcome)|ui|lib\/(?!qr|code128|calendar)|i18n|api|stores|track|platform)/

export default defineConfig({
  base: './',
  plugins: [roles, hosts, (uni as any).default ? (uni as any).default() : uni()],
  resolve: { alias: { '@contract': fileURLToPath(new URL('../contract', import.meta.url)) } },
  build: { assetsInlineLimit: 0, target: mini ? undefined : 'es2018', ...(mini ? {} : { rollupOptions: { output: { manualChunks: (id: string) => (first.test(id) ? 'first' : undefined) } } }) },
})
