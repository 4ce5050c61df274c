// Package accounts answers like the server API of 服务号 and 小程序: tokens, logins, followers, codes, menus, messages, and the events
// that the platform pushes. What it refuses, it refuses with the platform's own numbers.
package accounts

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Platform is the state behind the API.
type Platform struct {
	W   *world.World
	mux *http.ServeMux

	mu       sync.Mutex
	stable   map[string]*grant // by appid
	tokens   map[string]*grant // by token, also those that end
	codes    map[string]*code
	web      map[string]*code // access tokens of web logins
	keys     map[string]string
	follows  map[pair]*Follow
	scenes   map[string]scene
	menus    map[string][]Button
	library  map[string][]Template
	credits  map[credit]int
	windows  map[pair]*window
	limits   map[string]int // of the day, by path
	used     map[string]int
	sent     map[string]int64
	msgID    int64
	linkUses map[string]string
	wallet   wallet
}

type pair struct{ App, Person string }

type credit struct{ App, Person, Template string }

// grant is one access token.
type grant struct {
	app, token string
	until      int64
	forced     int   // forced refreshes of the day
	day        int   //
	at         int64 // of the last forced one
}

// code is what a client trades for a person, once.
type code struct {
	app, person, kind, scope string
	at                       int64
	used                     bool
}

// Follow is that somebody follows an account.
type Follow struct {
	Since int64  `json:"since"`
	Scene string `json:"scene"` // of the QR code, if that is how
}

type scene struct {
	app, text string
	until     int64
}

// Button is one entry of a menu.
type Button struct {
	Name     string   `json:"name"`
	Type     string   `json:"type,omitempty"`
	Key      string   `json:"key,omitempty"`
	URL      string   `json:"url,omitempty"`
	AppID    string   `json:"appid,omitempty"`
	PagePath string   `json:"pagepath,omitempty"`
	Sub      []Button `json:"sub_button,omitempty"`
}

// New makes the platform.
func New(w *world.World) *Platform {
	p := &Platform{W: w, mux: http.NewServeMux(), stable: map[string]*grant{}, tokens: map[string]*grant{}, codes: map[string]*code{}, web: map[string]*code{},
		keys: map[string]string{}, follows: map[pair]*Follow{}, scenes: map[string]scene{}, menus: map[string][]Button{}, library: map[string][]Template{},
		credits: map[credit]int{}, windows: map[pair]*window{}, limits: map[string]int{}, used: map[string]int{}, sent: map[string]int64{}, linkUses: map[string]string{}}
	p.wallet.init()
	p.routes()
	return p
}

// ServeHTTP answers a request.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }

func (p *Platform) routes() {
	p.mux.HandleFunc("POST /cgi-bin/stable_token", p.stableToken)
	p.mux.HandleFunc("GET /connect/oauth2/authorize", p.authorize)
	p.mux.HandleFunc("GET /sns/oauth2/access_token", p.webToken)
	p.mux.HandleFunc("GET /sns/userinfo", p.webUser)
	p.mux.HandleFunc("GET /sns/jscode2session", p.session)
	p.mux.HandleFunc("GET /cgi-bin/showqrcode", p.showQR)
	for path, f := range map[string]func(*call) any{
		"POST /wxa/business/getuserphonenumber": p.phone, "GET /wxa/checksession": p.checkSession,
		"GET /cgi-bin/user/info": p.userInfo, "POST /cgi-bin/user/info/batchget": p.userInfos, "GET /cgi-bin/user/get": p.followers,
		"POST /cgi-bin/qrcode/create": p.createQR, "POST /cgi-bin/menu/create": p.setMenu, "GET /cgi-bin/menu/get": p.getMenu, "GET /cgi-bin/menu/delete": p.deleteMenu,
		"POST /cgi-bin/message/template/send": p.sendTemplate, "POST /cgi-bin/message/subscribe/bizsend": p.sendNotice,
		"POST /cgi-bin/message/subscribe/send": p.sendSubscribe, "POST /cgi-bin/message/custom/send": p.sendCustom,
		"GET /cgi-bin/template/get_all_private_template": p.listTemplates, "GET /wxaapi/newtmpl/gettemplate": p.listSubscriptions,
		"POST /cgi-bin/tags/create": p.newTag, "POST /cgi-bin/tags/members/batchtagging": p.tag, "POST /cgi-bin/openapi/quota/get": p.quota,
		"GET /cgi-bin/ticket/getticket": p.ticket, "POST /wxa/getwxacodeunlimit": p.wxaCode, "POST /wxa/generate_urllink": p.urlLink, "POST /wxa/generatescheme": p.scheme,
		"POST /wxa/msg_sec_check": p.checkText, "POST /wxa/media_check_async": p.checkMedia, "POST /wxa/getuserriskrank": p.riskRank,
		"POST /card/membercard/activateuserform/set": p.setCardForm, "POST /card/membercard/activate": p.activateCard,
		"POST /card/membercard/updateuser": p.updateCard, "POST /card/membercard/userinfo/get": p.walletCard,
		"POST /cgi-bin/message/wxopen/template/uniform_send": func(*call) any { return fail(45109, "api withdrawn") },
	} {
		p.mux.HandleFunc(path, p.authorized(f))
	}
}

// call is one request whose token was good.
type call struct {
	app  world.App
	r    *http.Request
	body map[string]any
	raw  json.RawMessage
}

// into reads the body into a struct.
func (c *call) into(v any) bool { return json.Unmarshal(c.raw, v) == nil }

// failure is an answer with an errcode.
type failure struct {
	Code int    `json:"errcode"`
	Msg  string `json:"errmsg"`
}

func fail(code int, msg string) failure { return failure{code, msg} }

var done = failure{0, "ok"}

// picture is an answer that is no JSON.
type picture struct {
	media string
	body  []byte
}

// authorized lets a call through whose token is good and whose quota is not used up.
func (p *Platform) authorized(f func(*call) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r}
		app, bad := p.admit(r)
		if bad != nil {
			p.answer(w, *bad)
			return
		}
		c.app = app
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(r.Body).Decode(&c.raw); err != nil || json.Unmarshal(c.raw, &c.body) != nil {
				p.answer(w, fail(47001, "data format error"))
				return
			}
		}
		p.answer(w, f(c))
	}
}

func (p *Platform) admit(r *http.Request) (world.App, *failure) {
	token := r.URL.Query().Get("access_token")
	if token == "" {
		return world.App{}, &failure{41001, "access_token missing"}
	}
	p.mu.Lock()
	g := p.tokens[token]
	p.mu.Unlock()
	if g == nil {
		return world.App{}, &failure{40001, "invalid credential, access_token is invalid or not latest"}
	}
	if p.W.Clock.Now() >= g.until {
		return world.App{}, &failure{42001, "access_token expired"}
	}
	app, _ := p.W.App(g.app)
	if bad := address(app, r); bad != nil {
		return app, bad
	}
	return app, p.count(r.URL.Path)
}

// address holds the list of addresses that may call.
func address(app world.App, r *http.Request) *failure {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	if len(app.IPs) > 0 && !slices.Contains(app.IPs, host) {
		return &failure{40164, "invalid ip " + host + ", not in whitelist"}
	}
	return nil
}

// SetLimit sets how often a path may be called a day; tests make it small.
func (p *Platform) SetLimit(path string, n int) { p.mu.Lock(); p.limits[path] = n; p.mu.Unlock() }

const plenty = 1_000_000

func (p *Platform) count(path string) *failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprintf("%d|%s", clock.Shanghai.LocalDay(p.W.Clock.Now()), path)
	limit, ok := p.limits[path]
	if !ok {
		limit = plenty
	}
	if p.used[key] >= limit {
		return &failure{45009, "reach max api daily quota limit"}
	}
	p.used[key]++
	return nil
}

func (p *Platform) quota(c *call) any {
	path, _ := c.body["cgi_path"].(string)
	p.mu.Lock()
	defer p.mu.Unlock()
	limit, ok := p.limits[path]
	if !ok {
		limit = plenty
	}
	used := p.used[fmt.Sprintf("%d|%s", clock.Shanghai.LocalDay(p.W.Clock.Now()), path)]
	return map[string]any{"errcode": 0, "errmsg": "ok", "quota": map[string]int{"daily_limit": limit, "used": used, "remain": limit - used}}
}

// answer writes JSON with status 200, refusals too, as the platform does; a refusal carries an rid.
func (p *Platform) answer(w http.ResponseWriter, v any) {
	if pic, ok := v.(picture); ok {
		w.Header().Set("Content-Type", pic.media)
		_, _ = w.Write(pic.body)
		return
	}
	if f, ok := v.(failure); ok && f.Code != 0 {
		f.Msg += " rid: " + p.W.Word(8) + "-" + p.W.Word(8)
		v = f
	}
	w.Header().Set("Content-Type", "application/json; encoding=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// The life of a token, and how long before its end it is renewed.
const (
	tokenLife = 7200 * clock.Second
	tokenLap  = 5 * clock.Minute
)

func (p *Platform) stableToken(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Grant  string `json:"grant_type"`
		AppID  string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		p.answer(w, fail(47001, "data format error"))
		return
	}
	app, ok := p.W.App(in.AppID)
	switch {
	case in.Grant != "client_credential":
		p.answer(w, fail(40002, "invalid grant_type"))
	case !ok:
		p.answer(w, fail(40013, "invalid appid"))
	case in.Secret == "":
		p.answer(w, fail(41004, "appsecret missing"))
	case in.Secret != app.Secret:
		p.answer(w, fail(40125, "invalid appsecret"))
	case address(app, r) != nil:
		p.answer(w, *address(app, r))
	default:
		g, bad := p.grant(app.ID, in.Force)
		if bad != nil {
			p.answer(w, *bad)
			return
		}
		p.answer(w, map[string]any{"access_token": g.token, "expires_in": (g.until - p.W.Clock.Now()) / clock.Second})
	}
}

// grant gives the token of an app: the same one while it has more than the overlap to live. A forced one ends the old at once.
func (p *Platform) grant(app string, force bool) (*grant, *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.W.Clock.Now()
	old := p.stable[app]
	fresh := &grant{app: app, until: now + tokenLife}
	if old != nil {
		fresh.forced, fresh.day, fresh.at = old.forced, old.day, old.at
	}
	if day := clock.Shanghai.LocalDay(now); fresh.day != day {
		fresh.day, fresh.forced = day, 0
	}
	if force {
		if fresh.forced >= 20 {
			return nil, &failure{45009, "force refresh reach daily limit"}
		}
		if old != nil && old.at != 0 && now-old.at < 30*clock.Second {
			force = false
		}
	}
	if old != nil && !force && old.until-now > tokenLap {
		return old, nil
	}
	if force {
		fresh.forced, fresh.at = fresh.forced+1, now
		if old != nil {
			delete(p.tokens, old.token)
		}
	}
	fresh.token = "at_" + p.W.Word(120)
	p.stable[app], p.tokens[fresh.token] = fresh, fresh
	return fresh, nil
}

func (p *Platform) ticket(c *call) any {
	return map[string]any{"errcode": 0, "errmsg": "ok", "ticket": p.Ticket(c.app.ID), "expires_in": 7200}
}

// Ticket is the jsapi_ticket of an app; the JS object of the phone checks signatures with it.
func (p *Platform) Ticket(app string) string { return p.W.Fixed(86, "jsapi|"+app) }
