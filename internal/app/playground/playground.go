// Package playground puts an emulator of all parties outside beside an installation (演示环境): for the demonstration, for
// whoever develops, and for tests. The installation speaks with it as with the real parties; only the hosts differ.
package playground

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/accounts"
	"guanxi/internal/emulator/mailbox"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/phone"
	"guanxi/internal/emulator/staff"
	"guanxi/internal/emulator/texts"
	"guanxi/internal/emulator/world"
)

// Playground is a running emulator and what an installation must know to use it.
type Playground struct {
	*emulator.Emulator
	Accounts *accounts.Platform
	Company  *staff.Company
	URL      string
	Channels channels.Config
	Pay      []pay.Account // the demonstration's merchant; none without a folder
	ln       net.Listener
}

// Options of a playground.
type Options struct {
	Listen  string // host:port; a port that is taken is replaced by a free one
	Product string // how the installation is reached, by servers and browsers
	Seed    string
	Dir     string // where the keys of the merchant are kept
	Clock   clock.Clock
}

// New opens the listener and builds the emulator; Serve answers.
func New(ctx context.Context, o Options) (*Playground, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		host, _, _ := net.SplitHostPort(o.Listen)
		if ln, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0")); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	p := &Playground{Emulator: emulator.New(world.New(o.Seed, o.Clock)), URL: "http://" + Reachable(ln.Addr().String()), ln: ln}
	p.build(o.Product)
	if err := p.post(ctx, lc); err != nil {
		return nil, err
	}
	return p, p.merchant(o)
}

// post opens the mail server of the world's people.
func (p *Playground) post(ctx context.Context, lc net.ListenConfig) error {
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	box := &mailbox.Box{Arrived: func(l mailbox.Letter) {
		if person, ok := p.World.WithEmail(l.To); ok {
			subject, text := l.Read()
			p.World.Show(person.ID, world.Bubble{From: "mail", Name: "邮件", Kind: "mail", Title: subject, Text: text})
		}
	}}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	p.Channels.Mail = &channels.Mail{Host: "127.0.0.1", TLS: "none", From: "关系生活馆 <hello@example.com>"}
	p.Channels.Mail.Port, _ = strconv.Atoi(port)
	go box.Serve(ctx, ln)
	return nil
}

// build fills the world and derives what the installation must know. Each platform has its lines here.
func (p *Playground) build(product string) {
	w := p.World
	p.Accounts = accounts.New(w)
	p.Accounts.Mount(p.Mount)
	p.Accounts.Control(p.Control)
	p.company(product)
	phone.Mount(p.Page)
	emulator.Demo(w, product, strings.TrimPrefix(strings.TrimPrefix(product, "http://"), "https://"))
	p.Channels = channels.Config{Work: p.companies(), Hosts: channels.Hosts{API: p.URL, Open: p.URL, QR: p.URL, JSSDK: p.URL + "/open/js/jweixin-1.6.0.js", Pay: p.URL,
		Work: p.URL + "/qyapi", Aliyun: p.URL + "/aliyun", Tencent: p.URL + "/tencent"}}
	vendor := &texts.Vendor{W: w, KeyID: "playground", Secret: w.Fixed(30, "sms"), Sign: "关系生活馆", AppID: "1400000000",
		Templates: map[string]string{"SMS_CODE": "您的验证码是${code}，5分钟内有效，请勿告诉他人。", "SMS_EXPIRING": "您有${points}积分将于${day}到期，到期后失效。",
			"SMS_WARNED": "您的${tier}将于${day}到期，再得${missing}成长值即可保级。", "SMS_CLOSING": "您的会员账号将于${day}注销，在此之前可以随时撤回。"}}
	p.Mount("/aliyun/", vendor.Aliyun())
	p.Mount("/tencent/", vendor.Tencent())
	p.Channels.SMS = &channels.SMS{Vendor: "aliyun", KeyID: vendor.KeyID, KeySecret: channels.Hide(vendor.Secret), AppID: vendor.AppID, Sign: vendor.Sign,
		Templates: map[string]string{"code": "SMS_CODE", "points_expiring": "SMS_EXPIRING", "tier_warned": "SMS_WARNED", "account_closing": "SMS_CLOSING"}}
	for _, a := range w.Apps() {
		app := channels.App{AppID: a.ID, Name: a.Name, Original: a.Original, Secret: channels.Hide(a.Secret), Token: channels.Hide(a.Token),
			AESKey: channels.Hide(a.AESKey), Owner: a.Owner}
		p.templates(a)
		switch a.Kind {
		case world.OA:
			app.Card = p.Accounts.OfferCard(a.ID, "关系会员卡")
			p.Channels.OA = append(p.Channels.OA, app)
		case world.MP:
			p.Channels.MP = append(p.Channels.MP, app)
		}
	}
}

