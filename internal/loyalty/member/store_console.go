package member

import (
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
)

// Filter says which members are wanted; empty fields and 0 are all.
type Filter struct {
	Status  string
	Channel string
	Stores  []string // codes of the stores they joined at
	From    int64    // joined at or after
	Until   int64    // joined before
	since   int64    // no id below this one
}

// Newest lists members that were not merged into another, the newest first, before an id (0 is from the newest).
func Newest(v *db.View, f Filter, before int64, limit int) []Member {
	if before == 0 {
		before = 1<<63 - 1
	}
	q := db.Query[Member]{Where: "member_id < ? AND merged_into = 0", Args: []any{before}, Order: "member_id DESC", Limit: limit}
	add := func(cond string, args ...any) { q.Where, q.Args = q.Where+" AND "+cond, append(q.Args, args...) }
	if f.since > 0 {
		add("member_id >= ?", f.since)
	}
	if f.Status != "" {
		add("status = ?", f.Status)
	}
	if f.Channel != "" {
		add("channel = ?", f.Channel)
	}
	if f.From > 0 {
		add("joined_at >= ?", f.From)
	}
	if f.Until > 0 {
		add("joined_at < ?", f.Until)
	}
	if len(f.Stores) > 0 {
		marks := "store = ?"
		for range f.Stores[1:] {
			marks += " OR store = ?"
		}
		args := make([]any, len(f.Stores))
		for i, code := range f.Stores {
			args[i] = code
		}
		add("("+marks+")", args...)
	}
	return Members.Select(v, q)
}

// walk is how many members one page looks at while it searches for those a filter wants.
const walk = 50_000

// Listed is Newest in bounded steps: more tells where to go on when the walk ended before the page was full; 0 is the end.
func Listed(v *db.View, f Filter, before int64, limit int) (out []Member, more int64) {
	if f.Status == "" && f.Channel == "" && len(f.Stores) == 0 && f.From == 0 && f.Until == 0 {
		return Newest(v, f, before, limit), 0
	}
	if before == 0 {
		before = 1<<63 - 1
	}
	v.Row("SELECT member_id FROM member WHERE member_id < ? ORDER BY member_id DESC LIMIT 1 OFFSET ?", []any{before, walk}, &f.since)
	if out = Newest(v, f, before, limit); len(out) < limit {
		more = f.since
	}
	return out, more
}

// MergesAbout lists the merges a member took part in, on either side, oldest first.
func MergesAbout(r db.Reader, id int64) []Merge {
	return Merges.Select(r, db.Query[Merge]{
		Where: "into_id = ? OR from_id = ?", Args: []any{id, id}, Order: "merge_id",
		Match: func(m *Merge) bool { return m.Into == id || m.From == id },
		Less:  func(a, b *Merge) bool { return a.ID < b.ID },
	})
}

// JoinedSince counts members who joined on or after a local day.
func JoinedSince(v *db.View, day int) (n int64) {
	v.Row("SELECT COALESCE(SUM(joined), 0) FROM member_total WHERE day >= ?", []any{day}, &n)
	return n
}

// issuersOf lists the issuers of a kind of identity by skipping from one to the next, whatever the number of identities.
func issuersOf(r db.Reader, kind string) (out []string) {
	for after := kind + "|"; len(out) < mostIssuers; {
		rows := identities.Select(r, db.Query[identityRow]{
			Where: "id > ? AND id < ?", Args: []any{after, kind + "}"}, Order: "id", Limit: 1,
			Match: func(i *identityRow) bool { return i.ID > after && i.ID < kind+"}" },
			Less:  func(a, b *identityRow) bool { return a.ID < b.ID },
		})
		if len(rows) == 0 {
			break
		}
		out = append(out, rows[0].Issuer)
		after = kind + "|" + rows[0].Issuer + "}" // "}" comes after "|"
	}
	return out
}

const mostIssuers = 64

// FindAnywhere looks a value up as an identity of a kind, whoever issued it.
func (s *Service) FindAnywhere(r db.Reader, kind string, value vault.Secret) (out []int64) {
	for _, issuer := range issuersOf(r, kind) {
		f, ok, err := s.Find(r, Identity{Kind: kind, Issuer: issuer, Value: value})
		if err == nil && ok && !slices.Contains(out, f.Member) {
			out = append(out, f.Member)
		}
	}
	return out
}

// Sample gives up to most living members, evenly drawn over all of them, and how many there are.
func Sample(v *db.View, most int64) (ids []int64, of int64) {
	v.Row("SELECT COUNT(*) FROM member WHERE merged_into = 0", nil, &of)
	step, n := max(1, (of+most-1)/most), int64(0)
	v.Rows("SELECT member_id FROM member WHERE merged_into = 0 ORDER BY member_id", nil, func(scan func(...any)) {
		var id int64
		if scan(&id); n%step == 0 {
			ids = append(ids, id)
		}
		n++
	})
	return ids, of
}
