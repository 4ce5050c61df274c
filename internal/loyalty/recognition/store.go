package recognition

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of badges.
var Schema = db.Schema{Feature: "recognition", Files: files}

// Award is a badge that a member has.
type Award struct {
	Member  int64
	Badge   string
	At      int64
	Why     string // order:…, tier:…, streak:7, joined:1, profile
	Carried int64  // the merge that brought it
}

type awardKey struct {
	Member int64
	Badge  string
}

var awards = db.NewTable(db.Spec[Award, awardKey]{
	Name: "recognition_badge", Keys: 2, Cols: []string{"member_id", "badge", "at", "why", "carried"},
	Row:   func(r *Award, p []any) []any { return append(p, &r.Member, &r.Badge, &r.At, &r.Why, &r.Carried) },
	Key:   func(r *Award) awardKey { return awardKey{r.Member, r.Badge} },
	Args:  func(k awardKey, a []any) []any { return append(a, k.Member, k.Badge) },
	Owner: func(k awardKey) int64 { return k.Member },
	Of:    func(k awardKey, member int64) awardKey { return awardKey{member, k.Badge} },
})

// Of lists a member's badges.
func Of(r db.Reader, member int64) []Award { return awards.OfOwner(r, member) }

// Any says whether anybody has a badge.
func Any(v *db.View) bool {
	return len(awards.Select(v, db.Query[Award]{Order: "member_id, badge", Limit: 1})) > 0
}
