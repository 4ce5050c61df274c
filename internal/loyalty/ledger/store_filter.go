package ledger

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// Filter narrows a statement. The zero value lets everything through.
type Filter struct {
	From, Until int64 // booked in [From, Until); 0 is open
	Sign        int   // 1 what came in, -1 what went out
	Kind        string
}

// FilteredStatement lists entries that pass a filter, newest first, before a seq (0 is from the newest).
func FilteredStatement(v *db.View, member int64, asset Asset, before int64, limit int, f Filter) []Entry {
	if before == 0 {
		before = Never
	}
	if f.Until > 0 {
		before = min(before, firstAt(v, member, asset, f.Until))
	}
	first := int64(0)
	if f.From > 0 {
		first = firstAt(v, member, asset, f.From)
	}
	return Entries.Select(v, db.Query[Entry]{
		Where: `member_id = ? AND asset = ? AND seq < ? AND seq >= ? AND (? = 0 OR amount > 0 AND ? > 0 OR amount < 0 AND ? < 0)
			AND (? = '' OR kind = ?)`,
		Args:  []any{member, asset, before, first, f.Sign, f.Sign, f.Sign, f.Kind, f.Kind},
		Order: "seq DESC", Limit: limit, Owner: member,
	})
}

// firstAt is the seq of the first entry booked at or after an instant, or one past the last. Booking times never go back
// along an account, so it is found by halving.
func firstAt(r db.Reader, member int64, asset Asset, at int64) int64 {
	a, _ := Accounts.Get(r, AccountKey{member, asset})
	lo, hi := int64(1), a.Seq+1
	for lo < hi {
		mid := lo + (hi-lo)>>1
		if e, _ := Entries.Get(r, EntryKey{member, asset, mid}); e.At >= at {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// Month is what came and went in a local month.
type Month struct {
	Month   int // as 202607
	In      int64
	Out     int64 // below zero
	Expired int64 // of Out what lapsed
	Entries int64
}

// MonthsOf sums a member's entries by local month, the newest first, from a local day on.
func MonthsOf(v *db.View, z clock.Zone, member int64, asset Asset, from int) []Month {
	var out []Month
	v.Rows("SELECT at, kind, amount FROM ledger_entry WHERE member_id = ? AND asset = ? AND seq >= ? ORDER BY seq DESC",
		[]any{member, asset, firstAt(v, member, asset, z.StartOfDay(from))}, func(scan func(...any)) {
			var at, amount int64
			var kind string
			scan(&at, &kind, &amount)
			month := z.LocalDay(at) / 100
			if n := len(out); n == 0 || out[n-1].Month != month {
				out = append(out, Month{Month: month})
			}
			m := &out[len(out)-1]
			m.Entries++
			switch {
			case amount >= 0:
				m.In += amount
			default:
				m.Out += amount
				if kind == KindExpire {
					m.Expired += amount
				}
			}
		})
	return out
}

// DueBefore lists members, by id and beginning after one, of whose account time will change something before an instant.
func DueBefore(v *db.View, asset Asset, after, at int64, n int) []int64 {
	var out []int64
	v.Rows("SELECT member_id FROM ledger_account WHERE member_id > ? AND asset = ? AND due_at < ? ORDER BY member_id LIMIT ?",
		[]any{after, asset, at, n}, func(scan func(...any)) {
			var id int64
			scan(&id)
			out = append(out, id)
		})
	return out
}
