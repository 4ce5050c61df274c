// One phone. Its state is what the control API says; every tap asks the API and then reads again.
const $ = (s, at = document) => at.querySelector(s)
const api = async (path, body) => {
  const res = await fetch('/_emulator/' + path, body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const out = await res.json().catch(() => ({}))
  if (!res.ok) throw new Error(out.error || out.message || '操作失败')
  return out
}
const el = (tag, props = {}, ...kids) => {
  const node = document.createElement(tag)
  for (const [k, v] of Object.entries(props)) k in node && k !== 'list' ? (node[k] = v) : node.setAttribute(k, v)
  node.append(...kids.filter((k) => k != null && k !== false))
  return node
}
const paths = {
  back: 'M15 5l-7 7 7 7', close: 'M6 6l12 12M18 6L6 18', more: 'M5 12h.01M12 12h.01M19 12h.01', plus: 'M12 5v14M5 12h14', keyboard: 'M4 7h16v10H4zM7 10h.01M11 10h.01M15 10h.01M8 14h8',
  chat: 'M4 12a8 7 0 1 1 4 6l-4 1 1-3.5A7 7 0 0 1 4 12z', scan: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16', mini: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM9 15a2 2 0 1 0 3-2V11a2 2 0 1 1 3-2', menu: 'M5 7h14M5 12h14M5 17h14',
}
const icon = (name) => {
  const s = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  s.setAttribute('viewBox', '0 0 24 24')
  s.setAttribute('aria-hidden', 'true')
  const p = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  p.setAttribute('d', paths[name])
  s.append(p)
  return s
}
const tap = (label, name, go) => el('button', { className: 'icon', type: 'button', title: label, ariaLabel: label, onclick: go }, icon(name))
const face = (name, color) => el('span', { className: 'face', style: `background:${color}` }, [...name][0])
const colors = { oa: '#07c160', mp: '#3d7eff', sms: '#34c759', pay: '#2aae67', mail: '#5a7bd8', work: '#2f77d1' }
const time = (ms) => new Date(ms).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai' })
const day = (ms) => new Date(ms).toLocaleString('zh-CN', { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: 'Asia/Shanghai' })

let me = null, world = { people: [] }, apps = [], bubbles = [], seen = {}, view = { at: 'chats' }, drawn = ''

const app = (id) => apps.find((a) => a.appid === id)
const nameOf = (from) => app(from)?.name ?? bubbles.find((b) => b.from === from)?.name ?? from
const colorOf = (from) => colors[app(from)?.kind] ?? colors[from.split(':')[0]] ?? '#8a8a8a'
const act = (what, body) => api(`people/${me.id}/${what}`, body).then(refresh)

let toasting
function toast(text) {
  $('#toast').textContent = text
  $('#toast').hidden = false
  clearTimeout(toasting)
  toasting = setTimeout(() => ($('#toast').hidden = true), 1800)
}
const guard = (f) => async (...a) => { try { return await f(...a) } catch (e) { toast(e.message) } }

function bar(title, left, right) {
  return el('div', { className: 'bar' }, left ?? el('span'), el('span', {}, title), right ?? el('span'))
}
function go(next) { view = next; drawn = ''; draw() }

function chats() {
  const last = new Map()
  for (const b of bubbles) last.set(b.from, b)
  for (const a of apps) if (a.kind === 'oa' && !last.has(a.appid)) last.set(a.appid, { from: a.appid, at: 0, text: a.follows ? '已关注' : '未关注的服务号' })
  const rows = [...last.values()].sort((a, b) => b.at - a.at).map((b) => {
    const fresh = bubbles.filter((x) => x.from === b.from && x.kind !== 'mine' && x.id > (seen[me.id + b.from] ?? 0)).length
    const f = face(nameOf(b.from), colorOf(b.from))
    if (fresh) f.append(el('i', {}, String(fresh)))
    return el('button', { className: 'item', type: 'button', 'data-from': b.from, onclick: () => go({ at: 'chat', from: b.from }) }, f,
      el('div', {}, el('b', {}, nameOf(b.from), b.at ? el('time', {}, time(b.at)) : null), el('p', {}, b.title ? `[${b.title}] ${b.text ?? b.fields?.[0]?.value ?? ''}` : b.text ?? '')))
  })
  return [bar('微信'), el('div', { className: 'list' }, ...rows), tabs('chats')]
}
function tabs(now) {
  const one = (key, label, name, f) => el('button', { type: 'button', 'aria-current': String(now === key), 'data-tab': key, onclick: f }, icon(name), label)
  return el('div', { className: 'tabs' }, one('chats', '微信', 'chat', () => go({ at: 'chats' })), one('scan', '扫一扫', 'scan', () => scan()), one('minis', '小程序', 'mini', () => go({ at: 'minis' })))
}
function minis() {
  const rows = apps.filter((a) => a.kind === 'mp').map((a) => el('button', { className: 'item', type: 'button', onclick: () => mini(a) }, face(a.name, colors.mp), el('div', {}, el('b', {}, a.name), el('p', {}, '小程序'))))
  return [bar('小程序'), el('div', { className: 'list' }, ...rows), tabs('minis')]
}
const mini = (a, query = '') => go({ at: 'web', url: a.home + query, title: a.name, mini: a.appid, home: { at: 'minis' } })

function card(b) {
  const lead = b.url ? () => open(b.url, nameOf(b.from)) : null
  const box = el(lead ? 'button' : 'div', { className: 'card', 'data-kind': b.kind, ...(lead ? { type: 'button', onclick: lead } : {}) })
  if (b.kind !== 'news') box.append(el('header', {}, face(nameOf(b.from), colorOf(b.from)), b.kind === 'subscribe' ? `服务通知 · ${nameOf(b.from)}` : nameOf(b.from)))
  box.append(el('h3', {}, b.title))
  if (b.kind === 'pay' && b.text) box.append(el('div', { className: 'big' }, b.text))
  else if (b.text) box.append(el('p', {}, b.text))
  if (b.fields?.length) box.append(el('dl', {}, ...b.fields.flatMap((f) => [el('dt', {}, f.key), el('dd', {}, f.value)])))
  if (lead) box.append(el('footer', {}, b.kind === 'news' ? '阅读全文' : b.kind === 'subscribe' ? '进入小程序查看' : '查看详情'))
  return box
}
function chat() {
  const a = app(view.from)
  const list = bubbles.filter((b) => b.from === view.from)
  if (list.length) seen[me.id + view.from] = list.at(-1).id
  const body = el('div', { className: 'chat', tabIndex: 0 })
  let last = 0
  for (const b of list) {
    if (b.at - last > 300_000) body.append(el('span', { className: 'at' }, day(b.at)))
    last = b.at
    if (['template', 'subscribe', 'news', 'pay', 'mail'].includes(b.kind)) body.append(card(b))
    else body.append(el('div', { className: 'says' + (b.kind === 'mine' ? ' mine' : '') }, b.kind === 'mine' ? face(me.name, me.color) : face(nameOf(b.from), colorOf(b.from)), el('div', { className: 'bubble' }, b.text)))
  }
  if (!list.length) body.append(el('p', { className: 'empty' }, '还没有消息'))
  const top = bar(nameOf(view.from), tap('返回', 'back', () => go({ at: 'chats' })), a ? tap('账号资料', 'more', () => go({ at: 'profile', from: view.from })) : null)
  if (a?.kind === 'oa' && !a.follows && !list.length) return profile()
  if (view.from.startsWith('work:')) top.lastChild.replaceWith(tap('删除导购', 'close', guard(async () => { await act('part', {}); go({ at: 'chats' }) })))
  const foot = a?.kind !== 'oa' ? null : !a.follows ? el('div', { className: 'write' }, el('button', { className: 'go', type: 'button', style: 'margin:0', onclick: guard(() => act('follow', { appid: a.appid })) }, '关注后可互动')) : view.typing ? write(a) : menu(a)
  setTimeout(() => (body.scrollTop = body.scrollHeight))
  return [top, body, foot].filter(Boolean)
}
function write(a) {
  const text = el('input', { ariaLabel: '消息', placeholder: '发消息', maxLength: 500 })
  const send = guard(async () => { if (text.value.trim()) await act('say', { appid: a.appid, text: text.value.trim() }) })
  text.onkeydown = (e) => e.key === 'Enter' && send()
  return el('div', { className: 'write' }, tap('菜单', 'menu', () => go({ ...view, typing: false })), text, el('button', { className: 'send', type: 'button', onclick: send }, '发送'))
}
function menu(a) {
  const box = el('div', { className: 'menu' }, tap('输入', 'keyboard', () => go({ ...view, typing: true })))
  ;(a.menu ?? []).forEach((b, i) => {
    box.append(el('button', { type: 'button', onclick: guard(async () => {
      if (!b.sub_button?.length) return press(a, [i])
      if (view.sub === i) return go({ ...view, sub: undefined })
      go({ ...view, sub: i })
    }) }, (b.sub_button?.length ? '≡ ' : '') + b.name))
    if (view.sub === i && b.sub_button?.length)
      box.append(el('div', { className: 'sub', style: `right:${(a.menu.length - 1 - i) * 112 + 8}px` }, ...b.sub_button.map((s, j) => el('button', { type: 'button', onclick: guard(() => press(a, [i, j])) }, s.name))))
  })
  return box
}
async function press(a, button) {
  view.sub = undefined
  const b = await api(`people/${me.id}/tap`, { appid: a.appid, button })
  await refresh()
  if (b.type === 'view') open(b.url, a.name)
  if (b.type === 'miniprogram') { const m = app(b.appid); m ? mini(m) : open(b.url, b.name) }
  if (b.type === 'scancode_push') scan()
}
function profile() {
  const a = app(view.from)
  return [bar('', tap('返回', 'back', () => go(a.follows ? { at: 'chat', from: a.appid } : { at: 'chats' }))), el('div', { className: 'profile' },
    el('div', { className: 'who' }, face(a.name, colorOf(a.appid)), el('div', {}, el('h3', {}, a.name), el('p', {}, '服务号 · 已认证'))),
    a.follows ? el('button', { className: 'go quiet', type: 'button', onclick: guard(async () => { await act('unfollow', { appid: a.appid }); go({ at: 'chats' }) }) }, '不再关注')
      : el('button', { className: 'go', type: 'button', onclick: guard(async () => { await act('follow', { appid: a.appid }); go({ at: 'chat', from: a.appid }) }) }, '关注服务号'),
    a.follows ? el('button', { className: 'go', type: 'button', onclick: () => go({ at: 'chat', from: a.appid }) }, '进入会话') : null)]
}
function open(url, title) { go({ at: 'web', url, title, home: view.at === 'web' ? view.home : view }) }
function web() {
  const close = () => go(view.home ?? { at: 'chats' })
  const frame = el('iframe', { title: view.title, src: view.url, allow: 'clipboard-write' })
  const right = view.mini ? el('span', { className: 'capsule' }, el('button', { type: 'button', ariaLabel: '更多', onclick: () => subscribe(app(view.mini)) }, '···'), el('button', { type: 'button', ariaLabel: '关闭', onclick: close }, '◎')) : null
  return [el('div', { className: 'bar', style: view.mini ? 'grid-template-columns:90px 1fr 90px' : '' }, view.mini ? el('span') : tap('关闭', 'close', close), el('span', {}, view.title), right ?? el('span')), el('div', { className: 'web' }, frame)]
}
/** What a mini program asks with wx.requestSubscribeMessage. */
function subscribe(a) {
  const list = a.templates.slice(0, 3)
  sheet(el('div', { className: 'top' }, el('span'), `${a.name} 申请发送消息`, tap('取消', 'close', shut)), ...list.map((t) => el('div', { className: 'line' }, el('span', {}, t.title), el('span', {}, `剩余 ${t.credits} 次`))),
    el('button', { className: 'go', type: 'button', onclick: guard(async () => { await act('accept', { appid: a.appid, templates: list.map((t) => t.template_id) }); shut(); toast('已允许') }) }, '允许'))
}
function sheet(...kids) { $('#overlay').replaceChildren(el('div', { className: 'sheet' }, ...kids)); $('#overlay').hidden = false }
function shut() { $('#overlay').hidden = true; $('#overlay').replaceChildren() }

let codes = [], waiting = []
const codeButton = (c, then) => el('button', { className: 'code', type: 'button', 'data-code': c.label, onclick: guard(() => then(c.text)) }, el('img', { src: c.picture, alt: c.label }), el('small', {}, c.label))
/** Opens the camera; it gives what was scanned to whoever asked, or follows it. */
function scan(give) {
  const box = el('div', { className: 'sheet scan' }, el('div', { className: 'top' }, tap('关闭', 'close', () => { shut(); give?.(null) }), '扫一扫', el('span', { style: 'width:44px' })), el('div', { className: 'frame' }, ...codes.map((c) => codeButton(c, async (text) => { shut(); give ? give(text) : await scanned(text) }))))
  $('#overlay').replaceChildren(box)
  $('#overlay').hidden = false
}
async function scanned(text) {
  if (/^https:\/\/(wework\.qpic\.cn|work\.weixin\.qq\.com\/gm)\//.test(text)) {
    await api(`people/${me.id}/meet`, { text })
    await refresh()
    toast(text.includes('/gm/') ? '已加入客户群' : '已添加导购')
    return go({ at: 'chats' })
  }
  const s = await api(`people/${me.id}/scan`, { text })
  await refresh()
  if (s.kind === 'follow') go({ at: 'chat', from: s.appid })
  else if (s.kind === 'page') { const m = apps.find((a) => a.kind === 'mp' && s.url.startsWith(a.home)); m && s.url.includes('scene=') ? mini(m, s.url.slice(a0(m, s.url))) : open(s.url, new URL(s.url).host) }
  else toast(s.text)
}
const a0 = (m) => m.home.length

/** Calls of pages inside the frame, as the JS-SDK makes them. */
const calls = {
  config: (p) => api('wx/config', { appid: p.appId, timestamp: String(p.timestamp), nonce: p.nonceStr, signature: p.signature, url: p.url }),
  closeWindow: async () => go(view.home ?? { at: 'chats' }),
  scanQRCode: () => new Promise((ok, no) => scan((text) => (text ? ok({ resultStr: text }) : no({ cancel: true })))),
  updateAppMessageShareData: async () => ({}),
  updateTimelineShareData: async () => ({}),
  chooseWXPay: (p, appId) => pay({ appId: p.appId ?? appId, timeStamp: String(p.timestamp ?? p.timeStamp), nonceStr: p.nonceStr, package: p.package, signType: p.signType, paySign: p.paySign }),
}
async function pay(button) {
  const s = await api('pay/open', button)
  return new Promise((ok, no) => {
    const over = (f, v) => { shut(); f(v) }
    sheet(el('div', { className: 'top' }, tap('取消', 'close', () => over(no, { cancel: true })), '微信支付', el('span', { style: 'width:44px' })), el('div', {}, s.description), el('div', { className: 'sum' }, '¥' + (s.total / 100).toFixed(2)),
      el('div', { className: 'line' }, el('span', {}, '支付方式'), el('span', {}, '零钱')),
      el('button', { className: 'go', type: 'button', onclick: async () => { try { await api('pay/tap', { prepay_id: s.prepay_id, person: me.id }); over(ok, {}); toast('支付成功') } catch (e) { over(no, { errMsg: e.message }); toast(e.message) } } }, '确认支付'))
  })
}
addEventListener('message', async (e) => {
  const frame = $('iframe')
  if (!frame || e.source !== frame.contentWindow || !e.data?.wx || !calls[e.data.wx]) return
  const answer = { wxAnswer: e.data.id }
  try { answer.result = await calls[e.data.wx](e.data.params, e.data.appId); answer.ok = true } catch (x) { answer.result = x instanceof Error ? { errMsg: x.message } : x; answer.ok = false }
  frame.contentWindow?.postMessage(answer, '*')
})

const views = { chats, chat, profile, web, minis }
function draw() {
  if (!me) return
  const key = JSON.stringify([view, me.id, view.at === 'web' ? 0 : [apps, bubbles.length]])
  if (key === drawn) return
  drawn = key
  const focused = document.activeElement?.closest?.('.write input')
  if (focused && view.typing && focused.value) { drawn = ''; return }
  $('#screen').replaceChildren(...views[view.at]())
  document.cookie = `emulator_person=${me.id}; path=/; SameSite=Lax`
}
function people() {
  $('#persons').replaceChildren(...world.people.map((p) => el('button', { className: 'person', type: 'button', 'data-person': p.id, 'aria-pressed': String(p.id === me?.id), onclick: () => choose(p) }, face(p.name, p.color),
    el('span', {}, el('b', {}, p.name), el('small', {}, p.snapshot ? '快照页访客' : p.risky ? '微信风控账号' : p.phone)))))
}
async function choose(p) {
  me = p
  localStorage.setItem('person', p.id)
  document.cookie = `emulator_person=${p.id}; path=/; SameSite=Lax`
  bubbles = []
  shut()
  view = { at: 'chats' }
  drawn = ''
  people()
  await refresh()
}
function settings() {
  const a = apps.find((x) => x.kind === 'oa')
  if (!a) return
  const one = (label, f) => el('button', { type: 'button', onclick: guard(f) }, label)
  $('#settings').replaceChildren(el('div', { className: 'row' }, one('撤回授权', () => act('revoke', { appid: a.appid }).then(() => toast('已在微信中撤回授权'))), one('注销微信号', () => act('vanish', { appid: a.appid }).then(() => toast('微信号已注销'))),
    one('回调检测', async () => toast((await api('verify?appid=' + a.appid, {})).ok ? '回调地址可用' : '回调地址无应答'))))
}
let lastCodes = ''
async function refresh() {
  if (!me) return
  const id = me.id
  const [p, b] = await Promise.all([api(`people/${id}/phone`), api(`people/${id}/bubbles`)])
  if (id !== me.id) return
  apps = p.apps
  bubbles = b
  draw()
}
async function around() {
  world = await api('state')
  $('#clock').textContent = time(world.now)
  $('#now').textContent = new Date(world.now).toLocaleString('zh-CN', { timeZone: 'Asia/Shanghai' })
  const work = await api('work')
  codes = [...(await api('codes')), ...work.codes]
  if (JSON.stringify(work.waiting) !== JSON.stringify(waiting) || !$('#staff').childElementCount) {
    waiting = work.waiting
    $('#staff').replaceChildren(...waiting.map((t) => el('div', { className: 'task' }, el('p', {}, `${t.sender}：${t.text}`), el('button', { type: 'button', onclick: guard(() => api('work/confirm', { id: t.id }).then(refresh)) }, `发给 ${t.people} 位客户`))))
    if (!waiting.length) $('#staff').append(el('p', { className: 'note' }, '没有待员工发送的消息'))
  }
  const key = JSON.stringify(codes)
  if (key !== lastCodes) {
    lastCodes = key
    $('#codes').replaceChildren(...codes.map((c) => codeButton(c, scanned)))
    if (!codes.length) $('#codes').append(el('p', { className: 'note' }, '还没有二维码'))
  }
  const paid = await api('pay/orders').catch(() => [])
  $('#orders').replaceChildren(...paid.map((o) => el('div', { className: 'task' }, el('p', {}, `${o.description} ¥${(o.total / 100).toFixed(2)}`), o.left > 0 ? el('button', { type: 'button', 'data-refund': o.no, onclick: guard(() => api('pay/refund', { mchid: o.mchid, no: o.no }).then(around)) }, '退款') : el('small', {}, '已退款'))))
  if (!paid.length) $('#orders').append(el('p', { className: 'note' }, '还没有收款'))
  const log = await api('requests?after=' + Math.max(0, (world.requests ?? 0) - 12))
  $('#log').replaceChildren(...log.slice(-12).reverse().map((x) => el('li', {}, el('b', { className: x.status >= 400 || !x.status ? 'bad' : x.out ? 'out' : '' }, x.out ? '→' : '←'), el('span', { title: x.path }, x.path), String(x.status))))
}
document.querySelectorAll('[data-travel]').forEach((b) => (b.onclick = guard(async () => { await api('clock', { advance_ms: Number(b.dataset.travel) }); await around(); await refresh() })))
await around()
me = world.people.find((p) => p.id === localStorage.getItem('person')) ?? world.people[0]
people()
await refresh()
settings()
setInterval(() => { if (!document.hidden) { around().catch(() => {}); refresh().catch(() => {}) } }, 1000)
