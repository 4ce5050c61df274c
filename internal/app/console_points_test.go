package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

func (w *house) available(memberID int64) (n int64) {
	w.view(func(v *db.View) { n = ledger.Now(v, memberID, ledger.Points).Available })
	return n
}

func TestAdjustmentsAboveTheLimitTakeTwo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d/adjustments", ann)
	since := w.logged()
	var d done
	w.ask("care", "POST", path, `{"points":1000,"reason":"a broken parcel"}`, 200, &d)
	if d.State != "done" || w.available(ann) != 1000 {
		t.Fatalf("%+v, %d points", d, w.available(ann))
	}
	w.ask("care", "POST", path, `{"points":-200,"reason":"too much"}`, 200, nil)
	w.ask("care", "POST", path, `{"points":-900,"reason":"more than there is"}`, 409, nil)
	w.ask("care", "POST", path, `{"points":0,"reason":"nothing"}`, 422, nil)
	w.ask("care", "POST", path, `{"points":5,"reason":" "}`, 422, nil)
	w.ask("care", "POST", path, `{"points":-5000,"reason":"what could never be done is not asked for"}`, 409, nil)
	w.ask("care", "POST", path, `{"points":1001,"reason":"one above"}`, 202, &d)
	if d.State != "waiting" || w.available(ann) != 800 {
		t.Fatalf("%+v, %d points", d, w.available(ann))
	}
	if got := fmt.Sprint(w.acts(since)); got != "[points.adjust points.adjust approval.request]" {
		t.Error(got)
	}
	since = w.logged()
	w.ask("ops", "GET", fmt.Sprintf("/approvals/%s", d.Approval), "", 404, nil) // may not decide it
	w.agree("books", d.Approval)
	if w.available(ann) != 1801 {
		t.Errorf("%d points", w.available(ann))
	}
	if got := fmt.Sprint(w.acts(since)); got != "[approval.approve approval.execute points.adjust]" {
		t.Error(got)
	}
	has(t, w.ask("care", "GET", fmt.Sprintf("/members/%d/statement", ann), "", 200, nil), `"kind":"adjust","amount":1001`, `"reason":"one above"`)
	w.sound()
}

func TestADayOfSmallAdjustmentsTakesTwo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d/adjustments", ann)
	for range 5 {
		w.ask("care", "POST", path, `{"points":1000,"reason":"bit by bit"}`, 200, nil)
	}
	w.ask("care", "POST", path, `{"points":1,"reason":"the drop"}`, 202, nil)
	w.askKeyed("ops", "POST", path, `{"points":7,"reason":"twice sent"}`, "same", 200, nil)
	w.askKeyed("ops", "POST", path, `{"points":7,"reason":"twice sent"}`, "same", 200, nil)
	w.askKeyed("ops", "POST", path, `{"points":8,"reason":"twice sent"}`, "same", 409, nil)
	if w.available(ann) != 5007 {
		t.Errorf("%d points", w.available(ann))
	}
}

func TestFourEyesDoNotAgreeToWhatWasAltered(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	var d done
	w.ask("care", "POST", fmt.Sprintf("/members/%d/adjustments", ann), `{"points":2000,"reason":"a gift"}`, 202, &d)
	path := fmt.Sprintf("/approvals/%s", d.Approval)
	var a struct {
		Digest  string
		Content points.Adjustment
	}
	w.ask("books", "GET", path, "", 200, &a)
	if a.Content.Points != 2000 || a.Content.Member != ann {
		t.Errorf("the checker sees %+v", a.Content)
	}
	yes := fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest)
	w.ask("care", "POST", path+"/decision", yes, 403, nil)
	w.ask("books", "POST", path+"/decision", `{"approve":true,"digest":"`+strings.Repeat("0", 64)+`"}`, 409, nil)
	w.tamper(int64(d.Approval))
	w.ask("books", "POST", path+"/decision", yes, 409, nil)
	if w.available(ann) != 0 {
		t.Errorf("%d points", w.available(ann))
	}
}

// tamper changes what was asked for behind everybody's back, as somebody with the database in hand could.
func (w *house) tamper(approval int64) {
	w.t.Helper()
	staffApprovals := db.NewTable(db.Spec[struct {
		ID      int64
		Payload string
	}, int64]{Name: "staff_approval", Cols: []string{"id", "payload"}, Keys: 1, Indexed: true,
		Row: func(r *struct {
			ID      int64
			Payload string
		}, p []any) []any {
			return append(p, &r.ID, &r.Payload)
		},
		Key: func(r *struct {
			ID      int64
			Payload string
		}) int64 {
			return r.ID
		}})
	w.write(func(tx *db.Tx) error {
		row, ok := staffApprovals.Get(tx, approval)
		if !ok {
			w.t.Fatal("there is no such approval")
		}
		row.Payload = strings.Replace(row.Payload, "2000", "9000", 1)
		staffApprovals.Put(tx, row)
		return nil
	})
}

