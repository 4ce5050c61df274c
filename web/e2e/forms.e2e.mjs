// Every form of the console: something wrong, a reload, a lost connection, an ended session. What was typed is never lost, what is
// wrong is said at its field, and a sending whose answer was lost is sent again under the same key.
//
// The table names each form by its file; a form in the sources that is not in the table fails the last test.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, knock, open, owner, server, test } from './harness.mjs'
import { pays, stray, suspected } from './people.mjs'

const password = 'correct horse battery'
const staff = { root: 'owner', ops: 'f-ops', fin: 'f-fin', care: 'f-care' }
const roles = { ops: 'operator', fin: 'finance', care: 'customer_service' }
const pages = {} // one browser page for each who works
const made = {} // ids of what the forms are about
const button = (page, name, where = page) => where.getByRole('button', { name, exact: true })
const text = (name) => (f) => f.getByRole('textbox', { name, exact: true })
const number = (name) => (f) => f.getByRole('spinbutton', { name, exact: true })

const api = (page, method, path, body) => page.evaluate(async ([m, p, b]) => {
  const key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (x) => x.toString(16).padStart(2, '0')).join('')
  const r = await fetch('/api/console' + p, { method: m, headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key }, body: b === undefined ? undefined : JSON.stringify(b) })
  return { status: r.status, body: await r.json().catch(() => ({})) }
}, [method, path, body])
async function must(who, method, path, body) {
  const r = await api(pages[who], method, path, body)
  expect(r.status < 300, `${method} ${path}: ${r.status} ${JSON.stringify(r.body)}`)
  return r.body
}

async function signIn(page, login, where = page) {
  await where.getByRole('textbox', { name: '登录名', exact: true }).fill(login)
  await where.getByRole('textbox', { name: '密码', exact: true }).fill(password)
  await knock(page, button(page, '登录', where))
}

/** Signs in again in place. */
async function comeBack(page, login, where) {
  await signIn(page, login, where)
  await where.waitFor({ state: 'hidden' })
}

/** Opens a browser for somebody, and lets them prove who they are when they are asked. */
async function come(who) {
  const page = (pages[who] = await open({ keep: true, at: '/console/' }))
  await signIn(page, staff[who])
  await page.getByRole('heading', { level: 1, name: '概览' }).waitFor()
  const proof = page.getByRole('dialog', { name: '请验证是你本人' })
  await page.addLocatorHandler(proof, async () => {
    const field = proof.getByRole('textbox', { name: '密码' })
    if (!(await field.count())) return // it closes already
    await field.fill(password)
    await button(page, '验证', proof).click()
  })
}

async function prepare() {
  await test('who works on the forms comes in, and what the forms are about is there', async () => {
    const page = await open({ at: '/console/' })
    if (await page.evaluate(async (o) => (await fetch('/api/console/session', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'first-owner' }, body: JSON.stringify({ login: o.login, password: o.password }) })).status, owner) >= 400) {
      const token = server.setup.split('#setup=')[1]
      const r = await api(page, 'POST', '/setup', { token, login: owner.login, name: owner.name, password: owner.password })
      expect(r.status < 300, JSON.stringify(r))
    }
    await come('root')
    for (const [who, role] of Object.entries(roles)) {
      made[who] = (await must('root', 'POST', '/operators', { name: '表单' + who, login: staff[who], password })).id
      await must('root', 'POST', `/operators/${made[who]}/roles`, { role, reason: '岗位需要' })
      await come(who)
    }
    made.other = (await must('root', 'POST', '/operators', { name: '丁', login: 'f-other', password })).id
    const stores = await must('root', 'POST', '/stores', { code: 'F-01', name_zh: '表单店', name_en: 'Forms' })
    made.store = stores.id
    made.terminal = (await must('root', 'POST', '/terminals', { code: 'F-T1', name: '一号台', store: stores.id })).id
    const members = (await must('ops', 'GET', '/members?limit=30&status=active')).data.map((m) => m.id)
    made.members = members.slice(12)
    for (const m of made.members.slice(0, 2)) await must('ops', 'POST', `/members/${m}/adjustments`, { points: 50, class: 3, reason: '岗位需要' })
    await must('root', 'POST', '/partners', { name: '表单收银', scopes: ['members.write'], reason: '岗位需要' })
    const till = (await must('root', 'GET', '/partners')).data.find((x) => x.name === '表单收银')
    await suspected(await must('root', 'POST', `/partners/${till.id}/keys`), 1000)
    await pays('f-payer', '方款', 8800)
    const rules = await must('ops', 'GET', '/rules')
    const spec = { ...rules.data[0].versions[0].spec, zh: '表单规则', en: 'Rule of forms' }
    const draft = await must('ops', 'POST', '/rules', spec)
    made.rule = draft.rule
    const kinds = (await must('ops', 'GET', '/campaign-kinds')).data
    const newcomer = kinds.find((k) => k.name !== 'check_in')
    made.campaign = (await must('ops', 'POST', '/campaigns', { kind: newcomer.name, zh: '表单活动', en: 'Campaign of forms' })).campaign_id
  })
}

