package app

import "guanxi/internal/base/db"

// lastFact is the id of the newest fact, 0 when there is none.
func lastFact(v *db.View) (id int64) {
	v.Row("SELECT COALESCE(MAX(id), 0) FROM fact", nil, &id)
	return id
}

// factsBetween counts the facts of each kind in (after, until].
func factsBetween(v *db.View, after, until int64) map[string]int64 {
	out := map[string]int64{}
	v.Rows("SELECT kind, COUNT(*) FROM fact WHERE id > ? AND id <= ? GROUP BY kind", []any{after, until}, func(scan func(...any)) {
		var kind string
		var n int64
		scan(&kind, &n)
		out[kind] = n
	})
	return out
}
