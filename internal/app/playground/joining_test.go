package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/entry"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/accounts"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
)

// place is an installation beside its playground.
type place struct {
	t   *testing.T
	a   *app.App
	p   *Playground
	at  *clock.Fake
	srv *httptest.Server
	emu *httptest.Server
	oa  world.App
	mp  world.App
}

func open(t *testing.T) *place {
	t.Helper()
	at := clock.NewFake(1_790_000_000_000)
	x := &place{t: t, at: at, srv: httptest.NewUnstartedServer(nil)}
	public := "http://" + x.srv.Listener.Addr().String()
	var err error
	if x.p, err = New(t.Context(), Options{Listen: "127.0.0.1:0", Product: public, Seed: "seed", Clock: at}); err != nil {
		t.Fatal(err)
	}
	x.emu = httptest.NewUnstartedServer(x.p)
	_ = x.emu.Listener.Close()
	x.emu.Listener = x.p.ln
	x.emu.Start()
	t.Cleanup(x.emu.Close)
	if x.a, err = app.Open(t.Context(), app.Options{Data: t.TempDir(), Clock: at, Channels: x.p.Channels, PublicURL: public, Framer: x.p.URL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.a.Close() })
	x.srv.Config.Handler = x.a.Handler()
	x.srv.Start()
	t.Cleanup(x.srv.Close)
	x.oa, _ = x.p.World.App(emulator.DemoOA)
	x.mp, _ = x.p.World.App(emulator.DemoMP)
	return x
}

// work lets the platforms deliver and the installation follow.
func (x *place) work() {
	x.t.Helper()
	x.p.World.Settle()
	for ran := 1; ran > 0; {
		var err error
		if ran, err = x.a.Jobs.Step(context.Background()); err != nil {
			x.t.Fatal(err)
		}
	}
}

// browser is one person's browser inside WeChat.
type browser struct {
	x     *place
	http  *http.Client
	token string
}

func (x *place) browser(person string) *browser {
	jar, _ := cookiejar.New(nil)
	emu, _ := url.Parse(x.emu.URL)
	jar.SetCookies(emu, []*http.Cookie{{Name: "emulator_person", Value: person, Path: "/"}})
	return &browser{x: x, http: &http.Client{Jar: jar}}
}

type said struct {
	t      *testing.T
	status int
	url    *url.URL
	body   string
	doc    map[string]any
}

func (b *browser) do(method, target, body string) said {
	b.x.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.x.srv.URL + target
	}
	req, _ := http.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "k-"+body[:min(len(body), 60)])
	}
	if method == http.MethodDelete {
		req.Header.Set("Idempotency-Key", fmt.Sprint("d-", b.x.at.Now()))
	}
	if b.token != "" {
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.x.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	s := said{b.x.t, res.StatusCode, res.Request.URL, string(text), map[string]any{}}
	_ = json.Unmarshal(text, &s.doc)
	return s
}

func (b *browser) get(path string) said        { return b.do("GET", path, "") }
func (b *browser) post(path, body string) said { return b.do("POST", path, body) }

// want checks the status and fields: "state=in".
func (s said) want(status int, fields ...string) said {
	s.t.Helper()
	if s.status != status {
		s.t.Fatalf("%s: %d, want %d: %s", s.url.Path, s.status, status, s.body)
	}
	for _, f := range fields {
		k, v, _ := strings.Cut(f, "=")
		b, _ := json.Marshal(s.doc[k])
		if got := strings.Trim(string(b), `"`); got != v {
			s.t.Fatalf("%s: %s is %s, want %s: %s", s.url.Path, k, got, v, s.body)
		}
	}
	return s
}

// login goes the way of the menu: out to WeChat and back.
func (b *browser) login(word string) {
	b.x.t.Helper()
	s := b.get("/hooks/wechat/oa/" + b.x.oa.ID + "/login?next=%2Fm%2F%3Fa%3D1")
	if got := s.url.Query().Get("wechat"); got != word || s.url.Query().Get("a") != "1" || !strings.HasPrefix(s.url.String(), b.x.srv.URL+"/m/") {
		b.x.t.Fatalf("came back to %s, want wechat=%s", s.url, word)
	}
}

