package app

import (
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

func openShop(t testing.TB) *house {
	w := openHouse(t)
	w.hire("ops", staff.Grant{Role: staff.Operations})
	w.hire("care", staff.Grant{Role: staff.CustomerService})
	w.hire("books", staff.Grant{Role: staff.Finance})
	w.hire("shop5", staff.Grant{Role: staff.StoreManager, Store: w.store.ID})
	return w
}

func TestMembersAreFoundMaskedAndByStore(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S6")
	var page struct {
		Data []struct{ ID web.ID }
		Next string
	}
	w.ask("ops", "GET", "/members?limit=1", "", 200, &page)
	if len(page.Data) != 1 || int64(page.Data[0].ID) != bob || page.Next == "" {
		t.Fatalf("%+v", page)
	}
	w.ask("ops", "GET", "/members?limit=1&cursor="+page.Next, "", 200, &page)
	if len(page.Data) != 1 || int64(page.Data[0].ID) != ann {
		t.Fatalf("%+v", page)
	}
	for query, n := range map[string]int{"store=S5": 1, "status=frozen": 0, "channel=oa": 2, "channel=x": 0, fmt.Sprint("joined_from=", w.clock.Now()): 2, fmt.Sprint("joined_until=", w.clock.Now()): 0} {
		if w.ask("ops", "GET", "/members?"+query, "", 200, &page); len(page.Data) != n {
			t.Errorf("%s: %d members", query, len(page.Data))
		}
	}
	w.ask("shop5", "GET", "/members", "", 200, &page)
	if len(page.Data) != 1 || int64(page.Data[0].ID) != ann {
		t.Errorf("the manager of store 5 sees %+v", page)
	}
	w.ask("shop5", "GET", "/members?store=S6", "", 200, &page)
	if len(page.Data) != 0 {
		t.Errorf("the manager of store 5 sees store 6: %+v", page)
	}
	rec := w.ask("ops", "POST", "/members/lookup", `{"kind":"phone","value":"138 0013 8000"}`, 200, nil)
	if has(t, rec, fmt.Sprintf(`"id":"%d"`, ann)); strings.Contains(rec.Body.String(), "13800138000") {
		t.Errorf("not masked: %s", rec.Body)
	}
	w.ask("shop5", "POST", "/members/lookup", `{"kind":"phone","value":"13900139000"}`, 404, nil)
	for _, path := range []string{"", "/balances", "/statement", "/lots", "/holds", "/expiries", "/tier", "/orders"} {
		w.ask("shop5", "GET", fmt.Sprintf("/members/%d%s", ann, path), "", 200, nil)
		w.ask("shop5", "GET", fmt.Sprintf("/members/%d%s", bob, path), "", 404, nil)
	}
	w.ask("shop5", "POST", fmt.Sprintf("/members/%d/adjustments", bob), `{"points":5,"reason":"x"}`, 404, nil)
	has(t, w.ask("ops", "GET", "/members/total", "", 200, nil), `"members":2`, `"today":2`)
}

func TestUnmaskingIsLoggedAndNotStored(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d/unmasking", ann)
	w.ask("ops", "POST", path, `{"reason":"curious"}`, 403, nil)
	w.ask("care", "POST", path, `{"reason":"  "}`, 422, nil)
	since := w.logged()
	has(t, w.ask("care", "POST", path, `{"reason":"the member calls about a parcel"}`, 200, nil), "+8613800138000")
	has(t, w.ask("care", "POST", path, `{"reason":"once more"}`, 200, nil), "+8613800138000")
	if got := fmt.Sprint(w.acts(since)); got != "[member.unmask member.unmask]" {
		t.Error(got)
	}
	masked := w.ask("care", "GET", fmt.Sprintf("/members/%d", ann), "", 200, nil)
	if has(t, masked, "138****8000"); strings.Contains(masked.Body.String(), "0013800") {
		t.Errorf("%s", masked.Body)
	}
	w.view(func(v *db.View) {
		var stored int
		v.Rows("SELECT reply FROM idempotency UNION ALL SELECT body FROM idempotency_reply", nil, func(scan func(...any)) {
			var text string
			if scan(&text); strings.Contains(text, "13800138000") {
				stored++
			}
		})
		if row := w.app.Staff.LogPage(v, 0, 1)[0]; stored != 0 || row.Targets != fmt.Sprint(ann) || row.Reason != "once more" {
			t.Errorf("%d stored in the clear; %+v", stored, row)
		}
	})
}

func TestStatusChangesWithReasonAndHistory(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d", ann)
	since := w.logged()
	w.ask("care", "PUT", path+"/status", `{"status":"frozen","reason":"chargebacks"}`, 200, nil)
	w.ask("care", "PUT", path+"/status", `{"status":"cancelled","reason":"x"}`, 422, nil)
	w.ask("care", "PUT", path+"/status", `{"status":"active","reason":"explained"}`, 200, nil)
	has(t, w.ask("ops", "GET", path, "", 200, nil), `"was":"active","status":"frozen","by":"CARE","reason":"chargebacks"`)
	w.ask("ops", "POST", path+"/cancellation", `{"reason":"asked to"}`, 403, nil)
	w.ask("care", "POST", path+"/cancellation", `{"reason":"asked to"}`, 200, nil)
	w.ask("care", "PUT", path+"/status", `{"status":"active","reason":"regrets"}`, 409, nil)
	if got := fmt.Sprint(w.acts(since)); got != "[member.status member.status member.status]" {
		t.Error(got)
	}
}

// fingerprint is all of the database that a preview must not touch.
func (w *house) fingerprint() string {
	var b strings.Builder
	w.view(func(v *db.View) {
		for _, table := range []string{"member", "member_identity", "member_merge", "ledger_account", "ledger_entry", "ledger_lot", "ledger_seal", "ledger_total",
			"tier_state", "tier_history", "tier_standing", "tier_count", "fact", "staff_oplog", "idempotency"} {
			var n int64
			v.Row("SELECT COUNT(*) FROM "+table, nil, &n)
			fmt.Fprintf(&b, "%s %d\n", table, n)
		}
		member.Members.Each(v, db.Query[member.Member]{Order: "member_id"}, func(m *member.Member) { fmt.Fprintf(&b, "%+v\n", *m) })
		ledger.Accounts.Each(v, db.Query[ledger.Account]{Order: "member_id, asset"}, func(a *ledger.Account) { fmt.Fprintf(&b, "%+v\n", *a) })
		ledger.Lots.Each(v, db.Query[ledger.Lot]{Order: "member_id, asset, expires_at, lot_id"}, func(l *ledger.Lot) { fmt.Fprintf(&b, "%+v\n", *l) })
		ledger.Totals.Each(v, db.Query[ledger.Total]{Order: "asset, day, kind"}, func(l *ledger.Total) { fmt.Fprintf(&b, "%+v\n", *l) })
	})
	return b.String()
}

func TestMergeIsPreviewedDoneAndTakenApart(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S5")
	w.buy(ann, "1", 50_000)
	w.buy(bob, "2", 20_000)
	w.ask("ops", "GET", "/session", "", 200, nil)
	before := w.fingerprint()
	var seen struct {
		From, Into, After struct {
			Points, Growth     int64
			Orders, Identities int
			Tier               string
		}
	}
	pair := fmt.Sprintf(`"from":"%d","into":"%d"`, bob, ann)
	w.ask("ops", "POST", "/merges/preview", "{"+pair+"}", 200, &seen)
	if seen.From.Points != 250 || seen.Into.Points != 550 || seen.After.Points != 800 || seen.After.Orders != 2 || seen.After.Identities != 2 ||
		seen.After.Growth != seen.From.Growth+seen.Into.Growth {
		t.Errorf("%+v", seen)
	}
	w.ask("ops", "POST", "/merges/preview", fmt.Sprintf(`{"from":"%d","into":"%d"}`, ann, ann), 422, nil)
	w.ask("ops", "POST", "/merges/preview", fmt.Sprintf(`{"from":"1","into":"%d"}`, ann), 404, nil)
	if after := w.fingerprint(); after != before {
		t.Fatalf("the preview changed\n%s\ninto\n%s", before, after)
	}
	since := w.logged()
	var m struct{ ID web.ID }
	w.ask("ops", "POST", "/merges", "{"+pair+`,"reason":"one person"}`, 201, &m)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d", bob), "", 200, nil), fmt.Sprintf(`"id":"%d"`, ann), `"reason":"one person"`)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d/orders", ann), "", 200, nil), `"no":"1"`, `"no":"2"`)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d/balances", ann), "", 200, nil), `"available":800`)
	w.ask("ops", "POST", fmt.Sprintf("/merges/%s/reversal", m.ID), `{"reason":"two after all"}`, 200, nil)
	w.ask("ops", "POST", fmt.Sprintf("/merges/%s/reversal", m.ID), `{"reason":"again"}`, 409, nil)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d/balances", bob), "", 200, nil), `"available":250`)
	if got := fmt.Sprint(w.acts(since)); got != "[member.merge member.unmerge]" {
		t.Error(got)
	}
	w.sound()
}

