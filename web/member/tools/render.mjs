// render.mjs: renders each page of the built mini program in a simulator, first without a network, and holds what it shows: a page
// whose code fails, whose words are not filled in or that says nothing when the service can't be reached is found here.
// With a page as its argument it renders that one; without, each in a process of its own, because the simulator holds one page.
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const built = new URL('../dist/build/mp-weixin/', import.meta.url).pathname
/** What a page must say without a network: its title, or how it asks for patience. */
const says = {
  'pages/home/home': '网络连接不上', 'pages/welcome/welcome': '手机号一键登录', 'pages/points/points': '网络连接不上', 'pages/code/code': '网络连接不上', 'pages/tiers/tiers': '网络连接不上',
  'pages/me/me': '网络连接不上', 'more/settings/settings': '退出登录', 'more/consents/consents': '网络连接不上', 'more/rules/rules': '网络连接不上', 'more/checkin/checkin': '网络连接不上', 'more/closure/closure': '网络连接不上', 'more/mydata/mydata': '网络连接不上',
}

const page = process.argv[2]
if (page) await one(page, process.argv[3])
else await all()

async function all() {
  const folder = mkdtempSync(join(tmpdir(), 'guanxi-mini-'))
  let failed = 0
  try {
    cpSync(built, folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}') // ours says module, the build is not
    const app = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8'))
    const pages = [...app.pages, ...app.subPackages.flatMap((s) => s.pages.map((p) => `${s.root}/${p}`))]
    const queue = [...pages]
    const work = async () => {
      for (let p = queue.shift(); p; p = queue.shift()) if (!(await apart(p, folder))) failed++
    }
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
    console.log(`mini program: ${pages.length - failed} pages rendered, ${failed} failed`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  process.exit(failed ? 1 : 0)
}

function apart(p, folder) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [new URL(import.meta.url).pathname, p, folder], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stdout.on('data', (b) => (said += b))
    child.stderr.on('data', (b) => (said += b))
    child.on('exit', (code) => {
      if (code) console.log(`${p}:\n` + said.split('\n').map((l) => l.slice(0, 300)).join('\n').slice(0, 3000))
      done(code === 0)
    })
  })
}

async function one(p, folder) {
  const { Window } = require('happy-dom')
  const win = new Window({ url: 'https://mini.invalid/' })
  for (const k of ['document', 'HTMLElement', 'Node', 'Event', 'CustomEvent', 'Element', 'DocumentFragment', 'Text']) globalThis[k] = win[k]
  globalThis.window = globalThis
  globalThis.requestAnimationFrame = (f) => setTimeout(f, 0)
  const wait = globalThis.setTimeout
  globalThis.setTimeout = (f, ms, ...more) => wait(f, Math.min(ms ?? 0, 5), ...more) // patience passes quickly here
  const store = {}
  let asked = 0
  const wx = {
    getStorageSync: (k) => store[k] ?? '', setStorageSync: (k, v) => void (store[k] = v), removeStorageSync: (k) => void delete store[k], getStorageInfoSync: () => ({ keys: Object.keys(store) }),
    getSystemInfoSync: () => ({ statusBarHeight: 44, windowWidth: 390, windowHeight: 844, pixelRatio: 3, platform: 'ios', SDKVersion: '3.4.0', language: 'zh_CN', safeArea: {}, safeAreaInsets: {} }),
    getDeviceInfo: () => ({}), getWindowInfo: () => ({ statusBarHeight: 44, windowWidth: 390 }), getAppBaseInfo: () => ({ SDKVersion: '3.4.0' }),
    getMenuButtonBoundingClientRect: () => ({ left: 281, top: 48, right: 380, bottom: 80, width: 99, height: 32 }),
    getLaunchOptionsSync: () => ({ query: {} }), getEnterOptionsSync: () => ({ query: {} }), canIUse: () => true, nextTick: (f) => wait(f, 0), getAccountInfoSync: () => ({ miniProgram: {} }),
    request: (o) => {
      asked++
      wait(() => o.fail({ errMsg: 'request:fail' }), 0)
      return { abort() {} }
    },
  }
  globalThis.wx = new Proxy(wx, { get: (t, k) => t[k] ?? (() => undefined) })
  globalThis.App = (o) => void (globalThis.theApp = o)
  globalThis.Page = (o) => globalThis.Component(o)
  globalThis.getApp = () => globalThis.theApp
  globalThis.getCurrentPages = () => []
  const faults = []
  const complain = console.error
  console.error = console.warn = (...a) => faults.push(a.map(String).join(' '))
  process.on('unhandledRejection', (e) => faults.push('unhandled: ' + (e?.stack ?? e)))

  const simulate = require('miniprogram-simulate')
  require(join(folder, 'app.js'))
  const shown = simulate.render(simulate.load(join(folder, p)))
  shown.attach(document.createElement('div'))
  await shown.instance.onLoad?.({ id: '1' })
  shown.instance.onShow?.()
  await new Promise((done) => wait(done, 400))
  const words = shown.dom.innerHTML.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ').trim()
  const bad = [...faults]
  if (words.length < 4) bad.push('it shows nothing: ' + words)
  if (/[{}]|undefined|NaN|\[object/.test(words)) bad.push('a word is not filled in: ' + words)
  if (says[p] && !words.includes(says[p])) bad.push(`it does not say ${says[p]}: ${words}`)
  if (!asked && p !== 'more/settings/settings' && p !== 'more/order/order') bad.push('it asks the service for nothing')
  if (bad.length) complain(bad.join('\n'))
  process.exit(bad.length ? 1 : 0)
}