func TestAMakerWhoLostTheRightHasAskedInVain(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	var d done
	w.ask("care", "POST", fmt.Sprintf("/members/%d/adjustments", ann), `{"points":2000,"reason":"a gift"}`, 202, &d)
	w.ask("root", "PUT", fmt.Sprintf("/operators/%d/status", w.ids["care"]), `{"status":"blocked","reason":"left"}`, 200, nil)
	var a struct{ Digest string }
	w.ask("books", "GET", fmt.Sprintf("/approvals/%s", d.Approval), "", 200, &a)
	w.ask("books", "POST", fmt.Sprintf("/approvals/%s/decision", d.Approval), fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest), 403, nil)
	if w.available(ann) != 0 {
		t.Errorf("%d points", w.available(ann))
	}
}

func TestPointsAreFrozenReleasedAndSeized(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d", ann)
	w.ask("care", "POST", path+"/adjustments", `{"points":900,"reason":"to begin with"}`, 200, nil)
	since := w.logged()
	var h struct{ Hold web.ID }
	w.ask("care", "POST", path+"/freezes", `{"points":1000,"reason":"a suspicion"}`, 409, nil)
	w.ask("care", "POST", path+"/freezes", `{"points":500,"reason":"a suspicion"}`, 201, &h)
	if w.available(ann) != 400 {
		t.Errorf("%d points", w.available(ann))
	}
	has(t, w.ask("care", "GET", path+"/holds", "", 200, nil), `"kind":"freeze","state":"open","amount":500`)
	w.ask("care", "POST", fmt.Sprintf("%s/freezes/%s/release", path, h.Hold), `{"reason":"explained"}`, 200, nil)
	w.ask("care", "POST", path+"/freezes", `{"points":300,"reason":"again"}`, 201, &h)
	w.ask("care", "POST", fmt.Sprintf("%s/freezes/%s/confiscation", path, h.Hold), `{"reason":"proven"}`, 200, nil)
	w.ask("care", "POST", fmt.Sprintf("%s/freezes/%s/confiscation", path, h.Hold), `{"reason":"proven"}`, 409, nil)
	if w.available(ann) != 600 {
		t.Errorf("%d points", w.available(ann))
	}
	if got := fmt.Sprint(w.acts(since)); got != "[points.freeze points.release points.freeze points.seize]" {
		t.Error(got)
	}
	checkout := w.checkoutHold(ann)
	w.ask("care", "POST", fmt.Sprintf("%s/freezes/%d/release", path, checkout), `{"reason":"not a freeze"}`, 404, nil)
	w.ask("care", "POST", fmt.Sprintf("%s/freezes/%d/confiscation", path, checkout), `{"reason":"not a freeze"}`, 404, nil)
	w.sound()
}

func (w *house) checkoutHold(memberID int64) (id int64) {
	w.write(func(tx *db.Tx) error {
		h, err := w.app.Points.Hold(tx, memberID, 100, 100_000, "checkout:1", "")
		id = h.ID
		return err
	})
	return id
}

func TestPolicyAndRateNeedNoticeAndTwo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.buy(w.join("13800138000", "S5"), "1", 10_000) // somebody has points, so that there is somebody to give notice to
	var d done
	has(t, w.ask("ops", "GET", "/settings/points", "", 200, nil), `"per_yuan":100`, `"zh":"多少积分抵 1 元"`, `"history":[]`)
	w.ask("ops", "PUT", "/settings/points", `{"value":{"consumption_months":6},"reason":"shorter"}`, 422, nil) // against members, without notice
	w.ask("ops", "PUT", "/settings/points", `{"value":{"consumption_month":6},"reason":"a slip"}`, 422, nil)
	w.ask("ops", "PUT", "/settings/points", `{"value":{"consumption_months":24},"reason":"longer"}`, 202, &d)
	w.agree("books", d.Approval)
	has(t, w.ask("ops", "GET", "/settings/points", "", 200, nil), `"consumption_months":24`, `"spend_cap":"0.3"`)
	later := w.clock.Now() + 31*clock.Day
	w.ask("ops", "PUT", "/settings/points", fmt.Sprintf(`{"value":{"consumption_months":6},"from":%d,"reason":"announced"}`, later), 202, &d)
	w.agree("books", d.Approval)
	w.ask("ops", "PUT", "/settings/rate", `{"rate":"0.9","reason":"budget"}`, 422, nil)
	w.ask("ops", "PUT", "/settings/rate", `{"rate":"nine","reason":"budget"}`, 422, nil)
	w.ask("ops", "PUT", "/settings/rate", `{"rate":"9","reason":"budget"}`, 422, nil)
	w.ask("ops", "PUT", "/settings/rate", fmt.Sprintf(`{"rate":"0.9","from":%d,"reason":"budget"}`, later), 202, &d)
	w.agree("books", d.Approval)
	has(t, w.ask("ops", "GET", "/settings/rate", "", 200, nil), `"rate":"1"`, `"suggested":"1"`, `"rate":"0.9"`)
	has(t, w.ask("books", "GET", "/reports/liability", "", 200, nil), `"points":150`, `"fen":150`)
}

