// Package playground puts an emulator of all parties outside beside an installation (演示环境): for the demonstration, for
// whoever develops, and for tests. The installation speaks with it as with the real parties; only the hosts differ.
package playground

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/accounts"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/phone"
	"guanxi/internal/emulator/texts"
	"guanxi/internal/emulator/world"
)

// Playground is a running emulator and what an installation must know to use it.
type Playground struct {
	*emulator.Emulator
	Accounts *accounts.Platform
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
	return p, p.merchant(o)
}

// build fills the world and derives what the installation must know. Each platform has its lines here.
func (p *Playground) build(product string) {
	w := p.World
	p.Accounts = accounts.New(w)
	p.Accounts.Mount(p.Mount)
	p.Accounts.Control(p.Control)
	phone.Mount(p.Page)
	emulator.Demo(w, product, strings.TrimPrefix(strings.TrimPrefix(product, "http://"), "https://"))
	p.Channels = channels.Config{Hosts: channels.Hosts{API: p.URL, Open: p.URL, QR: p.URL, JSSDK: p.URL + "/open/js/jweixin-1.6.0.js", Pay: p.URL,
		Work: p.URL + "/qyapi", Aliyun: p.URL + "/aliyun", Tencent: p.URL + "/tencent"}}
	vendor := &texts.Vendor{W: w, KeyID: "playground", Secret: w.Fixed(30, "sms"), Sign: "关系生活馆", AppID: "1400000000",
		Templates: map[string]string{"SMS_CODE": "您的验证码是${code}，5分钟内有效，请勿告诉他人。"}}
	p.Mount("/aliyun/", vendor.Aliyun())
	p.Mount("/tencent/", vendor.Tencent())
	p.Channels.SMS = &channels.SMS{Vendor: "aliyun", KeyID: vendor.KeyID, KeySecret: channels.Hide(vendor.Secret), AppID: vendor.AppID, Sign: vendor.Sign,
		Templates: map[string]string{"code": "SMS_CODE"}}
	for _, a := range w.Apps() {
		app := channels.App{AppID: a.ID, Name: a.Name, Original: a.Original, Secret: channels.Hide(a.Secret), Token: channels.Hide(a.Token),
			AESKey: channels.Hide(a.AESKey), Owner: a.Owner, Templates: p.templates(a)}
		switch a.Kind {
		case world.OA:
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

// templates gives an account the templates of the demonstration, and tells their ids by purpose.
func (p *Playground) templates(a world.App) map[string]string {
	kind := map[string]string{world.OA: "template", world.MP: "subscribe"}[a.Kind]
	out := map[string]string{}
	for _, t := range []accounts.Template{
		{ID: "points", Title: "积分变动提醒", Fields: []string{"thing1", "number2", "number3", "time4"}, Names: []string{"变动原因", "变动积分", "当前积分", "变动时间"}},
		{ID: "tier", Title: "会员等级变更通知", Fields: []string{"phrase1", "thing2", "time3"}, Names: []string{"当前等级", "说明", "变更时间"}},
		{ID: "expiring", Title: "积分到期提醒", Fields: []string{"number1", "date2", "thing3"}, Names: []string{"到期积分", "到期日期", "温馨提示"}},
		{ID: "joined", Title: "入会成功通知", Fields: []string{"character_string1", "thing2", "time3"}, Names: []string{"会员号", "欢迎语", "入会时间"}},
	} {
		out[t.ID] = p.World.Fixed(43, "template|"+a.ID+"|"+t.ID)
		t.ID, t.Kind = out[t.ID], kind
		p.Accounts.AddTemplate(a.ID, t)
	}
	return out
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
