package app

import (
	"context"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
)

// forget drops all idempotency keys that are old enough.
func forget(t *testing.T, tx *db.Tx) {
	t.Helper()
	if next := web.Forget(tx, ""); next != "" {
		t.Fatal("more keys than the test expects")
	}
}

// work runs all jobs that are due.
func (w *town) work() {
	w.t.Helper()
	for ran := 1; ran > 0; {
		var err error
		if ran, err = w.a.Jobs.Step(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestAMemberSeesItself(t *testing.T) {
	t.Parallel()
	w := open(t)
	m, o := w.join("13800138000"), w.join("13900139000")
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(201)
	mine := w.till.get("/api/partner/orders?no=A1").at("id")
	me, her := w.enter(m), w.enter(o)
	me.get("/api/member/me").want(200, "member_no="+m, "status=active", "profile.has_birthday=false")
	me.send("PUT", "/api/member/me/profile", "", `{"nickname":"李雷","region":"杭州"}`).want(200)
	me.send("PUT", "/api/member/me/profile", "", `{"phone":"13700137000"}`).want(422, "errors.0.code=field.unknown")
	me.send("PUT", "/api/member/me/profile", "", `{"birthday":"2999-01-01"}`).want(422, "code=member.field")
	me.get("/api/member/me").want(200, "profile.nickname=李*", "profile.region=杭州")
	me.get("/api/member/me/summary").want(200, "points.balance=250", "tier.key=silver")
	me.get("/api/member/me/statement").want(200, "data.1.rule=消费送积分", "data.1.order_no=A1", "data.1.kind=earn")
	me.get("/api/member/me/statement?asset=growth&lang=en").want(200, "data.0.rule=Growth", "data.0.amount=123")
	me.get("/api/member/me/expiring?days=400").want(200, "total=250")
	me.get("/api/member/me/orders").want(200, "data.0.no=A1", "next=")
	me.get("/api/member/me/orders/"+mine+"/why").want(200, "why.0.given=200")
	her.get("/api/member/me/orders/"+mine+"/why").want(404, "code=order.not_found")
	her.get("/api/member/me/orders").want(200, "data=[]")
	me.get("/api/member/me/tier").want(200, "tier.key=silver", "levels.0.key=base", "levels.1.reached=true", "levels.2.reached=false", "levels.1.multiplier=1.2",
		"history.0.reason=join", "history.1.reason=upgrade", "history.1.tier=silver", "notices=[]")
	me.send("POST", "/api/member/me/quotes", "-", `{"eligible_fen":10000}`).want(200, "max_points=250")
	her.send("POST", "/api/member/me/quotes", "-", `{"eligible_fen":10000,"member_id":"`+m+`"}`).want(422, "errors.0.code=field.unknown")
	me.get("/api/partner/members/" + m).want(401)
	if a := w.till.get("/api/member/me"); a.status != 401 {
		t.Error("a partner came through the members' door:", a.status, a.body)
	}
}

func TestNoRouteOfAMemberTakesAMember(t *testing.T) {
	t.Parallel()
	w := open(t)
	// What stands before the door: it says nothing of anybody.
	open := map[string]bool{"centre.theme": true, "centre.rules": true, "member.agreements": true,
		"entry.phone_code": true, "entry.phone": true, "entry.wechat": true, "entry.js_config": true} // the way in
	for _, r := range w.srv.Routes() {
		if r.Door == member.Door && (strings.Contains(r.Path, "member_id") || strings.Contains(r.Path, "members/") || r.Public && !open[r.ID]) {
			t.Errorf("%s %s asks whose", r.Method, r.Path)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	idle, used := w.enter(m), w.enter(m)
	for range 4 {
		w.clock.Add(6 * clock.Day)
		used.get("/api/member/me").want(200)
	}
	idle.get("/api/member/me").want(401, "code=member.no_session")
	w.clock.Add(6*clock.Day + clock.Second) // 30 days since it was opened
	used.get("/api/member/me").want(401, "code=member.no_session")
	out := w.enter(m)
	out.send("DELETE", "/api/member/session", "-", "").want(200)
	out.get("/api/member/me").want(401)
	(&caller{town: w, token: "guess"}).get("/api/member/me").want(401)
	first := w.enter(m)
	for range 10 {
		w.clock.Add(clock.Second)
		w.enter(m)
	}
	first.get("/api/member/me").want(401) // the one unused for longest gave way
	last := w.enter(m)
	w.write(func(tx *db.Tx) error { return w.a.Members.Cancel(tx, n, "bye") })
	last.get("/api/member/me").want(409, "code=member.blocked")
	w.work() // a plan begins with its next slot
	w.clock.Add(8 * clock.Day)
	w.work()
	left := 0
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		v.Row("SELECT COUNT(*) FROM member_session", nil, &left)
		return nil
	}); err != nil || left != 0 {
		t.Error(left, "sessions left", err)
	}
}

func TestAMergedMemberKeepsItsSessionAndOrders(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, b := w.join("13800138000"), w.join("13900139000")
	for no, of := range map[string]string{"A1": a, "B1": b} {
		w.till.post("/api/partner/orders", w.order(of, no, 10000, "")).want(201)
	}
	old := w.enter(a)
	from, _ := id.Parse(a)
	into, _ := id.Parse(b)
	w.write(func(tx *db.Tx) error { _, err := w.a.Members.Merge(tx, from, into, "same person"); return err })
	old.get("/api/member/me").want(200, "member_no="+b)
	one := old.get("/api/member/me/orders?limit=1").want(200)
	two := old.get("/api/member/me/orders?limit=1&cursor="+one.at("next")).want(200, "next=")
	if one.at("data.0.no")+two.at("data.0.no") != "A1B1" && one.at("data.0.no")+two.at("data.0.no") != "B1A1" {
		t.Error(one.body, two.body)
	}
	order := w.till.get("/api/partner/orders?no=A1").want(200).at("id")
	old.get("/api/member/me/orders/"+order+"/why").want(200, "why.0.given=100")
	w.till.post("/api/partner/orders", w.order(a, "A1", 10000, "")).want(200, "again=true", "order.member_id="+a)
	w.till.post("/api/partner/orders", w.order(a, "A2", 10000, "")).want(201, "order.member_id="+b)
	w.till.post("/api/partner/orders/refunds", `{"no":"R","order_no":"A1","full":true,"occurred_at":1782878400000}`).want(201, "taken_back.0.amount=100")
	w.till.get("/api/partner/members/"+a+"/statement").want(200, "data.0.kind=clawback", "data.0.order_no=A1")
}
