// size.mjs holds the first load of each app to its limit: what the browser must fetch, compressed, before the first page stands.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

const limits = { console: 400 * 1024, member: 200 * 1024 }
let bad = false
for (const [app, limit] of Object.entries(limits)) {
  const folder = new URL(`../dist/${app}/`, import.meta.url).pathname
  const page = readFileSync(join(folder, 'index.html'), 'utf8')
  const named = [...new Set([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((m) => m[1].replace(/^(?:\.|\/[^/]+)\//, '')))]
  const sent = (name) => Math.min(...[name, name + '.gz', name + '.br'].map((n) => join(folder, n)).filter(existsSync).map((n) => statSync(n).size))
  const total = ['index.html', ...named].reduce((sum, name) => sum + sent(name), 0)
  console.log(`${app}: the first load is ${Math.round(total / 1024)} KB of at most ${limit / 1024} KB (${named.length + 1} files, compressed)`)
  if (total > limit) bad = true
}
if (bad) process.exit(1)
