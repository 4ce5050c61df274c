package app

import (
	"bytes"
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
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// house is an installation behind its real server, with an operator of each role and a few members.
type house struct {
	t      testing.TB
	app    *App
	clock  *clock.Fake
	front  *front
	tokens map[string]string // by login
	ids    map[string]int64  // of operators, by login
	store  shop.Store
	keys   int
}

const secret = "correct horse battery"

// start is when the houses begin, a minute apart, so that no two of them make the same ids.
var start atomic.Int64

func nextStart() int64 { return 1_767_225_600_000 + start.Add(1)*clock.Minute } // 2026

func openHouse(t testing.TB) *house {
	t.Helper()
	w := &house{t: t, clock: clock.NewFake(nextStart()), tokens: map[string]string{}, ids: map[string]int64{}}
	a, err := Open(context.Background(), Options{Data: t.TempDir(), Clock: w.clock, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w.app, w.front = a, a.front(nil)
	w.write(func(tx *db.Tx) (err error) {
		w.store, err = a.Shop.SaveStore(tx, shop.Store{Code: "S5", NameZh: "五号店", NameEn: "Store 5", Status: shop.Open})
		return err
	})
	return w
}

func (w *house) write(f func(*db.Tx) error) {
	w.t.Helper()
	if err := w.app.DB.Write(context.Background(), db.Op{Actor: "system:test"}, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *house) view(f func(*db.View)) {
	w.t.Helper()
	if err := w.app.DB.View(context.Background(), func(v *db.View) error { f(v); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// found sets the house up: its first operator is root.
func (w *house) found() {
	w.t.Helper()
	link, err := w.app.SetupLink(context.Background(), "http://localhost")
	if err != nil {
		w.t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#setup=")
	w.ask("", "POST", "/setup", fmt.Sprintf(`{"token":%q,"login":"root","name":"Root","password":%q}`, token, secret), 200, nil)
	w.enter("root")
}

// hire makes an operator with roles, past the second look that its own tests are about.
func (w *house) hire(login string, grants ...staff.Grant) {
	w.t.Helper()
	if w.tokens["root"] == "" {
		w.found()
	}
	p, err := w.app.Staff.HashPassword(context.Background(), login, vault.Hide(secret))
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(tx *db.Tx) error {
		o, err := w.app.Staff.Add(tx, staff.Who{Operator: w.ids["root"]}, staff.NewOperator{Login: login, Name: strings.ToUpper(login), Password: p})
		for _, g := range grants {
			if err == nil {
				err = w.app.Staff.GrantRole(tx, staff.Who{Operator: w.ids["root"]}, o.ID, g)
			}
		}
		return err
	})
	w.enter(login)
}

// enter logs somebody in, past the limit of tries by address.
func (w *house) enter(login string) {
	w.t.Helper()
	token, who, err := w.app.Staff.Login(context.Background(), staff.Attempt{Login: login, Password: vault.Hide(secret), IP: "203.0.113.9", Agent: "Browser"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens[login], w.ids[login] = token, who.Operator
}

// ask sends a request as somebody ("" is nobody) and reads the answer into out.
func (w *house) ask(login, method, path, body string, status int, out any) *httptest.ResponseRecorder {
	w.t.Helper()
	w.keys++
	return w.askKeyed(login, method, path, body, fmt.Sprint("k", w.keys), status, out)
}

func (w *house) askKeyed(login, method, path, body, key string, status int, out any) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, "/api/console"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Idempotency-Key", key)
	if token := w.tokens[login]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("%s %s %s as %q: %d, want %d: %s", method, path, body, login, rec.Code, status, rec.Body)
	}
	if out != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			w.t.Fatal(err)
		}
	}
	return rec
}

func has(t testing.TB, rec *httptest.ResponseRecorder, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !bytes.Contains(rec.Body.Bytes(), []byte(p)) {
			t.Errorf("%q is not in %s", p, rec.Body)
		}
	}
}

// join makes a member with a phone number and an optional store.
func (w *house) join(phone, store string) int64 {
	w.t.Helper()
	var id int64
	w.write(func(tx *db.Tx) error {
		m, _, err := w.app.Members.Join(tx, member.Join{Channel: "oa", Store: store, Source: "pos",
			Identities: []member.Identity{{Kind: member.KindPhone, Value: vault.Hide(phone), Verified: true}}})
		id = m.ID
		return err
	})
	return id
}

// buy takes a paid order of a member.
func (w *house) buy(memberID int64, no string, fen int64) int64 {
	w.t.Helper()
	var id int64
	w.write(func(tx *db.Tx) error {
		o, _, err := w.app.Orders.Take(tx, order.In{Source: "pos", No: no, Member: memberID, Amount: fen, Channel: "store", Store: "S5", Occurred: tx.Now()})
		id = o.ID
		return err
	})
	return id
}

// acts lists what was logged since a row, oldest first.
func (w *house) acts(since int64) (out []string) {
	w.view(func(v *db.View) {
		rows := w.app.Staff.LogPage(v, 0, 200)
		for i := len(rows) - 1; i >= 0; i-- {
			if rows[i].Seq > since {
				out = append(out, rows[i].Act)
			}
		}
		if _, wrong := staff.VerifyLog(v); wrong != nil {
			w.t.Errorf("the operation log is broken: %+v", wrong)
		}
	})
	return out
}

func (w *house) logged() (seq int64) {
	w.view(func(v *db.View) { seq = w.app.Staff.Head(v).Seq })
	return seq
}

type done struct {
	State    string
	Approval web.ID
}

func TestSetupWorksOnce(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	has(t, w.ask("", "GET", "/setup", "", 200, nil), `"needed":true`)
	first, err := w.app.SetupLink(context.Background(), "https://vip.example.com")
	if err != nil || !strings.HasPrefix(first, "https://vip.example.com/console/sign-in#setup=") {
		t.Fatal(first, err)
	}
	_, old, _ := strings.Cut(first, "=")
	second, _ := w.app.SetupLink(context.Background(), "https://vip.example.com")
	_, token, _ := strings.Cut(second, "=")
	body := func(token string) string {
		return fmt.Sprintf(`{"token":%q,"login":"root","name":"Root","password":%q}`, token, secret)
	}
	w.ask("", "POST", "/setup", body(old), 401, nil) // voided by the second
	w.ask("", "POST", "/setup", body(token), 200, nil)
	w.ask("", "POST", "/setup", body(token), 409, nil)
	has(t, w.ask("", "GET", "/setup", "", 200, nil), `"needed":false`)
	if link, err := w.app.SetupLink(context.Background(), "https://vip.example.com"); link != "" || err != nil {
		t.Errorf("a link %q, %v although there is an operator", link, err)
	}
	if got := fmt.Sprint(w.acts(0)); got != "[staff.setup]" {
		t.Error(got)
	}
}

func TestTheHouseOfOneHiresASecondWhoMustAgreeFromThenOn(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	var ann struct{ ID web.ID }
	w.ask("root", "POST", "/operators", fmt.Sprintf(`{"login":"ann","name":"Ann","password":%q}`, secret), 201, &ann)
	path := fmt.Sprintf("/operators/%s", ann.ID)
	var d done
	w.ask("root", "POST", path+"/roles", `{"role":"security_admin","reason":"the second key"}`, 200, &d)
	if d.State != "done" {
		t.Fatal(d)
	}
	w.enter("ann")
	var eve struct{ ID web.ID }
	w.ask("root", "POST", "/operators", fmt.Sprintf(`{"login":"eve","name":"Eve","password":%q}`, secret), 201, &eve)
	w.ask("root", "POST", fmt.Sprintf("/operators/%s/roles", eve.ID), `{"role":"finance","reason":"books"}`, 202, &d)
	if d.State != "waiting" || d.Approval == 0 {
		t.Fatal(d)
	}
	approval := fmt.Sprintf("/approvals/%s", d.Approval)
	var a struct{ Digest, Kind, State string }
	w.ask("root", "GET", approval, "", 200, &a)
	yes := fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest)
	w.ask("root", "POST", approval+"/decision", yes, 403, nil)
	w.ask("ann", "POST", approval+"/decision", `{"approve":true,"digest":"0000"}`, 409, nil)
	w.ask("ann", "POST", approval+"/decision", yes, 200, nil)
	w.ask("ann", "POST", approval+"/decision", yes, 409, nil)
	has(t, w.ask("ann", "GET", fmt.Sprintf("/operators/%s", eve.ID), "", 200, nil), `"role":"finance"`)
	w.ask("root", "PUT", path+"/status", `{"status":"blocked","reason":"left"}`, 200, nil)
	w.ask("ann", "GET", "/session", "", 401, nil)
	w.ask("root", "PUT", fmt.Sprintf("/operators/%d/status", w.ids["root"]), `{"status":"blocked","reason":"left"}`, 403, nil)
}

func TestOwnSessionsAndPassword(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	first := w.tokens["root"]
	w.enter("root")
	var list struct {
		Data []struct {
			ID      web.ID
			Current bool
		}
	}
	w.ask("root", "GET", "/sessions", "", 200, &list)
	if len(list.Data) != 2 || list.Data[0].Current || !list.Data[1].Current {
		t.Fatalf("%+v", list)
	}
	w.ask("root", "DELETE", fmt.Sprintf("/sessions/%s", list.Data[0].ID), "", 200, nil)
	second := w.tokens["root"]
	w.tokens["root"] = first
	w.ask("root", "GET", "/session", "", 401, nil)
	w.tokens["root"] = second
	w.ask("root", "PUT", "/password", `{"old":"wrong","new":"another horse battery"}`, 401, nil)
	w.ask("root", "PUT", "/password", fmt.Sprintf(`{"old":%q,"new":"another horse battery"}`, secret), 200, nil)
	w.ask("root", "GET", "/session", "", 401, nil)
}

func TestLimitsAndChecksTakeTwo(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	var d done
	w.ask("root", "PUT", "/settings/limits/points.per_act", `{"amount":2000,"reason":"a house of one"}`, 200, &d)
	has(t, w.ask("root", "GET", "/settings/limits", "", 200, nil), `"name":"points.per_act"`, `"amount":2000`)
	w.ask("root", "PUT", "/settings/limits/nothing", `{"amount":2000,"reason":"x"}`, 404, nil)
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	w.ask("root", "PUT", "/settings/limits/points.per_act", `{"amount":9000,"reason":"more"}`, 202, &d)
	has(t, w.ask("root", "GET", "/settings/limits", "", 200, nil), `"amount":2000`)
	since := w.logged()
	w.agree("sec", d.Approval)
	if got := fmt.Sprint(w.acts(since)); got != "[approval.approve approval.execute limit.set]" {
		t.Error(got)
	}
	has(t, w.ask("root", "GET", "/settings/limits", "", 200, nil), `"amount":9000`)
	has(t, w.ask("root", "GET", "/settings/checks", "", 200, nil), `"rules":true`, `"zh":"发布与下线规则"`)
	off := `{"value":{"rules":false,"tiers":true,"points":true,"settings":false},"reason":"trust"}`
	w.ask("root", "PUT", "/settings/checks", off, 202, &d)
	w.agree("sec", d.Approval)
	w.ask("root", "PUT", "/settings/limits/points.per_act", `{"amount":1,"reason":"alone now"}`, 200, nil)
	w.ask("root", "PUT", "/settings/checks", `{"value":{"rule":false},"reason":"x"}`, 422, nil)
}

// agree approves as it was asked for.
func (w *house) agree(login string, approval web.ID) {
	w.t.Helper()
	var a struct{ Digest string }
	w.ask(login, "GET", fmt.Sprintf("/approvals/%s", approval), "", 200, &a)
	w.ask(login, "POST", fmt.Sprintf("/approvals/%s/decision", approval), fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest), http.StatusOK, nil)
}

func refundOf(orderNo, no string, at int64) order.RefundIn {
	return order.RefundIn{Source: "pos", OrderNo: orderNo, No: no, Amount: 500, Occurred: at, Reason: "broken"}
}
