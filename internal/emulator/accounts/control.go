package accounts

import (
	"crypto/sha1" // #nosec G505 -- the platform's signatures are SHA-1
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sort"

	"guanxi/internal/emulator/world"
)

// act is what a person does on the phone.
type act struct {
	AppID     string   `json:"appid"`
	Scene     string   `json:"scene"`     // follow: as if by a scene code
	Text      string   `json:"text"`      // say, scan
	Button    []int    `json:"button"`    // tap: which, and which below it
	Templates []string `json:"templates"` // accept, withdraw
	No        bool     `json:"no"`        // accept: reject instead
	Kind      string   `json:"kind"`      // code: login or phone
	Card      string   `json:"card"`      // take: which card; fill, drop: the code of the holder's
}

// Control opens what the phone page and tests may let people do: POST /_emulator/people/{id}/{act}.
func (p *Platform) Control(open func(pattern string, h http.HandlerFunc)) {
	open("GET /_emulator/people/{id}/phone", p.phoneState)
	open("POST /_emulator/verify", func(w http.ResponseWriter, r *http.Request) {
		app, ok := p.W.App(r.URL.Query().Get("appid"))
		write(w, map[string]bool{"ok": ok && p.Verify(app)})
	})
	open("POST /_emulator/limits", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]int
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		for path, n := range in {
			p.SetLimit(path, n)
		}
		write(w, in)
	})
	open("GET /_emulator/codes", func(w http.ResponseWriter, _ *http.Request) { write(w, p.shownCodes()) })
	open("POST /_emulator/wx/config", func(w http.ResponseWriter, r *http.Request) {
		var in pageConfig
		if json.NewDecoder(r.Body).Decode(&in) != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		if why := p.checkConfig(in); why != "" {
			w.WriteHeader(http.StatusForbidden)
			write(w, map[string]string{"error": why})
			return
		}
		write(w, map[string]bool{"ok": true})
	})
	open("POST /_emulator/people/{id}/{act}", func(w http.ResponseWriter, r *http.Request) {
		var in act
		person, known := p.W.Person(r.PathValue("id"))
		if json.NewDecoder(r.Body).Decode(&in) != nil || !known {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		app, _ := p.W.App(in.AppID)
		out, ok := p.act(r.PathValue("act"), app, person, in)
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		write(w, out)
	})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *Platform) act(what string, app world.App, person world.Person, in act) (any, bool) {
	ok := map[string]bool{"ok": true}
	if what == "scan" {
		return p.ScanText(person.ID, in.Text), true
	}
	if app.ID == "" {
		return nil, false
	}
	switch what {
	case "follow":
		p.Subscribe(app, person.ID, in.Scene, "")
	case "unfollow":
		p.Unsubscribe(app, person.ID)
	case "say":
		p.Say(app, person.ID, in.Text)
	case "accept":
		p.Accept(app, person.ID, in.Templates, !in.No)
	case "withdraw":
		p.Withdraw(app, person.ID, in.Templates)
	case "revoke":
		p.Revoke(app, person.ID)
	case "vanish":
		p.Vanish(app, person.ID)
	case "code":
		return map[string]string{"code": p.NewCode(in.Kind, app.ID, person.ID, "")}, true
	case "tap":
		list := p.Menu(app.ID)
		var b Button
		for _, i := range in.Button {
			if i < 0 || i >= len(list) {
				return nil, false
			}
			b, list = list[i], list[i].Sub
		}
		p.Tap(app, person.ID, b)
		return b, true
	case "take":
		code, found := p.TakeCard(app, person.ID, in.Card, in.Text)
		return map[string]string{"code": code}, found
	case "fill":
		return ok, p.FillCard(app, in.Card)
	case "drop":
		p.DropCard(app, in.Card)
	default:
		return nil, false
	}
	return ok, true
}

// shownCode is a code that hangs somewhere in a store.
type shownCode struct {
	Label   string `json:"label"`
	Text    string `json:"text"`
	Picture string `json:"picture"`
}

// shownCodes lists the scene codes that still hold, by what they say of the store.
func (p *Platform) shownCodes() []shownCode {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []shownCode{}
	for ticket, s := range p.scenes {
		if s.until == 0 || p.W.Clock.Now() < s.until {
			out = append(out, shownCode{labelOf(s.text), sceneURL + ticket, "/cgi-bin/showqrcode?ticket=" + url.QueryEscape(ticket)})
		}
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Label < out[j].Label || out[i].Label == out[j].Label && out[i].Text < out[j].Text
	})
	return out
}

// labelOf says a scene in words where it has the usual form.
func labelOf(scene string) string {
	q, err := url.ParseQuery(scene)
	if link := q.Get("h"); err == nil && link != "" {
		return "入口 " + link
	}
	if err != nil || q.Get("s") == "" {
		return scene
	}
	label := "门店 " + q.Get("s")
	if c := q.Get("c"); c != "" {
		label += " · 导购 " + c
	}
	return label
}

// pageConfig is what a page gives to wx.config.
type pageConfig struct {
	AppID     string `json:"appid"`
	Timestamp string `json:"timestamp"`
	Nonce     string `json:"nonce"`
	Signature string `json:"signature"`
	URL       string `json:"url"`
}

// checkConfig verifies as the phone does: the page's host and the signature over its address.
func (p *Platform) checkConfig(c pageConfig) string {
	app, ok := p.W.App(c.AppID)
	at, err := url.Parse(c.URL)
	if !ok || err != nil {
		return "config:invalid appid"
	}
	if !slices.Contains(app.Domains, at.Host) {
		return "config:invalid url domain"
	}
	sum := sha1.Sum([]byte("jsapi_ticket=" + p.Ticket(c.AppID) + "&noncestr=" + c.Nonce + "&timestamp=" + c.Timestamp + "&url=" + c.URL)) // #nosec G401 -- as the platform defines it
	if hex.EncodeToString(sum[:]) != c.Signature {
		return "config:invalid signature"
	}
	return ""
}

// phoneApp is one account as it shows on somebody's phone.
type phoneApp struct {
	AppID     string         `json:"appid"`
	Kind      string         `json:"kind"`
	Name      string         `json:"name"`
	Home      string         `json:"home,omitempty"`
	OpenID    string         `json:"openid"`
	Follows   bool           `json:"follows"`
	Menu      []Button       `json:"menu"`
	Templates []phoneConsent `json:"templates"`
}

type phoneConsent struct {
	Template
	Credits int `json:"credits"`
}

func (p *Platform) phoneState(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	out := []phoneApp{}
	for _, a := range p.W.Apps() {
		x := phoneApp{AppID: a.ID, Kind: a.Kind, Name: a.Name, Home: a.Home, OpenID: p.W.OpenID(a.ID, id), Follows: p.Follows(a.ID, id), Menu: p.Menu(a.ID), Templates: []phoneConsent{}}
		for _, t := range p.Templates(a.ID) {
			if t.Kind == "subscribe" {
				x.Templates = append(x.Templates, phoneConsent{t, p.Credits(a.ID, id, t.ID)})
			}
		}
		out = append(out, x)
	}
	write(w, map[string]any{"apps": out, "now": p.W.Clock.Now()})
}

// Mount names the patterns the platform answers.
func (p *Platform) Mount(mount func(pattern string, h http.Handler)) {
	for _, pattern := range []string{"/cgi-bin/", "/sns/", "/wxa/", "/wxaapi/", "/connect/", "/card/"} {
		mount(pattern, p)
	}
}
