package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/insight"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
)

func TestOverviewTellsTodayTheTrendAndWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 12_300) // 123 points and 50 for the first order
	w.clock.Add(clock.Day)
	w.enter("ops")
	bob := w.join("13900139000", "S6")
	w.buy(bob, "2", 1_000)
	w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Refund(tx, order.RefundIn{Source: "pos", OrderNo: "2", No: "r2", Amount: 500, Occurred: tx.Now()})
		return err
	})
	var out struct {
		Now struct {
			Members, Points int64
			JoinedToday     int64 `json:"joined_today"`
			OrdersToday     int64 `json:"orders_today"`
			AmountToday     int64 `json:"amount_today"`
			Liability       int64 `json:"liability_fen"`
		}
		Trend []struct {
			Day, Joined, Orders, Amount, Refunds, Issued, Clawed, Points int64
			Liability                                                    int64 `json:"liability_fen"`
		}
		Tiers  []struct{ Members int64 }
		Alarms []struct{ Code string }
	}
	w.ask("ops", "GET", "/overview", "", 200, &out)
	if n := out.Now; n.Members != 2 || n.JoinedToday != 1 || n.OrdersToday != 1 || n.AmountToday != 1000 || n.Points != 173+30 || n.Liability != n.Points {
		t.Errorf("%+v", n)
	}
	last := out.Trend[len(out.Trend)-2:]
	if a, b := last[0], last[1]; len(out.Trend) != 30 || a.Joined != 1 || a.Issued != 173 || a.Points != 173 || b.Orders != 1 || b.Refunds != 1 || b.Issued != 60 || b.Clawed != 30 || b.Points != 203 {
		t.Errorf("%d days, %+v", len(out.Trend), last)
	}
	if out.Tiers[0].Members != 2 || len(out.Alarms) != 0 {
		t.Errorf("%+v %+v", out.Tiers, out.Alarms)
	}
	w.write(func(tx *db.Tx) error { _, err := w.app.Members.Merge(tx, bob, ann, "one person"); return err })
	has(t, w.ask("ops", "GET", "/overview", "", 200, nil), `"members":1,"joined_today":1`)
	var totals []member.Total
	w.view(func(v *db.View) { totals = member.TotalsBetween(v, 0, 99991231) })
	w.write(func(tx *db.Tx) error {
		for _, d := range totals {
			member.Totals.Delete(tx, d.Day)
		}
		return nil
	})
	w.view(func(v *db.View) {
		again := member.CountByDay(v, w.app.Zone)
		if sum(again) != sum(totals) || sum(again) != (member.Total{Joined: 2, Merged: 1}) {
			t.Errorf("counted anew %+v, kept %+v", again, totals)
		}
	})
}

func sum(list []member.Total) (out member.Total) {
	for _, t := range list {
		out.Joined, out.Merged, out.Closed = out.Joined+t.Joined, out.Merged+t.Merged, out.Closed+t.Closed
	}
	return out
}

