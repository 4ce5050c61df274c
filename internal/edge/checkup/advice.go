package checkup

import (
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/pay"
)

// hints say what to do about the refusals that an operator can mend, by the platform's number.
var hints = map[int]Words{
	40013: {"appid（或 corp_id）有误，请核对 channels.json", "the appid (or corp_id) is wrong: see channels.json"},
	40125: {"AppSecret 有误或已被重置：在公众平台重新复制", "the AppSecret is wrong or was reset: copy it again from the platform's console"},
	40001: {"secret 有误：重新复制", "the secret is wrong: copy it again"},
	40164: {"把本机出口 IP 加入 IP 白名单（基本配置 → IP白名单）", "add this machine's address to the IP list of the account (基本配置 → IP白名单)"},
	40243: {"AppSecret 已冻结：在公众平台解冻", "the AppSecret is frozen: thaw it in the platform's console"},
	60020: {"把本机出口 IP 加入应用的企业可信 IP", "add this machine's address to the trusted IPs of the application"},
	48001: {"该账号没有此接口权限：检查认证与接口权限", "the account has no permission for this API: see its certification"},
	50002: {"接口被限制：在公众平台查看违规通知", "the API is limited: look for a notice in the platform's console"},
	50004: {"账号被封禁", "the account is blocked"}, 50007: {"账号被封禁", "the account is blocked"},
	45009: {"今日调用额度已用完：零点恢复，或在公众平台清零", "the quota of the day is used up: it begins anew at midnight, or reset it in the platform's console"},
}

// payHints are those of WeChat Pay.
var payHints = map[string]Words{
	"SIGN_ERROR":            {"签名不被接受：核对商户号、证书序列号 serial 与私钥 key_file 是否为同一张证书", "the signature is refused: do mch_id, serial and key_file belong to one certificate?"},
	"NO_AUTH":               {"商户没有此权限：检查 JSAPI 支付是否开通、AppID 是否绑定", "the merchant may not: is JSAPI open, and the AppID bound?"},
	"MCH_NOT_EXISTS":        {"商户号有误", "there is no such merchant"},
	"APPID_MCHID_NOT_MATCH": {"AppID 未绑定到该商户号", "the AppID is not bound to the merchant"},
}

var (
	unreachable = Words{"检查网络、DNS 与代理", "see network, DNS and proxy"}
	elsewhere   = Words{"按 docs/operations/wechat.md 逐项核对", "go through docs/operations/wechat.md"}
)

// adviceFor is what an operator can do about an error.
func adviceFor(err error) Words {
	if w, ok := hints[wechat.CodeOf(err)]; ok {
		return w
	}
	if w, ok := payHints[pay.CodeOf(err)]; ok {
		return w
	}
	if wechat.CodeOf(err) == 0 && pay.CodeOf(err) == "" {
		return unreachable
	}
	return elsewhere
}
