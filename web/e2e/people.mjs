// The people of the emulator: what arrives on their phones, and how one of them becomes a member.
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { open, server, test } from './harness.mjs'

export const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50 NetType/WIFI Language/zh_CN'
export const look = (more = {}) => ({ mobile: true, width: 390, height: 844, userAgent: phone, ...more })

export const emulator = async (path, body) => (await fetch(server.emulator + path, body ? { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {})).json()

/** The newest code that a person's phone has got. */
export async function codeOf(person, before = '') {
  for (let i = 0; i < 200; i++) {
    const found = [...JSON.stringify(await emulator(`/_emulator/people/${person}/bubbles`)).matchAll(/验证码是(\d{6})/g)].map((m) => m[1]).pop()
    if (found && found !== before) return found
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('no code came to ' + person)
}

/** The newest code that a person has got by mail. */
export async function codeByMail(person) {
  for (let i = 0; i < 200; i++) {
    const letter = (await emulator(`/_emulator/people/${person}/bubbles`)).findLast((b) => b.kind === 'mail')
    const found = letter?.title?.match(/\d{6}/)?.[0]
    if (found) return found
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('no letter came to ' + person)
}

/** Lets a person join by phone; gives what their browser holds then. */
export async function join(person, number) {
  const page = await open(look({ at: '/m/' }))
  await page.locator('[data-name="welcome.agree"]').click()
  await page.locator('[data-name="welcome.phone"]').click()
  await page.getByLabel('手机号').fill(number)
  await page.locator('[data-name="welcome.send"]').click()
  await page.getByLabel('验证码').fill(await codeOf(person))
  await page.locator('[data-name="welcome.enter"]').click()
  await page.locator('[data-name="welcome.home"]').click()
  await page.locator('[data-name="home.points"]').waitFor()
  return page.context().storageState()
}

/** Asks the partner door as a till does: signed with its key. */
export async function partner(key, method, path, body) {
  const text = body === undefined ? '' : JSON.stringify(body)
  const [at, nonce, idem] = [String(Math.floor(Date.now() / 1000)), randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
  const canonical = [method, '/api/partner' + path, '', at, nonce, idem, createHash('sha256').update(text).digest('hex'), ''].join('\n')
  const signature = createHmac('sha256', key.secret).update(canonical).digest('base64')
  const r = await fetch(server.url + '/api/partner' + path, { method, body: text || undefined,
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idem, 'X-GX-Timestamp': at, 'X-GX-Nonce': nonce, Authorization: `GX1-HMAC-SHA256 key="${key.name}", signature="${signature}"` } })
  return { status: r.status, body: await r.json().catch(() => ({})) }
}

/**
 * Two members whom one sitting leads to: a till brings the phone of the one for the other, and is refused.
 * Their numbers end in n and n + 1; gives the two members.
 */
export async function suspected(key, n) {
  const phone = (i) => '139' + String(70000000 + i)
  const ids = []
  for (const i of [n, n + 1]) {
    const r = await partner(key, 'POST', '/members', { identities: [{ kind: 'phone', value: phone(i), verified: true }] })
    if (r.status >= 300) throw new Error(JSON.stringify(r))
    ids.push(r.body.id)
  }
  const refused = await partner(key, 'POST', `/members/${ids[0]}/identities`, { kind: 'phone', value: phone(n + 1), verified: true })
  if (refused.status !== 409) throw new Error(JSON.stringify(refused))
  return ids
}

/** Somebody new joins by their WeChat and pays at a store, as on a phone. */
export async function pays(id, name, fen) {
  await emulator('/_emulator/people', { id, name, phone: '', color: '#7a7a7a' })
  const page = await open({ width: 1280 })
  await page.goto(server.emulator + '/')
  await page.getByRole('button', { name }).click()
  await page.locator('#codes [data-code="门店 S002"]').click()
  await page.locator('.card', { hasText: '欢迎来到' }).click()
  const web = page.frameLocator('iframe')
  await web.getByRole('checkbox').first().click()
  await web.getByText('微信一键登录').click()
  await web.getByText('绑定手机号').waitFor()
  const frame = page.frames().find((f) => f.url().startsWith(server.url + '/m/'))
  const { payment, prepay } = await frame.evaluate(async (amount) => {
    const post = async (path, body) => {
      const res = await fetch('/api/member' + path, { method: 'POST', headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), 'Idempotency-Key': crypto.randomUUID() }, body: body && JSON.stringify(body) })
      if (!res.ok) throw new Error(await res.text())
      return res.json()
    }
    const made = await post('/me/payments', { amount_fen: amount, store: 'S002' })
    return { payment: made.id, prepay: (await post(`/me/payments/${made.id}/prepay`)).package.replace('prepay_id=', '') }
  }, fen)
  await emulator('/_emulator/pay/tap', { prepay_id: prepay, person: id })
  for (let i = 0; (await (await page.request.get(`${server.url}/api/member/me/payments/${payment}`)).json()).state !== 'paid'; i++) {
    if (i > 300) throw new Error('the payment was not booked')
    await page.waitForTimeout(100)
  }
  await page.context().close()
  const asked = test.complaints.filter((c) => !c.startsWith('it asks somebody else: ' + server.emulator)) // the phone is the emulator's
  test.complaints.splice(0, Infinity, ...asked)
  return payment
}

/** A notification for an app that nobody has: it is refused, and noted for somebody to see. */
export const stray = () => fetch(server.url + '/hooks/wechat/pay/wxdeadbeef', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } })
