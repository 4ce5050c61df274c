package member

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// Total is what a local day did to the number of members.
type Total struct {
	Day    int
	Joined int64
	Merged int64 // into another, less those taken apart
	Closed int64
}

// Totals holds a row a local day, so that nobody has to count members.
var Totals = db.NewTable(db.Spec[Total, int]{
	Name: "member_total", Keys: 1, Cols: []string{"day", "joined", "merged", "closed"},
	Row: func(r *Total, p []any) []any { return append(p, &r.Day, &r.Joined, &r.Merged, &r.Closed) },
	Key: func(r *Total) int { return r.Day },
})

func (s *Service) tally(tx *db.Tx, at int64, f func(*Total)) {
	day := s.Zone.LocalDay(at)
	row, _ := Totals.Get(tx, day)
	row.Day = day
	f(&row)
	Totals.Put(tx, row)
}

// TotalsBetween lists the totals of local days [from, until].
func TotalsBetween(r db.Reader, from, until int) []Total {
	return Totals.Select(r, db.Query[Total]{Where: "day >= ? AND day <= ?", Args: []any{from, until}, Order: "day",
		Match: func(t *Total) bool { return t.Day >= from && t.Day <= until }, Less: func(a, b *Total) bool { return a.Day < b.Day }})
}

// Recount fills the totals of an installation that is older than they are.
func (s *Service) Recount(tx *db.Tx, from []Total) {
	for _, t := range from {
		Totals.Get(tx, t.Day)
		Totals.Put(tx, t)
	}
}

// CountByDay walks all members for Recount; nil when there is nothing to do.
func CountByDay(v *db.View, z clock.Zone) (out []Total) {
	days := map[int]Total{}
	if len(Totals.Select(v, db.Query[Total]{Limit: 1})) > 0 {
		return nil
	}
	add := func(at int64, f func(*Total)) {
		t := days[z.LocalDay(at)]
		t.Day = z.LocalDay(at)
		f(&t)
		days[t.Day] = t
	}
	Members.Each(v, db.Query[Member]{Order: "member_id"}, func(m *Member) {
		add(m.JoinedAt, func(t *Total) { t.Joined++ })
		if m.Status == Cancelled {
			add(m.StatusAt, func(t *Total) { t.Closed++ })
		}
	})
	Merges.Each(v, db.Query[Merge]{Where: "undone_at = 0"}, func(m *Merge) { add(m.At, func(t *Total) { t.Merged++ }) })
	for _, t := range days {
		out = append(out, t)
	}
	return out
}
