package app

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/points"
)

func TestAMemberJoinsAndIsFound(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.till.post("/api/partner/members", `{"identities":[{"kind":"phone","value":"+86 138 0013 8000"},{"kind":"openid","issuer":"wx1","value":"o-1"}]}`).
		want(200, "id="+m, "new=false")
	w.till.send("POST", "/api/partner/member-lookups", "-", `{"kind":"openid","issuer":"wx1","value":"o-1"}`).
		want(200, "id="+m, "channel=qr", "store=W-01", "identities.0.kind=openid", "identities.0.masked=***", "identities.1.masked=138****8000")
	w.till.send("POST", "/api/partner/member-lookups", "-", `{"kind":"openid","issuer":"wx2","value":"o-1"}`).want(404, "code=member.not_found")
	w.till.send("PUT", "/api/partner/members/"+m+"/profile", "", `{"nickname":"张三","gender":"male","birthday":"1990-05-17","region":"杭州","phone":"13800138000"}`).want(200, "id="+m)
	got := w.till.get("/api/partner/members/"+m).want(200, "profile.nickname=张*", "profile.phone=138****8000", "profile.has_birthday=true", "profile.region=杭州")
	if strings.Contains(got.body, "13800138000") || strings.Contains(got.body, "1990") {
		t.Error("personal data in the clear:", got.body)
	}
	if got.at("profile.completed_at") == "" {
		t.Error("a whole profile is not complete:", got.body)
	}
	w.till.get("/api/partner/members/"+m+"/balance").want(200, "now.available=10") // the starter rule for a complete profile
	o := w.join("13900139000")
	w.till.post("/api/partner/members/"+o+"/identities", `{"kind":"openid","issuer":"wx1","value":"o-1"}`).want(409, "code=member.identity_taken")
	w.till.post("/api/partner/members/"+o+"/identities", `{"kind":"card","value":"C-9","verified":true}`).want(201, "id="+o)
}

