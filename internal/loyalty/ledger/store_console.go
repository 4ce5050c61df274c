package ledger

import "guanxi/internal/base/db"

// MemberExpiring is what of one member's lapses.
type MemberExpiring struct {
	Member int64
	Amount int64
	First  int64 // when the first of it lapses
}

// ExpiringMembers lists the members of whom most lapses in (from, until]. It reads every open lot.
func ExpiringMembers(v *db.View, asset Asset, from, until int64, limit int) []MemberExpiring {
	var out []MemberExpiring
	v.Rows(`SELECT member_id, SUM(remaining), MIN(expires_at) FROM ledger_lot
		WHERE asset = ? AND expires_at > ? AND expires_at <= ? GROUP BY member_id ORDER BY SUM(remaining) DESC, member_id LIMIT ?`,
		[]any{asset, from, until, limit}, func(scan func(...any)) {
			var e MemberExpiring
			scan(&e.Member, &e.Amount, &e.First)
			out = append(out, e)
		})
	return out
}

// EntryCount is how many entries all accounts have, by their numbers.
func EntryCount(v *db.View) (n int64) {
	v.Row("SELECT COALESCE(SUM(seq), 0) FROM ledger_account", nil, &n)
	return n
}

// EntriesAfter lists entries by key behind one, of one member or (0) of all.
func EntriesAfter(v *db.View, k EntryKey, member int64, limit int) []Entry {
	q := db.Query[Entry]{Order: "member_id, asset, seq", Limit: limit}
	switch {
	case member != 0:
		q.Where, q.Args = "member_id = ? AND (asset > ? OR asset = ? AND seq > ?)", []any{member, k.Asset, k.Asset, k.Seq}
	default:
		q.Where, q.Args = "member_id >= ? AND (member_id > ? OR asset > ? OR asset = ? AND seq > ?)", []any{k.Member, k.Member, k.Asset, k.Asset, k.Seq}
	}
	return Entries.Select(v, q)
}