const agreed = `{"agreement":{"version":"0"}}`

// joined makes a person a member by the OA.
func (x *place) joined(person string) *browser {
	x.t.Helper()
	b := x.browser(person)
	b.login("ready")
	b.post("/api/member/wechat-session", agreed).want(200, "state=in", "is_new=true")
	return b
}

// mini logs in with the mini program.
func (x *place) mini(person, more string) said {
	x.t.Helper()
	code := x.p.Accounts.NewCode(accounts.LoginCode, x.mp.ID, person, "")
	return x.browser(person).post("/api/member/wechat-session", `{"code":"`+code+`"`+more+`}`)
}

var digits = regexp.MustCompile(`\d{6}`)

// code asks for a phone code and reads it from the person's phone.
func (x *place) code(b *browser, person, phone string) string {
	x.t.Helper()
	x.at.Add(61 * clock.Second)
	b.post("/api/member/phone-codes", `{"phone":"`+phone+`"}`).want(200, "again_after=60", "lives=300")
	list := x.p.World.Bubbles(person, 0)
	if len(list) == 0 || list[len(list)-1].Kind != "sms" {
		x.t.Fatal("no message arrived")
	}
	return digits.FindString(list[len(list)-1].Text)
}

func (x *place) members() (n int64) {
	x.t.Helper()
	if err := x.a.DB.View(x.t.Context(), func(v *db.View) error { n = member.Count(v); return nil }); err != nil {
		x.t.Fatal(err)
	}
	return n
}

// incidents lists the kinds, newest first.
func (x *place) incidents() (kinds []string) {
	x.t.Helper()
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, i := range entry.Incidents(v, 0, 100) {
			kinds = append(kinds, i.Kind)
			if strings.Contains(i.Detail, "1380") || strings.Contains(i.Detail, "wat_") {
				x.t.Errorf("an incident tells too much: %+v", i)
			}
		}
		return nil
	})
	return kinds
}

// noted checks the newest incident.
func (x *place) noted(kind string) {
	x.t.Helper()
	if list := x.incidents(); len(list) == 0 || list[0] != kind {
		x.t.Errorf("incidents %v, want %s", list, kind)
	}
}

func TestJoiningByAStoreCodeTakesThreeSteps(t *testing.T) {
	t.Parallel()
	x := open(t)
	oa, err := x.a.Entry.OA("")
	if err != nil {
		t.Fatal(err)
	}
	qr, err := oa.QR(t.Context(), "s=S001&c=7", 0)
	if err != nil {
		t.Fatal(err)
	}
	x.p.Accounts.ScanText("lin", qr.URL) // 1: scan, which follows
	x.work()
	list := x.p.World.Bubbles("lin", 0)
	if len(list) != 1 || list[0].Kind != "news" || list[0].URL == "" {
		t.Fatalf("no greeting: %+v", list)
	}
	b := x.browser("lin")
	if at := b.get(list[0].URL); at.url.Query().Get("wechat") != "ready" { // 2: tap the greeting
		t.Fatalf("came to %s", at.url)
	}
	b.post("/api/member/wechat-session", `{}`).want(200, "state=agree", "ticket=null", "token=null")
	b.post("/api/member/wechat-session", agreed).want(200, "state=in", "is_new=true", "phone=false", "token=null") // 3: agree
	me := b.get("/api/member/me").want(200, "status=active").doc["member_no"]
	var m member.Member
	_ = x.a.DB.View(t.Context(), func(v *db.View) error { m = member.List(v, 0, "", 1)[0]; return nil })
	if m.Store != "S001" || m.Source != "clerk:7" || m.Channel != "wechat-oa" {
		t.Errorf("joined by %+v", m)
	}
	b.post("/api/member/wechat-session", agreed).want(409, "code=entry.ticket") // a ticket is used once

	// The same person in the mini program: the unionid leads to the same member, and nobody is asked to agree again.
	in := x.mini("lin", "").want(200, "state=in", "is_new=false")
	mini := &browser{x: x, http: &http.Client{}, token: in.doc["token"].(string)}
	mini.get("/api/member/me").want(200, "member_no="+me.(string))
	// A second login by the menu needs no step at all.
	again := x.browser("lin")
	again.login("ready")
	again.post("/api/member/wechat-session", `{}`).want(200, "state=in", "is_new=false")
	if n := x.members(); n != 1 {
		t.Errorf("%d members", n)
	}
}