func TestWhatIsWrongWithARequestIsSaid(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	member := `"member_id":"` + m + `"`
	now := fmt.Sprint(noon)
	for _, c := range []struct {
		name, path, body string
		status           int
		code, field      string
	}{
		{"zero points", "/postings", `{` + member + `,"points":0,"reason":"x"}`, 422, "ledger.amount", ""},
		{"huge points", "/postings", `{` + member + `,"points":1000000001,"reason":"x"}`, 422, "input.invalid", "points"},
		{"beyond int64", "/postings", `{` + member + `,"points":99999999999999999999,"reason":"x"}`, 422, "input.invalid", "points"},
		{"least int64", "/postings", `{` + member + `,"points":-9223372036854775808,"reason":"x"}`, 422, "input.invalid", "points"},
		{"fraction", "/postings", `{` + member + `,"points":1.5,"reason":"x"}`, 422, "input.invalid", "points"},
		{"text for a number", "/postings", `{` + member + `,"points":"5","reason":"x"}`, 422, "input.invalid", "points"},
		{"number for an id", "/postings", `{"member_id":5,"points":5,"reason":"x"}`, 422, "input.invalid", "member_id"},
		{"null", "/postings", `{` + member + `,"points":null,"reason":"x"}`, 422, "input.invalid", "points"},
		{"no reason", "/postings", `{` + member + `,"points":5}`, 422, "input.invalid", "reason"},
		{"unknown field", "/postings", `{` + member + `,"points":5,"reason":"x","Points":6}`, 422, "input.invalid", "Points"},
		{"no such member", "/postings", `{"member_id":"77","points":5,"reason":"x"}`, 404, "member.not_found", ""},
		{"not JSON", "/postings", `{"points":`, 400, "request.malformed", ""},
		{"negative order", "/orders", `{"no":"1",` + member + `,"amount_fen":-1,"occurred_at":` + now + `}`, 422, "input.invalid", "amount_fen"},
		{"huge order", "/orders", `{"no":"1",` + member + `,"amount_fen":10000000000001,"occurred_at":` + now + `}`, 422, "input.invalid", "amount_fen"},
		{"fraction of a fen", "/orders", `{"no":"1",` + member + `,"amount_fen":1.01,"occurred_at":` + now + `}`, 422, "input.invalid", "amount_fen"},
		{"lines that do not add up", "/orders", `{"no":"1",` + member + `,"amount_fen":3,"lines":[{"quantity":1,"amount_fen":2}],"occurred_at":` + now + `}`, 422, "order.lines", "lines"},
		{"no time", "/orders", `{"no":"1",` + member + `,"amount_fen":3}`, 422, "input.invalid", "occurred_at"},
		{"time in seconds", "/orders", `{"no":"1",` + member + `,"amount_fen":3,"occurred_at":1782878400}`, 422, "order.time", "occurred_at"},
		{"time to come", "/orders", `{"no":"1",` + member + `,"amount_fen":3,"occurred_at":1999999999999}`, 422, "order.time", "occurred_at"},
		{"bar in a number", "/orders", `{"no":"a|b",` + member + `,"amount_fen":3,"occurred_at":` + now + `}`, 422, "order.no", "no"},
		{"two buyers", "/orders", `{"no":"1",` + member + `,"identity":{"kind":"card","value":"1"},"amount_fen":3,"occurred_at":` + now + `}`, 422, "order.buyer", "identity"},
		{"unknown buyer", "/orders", `{"no":"1","identity":{"kind":"card","value":"1"},"amount_fen":3,"occurred_at":` + now + `}`, 404, "member.not_found", "identity"},
		{"wrong phone", "/orders", `{"no":"1","identity":{"kind":"phone","value":"12"},"join":true,"amount_fen":3,"occurred_at":` + now + `}`, 422, "phone.malformed", ""},
		{"points of a guest", "/orders", `{"no":"1","points_used":5,"amount_fen":3,"occurred_at":` + now + `}`, 422, "order.buyer", "points_used"},
		{"refund of nothing", "/orders/refunds", `{"no":"r","order_no":"1","occurred_at":` + now + `}`, 422, "order.refund_what", ""},
		{"refund of zero", "/orders/refunds", `{"no":"r","order_no":"1","amount_fen":0,"occurred_at":` + now + `}`, 422, "input.invalid", "amount_fen"},
		{"full and a part", "/orders/refunds", `{"no":"r","order_no":"1","full":true,"amount_fen":1,"occurred_at":` + now + `}`, 422, "order.refund_what", ""},
		{"empty batch", "/postings/batches", `{"postings":[]}`, 422, "input.invalid", "postings"},
		{"to oneself", "/transfers", `{"from_member_id":"` + m + `","to_member_id":"` + m + `","points":1,"reason":"x"}`, 422, "ledger.same_member", ""},
		{"closing what is not there", "/orders/closures", `{"no":"1"}`, 404, "order.not_found", ""},
	} {
		a := w.till.post("/api/partner"+c.path, c.body)
		if a.status != c.status || a.at("code") != c.code || c.field != "" && a.at("errors.0.field") != c.field {
			t.Errorf("%s: %d %s, want %d %s %s", c.name, a.status, a.body, c.status, c.code, c.field)
		}
	}
	if got := w.till.get("/api/partner/members/" + m + "/summary").want(200); got.at("points.balance") != "0" {
		t.Error("something was booked:", got.body)
	}
}