func TestSearchFindsByAnythingAMemberShows(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S6")
	w.write(func(tx *db.Tx) error {
		for _, i := range []member.Identity{{Kind: member.KindCard, Issuer: "pos", Value: vault.Hide("C-1")}, {Kind: member.KindCard, Issuer: "old", Value: vault.Hide("C-2")},
			{Kind: member.KindOpenID, Issuer: "wx1", Value: vault.Hide("oABC")}} {
			if err := w.app.Members.Bind(tx, ann, i); err != nil {
				return err
			}
		}
		_, _, err := w.app.Orders.Take(tx, order.In{Source: "a-shop", No: "77", Amount: 5, Occurred: tx.Now()})
		return err
	})
	w.buy(bob, "77", 1_000)
	type hits struct {
		Data []struct {
			By     string
			Member *struct{ ID web.ID }
			Order  *struct{ Source string }
		}
	}
	find := func(login, q string) string {
		var out hits
		rec := w.ask(login, "POST", "/search", fmt.Sprintf(`{"q":%q}`, q), 200, &out)
		if strings.Contains(rec.Body.String(), "13800138000") {
			t.Errorf("in the clear: %s", rec.Body)
		}
		text := ""
		for _, h := range out.Data {
			text += h.By + ":"
			switch {
			case h.Member == nil:
				text += "guest"
			case int64(h.Member.ID) == ann:
				text += "ann"
			case int64(h.Member.ID) == bob:
				text += "bob"
			}
			if h.Order != nil {
				text += "/" + h.Order.Source
			}
			text += " "
		}
		return text
	}
	for q, want := range map[string]string{"138 0013 8000": "phone:ann ", "C-1": "card:ann ", "C-2": "card:ann ", "oABC": "openid:ann ",
		fmt.Sprint(bob): "member:bob ", "77": "order:guest/a-shop order:bob/pos ", "C-3": "", "nobody|%": ""} {
		if got := find("ops", q); got != want {
			t.Errorf("%s finds %q, want %q", q, got, want)
		}
	}
	for q, want := range map[string]string{"C-1": "card:ann ", "13900139000": "", fmt.Sprint(bob): "", "77": ""} {
		if got := find("shop5", q); got != want {
			t.Errorf("the manager of store 5 finds %q by %s, want %q", got, q, want)
		}
	}
}

