package accounts

import (
	"encoding/json"
	"net/http"

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
	default:
		return nil, false
	}
	return ok, true
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
	for _, pattern := range []string{"/cgi-bin/", "/sns/", "/wxa/", "/connect/"} {
		mount(pattern, p)
	}
}
