// What the browser tests share: a real server on a folder of its own, a browser, and looking at pages.
//
//   import { test, open, axe, shot, server } from './harness.mjs'
//   export default async function () { await test('name', async () => { const page = await open({ lang: 'zh' }); … }) }
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

// A loaded machine is slow, and nothing here measures speed. Who works on a test may be less patient and stop at the first failure.
const patience = Number(process.env.PATIENCE) || 60_000
const bail = !!process.env.BAIL
const root = new URL('../..', import.meta.url).pathname
const out = new URL('./out/', import.meta.url).pathname
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const count = { passed: 0, failed: 0 }
/** The running server: its address, the one-time link of the first start, its process. */
export const server = { url: '', setup: '', emulator: '', folder: '', process: null }
/** The server by a name instead of its number: passkeys take one. */
export const byName = () => server.url.replace('127.0.0.1', 'localhost')
/** The first operator, who may do everything; made by the first test of the console. */
export const owner = { name: '周岚', login: 'owner', password: 'correct horse battery' }

let browser
const contexts = []

async function freePort() {
  const s = createServer()
  await new Promise((done) => s.listen(0, '127.0.0.1', done))
  const { port } = s.address()
  await new Promise((done) => s.close(done))
  return port
}

/** Starts the server again on the same folder and port, as after an update or a crash. */
export async function startServer() {
  const child = spawn(process.env.GUANXI || join(root, 'bin/guanxi'), ['serve', '--demo', '--data', join(server.folder, 'data'), '--listen', new URL(server.url).host], { stdio: ['ignore', 'pipe', 'pipe'] })
  server.process = child
  let said = (server.log = '')
  const ready = new Promise((done, fail) => {
    const hear = (b) => {
      said += b
      server.log = said.slice(-4000)
      const link = said.match(/https?:\/\/\S+#setup=\S+/)
      if (link) server.setup = link[0]
      const beside = said.match(/(?:手机模拟|Phone)\s+(http:\/\/[^\s/]+)/)
      if (beside) server.emulator = beside[1]
      if (/Ctrl-C/.test(said)) done()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('exit', (code) => fail(new Error(`the server ended (${code}):\n${said}`)))
  })
  await ready
  for (let i = 0; ; i++) {
    try {
      if ((await fetch(server.url + '/readyz')).ok) return
    } catch (e) {
      if (i > 300) throw e
    }
    await new Promise((done) => setTimeout(done, 100))
  }
}

/** Stops the server and waits until it is gone. */
export async function stopServer() {
  const child = server.process
  if (!child || child.exitCode !== null) return
  child.removeAllListeners('exit')
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  await gone
}

export async function begin() {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  server.folder = mkdtempSync(join(tmpdir(), 'guanxi-e2e-'))
  server.url = `http://127.0.0.1:${await freePort()}`
  await startServer()
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--lang=zh-CN', ...(process.env.CHROMIUM_ARGS || '').split(' ').filter(Boolean)] })
}

export async function finish() {
  await browser?.close()
  await stopServer()
  if (server.folder) rmSync(server.folder, { recursive: true, force: true })
}

/** Runs one test and goes on after a failure; the pages it opened are closed. Anything a page complained about fails it. */
export async function test(name, run) {
  const began = Date.now()
  const complaints = []
  test.complaints = complaints
  let failed
  try {
    await run()
    if (complaints.length) failed = new Error('the page complained: ' + complaints.join('\n'))
  } catch (e) {
    failed = e
    for (const c of browser.contexts()) for (const p of c.pages()) await p.screenshot({ path: join(out, `failed-${name.replace(/[^\p{L}\p{N}]+/gu, '-')}.png`) }).catch(() => {})
  }
  for (const c of contexts.splice(0)) await c.close().catch(() => {})
  console.log(`  ${failed ? 'FAIL' : 'ok  '} ${name} (${Date.now() - began} ms)`)
  if (failed) {
    count.failed++
    console.log((server.log || '').split('\n').filter((l) => /ERROR|"level":"error"|panic/i.test(l)).slice(-3).join('\n'))
    console.log(String(failed.stack || failed).split('\n').slice(0, 14).join('\n'))
    if (complaints.length) console.log(complaints.join('\n'))
    if (bail) throw new Error('stopped at the first failure')
  } else count.passed++
}

/** Opens a page in a browser of its own. Options: lang (zh, en), width, height, at, storage, mobile; others are Playwright's. */
export async function open({ lang = 'zh', width = 1440, height = 900, at, mobile = false, calm = true, keep = false, ...more } = {}) {
  const context = await browser.newContext({
    locale: lang === 'en' ? 'en-GB' : 'zh-CN', timezoneId: 'Asia/Shanghai', viewport: { width, height }, reducedMotion: calm ? 'reduce' : 'no-preference',
    ...(mobile ? { isMobile: true, hasTouch: true, deviceScaleFactor: 2 } : {}), ...more,
  })
  context.setDefaultTimeout(patience)
  if (!keep) contexts.push(context) // kept: whoever opened it closes it
  const page = await context.newPage()
  page.on('pageerror', (e) => test.complaints?.push('error: ' + (e.stack || e.message)))
  page.on('console', (m) => {
    // The browser itself writes a line for every answer that is no success; whether that was right is the test's business.
    if (m.type() === 'error' && !/^Failed to load resource/.test(m.text())) test.complaints?.push('console: ' + m.text())
  })
  page.on('request', (r) => {
    if (!r.url().startsWith(server.url) && !r.url().startsWith(byName()) && !/^(data|blob):/.test(r.url())) test.complaints?.push('it asks somebody else: ' + r.url())
  })
  if (at) await page.goto(server.url + at)
  return page
}

/** Keeps a picture to look at, in web/e2e/out. */
export async function shot(page, name, options = {}) {
  await page.screenshot({ path: join(out, name + '.png'), ...options })
}

/** Fails when axe finds anything. Rules can be named that a page may break, each with its reason where it is called. */
export async function axe(page, { except = [], within } = {}) {
  await page.evaluate(axeSource + '; 0').catch(async () => {
    throw new Error('axe could not be put into the page')
  })
  const found = await page.evaluate(async ([rules, part]) => {
    const r = await window.axe.run(part || document, { rules: Object.fromEntries(rules.map((x) => [x, { enabled: false }])), resultTypes: ['violations'] })
    return r.violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n    ` + v.nodes.slice(0, 4).map((n) => n.target.join(' ') + '  ' + (n.any[0]?.message || n.all[0]?.message || n.none[0]?.message || '')).join('\n    '))
  }, [except, within])
  if (found.length) throw new Error('axe on ' + page.url() + ':\n  ' + found.join('\n  '))
}

/** Fails with what was expected. */
export function expect(ok, what) {
  if (!ok) throw new Error(what)
}

/** Presses a button that signs in. One address may try ten times a minute, and tests are fast: whoever is told so waits as long as told. */
export async function knock(page, press) {
  for (;;) {
    const answered = page.waitForResponse((r) => r.request().method() === 'POST' && new URL(r.url()).pathname === '/api/console/session')
    await press.click()
    const answer = await answered
    if (answer.status() !== 429) return
    await page.waitForTimeout(1000 * Number(answer.headers()['retry-after'] || 5))
  }
}
