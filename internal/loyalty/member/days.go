package member

import (
	"guanxi/internal/base/db"
)

// Dated is a member at a place in a list by date.
type Dated struct {
	At     int64
	Member int64
}

// BornOn pages through the members with a birthday (MMDD), by id.
func BornOn(v *db.View, md int, after int64, limit int) (out []Dated) {
	for _, p := range profiles.Select(v, db.Query[profileRow]{Where: "birth_md = ? AND member_id > ?", Args: []any{md, after}, Order: "member_id", Limit: limit}) {
		out = append(out, Dated{0, p.Member})
	}
	return out
}

// JoinedFrom pages through the members who joined from an instant on, behind a member who joined at that instant, before another one.
// It asks twice, so that each question is one stretch of the index: an import may give a hundred thousand the same instant.
func JoinedFrom(v *db.View, from, after, until int64, limit int) (out []Dated) {
	rows := Members.Select(v, db.Query[Member]{Where: "joined_at = ? AND member_id > ?", Args: []any{from, after}, Order: "member_id", Limit: limit})
	if left := limit - len(rows); left > 0 {
		rows = append(rows, Members.Select(v, db.Query[Member]{Where: "joined_at > ? AND joined_at < ?", Args: []any{from, until}, Order: "joined_at, member_id", Limit: left})...)
	}
	for _, m := range rows {
		out = append(out, Dated{m.JoinedAt, m.ID})
	}
	return out
}
