// The phone of the emulator: a stranger scans a store's code and is a member three steps later; the phone is bound with a message that
// arrives on the same phone; who leaves is no longer followed. He is not the one of the member centre's tests: a number gets one code
// a minute, and an older code would be taken for the new one.
import { axe, expect, open, server, shot, test } from './harness.mjs'

/** Where the emulator is: the only page that may show ours in a frame. */
async function emulator() {
  const policy = (await fetch(server.url + '/m/')).headers.get('content-security-policy')
  return policy.match(/frame-ancestors (http\S+)/)[1]
}

export default async function () {
  await test('join from a store code, bind the phone, leave', async () => {
    const at = await emulator()
    const page = await open()
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.goto(at + '/')
    await page.getByRole('button', { name: '陈大海' }).click()
    await shot(page, 'phone-chats')

    await page.locator('#codes [data-code="门店 S001 · 导购 7"]').click() // 1: scan, which follows
    const card = page.locator('.card', { hasText: '欢迎来到' })
    await card.waitFor()
    await shot(page, 'phone-followed')
    await card.click() // 2: tap the greeting
    const web = page.frameLocator('iframe')
    await web.getByRole('checkbox').first().click()
    await web.getByText('微信一键登录').click() // 3: agree and go
    await web.getByText('绑定手机号').waitFor()
    await shot(page, 'phone-joined')

    await web.locator('input').first().fill('13800138002')
    await web.getByText('获取验证码').click()
    let code
    for (let i = 0; !code; i++) {
      const list = await (await fetch(at + '/_emulator/people/chen/bubbles')).json()
      code = list.findLast((b) => b.kind === 'sms')?.text.match(/\d{6}/)?.[0]
      expect(i < 300, 'no message with a code arrived')
      if (!code) await page.waitForTimeout(100)
    }
    await web.locator('input').nth(1).fill(code)
    await web.getByText('绑定', { exact: true }).click()
    await web.getByText('进入会员中心').click()
    await web.getByText('会员码').first().waitFor()
    await shot(page, 'phone-home')

    await page.getByRole('button', { name: '关闭' }).click()
    await page.getByRole('button', { name: '会员中心' }).click() // the menu: he is known, and no step is left
    await web.getByText('会员码').first().waitFor()
    await page.getByRole('button', { name: '关闭' }).click()
    await page.getByRole('button', { name: '账号资料' }).click()
    await page.getByRole('button', { name: '不再关注' }).click()
    await page.getByText('关系生活馆').first().waitFor()
    const apps = (await (await fetch(at + '/_emulator/people/chen/phone')).json()).apps
    expect(!apps.find((a) => a.kind === 'oa').follows, 'he still follows')
    const asked = test.complaints.filter((c) => !c.startsWith('it asks somebody else: ' + at)) // the phone is the emulator's
    test.complaints.splice(0, Infinity, ...asked)
  })

  await test('pay in the phone: order, points, message; then the money goes back', async () => {
    const at = await emulator()
    const page = await open()
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.goto(at + '/')
    await page.getByRole('button', { name: '赵一帆' }).click()
    await page.locator('#codes [data-code="门店 S002"]').click()
    const card = page.locator('.card', { hasText: '欢迎来到' })
    await card.waitFor()
    await card.click()
    const web = page.frameLocator('iframe')
    await web.getByRole('checkbox').first().click()
    await web.getByText('微信一键登录').click()
    await web.getByText('绑定手机号').waitFor()

    // What a page of the brand does: an order at ours, its button signed by us, and the bridge of WeChat.
    const frame = page.frames().find((f) => f.url().startsWith(server.url + '/m/'))
    const button = await frame.evaluate(async () => {
      const post = async (path, body) => {
        const res = await fetch('/api/member' + path, { method: 'POST', headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), 'Idempotency-Key': crypto.randomUUID() }, body: body && JSON.stringify(body) })
        if (!res.ok) throw new Error(await res.text())
        return res.json()
      }
      const order = await post('/me/payments', { amount_fen: 6850, store: 'S002' })
      const b = await post(`/me/payments/${order.id}/prepay`)
      return { appId: b.app_id, timeStamp: b.time_stamp, nonceStr: b.nonce_str, package: b.package, signType: b.sign_type, paySign: b.pay_sign }
    })
    await frame.addScriptTag({ url: at + '/open/js/jweixin-1.6.0.js' })
    const paying = frame.evaluate((b) => new Promise((ok) => window.WeixinJSBridge.invoke('getBrandWCPayRequest', b, (r) => ok(r.err_msg))), button)
    await page.getByText('¥68.50').waitFor()
    await shot(page, 'phone-pay')
    await page.getByRole('button', { name: '确认支付' }).click()
    expect((await paying) === 'get_brand_wcpay_request:ok', 'the payment did not succeed: ' + (await paying))

    const me = async (path) => (await page.request.get(server.url + '/api/member' + path)).json()
    const until = async (what, ok) => {
      for (let i = 0; !(await ok()); i++) {
        expect(i < 300, what)
        await page.waitForTimeout(100)
      }
    }
    const points = async () => (await me('/me/home')).points.available
    await until('no points came', async () => (await points()) >= 68)
    await page.getByRole('button', { name: '关闭' }).click()
    const bought = page.locator('.card', { hasText: '消费成功通知' })
    await bought.getByText('¥68.50').waitFor()
    await page.locator('.card', { hasText: '积分变动提醒' }).first().waitFor()
    await shot(page, 'phone-paid')

    // The task of following was done by the scan.
    const doneTask = async (key) => (await me('/me/home')).tasks.find((x) => x.key === key)?.done
    expect(await doneTask('follow'), 'to follow did no task')

    // The order in the member centre: what was bought and why it gave points; a badge came with it.
    const centre = await page.context().newPage()
    await centre.setViewportSize({ width: 390, height: 844 })
    await centre.goto(server.url + '/m/#/more/orders/orders')
    await axe(centre)
    await shot(centre, 'member-orders-one')
    await centre.locator('[data-name="orders.one"]').first().click()
    await centre.getByText('¥68.50').first().waitFor()
    await centre.getByText('积分怎么来的').waitFor()
    await axe(centre)
    await shot(centre, 'member-order', { fullPage: true })
    const detail = centre.url()
    await centre.goto(server.url + '/m/#/more/badges/badges')
    await centre.locator('[data-badge="first_order"][data-earned="yes"]').click()
    await centre.locator('[data-name="badges.order"]').click()
    await centre.waitForURL(detail)
    await page.bringToFront()

    // Others have paid, too, and a page that stood behind another one may show an older list.
    await page.locator('#orders .task', { hasText: '¥68.50' }).locator('[data-refund]').click()
    await page.locator('.card', { hasText: '退款成功通知' }).getByText('¥68.50').waitFor()
    await until('the points were not taken back', async () => (await points()) === 20) // those for following stay
    await centre.bringToFront()
    await centre.reload()
    await centre.getByText('已退款').first().waitFor()
    await centre.emulateMedia({ colorScheme: 'dark' })
    await axe(centre)
    await shot(centre, 'member-order-refunded-dark', { fullPage: true })
    await centre.goto(server.url + '/m/#/')
    await centre.goto(server.url + '/m/#/more/order/order?id=1')
    await centre.getByRole('alert').first().waitFor()
    await axe(centre)
    await shot(centre, 'member-order-none')
    await centre.close()
    await shot(page, 'phone-refunded')
    await page.getByRole('button', { name: '账号资料' }).click()
    await page.getByRole('button', { name: '不再关注' }).click()
    await page.getByText('关系生活馆').first().waitFor()
    await page.locator('#codes [data-code="客户群"]').click() // the customer group
    await until('to join the group did no task', () => doneTask('group'))
    expect(await doneTask('follow'), 'who leaves has not followed any more')
    const asked = test.complaints.filter((c) => !c.startsWith('it asks somebody else: ' + at))
    test.complaints.splice(0, Infinity, ...asked)
  })
}
