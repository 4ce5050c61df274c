package order

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/id"
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

// WaitingAfter lists refunds without an order by their key, after the last one of the page before.
func WaitingAfter(r db.Reader, key, refundNo string, limit int) []Waiting {
	after := func(w *Waiting) bool { return w.Key > key || w.Key == key && w.RefundNo > refundNo }
	return Waitings.Select(r, db.Query[Waiting]{Where: "id > ? OR id = ? AND refund_no > ?", Args: []any{key, key, refundNo}, Order: "id, refund_no",
		Limit: limit, Match: after, Less: func(a, b *Waiting) bool { return a.Key < b.Key || a.Key == b.Key && a.RefundNo < b.RefundNo }})
}

// Filter says which orders are wanted; empty fields and 0 are all.
type Filter struct {
	Source, Channel, Status string
	Stores                  []string // codes
	Terminal                int64
	Members                 []int64 // a family
	From, Until             int64   // received at or after, and before
}

func (f *Filter) wants(o *Order) bool {
	return (f.Source == "" || o.Source == f.Source) && (f.Channel == "" || o.Channel == f.Channel) && (f.Status == "" || o.Status == f.Status) &&
		(len(f.Stores) == 0 || slices.Contains(f.Stores, o.Store)) && (f.Terminal == 0 || o.Terminal == f.Terminal)
}

// Listed is an order in a list, with the place where the list goes on after it.
type Listed struct {
	Order
	Place int64
}

const (
	listBatch = 500
	listWalk  = 2500
)

// spot is an order that a walk comes by, and its place.
type spot struct{ member, order, place int64 }

// List walks orders back from the newest, or from a place. It looks at a bounded number of them: more tells where to go
// on when the walk ended before the page was full; 0 is the end.
func List(v *db.View, f Filter, place int64, limit int) (out []Listed, more int64) {
	if place == 0 {
		place = 1<<63 - 1
	}
	if f.Until > 0 {
		place = min(place, id.Floor(f.Until))
	}
	next := paidBefore
	switch {
	case len(f.Members) > 0:
		next = f.ofMembers
	case f.Status == Refunded, f.Status == PartiallyRefunded: // rare among all, and all among those with a refund
		next = refundedBefore
	}
	for walked := 0; walked < listWalk; {
		spots := next(v, place, id.Floor(f.From))
		for _, at := range spots {
			walked++
			again := at.place == place // an order with several refunds is met at each
			place = at.place
			if again || at.order == 0 {
				continue
			}
			if o, ok := Get(v, at.member, at.order); ok && f.wants(&o) {
				if out = append(out, Listed{o, place}); len(out) == limit {
					return out, 0
				}
			}
		}
		if len(spots) < listBatch {
			return out, 0
		}
	}
	return out, place
}

// paidBefore walks the facts of orders, from newest to oldest.
func paidBefore(v *db.View, place, least int64) (out []spot) {
	for _, row := range fact.Table.Select(v, db.Query[fact.Row]{Where: "kind = ? AND id < ? AND id >= ?",
		Args: []any{PaidFact{}.FactKind(), place, least}, Order: "id DESC", Limit: listBatch}) {
		var paid PaidFact
		if json.Unmarshal([]byte(row.Body), &paid) != nil {
			paid.Order = 0 // as in Latest
		}
		out = append(out, spot{row.Member, paid.Order, row.ID})
	}
	return out
}

// refundedBefore walks the orders of which something came back, from newest to oldest.
func refundedBefore(v *db.View, place, least int64) (out []spot) {
	for _, r := range Refunds.Select(v, db.Query[Refund]{Where: "order_id < ? AND order_id >= ?", Args: []any{place, least}, Order: "order_id DESC", Limit: listBatch}) {
		out = append(out, spot{r.Member, r.Order, r.Order})
	}
	return out
}

// ofMembers walks the orders of a family, from newest to oldest.
func (f *Filter) ofMembers(v *db.View, place, least int64) (out []spot) {
	for _, o := range OfMany(v, f.Members, place, listBatch) {
		if o.ID >= least {
			out = append(out, spot{o.Member, o.ID, o.ID})
		}
	}
	return out
}

// FindAnywhere finds orders by their number, or that of a refund, whatever system they came from: it skips from one
// source to the next.
func FindAnywhere(r db.Reader, no string) (out []Order) {
	const mostSources = 64
	after := ""
	for range mostSources {
		rows := keys.Select(r, db.Query[keyRow]{Where: "id > ?", Args: []any{after}, Order: "id", Limit: 1,
			Match: func(k *keyRow) bool { return k.ID > after }, Less: func(a, b *keyRow) bool { return a.ID < b.ID }})
		if len(rows) == 0 {
			break
		}
		source, _, _ := strings.Cut(rows[0].ID, "|")
		for _, k := range []string{keyOf(source, no), refundKeyOf(source, no)} {
			if row, ok := keys.Get(r, k); ok && row.Order != 0 {
				if o, ok := Get(r, row.Member, row.Order); ok {
					out = append(out, o)
				}
			}
		}
		after = source + "}"
	}
	return out
}

// RefundsBefore lists a member's refunds by id, newest first, before one (0 is from the newest).
func RefundsBefore(r db.Reader, member, before int64, limit int) []Refund {
	if before == 0 {
		before = 1<<63 - 1
	}
	return Refunds.Select(r, db.Query[Refund]{Where: "member_id = ? AND refund_id < ?", Args: []any{member, before}, Order: "refund_id DESC", Limit: limit,
		Owner: member, Match: func(f *Refund) bool { return f.Member == member && f.ID < before }, Less: func(a, b *Refund) bool { return a.ID > b.ID }})
}

// ToReview counts refunds that wait for a person, as far as a page shows them.
func ToReview(r db.Reader) int64 {
	return int64(len(Waitings.Select(r, db.Query[Waiting]{Where: "state = ?", Args: []any{"review"}, Limit: 1000,
		Match: func(w *Waiting) bool { return w.State == "review" }})))
}

// Known reports whether an order or a refund of a source is in already.
func Known(r db.Reader, source, no string, refund bool) bool {
	k := keyOf(source, no)
	if refund {
		k = refundKeyOf(source, no)
	}
	_, ok := keys.Get(r, k)
	return ok
}