func TestTimelineIsOnePagedListOfEverything(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S5")
	step := func() { w.clock.Add(clock.Minute) }
	step()
	first := w.buy(ann, "1", 120_000) // rises a tier
	step()
	w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Refund(tx, order.RefundIn{Source: "pos", OrderNo: "1", No: "r1", Amount: 500, Occurred: tx.Now(), Reason: "broken"})
		return err
	})
	step()
	w.ask("care", "PUT", fmt.Sprintf("/members/%d/status", ann), `{"status":"frozen","reason":"odd"}`, 200, nil)
	step()
	w.ask("care", "PUT", fmt.Sprintf("/members/%d/status", ann), `{"status":"active","reason":"fine"}`, 200, nil)
	step()
	w.ask("ops", "POST", "/merges", fmt.Sprintf(`{"from":"%d","into":"%d","reason":"one"}`, bob, ann), 201, nil)
	whole := w.timeline("ops", ann, "limit=200")
	paged, cursor := []insight.Item{}, ""
	for range 100 {
		var page struct {
			Data []insight.Item
			Next string
		}
		w.ask("ops", "GET", fmt.Sprintf("/members/%d/timeline?limit=2&cursor=%s", ann, cursor), "", 200, &page)
		paged = append(paged, page.Data...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	a, _ := json.Marshal(whole)
	b, _ := json.Marshal(paged)
	if string(a) != string(b) {
		t.Fatalf("the whole is\n%s\nand by pages\n%s", a, b)
	}
	text := ""
	for _, i := range whole {
		text += i.Kind + "/" + i.What + " "
	}
	want := "merge/merge status/active status/frozen points/clawback growth/clawback refund/refund badge/first_order badge/tier_up tier/upgrade points/earn points/earn growth/earn order/partially_refunded joined/oa "
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	for _, i := range whole {
		if i.What == "earn" && (i.Why == nil || int64(*i.Why) != first) {
			t.Errorf("no way from %+v to its why", i)
		}
	}
	if only := w.timeline("ops", ann, "only=tier"); len(only) != 1 || only[0].Now != "gold" {
		t.Errorf("%+v", only)
	}
	w.ask("shop5", "GET", fmt.Sprintf("/members/%d/timeline", ann), "", 200, nil)
	w.ask("ops", "GET", fmt.Sprintf("/members/%d/timeline?cursor=x", ann), "", 422, nil)
}

func (w *house) timeline(login string, id int64, query string) []insight.Item {
	w.t.Helper()
	var page struct{ Data []insight.Item }
	w.ask(login, "GET", fmt.Sprintf("/members/%d/timeline?%s", id, query), "", 200, &page)
	return page.Data
}

func TestOrdersAreListedByFilterAndStore(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	for i := range 5 {
		w.buy(ann, fmt.Sprint("n", i), 1_000)
		w.clock.Add(clock.Minute)
	}
	w.write(func(tx *db.Tx) error {
		_, _, err := w.app.Orders.Take(tx, order.In{Source: "web", No: "g", Amount: 5, Channel: "web", Store: "S6", Occurred: tx.Now()})
		return err
	})
	var page struct {
		Data []struct{ No string }
		Next string
	}
	nos := func() (out string) {
		for _, o := range page.Data {
			out += o.No + " "
		}
		return out
	}
	w.ask("ops", "GET", "/orders/list?limit=2", "", 200, &page)
	if nos() != "g n4 " || page.Next == "" {
		t.Fatal(nos(), page.Next)
	}
	next := page.Next
	page.Next = ""
	w.ask("ops", "GET", "/orders/list?limit=4&cursor="+next, "", 200, &page)
	if nos() != "n3 n2 n1 n0 " || page.Next != "" {
		t.Fatal(nos(), page.Next)
	}
	for query, want := range map[string]string{"source=web": "g ", "channel=store&limit=1": "n4 ", "store=S6": "g ", "status=refunded": "",
		fmt.Sprint("from=", w.clock.Now()): "g ", fmt.Sprint("until=", w.clock.Now()-4*clock.Minute): "n0 "} {
		if w.ask("ops", "GET", "/orders/list?"+query, "", 200, &page); nos() != want {
			t.Errorf("%s gives %s", query, nos())
		}
	}
	if w.ask("shop5", "GET", "/orders/list", "", 200, &page); nos() != "n4 n3 n2 n1 n0 " {
		t.Errorf("the manager of store 5 sees %s", nos())
	}
	if w.ask("shop5", "GET", "/orders/list?store=S6", "", 200, &page); nos() != "" {
		t.Errorf("the manager of store 5 sees %s", nos())
	}
}

func TestWhatCameBackIsListedByItsOrders(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann, bob := w.join("13800138000", "S5"), w.join("13900139000", "S9")
	back := func(no, refund string, fen int64) {
		t.Helper()
		w.write(func(tx *db.Tx) error {
			_, err := w.app.Orders.Refund(tx, order.RefundIn{Source: "pos", OrderNo: no, No: refund, Amount: fen, Occurred: tx.Now()})
			return err
		})
	}
	for i, who := range []int64{ann, bob, ann, bob, ann} {
		w.buy(who, fmt.Sprint("n", i), 1_000)
		w.clock.Add(clock.Minute)
	}
	from := w.clock.Now() - 3*clock.Minute // n2 and later
	back("n4", "r4", 1_000)
	back("n1", "r1a", 100)
	back("n1", "r1b", 100)
	back("n1", "r1c", 800)
	back("n0", "r0", 10)
	back("n3", "r3", 10)
	for query, want := range map[string]string{"status=refunded": "n4 n1 ", "status=partially_refunded": "n3 n0 ", "status=paid": "n2 ", "status=closed": "", "": "n4 n3 n2 n1 n0 ",
		fmt.Sprint("status=partially_refunded&from=", from): "n3 ", fmt.Sprint("status=refunded&until=", from): "n1 ", "status=refunded&store=S6": ""} {
		if got := w.listed(query, 10); got != want {
			t.Errorf("%q lists %s, not %s", query, got, want)
		}
	}
	for _, query := range []string{"status=refunded", "status=partially_refunded"} {
		if one, all := w.listed(query, 1), w.listed(query, 10); one != all {
			t.Errorf("%s lists %s one at a time and %s at once", query, one, all)
		}
	}
}

// listed is the numbers of a list of orders, a page after the other.
func (w *house) listed(query string, limit int) (out string) {
	w.t.Helper()
	for next := "x"; next != ""; {
		var page struct {
			Data []struct{ No string }
			Next string
		}
		path := fmt.Sprintf("/orders/list?limit=%d&%s", limit, query)
		if next != "x" {
			path += "&cursor=" + next
		}
		w.ask("ops", "GET", path, "", 200, &page)
		for _, o := range page.Data {
			out += o.No + " "
		}
		next = page.Next
	}
	return out
}

func TestCalendarsOfExpiryAndDemotion(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 120_000)
	w.clock.Add(clock.Day)
	w.enter("ops")
	has(t, w.ask("ops", "GET", "/reports/expiries?days=400", "", 200, nil), `"points":50,"members":1`, `"points":1200,"members":1`)
	var ends struct {
		Data []struct {
			Day, Members, Down int
			Key                string
		}
	}
	w.ask("ops", "GET", "/reports/demotions?days=400", "", 200, &ends)
	if len(ends.Data) != 1 || ends.Data[0].Key != "gold" || ends.Data[0].Members != 1 || ends.Data[0].Down != 0 {
		t.Fatalf("%+v", ends)
	}
	has(t, w.ask("ops", "GET", fmt.Sprintf("/reports/demotions/%d/members", ends.Data[0].Day), "", 200, nil), fmt.Sprintf(`"member":"%d","rank":2`, ann), `"down":false`)
	w.ask("ops", "GET", fmt.Sprintf("/reports/demotions/%d/members", ends.Data[0].Day+1), "", 200, &ends)
	if len(ends.Data) != 0 {
		t.Errorf("%+v", ends)
	}
	has(t, w.ask("ops", "GET", "/reports/expiring-members?days=300", "", 200, nil), `"days":400`, fmt.Sprintf(`"member":"%d","points":1250`, ann))
}

