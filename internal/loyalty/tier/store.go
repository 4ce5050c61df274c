package tier

import (
	"embed"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of tiers.
var Schema = db.Schema{Feature: "tier", Files: files}

// State is where a member stands. Members on the lowest tier who never rose have no row.
type State struct {
	Member      int64
	Earned      int   // rank
	Since       int64 // of the last change: from then on this row says what is held, before it the history
	Until       int64 // end of the earned tier's validity
	Warned      int
	Manual      int // rank given by staff, -1 when none
	ManualUntil int64
	Seq         int64 // last history row
	Next        int64 // when time will next do something
	Benefits    int   // rank whose benefits hold while a refund has stopped those of the earned one, -1 when none has
}

// States holds the members above the lowest tier, or once above it.
var States = db.NewTable(db.Spec[State, int64]{
	Name: "tier_state", Keys: 1, Load: true,
	Cols: []string{"member_id", "earned", "since_at", "until_at", "warned", "by_hand", "by_hand_until", "seq", "next_at", "benefits"},
	Row: func(r *State, p []any) []any {
		return append(p, &r.Member, &r.Earned, &r.Since, &r.Until, &r.Warned, &r.Manual, &r.ManualUntil, &r.Seq, &r.Next, &r.Benefits)
	},
	Key:   func(r *State) int64 { return r.Member },
	Owner: func(k int64) int64 { return k },
})

// Interval is a stretch of time in one tier; it ends where the next begins.
type Interval struct {
	Member int64
	Seq    int64
	Tier   int // held
	Earned int // of it, without what was given by hand
	From   int64
	Until  int64 // the validity known when it began
	// EarnedUntil is the validity of the earned tier, also while one given by hand stands above it.
	EarnedUntil int64
	Reason      string
	Note        string
	Actor       string
	Cause       int64
	Benefits    int // as in the state
	Enjoyed     int // rank whose benefits the member had, by hand or not, -1 when it was that of the tier
}

type historyKey struct{ Member, Seq int64 }

// History holds every change of tier.
var History = db.NewTable(db.Spec[Interval, historyKey]{
	Name: "tier_history", Keys: 2,
	Cols: []string{"member_id", "seq", "tier", "earned", "from_at", "until_at", "earned_until", "reason", "note", "actor", "cause_id", "benefits", "enjoyed"},
	Row: func(r *Interval, p []any) []any {
		return append(p, &r.Member, &r.Seq, &r.Tier, &r.Earned, &r.From, &r.Until, &r.EarnedUntil, &r.Reason, &r.Note, &r.Actor, &r.Cause, &r.Benefits, &r.Enjoyed)
	},
	Key:   func(r *Interval) historyKey { return historyKey{r.Member, r.Seq} },
	Args:  func(k historyKey, a []any) []any { return append(a, k.Member, k.Seq) },
	Owner: func(k historyKey) int64 { return k.Member },
})

// Notice is one recorded warning before a downgrade.
type Notice struct {
	Member int64
	At     int64
	N      int
	Until  int64
	Short  int64
}

type noticeKey struct{ Member, At int64 }

// Notices holds every warning.
var Notices = db.NewTable(db.Spec[Notice, noticeKey]{
	Name: "tier_notice", Keys: 2, Cols: []string{"member_id", "at", "n", "until_at", "short"},
	Row:   func(r *Notice, p []any) []any { return append(p, &r.Member, &r.At, &r.N, &r.Until, &r.Short) },
	Key:   func(r *Notice) noticeKey { return noticeKey{r.Member, r.At} },
	Args:  func(k noticeKey, a []any) []any { return append(a, k.Member, k.At) },
	Owner: func(k noticeKey) int64 { return k.Member },
})

type tally struct {
	Key     int
	Members int64
}

func tallyTable(name, col string) *db.Table[tally, int] {
	return db.NewTable(db.Spec[tally, int]{
		Name: name, Keys: 1, Cols: []string{col, "members"},
		Row: func(r *tally, p []any) []any { return append(p, &r.Key, &r.Members) },
		Key: func(r *tally) int { return r.Key },
	})
}

var (
	standings = tallyTable("tier_standing", "band")
	counts    = tallyTable("tier_count", "tier")
)

func bump(tx *db.Tx, t *db.Table[tally, int], key int, by int64) {
	row, _ := t.GetNear(tx, key, func() []any {
		const wide = 64
		near := make([]any, wide)
		for i := range near {
			near[i] = key - key%wide + i
		}
		return near
	})
	row.Key = key
	row.Members += by
	t.Put(tx, row)
}

// HistoryOf lists a member's intervals, oldest first.
func HistoryOf(r db.Reader, member int64) []Interval { return History.OfOwner(r, member) }

// NoticesOf lists a member's warnings, oldest first.
func NoticesOf(r db.Reader, member int64) []Notice { return Notices.OfOwner(r, member) }

// DueAfter lists members whom time will do something to, in id order, beginning after one.
func DueAfter(v *db.View, after int64, n int) []int64 {
	var out []int64
	v.Rows("SELECT member_id FROM tier_state WHERE member_id > ? AND next_at <= ? ORDER BY member_id LIMIT ?",
		[]any{after, v.Now(), n}, func(scan func(...any)) {
			var id int64
			scan(&id)
			out = append(out, id)
		})
	return out
}

// GrowthAfter lists members with growth in id order, beginning after one.
func GrowthAfter(v *db.View, after int64, n int) []int64 {
	var out []int64
	v.Rows("SELECT member_id FROM ledger_account WHERE asset = ? AND member_id > ? AND balance > 0 ORDER BY member_id LIMIT ?",
		[]any{ledger.Growth, after, n}, func(scan func(...any)) {
			var id int64
			scan(&id)
			out = append(out, id)
		})
	return out
}

// eachGrowth walks the growth of all members there are, with the tier earned.
func eachGrowth(v *db.View, f func(member, growth int64, earned int)) {
	v.Rows(`SELECT a.member_id, a.balance, COALESCE(s.earned, 0) FROM ledger_account a
		JOIN member m ON m.member_id = a.member_id AND m.merged_into = 0 AND m.status <> 'cancelled'
		LEFT JOIN tier_state s ON s.member_id = a.member_id WHERE a.asset = 2 ORDER BY a.member_id`, nil, func(scan func(...any)) {
		var member, growth int64
		var earned int
		scan(&member, &growth, &earned)
		f(member, growth, earned)
	})
}
