package ledger

import (
	"slices"

	"guanxi/internal/base/db"
)

// Balances is what a member sees of an account at an instant.
type Balances struct {
	Asset     Asset
	Balance   int64 // what the ledger has booked, without what expired since
	Available int64
	Pending   int64
	Held      int64
	Frozen    int64
	Debt      int64
}

// Now gives the balances as of the reader's instant: lots that expired or matured since the last booking count as such.
func Now(r db.Reader, member int64, asset Asset) Balances {
	a, ok := Accounts.Get(r, AccountKey{member, asset})
	if !ok {
		return Balances{Asset: asset}
	}
	return Current(r, a)
}

// Current is Now for an account already read.
func Current(r db.Reader, a Account) Balances {
	b := Balances{Asset: a.Asset, Balance: a.Balance, Pending: a.Pending, Held: a.Held, Frozen: a.Frozen, Debt: a.Debt}
	if r.Now() >= a.Due {
		b = recount(r, a)
	}
	b.Available = max(0, b.Balance-b.Pending-b.Held-b.Frozen)
	return b
}

// recount is the read-only twin of Settle.
func recount(r db.Reader, a Account) Balances {
	b := Balances{Asset: a.Asset, Balance: a.Balance, Held: a.Held, Frozen: a.Frozen, Debt: a.Debt}
	for _, h := range openHolds(r, a.Member, a.Asset) {
		if h.Until > r.Now() {
			continue
		}
		takes, _ := h.takes() // a damaged one is Verify's to report
		for _, t := range takes {
			if t.Expires <= r.Now() {
				b.Balance -= t.N
			}
		}
		if h.Kind == HoldFreeze {
			b.Frozen -= h.Amount
		} else {
			b.Held -= h.Amount
		}
	}
	eachLot(r, a.Member, a.Asset, Lot{}, func(l Lot) bool {
		if l.Expires <= r.Now() {
			b.Balance -= l.Remaining - l.Held
		} else if l.Matures > r.Now() {
			b.Pending += l.Remaining
		}
		return true
	})
	return b
}

// Expiring is points that lapse at one instant.
type Expiring struct {
	At     int64
	Amount int64
}

// ExpiringBefore lists what lapses before an instant, soonest first.
func ExpiringBefore(r db.Reader, member int64, asset Asset, before int64) []Expiring {
	var out []Expiring
	eachLot(r, member, asset, expired(r.Now()), func(l Lot) bool {
		if l.Expires >= before {
			return false
		}
		if n := len(out); n > 0 && out[n-1].At == l.Expires {
			out[n-1].Amount += l.Remaining
		} else {
			out = append(out, Expiring{l.Expires, l.Remaining})
		}
		return true
	})
	return out
}

// OpenLots lists open lots, what expires soonest first, a page at a time, beginning after a lot.
func OpenLots(r db.Reader, member int64, asset Asset, after LotKey, limit int) []Lot {
	return spendable(r, member, asset, Lot{Expires: after.Expires, ID: after.Lot}, limit)
}

// Statement lists entries, newest first, before a seq (0 is from the newest).
func Statement(r db.Reader, member int64, asset Asset, before int64, limit int) []Entry {
	if before == 0 {
		before = Never
	}
	return Entries.Select(r, db.Query[Entry]{
		Where: "member_id = ? AND asset = ? AND seq < ?", Args: []any{member, asset, before}, Order: "seq DESC", Limit: limit, Owner: member,
		Match: func(e *Entry) bool { return e.Asset == asset && e.Seq < before },
		Less:  func(a, b *Entry) bool { return a.Seq > b.Seq },
	})
}

// FindEntry reads one entry.
func FindEntry(r db.Reader, member int64, asset Asset, seq int64) (Entry, bool) {
	return Entries.Get(r, EntryKey{member, asset, seq})
}

// EntryBySource finds what a cause booked.
func EntryBySource(r db.Reader, member int64, asset Asset, source string) (Entry, bool) {
	return bySource(r, member, asset, source)
}

// AsOf gives the booked balance at an instant: that of the last entry booked at or before it.
// Booking times never go back along an account, so it is found by halving.
func AsOf(r db.Reader, member int64, asset Asset, at int64) int64 {
	a, _ := Accounts.Get(r, AccountKey{member, asset})
	lo, hi := int64(0), a.Seq // balance after entry lo is known to be at or before the instant
	var balance int64
	for lo < hi {
		mid := lo + (hi-lo+1)>>1
		e, _ := Entries.Get(r, EntryKey{member, asset, mid})
		if e.At <= at {
			lo, balance = mid, e.Balance
		} else {
			hi = mid - 1
		}
	}
	return balance
}

// Flow sums totals of an asset by kind over local days [from, to].
func Flow(r db.Reader, asset Asset, from, to int) map[string]Total {
	out := map[string]Total{}
	for _, t := range TotalsBetween(r, asset, from, to) {
		sum := out[t.Kind]
		sum.Asset, sum.Kind = asset, t.Kind
		sum.Amount += t.Amount
		sum.Entries += t.Entries
		out[t.Kind] = sum
	}
	return out
}

// TotalsBetween lists the daily flows of an asset over local days [from, to].
func TotalsBetween(r db.Reader, asset Asset, from, to int) []Total {
	rows := Totals.Select(r, db.Query[Total]{
		Where: "asset = ? AND day >= ? AND day <= ?", Args: []any{asset, from, to}, Order: "asset, day, kind",
		Match: func(t *Total) bool { return t.Asset == asset && t.Day >= from && t.Day <= to },
	})
	slices.SortStableFunc(rows, func(a, b Total) int { return a.Day - b.Day })
	return rows
}

// Outstanding is the sum of all balances of an asset and of all debt, from the daily flows.
// What members hold in lots is balance + debt.
func Outstanding(r db.Reader, asset Asset) (balance, debt int64) {
	for kind, t := range Flow(r, asset, 0, 99991231) {
		if kind == "debt" {
			debt += t.Amount
		} else {
			balance += t.Amount
		}
	}
	return balance, debt
}
