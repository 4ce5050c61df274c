package privacy

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of privacy.
var Schema = db.Schema{Feature: "privacy", Files: files}

type pair struct{ Member, ID int64 }

func pairArgs(k pair, a []any) []any { return append(a, k.Member, k.ID) }

func pairOwner(k pair) int64 { return k.Member }

// Export is a copy of a member's data.
type Export struct {
	Member  int64
	ID      int64
	State   string
	Asked   int64
	Ready   int64
	Expires int64
	Bytes   int64
	Parts   int
}

var exports = db.NewTable(db.Spec[Export, pair]{
	Name: "privacy_export", Keys: 2, Cols: []string{"member_id", "id", "state", "asked_at", "ready_at", "expires_at", "bytes", "parts"},
	Row: func(r *Export, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.State, &r.Asked, &r.Ready, &r.Expires, &r.Bytes, &r.Parts)
	},
	Key: func(r *Export) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

type part struct {
	Member int64
	ID     int64
	Part   int
	Body   string
}

type partKey struct {
	Member, ID int64
	Part       int
}

var parts = db.NewTable(db.Spec[part, partKey]{
	Name: "privacy_export_part", Keys: 3, Cols: []string{"member_id", "id", "part", "body"},
	Row:   func(r *part, p []any) []any { return append(p, &r.Member, &r.ID, &r.Part, &r.Body) },
	Key:   func(r *part) partKey { return partKey{r.Member, r.ID, r.Part} },
	Args:  func(k partKey, a []any) []any { return append(a, k.Member, k.ID, k.Part) },
	Owner: func(k partKey) int64 { return k.Member },
})

// Closure is one wish to leave.
type Closure struct {
	Member int64
	ID     int64
	State  string
	Asked  int64
	Due    int64
	Done   int64
	Points int64 // shown when it was asked for, then what became void
}

var closures = db.NewTable(db.Spec[Closure, pair]{
	Name: "privacy_closure", Keys: 2, Cols: []string{"member_id", "id", "state", "asked_at", "due_at", "done_at", "points"},
	Row: func(r *Closure, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.State, &r.Asked, &r.Due, &r.Done, &r.Points)
	},
	Key: func(r *Closure) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

// UnderWay is the closure of a member that is not carried out yet.
func UnderWay(r db.Reader, member int64) (Closure, bool) {
	for _, c := range closures.OfOwner(r, member) {
		if c.State == Open {
			return c, true
		}
	}
	return Closure{}, false
}

// Access is one line of who did what with a member's data.
type Access struct {
	Member int64
	ID     int64
	What   string
	Actor  string
	At     int64
}

var accesses = db.NewTable(db.Spec[Access, pair]{
	Name: "privacy_access", Keys: 2, Cols: []string{"member_id", "id", "what", "actor", "at"},
	Row: func(r *Access, p []any) []any { return append(p, &r.Member, &r.ID, &r.What, &r.Actor, &r.At) },
	Key: func(r *Access) pair { return pair{r.Member, r.ID} }, Args: pairArgs, Owner: pairOwner,
})

// AccessesOf lists who did what, newest first, before an id.
func AccessesOf(r db.Reader, member, before int64, limit int) []Access {
	return accesses.Select(r, db.Query[Access]{
		Where: "member_id = ? AND id < ?", Args: []any{member, before}, Order: "id DESC", Limit: limit, Owner: member,
		Match: func(a *Access) bool { return a.ID < before },
		Less:  func(a, b *Access) bool { return a.ID > b.ID },
	})
}

func expiredExports(r db.Reader, limit int) []Export {
	now := r.Now()
	return exports.Select(r, db.Query[Export]{Where: "expires_at <= ?", Args: []any{now}, Order: "member_id, id", Limit: limit,
		Match: func(e *Export) bool { return e.Expires <= now },
		Less:  func(a, b *Export) bool { return a.Member < b.Member || a.Member == b.Member && a.ID < b.ID }})
}
