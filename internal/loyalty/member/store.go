package member

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of members.
var Schema = db.Schema{Feature: "member", Files: files}

// Member is one person in the programme.
type Member struct {
	ID       int64
	Status   string
	Into     int64 // the survivor, when merged
	JoinedAt int64
	Channel  string
	Store    string
	Source   string
	StatusAt int64
}

// Members holds one row a member.
var Members = db.NewTable(db.Spec[Member, int64]{
	Name: "member", Keys: 1, Load: true,
	Cols: []string{"member_id", "status", "merged_into", "joined_at", "channel", "store", "source", "status_at"},
	Row: func(r *Member, p []any) []any {
		return append(p, &r.ID, &r.Status, &r.Into, &r.JoinedAt, &r.Channel, &r.Store, &r.Source, &r.StatusAt)
	},
	Key:   func(r *Member) int64 { return r.ID },
	Owner: func(k int64) int64 { return k },
})

type profileRow struct {
	Member    int64
	Nickname  string // sealed
	Phone     string // sealed
	Birthday  string // sealed
	BirthMD   int
	Gender    string
	Region    string
	Completed int64
	Updated   int64
}

var profiles = db.NewTable(db.Spec[profileRow, int64]{
	Name: "member_profile", Keys: 1,
	Cols: []string{"member_id", "nickname", "phone", "birthday", "birth_md", "gender", "region", "completed_at", "updated_at"},
	Row: func(r *profileRow, p []any) []any {
		return append(p, &r.Member, &r.Nickname, &r.Phone, &r.Birthday, &r.BirthMD, &r.Gender, &r.Region, &r.Completed, &r.Updated)
	},
	Key:   func(r *profileRow) int64 { return r.Member },
	Owner: func(k int64) int64 { return k },
})

type identityRow struct {
	ID       string // kind|issuer|blind index
	Member   int64
	Kind     string
	Issuer   string
	Sealed   string
	Origin   int64 // the member it was bound to first; a merge does not change it
	Verified int64
	Bound    int64
}

var identities = db.NewTable(db.Spec[identityRow, string]{
	Name: "member_identity", Keys: 1, Indexed: true,
	Cols: []string{"id", "member_id", "kind", "issuer", "sealed", "origin_id", "verified_at", "bound_at"},
	Row: func(r *identityRow, p []any) []any {
		return append(p, &r.ID, &r.Member, &r.Kind, &r.Issuer, &r.Sealed, &r.Origin, &r.Verified, &r.Bound)
	},
	Key: func(r *identityRow) string { return r.ID },
})

// Merge is one journalled merge.
type Merge struct {
	ID       int64
	From     int64
	Into     int64
	At       int64
	Actor    string
	Reason   string
	UndoneAt int64
	UndoneBy string
}

// Merges holds the journal of merges.
var Merges = db.NewTable(db.Spec[Merge, int64]{
	Name: "member_merge", Keys: 1, Indexed: true,
	Cols: []string{"merge_id", "from_id", "into_id", "at", "actor", "reason", "undone_at", "undone_by"},
	Row: func(r *Merge, p []any) []any {
		return append(p, &r.ID, &r.From, &r.Into, &r.At, &r.Actor, &r.Reason, &r.UndoneAt, &r.UndoneBy)
	},
	Key: func(r *Merge) int64 { return r.ID },
})

// StatusLog is one change of status.
type StatusLog struct {
	Member int64
	At     int64
	ID     int64
	Status string
	Was    string
	Actor  string
	Reason string
}

type statusKey struct{ Member, At, ID int64 }

// StatusLogs holds every change of status.
var StatusLogs = db.NewTable(db.Spec[StatusLog, statusKey]{
	Name: "member_status_log", Keys: 3, Cols: []string{"member_id", "at", "id", "status", "was", "actor", "reason"},
	Row: func(r *StatusLog, p []any) []any {
		return append(p, &r.Member, &r.At, &r.ID, &r.Status, &r.Was, &r.Actor, &r.Reason)
	},
	Key:   func(r *StatusLog) statusKey { return statusKey{r.Member, r.At, r.ID} },
	Args:  func(k statusKey, a []any) []any { return append(a, k.Member, k.At, k.ID) },
	Owner: func(k statusKey) int64 { return k.Member },
})

// mergesOf lists the merges into a member, oldest first.
func mergesOf(r db.Reader, into int64) []Merge {
	return Merges.Select(r, db.Query[Merge]{
		Where: "into_id = ?", Args: []any{into}, Order: "merge_id",
		Match: func(m *Merge) bool { return m.Into == into },
		Less:  func(a, b *Merge) bool { return a.ID < b.ID },
	})
}

// mergesFrom lists the merges of a member into others, oldest first.
func mergesFrom(r db.Reader, from int64) []Merge {
	return Merges.Select(r, db.Query[Merge]{
		Where: "from_id = ?", Args: []any{from}, Order: "merge_id",
		Match: func(m *Merge) bool { return m.From == from },
		Less:  func(a, b *Merge) bool { return a.ID < b.ID },
	})
}

// identitiesOf lists a member's identities.
func identitiesOf(r db.Reader, member int64) []identityRow {
	return identities.Select(r, db.Query[identityRow]{
		Where: "member_id = ?", Args: []any{member}, Order: "id",
		Match: func(i *identityRow) bool { return i.Member == member },
		Less:  func(a, b *identityRow) bool { return a.ID < b.ID },
	})
}

// List pages through members by id.
func List(v *db.View, after int64, status string, limit int) []Member {
	q := db.Query[Member]{Where: "member_id > ?", Args: []any{after}, Order: "member_id", Limit: limit}
	if status != "" {
		q.Where += " AND status = ?"
		q.Args = append(q.Args, status)
	}
	return Members.Select(v, q)
}

// Count is the number of members that were not merged into another, from the daily totals.
func Count(v *db.View) (n int64) {
	v.Row("SELECT COALESCE(SUM(joined - merged), 0) FROM member_total", nil, &n)
	return n
}

var sessions = db.NewTable(db.Spec[sessionRow, string]{
	Name: "member_session", Keys: 1, Indexed: true, Cols: []string{"hash", "member_id", "opened_by", "created_at", "seen_at"},
	Row: func(r *sessionRow, p []any) []any {
		return append(p, &r.Hash, &r.Member, &r.OpenedBy, &r.Created, &r.Seen)
	},
	Key: func(r *sessionRow) string { return r.Hash },
})

// sessionsOf lists a member's sessions, the one unused for longest first.
func sessionsOf(r db.Reader, member int64) []sessionRow {
	return sessions.Select(r, db.Query[sessionRow]{
		Where: "member_id = ?", Args: []any{member}, Order: "seen_at, hash",
		Match: func(s *sessionRow) bool { return s.Member == member },
		Less: func(a, b *sessionRow) bool {
			return a.Seen < b.Seen || a.Seen == b.Seen && a.Hash < b.Hash
		},
	})
}

func sessionsAfter(r db.Reader, after string, n int) []sessionRow {
	return sessions.Select(r, db.Query[sessionRow]{
		Where: "hash > ?", Args: []any{after}, Order: "hash", Limit: n,
		Match: func(s *sessionRow) bool { return s.Hash > after },
		Less:  func(a, b *sessionRow) bool { return a.Hash < b.Hash },
	})
}