func TestJoiningByTheMiniProgramBindsPhoneAndWeChatAtOnce(t *testing.T) {
	t.Parallel()
	x := open(t)
	first := x.mini("lin", "").want(200, "state=agree", "token=null")
	ticket := first.doc["ticket"].(string)
	phone := x.p.Accounts.NewCode(accounts.PhoneCode, x.mp.ID, "lin", "")
	b := x.browser("lin")
	in := b.post("/api/member/wechat-session", `{"ticket":"`+ticket+`","phone_code":"`+phone+`","agreement":{"version":"0","store":"S9","clerk":"3"}}`).want(200, "state=in", "is_new=true", "phone=true")
	mini := &browser{x: x, http: &http.Client{}, token: in.doc["token"].(string)}
	me := mini.get("/api/member/me").want(200)
	if p := me.doc["profile"].(map[string]any); p["phone"] != "138****8001" {
		t.Errorf("%v", p)
	}
	// By phone alone, later, it is the same member.
	sms := x.code(b, "lin", "13800138001")
	out := b.post("/api/member/session", `{"phone":"13800138001","code":"`+sms+`","client":"mini"}`).want(200, "state=in", "is_new=false")
	mini.token = out.doc["token"].(string)
	mini.get("/api/member/me").want(200, "member_no="+me.doc["member_no"].(string))
}

func TestPhoneCodesHaveLimits(t *testing.T) {
	t.Parallel()
	x := open(t)
	b := x.browser("chen")
	const number = "13800138002"
	sms := x.code(b, "chen", number)
	b.post("/api/member/phone-codes", `{"phone":"`+number+`"}`).want(429, "code=entry.phone_limit")
	b.post("/api/member/phone-codes", `{"phone":"123"}`).want(422, "code=phone.malformed")
	wrong := func(code string) string {
		return `{"phone":"` + number + `","code":"` + code + `","agreement":{"version":"0"}}`
	}
	bad := "000000"
	if sms == bad {
		bad = "000001"
	}
	for range 5 {
		b.post("/api/member/session", wrong(bad)).want(409, "code=entry.phone_code")
	}
	b.post("/api/member/session", wrong(sms)).want(409, "code=entry.phone_code_expired") // five tries, then even the right one is over
	sms = x.code(b, "chen", number)
	b.post("/api/member/session", `{"phone":"`+number+`","code":"`+sms+`"}`).want(422, "code=entry.agreement")
	x.at.Add(5*clock.Minute - 1)
	b.post("/api/member/session", wrong(sms)).want(200, "state=in", "is_new=true", "phone=true")
	b.post("/api/member/session", wrong(sms)).want(409, "code=entry.phone_code_expired") // used
	sms = x.code(b, "chen", number)
	x.at.Add(5 * clock.Minute)
	b.post("/api/member/session", wrong(sms)).want(409, "code=entry.phone_code_expired")
	for range 2 {
		x.code(b, "chen", number)
	}
	x.at.Add(61 * clock.Second)
	b.post("/api/member/phone-codes", `{"phone":"`+number+`"}`).want(429, "code=entry.phone_limit") // five an hour
	x.p.World.Faults.Add(world.Fault{Path: "/aliyun/", Status: 500})
	b.post("/api/member/phone-codes", `{"phone":"13800138003"}`).want(503, "code=entry.sms")
	if x.members() != 1 {
		t.Error("a refusal made a member")
	}
}