func TestLadderIsPreviewedAndSetByTwo(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 20_000)
	var now struct {
		Current struct{ Value json.RawMessage }
	}
	w.ask("ops", "GET", "/settings/tiers", "", 200, &now)
	harder := strings.Replace(string(now.Current.Value), `"growth":100,"keep":80`, `"growth":290,"keep":280`, 1)
	if harder == string(now.Current.Value) {
		t.Fatal(harder)
	}
	has(t, w.ask("ops", "GET", fmt.Sprintf("/members/%d/tier", ann), "", 200, nil), `"key":"silver"`, `"reason":"upgrade"`)
	has(t, w.ask("ops", "POST", "/settings/tiers/preview", `{"value":`+harder+`}`, 200, nil), `"members":1,"up":0,"down":1`, `"moves":[{"from":1,"to":0,"members":1}]`)
	w.ask("ops", "POST", "/settings/tiers/preview", `{"value":{"levels":[]}}`, 422, nil)
	var d done
	w.ask("ops", "PUT", "/settings/tiers", `{"value":`+harder+`,"reason":"rarer"}`, 202, &d)
	w.agree("books", d.Approval)
	has(t, w.ask("ops", "GET", "/settings/tiers", "", 200, nil), `"growth":290`)
	has(t, w.ask("ops", "GET", "/reports/tiers", "", 200, nil), `"members":1,"share":"1","target":"0.25"`)
}

func TestRulesAreDraftedTriedPublishedByTwoAndRetired(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	first := w.clock.Now()
	for day := range 3 {
		w.buy(ann, fmt.Sprint(day), 10_000)
		w.clock.Add(clock.Day)
	}
	w.enter("ops")
	w.enter("books")
	has(t, w.ask("ops", "GET", "/rule-kinds", "", 200, nil), `"name":"per_yuan"`, `"name":"order.amount_fen"`, `"name":"per_member"`)
	spec := `{"kind":"fixed","zh":"周末加赠","en":"Weekend extra","asset":"points","class":2,"settings":{"points":30},"when":{"field":"order.amount_fen","op":"gte","value":5000}}`
	has(t, w.ask("ops", "POST", "/rules/preview", fmt.Sprintf(`{"spec":%s,"member":"%d","amount":10000}`, spec, ann), 200, nil), `"draft":true,"asset":"points","given":30`)
	w.ask("ops", "POST", "/rules", strings.Replace(spec, `"points":30`, `"points":-1`, 1), 422, nil)
	var v struct{ ID, Rule web.ID }
	w.ask("ops", "POST", "/rules", `{"kind":"join","zh":"入会","en":"Joining","asset":"points","class":2,"settings":{"points":5}}`, 201, nil) // no condition, no caps
	since := w.logged()
	w.ask("ops", "POST", "/rules", spec, 201, &v)
	var trial struct{ ID web.ID }
	w.ask("ops", "POST", "/rule-trials", fmt.Sprintf(`{"spec":%s,"from":%d,"until":%d}`, spec, first, w.clock.Now()), 201, &trial)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/rule-trials/%s", trial.ID), "", 200, nil), `"state":"running"`)
	w.ask("ops", "POST", "/rule-trials", fmt.Sprintf(`{"spec":%s,"from":%d,"until":%d}`, spec, first, w.clock.Now()+1), 422, nil)
	if _, err := w.app.Jobs.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	has(t, w.ask("ops", "GET", fmt.Sprintf("/rule-trials/%s", trial.ID), "", 200, nil), `"state":"done","orders":3`, `"delta_points":90`)
	var d done
	release := fmt.Sprintf("/rule-versions/%s/publication", v.ID)
	w.ask("ops", "POST", release, `{"reason":"for weekends"}`, 202, &d)
	w.ask("ops", "PUT", fmt.Sprintf("/rule-versions/%s", v.ID), strings.Replace(spec, `"points":30`, `"points":31`, 1), 200, nil)
	var a struct{ Digest string }
	w.ask("books", "GET", fmt.Sprintf("/approvals/%s", d.Approval), "", 200, &a)
	w.ask("books", "POST", fmt.Sprintf("/approvals/%s/decision", d.Approval), fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest), 409, nil) // the draft has changed since
	w.ask("ops", "POST", release, `{"reason":"with 31"}`, 202, &d)
	w.agree("books", d.Approval)
	if got := fmt.Sprint(w.acts(since)); got != "[rule.draft rule.trial approval.request rule.edit approval.request approval.approve approval.execute rule.publish]" {
		t.Error(got)
	}
	before := w.available(ann)
	w.buy(ann, "9", 10_000)
	if got := w.available(ann) - before; got < 131 {
		t.Errorf("the rule gave %d", got)
	}
	has(t, w.ask("ops", "GET", fmt.Sprintf("/rules/%s", v.Rule), "", 200, nil), `"state":"published"`, `"in_force":true`)
	w.ask("ops", "POST", fmt.Sprintf("/rule-versions/%s/retirement", v.ID), `{"reason":"over"}`, 202, &d)
	w.agree("books", d.Approval)
	has(t, w.ask("ops", "GET", fmt.Sprintf("/rules/%s", v.Rule), "", 200, nil), `"state":"retired"`)
}