// The demonstration's merchant.
const (
	demoMch   = "1900000109"
	demoBrand = "40000109"
)

// merchant opens an account at the emulated WeChat Pay, with keys that stay in the folder.
func (p *Playground) merchant(o Options) error {
	if o.Dir == "" {
		return nil
	}
	platform, file, err := emulated.OpenDemo(p.World, o.Dir, emulated.Demo{MchID: demoMch, BrandID: demoBrand, APIv3: p.World.Fixed(32, "apiv3|"+demoMch),
		AppIDs: []string{emulator.DemoOA, emulator.DemoMP}, Host: p.URL, NotifyBase: o.Product})
	if err != nil {
		return err
	}
	p.Mount("/v3/", platform)
	p.Mount("/brand/", platform)
	p.Page("/_emulator/pay/", platform.Controls())
	p.Pay, err = pay.Load(file)
	return err
}

// The demonstration's company at 企业微信.
const (
	demoCorp  = "ww00000000000demo"
	demoAgent = 1000002
)

// company opens it: two clerks, whose contacts are pushed to the product.
func (p *Playground) company(product string) {
	w := p.World
	p.Company = staff.New(w, demoCorp, w.Fixed(43, "secret|"+demoCorp), demoAgent, emulator.DemoOwner, "zhang", "li")
	p.Company.Callback, p.Company.Token, p.Company.AESKey = product+"/hooks/wecom/"+demoCorp, w.Fixed(24, "token|"+demoCorp), w.Fixed(42, "aes|"+demoCorp)+"A"
	p.Mount("/qyapi/", http.StripPrefix("/qyapi", p.Company))
	p.Company.Control(p.Control)
}

func (p *Playground) companies() []channels.Corp {
	c := p.Company
	return []channels.Corp{{CorpID: c.CorpID, AgentID: c.Agent, Name: "关系生活馆", Owner: c.Owner, Secret: channels.Hide(c.Secret), Token: channels.Hide(c.Token), AESKey: channels.Hide(c.AESKey)}}
}

// templates gives an account what its owner would have chosen from the platform's library.
func (p *Playground) templates(a world.App) {
	kind := map[string]string{world.OA: "template", world.MP: "subscribe"}[a.Kind]
	for _, t := range []accounts.Template{
		{Title: "积分变动提醒", Fields: []string{"thing1", "number2", "number3", "time4"}, Names: []string{"变动原因", "变动积分", "当前积分", "变动时间"}},
		{Title: "会员等级变更通知", Fields: []string{"phrase1", "thing2", "time3"}, Names: []string{"当前等级", "说明", "变更时间"}},
		{Title: "会员保级提醒", Fields: []string{"phrase1", "number2", "date3"}, Names: []string{"当前等级", "还需成长值", "到期日期"}},
		{Title: "积分到期提醒", Fields: []string{"number1", "date2", "thing3"}, Names: []string{"到期积分", "到期日期", "温馨提示"}},
		{Title: "消费成功通知", Fields: []string{"amount1", "thing2", "character_string3", "time4"}, Names: []string{"消费金额", "消费门店", "订单编号", "消费时间"}},
		{Title: "退款成功通知", Fields: []string{"amount1", "thing2", "character_string3", "time4"}, Names: []string{"退款金额", "消费门店", "订单编号", "退款时间"}},
		{Title: "活动通知", Fields: []string{"thing1", "thing2"}, Names: []string{"活动名称", "活动内容"}},
	} {
		t.ID, t.Kind = p.World.Fixed(43, "template|"+a.ID+"|"+t.Title), kind
		p.Accounts.AddTemplate(a.ID, t)
	}
}

// Serve answers until ctx ends.
func (p *Playground) Serve(ctx context.Context) error { return p.ServeOn(ctx, p.ln) }

// Reachable turns the address of a listener into one that can be asked: one that listens everywhere is this machine.
func Reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// SeedOf keeps the seed of an installation's emulator in its folder, so that its people are the same after a restart.
func SeedOf(dir string) (string, error) {
	file := filepath.Join(dir, "emulator.seed")
	text, err := os.ReadFile(file)
	if err == nil {
		return string(text), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	seed := id.Token(24)
	return seed, os.WriteFile(file, []byte(seed), 0o600)
}
