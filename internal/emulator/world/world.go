// Package world is what the emulated platforms have in common: virtual people, the apps of merchants, time, chance, faults and
// the record of what was asked. It knows nothing of the product; whoever speaks with it does so over the wire.
package world

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"guanxi/internal/base/clock"
)

// Kinds of apps.
const (
	OA = "oa" // 服务号
	MP = "mp" // 小程序
)

// App is one account of a merchant on the platform, as set up in its console.
type App struct {
	ID       string   `json:"appid"`
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Secret   string   `json:"secret"`
	Original string   `json:"original_id"`        // gh_…: who messages are addressed to
	Owner    string   `json:"owner"`              // the Open Platform account it is bound to; empty: people have no unionid here
	Callback string   `json:"callback,omitempty"` // where events are pushed to
	Token    string   `json:"token,omitempty"`
	AESKey   string   `json:"aes_key,omitempty"` // EncodingAESKey; empty: plain mode
	JSON     bool     `json:"json,omitempty"`    // events as JSON (mini programs may choose)
	Domains  []string `json:"domains,omitempty"` // host[:port] allowed for OAuth and the JS-SDK
	Home     string   `json:"home,omitempty"`    // what the phone opens for the mini program
	IPs      []string `json:"ips,omitempty"`     // addresses that may call; empty: any
}

// Person is one virtual WeChat user.
type Person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"` // 11 digits
	Email string `json:"email,omitempty"`
	Color string `json:"color"` // of the picture
	// Snapshot people only look through a preview: the platform hands out an account that is not real.
	Snapshot bool `json:"snapshot,omitempty"`
	Risky    bool `json:"risky,omitempty"` // login is refused
}

// Bubble is one thing that arrived on somebody's phone.
type Bubble struct {
	ID     int64   `json:"id"`
	At     int64   `json:"at"`
	From   string  `json:"from"` // appid, or "sms:…", "pay"
	Name   string  `json:"name"` // who it is from, for people
	Kind   string  `json:"kind"` // text, template, subscribe, news, image, pay, sms, mine
	Title  string  `json:"title,omitempty"`
	Text   string  `json:"text,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	URL    string  `json:"url,omitempty"`
}

// Field is one line of a card.
type Field struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// World is everything the platforms know.
type World struct {
	Clock  *Clock
	Faults Faults
	Record Record
	Client *http.Client // sends callbacks
	seed   string
	agenda agenda
	roads  roads

	mu      sync.Mutex
	people  []*Person
	apps    []*App
	bubbles map[string][]Bubble
	drawn   int64
	bubble  int64
}

// New makes a world; the same seed gives the same ids and tokens.
func New(seed string, base clock.Clock) *World {
	w := &World{Clock: NewClock(base), seed: seed, bubbles: map[string][]Bubble{}}
	w.Faults.clock, w.Record.clock = w.Clock, w.Clock
	// Who is called back must answer within five seconds, as on the platform.
	w.Client = &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second}}
	return w
}

// word derives a text of n letters and digits from the seed and what it is for.
func (w *World) word(n int, what string) string {
	var out strings.Builder
	for i := 0; out.Len() < n; i++ {
		mac := hmac.New(sha256.New, []byte(w.seed))
		_, _ = fmt.Fprintf(mac, "%d|%s", i, what)
		out.WriteString(strings.NewReplacer("-", "", "_", "").Replace(base64.RawURLEncoding.EncodeToString(mac.Sum(nil))))
	}
	return out.String()[:n]
}

// Word draws a new text of n letters and digits, such as a token or a code.
func (w *World) Word(n int) string {
	w.mu.Lock()
	w.drawn++
	d := w.drawn
	w.mu.Unlock()
	return w.word(n, fmt.Sprintf("drawn|%d", d))
}

// Bytes draws n bytes.
func (w *World) Bytes(n int) []byte {
	out := []byte{}
	for len(out) < n {
		sum := sha256.Sum256([]byte(w.Word(32)))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// OpenID is who a person is to one app.
func (w *World) OpenID(appid, person string) string {
	return "o" + w.word(27, "openid|"+appid+"|"+person)
}

// UnionID is who a person is to all apps of an owner; empty when the app is bound to none.
func (w *World) UnionID(app *App, person string) string {
	if app.Owner == "" {
		return ""
	}
	return "o" + w.word(27, "unionid|"+app.Owner+"|"+person)
}

// AddApp registers an app, or changes the one with its id.
func (w *World) AddApp(a App) *App {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.Original == "" {
		a.Original = "gh_" + strings.ToLower(w.word(12, "original|"+a.ID))
	}
	for _, old := range w.apps {
		if old.ID == a.ID {
			*old = a
			return old
		}
	}
	w.apps = append(w.apps, &a)
	return &a
}

// App finds an app by its appid.
func (w *World) App(id string) (App, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.apps {
		if a.ID == id {
			return *a, true
		}
	}
	return App{}, false
}

// Apps lists all apps.
func (w *World) Apps() []App {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]App, len(w.apps))
	for i, a := range w.apps {
		out[i] = *a
	}
	return out
}

// AddPerson adds somebody, or changes the one with the id.
func (w *World) AddPerson(p Person) Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.ID == "" {
		p.ID = fmt.Sprintf("p%d", len(w.people)+1)
	}
	for _, old := range w.people {
		if old.ID == p.ID {
			*old = p
			return p
		}
	}
	w.people = append(w.people, &p)
	return p
}

// Person finds somebody by id.
func (w *World) Person(id string) (Person, bool) {
	return w.who(func(p *Person) bool { return p.ID == id })
}

// WhoIs finds the person behind an openid of an app.
func (w *World) WhoIs(appid, openid string) (Person, bool) {
	return w.who(func(p *Person) bool { return w.OpenID(appid, p.ID) == openid })
}

// WithPhone finds the person with a phone number, in any of the usual forms.
func (w *World) WithPhone(number string) (Person, bool) {
	return w.who(func(p *Person) bool { return p.Phone != "" && strings.HasSuffix(number, p.Phone) })
}

// WithEmail finds the person with an e-mail address.
func (w *World) WithEmail(address string) (Person, bool) {
	return w.who(func(p *Person) bool { return p.Email != "" && strings.EqualFold(address, p.Email) })
}

func (w *World) who(is func(*Person) bool) (Person, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.people, is); i >= 0 {
		return *w.people[i], true
	}
	return Person{}, false
}

// People lists everybody.
func (w *World) People() []Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]Person, len(w.people))
	for i, p := range w.people {
		out[i] = *p
	}
	return out
}

// keptBubbles is how much of its past a phone shows.
const keptBubbles = 500

// Show lets something arrive on somebody's phone.
func (w *World) Show(person string, b Bubble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bubble++
	b.ID, b.At = w.bubble, w.Clock.Now()
	list := append(w.bubbles[person], b)
	w.bubbles[person] = list[max(0, len(list)-keptBubbles):]
}

// Bubbles lists what arrived on somebody's phone after the one with an id.
func (w *World) Bubbles(person string, after int64) []Bubble {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []Bubble{}
	for _, b := range w.bubbles[person] {
		if b.ID > after {
			out = append(out, b)
		}
	}
	return out
}

// Fixed is a text of n letters and digits that is always the same for what it is for.
func (w *World) Fixed(n int, what string) string { return w.word(n, "fixed|"+what) }
