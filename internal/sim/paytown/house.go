// Package paytown lives with an emulated WeChat Pay: people pay, notifications come twice, late, in disorder or never, money
// goes back by our hand and by others', and at the end the platform's book and ours must say the same (支付小镇).
//
// Everything goes over the wire formats of both sides, through handlers instead of sockets, by one clock and one seed.
package paytown

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/edge/wechat/pay"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
)

// The one merchant of the town.
const (
	MchID   = "1900001001"
	BrandID = "40001001"
	AppID   = "wx0123456789abcdef"
	apiv3   = "0123456789abcdef0123456789ABCDEF"
	base    = "https://guanxi.example"
)

// House is an installation beside the platform.
type House struct {
	Clock    *clock.Fake
	World    *world.World
	Platform *emulated.Pay
	App      *app.App
	Client   *pay.Client // another till of the same merchant
	Set      emulated.Set
	Keys     emulated.Keys
	account  pay.Account
	handler  http.Handler
	deaf     bool // the installation can't be reached from outside
	keys     int
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errAway = errors.New("connection refused")

// through calls a handler as if it were far away.
func through(h http.Handler) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		q := r.Clone(r.Context())
		q.RequestURI, q.RemoteAddr, q.Host = r.URL.RequestURI(), "203.0.113.7:40000", r.URL.Host
		if q.Body == nil {
			q.Body = http.NoBody
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, q)
		return rec.Result(), nil
	})
}

// Open builds a house in an empty folder, at nine in the morning of an instant's day.
func Open(ctx context.Context, dir string, at int64, change func(*pay.Account)) (*House, error) {
	h := &House{Clock: clock.NewFake(at)}
	h.World = world.New("paytown", h.Clock)
	h.World.Clock.Scale(0) // it moves when travelled
	var err error
	if h.Keys, err = emulated.MakeKeys(at); err != nil {
		return nil, err
	}
	if h.Set, err = h.Keys.MakeSet(MchID, BrandID, apiv3, AppID); err != nil {
		return nil, err
	}
	h.Platform = emulated.New(h.World, h.Keys)
	h.Platform.AddMerchant(h.Set.Merchant)
	m := h.Set.Merchant
	a := pay.Account{MchID: MchID, Serial: m.Serial, AppIDs: []string{AppID}, PlatformID: h.Set.PublicID, Host: "https://pay.example", NotifyBase: base, Join: true, Foreign: true,
		Card: &pay.Card{BrandID: BrandID, Serial: m.Brand.Serial, AppID: AppID, Title: "关系会员"}}
	if change != nil {
		change(&a)
	}
	if err := a.Use(h.Set.Key, apiv3, h.Set.Platform, h.Set.Brand); err != nil {
		return nil, err
	}
	h.account = a
	via := pay.Options{Clock: h.Clock, HTTP: &http.Client{Transport: through(h.World.Record.Around(h.World.Faults.Around(h.Platform)))},
		Wait: func(context.Context, int64) error { return nil }}
	h.Client = pay.New(a, via)
	fast := func(path string, write bool) string {
		return (&db.Options{CacheMB: 16}).SQLiteDSN(path, write) + "&_pragma=synchronous(OFF)"
	}
	h.App, err = app.Open(ctx, app.Options{Data: dir, Zone: clock.Shanghai, Clock: h.Clock, Seed: 1, Driver: "sqlite", DSN: fast, Pay: []pay.Account{a}, PayVia: via})
	if err != nil {
		return nil, err
	}
	h.handler = h.App.Handler()
	h.World.Client = &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		if h.deaf {
			return nil, errAway
		}
		return through(h.handler).RoundTrip(r)
	})}
	return h, h.onePointAYuan(ctx)
}

// Close ends the installation.
func (h *House) Close() error { return h.App.Close() }

// onePointAYuan leaves one rule, so that points can be told from money.
func (h *House) onePointAYuan(ctx context.Context) error {
	return h.write(ctx, func(tx *db.Tx) error {
		for _, v := range earn.VersionsOf(tx, 0) {
			if _, err := h.App.Earn.Retire(tx, v.ID, 0); err != nil {
				return err
			}
		}
		v, err := h.App.Earn.Draft(tx, 0, earn.Spec{Kind: "per_yuan", Zh: "一元一分", En: "One a yuan", Asset: "points", Class: ledger.ClassConsumption,
			Settings: json.RawMessage(`{"points":"1","tier_multiplier":false,"floating":false}`)})
		if err != nil {
			return err
		}
		_, err = h.App.Earn.Publish(tx, v.ID, 0, "paytown")
		return err
	})
}

func (h *House) write(ctx context.Context, f func(*db.Tx) error) error {
	return h.App.DB.Write(ctx, db.Op{Actor: "staff:1"}, f)
}

// Travel lets time go by in small steps, with jobs and deliveries as they fall due.
func (h *House) Travel(ctx context.Context, ms, step int64) error {
	for ms > 0 {
		s := min(ms, step)
		ms -= s
		h.Clock.Add(s)
		h.World.Travel(s)
		if err := h.Work(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Work runs jobs until none is due.
func (h *House) Work(ctx context.Context) error {
	for range 10_000 {
		n, err := h.App.Jobs.Step(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
	return errors.New("background work finds no end")
}

// Person is a virtual person, perhaps with a session of the member centre.
type Person struct {
	ID    string
	token string
}

// Enrol makes somebody a member and logs it in.
func (h *House) Enrol(ctx context.Context, person string) (p Person, err error) {
	p.ID = person
	err = h.write(ctx, func(tx *db.Tx) error {
		m, _, err := h.App.Members.Join(tx, member.Join{Identities: []member.Identity{h.Identity(person)}, Channel: "paytown"})
		if err != nil {
			return err
		}
		p.token, _, err = h.App.Members.OpenSession(tx, m.ID)
		return err
	})
	return p, err
}

// Call asks the installation over HTTP as a member and reads the answer.
func (h *House) Call(ctx context.Context, p Person, method, path, body string, want int, out any) error {
	h.keys++
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Idempotency-Key", fmt.Sprint("k", h.keys))
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, r)
	if rec.Code != want {
		return fmt.Errorf("%s %s: %d %s", method, path, rec.Code, rec.Body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(rec.Body.Bytes(), out)
}

// Payment is what the member centre says of a payment.
type Payment struct {
	ID       string `json:"id"`
	No       string `json:"no"`
	State    string `json:"state"`
	Amount   int64  `json:"amount_fen"`
	Refunded int64  `json:"refunded_fen"`
	OrderID  string `json:"order_id"`
}

// Begin asks for a payment and opens it on the phone; it gives the platform's prepay id.
func (h *House) Begin(ctx context.Context, p Person, fen int64) (made Payment, prepay string, err error) {
	if err := h.Call(ctx, p, http.MethodPost, "/api/member/me/payments", fmt.Sprintf(`{"amount_fen":%d}`, fen), http.StatusCreated, &made); err != nil {
		return made, "", err
	}
	var b pay.Button
	if err := h.Call(ctx, p, http.MethodPost, "/api/member/me/payments/"+made.ID+"/prepay", "", http.StatusOK, &b); err != nil {
		return made, "", err
	}
	sheet, err := h.Platform.Open(emulated.Button{AppID: b.AppID, TimeStamp: b.TimeStamp, Nonce: b.Nonce, Package: b.Package, SignType: b.SignType, Sign: b.Sign})
	if err == nil && sheet.Total != fen {
		err = fmt.Errorf("the phone shows %d fen instead of %d", sheet.Total, fen)
	}
	return made, sheet.Prepay, err
}
