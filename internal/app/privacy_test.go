package app

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

func TestConsentIsByPurposeAndVersion(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	me := w.enter(m)
	put := func(purpose, body string) answer {
		return me.send("PUT", "/api/member/me/consents/"+purpose, "", body)
	}
	me.get("/api/member/agreements").want(200, "version=0", "label=1", "purposes.0.key=terms", "purposes.0.required=true", "purposes.1.required=false")
	me.get("/api/member/me/consents").want(200, "ask_again=true", "purposes.0.given=false", "history=[]", "minor=false")
	put("terms", `{"given":true,"version":"7"}`).want(409, "code=member.agreement_changed")
	put("terms", `{"given":true,"version":"0"}`).want(200)
	put("terms", `{"given":false}`).want(409, "code=member.consent_required")
	put("marketing", `{"given":true,"version":"0"}`).want(200)
	put("marketing", `{"given":true,"version":"0"}`).want(200) // said again: one line
	put("marketing", `{"given":false}`).want(200)
	put("dreams", `{"given":true}`).want(422)
	me.get("/api/member/me/consents").want(200, "ask_again=false", "purposes.0.given=true", "purposes.1.given=false", "history.0.purpose=terms", "history.1.given=true",
		"history.2.given=false", "history.3=")
	// a new version that asks again
	w.clock.Add(clock.Hour)
	w.write(func(tx *db.Tx) error {
		a := member.Agreement.At(tx, tx.Now()).Value
		a.Label, a.AskAgain, a.ChangesZh = "2", true, "写清了保留多久"
		_, err := member.Agreement.Set(tx, a, 0, "")
		return err
	})
	now := me.get("/api/member/agreements").want(200, "label=2", "changes=写清了保留多久").at("version")
	me.get("/api/member/me/consents").want(200, "ask_again=true", "version="+now)
	put("terms", `{"given":true,"version":"0"}`).want(409, "code=member.agreement_changed")
	put("terms", `{"given":true,"version":"`+now+`"}`).want(200)
	me.get("/api/member/me/consents").want(200, "ask_again=false")
}

func TestAChildNeedsAGuardian(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	me := w.enter(m)
	born := func(day string) { me.send("PUT", "/api/member/me/profile", "", `{"birthday":"`+day+`"}`).want(200) }
	put := func(purpose string) answer {
		return me.send("PUT", "/api/member/me/consents/"+purpose, "", `{"given":true}`)
	}
	holds := func(purpose string) (yes bool) {
		_ = w.a.DB.View(context.Background(), func(v *db.View) error { yes = w.a.Members.Consented(v, n, purpose); return nil })
		return yes
	}
	put("tracking").want(200)
	born("2012-07-02") // 14 tomorrow
	me.get("/api/member/me/consents").want(200, "minor=true", "purposes.4.key=guardian")
	put("marketing").want(409, "code=member.guardian")
	if holds("tracking") {
		t.Error("what was agreed to before the birthday was known still holds")
	}
	put("terms").want(200)
	put("guardian").want(200)
	put("marketing").want(200)
	if !holds("marketing") || !holds("tracking") {
		t.Error("a guardian's consent opens nothing")
	}
	me.send("PUT", "/api/member/me/consents/guardian", "", `{"given":false}`).want(200)
	if holds("marketing") {
		t.Error("a guardian's consent can't be taken back")
	}
	w.clock.Set(w.a.Zone.StartOfDay(20260702) - 1)
	if holds("marketing") {
		t.Error("of age a day too early")
	}
	w.clock.Add(1)
	if !holds("marketing") {
		t.Error("not of age on the day itself")
	}
}

func TestTheStricterConsentSurvivesAMerge(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, b := w.join("13800138000"), w.join("13900139000")
	from, _ := id.Parse(a)
	into, _ := id.Parse(b)
	w.write(func(tx *db.Tx) error {
		for _, c := range []struct {
			of      int64
			purpose string
			given   bool
		}{{from, "marketing", false}, {into, "marketing", true}, {from, "personal", true}, {into, "personal", false}, {from, "tracking", true}} {
			if err := w.a.Members.SetConsent(tx, c.of, c.purpose, c.given, -1, "test"); err != nil {
				return err
			}
		}
		_, err := w.a.Members.Merge(tx, from, into, "same person")
		return err
	})
	_ = w.a.DB.View(context.Background(), func(v *db.View) error {
		for purpose, want := range map[string]bool{"marketing": false, "personal": false, "tracking": true} {
			if w.a.Members.Consented(v, into, purpose) != want {
				t.Errorf("%s is %v after the merge", purpose, !want)
			}
		}
		return nil
	})
}

