// Package checkup asks the parties outside whether they know us, and ourselves whether their pushes would reach us (渠道体检). The doctor of
// the command line and the console ask alike. Nothing is changed anywhere, and no finding tells a secret.
package checkup

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/mail"
	"guanxi/internal/edge/wechat/crypt"
	"guanxi/internal/edge/wechat/mp"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/edge/wechat/work"
)

// ErrKind refuses a kind of channel that does not exist.
var ErrKind = fault.Define("channels.kind", fault.NotFound, "没有这种渠道", "There is no such kind of channel")

// Words is a sentence in both languages.
type Words struct{ Zh, En string }

// In gives the sentence in a language.
func (w Words) In(lang string) string {
	if lang == "en" {
		return w.En
	}
	return w.Zh
}

// Finding is one thing that was looked at.
type Finding struct {
	Account string // appid, merchant, company, vendor or host
	Check   string // key of what was looked at
	Name    Words  // what that is
	OK      bool
	Detail  Words // what was found
	Advice  Words // what to do about it; empty when all is well
}

// Kind is one kind of channel.
type Kind struct {
	Key      string
	Name     Words
	Accounts []Account
}

// Account is one account of ours at a party.
type Account struct{ ID, Name string }

// Clinic knows where to ask.
type Clinic struct {
	Config    channels.Config
	Merchants []pay.Account
	PayVia    pay.Options
	HTTP      channels.Doer
	Clock     clock.Clock
	Public    string // how the outside reaches us
}

// Kinds lists the kinds of channels with the accounts that are set up.
func (c *Clinic) Kinds() []Kind {
	apps := func(list []channels.App) (out []Account) {
		for _, a := range list {
			out = append(out, Account{a.AppID, a.Name})
		}
		return out
	}
	kinds := []Kind{
		{"oa", Words{"服务号", "Official account"}, apps(c.Config.OA)},
		{"mp", Words{"小程序", "Mini program"}, apps(c.Config.MP)},
		{"pay", Words{"微信支付", "WeChat Pay"}, nil},
		{"work", Words{"企业微信", "WeCom"}, nil},
		{"sms", Words{"短信", "SMS"}, nil},
		{"mail", Words{"邮件", "Mail"}, nil},
	}
	for _, m := range c.Merchants {
		kinds[2].Accounts = append(kinds[2].Accounts, Account{m.MchID, m.MchID})
	}
	for _, w := range c.Config.Work {
		kinds[3].Accounts = append(kinds[3].Accounts, Account{w.CorpID, strconv.FormatInt(w.AgentID, 10)})
	}
	if s := c.Config.SMS; s != nil {
		kinds[4].Accounts = append(kinds[4].Accounts, Account{s.Vendor, s.Sign})
	}
	if m := c.Config.Mail; m != nil {
		kinds[5].Accounts = append(kinds[5].Accounts, Account{m.Host, m.From})
	}
	return kinds
}

// Check looks at all accounts of a kind; none are no findings.
func (c *Clinic) Check(ctx context.Context, kind string) ([]Finding, error) {
	if !slices.ContainsFunc(c.Kinds(), func(k Kind) bool { return k.Key == kind }) {
		return nil, ErrKind.New()
	}
	r := &round{Clinic: c}
	switch kind {
	case "oa":
		for _, a := range c.Config.OA {
			r.account = a.AppID
			client := oa.New(a, c.Config.Hosts, c.HTTP, c.Clock)
			if r.reach(client.Ping(ctx)) {
				r.quota(ctx, client)
			}
			r.push(ctx, "/hooks/wechat/oa/"+a.AppID, a.Token.Reveal(), a.AESKey.Reveal(), a.AppID)
		}
	case "mp":
		for _, a := range c.Config.MP {
			r.account = a.AppID
			r.reach(mp.New(a, c.Config.Hosts, c.HTTP, c.Clock).Ping(ctx))
			r.push(ctx, "/hooks/wechat/mp/"+a.AppID, a.Token.Reveal(), a.AESKey.Reveal(), a.AppID)
		}
	case "pay":
		for _, a := range c.Merchants {
			r.account = a.MchID
			r.reach(pay.New(a, c.PayVia).Check(ctx))
			r.public()
		}
	case "work":
		for _, w := range c.Config.Work {
			r.account = w.CorpID
			r.reach(work.New(w, c.Config.Hosts, c.HTTP, c.Clock).Ping(ctx))
			r.sealedPush(ctx, w)
		}
	case "sms":
		r.sms(c.Config.SMS)
	case "mail":
		if m := mail.New(c.Config); m != nil {
			r.account = c.Config.Mail.Host
			r.reach(m.Ping(ctx))
		}
	}
	if len(r.found) > 0 && (kind == "oa" || kind == "mp") {
		r.skew(ctx)
	}
	return r.found, nil
}

// round is one look at one kind.
type round struct {
	*Clinic
	account string
	found   []Finding
}

var names = map[string]Words{
	"credentials": {"凭证", "Credentials"}, "address": {"公网地址", "Public address"}, "key": {"消息密钥", "Message key"}, "push": {"消息推送", "Message push"},
	"clock": {"时钟", "Clock"}, "quota": {"今日额度", "Quota of today"}, "settings": {"配置", "Settings"},
}

func (r *round) add(check string, ok bool, detail, advice Words) {
	if ok {
		advice = Words{}
	}
	r.found = append(r.found, Finding{r.account, check, names[check], ok, detail, advice})
}

func (r *round) reach(err error) bool {
	if err == nil {
		r.add("credentials", true, Words{"平台已接受", "accepted"}, Words{})
		return true
	}
	r.add("credentials", false, Words{err.Error(), err.Error()}, adviceFor(err))
	return false
}