const dialog = (opener, title = opener) => async (page) => {
  await button(page, opener).first().click()
  const d = page.getByRole('dialog', { name: title })
  await d.waitFor()
  return d
}
/** A button of a card, where others on the page are called the same. */
const of = (card, opener, title) => async (page) => {
  await button(page, opener, page.getByRole('region', { name: card })).first().click()
  const d = page.getByRole('dialog', { name: title })
  await d.waitFor()
  return d
}
const more = (opener, item, title) => async (page) => {
  await button(page, opener).first().click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
  return page.getByRole('dialog', { name: title })
}
/** A setting with versions: the form is on the page, once somebody wants to change it. */
const setting = (title, tab = '') => async (page) => {
  const card = page.locator('section.card', { has: page.getByRole('heading', { name: title, exact: true }) })
  await card.waitFor()
  const change = button(page, '修改', card)
  if (await change.count()) await change.click()
  void tab
  return card
}
const member = (n) => () => '/members/' + made.members[n]
const why = { bad: [], good: [[text('原因'), '表单的试验']] } // a form of a reason alone: none is what is wrong
const refuse = { bad: [], good: [[text('理由'), '表单的试验']] }

/** Asks for something that takes two, so that there is an approval to decide. */
const asks = async () => {
  const r = await must('ops', 'POST', `/members/${made.members[5]}/adjustments`, { points: 90000, class: 3, reason: '大额补偿' })
  expect(r.state === 'waiting', JSON.stringify(r))
}
const decideOn = (opener, title) => async (page) => {
  await page.locator('tbody tr').first().getByRole('button').click()
  const drawer = page.locator('.el-drawer')
  await button(page, opener, drawer).click()
  return page.getByRole('dialog', { name: title })
}

