package entry

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of the way in.
var Schema = db.Schema{Feature: "entry", Files: files}

type ticketRow struct {
	Hash    string
	ID      int64
	App     string
	Kind    string
	OpenID  string // sealed
	UnionID string // sealed
	Until   int64
}

var tickets = db.NewTable(db.Spec[ticketRow, string]{
	Name: "entry_ticket", Keys: 1, Cols: []string{"hash", "id", "app", "kind", "openid", "unionid", "until_at"},
	Row: func(r *ticketRow, p []any) []any {
		return append(p, &r.Hash, &r.ID, &r.App, &r.Kind, &r.OpenID, &r.UnionID, &r.Until)
	},
	Key: func(r *ticketRow) string { return r.Hash },
})

type codeRow struct {
	Phone     string
	Code      string
	SentAt    int64
	Tries     int
	HourFrom  int64
	HourCount int
	Day       int
	DayCount  int
}

var codes = db.NewTable(db.Spec[codeRow, string]{
	Name: "entry_code", Keys: 1, Cols: []string{"phone", "code", "sent_at", "tries", "hour_from", "hour_count", "day", "day_count"},
	Row: func(r *codeRow, p []any) []any {
		return append(p, &r.Phone, &r.Code, &r.SentAt, &r.Tries, &r.HourFrom, &r.HourCount, &r.Day, &r.DayCount)
	},
	Key: func(r *codeRow) string { return r.Phone },
})

type eventRow struct {
	ID     string
	Row    int64
	App    string
	Kind   string
	Sealed string
	At     int64
}

var events = db.NewTable(db.Spec[eventRow, string]{
	Name: "entry_event", Keys: 1, Indexed: true, Cols: []string{"id", "row_id", "app", "kind", "sealed", "at"},
	Row: func(r *eventRow, p []any) []any {
		return append(p, &r.ID, &r.Row, &r.App, &r.Kind, &r.Sealed, &r.At)
	},
	Key: func(r *eventRow) string { return r.ID },
})

type followRow struct {
	ID        string // app and blind index of the openid
	App       string
	Following int
	Changed   int64 // ms, by the platform's clock: an older event changes nothing
	Scene     string
}

var follows = db.NewTable(db.Spec[followRow, string]{
	Name: "entry_follow", Keys: 1, Cols: []string{"id", "app", "following", "changed_at", "scene"},
	Row: func(r *followRow, p []any) []any {
		return append(p, &r.ID, &r.App, &r.Following, &r.Changed, &r.Scene)
	},
	Key: func(r *followRow) string { return r.ID },
})

// Incident is something that was refused, or that we could not follow.
type Incident struct {
	ID     int64
	At     int64
	Kind   string
	App    string
	Detail string
}

var incidents = db.NewTable(db.Spec[Incident, int64]{
	Name: "entry_incident", Keys: 1, Cols: []string{"id", "at", "kind", "app", "detail"},
	Row: func(r *Incident, p []any) []any {
		return append(p, &r.ID, &r.At, &r.Kind, &r.App, &r.Detail)
	},
	Key: func(r *Incident) int64 { return r.ID },
})

// Incidents lists those before one (0: the newest), newest first.
func Incidents(r db.Reader, before int64, limit int) []Incident {
	if before == 0 {
		before = 1<<63 - 1
	}
	return incidents.Select(r, db.Query[Incident]{
		Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(i *Incident) bool { return i.ID < before },
		Less:  func(a, b *Incident) bool { return a.ID > b.ID },
	})
}

// oldEvents lists keys of events that came before an instant.
func oldEvents(r db.Reader, before int64, limit int) []eventRow {
	return events.Select(r, db.Query[eventRow]{
		Where: "at < ?", Args: []any{before}, Order: "at, id", Limit: limit,
		Match: func(e *eventRow) bool { return e.At < before },
		Less:  func(a, b *eventRow) bool { return a.At < b.At || a.At == b.At && a.ID < b.ID },
	})
}

// ticketsAfter walks through the tickets.
func ticketsAfter(r db.Reader, after string, limit int) []ticketRow {
	return tickets.Select(r, db.Query[ticketRow]{
		Where: "hash > ?", Args: []any{after}, Order: "hash", Limit: limit,
		Match: func(t *ticketRow) bool { return t.Hash > after },
		Less:  func(a, b *ticketRow) bool { return a.Hash < b.Hash },
	})
}

// followersAfter walks through those who follow an account.
func followersAfter(r db.Reader, app, after string, limit int) []followRow {
	return follows.Select(r, db.Query[followRow]{
		Where: "id > ? AND app = ? AND following = 1", Args: []any{after, app}, Order: "id", Limit: limit,
		Match: func(f *followRow) bool { return f.ID > after && f.App == app && f.Following == 1 },
		Less:  func(a, b *followRow) bool { return a.ID < b.ID },
	})
}
