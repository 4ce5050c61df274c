// The JS-SDK as pages inside the phone see it. It checks what wx.config is given with the platform, and hands every call to the phone.
(() => {
  const waiting = new Map()
  let n = 0, state = 'new', config = {}, ready = [], failed = []
  const ask = (name, params) => new Promise((ok, no) => {
    if (window.parent === window) return no({ errMsg: name + ':fail not in WeChat' })
    const id = ++n
    waiting.set(id, { ok, no })
    window.parent.postMessage({ wx: name, id, params: JSON.parse(JSON.stringify(params ?? {})), appId: config.appId }, '*')
  })
  addEventListener('message', (e) => {
    if (e.source !== window.parent || !e.data || !e.data.wxAnswer) return
    const w = waiting.get(e.data.wxAnswer)
    waiting.delete(e.data.wxAnswer)
    if (w) (e.data.ok ? w.ok : w.no)(e.data.result)
  })
  const call = (name, needsConfig) => (p = {}) => {
    const run = () => ask(name, p).then(
      (r) => { const out = { errMsg: name + ':ok', ...r }; p.success?.(out); p.complete?.(out) },
      (r) => { const out = { errMsg: name + ':fail', ...r }; (r?.cancel ? p.cancel ?? p.fail : p.fail)?.(out); p.complete?.(out) })
    if (needsConfig && state !== 'ready') return void p.fail?.({ errMsg: name + ':fail, the permission value is offline verifying' })
    run()
  }
  window.wx = {
    config(c) {
      config = c
      ask('config', { ...c, url: location.href.split('#')[0] }).then(
        () => { state = 'ready'; ready.splice(0).forEach((f) => f()) },
        (r) => { state = 'error'; failed.splice(0).forEach((f) => f({ errMsg: r?.errMsg ?? 'config:invalid signature' })) })
    },
    ready(f) { state === 'ready' ? f() : ready.push(f) },
    error(f) { failed.push(f) },
    checkJsApi(p) { p.success?.({ checkResult: Object.fromEntries((p.jsApiList ?? []).map((k) => [k, k in window.wx])), errMsg: 'checkJsApi:ok' }) },
    scanQRCode: call('scanQRCode', true),
    chooseWXPay: call('chooseWXPay', true),
    updateAppMessageShareData: call('updateAppMessageShareData', true),
    updateTimelineShareData: call('updateTimelineShareData', true),
    closeWindow: call('closeWindow'),
    miniProgram: { getEnv: (f) => f({ miniprogram: false }), navigateTo() {}, navigateBack: call('closeWindow') },
  }
  window.WeixinJSBridge = { call: (name) => name === 'closeWindow' && window.wx.closeWindow(), invoke: (name, p, f) => {
    if (name === 'getBrandWCPayRequest') ask('chooseWXPay', { ...p, timestamp: p.timeStamp }).then(() => f({ err_msg: 'get_brand_wcpay_request:ok' }), (r) => f({ err_msg: 'get_brand_wcpay_request:' + (r?.cancel ? 'cancel' : 'fail') }))
  } }
  document.dispatchEvent(new Event('WeixinJSBridgeReady'))
})()