func TestTwoProofsMergeTwoMembersAndRivalsAreRefused(t *testing.T) {
	t.Parallel()
	x := open(t)
	b := x.browser("chen")
	sms := x.code(b, "chen", "13800138002")
	b.post("/api/member/session", `{"phone":"13800138002","code":"`+sms+`","agreement":{"version":"0"}}`).want(200, "is_new=true")
	older := b.get("/api/member/me").want(200).doc["member_no"].(string)
	x.at.Add(clock.Day)
	w := x.joined("chen") // by WeChat: nobody can know that it is the same person
	if x.members() != 2 {
		t.Fatal("expected two members")
	}
	sms = x.code(w, "chen", "13800138002")
	w.post("/api/member/me/phone", `{"phone":"13800138002","code":"`+sms+`"}`).want(200, "phone=138****8002")
	w.post("/api/member/me/phone", `{"phone":"13800138002","code":"`+sms+`"}`).want(200, "phone=138****8002") // the same request again
	w.get("/api/member/me").want(200, "member_no="+older)
	if x.members() != 1 {
		t.Error("they are still two")
	}

	// Lin proves her WeChat account and chen's phone: the phone has another WeChat account, so a person has to decide.
	l := x.joined("lin")
	sms = x.code(l, "chen", "13800138002")
	l.post("/api/member/me/phone", `{"phone":"13800138002","code":"`+sms+`"}`).want(409, "code=member.rival")
	x.noted("member.rival")
	l.post("/api/member/me/phone", `{"phone":"13800138002","code":"000000x"}`).want(409)
	ticket := x.mini("wang", "").want(200, "state=agree").doc["ticket"].(string)
	phone := x.p.Accounts.NewCode(accounts.PhoneCode, x.mp.ID, "chen", "")
	x.browser("wang").post("/api/member/wechat-session", `{"ticket":"`+ticket+`","phone_code":"`+phone+`","agreement":{"version":"0"}}`).want(200, "state=in", "is_new=false")
	if x.members() != 2 {
		t.Errorf("%d members", x.members())
	}
}

func TestBadCodesAreToldApartAndChangeNothing(t *testing.T) {
	t.Parallel()
	x := open(t)
	b := x.browser("lin")
	use := func(app, code string) said {
		return b.post("/api/member/wechat-session", `{"app":"`+app+`","code":"`+code+`","agreement":{"version":"0"}}`)
	}
	code := x.p.Accounts.NewCode(accounts.LoginCode, x.mp.ID, "lin", "")
	use("wxunknown", code).want(404, "code=entry.app")
	x.noted("entry.app")
	use("", "nonsense").want(409, "code=entry.code_expired")
	x.at.Add(5 * clock.Minute)
	use("", code).want(409, "code=entry.code_expired")
	x.noted("entry.code_expired")
	code = x.p.Accounts.NewCode(accounts.LoginCode, x.mp.ID, "risky", "")
	use("", code).want(403, "code=entry.risky")
	use("", code).want(409, "code=entry.code_used")
	x.noted("entry.code_used")
	x.p.World.Faults.Add(world.Fault{Path: "/sns/jscode2session", ErrCode: -1})
	use("", "x").want(503, "code=entry.platform")
	x.browser("preview").login("snapshot")
	x.noted("entry.snapshot")
	b.get("/hooks/wechat/oa/wxunknown/login").want(404)
	// The way back in another browser, with a code that was stolen.
	c := x.browser("lin")
	c.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Path, "/return") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	s := c.get("/hooks/wechat/oa/" + x.oa.ID + "/login?next=/m/")
	link := regexp.MustCompile(`href="([^"]+)"`).FindStringSubmatch(s.body)
	if link == nil {
		t.Fatal(s.body)
	}
	if at := x.browser("chen").get(strings.ReplaceAll(link[1], "&amp;", "&")); at.url.Query().Get("wechat") != "state" {
		t.Errorf("a foreign way back was taken: %s", at.url)
	}
	x.noted("entry.state")
	if at := b.get("/hooks/wechat/oa/" + x.oa.ID + "/login?next=https://evil.example/"); at.url.Host != strings.TrimPrefix(x.srv.URL, "http://") {
		t.Errorf("sent to %s", at.url)
	}
	if x.members() != 0 {
		t.Error("somebody became a member")
	}
}

