// The member centre on a phone inside WeChat, against the real server with the sample data and the emulator beside it: every page is
// seen, every button pressed, failures are provoked; each page in light, dark, large and English passes axe.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { axe, expect, open, server, shot, test } from './harness.mjs'

const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50 NetType/WIFI Language/zh_CN'
const look = (more = {}) => ({ mobile: true, width: 390, height: 844, userAgent: phone, ...more })
const at = (page, name) => page.locator(`[data-name="${name}"]`).first()
const press = (page, name) => at(page, name).click()
const says = (page, text) => page.getByText(text, { exact: false }).first().waitFor()
const route = (page, path) => page.waitForURL((u) => u.hash.startsWith('#/' + path) || (path === 'pages/home/home' && /^#?\/?$/.test(u.hash)))
const emulator = async (path, body) => (await fetch(server.emulator + path, body ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {})).json()

/** The newest code that a person's phone has got. */
async function codeOf(person, before = '') {
  for (let i = 0; i < 200; i++) {
    const found = [...JSON.stringify(await emulator(`/_emulator/people/${person}/bubbles`)).matchAll(/验证码是(\d{6})/g)].map((m) => m[1]).pop()
    if (found && found !== before) return found
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('no code came to ' + person)
}

let state // cookies and storage of a member who is in

export default async function () {
  await test('member: nobody is in: welcome, what must be agreed to, rules, English', async () => {
    const page = await open(look({ at: '/m/?ch=poster&store=W-01' }))
    await route(page, 'pages/welcome/welcome')
    await says(page, '加入会员，从这里开始')
    await at(page, 'welcome.wechat').waitFor()
    await axe(page)
    await shot(page, 'member-welcome')
    await press(page, 'welcome.phone')
    await says(page, '请先阅读并同意协议')
    await press(page, 'welcome.read')
    await says(page, '一、会员资格')
    await axe(page)
    await shot(page, 'member-agreement')
    await page.getByRole('button', { name: '返回' }).first().click()
    await press(page, 'welcome.rules')
    await says(page, '会员协议')
    await axe(page)
    await page.goBack()
    await press(page, 'welcome.lang')
    await says(page, 'Your membership starts here')
    expect((await page.evaluate(() => document.documentElement.lang)) === 'en', 'the page does not say that it is English')
    await axe(page)
    await press(page, 'welcome.lang')
  })

  await test('member: joins by phone in three steps, with what goes wrong on the way', async () => {
    const page = await open(look({ at: '/m/?ch=poster&store=W-01' }))
    await press(page, 'welcome.agree')
    await press(page, 'welcome.phone')
    const number = page.getByLabel('手机号')
    const code = page.getByLabel('验证码')
    await number.fill('12345')
    await press(page, 'welcome.send')
    await says(page, '请输入正确的 11 位手机号')
    await number.fill('13800138001')
    await press(page, 'welcome.send')
    await says(page, '秒后重发')
    const sent = await codeOf('lin')
    await code.fill('12')
    await press(page, 'welcome.enter')
    await says(page, '请输入短信中的验证码')
    await code.fill(sent === '000000' ? '111111' : '000000')
    await press(page, 'welcome.enter')
    await page.getByRole('alert').filter({ hasText: '验证码' }).waitFor()
    await axe(page)
    await shot(page, 'member-phone')
    await code.fill(sent)
    await press(page, 'welcome.enter')
    await says(page, '欢迎加入关系')
    await axe(page)
    await shot(page, 'member-joined')
    await press(page, 'welcome.home')
    await route(page, 'pages/home/home')
    await at(page, 'home.points').waitFor()
    state = await page.context().storageState()
  })

  await test('member: home, newcomer tasks, what the next tier brings; each way on leads somewhere', async () => {
    const page = await open(look({ at: '/m/', storageState: state }))
    await says(page, '新人任务')
    await says(page, '升级银卡会员，您将享有')
    await axe(page)
    await shot(page, 'member-home', { fullPage: true })
    for (const [name, path] of [['home.code', 'pages/code/code'], ['home.tier', 'pages/tiers/tiers'], ['home.points', 'pages/points/points'], ['home.inbox', 'more/inbox/inbox'], ['quick.me', 'more/profile/profile'], ['quick.clock', 'more/expiring/expiring'], ['quick.bag', 'more/orders/orders'],
      ['quick.help', 'more/rules/rules'], ['home.compare', 'pages/tiers/tiers'], ['nudge.profile', 'more/profile/profile'], ['task.profile', 'more/profile/profile'], ['task.order', 'pages/code/code']]) {
      await page.goto(server.url + '/m/#/')
      await press(page, name)
      await route(page, path)
    }
    await page.goto(server.url + '/m/#/')
    for (const [tab, path] of [['points', 'pages/points/points'], ['tiers', 'pages/tiers/tiers'], ['me', 'pages/me/me'], ['home', 'pages/home/home'], ['code', 'pages/code/code']]) {
      await page.locator(`[data-tab="${tab}"]`).first().click()
      await route(page, path)
    }
  })

  await test('member: the code is a real one, in both forms, and changes when asked', async () => {
    const page = await open(look({ at: '/m/#/pages/code/code', storageState: state }))
    const shown = async () => (await page.locator('[data-code]').innerText()).replace(/\s/g, '')
    await page.locator('[data-code]').waitFor()
    const first = await shown()
    expect(/^28\d{18}$/.test(first), 'not a member code: ' + first)
    expect((await page.locator('.pass__bar').count()) === (10 + 2) * 3 + 4, 'the barcode has not the bars of ten pairs')
    await page.locator('.pass__qr img').waitFor()
    await axe(page)
    await shot(page, 'member-code')
    await press(page, 'code.refresh')
    await page.waitForFunction((old) => document.querySelector('[data-code]').textContent.replace(/\s/g, '') !== old, first)
  })

  await test('member: the profile step by step, saved once although the answer is lost', async () => {
    const page = await open(look({ at: '/m/#/more/profile/profile', storageState: state }))
    await press(page, 'profile.go')
    await press(page, 'profile.save')
    await says(page, '请先填写')
    let lost = 0
    const keys = new Set()
    await page.route('**/api/member/me/profile*', async (r) => {
      keys.add(r.request().headers()['idempotency-key'])
      if (lost++ === 0) {
        await r.fetch() // it arrives; the answer does not
        return r.abort('connectionreset')
      }
      return r.continue()
    })
    await page.getByLabel('昵称').fill('林晓月')
    await axe(page)
    await shot(page, 'member-profile')
    await press(page, 'profile.save')
    await says(page, '您的性别')
    expect(lost === 2 && keys.size === 1, `sent ${lost} times under ${keys.size} keys`)
    await press(page, 'gender.female')
    await says(page, '哪天是您的生日')
    await page.getByLabel('生日').fill('1990-05-17')
    await press(page, 'profile.save')
    await says(page, '您常在哪座城市')
    await page.getByLabel('所在地区').fill('杭州')
    await press(page, 'profile.save')
    await says(page, '资料已完整')
    await axe(page)
    await page.goto(server.url + '/m/#/')
    await says(page, '林晓月')
  })

  await test('member: points, each reason, filters, the expiry calendar', async () => {
    const page = await open(look({ at: '/m/#/pages/points/points', storageState: state }))
    await at(page, 'points.line').waitFor() // the reward of the profile
    await axe(page)
    await shot(page, 'member-points')
    await press(page, 'points.line')
    await page.getByRole('dialog').waitFor()
    await axe(page)
    await shot(page, 'member-points-why')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    for (const f of ['in', 'out', 'expire']) {
      await press(page, 'filter.' + f)
      await page.locator(`[data-name="filter.${f}"][aria-selected="true"]`).waitFor()
    }
    await says(page, '还没有流水')
    await shot(page, 'member-points-none')
    await press(page, 'points.expiring')
    await says(page, '未来一年到期')
    await axe(page)
    await shot(page, 'member-expiring')
  })

  await test('member: tiers compared', async () => {
    const page = await open(look({ at: '/m/#/pages/tiers/tiers', storageState: state }))
    await says(page, '权益对比')
    await press(page, 'tier.diamond')
    await says(page, '钻石会员权益')
    await axe(page)
    await shot(page, 'member-tiers', { fullPage: true })
    await press(page, 'tiers.rules')
    await says(page, '保级需')
    await axe(page)
    await shot(page, 'member-rules')
  })

  await test('member: orders, inbox, consents, my data', async () => {
    const page = await open(look({ at: '/m/#/more/orders/orders', storageState: state }))
    await says(page, '还没有订单')
    await axe(page)
    await shot(page, 'member-orders')
    await page.goto(server.url + '/m/#/more/inbox/inbox')
    await page.getByText(/还没有消息|全部已读/).first().waitFor()
    await axe(page)
    await shot(page, 'member-inbox')
    await page.goto(server.url + '/m/#/more/consents/consents')
    const marketing = page.locator('[data-purpose="marketing"]')
    await marketing.click()
    await page.locator('[data-purpose="marketing"][aria-checked="true"]').waitFor()
    await axe(page)
    await shot(page, 'member-consents')
    await marketing.click()
    await page.locator('[data-purpose="marketing"][aria-checked="false"]').waitFor()
    await page.goto(server.url + '/m/#/more/mydata/mydata')
    await at(page, 'mydata.export').waitFor()
    await axe(page)
    await shot(page, 'member-mydata')
    const [file] = await Promise.all([page.waitForEvent('download'), press(page, 'mydata.export')])
    const kept = JSON.parse(readFileSync(await file.path(), 'utf8'))
    expect(kept.consents.history.filter((h) => h.purpose === 'marketing').length === 2 && kept.statement.length > 0, 'the export has not what was done: ' + JSON.stringify(kept.consents))
  })

  await test('member: me and settings: language and text size hold; dark, large and small screens pass', async () => {
    const page = await open(look({ at: '/m/#/pages/me/me', storageState: state }))
    await at(page, 'me.settings').waitFor()
    await axe(page)
    await shot(page, 'member-me')
    await press(page, 'me.settings')
    await press(page, 'text.huge')
    await press(page, 'lang.en')
    await says(page, 'Text size')
    await axe(page)
    await page.reload()
    await says(page, 'Text size')
    await page.setViewportSize({ width: 320, height: 640 })
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    for (const [name, path, word] of [['home', 'pages/home/home', 'All tiers'], ['points', 'pages/points/points', 'Expired'], ['tiers', 'pages/tiers/tiers', 'Compare'], ['me', 'pages/me/me', 'My orders'], ['code', 'pages/code/code', 'Get a new code'], ['consents', 'more/consents/consents', 'Marketing']]) {
      await page.goto(server.url + '/m/#/' + path)
      await says(page, word)
      await axe(page)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(wide <= 320, `${name} is ${wide} wide on a screen of 320`)
      await shot(page, `member-${name}-dark-huge-en`)
    }
  })

  await test('member: without a network the pages say what to do, keep what they had, and come back', async () => {
    const page = await open(look({ at: '/m/', storageState: state }))
    await at(page, 'home.points').waitFor()
    await page.route('**/api/member/**', (r) => r.abort('internetdisconnected'))
    await page.goto(server.url + '/m/#/more/orders/orders')
    await says(page, '网络连接不上')
    await axe(page)
    await shot(page, 'member-offline')
    await page.goto(server.url + '/m/#/')
    await at(page, 'home.points').waitFor() // what was read last
    await page.getByRole('alert').filter({ hasText: '网络连接不上' }).waitFor()
    await shot(page, 'member-home-offline')
    await page.unroute('**/api/member/**')
    await press(page, 'retry')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await page.route('**/api/member/me/orders*', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: '{"type":"x","title":"内部错误","status":500,"code":"internal","instance":"r-1"}' }))
    await page.goto(server.url + '/m/#/more/orders/orders')
    await says(page, '出了点问题')
    await says(page, 'r-1')
    await axe(page)
  })

  await test('member: the first load stays below 200 KB on the wire, and what we ship names no other host', async () => {
    const page = await open(look())
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    let bytes = 0
    session.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength))
    await page.goto(server.url + '/m/')
    await at(page, 'welcome.phone').waitFor()
    await page.waitForLoadState('networkidle')
    console.log(`    the first load took ${Math.round(bytes / 1024)} KB`)
    expect(bytes > 20_000 && bytes < 200 * 1024, `the first load took ${bytes} bytes`)
    const dist = new URL('../dist/member/', import.meta.url).pathname
    const allowed = /^https?:\/\/(www\.w3\.org|vuejs\.org\/error-reference|localhost)/
    for (const f of readdirSync(dist, { recursive: true })) {
      if (!/\.(js|css|html)$/.test(f) || !statSync(dist + f).isFile()) continue
      for (const [url] of readFileSync(dist + f, 'utf8').matchAll(/(?:https?|wss?):\/\/[\w-]+(?:\.[\w-]+)+[\w./-]*/g)) expect(allowed.test(url), `${f} names ${url}`)
    }
  })

  await test('member: logs out, and nothing of them stays on the phone', async () => {
    const page = await open(look({ at: '/m/#/more/settings/settings', storageState: state }))
    await press(page, 'settings.logout')
    await axe(page)
    await press(page, 'settings.logout.no')
    await press(page, 'settings.logout')
    await press(page, 'settings.logout.yes')
    await route(page, 'pages/welcome/welcome')
    const left = await page.evaluate(() => Object.keys(localStorage).filter((k) => k.startsWith('gx.c.')))
    expect(left.length === 0, 'left on the phone: ' + left)
    await page.goto(server.url + '/m/#/pages/points/points')
    await route(page, 'pages/welcome/welcome')
  })
}