func TestMyDataIsMineAlone(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(201)
	me, her := w.enter(m), w.enter(w.join("13900139000"))
	me.send("PUT", "/api/member/me/profile", "", `{"nickname":"李雷"}`).want(200)
	one := me.send("POST", "/api/member/me/exports", "", "").want(202, "state=waiting").at("id")
	me.get("/api/member/me/exports/"+one+"/content").want(409, "code=privacy.not_ready")
	me.send("POST", "/api/member/me/exports", "", "").want(409, "code=privacy.export_soon")
	w.work()
	me.get("/api/member/me/exports/"+one+"/content").want(200, "content.member_no="+m, "content.profile.nickname=李雷", "content.identities.0.value=+8613800138000",
		"content.orders.0.no=A1", "content.points.1.amount=200", "content.tiers.1.tier=silver", "name=guanxi-my-data-20260701.json")
	her.get("/api/member/me/exports/"+one+"/content").want(404, "code=privacy.no_export")
	me.get("/api/member/me/access-log").want(200, "data.0.what=download", "data.0.by=member", "data.1.what=export")
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		v.Rows("SELECT body FROM privacy_export_part", nil, func(scan func(...any)) {
			var body string
			scan(&body)
			if strings.Contains(body, "李雷") || strings.Contains(body, "138") && strings.Contains(body, "member_no") {
				t.Error("a copy lies in the clear")
			}
		})
		return nil
	}); err != nil {
		t.Error(err)
	}
	w.clock.Add(8 * clock.Day)
	w.work()
	w.enter(m).get("/api/member/me/exports").want(200, "data=[]")
	left := 0
	_ = w.a.DB.View(context.Background(), func(v *db.View) error { v.Row("SELECT COUNT(*) FROM privacy_export_part", nil, &left); return nil })
	if left != 0 {
		t.Error(left, "parts of dropped copies are left")
	}
}

