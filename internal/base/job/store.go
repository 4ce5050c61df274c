package job

import "guanxi/internal/base/db"

// The states of a job.
const (
	Ready   = "ready"   // waits until it is due
	Running = "running" // a worker has the lease
	Done    = "done"
	Dead    = "dead"    // failed too often; waits for people
	Dropped = "dropped" // a dead letter that people discarded
)

// Row is one job.
type Row struct {
	ID        int64
	Kind      string
	Key       string
	Args      string // JSON
	State     string
	DueAt     int64 // to run, end of the lease, or end of the job, by state
	Attempts  int   // since it last made progress
	Fence     int64 // number of the lease
	Bookmark  string
	LastError string
	CreatedAt int64
}

var table = db.NewTable(db.Spec[Row, int64]{
	Name: "job", Indexed: true, Keys: 1,
	Cols: []string{"id", "kind", "dedupe", "args", "state", "due_at", "attempts", "fence", "bookmark", "last_error", "created_at"},
	Row: func(r *Row, p []any) []any {
		return append(p, &r.ID, &r.Kind, &r.Key, &r.Args, &r.State, &r.DueAt, &r.Attempts, &r.Fence, &r.Bookmark, &r.LastError, &r.CreatedAt)
	},
	Key: func(r *Row) int64 { return r.ID },
})

const maxKey = 191

type keyRow struct {
	Kind, Key string
	Job       int64
}

func (k *keyRow) key() [2]string { return [2]string{k.Kind, k.Key} }

var keys = db.NewTable(db.Spec[keyRow, [2]string]{
	Name: "job_key", Cols: []string{"kind", "dedupe", "job_id"}, Keys: 2,
	Row:  func(r *keyRow, p []any) []any { return append(p, &r.Kind, &r.Key, &r.Job) },
	Key:  (*keyRow).key,
	Args: func(k [2]string, a []any) []any { return append(a, k[0], k[1]) },
})

type scheduleRow struct {
	Name, Pattern string
	NextAt        int64
}

var schedules = db.NewTable(db.Spec[scheduleRow, string]{
	Name: "job_schedule", Cols: []string{"name", "pattern", "next_at"}, Keys: 1,
	Row: func(r *scheduleRow, p []any) []any { return append(p, &r.Name, &r.Pattern, &r.NextAt) },
	Key: func(r *scheduleRow) string { return r.Name },
})

// until finds jobs of a state whose time came before or at an instant, the earliest first.
func until(r db.Reader, state string, at int64, limit int) []Row {
	return table.Select(r, db.Query[Row]{
		Where: "state = ? AND due_at <= ?", Args: []any{state, at}, Order: "due_at, id", Limit: limit,
		Match: func(j *Row) bool { return j.State == state && j.DueAt <= at },
		Less: func(a, b *Row) bool {
			return a.DueAt < b.DueAt || a.DueAt == b.DueAt && a.ID < b.ID
		},
	})
}

// Stats counts the jobs that are not over.
type Stats struct {
	Ready, Running, Dead int64
	OldestDue            int64 // when the job that waits longest was due; 0 when none waits
}

// Count reads how much there is to do, for metrics and the health page.
func Count(v *db.View) Stats {
	var s Stats
	for state, n := range map[string]*int64{Ready: &s.Ready, Running: &s.Running, Dead: &s.Dead} {
		v.Row("SELECT count(*) FROM job WHERE state = ?", []any{state}, n)
	}
	if due := until(v, Ready, v.Now(), 1); len(due) > 0 {
		s.OldestDue = due[0].DueAt
	}
	return s
}

// Filter says which jobs are wanted; empty fields are all.
type Filter struct{ State, Kind string }

// List lists jobs, the newest first, before an id (0 is from the newest).
func List(r db.Reader, f Filter, before int64, limit int) []Row {
	if before == 0 {
		before = 1<<63 - 1
	}
	q := db.Query[Row]{Where: "id < ?", Args: []any{before}, Order: "id DESC", Limit: limit,
		Match: func(j *Row) bool {
			return j.ID < before && (f.State == "" || j.State == f.State) && (f.Kind == "" || j.Kind == f.Kind)
		},
		Less: func(a, b *Row) bool { return a.ID > b.ID }}
	if f.State != "" {
		q.Where, q.Args = q.Where+" AND state = ?", append(q.Args, f.State)
	}
	if f.Kind != "" {
		q.Where, q.Args = q.Where+" AND kind = ?", append(q.Args, f.Kind)
	}
	return table.Select(r, q)
}

// Get reads one job.
func Get(r db.Reader, id int64) (Row, bool) { return table.Get(r, id) }
