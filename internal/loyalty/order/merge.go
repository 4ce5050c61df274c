package order

import (
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/member"
)

// Owner is the living member an order belongs to: whoever now has the identity it came by.
func Owner(r db.Reader, o *Order) (member.Member, error) {
	if o.Via != 0 {
		return member.Resolve(r, o.Via)
	}
	return member.Resolve(r, o.Member)
}

// Items counts the items of an order, and those that went back.
func (o *Order) Items() (back, all int64) {
	for _, l := range o.LinesOf() {
		back += l.BackQty
		all += l.Qty
	}
	return back, all
}

// OnMerged adds up what the orders of both say.
func (s *Service) OnMerged(tx *db.Tx, from, into int64) {
	a, ok := Stats.Get(tx, from)
	if !ok {
		return
	}
	b, ok := Stats.Get(tx, into)
	if !ok {
		b = Stat{Member: into, First: a.First}
	}
	b.Orders += a.Orders
	b.Refunds += a.Refunds
	b.Spent += a.Spent
	b.Refunded += a.Refunded
	b.First, b.Last, b.LastDay = min(a.First, b.First), max(a.Last, b.Last), max(a.LastDay, b.LastDay)
	Stats.Put(tx, b)
}

// OnUnmerged counts the orders of both anew; those since the merge belong to whose identity they came by.
func (s *Service) OnUnmerged(tx *db.Tx, from, into int64) error {
	stats := map[int64]*Stat{from: {Member: from}, into: {Member: into}}
	for _, id := range homes(tx, append(member.Family(tx, from), member.Family(tx, into)...)) {
		for _, o := range Orders.OfOwner(tx, id) {
			owner, err := Owner(tx, &o)
			if err != nil {
				return err
			}
			if st := stats[owner.ID]; st != nil {
				s.tally(tx, st, o)
			}
		}
	}
	for _, id := range []int64{from, into} {
		Stats.Get(tx, id) // a row is read before it is written over
		Stats.Put(tx, *stats[id])
	}
	return nil
}

// homes are the members under whom orders of these may stand.
func homes(r db.Reader, ids []int64) []int64 {
	var out []int64
	for _, id := range ids {
		out = append(out, member.Homes(r, id)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// FindOf finds an order of a member by id, also one that came in while it was a part of another.
func FindOf(r db.Reader, memberID, id int64) (Order, bool) {
	for _, home := range homes(r, member.Family(r, memberID)) {
		if o, ok := Get(r, home, id); ok {
			return o, true
		}
	}
	return Order{}, false
}

func (s *Service) tally(tx *db.Tx, st *Stat, o Order) {
	if st.Orders == 0 {
		st.First = o.Occurred
	}
	st.Orders++
	st.Spent += o.Amount
	st.First, st.Last = min(st.First, o.Occurred), max(st.Last, o.Occurred)
	st.LastDay = max(st.LastDay, s.Zone.LocalDay(o.Occurred))
	for _, f := range RefundsOf(tx, o.Member, o.ID) {
		st.Refunds++
		st.Refunded += f.Amount
	}
}
