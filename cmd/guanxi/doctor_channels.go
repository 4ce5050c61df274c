package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/mail"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/crypt"
	"guanxi/internal/edge/wechat/mp"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/edge/wechat/work"
)

// examineChannels asks each party outside whether it knows us, and whether its pushes would reach us.
func (c *cli) examineChannels(ctx context.Context, x *examined) {
	cfg, err := channels.Load(c.cfg.Channels)
	if err != nil {
		x.add("channels", false, "%s", c.text(err))
		return
	}
	client := channels.NewClient()
	for _, a := range cfg.OA {
		x.add("wechat "+a.AppID, true, "服务号 %s", a.Name)
		x.reach("  credentials", oa.New(a, cfg.Hosts, client, clock.System).Ping(ctx))
		c.examinePush(ctx, x, client, "oa", a)
	}
	for _, a := range cfg.MP {
		x.add("wechat "+a.AppID, true, "小程序 %s", a.Name)
		x.reach("  credentials", mp.New(a, cfg.Hosts, client, clock.System).Ping(ctx))
		c.examinePush(ctx, x, client, "mp", a)
	}
	for _, w := range cfg.Work {
		x.reach("wecom "+w.CorpID, work.New(w, cfg.Hosts, client, clock.System).Ping(ctx))
	}
	if cfg.SMS != nil {
		x.add("sms "+cfg.SMS.Vendor, cfg.SMS.Templates["code"] != "" && !cfg.SMS.KeySecret.IsEmpty() && cfg.SMS.Sign != "", "sign %s, template of codes %s", cfg.SMS.Sign, cfg.SMS.Templates["code"])
	}
	if m := mail.New(cfg); m != nil {
		err := m.Ping(ctx)
		x.add("mail "+cfg.Mail.Host, err == nil, "port %d%s", cfg.Mail.Port, because(err))
	}
	if len(cfg.OA)+len(cfg.MP) > 0 {
		examineSkew(ctx, x, client, cfg.Hosts.API)
	}
}

// hints say what to do about the refusals that an operator can mend.
var hints = map[int]string{
	40013: "the appid is wrong", 40125: "the AppSecret is wrong or was reset", 40001: "the secret is wrong", 40164: "add this machine's address to the IP list of the account (基本配置 → IP白名单)",
	40243: "the AppSecret is frozen: thaw it in the console", 60020: "add this machine's address to the trusted IPs of the application", 48001: "the account has no permission for this API",
}

func (x *examined) reach(what string, err error) {
	if err == nil {
		x.add(what, true, "accepted")
		return
	}
	hint := hints[wechat.CodeOf(err)]
	if hint == "" {
		hint = err.Error()
	}
	x.add(what, false, "%s", hint)
}

// examinePush sends ourselves what the platform sends when the address of the push is saved.
func (c *cli) examinePush(ctx context.Context, x *examined, client channels.Doer, kind string, a channels.App) {
	public := c.productURL()
	x.add("  public address", strings.HasPrefix(public, "https://"), "%s (the platforms want https and a registered domain)", public)
	if key := a.AESKey.Reveal(); key != "" {
		_, err := crypt.NewMessageKey(a.Token.Reveal(), key, a.AppID)
		x.add("  message key", err == nil, "EncodingAESKey%s", because(err))
	}
	stamp, nonce, echo := strconv.FormatInt(clock.System.Now()/clock.Second, 10), id.Token(6), "check"+stamp6()
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}, "signature": {crypt.SortedSHA1(a.Token.Reveal(), stamp, nonce)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, public+"/hooks/wechat/"+kind+"/"+a.AppID+"?"+q.Encode(), nil)
	if err != nil {
		x.add("  push address", false, "%s is no address", public)
		return
	}
	ans, err := channels.Send(ctx, client, req)
	switch {
	case err != nil:
		x.add("  push address", false, "not reached: is the service running behind %s?", public)
	case ans.Status != http.StatusOK || string(ans.Body) != echo:
		x.add("  push address", false, "answered %d: is it this installation, with the same Token?", ans.Status)
	default:
		x.add("  push address", true, "answers the address check")
	}
}

func stamp6() string { return strconv.FormatInt(clock.System.Now()%1_000_000, 10) }

// mostSkew is how far our clock may be from theirs: signatures are good for five minutes.
const mostSkew = clock.Minute

func examineSkew(ctx context.Context, x *examined, client channels.Doer, host string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/", nil)
	if err != nil {
		return
	}
	ans, err := channels.Send(ctx, client, req)
	if err != nil {
		x.add("clock of WeChat", false, "%s is not reached: %v", host, err)
		return
	}
	theirs, err := time.Parse(http.TimeFormat, ans.Header.Get("Date"))
	if err != nil {
		return
	}
	off := clock.System.Now() - theirs.UnixMilli()
	x.add("clock of WeChat", max(off, -off) < mostSkew, "%d s from ours", off/clock.Second)
}