func TestReportsAndJobs(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("boss", staff.Grant{Role: staff.StoreManager})
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 10_000)
	has(t, w.ask("boss", "GET", "/reports/orders", "", 200, nil), `"channel":"store","orders":1,"amount":10000`)
	has(t, w.ask("boss", "GET", "/reports/flows", "", 200, nil), `"kind":"earn","amount":150,"entries":2`)
	has(t, w.ask("boss", "GET", "/reports/expiries?days=400", "", 200, nil), `"points":50,"members":1`, `"points":100,"members":1`)
	has(t, w.ask("boss", "GET", "/reports/expiring-members?days=400", "", 200, nil), fmt.Sprintf(`"member":"%d","points":150`, ann))
	has(t, w.ask("boss", "GET", "/orders/latest", "", 200, nil), `"no":"1"`)
	w.ask("shop5", "GET", "/reports/orders", "", 403, nil)
	has(t, w.ask("root", "GET", "/jobs", "", 200, nil), `"name":"tier.review"`, `"dead":[]`)
	w.ask("root", "POST", "/jobs/17/retry", "", 409, nil)
	has(t, w.ask("books", "GET", "/ledger/verification", "", 200, nil), `"accounts":2,"entries":3,"wrong":[]`)
	w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Refund(tx, refundOf("2", "r9", tx.Now()))
		return err
	})
	has(t, w.ask("boss", "GET", "/waiting-refunds", "", 200, nil), `"order_no":"2","refund_no":"r9","amount":500`, `"state":"waiting"`)
	has(t, w.ask("root", "GET", "/status", "", 200, nil), `"zone":"Asia/Shanghai"`, `"dead":0`)
}

func TestBenefitsThatARefundStoppedAreToldWithWhyAndUntilWhen(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var now struct {
		Current struct{ Value json.RawMessage }
	}
	w.ask("ops", "GET", "/settings/tiers", "", 200, &now)
	var ladder tier.Settings
	if err := json.Unmarshal(now.Current.Value, &ladder); err != nil {
		t.Fatal(err)
	}
	ladder.RefundPolicy = "protect"
	kept, err := json.Marshal(ladder)
	if err != nil {
		t.Fatal(err)
	}
	var d staff.Done
	w.ask("ops", "PUT", "/settings/tiers", `{"value":`+string(kept)+`,"reason":"kinder"}`, 202, &d)
	w.agree("books", *d.Approval)
	m := w.join("13800138000", "S5")
	path := fmt.Sprintf("/members/%d/tier", m)
	w.buy(m, "1", ladder.Levels[1].Growth*1000)
	type card struct {
		Level   struct{ Rank int }
		Until   int64
		Stopped *struct {
			Level                struct{ Rank int }
			Since, Growth, Until int64
		}
	}
	var before, after card
	w.ask("ops", "GET", path, "", 200, &before)
	if before.Level.Rank == 0 || before.Stopped != nil {
		t.Fatalf("%+v", before)
	}
	w.write(func(tx *db.Tx) error {
		r := refundOf("1", "r1", tx.Now())
		r.Amount = ladder.Levels[1].Growth * 1000
		_, err := w.app.Orders.Refund(tx, r)
		return err
	})
	w.ask("ops", "GET", path, "", 200, &after)
	if after.Level.Rank != before.Level.Rank || after.Stopped == nil || after.Stopped.Level.Rank != 0 || after.Stopped.Until != before.Until ||
		after.Stopped.Since != w.clock.Now() || after.Stopped.Growth != ladder.Levels[before.Level.Rank].Growth {
		t.Errorf("%+v %+v", after, after.Stopped)
	}
}
