package track

import (
	"embed"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of events.
var Schema = db.Schema{Feature: "track", Files: files}

type batchRow struct {
	Member int64
	ID     int64
	At     int64
	N      int
	Body   string
	Link   string // by which entry link the member came
}

type batchKey struct{ Member, ID int64 }

var batches = db.NewTable(db.Spec[batchRow, batchKey]{
	Name: "track_batch", Keys: 2, Indexed: true, Cols: []string{"member_id", "id", "at", "n", "body", "link"},
	Row:   func(r *batchRow, p []any) []any { return append(p, &r.Member, &r.ID, &r.At, &r.N, &r.Body, &r.Link) },
	Key:   func(r *batchRow) batchKey { return batchKey{r.Member, r.ID} },
	Args:  func(k batchKey, a []any) []any { return append(a, k.Member, k.ID) },
	Owner: func(k batchKey) int64 { return k.Member },
})

type runRow struct {
	Member int64
	Run    string
	High   int64
	Seen   string
	At     int64
}

type runKey struct {
	Member int64
	Run    string
}

var runs = db.NewTable(db.Spec[runRow, runKey]{
	Name: "track_run", Keys: 2, Indexed: true, Cols: []string{"member_id", "run", "high", "seen", "at"},
	Row:   func(r *runRow, p []any) []any { return append(p, &r.Member, &r.Run, &r.High, &r.Seen, &r.At) },
	Key:   func(r *runRow) runKey { return runKey{r.Member, r.Run} },
	Args:  func(k runKey, a []any) []any { return append(a, k.Member, k.Run) },
	Owner: func(k runKey) int64 { return k.Member },
})

// Count is how often something happened on a local day.
type Count struct {
	Day   int
	Kind  string
	Page  string
	N     int64
	Dwell int64
}

type countKey struct {
	Day        int
	Kind, Page string
}

var counts = db.NewTable(db.Spec[Count, countKey]{
	Name: "track_day", Keys: 3, Cols: []string{"day", "kind", "page", "n", "dwell"},
	Row:  func(r *Count, p []any) []any { return append(p, &r.Day, &r.Kind, &r.Page, &r.N, &r.Dwell) },
	Key:  func(r *Count) countKey { return countKey{r.Day, r.Kind, r.Page} },
	Args: func(k countKey, a []any) []any { return append(a, k.Day, k.Kind, k.Page) },
})

var links = db.NewTable(db.Spec[Link, string]{
	Name: "track_link", Keys: 1, Indexed: true,
	Cols: []string{"code", "id", "name", "page", "opens", "channel", "store", "source", "medium", "campaign", "state", "created_at", "actor", "mini_url", "mini_until", "visits", "joins", "events"},
	Row: func(r *Link, p []any) []any {
		return append(p, &r.Code, &r.ID, &r.Name, &r.Page, &r.Opens, &r.From.Channel, &r.From.Store, &r.From.Source, &r.From.Medium, &r.From.Campaign,
			&r.State, &r.Created, &r.Actor, &r.Mini, &r.Until, &r.Visits, &r.Joins, &r.Events)
	},
	Key: func(r *Link) string { return r.Code },
})

// Links lists entry links, newest first, before an id (0: the newest).
func Links(r db.Reader, before int64, limit int) []Link {
	if before == 0 {
		before = 1<<63 - 1
	}
	return links.Select(r, db.Query[Link]{
		Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(l *Link) bool { return l.ID < before },
		Less:  func(a, b *Link) bool { return a.ID > b.ID },
	})
}

// CountsOf lists what happened on the local days [from, until].
func CountsOf(r db.Reader, from, until int) []Count {
	return counts.Select(r, db.Query[Count]{Where: "day >= ? AND day <= ?", Args: []any{from, until}, Order: "day, kind, page",
		Match: func(c *Count) bool { return c.Day >= from && c.Day <= until }})
}

// EventsOf reads the single events of a member, oldest first, up to a number of batches.
func EventsOf(r db.Reader, member int64, most int) (out []Event, more bool, err error) {
	rows := batches.Select(r, db.Query[batchRow]{Where: "member_id = ?", Args: []any{member}, Order: "id", Limit: most + 1, Owner: member,
		Match: func(*batchRow) bool { return true }, Less: func(a, b *batchRow) bool { return a.ID < b.ID }})
	if len(rows) > most {
		rows, more = rows[:most], true
	}
	for _, b := range rows {
		events, err := unpack(b.Body)
		if err != nil {
			return out, more, err
		}
		for i := range events {
			events[i].Link = b.Link
		}
		out = append(out, events...)
	}
	return out, more, nil
}

func batchesBefore(r db.Reader, at int64, limit int) []batchRow {
	return batches.Select(r, db.Query[batchRow]{Where: "at < ?", Args: []any{at}, Order: "at, member_id, id", Limit: limit,
		Match: func(b *batchRow) bool { return b.At < at },
		Less: func(a, b *batchRow) bool {
			return a.At < b.At || a.At == b.At && (a.Member < b.Member || a.Member == b.Member && a.ID < b.ID)
		}})
}

func runsBefore(r db.Reader, at int64, limit int) []runRow {
	return runs.Select(r, db.Query[runRow]{Where: "at < ?", Args: []any{at}, Order: "at, member_id, run", Limit: limit,
		Match: func(b *runRow) bool { return b.At < at },
		Less: func(a, b *runRow) bool {
			return a.At < b.At || a.At == b.At && (a.Member < b.Member || a.Member == b.Member && a.Run < b.Run)
		}})
}
