package task

import (
	"encoding/json"

	"guanxi/internal/base/db"
)

// Row is one task.
type Row struct {
	ID          int64
	Kind, Owner string // owner is an actor, such as "staff:17"
	State       string
	Done, Total int64
	Args        string // JSON
	Result      string // JSON; empty until it is done
	Fault       string // JSON of Fault; empty unless it failed
	CreatedAt   int64
	StartedAt   int64
	FinishedAt  int64
}

// Ended reports whether nothing more will come of the task.
func (r *Row) Ended() bool { return r.State == Done || r.State == Failed || r.State == Cancelled }

// Why is the fault of a task that failed, nil else.
func (r *Row) Why() *Fault {
	if r.Fault == "" {
		return nil
	}
	var f Fault
	_ = json.Unmarshal([]byte(r.Fault), &f) // written by faultText
	return &f
}

var table = db.NewTable(db.Spec[Row, int64]{
	Name: "task", Keys: 1, Indexed: true,
	Cols: []string{"id", "kind", "owner", "state", "done", "total", "args", "result", "fault", "created_at", "started_at", "finished_at"},
	Row: func(r *Row, p []any) []any {
		return append(p, &r.ID, &r.Kind, &r.Owner, &r.State, &r.Done, &r.Total, &r.Args, &r.Result, &r.Fault, &r.CreatedAt, &r.StartedAt, &r.FinishedAt)
	},
	Key: func(r *Row) int64 { return r.ID },
})

// Get reads one task.
func Get(r db.Reader, id int64) (Row, bool) { return table.Get(r, id) }

// Filter says which tasks are wanted; empty fields are all.
type Filter struct{ Kind, Owner, State string }

// List lists tasks, the newest first, before an id (0 is from the newest).
func List(r db.Reader, f Filter, before int64, limit int) []Row {
	if before == 0 {
		before = 1<<63 - 1
	}
	q := db.Query[Row]{Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(t *Row) bool {
			return t.ID < before && (f.Kind == "" || t.Kind == f.Kind) && (f.Owner == "" || t.Owner == f.Owner) && (f.State == "" || t.State == f.State)
		},
		Less: func(a, b *Row) bool { return a.ID > b.ID }}
	for _, one := range [][2]string{{"kind", f.Kind}, {"owner", f.Owner}, {"state", f.State}} {
		if one[1] != "" {
			q.Where, q.Args = q.Where+" AND "+one[0]+" = ?", append(q.Args, one[1])
		}
	}
	return table.Select(r, q)
}

// Latest is the newest task of a kind that ended in a state.
func Latest(r db.Reader, kind, state string) (Row, bool) {
	rows := List(r, Filter{Kind: kind, State: state}, 0, 1)
	if len(rows) == 0 {
		return Row{}, false
	}
	return rows[0], true
}