// quota tells how many template messages may still be sent today.
func (r *round) quota(ctx context.Context, client *oa.Client) {
	q, err := client.Quota(ctx, "/cgi-bin/message/template/send")
	if err != nil {
		r.add("quota", false, Words{err.Error(), err.Error()}, adviceFor(err))
		return
	}
	left := strconv.FormatInt(q.Remain, 10) + " / " + strconv.FormatInt(q.Limit, 10)
	r.add("quota", q.Remain > 0 || q.Limit == 0, Words{"模板消息剩余 " + left, "template messages left: " + left},
		Words{"额度将在零点恢复，此前的消息会等待；可在公众平台清零一次", "It begins anew at midnight, messages wait until then; the platform's console can reset it"})
}

func (r *round) public() bool {
	ok := strings.HasPrefix(r.Public, "https://")
	r.add("address", ok, Words{r.Public, r.Public},
		Words{"平台只接受 https 与已备案的域名：把 --public-url 设为对外的 https 地址", "The platforms want https and a registered domain: set --public-url to the address the outside uses"})
	return ok
}

// push sends ourselves what the platform sends when the address of the push is saved.
func (r *round) push(ctx context.Context, path, token, aesKey, receiver string) {
	r.public()
	if aesKey != "" {
		_, err := crypt.NewMessageKey(token, aesKey, receiver)
		r.add("key", err == nil, Words{"EncodingAESKey", "EncodingAESKey"}, Words{"重新复制 43 位的 EncodingAESKey", "copy the 43 characters of the EncodingAESKey again"})
	}
	stamp, nonce, echo := strconv.FormatInt(r.Clock.Now()/clock.Second, 10), id.Token(6), "check"+strconv.FormatInt(r.Clock.Now()%1_000_000, 10)
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}, "signature": {crypt.SortedSHA1(token, stamp, nonce)}}
	r.answered(ctx, path, q, echo)
}

// sealedPush is push for a company, which always seals.
func (r *round) sealedPush(ctx context.Context, w channels.Corp) {
	r.public()
	key, err := crypt.NewMessageKey(w.Token.Reveal(), w.AESKey.Reveal(), w.CorpID)
	r.add("key", err == nil, Words{"EncodingAESKey", "EncodingAESKey"}, Words{"在“客户联系 → API → 接收事件服务器”重新复制 Token 与 EncodingAESKey", "copy Token and EncodingAESKey again from 客户联系 → API → 接收事件服务器"})
	if err != nil {
		return
	}
	stamp, nonce, echo := strconv.FormatInt(r.Clock.Now()/clock.Second, 10), id.Token(6), "check"+strconv.FormatInt(r.Clock.Now()%1_000_000, 10)
	sealed, signature := key.Seal([]byte(echo), stamp, nonce)
	r.answered(ctx, "/hooks/wecom/"+w.CorpID, url.Values{"timestamp": {stamp}, "nonce": {nonce}, "echostr": {sealed}, "msg_signature": {signature}}, echo)
}

func (r *round) answered(ctx context.Context, path string, q url.Values, echo string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Public+path+"?"+q.Encode(), nil)
	if err != nil {
		r.add("push", false, Words{"地址无法解析", "no address"}, Words{"检查 --public-url", "check --public-url"})
		return
	}
	ans, err := channels.Send(ctx, r.HTTP, req)
	switch {
	case err != nil:
		r.add("push", false, Words{"从本机访问不到 " + r.Public, r.Public + " is not reached from here"}, Words{"确认服务已启动、反向代理与防火墙放行该地址", "is the service running, and do proxy and firewall let it through?"})
	case ans.Status != http.StatusOK || string(ans.Body) != echo:
		code := strconv.Itoa(ans.Status)
		r.add("push", false, Words{"应答 " + code, "answered " + code}, Words{"确认该地址指向本系统，且 Token 与公众平台一致", "is it this installation, with the same Token as in the platform's console?"})
	default:
		r.add("push", true, Words{"地址校验通过", "answers the address check"}, Words{})
	}
}

func (r *round) sms(s *channels.SMS) {
	if s == nil {
		return
	}
	r.account = s.Vendor
	ok := s.Templates["code"] != "" && !s.KeySecret.IsEmpty() && s.Sign != ""
	r.add("settings", ok, Words{"签名 " + s.Sign + "，验证码模板 " + s.Templates["code"], "sign " + s.Sign + ", template of codes " + s.Templates["code"]},
		Words{"在 channels.json 填写 sign、key_secret 与 templates.code", "fill in sign, key_secret and templates.code in channels.json"})
}

// mostSkew is how far our clock may be from theirs: signatures are good for five minutes.
const mostSkew = clock.Minute

func (r *round) skew(ctx context.Context) {
	r.account = ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Config.Hosts.API+"/", nil)
	if err != nil {
		return
	}
	ans, err := channels.Send(ctx, r.HTTP, req)
	if err != nil {
		r.add("clock", false, Words{"访问不到 " + r.Config.Hosts.API, r.Config.Hosts.API + " is not reached"}, unreachable)
		return
	}
	theirs, err := time.Parse(http.TimeFormat, ans.Header.Get("Date"))
	if err != nil {
		return
	}
	off := clock.System.Now() - theirs.UnixMilli()
	seconds := strconv.FormatInt(off/clock.Second, 10)
	r.add("clock", max(off, -off) < mostSkew, Words{"与微信相差 " + seconds + " 秒", seconds + " s from that of WeChat"}, Words{"校准本机时间（NTP）", "set the clock of this machine (NTP)"})
}
