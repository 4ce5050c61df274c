package member

import (
	"context"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

// States of a suspicion.
const (
	SuspectOpen      = "open"      // 待处理
	SuspectMerged    = "merged"    // 已合并
	SuspectDismissed = "dismissed" // 不是同一人
)

// Faults of suspicions.
var (
	ErrNoSuspect = fault.Define("member.no_suspect", fault.NotFound, "没有这条疑似记录", "There is no such suspicion")
	ErrDecided   = fault.Define("member.suspect_decided", fault.Conflict, "这条疑似记录已经处理过了", "This suspicion was decided before")
)

// Suspect is two members who may be one person: proofs given in one sitting led to both, and no machine may decide (rulings 24).
type Suspect struct {
	ID, A, B        int64 // A is the smaller number
	State           string
	Why             string // the kinds of identity that led to them
	Via             string // who brought them
	Times           int64
	First, Last     int64
	DecidedAt       int64
	DecidedBy, Note string
}

var suspects = db.NewTable(db.Spec[Suspect, int64]{
	Name: "member_suspect", Keys: 1, Indexed: true,
	Cols: []string{"suspect_id", "a_id", "b_id", "state", "why", "via", "times", "first_at", "last_at", "decided_at", "decided_by", "reason"},
	Row: func(r *Suspect, p []any) []any {
		return append(p, &r.ID, &r.A, &r.B, &r.State, &r.Why, &r.Via, &r.Times, &r.First, &r.Last, &r.DecidedAt, &r.DecidedBy, &r.Note)
	},
	Key: func(r *Suspect) int64 { return r.ID },
})

func suspectOf(r db.Reader, a, b int64) (Suspect, bool) {
	a, b = min(a, b), max(a, b)
	rows := suspects.Select(r, db.Query[Suspect]{
		Where: "a_id = ? AND b_id = ?", Args: []any{a, b}, Limit: 1,
		Match: func(x *Suspect) bool { return x.A == a && x.B == b },
	})
	if len(rows) == 0 {
		return Suspect{}, false
	}
	return rows[0], true
}

// Suspects lists suspicions in a state, the newest first, before an id (0 is from the newest).
func Suspects(r db.Reader, state string, before int64, limit int) []Suspect {
	if before == 0 {
		before = 1<<63 - 1
	}
	return suspects.Select(r, db.Query[Suspect]{
		Where: "state = ? AND suspect_id < ?", Args: []any{state, before}, Order: "suspect_id DESC", Limit: limit,
		Match: func(x *Suspect) bool { return x.State == state && x.ID < before },
		Less:  func(a, b *Suspect) bool { return a.ID > b.ID },
	})
}

// SuspectsAbout lists the open suspicions about a member.
func SuspectsAbout(r db.Reader, id int64) []Suspect {
	return suspects.Select(r, db.Query[Suspect]{
		Where: "(a_id = ? OR b_id = ?) AND state = ?", Args: []any{id, id, SuspectOpen}, Order: "suspect_id",
		Match: func(x *Suspect) bool { return (x.A == id || x.B == id) && x.State == SuspectOpen },
		Less:  func(a, b *Suspect) bool { return a.ID < b.ID },
	})
}

// AfterRefusal notes what a refusal tells about members who may be one person. It takes a write of its own, since the one that was
// refused left nothing; the refusal stays what it was. Self is the member who brought the identities, 0 when there is none.
func (s *Service) AfterRefusal(ctx context.Context, d *db.DB, actor string, self int64, list []Identity, refused error) error {
	if !fault.Is(refused, ErrRival) && !fault.Is(refused, ErrIdentityTaken) {
		return refused
	}
	err := d.Write(context.WithoutCancel(ctx), db.Op{Actor: actor}, func(tx *db.Tx) error { return s.NoteSuspects(tx, self, list) })
	if err != nil {
		return err
	}
	return refused
}

// NoteSuspects notes that identities brought together lead to several members: each pair once, however often it comes. Who decided
// before is not asked again.
func (s *Service) NoteSuspects(tx *db.Tx, self int64, list []Identity) error {
	var found []int64
	add := func(id int64) error {
		m, err := Resolve(tx, id)
		if err == nil && m.Status != Cancelled && !slices.Contains(found, m.ID) {
			found = append(found, m.ID)
		}
		return err
	}
	if self != 0 {
		if err := add(self); err != nil {
			return err
		}
	}
	for _, i := range list {
		f, ok, err := s.Find(tx, i)
		if err != nil {
			return err
		}
		if ok {
			if err := add(f.Member); err != nil {
				return err
			}
		}
	}
	for n, a := range found {
		for _, b := range found[n+1:] {
			if err := note(tx, a, b, list); err != nil {
				return err
			}
		}
	}
	return nil
}

func note(tx *db.Tx, a, b int64, list []Identity) error {
	row, ok := suspectOf(tx, a, b)
	if !ok {
		return suspects.Insert(tx, Suspect{ID: tx.ID(), A: min(a, b), B: max(a, b), State: SuspectOpen, Why: kindsIn(list),
			Via: tx.Actor(), Times: 1, First: tx.Now(), Last: tx.Now()})
	}
	row.Times++
	row.Last, row.Why, row.Via = tx.Now(), kindsIn(list), tx.Actor()
	if row.State == SuspectMerged { // and taken apart again since
		row.State, row.DecidedAt, row.DecidedBy, row.Note = SuspectOpen, 0, "", ""
	}
	suspects.Put(tx, row)
	return nil
}

func kindsIn(list []Identity) string {
	var kinds []string
	for _, i := range list {
		if !slices.Contains(kinds, i.Kind) {
			kinds = append(kinds, i.Kind)
		}
	}
	return strings.Join(kinds, ",")
}

// Dismiss decides that two members are not one person.
func (s *Service) Dismiss(tx *db.Tx, id int64, reason string) (Suspect, error) {
	row, ok := suspects.Get(tx, id)
	switch {
	case !ok:
		return row, ErrNoSuspect.New()
	case row.State != SuspectOpen:
		return row, ErrDecided.New()
	case strings.TrimSpace(reason) == "":
		return row, ErrReason.New().At("reason")
	}
	s.decide(tx, row, SuspectDismissed, reason)
	return row, nil
}

func (s *Service) decide(tx *db.Tx, row Suspect, state, reason string) {
	row.State, row.DecidedAt, row.DecidedBy, row.Note = state, tx.Now(), tx.Actor(), reason
	suspects.Put(tx, row)
}

// settleSuspects follows a merge: what was suspected of the two is decided, and what was suspected of the one who is gone
// is so of the survivor.
func (s *Service) settleSuspects(tx *db.Tx, from, into int64, reason string) error {
	for _, row := range SuspectsAbout(tx, from) {
		other := row.A + row.B - from
		s.decide(tx, row, SuspectMerged, reason)
		if _, known := suspectOf(tx, other, into); known || other == into {
			continue
		}
		err := suspects.Insert(tx, Suspect{ID: tx.ID(), A: min(other, into), B: max(other, into), State: SuspectOpen, Why: row.Why,
			Via: row.Via, Times: row.Times, First: row.First, Last: row.Last})
		if err != nil {
			return err
		}
	}
	return nil
}
