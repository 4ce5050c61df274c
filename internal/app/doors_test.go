package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
)

// noon is when these tests begin: 12:00 on 1 July 2026 in Shanghai.
const noon int64 = 1_782_878_400_000

// town is an installation with its doors, two partners and whoever joins.
type town struct {
	t     testing.TB
	a     *App
	srv   *web.Server
	clock *clock.Fake
	till  *caller // may everything, everywhere
	other *caller // another partner that may everything
	east  *caller // bound to store E-01
	keys  atomic.Int64
}

// caller is a partner with a key, or a member with a token.
type caller struct {
	town        *town
	id          int64
	key, secret string
	token       string
}

func open(t testing.TB) *town {
	t.Helper()
	return openWith(t, "")
}

// openWith is open with a Redis.
func openWith(t testing.TB, redis string) *town {
	t.Helper()
	c := clock.NewFake(noon)
	a, err := Open(context.Background(), Options{Data: t.TempDir(), Redis: redis, Clock: c, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &town{t: t, a: a, clock: c, srv: web.New(web.Options{DB: a.DB, Clock: c, Title: "关系", Version: "test"})}
	a.partnerDoor(w.srv)
	a.memberDoor(w.srv)
	var all []string
	for _, s := range shop.Scopes {
		all = append(all, s.Name)
	}
	var store shop.Store
	w.write(func(tx *db.Tx) (err error) {
		store, err = a.Shop.SaveStore(tx, shop.Store{Code: "E-01", NameZh: "东店", NameEn: "East", Status: shop.Open})
		return err
	})
	w.till, w.other, w.east = w.partner(0, all...), w.partner(0, all...), w.partner(store.ID, all...)
	return w
}

func (w *town) write(f func(*db.Tx) error) {
	w.t.Helper()
	if err := w.a.DB.Write(context.Background(), db.Op{Actor: "test"}, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) partner(store int64, scopes ...string) *caller {
	w.t.Helper()
	p := &caller{town: w}
	w.write(func(tx *db.Tx) error {
		row, err := w.a.Shop.SavePartner(tx, shop.Partner{Name: "till", Scopes: scopes, Store: store, Status: shop.Active})
		if err != nil {
			return err
		}
		k, secret, err := w.a.Shop.NewKey(tx, row.ID)
		p.id, p.key, p.secret = row.ID, k.Name, secret.Reveal()
		return err
	})
	return p
}

// answer is what came back.
type answer struct {
	t      testing.TB
	status int
	body   string
	header http.Header
}

// send asks as the caller. A key of "" is a fresh one for what is not a GET; "-" is none.
func (c *caller) send(method, path, key, body string) answer {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key == "" && method != http.MethodGet {
		key = fmt.Sprint("fresh-", c.town.keys.Add(1))
	}
	if key != "" && key != "-" {
		r.Header.Set("Idempotency-Key", key)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.key != "" {
		shop.Sign(r, []byte(body), c.key, c.secret, c.town.clock.Now())
	}
	w := httptest.NewRecorder()
	c.town.srv.Handler().ServeHTTP(w, r)
	return answer{c.town.t, w.Code, w.Body.String(), w.Header()}
}

func (c *caller) get(path string) answer        { return c.send("GET", path, "", "") }
func (c *caller) post(path, body string) answer { return c.send("POST", path, "", body) }

// at reads a value of the answer by its path, such as "awards.0.amount"; "" when it is not there.
func (a answer) at(path string) string {
	a.t.Helper()
	d := json.NewDecoder(strings.NewReader(a.body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	for _, part := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i := -1
			if _, err := fmt.Sscan(part, &i); err != nil || i < 0 || i >= len(x) {
				return ""
			}
			v = x[i]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// want checks the status and values by path: "code=points.insufficient".
func (a answer) want(status int, values ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, v := range values {
		path, want, _ := strings.Cut(v, "=")
		if got := a.at(path); got != want {
			a.t.Errorf("%s is %q, want %q in %s", path, got, want, a.body)
		}
	}
	return a
}

// join makes a member with a phone number and gives its id.
func (w *town) join(phone string) string {
	w.t.Helper()
	return w.till.post("/api/partner/members", `{"identities":[{"kind":"phone","value":"`+phone+`"}],"channel":"qr","store":"W-01"}`).want(201, "new=true").at("id")
}

// enter opens a session for a member.
func (w *town) enter(member string) *caller {
	w.t.Helper()
	a := w.till.send("POST", "/api/partner/members/"+member+"/sessions", "-", "").want(201)
	return &caller{town: w, token: a.at("token")}
}

// give posts points to a member.
func (w *town) give(member string, n int64) {
	w.t.Helper()
	w.till.post("/api/partner/postings", fmt.Sprintf(`{"member_id":"%s","points":%d,"reason":"gift"}`, member, n)).want(201)
}

func (w *town) status(member, status string) {
	w.t.Helper()
	n, _ := id.Parse(member)
	w.write(func(tx *db.Tx) error {
		if status == "cancelled" {
			return w.a.Members.Cancel(tx, n, "test")
		}
		return w.a.Members.SetStatus(tx, n, status, "test")
	})
}

// order is the body of an order over an amount of fen.
func (w *town) order(member, no string, fen int64, more string) string {
	return fmt.Sprintf(`{"no":"%s","member_id":"%s","amount_fen":%d,"occurred_at":%d%s}`, no, member, fen, w.clock.Now(), more)
}

func (w *town) balance(member string) string {
	w.t.Helper()
	return w.till.get("/api/partner/members/" + member + "/balance").want(200).at("now")
}