func TestAnOrderEarnsAndIsExplained(t *testing.T) {
	t.Parallel()
	w := open(t)
	body := fmt.Sprintf(`{"no":"A1","identity":{"kind":"phone","value":"13800138000"},"join":true,"amount_fen":20050,"channel":"pos","store":"W-01","occurred_at":%d,
		"lines":[{"sku":"tea","name":"茶","quantity":2,"amount_fen":20000},{"sku":"post","quantity":1,"amount_fen":50,"no_earn":true}]}`, noon-1000)
	paid := w.till.send("POST", "/api/partner/orders", "k1", body).
		want(201, "joined=true", "again=false", "order.eligible_fen=20000", "awards.0.asset=points", "awards.0.amount=200", "awards.0.rule=消费送积分",
			"member.points.balance=250", "member.growth=123", "tier_change.from=base", "tier_change.to=silver", "tier_change.up=true")
	replay := w.till.send("POST", "/api/partner/orders", "k1", body)
	if replay.body != paid.body || replay.status != 201 || replay.header.Get("Idempotent-Replayed") != "true" {
		t.Error("a replay differs:", replay.status, replay.body)
	}
	w.till.send("POST", "/api/partner/orders", "k1", strings.Replace(body, "20050", "20051", 1)).want(409, "code=idempotency.mismatch")
	w.till.post("/api/partner/orders", body).want(200, "again=true", "joined=false", "order.id="+paid.at("order.id"), "awards.0.amount=200", "member.points.balance=250")
	w.till.post("/api/partner/orders", strings.ReplaceAll(body, "200", "300")).want(409, "code=order.conflict")
	w.till.post("/api/partner/orders", strings.Replace(body, "13800138000", "13900139000", 1)).want(409, "code=order.conflict")
	w.till.send("POST", "/api/partner/member-lookups", "-", `{"kind":"phone","value":"13900139000"}`).want(404) // the refused order let nobody join
	w.till.get("/api/partner/orders?no=A1").want(200, "status=paid", "lines.0.name=茶", "lines.1.eligible_fen=0", "why.0.code=given", "why.0.given=200", "why.0.arithmetic=¥200.00 × 1 = 200")
	w.other.get("/api/partner/orders?no=A1").want(404, "code=order.not_found")
	w.other.post("/api/partner/orders", body).want(201, "again=false") // another partner's number is another order
	w.till.post("/api/partner/orders/closures", `{"no":"A1"}`).want(200, "status=closed")
}

func TestOneOrderNumberIsOneOrder(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	const many = 32
	fresh := make([]bool, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			a := w.till.post("/api/partner/orders", w.order(m, "B1", 10000, ""))
			if a.status != 200 && a.status != 201 {
				t.Error(a.status, a.body)
			}
			fresh[i] = a.status == 201
		})
	}
	wg.Wait()
	n := 0
	for _, f := range fresh {
		if f {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d effects", n)
	}
	w.till.get("/api/partner/members/"+m+"/summary").want(200, "points.balance=150", "growth=63")
}

func TestAPreviewTellsTheRefund(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.give(m, 1000)
	lines := `,"lines":[{"sku":"a","quantity":3,"amount_fen":10000},{"sku":"b","quantity":1,"amount_fen":5001}]`
	hold := w.till.post("/api/partner/holds", `{"member_id":"`+m+`","points":300,"eligible_fen":20000,"order_no":"C1"}`).want(201, "state=open", "worth_fen=300").at("id")
	w.till.post("/api/partner/orders", w.order(m, "C1", 15001, lines+`,"points_used":300,"hold_id":"`+hold+`"`)).
		want(201, "member.points.held=0", "member.points.balance=900") // 1000 - 300 + 150 + 50 for the first order
	before := w.balance(m)
	part := fmt.Sprintf(`"order_no":"C1","lines":[{"sku":"a","quantity":1}],"occurred_at":%d`, noon)
	preview := w.till.send("POST", "/api/partner/orders/refund-previews", "-", `{`+part+`}`).want(200, "amount_fen=3333", "restored_points=66", "taken_back.0.amount=33")
	if got := w.balance(m); got != before {
		t.Fatalf("a preview has changed %s to %s", before, got)
	}
	w.till.get("/api/partner/orders?no=C1").want(200, "status=paid", "refunded_fen=0")
	refund := w.till.post("/api/partner/orders/refunds", `{"no":"R1",`+part+`}`).want(201, "order.status=partially_refunded")
	same := strings.Replace(refund.body, `"refund_id":"`+refund.at("refund_id")+`",`, "", 1)
	if same != preview.body {
		t.Errorf("the preview said\n%s\nthe refund did\n%s", preview.body, same)
	}
	w.till.post("/api/partner/orders/refunds", `{"no":"R1",`+part+`}`).want(200, "again=true", "taken_back.0.amount=33", "restored_points=66")
	w.till.post("/api/partner/orders/refunds", `{"no":"R1",`+strings.Replace(part, `"quantity":1`, `"quantity":2`, 1)+`}`).want(409, "code=order.refund_conflict")
	w.till.post("/api/partner/orders/refunds", fmt.Sprintf(`{"no":"R2","order_no":"C1","lines":[{"sku":"a","quantity":3}],"occurred_at":%d}`, noon)).want(409, "code=order.refund_too_much")
	w.till.post("/api/partner/orders/refunds", fmt.Sprintf(`{"no":"R3","order_no":"C1","full":true,"occurred_at":%d}`, noon)).
		want(201, "order.status=refunded", "restored_points=234", "taken_back.0.total=150", "member.points.balance=1000", "member.points.debt=0")
	w.till.post("/api/partner/orders/refunds", fmt.Sprintf(`{"no":"R4","order_no":"C1","full":true,"occurred_at":%d}`, noon)).want(409, "code=order.refund_too_much")
}

