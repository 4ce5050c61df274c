import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'

// What the builds do with conditional comments: of the two platforms, the browser's lines stay.
const forBrowsers: Plugin = {
  name: 'for-browsers',
  enforce: 'pre',
  transform(code, file) {
    if (!/\/src\/.*\.ts$/.test(file.split('?')[0])) return
    return { code: code.replace(/\/\/ #(ifdef MP-WEIXIN|ifndef (?:H5|MP-WEIXIN))\n([\s\S]*?)\/\/ #endif\n/g, (all, what, body) => (what === 'ifndef MP-WEIXIN' ? body : '')), map: null }
  },
}

export default defineConfig({
  plugins: [forBrowsers],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)), '@contract': fileURLToPath(new URL('../contract', import.meta.url)) } },
  test: { environment: 'happy-dom', setupFiles: ['tests/phone.ts'], include: ['tests/*.test.ts'] },
})
