package app

import (
	"fmt"
	"strings"
	"testing"
)

func TestAConditionTellsHowManyMembersItReaches(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	first := w.join("13900000101", "")
	w.join("13900000102", "")
	barred := w.join("13900000103", "")
	w.buy(first, "r1", 100)
	w.ask("ops", "PUT", fmt.Sprintf("/members/%d/status", barred), `{"status":"blacklisted","reason":"a test"}`, 200, nil)
	var all struct{ Members, Of int64 }
	w.ask("ops", "POST", "/rules/reach", `{"when":null}`, 200, &all)
	reach := func(when string) (members int64) {
		var out struct {
			Members, Of int64
			Exact       bool
		}
		w.ask("ops", "POST", "/rules/reach", `{"when":`+when+`}`, 200, &out)
		if !out.Exact || out.Of != all.Of {
			t.Errorf("%s: %+v", when, out)
		}
		return out.Members
	}
	buyers := reach(`{"field":"member.orders_before","op":"gte","value":1}`)
	others := reach(`{"field":"member.orders_before","op":"eq","value":0}`)
	if buyers < 1 || buyers+others != all.Members || all.Members >= all.Of {
		t.Errorf("%d with orders, %d without, of %+v", buyers, others, all)
	}
	if got := reach(`{"all":[{"field":"member.orders_before","op":"gte","value":1},{"field":"order.amount_fen","op":"gte","value":1}]}`); got != buyers {
		t.Errorf("what is asked of the order counted: %d", got)
	}
	if got := reach(`{"field":"member.tier_rank","op":"gte","value":9}`); got != 0 {
		t.Errorf("%d members of a tier there is not", got)
	}
	has(t, w.ask("ops", "POST", "/rules/reach", `{"when":{"field":"member.shoe","op":"eq","value":1}}`, 422, nil), "cond.unknown_field")
}

func TestARefundIsTriedFromTheConsoleAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	m := w.join("13900000111", "")
	w.buy(m, "p1", 30000)
	before := w.ask("ops", "GET", fmt.Sprintf("/members/%d/balances", m), "", 200, nil).Body.String()
	got := w.ask("ops", "POST", "/orders/refund-preview", `{"source":"pos","order_no":"p1","amount_fen":10000,"occurred_at":0}`, 200, nil)
	has(t, got, `"amount_fen":10000`, `"taken_back":[{"asset":"points"`)
	w.ask("ops", "POST", "/orders/refund-preview", `{"source":"pos","order_no":"p1","amount_fen":30001,"occurred_at":0}`, 409, nil)
	w.ask("ops", "POST", "/orders/refund-preview", `{"source":"pos","order_no":"p1","occurred_at":0}`, 422, nil)
	w.ask("ops", "POST", "/orders/refund-preview", `{"source":"pos","order_no":"none","full":true,"occurred_at":0}`, 404, nil)
	if after := w.ask("ops", "GET", fmt.Sprintf("/members/%d/balances", m), "", 200, nil).Body.String(); after != before || !strings.Contains(after, "points") {
		t.Errorf("%s became %s", before, after)
	}
}
