package order

import (
	"cmp"
	"encoding/json"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

// OfMany lists the orders of several members by id, newest first, before one (0 is from the newest).
func OfMany(r db.Reader, members []int64, before int64, limit int) []Order {
	var out []Order
	for _, m := range members {
		out = append(out, Of(r, m, before, limit)...)
	}
	slices.SortFunc(out, func(a, b Order) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(limit, len(out))]
}

// Latest lists the orders that were taken last, of all members. It walks the facts back from the newest, so that
// orders need no index of their own for it.
func Latest(v *db.View, n int) []Order {
	rows := fact.Table.Select(v, db.Query[fact.Row]{Where: "kind = ?", Args: []any{PaidFact{}.FactKind()}, Order: "id DESC", Limit: n})
	var out []Order
	for _, row := range rows {
		var paid PaidFact
		if json.Unmarshal([]byte(row.Body), &paid) != nil {
			continue // facts are written by Emit; a damaged one is not a list's business
		}
		if o, ok := Get(v, row.Member, paid.Order); ok {
			out = append(out, o)
		}
	}
	return out
}

// TotalsBetween lists the days' orders by channel over local days [from, until].
func TotalsBetween(r db.Reader, from, until int) []Total {
	return Totals.Select(r, db.Query[Total]{Where: "day >= ? AND day <= ?", Args: []any{from, until}, Order: "day, channel",
		Match: func(t *Total) bool { return t.Day >= from && t.Day <= until },
		Less:  func(a, b *Total) bool { return a.Day < b.Day || a.Day == b.Day && a.Channel < b.Channel }})
}

// waitingAfter lists refunds without an order by their key, after the last one of the page before.
func waitingAfter(r db.Reader, key, refundNo string, limit int) []Waiting {
	after := func(w *Waiting) bool { return w.Key > key || w.Key == key && w.RefundNo > refundNo }
	return Waitings.Select(r, db.Query[Waiting]{Where: "id > ? OR id = ? AND refund_no > ?", Args: []any{key, key, refundNo}, Order: "id, refund_no",
		Limit: limit, Match: after, Less: func(a, b *Waiting) bool { return a.Key < b.Key || a.Key == b.Key && a.RefundNo < b.RefundNo }})
}
