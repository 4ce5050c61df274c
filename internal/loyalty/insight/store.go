package insight

import (
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
)

type mark struct {
	Kind    string
	Day     int
	Subject int64
	Amount  int64
	Members int64
	At      int64 // when it was walked
}

type markKey struct {
	Kind    string
	Day     int
	Subject int64
}

func (m *mark) key() markKey { return markKey{m.Kind, m.Day, m.Subject} }

var marks = db.NewTable(db.Spec[mark, markKey]{
	Name: "insight_calendar", Keys: 3, Cols: []string{"kind", "day", "subject", "amount", "members", "at"},
	Row: func(r *mark, p []any) []any {
		return append(p, &r.Kind, &r.Day, &r.Subject, &r.Amount, &r.Members, &r.At)
	},
	Key:  (*mark).key,
	Args: func(k markKey, a []any) []any { return append(a, k.Kind, k.Day, k.Subject) },
})

func marksOf(r db.Reader, kind string) []mark {
	return marks.Select(r, db.Query[mark]{Where: "kind = ?", Args: []any{kind}, Order: "day, subject",
		Match: func(m *mark) bool { return m.Kind == kind },
		Less:  func(a, b *mark) bool { return a.Day < b.Day || a.Day == b.Day && a.Subject < b.Subject }})
}

// ending is a member whose earned tier ends.
type ending struct {
	Member, Until, Growth int64
	Earned                int
}

const endingFrom = `SELECT s.member_id, s.until_at, s.earned, COALESCE(a.balance, 0) FROM tier_state s
	JOIN member m ON m.member_id = s.member_id AND m.merged_into = 0 AND m.status <> 'cancelled'
	LEFT JOIN ledger_account a ON a.member_id = s.member_id AND a.asset = ?
	WHERE s.until_at > ? AND s.until_at <= ? AND s.earned > 0 AND s.member_id > ? ORDER BY s.member_id LIMIT ?`

// eachEnding walks members whose earned tier ends in (from, until], by id after one.
func eachEnding(v *db.View, from, until, after, limit int64, f func(ending)) {
	v.Rows(endingFrom, []any{ledger.Growth, from, until, after, limit}, func(scan func(...any)) {
		var e ending
		scan(&e.Member, &e.Until, &e.Earned, &e.Growth)
		f(e)
	})
}