// sound recomputes every account from its first entry.
func (w *house) sound() {
	w.t.Helper()
	w.view(func(v *db.View) {
		if got := ledger.Verify(v, nil); len(got.Wrong) > 0 {
			w.t.Errorf("the ledger is wrong: %+v", got.Wrong[0])
		}
	})
}

func TestStatementLotsAndWhy(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	joined := w.clock.Now()
	w.clock.Add(clock.Minute)
	no1 := w.buy(ann, "1", 12_345)
	w.clock.Add(clock.Minute)
	w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Refund(tx, order.RefundIn{Source: "pos", OrderNo: "1", No: "r1", Amount: 2_345, Occurred: tx.Now(), Reason: "broken"})
		return err
	})
	path := fmt.Sprintf("/members/%d", ann)
	has(t, w.ask("ops", "GET", path+"/statement", "", 200, nil), `"kind":"clawback"`, `"kind":"earn","amount":123`, fmt.Sprintf(`"ref":"order:%d"`, no1))
	has(t, w.ask("ops", "GET", path+"/statement?asset=growth", "", 200, nil), `"kind":"earn"`)
	has(t, w.ask("ops", "GET", path+"/orders", "", 200, nil), `"status":"partially_refunded"`, `"refunded":2345`, `"no":"r1","amount":2345`)
	has(t, w.ask("ops", "GET", fmt.Sprintf("%s/decisions/%d", path, no1), "", 200, nil),
		`"name_zh":"消费送积分","name_en":"Points for money spent"`, `"arithmetic":"¥123.45 × 1 = 123"`, "退款扣回", "taken back by refunds")
	w.ask("ops", "GET", path+"/decisions/17", "", 404, nil)
	has(t, w.ask("ops", "GET", fmt.Sprintf("%s/balances?at=%d", path, joined), "", 200, nil), `"asset":"points","balance":0`)
	var lots struct {
		Data []struct{ Remaining int64 }
		Next string
	}
	w.ask("ops", "GET", path+"/lots?limit=1", "", 200, &lots)
	if len(lots.Data) != 1 || lots.Next == "" {
		t.Fatalf("%+v", lots)
	}
	next := lots.Next
	lots.Next = ""
	w.ask("ops", "GET", path+"/lots?limit=1&cursor="+next, "", 200, &lots)
	if len(lots.Data) != 1 || lots.Data[0].Remaining != 100 || lots.Next != "" {
		t.Fatalf("%+v", lots)
	}
	has(t, w.ask("ops", "GET", path+"/expiries", "", 200, nil), `"amount":41},{`, `"amount":100}`)
	has(t, w.ask("ops", "GET", path+"/tier", "", 200, nil), `"key":"base"`, `"next":{"rank":1,"key":"silver"`)
	has(t, w.ask("ops", "GET", "/orders?source=pos&no=1", "", 200, nil), fmt.Sprintf(`"id":"%d"`, no1))
	w.ask("ops", "GET", "/orders?source=pos&no=2", "", 404, nil)
}