func TestWhatPeopleWithdrawIsGone(t *testing.T) {
	t.Parallel()
	x := open(t)
	b := x.joined("lin")
	me := b.get("/api/member/me").want(200).doc["member_no"].(string)
	x.p.Accounts.Revoke(x.oa, "lin")
	x.work()
	b.get("/api/member/me").want(401)
	again := x.browser("lin") // the unionid still leads to her
	x.p.Accounts.Subscribe(x.oa, "lin", "", "")
	x.work()
	again.login("ready")
	out := again.post("/api/member/wechat-session", `{}`)
	if out.doc["state"] != "in" && out.doc["state"] != "agree" {
		t.Fatal(out.body)
	}
	c := x.joined("chen")
	x.p.Accounts.Vanish(x.oa, "chen")
	x.work()
	c.get("/api/member/me").want(401)
	var gone, open int
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		for _, m := range member.List(v, 0, "", 10) {
			if m.Status == member.Cancelled {
				gone++
			} else {
				open++
			}
		}
		return nil
	})
	if gone != 1 || open != 1 {
		t.Errorf("%d closed, %d open, first %s", gone, open, me)
	}
}

func TestFollowingSurvivesDisorder(t *testing.T) {
	t.Parallel()
	x := open(t)
	x.p.World.SetDisorder(world.Disorder{Copies: 3, Spread: 30_000})
	for range 5 {
		x.p.Accounts.Subscribe(x.oa, "lin", "", "")
		x.p.World.Travel(2 * clock.Second)
		x.p.Accounts.Unsubscribe(x.oa, "lin")
		x.p.World.Travel(2 * clock.Second)
	}
	x.p.Accounts.Subscribe(x.oa, "lin", "", "")
	x.p.World.Travel(clock.Minute)
	x.work()
	follows := func() (ok bool) {
		_ = x.a.DB.View(t.Context(), func(v *db.View) error {
			ok = x.a.Entry.Follows(v, x.oa.ID, vault.Hide(x.p.World.OpenID(x.oa.ID, "lin")))
			return nil
		})
		return ok
	}
	if !follows() {
		t.Error("she follows, we think she doesn't")
	}
	x.p.World.Travel(2 * clock.Second)
	x.p.Accounts.Unsubscribe(x.oa, "lin")
	x.p.World.Travel(clock.Minute)
	x.work()
	if follows() {
		t.Error("she left, we think she follows")
	}
}

func TestThePlatformAnswersAndRetries(t *testing.T) {
	t.Parallel()
	x := open(t)
	if !x.p.Accounts.Verify(x.oa) || !x.p.Accounts.Verify(x.mp) {
		t.Error("the address check failed")
	}
	app := x.oa
	app.Token = "another"
	if x.p.Accounts.Verify(app) {
		t.Error("the address check passed with another token")
	}
	app.Callback = x.srv.URL + "/hooks/wechat/oa/wxnobody"
	x.p.Accounts.Push(app, "o", accounts.Event{{Name: "MsgType", Value: "event"}, {Name: "Event", Value: "subscribe"}})
	x.p.World.Travel(clock.Minute)
	pushes := 0
	for _, e := range x.p.World.Record.Since(0, "/hooks/wechat/oa/wxnobody") {
		if e.Out && e.Status == http.StatusNotFound {
			pushes++
		}
	}
	if pushes != 3 {
		t.Errorf("pushed %d times, want 3", pushes)
	}
	x.noted("hook.app")
	x.at.Add(clock.Minute) // incidents that anybody can cause are written once a minute
	// A push in the clear to an account that seals them, with a right plain signature.
	body := `<xml><ToUserName>x</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>subscribe</Event></xml>`
	q := url.Values{"timestamp": {"1790000000"}, "nonce": {"n"}}
	q.Set("signature", accounts.Sign(x.oa.Token, "1790000000", "n"))
	res, err := http.Post(x.srv.URL+"/hooks/wechat/oa/"+x.oa.ID+"?"+q.Encode(), "text/xml", bytes.NewBufferString(body))
	if err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("%v %v", res, err)
	}
	x.noted("hook.refused")
}

func TestPagesAreSignedForTheJSSDK(t *testing.T) {
	t.Parallel()
	x := open(t)
	b := x.browser("lin")
	b.get("/api/member/wechat/js-config?url="+url.QueryEscape(x.srv.URL+"/m/")).want(200, "app_id="+x.oa.ID)
	b.get("/api/member/wechat/js-config?url=https%3A%2F%2Fevil.example%2F").want(422, "code=entry.page")
}
