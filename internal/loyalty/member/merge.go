package member

import (
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/id"
)

// Merge makes from a part of into: its identities lead to the survivor, its old id resolves for ever, and
// those who hear of it (ledger, tiers) carry over what it holds. It gives the merge's id, by which it can be undone.
func (s *Service) Merge(tx *db.Tx, from, into int64, reason string) (Merge, error) {
	if strings.TrimSpace(reason) == "" {
		return Merge{}, ErrReason.New().At("reason")
	}
	a, b, err := pair(tx, from, into)
	if err != nil {
		return Merge{}, err
	}
	m := Merge{ID: tx.ID(), From: a.ID, Into: b.ID, At: tx.Now(), Actor: tx.Actor(), Reason: reason}
	if err := Merges.Insert(tx, m); err != nil {
		return m, err
	}
	a.Into = b.ID
	Members.Put(tx, a)
	s.tally(tx, tx.Now(), func(t *Total) { t.Merged++ })
	for _, row := range identitiesOf(tx, a.ID) {
		row.Member = b.ID
		identities.Put(tx, row)
	}
	b.JoinedAt = min(a.JoinedAt, b.JoinedAt)
	Members.Put(tx, b)
	if severity[a.Status] > severity[b.Status] { // a merge must not wash a block away
		if err := s.setStatus(tx, b.ID, a.Status, reason); err != nil {
			return m, err
		}
	}
	if err := s.mergeConsents(tx, a.ID, b.ID); err != nil {
		return m, err
	}
	if err := s.settleSuspects(tx, a.ID, b.ID, reason); err != nil {
		return m, err
	}
	_, err = fact.Emit(tx, b.ID, Merged{m.ID, a.ID, b.ID})
	return m, err
}

// severity orders the states that members who merge can have; the stricter one stands.
var severity = map[string]int{Active: 0, Frozen: 1, Blacklisted: 2}

// pair checks that two members can become one.
func pair(tx *db.Tx, from, into int64) (a, b Member, err error) {
	if from == into {
		return a, b, ErrMergeSelf.New()
	}
	for n, x := range []int64{from, into} {
		m, ok := Members.Get(tx, x)
		switch {
		case !ok:
			return a, b, ErrNone.New()
		case m.Into != 0:
			return a, b, ErrMerged.With("into", id.String(m.Into))
		case m.Status == Cancelled:
			return a, b, ErrCancelled.New()
		}
		if n == 0 {
			a = m
		} else {
			b = m
		}
	}
	return a, b, nil
}

// Unmerge takes a merge apart: the identities that came with the merged member go back with it, and those who
// hear of it give back what can be told apart, and the lots in give, which a person decided about. Later merges into the same survivor must be undone first.
func (s *Service) Unmerge(tx *db.Tx, mergeID int64, give []int64) (Merge, error) {
	m, ok := Merges.Get(tx, mergeID)
	if !ok {
		return m, ErrNoMerge.New()
	}
	if m.UndoneAt != 0 {
		return m, ErrUndone.New()
	}
	if into, _ := Members.Get(tx, m.Into); into.Into != 0 {
		return m, ErrMerged.With("into", id.String(into.Into))
	}
	for _, later := range mergesOf(tx, m.Into) {
		if later.ID > m.ID && later.UndoneAt == 0 {
			return m, ErrMergeOrder.With("merge", id.String(later.ID))
		}
	}
	family := familyOf(tx, m.From)
	m.UndoneAt, m.UndoneBy = tx.Now(), tx.Actor()
	Merges.Put(tx, m)
	from, _ := Members.Get(tx, m.From)
	from.Into = 0
	Members.Put(tx, from)
	s.tally(tx, tx.Now(), func(t *Total) { t.Merged-- })
	for _, row := range identitiesOf(tx, m.Into) {
		if family[row.Origin] {
			row.Member = m.From
			identities.Put(tx, row)
		}
	}
	_, err := fact.Emit(tx, m.Into, Unmerged{m.ID, m.From, m.Into, give})
	return m, err
}

// familyOf is a member with all that was merged into it before.
func familyOf(r db.Reader, member int64) map[int64]bool {
	out := map[int64]bool{member: true}
	for _, m := range mergesOf(r, member) {
		if m.UndoneAt == 0 {
			for k := range familyOf(r, m.From) {
				out[k] = true
			}
		}
	}
	return out
}

// Family lists a member and everyone merged into it: whose orders and entries are its own.
func Family(r db.Reader, member int64) []int64 {
	out := []int64{member}
	for _, m := range mergesOf(r, member) {
		if m.UndoneAt == 0 {
			out = append(out, Family(r, m.From)...)
		}
	}
	return out
}

// Homes lists every member that an id is or ever was a part of, itself first: where what it did may be booked.
func Homes(r db.Reader, id int64) []int64 {
	out, seen := []int64{id}, map[int64]bool{id: true}
	for i := 0; i < len(out); i++ {
		for _, m := range mergesFrom(r, out[i]) {
			if !seen[m.Into] {
				seen[m.Into] = true
				out = append(out, m.Into)
			}
		}
	}
	return out
}

// MergesOf lists the merges into a member, oldest first.
func MergesOf(r db.Reader, into int64) []Merge { return mergesOf(r, into) }