func TestUnmergeAsksAPersonWhatNobodyCanTell(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S5")
	w.buy(ann, "1", 50_000)
	var m struct{ ID web.ID }
	w.ask("ops", "POST", "/merges", fmt.Sprintf(`{"from":"%d","into":"%d","reason":"one"}`, bob, ann), 201, &m)
	w.clock.Add(clock.Minute)
	w.ask("ops", "POST", fmt.Sprintf("/members/%d/adjustments", ann), `{"points":30,"reason":"for bob"}`, 200, nil)
	w.buy(ann, "2", 10_000)
	reversal := fmt.Sprintf("/merges/%s/reversal", m.ID)
	before := w.fingerprint()
	var seen struct {
		Undecided []struct {
			Lot       web.ID
			Remaining int64
		}
		After struct{ From, Into struct{ Points int64 } }
	}
	w.ask("ops", "POST", reversal+"/preview", `{}`, 200, &seen)
	if len(seen.Undecided) != 1 || seen.Undecided[0].Remaining != 30 || seen.After.From.Points != 0 {
		t.Fatalf("%+v", seen)
	}
	kept := seen.After.Into.Points
	give := fmt.Sprintf(`{"give":["%s"],"reason":"it was for bob"}`, seen.Undecided[0].Lot)
	w.ask("ops", "POST", reversal+"/preview", fmt.Sprintf(`{"give":["%s"]}`, seen.Undecided[0].Lot), 200, &seen)
	if seen.After.From.Points != 30 || seen.After.Into.Points != kept-30 {
		t.Errorf("%+v", seen)
	}
	if after := w.fingerprint(); after != before {
		t.Fatal("the preview changed something")
	}
	has(t, w.ask("ops", "POST", reversal, `{"give":["12345"],"reason":"any"}`, 409, nil), "member.unmerge_lot")
	w.ask("ops", "POST", reversal, give, 200, nil)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d/balances", bob), "", 200, nil), `"available":30`)
	w.sound()
}