// file · what · who · where · how it opens · what is wrong and then right · the button that sends · more
const forms = [
  ['pages/Stores.vue', '品牌', 'root', '/stores', dialog('添加品牌'), { bad: [[text('中文名'), '新品牌']], good: [[text('英文名'), 'New brand']] }, '保存'],
  ['pages/Stores.vue', '门店', 'root', '/stores', dialog('添加门店'), { bad: [[text('编码'), '有 空格'], [text('中文名'), '静安店'], [text('英文名'), 'Jing']], good: [[text('编码'), 'F-02']] }, '保存'],
  ['pages/Terminals.vue', '终端', 'root', '/terminals', dialog('添加终端'), { bad: [[text('编号'), '有 空格'], [text('名称'), '二号台']], good: [[text('编号'), 'F-T2'], [choice('所在门店'), '表单店']] }, '保存'],
  ['pages/Terminals.vue', '停用终端', 'root', '/terminals', more('更多操作', '停用…', /停用终端/), { bad: null, good: [[text('原因'), '表单的试验']] }, '停用'],
  ['pages/Partners.vue', '合作方', 'root', '/partners', dialog('添加合作方'), { bad: [[text('名称'), '收银甲']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/parts/Webhooks.vue', '订阅', 'root', '/partners', dialog('添加订阅'), { bad: [[text('地址'), 'ftp://x']], good: [[text('地址'), 'https://example.com/hook']] }, '添加'],
  ['pages/Staff.vue', '员工', 'root', '/staff', dialog('添加员工'), { bad: [[text('姓名'), '戊'], [text('登录名'), 'F!'], [text('初始密码'), password]], good: [[text('登录名'), 'f-new']], secret: [[text('初始密码'), password]] }, '添加'],
  ['pages/Staff.vue', '限额', 'root', '/staff?tab=checks', of('一个人可以做多少', '修改', /./), { bad: [[number('积分'), '1234']], good: [[text('原因'), '表单的试验']] }, '修改'],
  ['pages/Staff.vue', '双人复核', 'root', '/staff?tab=checks', setting('哪些改动需要两个人'), { bad: [[toggle(0), '']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/Staff.vue', '登录安全', 'root', '/staff?tab=checks', setting('登录安全'), { bad: [[spin(0), '25']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/Operator.vue', '授予角色', 'root', () => '/staff/' + made.other, dialog('授予角色…', '授予角色'), { bad: [[choice('角色'), '财务']], good: [[text('原因'), '表单的试验']] }, '授予'],
  ['pages/Operator.vue', '重置两步验证', 'root', () => '/staff/' + made.other, dialog('重置两步验证…', '重置两步验证'), why, '重置', { answers: 404 }], // they have none yet: the answer says so
  ['pages/Operator.vue', '重设密码', 'root', () => '/staff/' + made.other, dialog('重设密码…', '重设密码'), { bad: [[text('新密码'), 'short']], good: [], secret: [[text('新密码'), password + '!']] }, '重设'],
  ['pages/Operator.vue', '停用', 'root', () => '/staff/' + made.other, dialog('停用…', '停用员工'), why, '停用'],
  ['pages/Points.vue', '积分政策', 'ops', '/points?tab=policy', setting('积分政策'), { bad: [[spin(0), '13']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/Points.vue', '浮动汇率', 'ops', '/points?tab=rate', dialog('公布新汇率…', '公布浮动汇率'), { bad: [[text('汇率'), '很高'], [text('原因'), '表单的试验']], good: [[text('汇率'), '1.1']] }, '公布'],
  ['pages/Tiers.vue', '等级规则', 'ops', '/tiers', setting('等级规则'), { bad: [[number('升级成长值 3'), '555']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/Theme.vue', '外观', 'root', '/settings/theme', setting('外观'), { bad: [[textbox(0), '关系生活馆']], good: [[text('原因'), '表单的试验']] }, '保存', { change: true }],
  ['pages/SettingPage.vue', '隐私', 'root', '/settings/privacy', setting('隐私'), { bad: [[spin(0), '11']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/SettingPage.vue', '行为采集', 'root', '/settings/tracking', setting('行为采集'), { bad: [[spin(0), '97']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/SettingPage.vue', '消息策略', 'ops', '/settings/messages', setting('消息策略'), { bad: [[spin(0), '3']], good: [[text('原因'), '表单的试验']] }, '保存'],
  ['pages/member/Acts.vue', '调整积分', 'care', member(0), dialog('调整积分'), { bad: [[number('积分'), '7']], good: [[text('原因'), '表单的试验']] }, '提交'],
  ['pages/member/Acts.vue', '冻结积分', 'care', member(0), more('更多操作', '冻结积分…', '冻结积分'), { bad: [[number('积分'), '3']], good: [[text('原因'), '表单的试验']] }, '冻结'],
  ['pages/member/Assets.vue', '没收', 'care', () => member(0)() + '?tab=assets', dialog('没收', '没收冻结的积分'), why, '没收'],
  ['pages/member/Assets.vue', '解冻', 'care', () => member(1)() + '?tab=assets', dialog('解冻', '解冻积分'), why, '解冻', { before: () => must('care', 'POST', `/members/${made.members[1]}/freezes`, { points: 2, reason: '表单的试验' }) }],
  ['pages/member/Acts.vue', '会员状态', 'care', member(2), more('更多操作', '冻结或拉黑会员…', '更改会员状态'), why, '更改'],
  ['pages/member/Acts.vue', '注销', 'care', member(3), more('更多操作', '注销会员…', '注销会员'), why, '注销'],
  ['pages/member/Identity.vue', '完整信息', 'care', () => member(4)() + '?tab=identity', dialog('查看完整信息', '查看完整个人信息'), why, '查看'],
  ['pages/Merge.vue', '合并预览', 'ops', '/merges', (page) => page.locator('form', { has: page.getByRole('textbox', { name: '保留的会员' }) }), { bad: [[text('保留的会员'), () => made.members[6]], [text('并入的会员'), () => made.members[6]]], good: [[text('并入的会员'), () => made.members[7]]] }, '预览合并', { anywhere: true }],
  ['pages/Merge.vue', '合并', 'ops', () => '/merges', async (page) => {
    await page.getByRole('textbox', { name: '保留的会员' }).fill(made.members[6])
    await page.getByRole('textbox', { name: '并入的会员' }).fill(made.members[7])
    await button(page, '预览合并').click()
    return dialog('确认合并…', '合并会员')(page)
  }, why, '合并'],
  ['pages/member/TakeApart.vue', '拆分', 'ops', () => `/members/${made.members[6]}?tab=identity`, dialog('拆分', '拆分合并'), why, '拆分'],
  ['pages/Approvals.vue', '同意', 'fin', '/approvals', decideOn('同意并执行', '同意并执行'), { bad: null, good: [[text('说明'), '表单的试验']] }, '同意', { before: asks }],
  ['pages/Approvals.vue', '拒绝', 'fin', '/approvals', decideOn('拒绝', '拒绝申请'), refuse, '拒绝', { before: asks }],
  ['pages/rule/Edit.vue', '规则', 'ops', '/rules/new', (page) => page.locator('main'), { bad: [[text('中文名'), '表单草稿']], good: [[text('英文名'), 'Draft of forms'], [number('积分'), '9']], first: [[choice('种类'), '每单固定积分']] }, '保存草稿'],
  ['pages/rule/Rule.vue', '发布规则', 'ops', () => '/rules/' + made.rule, dialog('发布…', /发布第/), why, '发布'],
  ['pages/rule/Rule.vue', '下线规则', 'ops', () => '/rules/' + made.rule, dialog('下线…', /下线第/), why, '下线', { before: () => agreed('rule.publish') }],
  ['pages/campaign/Edit.vue', '活动', 'ops', '/campaigns/new', (page) => page.locator('main'), { bad: [[text('中文名'), '表单签到']], good: [[text('英文名'), 'Check-in of forms']] }, '保存草稿'],
  ['pages/campaign/Campaign.vue', '发布活动', 'ops', () => '/campaigns/' + made.campaign, dialog('发布…', /发布第/), why, '发布', { before: noOther }],
  ['pages/campaign/Campaign.vue', '结束活动', 'ops', () => '/campaigns/' + made.campaign, dialog('结束…', /结束第/), why, '结束', { before: () => agreed('campaign.publish') }],
  ['pages/Links.vue', '入口链接', 'ops', '/links', dialog('新建链接', '新建入口链接'), { bad: [[text('短码'), '有 空格'], [text('名称'), '品牌专区']], good: [[text('短码'), 'f-link']] }, '保存'],
  ['pages/Links.vue', '停用链接', 'ops', '/links', dialog('停用', '停用入口链接'), { bad: null, good: [] }, '停用'],
  ['pages/Imports.vue', '导入', 'ops', '/imports', async (page) => {
    await page.locator('tbody').getByRole('button', { name: 'forms.csv' }).first().click()
    const f = page.locator('.el-drawer form')
    await f.waitFor()
    return f
  }, { bad: [[text('退款单号前缀'), 'C']], good: [[text('来源系统'), 'forms']] }, '试导入', { before: upload }],
  ['pages/Suspects.vue', '不是同一人', 'ops', '/suspects', dialog('不是同一人…', '不是同一人'), why, '确定'],
  ['pages/Payments.vue', '退款', 'ops', '/payments', async (page) => {
    await page.getByRole('row', { name: /88\.00/ }).getByRole('button').click()
    await button(page, '退款…', page.locator('.el-drawer')).click()
    return page.getByRole('dialog', { name: '原路退款' })
  }, { bad: [[number('退款金额'), '12.00']], good: [[text('原因'), '表单的试验']] }, '退款'],
  ['pages/Payments.vue', '处理异常', 'ops', '/payments?tab=incidents', dialog('处理', '处理支付异常'), { bad: [], good: [[text('处理说明'), '表单的试验']] }, '关闭异常', { before: stray }],
  ['ui/Export.vue', '导出会员', 'ops', '/members', dialog('导出', '导出会员'), why, '导出'],
  ['pages/Account.vue', '修改密码', 'care', '/account', (page) => page.locator('section.card', { has: page.getByRole('heading', { name: '修改密码' }) }), { bad: [[text('现在的密码'), password], [text('新密码'), 'short']], good: [], secret: [[text('现在的密码'), password], [text('新密码'), password + '?']] }, '修改', { never: true }],
]

// Forms that write nothing (they look something up), and forms that others show to work, with the reason.
const others = {
  'layout/Again.vue': 'it is what an ended session shows; each form above goes through it',
  'layout/Search.vue': 'it looks something up',
  'pages/SignIn.vue': 'nobody is signed in yet; the tests of the first start and of signing in are about it',
  'pages/parts/Factor.vue': 'codes and secrets, which are never kept; tested with the second factor',
  'pages/parts/Passkeys.vue': 'the browser asks; tested with the passkeys',
  'pages/parts/OrderFind.vue': 'it looks something up',
  'pages/parts/RefundPreview.vue': 'it looks something up',
  'pages/rule/Preview.vue': 'it looks something up',
  'ui/Versioned.vue': 'shared: the settings above',
  'ui/ReasonForm.vue': 'shared: the dialogs above',
  'ui/Versions.vue': 'shared: rules and campaigns above, each of which has both of its dialogs',
}

function choice(label) {
  return Object.assign((f) => f.getByRole('combobox', { name: label, exact: true }), { pick: true })
}
function toggle(n) {
  return Object.assign((f) => f.getByRole('switch').nth(n), { turn: true })
}
function spin(n) {
  return (f) => f.getByRole('spinbutton').nth(n)
}
function textbox(n) {
  return (f) => f.getByRole('textbox').nth(n)
}
async function fill(page, form, fields) {
  for (const [find, value] of fields || []) {
    const field = find(form).first()
    if (find.turn) await field.locator('xpath=..').click()
    else if (find.pick) {
      await field.focus()
      await page.keyboard.press('Enter')
      await page.getByRole('option', { name: value, exact: true }).click()
    } else {
      await field.fill(typeof value === 'function' ? value() : value)
      await field.blur()
    }
  }
}
/** What stands in the fields, without what is never kept. */
const typed = (form) => form.locator('input:not([type=password]), textarea').evaluateAll((all) => all.map((x) => (x.type === 'checkbox' || x.type === 'radio' ? String(x.checked) : x.value)).join(' | '))

async function agreed(kind) {
  const list = (await must('fin', 'GET', '/approvals')).data.filter((a) => a.kind === kind)
  for (const a of list) await must('fin', 'POST', `/approvals/${a.id}/decision`, { approve: true, digest: a.digest })
}
/** Of some kinds of campaign only one runs: the one that runs is ended first. */
async function noOther() {
  for (const v of (await must('ops', 'GET', '/campaigns')).data.filter((x) => x.state === 'published' && x.kind !== 'check_in')) await must('ops', 'POST', `/campaign-versions/${v.id}/retirement`, { reason: '表单的试验' })
  await agreed('campaign.retire')
}
async function upload() {
  const page = pages.ops
  const csv = '单号,时间,会员,实付金额\nF1,2026-01-01 10:00:00,c1,12.30\n'
  const size = Buffer.byteLength(csv)
  const f = await must('ops', 'POST', '/imports', { name: 'forms.csv', size })
  await page.evaluate(([id, body]) => fetch(`/api/console/imports/${id}/parts/0`, { method: 'PUT', headers: { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': 'part-of-' + id }, body }), [f.id, csv])
}

const writes = (r) => r.method() !== 'GET' && /\/api\/console\//.test(r.url()) && !/\/(session|search|filters|approvals\?|rules\/preview|rules\/reach)/.test(new URL(r.url()).pathname)

async function hard([file, what, who, at, openForm, { first, bad, good, secret }, send, { before, never, anywhere, answers } = {}]) {
  await test(`${what} (${file}): wrong, reloaded, the connection lost, the session over`, async () => {
    const page = pages[who]
    await before?.()
    await page.goto(server.url + '/console' + (typeof at === 'function' ? at() : at))
    let form = await openForm(page)
    const press = () => button(page, send, form).last().click()
    await fill(page, form, first)
    if (bad) {
      await fill(page, form, bad)
      const had = await typed(form)
      await press()
      await form.locator(anywhere ? '.trouble.bad' : '.el-form-item__error, .bad:not(.trouble)').first().waitFor()
      expect(await typed(form) === had, `what was typed is gone once it was wrong: ${had}`)
    }
    await fill(page, form, good)
    const kept = await typed(form)
    if (!never) {
      await page.reload()
      form = await openForm(page)
      if (kept.replace(/[| ]/g, '') && (good.length || first)) {
        await page.getByText('已恢复你上次没有提交的内容').first().waitFor()
        expect(await typed(form) === kept, `after a reload stands ${await typed(form)}, not ${kept}`)
      }
    }
    await fill(page, form, secret)
    let key = ''
    const cut = async (route) => {
      if (!writes(route.request())) return route.fallback()
      key = route.request().headers()['idempotency-key']
      await route.abort('internetdisconnected')
    }
    if (!anywhere) {
      await page.route('**/api/console/**', cut)
      await press()
      await form.getByText('网络已断开').first().waitFor()
      await page.unroute('**/api/console/**', cut)
      expect(await typed(form) === kept, `after the connection was lost stands ${await typed(form)}, not ${kept}`)
    }
    await page.context().clearCookies()
    const answered = page.waitForResponse((r) => writes(r.request()) && r.status() !== 401 && r.status() !== 403, { timeout: 60_000 })
    await press()
    const again = page.getByRole('dialog', { name: '请重新登录' })
    await again.waitFor()
    await comeBack(page, staff[who], again)
    const answer = await answered
    expect(answer.ok() || answer.status() === answers, `${answer.url()} ${answer.status()} ${await answer.text().catch(() => '')}`)
    if (!anywhere) expect(answer.request().headers()['idempotency-key'] === key, 'the second sending has another key than the lost one')
  })
}

/** Every form in the sources stands in a table above. */
async function allOfThem() {
  await test('every form of the console is in the table', async () => {
    const root = new URL('../console/src/', import.meta.url).pathname
    const walk = (d) => readdirSync(join(root, d)).flatMap((n) => (statSync(join(root, d, n)).isDirectory() ? walk(join(d, n)) : n.endsWith('.vue') ? [join(d, n)] : []))
    const wrong = []
    for (const file of walk('.')) {
      const source = readFileSync(join(root, file), 'utf8')
      const template = source.slice(source.indexOf('<template>'))
      const n = (template.match(/<(ReasonDialog|Versioned|form)[\s>]/g) || []).length + 2 * (template.match(/<Versions[\s>]/g) || []).length
      const tested = forms.filter(([f]) => f === file).length
      if (file === 'ui/ReasonDialog.vue' || others[file]) continue
      if (n !== tested && !(file === 'pages/SettingPage.vue' && tested)) wrong.push(`${file} has ${n} forms, ${tested} of them in the table`)
    }
    expect(!wrong.length, wrong.join('\n'))
  })
}

export default async function () {
  await prepare()
  const only = process.env.FORM
  for (const f of forms) if (!only || f[0].includes(only) || f[1].includes(only)) await hard(f)
  await allOfThem()
  for (const p of Object.values(pages)) await p.context().close()
}