func TestAnOrderThatCostNoMoneyIsRefundedOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.give(m, 500)
	w.till.post("/api/partner/orders", w.order(m, "Z1", 0, `,"points_used":200`)).want(409, "code=points.spend_cap")
	w.write(func(tx *db.Tx) error {
		p := points.Policy.At(tx, tx.Now()).Value
		p.SpendCap = 1_000_000
		_, err := points.SetPolicy(tx, p, 0, "points may pay all")
		return err
	})
	w.till.post("/api/partner/orders", w.order(m, "Z1", 0, `,"points_used":501`)).want(409, "code=ledger.insufficient")
	w.till.post("/api/partner/orders", w.order(m, "Z1", 0, `,"points_used":200`)).want(201, "member.points.balance=350") // 50 for the first order
	refund := fmt.Sprintf(`"order_no":"Z1","full":true,"occurred_at":%d}`, noon)
	w.till.post("/api/partner/orders/refunds", `{"no":"R1",`+refund).want(201, "order.status=refunded", "restored_points=200", "member.points.balance=500")
	w.till.post("/api/partner/orders/refunds", `{"no":"R2",`+refund).want(409, "code=order.refund_too_much")
}

func TestARefundWaitsForItsOrder(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	refund := fmt.Sprintf(`{"no":"R1","order_no":"D1","amount_fen":4000,"occurred_at":%d}`, noon)
	w.till.post("/api/partner/orders/refunds", refund).want(202, "waiting=true", "again=false")
	w.till.post("/api/partner/orders/refunds", refund).want(202, "waiting=true", "again=true")
	w.other.post("/api/partner/orders", w.order(m, "D1", 9000, "")).want(201, "order.refunded_fen=0") // not the order it waits for
	w.till.post("/api/partner/orders", w.order(m, "D1", 10000, "")).want(201, "order.refunded_fen=4000", "order.status=partially_refunded", "awards.0.amount=100", "awards.0.taken_back=40")
	w.till.get("/api/partner/orders?no=D1&lang=en").want(200, "refunds.0.no=R1", "why.0.sentence=100 given, 40 taken back by refunds")
}

func TestABatchOfOrdersStandsItemByItem(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.till.post("/api/partner/orders", w.order(m, "E0", 100, "")).want(201)
	join := fmt.Sprintf(`{"no":"E4","identity":{"kind":"phone","value":"13900139000"},"join":true,"amount_fen":500,"occurred_at":%d}`, noon)
	body := `{"orders":[` + strings.Join([]string{
		w.order(m, "E1", 1000, ""), w.order("77", "E2", 1000, ""), w.order(m, "E0", 100, ""), join, w.order(m, "E1", 1000, ""),
		w.order(m, "E1", 2000, ""), w.order(m, "E|", 2000, ""), w.order(m, "E3", 300, `,"identity":{"kind":"phone","value":"1"}`),
	}, ",") + `]}`
	got := w.till.send("POST", "/api/partner/orders/batches", "kb", body).want(200, "applied=4",
		"data.0.code=ok", "data.0.key=E1", "data.0.result.awards.0.amount=10", "data.1.code=member.not_found", "data.2.code=ok", "data.2.result.again=true",
		"data.3.code=ok", "data.3.result.joined=true", "data.4.result.again=true", "data.5.code=order.conflict", "data.6.code=order.no", "data.6.field=no", "data.7.code=order.buyer")
	if again := w.till.send("POST", "/api/partner/orders/batches", "kb", body); again.body != got.body {
		t.Error("a replay differs:", again.body)
	}
	w.till.send("POST", "/api/partner/orders/batches", "", body).want(200, "applied=4", "data.0.result.again=true", "data.3.result.again=true", "data.3.result.joined=false")
	w.till.get("/api/partner/members/"+m+"/balance").want(200, "now.balance=61") // 1 + 10, and 50 for the first order
	if a := w.till.post("/api/partner/orders/batches", `{"orders":[`+strings.Repeat(w.order(m, "X", 1, "")+",", 100)+w.order(m, "X", 1, "")+`]}`); a.status != 422 {
		t.Error("101 orders:", a.status, a.body)
	}
}

