package mp

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/accounts"
	"guanxi/internal/emulator/world"
)

func start(t *testing.T) (*Client, *accounts.Platform, world.App) {
	t.Helper()
	w := world.New("seed", clock.NewFake(1_790_000_000_000))
	e := emulator.New(w)
	p := accounts.New(w)
	p.Mount(e.Mount)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	emulator.Demo(w, "http://127.0.0.1:1", "127.0.0.1:1")
	app, _ := w.App(emulator.DemoMP)
	app.Callback = ""
	w.AddApp(app)
	p.AddTemplate(app.ID, accounts.Template{ID: "S1", Title: "积分到期提醒", Kind: "subscribe", Fields: []string{"number1", "date2"}, Names: []string{"积分", "日期"}})
	return New(channels.App{AppID: app.ID, Secret: channels.Hide(app.Secret)}, channels.Hosts{API: srv.URL}, srv.Client(), w.Clock), p, app
}

func want(t *testing.T, what string, err error, class wechat.Class, code int) {
	t.Helper()
	if wechat.ClassOf(err) != class || wechat.CodeOf(err) != code {
		t.Errorf("%s: got %v (class %d), want class %d code %d", what, err, wechat.ClassOf(err), class, code)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	c, p, app := start(t)
	ctx := context.Background()
	code := p.NewCode(accounts.LoginCode, app.ID, "lin", "")
	s, err := c.Session(ctx, code)
	if err != nil || s.OpenID != p.W.OpenID(app.ID, "lin") || s.UnionID != p.W.UnionID(&app, "lin") || s.Key.IsEmpty() {
		t.Fatalf("%+v %v", s, err)
	}
	if err := c.CheckSession(ctx, s); err != nil {
		t.Error(err)
	}
	iv, sealed := p.Seal(app.ID, "lin", map[string]any{"openId": s.OpenID, "nickName": "林"})
	if text, err := c.OpenData(s, iv, sealed); err != nil || !strings.Contains(string(text), s.OpenID) {
		t.Errorf("%s %v", text, err)
	}
	if _, err := c.Session(ctx, p.NewCode(accounts.LoginCode, app.ID, "lin", "")); err != nil {
		t.Fatal(err)
	}
	want(t, "an earlier key", c.CheckSession(ctx, s), wechat.Permanent, 87009)
	_, err = c.Session(ctx, code)
	want(t, "a used code", err, wechat.UsedCode, 40163)
	_, err = c.Session(ctx, p.NewCode(accounts.PhoneCode, app.ID, "lin", ""))
	want(t, "a code of another kind", err, wechat.BadCode, 40029)
	_, err = c.Session(ctx, p.NewCode(accounts.LoginCode, app.ID, "risky", ""))
	want(t, "a risk", err, wechat.Risky, 40226)
	code = p.NewCode(accounts.LoginCode, app.ID, "lin", "")
	p.W.Travel(5 * clock.Minute)
	_, err = c.Session(ctx, code)
	want(t, "an expired code", err, wechat.BadCode, 40029)
	_, err = New(channels.App{AppID: app.ID, Secret: channels.Hide("wrong")}, channels.Hosts{API: c.api.Base}, c.api.HTTP, p.W.Clock).Session(ctx, code)
	want(t, "a wrong secret", err, wechat.Setup, 40125)
	if strings.Contains(err.Error(), "wrong") {
		t.Error("the secret is in the error")
	}
}

func TestPhone(t *testing.T) {
	t.Parallel()
	c, p, app := start(t)
	ctx := context.Background()
	code := p.NewCode(accounts.PhoneCode, app.ID, "lin", "")
	number, err := c.Phone(ctx, code)
	if err != nil || number.Reveal() != "+8613800138001" || strings.Contains(number.String(), "0013") {
		t.Fatalf("%s %v", number, err)
	}
	_, err = c.Phone(ctx, code)
	want(t, "again", err, wechat.UsedCode, 40163)
	_, err = c.Phone(ctx, p.NewCode(accounts.LoginCode, app.ID, "lin", ""))
	want(t, "a login code", err, wechat.BadCode, 40029)
}

func TestMessagesNeedACredit(t *testing.T) {
	t.Parallel()
	c, p, app := start(t)
	ctx := context.Background()
	m := Subscribe{To: p.W.OpenID(app.ID, "lin"), ID: "S1", Page: "pages/home", Data: map[string]Value{"number1": {"120"}, "date2": {"2026年12月31日"}}}
	send := func() error { _, err := c.SendSubscribe(ctx, m); return err }
	want(t, "none", send(), wechat.NoCredit, 43101)
	p.Accept(app, "lin", []string{"S1"}, true)
	p.Accept(app, "lin", []string{"S1"}, true)
	m.Data["date2"] = Value{"明天"}
	want(t, "a wrong value costs nothing", send(), wechat.Permanent, 47003)
	m.Data["date2"] = Value{"2026年12月31日"}
	for range 2 {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "used up", send(), wechat.NoCredit, 43101)
	if got := p.W.Bubbles("lin", 0); len(got) != 2 || got[0].Kind != "subscribe" {
		t.Errorf("%+v", got)
	}
	p.Accept(app, "lin", []string{"S1"}, true)
	p.Withdraw(app, "lin", []string{"S1"})
	want(t, "withdrawn", send(), wechat.NoCredit, 43101)
	m.To = "nobody"
	want(t, "a stranger", send(), wechat.Permanent, 40003)
}

func TestCodesLinksAndChecks(t *testing.T) {
	t.Parallel()
	c, p, app := start(t)
	ctx := context.Background()
	png, err := c.Code(ctx, "s=S001&c=7", "pages/home/home")
	if err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) {
		t.Errorf("%d bytes, %v", len(png), err)
	}
	_, err = c.Code(ctx, "s=门店", "pages/home/home")
	want(t, "a scene that is not visible", err, wechat.Permanent, 40169)
	_, err = c.Code(ctx, "s=1", "/pages/home")
	want(t, "a page with a slash", err, wechat.Permanent, 41030)
	if _, err = c.Code(ctx, strings.Repeat("x", 33), "p"); err == nil {
		t.Error("a long scene")
	}
	if link, err := c.Link(ctx, "pages/home/home", "from=sms", 30); err != nil || !strings.HasPrefix(link, "https://") {
		t.Error(link, err)
	}
	if link, err := c.Scheme(ctx, "pages/home/home", "", 1); err != nil || !strings.HasPrefix(link, "weixin://") {
		t.Error(link, err)
	}
	_, err = c.Link(ctx, "p", "", 31)
	want(t, "31 days", err, wechat.Permanent, 85401)
	me := p.W.OpenID(app.ID, "lin")
	for text, suggest := range map[string]string{"林晓月": Pass, "这是违规测试": Bad, "待复核测试": Review} {
		if got, err := c.CheckText(ctx, me, 1, text); err != nil || got != suggest {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	_, err = c.CheckText(ctx, "nobody", 1, "x")
	want(t, "a stranger", err, wechat.Permanent, 40003)
	if trace, err := c.CheckPicture(ctx, me, 1, "https://example.com/a.png"); err != nil || trace == "" {
		t.Error(trace, err)
	}
	for person, rank := range map[string]int{"lin": 0, "risky": 4} {
		if got, err := c.RiskRank(ctx, p.W.OpenID(app.ID, person), 0, "192.0.2.7"); err != nil || got != rank {
			t.Errorf("%s: %d %v", person, got, err)
		}
	}
}
