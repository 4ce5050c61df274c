package member

import "guanxi/internal/base/db"

// Filter says which members are wanted; empty fields and 0 are all.
type Filter struct {
	Status  string
	Channel string
	Stores  []string // codes of the stores they joined at
	From    int64    // joined at or after
	Until   int64    // joined before
}

// Newest lists members that were not merged into another, the newest first, before an id (0 is from the newest).
func Newest(v *db.View, f Filter, before int64, limit int) []Member {
	if before == 0 {
		before = 1<<63 - 1
	}
	q := db.Query[Member]{Where: "member_id < ? AND merged_into = 0", Args: []any{before}, Order: "member_id DESC", Limit: limit}
	add := func(cond string, args ...any) { q.Where, q.Args = q.Where+" AND "+cond, append(q.Args, args...) }
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

// MergesAbout lists the merges a member took part in, on either side, oldest first.
func MergesAbout(r db.Reader, id int64) []Merge {
	return Merges.Select(r, db.Query[Merge]{
		Where: "into_id = ? OR from_id = ?", Args: []any{id, id}, Order: "merge_id",
		Match: func(m *Merge) bool { return m.Into == id || m.From == id },
		Less:  func(a, b *Merge) bool { return a.ID < b.ID },
	})
}

// JoinedSince counts members who joined at or after an instant.
func JoinedSince(v *db.View, from int64) (n int64) {
	v.Row("SELECT COUNT(*) FROM member WHERE merged_into = 0 AND joined_at >= ?", []any{from}, &n)
	return n
}
