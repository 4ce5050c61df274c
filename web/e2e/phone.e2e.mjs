// The phone of the emulator: a stranger scans a store's code and is a member three steps later; the phone is bound with a message that
// arrives on the same phone; who leaves is no longer followed. He is not the one of the member centre's tests: a number gets one code
// a minute, and an older code would be taken for the new one.
import { expect, open, server, shot, test } from './harness.mjs'

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
}