func TestPostingsAreOncePerKeyForEver(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	grant := `{"member_id":"` + m + `","points":500,"reason":"补偿","class":"campaign","store":"W-01"}`
	first := w.till.send("POST", "/api/partner/postings", "g1", grant).want(201, "points=500", "balance=500", "available=500")
	if again := w.till.send("POST", "/api/partner/postings", "g1", grant); again.body != first.body {
		t.Error("a replay differs:", again.body)
	}
	w.till.send("POST", "/api/partner/postings", "g1", strings.Replace(grant, "500", "501", 1)).want(409, "code=idempotency.mismatch")
	w.till.post("/api/partner/postings/batches", `{"postings":[`+
		`{"key":"g1","member_id":"`+m+`","points":500,"reason":"补偿"},{"key":"g1","member_id":"`+m+`","points":400,"reason":"补偿"},`+
		`{"key":"g2","member_id":"`+m+`","points":-120,"reason":"兑换"},{"key":"g3","member_id":"`+m+`","points":-381,"reason":"兑换"},`+
		`{"key":"g4","member_id":"77","points":1,"reason":"x"},{"key":"g5","member_id":"`+m+`","points":0,"reason":"x"}]}`).
		want(200, "applied=2", "data.0.code=ok", "data.0.result.seq=1", "data.1.code=ledger.source_reused", "data.2.code=ok", "data.2.result.balance=380",
			"data.3.code=ledger.insufficient", "data.4.code=member.not_found", "data.5.code=ledger.amount")
	w.other.send("POST", "/api/partner/postings", "g1", grant).want(201, "balance=880") // another partner's key is another posting
	w.till.post("/api/partner/postings/reversals", `{"member_id":"`+m+`","key":"g2","points":20,"reason":"退"}`).want(201, "points=20", "balance=900")
	w.till.post("/api/partner/postings/reversals", `{"member_id":"`+m+`","key":"g2","reason":"退"}`).want(201, "points=100", "balance=1000")
	w.till.post("/api/partner/postings/reversals", `{"member_id":"`+m+`","key":"g2","reason":"退"}`).want(409, "code=ledger.reversed")
	w.east.post("/api/partner/postings/reversals", `{"member_id":"`+m+`","key":"g2","reason":"退"}`).want(404, "code=ledger.no_entry")
	page := w.till.get("/api/partner/members/"+m+"/statement?limit=2").want(200, "data.0.kind=reversal", "data.0.amount=100", "data.0.reason=退")
	w.till.get("/api/partner/members/"+m+"/statement?limit=2&cursor="+page.at("next")).want(200, "data.0.amount=500", "data.1.amount=-120", "data.1.kind=spend")
	w.till.get("/api/partner/members/"+m+"/statement?cursor=abc").want(422, "code=cursor.malformed")
	w.till.get("/api/partner/members/"+m+"/lots?limit=1").want(200, "data.0.points=500", "data.0.class=campaign")
}

func TestAForgottenKeyStillPostsOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, b := w.join("13800138000"), w.join("13900139000")
	long := strings.Repeat("k", 200)
	body := `{"member_id":"` + a + `","points":70,"reason":"x"}`
	for _, key := range []string{"s1", long} {
		w.till.send("POST", "/api/partner/postings", key, body).want(201)
	}
	from, _ := id.Parse(a)
	into, _ := id.Parse(b)
	w.write(func(tx *db.Tx) error { _, err := w.a.Members.Merge(tx, from, into, "same person"); return err })
	w.clock.Add(9 * clock.Day)
	w.write(func(tx *db.Tx) error { forget(t, tx); return nil })
	for _, key := range []string{"s1", long} {
		w.till.send("POST", "/api/partner/postings", key, body).want(201, "points=70")
	}
	w.till.send("POST", "/api/partner/postings", "s1", strings.Replace(body, "70", "71", 1)).want(409)
	w.till.get("/api/partner/members/"+a+"/balance").want(200, "member_id="+b, "now.balance=140")
	w.till.post("/api/partner/postings/reversals", `{"member_id":"`+a+`","key":"`+long+`","reason":"x"}`).want(201, "member_id="+b, "points=-70", "balance=70")
}

func TestAHoldIsItsMakersAlone(t *testing.T) {
	t.Parallel()
	w := open(t)
	m, o := w.join("13800138000"), w.join("13900139000")
	w.give(m, 1000)
	member := `"member_id":"` + m + `"`
	w.till.send("POST", "/api/partner/points/quotes", "-", `{`+member+`,"eligible_fen":2000}`).want(200, "available=1000", "max_points=600", "worth_fen=600", "min_points=100")
	w.till.post("/api/partner/holds", `{`+member+`,"points":601,"eligible_fen":2000}`).want(409, "code=points.spend_cap")
	w.till.post("/api/partner/holds", `{`+member+`,"points":99,"eligible_fen":2000}`).want(409, "code=points.spend_min")
	w.till.post("/api/partner/holds", `{`+member+`,"points":1001,"eligible_fen":900000}`).want(409, "code=ledger.insufficient")
	one := w.till.send("POST", "/api/partner/holds", "h1", `{`+member+`,"points":600,"eligible_fen":2000}`).want(201, "points=600")
	hold := "/api/partner/holds/" + one.at("id")
	w.till.get("/api/partner/members/"+m+"/summary").want(200, "points.held=600", "points.available=400")
	w.other.post(hold+"/postings", `{`+member+`,"reason":"x"}`).want(404, "code=ledger.no_hold")
	w.other.post(hold+"/release", `{`+member+`}`).want(404, "code=ledger.no_hold")
	w.till.post(hold+"/release", `{"member_id":"`+o+`"}`).want(404, "code=ledger.no_hold")
	w.other.post("/api/partner/orders", w.order(m, "F1", 2000, `,"points_used":600,"hold_id":"`+one.at("id")+`"`)).want(404, "code=ledger.no_hold")
	w.till.post("/api/partner/orders", w.order(m, "F1", 2000, `,"points_used":601,"hold_id":"`+one.at("id")+`"`)).want(422, "code=ledger.amount")
	w.till.post("/api/partner/orders", w.order(m, "F1", 2000, `,"hold_id":"`+one.at("id")+`"`)).want(422, "code=order.buyer")
	w.till.post(hold+"/postings", `{`+member+`,"points":601,"reason":"x"}`).want(422, "code=ledger.amount")
	w.till.send("POST", hold+"/postings", "p1", `{`+member+`,"points":500,"reason":"兑换"}`).want(201, "points=-500", "balance=500", "available=500")
	w.till.post(hold+"/postings", `{`+member+`,"points":500,"reason":"兑换"}`).want(409, "code=ledger.hold_ended")
	w.till.post(hold+"/release", `{`+member+`}`).want(409, "code=ledger.hold_ended")
	w.till.post("/api/partner/orders", w.order(m, "F1", 2000, `,"points_used":500,"hold_id":"`+one.at("id")+`"`)).want(409, "code=ledger.hold_ended")
	late := w.till.post("/api/partner/holds", `{`+member+`,"points":200,"eligible_fen":2000}`).want(201)
	w.clock.Add(clock.Hour) // it ran out before its order came: the sale stands and the points are taken all the same
	w.till.post("/api/partner/orders", w.order(m, "F2", 1800, `,"points_used":200,"hold_id":"`+late.at("id")+`"`)).want(201, "member.points.balance=368")
	w.give(m, 132)
	two := w.till.post("/api/partner/holds", `{`+member+`,"points":200,"eligible_fen":2000}`).want(201)
	w.till.post("/api/partner/holds/"+two.at("id")+"/release", `{`+member+`}`).want(200, "state=voided")
	w.till.get("/api/partner/members/"+m+"/balance").want(200, "now.held=0", "now.available=500")
}

func TestPointsAreHandedOnOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, b := w.join("13800138000"), w.join("13900139000")
	w.give(a, 100)
	body := `{"from_member_id":"` + a + `","to_member_id":"` + b + `","points":60,"reason":"生日快乐"}`
	w.till.send("POST", "/api/partner/transfers", "t1", body).want(201, "sent.points=-60", "sent.balance=40", "received.points=60")
	w.till.post("/api/partner/transfers", body).want(409, "code=ledger.insufficient")
	for _, m := range []string{a, b} { // a side of a transfer can't be reversed alone
		w.till.post("/api/partner/postings/reversals", `{"member_id":"`+m+`","key":"t1","reason":"x"}`).want(409, "code=ledger.not_reversible")
	}
	w.till.get("/api/partner/members/"+b+"/statement").want(200, "data.0.kind=transfer", "data.0.reason=生日快乐")
}

func TestAStatusBlocksWhatItSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status              string
		earn, spend, signIn bool
	}{{"active", true, true, true}, {"frozen", true, false, true}, {"blacklisted", false, false, true}, {"cancelled", false, false, false}} {
		w := open(t)
		m, o := w.join("13800138000"), w.join("13900139000")
		w.give(m, 1000)
		w.give(o, 1000)
		member := `{"member_id":"` + m + `"`
		hold := w.till.post("/api/partner/holds", member+`,"points":100,"eligible_fen":2000}`).want(201).at("id")
		if c.status != "active" {
			w.status(m, c.status)
		}
		check := func(what string, may bool, a answer) {
			t.Helper()
			if may && a.status >= 300 || !may && a.at("code") != "member.blocked" {
				t.Errorf("%s of a member who is %s: %d %s", what, c.status, a.status, a.body)
			}
		}
		check("grant", c.earn, w.till.post("/api/partner/postings", member+`,"points":5,"reason":"x"}`))
		check("gift to", c.earn, w.till.post("/api/partner/transfers", `{"from_member_id":"`+o+`","to_member_id":"`+m+`","points":5,"reason":"x"}`))
		check("spending", c.spend, w.till.post("/api/partner/postings", member+`,"points":-5,"reason":"x"}`))
		check("gift from", c.spend, w.till.post("/api/partner/transfers", `{"from_member_id":"`+m+`","to_member_id":"`+o+`","points":5,"reason":"x"}`))
		check("hold", c.spend, w.till.post("/api/partner/holds", member+`,"points":100,"eligible_fen":2000}`))
		check("quote", c.spend, w.till.send("POST", "/api/partner/points/quotes", "-", member+`,"eligible_fen":2000}`))
		check("held points", c.spend, w.till.post("/api/partner/holds/"+hold+"/postings", member+`,"points":50,"reason":"x"}`))
		check("points without a hold", c.spend, w.till.post("/api/partner/orders", w.order(m, "G0", 1000, `,"points_used":100`)))
		check("session", c.signIn, w.till.send("POST", "/api/partner/members/"+m+"/sessions", "-", ""))
		check("profile", c.signIn, w.till.send("PUT", "/api/partner/members/"+m+"/profile", "", `{"region":"北京"}`))
		a := w.till.post("/api/partner/orders", w.order(m, "G1", 10000, "")).want(201) // what was sold is taken in any case
		if earned := a.at("awards.0.amount"); (earned == "100") != c.earn || (a.at("blocked") == "") != c.earn {
			t.Errorf("order of a member who is %s: %s", c.status, a.body)
		}
		if !c.spend {
			w.till.post("/api/partner/holds/"+hold+"/release", member+`}`).want(200, "state=voided")
		}
	}
}

