package oa

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/accounts"
	"guanxi/internal/emulator/world"
)

// bench is a client and the platform it speaks with.
type bench struct {
	*Client
	w     *world.World
	p     *accounts.Platform
	app   world.App
	clock *clock.Fake
	srv   *httptest.Server
}

func start(t *testing.T) *bench {
	t.Helper()
	at := clock.NewFake(1_790_000_000_000)
	w := world.New("seed", at)
	e := emulator.New(w)
	p := accounts.New(w)
	p.Mount(e.Mount)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	emulator.Demo(w, "http://127.0.0.1:1", "127.0.0.1:1")
	app, _ := w.App(emulator.DemoOA)
	app.Callback = ""
	w.AddApp(app)
	p.AddTemplate(app.ID, accounts.Template{ID: "T1", Title: "积分变动提醒", Kind: "template", Fields: []string{"thing1", "number2"}, Names: []string{"原因", "积分"}})
	p.AddTemplate(app.ID, accounts.Template{ID: "S1", Title: "活动提醒", Kind: "subscribe", Fields: []string{"thing1"}, Names: []string{"内容"}})
	hosts := channels.Hosts{API: srv.URL, Open: srv.URL, QR: srv.URL}
	c := New(channels.App{AppID: app.ID, Secret: channels.Hide(app.Secret)}, hosts, srv.Client(), w.Clock)
	return &bench{c, w, p, app, at, srv}
}

func (b *bench) openid(person string) string { return b.w.OpenID(b.app.ID, person) }

func want(t *testing.T, what string, err error, class wechat.Class, code int) {
	t.Helper()
	if wechat.ClassOf(err) != class || wechat.CodeOf(err) != code {
		t.Errorf("%s: got %v (class %d), want class %d code %d", what, err, wechat.ClassOf(err), class, code)
	}
}