func TestWhoMayBeOnePersonIsForPeopleToDecide(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S5")
	cleo := w.join("13700137000", "S5")
	var key, secret string
	w.write(func(tx *db.Tx) error {
		till, err := w.app.Shop.SavePartner(tx, shop.Partner{Name: "till", Scopes: []string{"members.write"}, Status: shop.Active})
		if err != nil {
			return err
		}
		k, s, err := w.app.Shop.NewKey(tx, till.ID)
		key, secret = k.Name, s.Reveal()
		return err
	})
	bind := func(member int64, phone, code string) {
		t.Helper()
		body := fmt.Sprintf(`{"kind":"phone","value":"%s","verified":true}`, phone)
		has(t, w.signed(key, secret, "POST", fmt.Sprintf("/api/partner/members/%d/identities", member), body, 409), code)
	}
	bind(bob, "13800138000", "member.identity_taken")
	bind(ann, "13900139000", "member.identity_taken")
	bind(cleo, "13800138000", "member.identity_taken")
	var list struct {
		Data []struct {
			ID    web.ID
			Times int64
			A, B  struct{ ID web.ID }
			Why   []string
		}
		Next string `json:"next_cursor"`
	}
	has(t, w.ask("ops", "GET", "/member-suspects", "", 200, &list), "138****8000")
	if len(list.Data) != 2 || list.Data[1].Times != 2 || int64(list.Data[1].A.ID) != ann || int64(list.Data[1].B.ID) != bob || fmt.Sprint(list.Data[1].Why) != "[phone]" {
		t.Fatalf("%+v", list)
	}
	path := fmt.Sprintf("/member-suspects/%s/dismissal", list.Data[0].ID)
	w.ask("care", "POST", path, `{"reason":"x"}`, 403, nil)
	w.ask("ops", "POST", path, `{"reason":" "}`, 422, nil)
	since := w.logged()
	w.ask("ops", "POST", path, `{"reason":"mother and daughter"}`, 200, nil)
	w.ask("ops", "POST", path, `{"reason":"again"}`, 409, nil)
	w.ask("ops", "POST", "/member-suspects/12345/dismissal", `{"reason":"x"}`, 404, nil)
	bind(cleo, "13800138000", "member.identity_taken")
	w.ask("ops", "POST", "/merges", fmt.Sprintf(`{"from":"%d","into":"%d","reason":"one person"}`, bob, ann), 201, nil)
	has(t, w.ask("ops", "GET", "/member-suspects", "", 200, nil), `"data":[]`)
	has(t, w.ask("ops", "GET", "/member-suspects?state=dismissed", "", 200, nil), `"reason":"mother and daughter"`, `"times":2`)
	has(t, w.ask("ops", "GET", "/member-suspects?state=merged", "", 200, nil), `"reason":"one person"`)
	if got := fmt.Sprint(w.acts(since)); got != "[member.dismiss member.merge]" {
		t.Error(got)
	}
}