func TestWhoLeavesIsForgottenAndTheBooksStay(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(201)
	me := w.enter(m)
	me.send("PUT", "/api/member/me/profile", "", `{"nickname":"李雷","birthday":"1990-05-17"}`).want(200)
	leave := func(points int) answer {
		return me.send("POST", "/api/member/me/closure", "", fmt.Sprintf(`{"points":%d}`, points))
	}
	me.get("/api/member/me/closure").want(200, "under_way=false", "points=250", "cooling_days=7")
	leave(0).want(422, "code=privacy.confirm")
	leave(250).want(201, "under_way=true")
	leave(250).want(409, "code=privacy.closing")
	me.get("/api/member/me/messages").want(200, "data.0.occasion=account_closing", "data.0.title=账号将于 2026-07-09 注销")
	me.send("DELETE", "/api/member/me/closure", "", "").want(200, "under_way=false")
	me.send("DELETE", "/api/member/me/closure", "", "").want(404, "code=privacy.no_closure")
	w.clock.Add(10 * clock.Day) // taken back: nothing happens
	w.work()
	me = w.enter(m)
	me.get("/api/member/me").want(200, "profile.nickname=李*")
	leave(250).want(201)
	due, _ := id.Parse(me.get("/api/member/me/closure").want(200).at("due_at"))
	w.clock.Set(due - 10*clock.Minute)
	w.till.post("/api/partner/holds", `{"member_id":"`+m+`","points":100,"eligible_fen":1000000}`).want(201)
	w.clock.Set(due + clock.Minute)
	w.work()
	me = w.enter(m)
	me.get("/api/member/me/closure").want(200, "under_way=true", "held=100") // an open order holds points: a day more
	w.clock.Add(clock.Day + clock.Minute)
	w.work()
	me.get("/api/member/me").want(401)
	w.till.get("/api/partner/members/"+m).want(200, "status=cancelled", "profile.nickname=", "profile.has_birthday=false", "identities=[]")
	w.till.post("/api/partner/member-lookups", `{"kind":"phone","value":"13800138000"}`).want(404, "code=member.not_found")
	w.till.get("/api/partner/members/"+m+"/balance").want(200, "now.available=0", "now.balance=0")
	w.till.get("/api/partner/members/"+m+"/statement").want(200, "data.0.kind=adjust", "data.0.amount=-250", "data.2.kind=earn")
	w.till.get("/api/partner/orders?no=A1").want(200, "amount_fen=20000")
	w.till.post("/api/partner/members", `{"identities":[{"kind":"phone","value":"13800138000"}]}`).want(201, "new=true") // a new person to us
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		for _, table := range []string{"member_profile", "member_identity", "member_key", "member_session", "member_code", "recognition_badge"} {
			rows := 0
			v.Row("SELECT COUNT(*) FROM "+table+" WHERE member_id = ?", []any{n}, &rows)
			if rows != 0 {
				t.Errorf("%d rows of %s are left", rows, table)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestAShreddedKeyOpensNothing: whoever has kept a sealed field can't open it once the member's key is gone.
func TestAShreddedKeyOpensNothing(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	read := func() (sealed, wrapped string) {
		_ = w.a.DB.View(context.Background(), func(v *db.View) error {
			v.Row("SELECT sealed FROM member_identity WHERE member_id = ?", []any{n}, &sealed)
			v.Row("SELECT wrapped FROM member_key WHERE member_id = ?", []any{n}, &wrapped)
			return nil
		})
		return sealed, wrapped
	}
	sealed, wrapped := read()
	place := vault.Place{Table: "member_identity", Row: n, Column: "phone"}
	if _, err := w.a.Vault.Open(place, sealed); err == nil {
		t.Error("the installation's keys open a member's field without the member's own")
	}
	own, err := w.a.Vault.WithDataKey(vault.Place{Table: "member_key", Row: n, Column: "wrapped"}, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := own.Open(place, sealed); err != nil || v.Reveal() != "+8613800138000" {
		t.Error("the member's own key does not open the field", err)
	}
	w.write(func(tx *db.Tx) error { w.a.Members.Shred(tx, n); return nil })
	if _, wrapped = read(); wrapped != "" {
		t.Error("the key is still there")
	}
}

func TestUnmaskingLeavesALineForTheMember(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.hire("care", staff.Grant{Role: staff.CustomerService})
	m := w.join("13800138000", "")
	w.ask("care", "POST", fmt.Sprintf("/members/%d/unmasking", m), `{"reason":"called us"}`, 200, nil)
	n := 0
	w.view(func(v *db.View) {
		v.Row("SELECT COUNT(*) FROM privacy_access WHERE member_id = ? AND what = 'unmask' AND actor LIKE 'staff:%'", []any{m}, &n)
	})
	if n != 1 {
		t.Errorf("%d lines", n)
	}
	var erased struct{ Points int64 }
	w.ask("care", "POST", fmt.Sprintf("/members/%d/erasure", m), `{"reason":"asked on the phone"}`, 200, &erased)
	w.view(func(v *db.View) { v.Row("SELECT COUNT(*) FROM member_identity WHERE member_id = ?", []any{m}, &n) })
	if n != 0 {
		t.Error("identities are left")
	}
}

func TestEventsCountOnceAndOnlyWithConsent(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	me := w.enter(m)
	batch := func(run string, from, to int) string {
		var b strings.Builder
		for n := from; n <= to; n++ {
			fmt.Fprintf(&b, `,{"n":%d,"kind":"page","page":"home","at":%d}`, n, w.clock.Now())
		}
		return `{"run":"` + run + `","events":[` + b.String()[1:] + `]}`
	}
	send := func(body string) answer { return me.send("POST", "/api/member/me/events", "-", body) }
	send(batch("run00001", 1, 3)).want(200, "new=0", "off=true")
	me.send("PUT", "/api/member/me/consents/tracking", "", `{"given":true}`).want(200)
	send(batch("run00001", 1, 3)).want(200, "new=3", "again=0", "off=false")
	send(batch("run00001", 1, 3)).want(200, "new=0", "again=3")
	send(batch("run00001", 2, 5)).want(200, "new=2", "again=2") // regrouped on the way
	send(batch("run00002", 1, 2)).want(200, "new=2")
	var all sync.WaitGroup
	for range 16 { // the same batch many times at once
		all.Go(func() { send(batch("run00003", 1, 50)).want(200) })
	}
	all.Wait()
	for _, bad := range []string{batch("x", 1, 1), batch("run_with_signs", 1, 1), strings.Replace(batch("run00001", 9, 9), `"page":"home"`, `"page":"home","target":"13800138000 李雷"`, 1),
		batch("run00004", 1, 101), strings.Replace(batch("run00001", 9, 9), `"kind":"page"`, `"kind":"secret"`, 1)} {
		send(bad).want(422)
	}
	count := func(sql string) (n int) {
		_ = w.a.DB.View(context.Background(), func(v *db.View) error { v.Row(sql, nil, &n); return nil })
		return n
	}
	if n := count("SELECT SUM(n) FROM track_day"); n != 57 {
		t.Errorf("%d events count, want 57", n)
	}
	if n := count("SELECT SUM(n) FROM track_batch"); n != 57 {
		t.Errorf("%d events are kept, want 57", n)
	}
	for i := range 30 { // a phone that makes runs without end
		send(batch(fmt.Sprintf("more%04d", i), 1, 1)).want(200)
	}
	if n := count("SELECT COUNT(*) FROM track_run"); n > 20 {
		t.Errorf("%d runs are remembered", n)
	}
	me.send("PUT", "/api/member/me/consents/tracking", "", `{"given":false}`).want(200)
	if n := count("SELECT COUNT(*) FROM track_batch") + count("SELECT COUNT(*) FROM track_run"); n != 0 {
		t.Errorf("%d rows are kept after consent was taken back", n)
	}
	me.send("PUT", "/api/member/me/consents/tracking", "", `{"given":true}`).want(200)
	send(batch("run00009", 1, 1)).want(200, "new=1")
	w.work()
	w.clock.Add(91 * clock.Day)
	w.work()
	if n := count("SELECT COUNT(*) FROM track_batch"); n != 0 {
		t.Errorf("%d batches are older than they are kept", n)
	}
}
