package earn

import "guanxi/internal/base/db"

type trialRow struct {
	ID       int64
	Body     string // trialIn
	State    string
	Orders   int64 // judged so far
	Result   string
	Author   string
	Created  int64
	Finished int64
}

var trials = db.NewTable(db.Spec[trialRow, int64]{
	Name: "earn_trial", Keys: 1, Cols: []string{"trial_id", "body", "state", "orders", "result", "author", "created_at", "finished_at"},
	Row: func(r *trialRow, p []any) []any {
		return append(p, &r.ID, &r.Body, &r.State, &r.Orders, &r.Result, &r.Author, &r.Created, &r.Finished)
	},
	Key: func(r *trialRow) int64 { return r.ID },
})