func TestTokenIsFetchedOnceAndRenewed(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := b.User(ctx, b.openid("lin")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	fetches := func() int { return len(b.w.Record.Since(0, "/cgi-bin/stable_token")) }
	if n := fetches(); n != 1 {
		t.Fatalf("%d fetches for 20 calls at once", n)
	}
	b.w.Travel(7200*clock.Second - 5*clock.Minute - 1)
	_ = b.Ping(ctx)
	if n := fetches(); n != 1 {
		t.Fatalf("%d fetches before the overlap", n)
	}
	b.w.Travel(1)
	if _, err := b.User(ctx, b.openid("lin")); err != nil || fetches() != 2 {
		t.Fatalf("%d fetches in the overlap, %v", fetches(), err)
	}
	b.w.Faults.Add(world.Fault{Path: "/cgi-bin/user/info", ErrCode: 40001})
	if _, err := b.User(ctx, b.openid("lin")); err != nil || fetches() != 3 {
		t.Errorf("a refused token is replaced once: %d fetches, %v", fetches(), err)
	}
	b.w.Faults.Add(world.Fault{Path: "/cgi-bin/user/info", ErrCode: 42001, Times: 2})
	_, err := b.User(ctx, b.openid("lin"))
	want(t, "twice refused", err, wechat.Token, 42001)
	if b.w.Faults.List() != nil && len(b.w.Faults.List()) != 0 {
		t.Error("asked again a third time")
	}
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	for name, c := range map[string]struct {
		app  channels.App
		code int
	}{
		"secret":    {channels.App{AppID: b.app.ID, Secret: channels.Hide("wrong")}, 40125},
		"no secret": {channels.App{AppID: b.app.ID}, 41004},
		"appid":     {channels.App{AppID: "wxnone", Secret: channels.Hide("x")}, 40013},
	} {
		err := New(c.app, b.Hosts, b.srv.Client(), b.w.Clock).Ping(ctx)
		want(t, name, err, wechat.Setup, c.code)
	}
	app := b.app
	app.IPs = []string{"192.0.2.1"}
	b.w.AddApp(app)
	want(t, "address", b.Ping(ctx), wechat.Setup, 40164)
}

// browse goes to the authorize page as a person and gives where it leads.
func (b *bench) browse(t *testing.T, target, person string) *url.URL {
	t.Helper()
	target, _, _ = strings.Cut(target, "#")
	c := *b.srv.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := c.Get(target + "&emulator_allow=1&emulator_person=" + person)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusFound {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("%d %s", res.StatusCode, text)
	}
	to, _ := res.Location()
	return to
}

func TestWebLogin(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	back := b.browse(t, b.AuthorizeURL("http://127.0.0.1:1/return?x=1", UserInfo, "s1"), "lin")
	if back.Query().Get("state") != "s1" || back.Query().Get("x") != "1" {
		t.Errorf("came back to %s", back)
	}
	code := back.Query().Get("code")
	l, err := b.Login(ctx, code)
	if err != nil || l.OpenID != b.openid("lin") || l.Snapshot != 0 || l.UnionID != b.w.UnionID(&b.app, "lin") {
		t.Fatalf("%+v %v", l, err)
	}
	if p, err := b.Profile(ctx, l); err != nil || p.Nickname != "林晓月" || p.UnionID != l.UnionID {
		t.Errorf("%+v %v", p, err)
	}
	_, err = b.Login(ctx, code)
	want(t, "again", err, wechat.UsedCode, 40163)
	_, err = b.Login(ctx, "nonsense")
	want(t, "unknown", err, wechat.BadCode, 40029)
	code = b.browse(t, b.AuthorizeURL("http://127.0.0.1:1/return", Base, "s"), "lin").Query().Get("code")
	b.w.Travel(5 * clock.Minute)
	_, err = b.Login(ctx, code)
	want(t, "expired", err, wechat.BadCode, 40029)
	l, err = b.Login(ctx, b.browse(t, b.AuthorizeURL("http://127.0.0.1:1/return", Base, "s"), "chen").Query().Get("code"))
	if err != nil || l.UnionID != "" {
		t.Errorf("the silent scope of a stranger tells the unionid: %+v %v", l, err)
	}
	_, err = b.Profile(ctx, l)
	want(t, "profile of the silent scope", err, wechat.Setup, 48001)
	l, err = b.Login(ctx, b.browse(t, b.AuthorizeURL("http://127.0.0.1:1/return", UserInfo, "s"), "preview").Query().Get("code"))
	if err != nil || l.Snapshot != 1 || l.OpenID == b.openid("preview") || l.UnionID != "" {
		t.Errorf("a preview: %+v %v", l, err)
	}
}

func TestFollowersCodesMenuAndTags(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	qr, err := b.QR(ctx, "store=S001;clerk=7", 600)
	if err != nil || qr.Seconds != 600 || !strings.Contains(b.QRPicture(qr.Ticket), "/cgi-bin/showqrcode?ticket=") {
		t.Fatal(qr, err)
	}
	res, err := b.srv.Client().Get(b.QRPicture(qr.Ticket))
	if err != nil || res.Header.Get("Content-Type") != "image/png" {
		t.Errorf("%v %v", res, err)
	}
	if s := b.p.ScanText("lin", qr.URL); s.Kind != "follow" || s.AppID != b.app.ID {
		t.Errorf("%+v", s)
	}
	u, err := b.User(ctx, b.openid("lin"))
	if err != nil || u.Subscribe != 1 || u.QRScene != "store=S001;clerk=7" || u.UnionID == "" || u.Scene != "ADD_SCENE_QR_CODE" {
		t.Errorf("%+v %v", u, err)
	}
	b.w.Travel(600 * clock.Second)
	if s := b.p.ScanText("chen", qr.URL); s.Kind != "text" {
		t.Errorf("an expired code: %+v", s)
	}
	if qr, err = b.QR(ctx, "always", 0); err != nil || qr.Seconds != 0 {
		t.Errorf("%+v %v", qr, err)
	}
	_, err = b.QR(ctx, strings.Repeat("x", 65), 600)
	want(t, "a long scene", err, wechat.Permanent, 40053)
	if all, err := b.Users(ctx, []string{b.openid("lin"), b.openid("chen")}); err != nil || len(all) != 2 || all[1].Subscribe != 0 {
		t.Errorf("%+v %v", all, err)
	}
	if list, next, err := b.Followers(ctx, ""); err != nil || len(list) != 1 || next != list[0] {
		t.Errorf("%v %v", list, err)
	}
	_, err = b.User(ctx, "nobody")
	want(t, "a stranger", err, wechat.Permanent, 40003)
	menu := []Button{{Name: "会员中心", Type: "view", URL: "http://127.0.0.1/m"}, {Name: "更多", Sub: []Button{{Name: "客服", Type: "click", Key: "HELP"}}}}
	if err := b.SetMenu(ctx, menu); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Menu(ctx); err != nil || len(got) != 2 || got[1].Sub[0].Key != "HELP" {
		t.Errorf("%+v %v", got, err)
	}
	want(t, "four buttons", b.SetMenu(ctx, append(menu, menu...)), wechat.Permanent, 40016)
	if err := b.DeleteMenu(ctx); err != nil {
		t.Error(err)
	}
	_, err = b.Menu(ctx)
	want(t, "no menu", err, wechat.Permanent, 46003)
	tag, err := b.NewTag(ctx, "金卡")
	if err == nil {
		err = b.Tag(ctx, tag, []string{b.openid("lin")})
	}
	if err != nil {
		t.Error(err)
	}
	want(t, "too many", b.Tag(ctx, tag, make([]string, 51)), wechat.Permanent, 40032)
}

func TestMessages(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	m := Template{To: b.openid("lin"), ID: "T1", URL: "http://127.0.0.1/m", ClientID: "c1", Data: map[string]Value{"thing1": {"消费送积分"}, "number2": {"100"}}}
	_, err := b.SendTemplate(ctx, m)
	want(t, "not a follower", err, wechat.NotFollow, 43004)
	b.p.Subscribe(b.app, "lin", "", "")
	one, err := b.SendTemplate(ctx, m)
	if err != nil || one == 0 {
		t.Fatal(one, err)
	}
	if two, err := b.SendTemplate(ctx, m); err != nil || two != one {
		t.Errorf("the same client_msg_id: %d %d %v", one, two, err)
	}
	if got := b.w.Bubbles("lin", 0); len(got) != 1 || got[0].Title != "积分变动提醒" || got[0].Fields[1].Value != "100" {
		t.Errorf("%+v", got)
	}
	m.ClientID, m.Data = "", map[string]Value{"thing1": {strings.Repeat("长", 21)}, "number2": {"100"}}
	_, err = b.SendTemplate(ctx, m)
	want(t, "too long a field", err, wechat.Permanent, 47003)
	m.Data = map[string]Value{"thing1": {"x"}, "number2": {"1"}, "thing9": {"x"}}
	_, err = b.SendTemplate(ctx, m)
	want(t, "an unknown field", err, wechat.Permanent, 47003)
	m.ID = "gone"
	_, err = b.SendTemplate(ctx, m)
	want(t, "an unknown template", err, wechat.NoTemplate, 40037)
	if list, err := b.Templates(ctx); err != nil || len(list) != 1 || !strings.Contains(list[0].Content, "{{thing1.DATA}}") {
		t.Errorf("%+v %v", list, err)
	}

	n := Notice{To: b.openid("lin"), ID: "S1", Data: map[string]Value{"thing1": {"会员日"}}}
	want(t, "no credit", b.SendNotice(ctx, n), wechat.NoCredit, 43101)
	b.p.Accept(b.app, "lin", []string{"S1"}, true)
	if err := b.SendNotice(ctx, n); err != nil {
		t.Error(err)
	}
	want(t, "the credit is used", b.SendNotice(ctx, n), wechat.NoCredit, 43101)
}

func TestCustomerServiceWindows(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	to := b.openid("lin")
	want(t, "never spoke", b.SendText(ctx, to, "hi"), wechat.OutOfTime, 45015)
	b.p.Say(b.app, "lin", "在吗")
	for range 5 {
		if err := b.SendText(ctx, to, "您好"); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "the sixth", b.SendText(ctx, to, "hi"), wechat.OutOfTime, 45047)
	b.p.Say(b.app, "lin", "还在吗")
	if err := b.SendLink(ctx, to, "会员中心", "看看积分", "http://127.0.0.1/m", ""); err != nil {
		t.Error(err)
	}
	b.w.Travel(48 * clock.Hour)
	want(t, "after 48 hours", b.SendText(ctx, to, "hi"), wechat.OutOfTime, 45015)
	b.p.Subscribe(b.app, "chen", "", "")
	for range 3 {
		if err := b.SendText(ctx, b.openid("chen"), "欢迎"); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "the fourth after a follow", b.SendText(ctx, b.openid("chen"), "hi"), wechat.OutOfTime, 45047)
	want(t, "too long", b.SendText(ctx, b.openid("chen"), strings.Repeat("x", 2049)), wechat.Permanent, 45002)
}

func TestQuotasAndFaults(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	to := b.openid("lin")
	b.p.SetLimit("/cgi-bin/user/info", 2)
	for range 2 {
		if _, err := b.User(ctx, to); err != nil {
			t.Fatal(err)
		}
	}
	_, err := b.User(ctx, to)
	want(t, "over the quota", err, wechat.Quota, 45009)
	if q, err := b.Quota(ctx, "/cgi-bin/user/info"); err != nil || q.Used != 2 || q.Remain != 0 {
		t.Errorf("%+v %v", q, err)
	}
	asked := len(b.w.Record.Since(0, "/cgi-bin/user/info"))
	_, err = b.User(ctx, to)
	want(t, "paused", err, wechat.Quota, 45009)
	if n := len(b.w.Record.Since(0, "/cgi-bin/user/info")); n != asked {
		t.Error("the platform was asked although its quota is used up")
	}
	b.w.Travel(24 * clock.Hour)
	if _, err := b.User(ctx, to); err != nil {
		t.Errorf("the next day: %v", err)
	}
	b.p.SetLimit("/cgi-bin/user/info", 1000)
	b.w.Faults.Add(world.Fault{Path: "/cgi-bin/menu/get", ErrCode: 45011})
	_, err = b.Menu(ctx)
	want(t, "too fast", err, wechat.Quota, 45011)
	for name, f := range map[string]world.Fault{"busy": {ErrCode: -1}, "502": {Status: 502}, "broken": {Broken: true}, "dropped": {Drop: true}, "lost": {Lost: true}} {
		f.Path, f.Times = "/cgi-bin/user/info", 2
		b.w.Faults.Add(f)
		if _, err := b.User(ctx, to); err != nil {
			t.Errorf("%s twice, then well: %v", name, err)
		}
		f.Times = -1 // the transport itself repeats a read on a connection that ended
		b.w.Faults.Add(f)
		if _, err := b.User(ctx, to); wechat.ClassOf(err) != wechat.Busy || strings.Contains(err.Error(), "at_") || strings.Contains(err.Error(), "access_token") {
			t.Errorf("%s for good: %v", name, err)
		}
		b.w.Faults.Clear()
	}
	before := len(b.w.Record.Since(0, "/cgi-bin/message"))
	b.w.Faults.Add(world.Fault{Path: "/cgi-bin/message/subscribe", ErrCode: -1})
	want(t, "a message is not repeated", b.SendNotice(ctx, Notice{To: to, ID: "S1"}), wechat.Busy, -1)
	if n := len(b.w.Record.Since(0, "/cgi-bin/message")); n != before+1 {
		t.Errorf("sent %d times", n-before)
	}
}

func TestJSConfig(t *testing.T) {
	t.Parallel()
	b, ctx := start(t), context.Background()
	x, err := b.JSConfig(ctx, "http://127.0.0.1:1/m/#/home", b.w.Clock.Now())
	if err != nil || x.AppID != b.app.ID || len(x.Signature) != 40 {
		t.Fatalf("%+v %v", x, err)
	}
	if _, err := b.JSConfig(ctx, "http://127.0.0.1:1/m/", b.w.Clock.Now()); err != nil || len(b.w.Record.Since(0, "/cgi-bin/ticket")) != 1 {
		t.Errorf("the ticket is not kept: %v", err)
	}
}