func TestLogAndJobsAreSearched(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	at := w.clock.Now()
	w.clock.Add(clock.Minute)
	w.ask("care", "PUT", fmt.Sprintf("/members/%d/status", ann), `{"status":"frozen","reason":"odd"}`, 200, nil)
	w.ask("ops", "POST", fmt.Sprintf("/members/%d/freezes", w.join("13900139000", "")), `{"points":5,"reason":"none left"}`, 409, nil)
	w.hire("watch", staff.Grant{Role: staff.Auditor})
	var page struct{ Data []struct{ Act, Name string } }
	acts := func(query string) (out string) {
		w.ask("watch", "GET", "/log?"+query, "", 200, &page)
		for _, r := range page.Data {
			out += r.Act + "/" + r.Name + " "
		}
		return out
	}
	if got := acts(fmt.Sprintf("operator=%d&act=member.", w.ids["care"])); got != "member.status/CARE " {
		t.Error(got)
	}
	if got := acts("act=member.status"); got != "member.status/CARE " {
		t.Error(got)
	}
	if got := acts(fmt.Sprint("act=member.status&until=", at)); got != "" {
		t.Error(got)
	}
	if got := acts(fmt.Sprint("act=session.begin&limit=1&from=", at)); got != "session.begin/WATCH " {
		t.Error(got)
	}
	w.ask("ops", "GET", "/jobs/queue?state=ready", "", 200, nil)
	w.ask("ops", "GET", "/jobs/17", "", 404, nil)
}

func TestApprovalsShowWhatChanges(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	var d done
	w.ask("root", "PUT", "/settings/limits/points.per_act", `{"amount":9000,"reason":"more"}`, 202, &d)
	has(t, w.ask("sec", "GET", "/approvals", "", 200, nil), `"zh":"更改单人限额"`, `"changes":[{"path":"amount","was":1000,"now":9000}],"compared":true`, `"maker_name":"Root"`)
	has(t, w.ask("root", "GET", "/approvals?view=mine", "", 200, nil), `"state":"waiting"`)
	if got := w.ask("sec", "GET", "/approvals?view=settled", "", 200, nil).Body.String(); got != `{"data":[]}` {
		t.Error(got)
	}
	w.agree("sec", d.Approval)
	has(t, w.ask("sec", "GET", "/approvals?view=settled", "", 200, nil), `"state":"executed"`, `"checker_name":"SEC"`)
	if got := w.ask("sec", "GET", "/approvals", "", 200, nil).Body.String(); got != `{"data":[]}` {
		t.Error(got)
	}
}