func TestScopesAndStoresBindAPartner(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	reader := w.partner(0, "members.read", "points.read")
	reader.get("/api/partner/members/" + m + "/summary").want(200)
	reader.post("/api/partner/postings", `{"member_id":"`+m+`","points":5,"reason":"x"}`).want(403, "code=permission.denied")
	reader.post("/api/partner/orders", w.order(m, "H1", 100, "")).want(403)
	reader.send("POST", "/api/partner/members/"+m+"/sessions", "-", "").want(403)
	w.east.post("/api/partner/orders", w.order(m, "H1", 100, `,"store":"W-01"`)).want(403, "code=shop.other_store")
	w.east.post("/api/partner/orders", w.order(m, "H1", 100, "")).want(201, "order.store=E-01")
	w.east.post("/api/partner/orders", w.order(m, "H1", 100, `,"store":"E-01"`)).want(200, "again=true")
	w.east.post("/api/partner/postings", `{"member_id":"`+m+`","points":5,"reason":"x","store":"W-01"}`).want(403, "code=shop.other_store")
	w.east.post("/api/partner/postings", `{"member_id":"`+m+`","points":5,"reason":"x"}`).want(201)
	w.till.get("/api/partner/members/"+m+"/statement").want(200, "data.0.store=E-01")
	w.east.post("/api/partner/orders/batches", `{"orders":[`+w.order(m, "H2", 100, `,"store":"W-01"`)+`,`+w.order(m, "H3", 100, "")+`]}`).
		want(200, "applied=1", "data.0.code=shop.other_store", "data.1.code=ok")
	(&caller{town: w}).get("/api/partner/members/" + m).want(401)
	w.till.send("POST", "/api/partner/postings", "-", `{"member_id":"`+m+`","points":5,"reason":"x"}`).want(400, "code=idempotency.missing")
}

func TestTheSummarySaysWhatIsTrueNow(t *testing.T) {
	t.Parallel()
	w := open(t)
	m, o := w.join("13800138000"), w.join("13900139000")
	w.till.post("/api/partner/orders", w.order(m, "I1", 20000, "")).want(201)
	w.till.post("/api/partner/postings", `{"member_id":"`+m+`","points":30,"reason":"x","class":"reward"}`).want(201)
	w.clock.Add(2 * clock.Second)
	s := w.till.get("/api/partner/members/"+m+"/summary?lang=en").want(200, "points.balance=280", "points.available=280", "worth_fen=280", "expiring_points=0",
		"growth=123", "tier.key=silver", "tier.name=Silver", "tier.rank=1", "tier.next.key=gold", "tier.next.missing_growth=177", "ahead_percent=50", "status=active")
	if s.at("tier.until_at") == "" {
		t.Error(s.body)
	}
	w.till.get("/api/partner/members/"+o+"/summary").want(200, "points.balance=0", "growth=0", "tier.key=base", "tier.name=普通会员", "ahead_percent=0")
	w.clock.Add(2 * clock.Day) // now the 30 reward points lapse within the 30 days of reminding
	w.till.get("/api/partner/members/"+m+"/summary").want(200, "expiring_points=30")
	w.till.get("/api/partner/members/"+m+"/expiring").want(200, "total=30", "data.0.points=30")
	at := w.clock.Now()
	w.clock.Add(40 * clock.Day) // lapsed, though nobody has booked it out
	w.till.get("/api/partner/members/"+m+"/summary").want(200, "points.balance=250", "points.available=250", "expiring_points=0")
	w.till.get("/api/partner/members/"+m+"/balance?at="+fmt.Sprint(at)).want(200, "balance=280", "now.balance=250")
	w.till.get("/api/partner/members/"+m+"/balance?asset=growth").want(200, "balance=123")
	w.till.get("/api/partner/members/77/summary").want(404, "code=member.not_found")
	w.till.get("/api/partner/members/x/summary").want(422)
	w.till.get("/api/partner/members/"+m+"/summary?as_of=1").want(422, "errors.0.code=field.unknown")
}
