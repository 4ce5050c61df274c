package job

import (
	"context"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// claim leases up to n due jobs in one Tx: whoever comes next finds them running.
func (r *Runner) claim(ctx context.Context, n int) (runs []*Run, err error) {
	if n == 0 {
		return nil, nil
	}
	err = r.db.Write(ctx, db.Op{Actor: "job:runner"}, func(tx *db.Tx) error {
		runs = nil
		if err := r.fire(tx); err != nil {
			return err
		}
		for _, state := range []string{Running, Ready} {
			if len(runs) == n {
				break
			}
			for _, row := range until(tx, state, tx.Now(), n-len(runs)) {
				if run := r.lease(tx, row); run != nil {
					runs = append(runs, run)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err // after an unknown outcome the leases, if there are any, run out
	}
	return runs, nil
}

// lease takes one job; nil when it is not to be run now.
func (r *Runner) lease(tx *db.Tx, row Row) *Run {
	kind := r.kinds[row.Kind]
	if kind == nil {
		// Another version of the program, running beside this one, may know it.
		r.opt.Log.Warn("unknown kind of job", "kind", row.Kind, "job", row.ID)
		row.again(tx, tx.Now()+clock.Minute, row.LastError)
		return nil
	}
	if row.State == Running && row.Attempts >= kind.MaxAttempts {
		r.opt.Log.Error("job never came back", "kind", row.Kind, "job", row.ID)
		row.end(tx, Dead, "the worker never came back")
		return nil
	}
	due := row.DueAt
	row.State, row.DueAt = Running, tx.Now()+kind.Lease
	row.Attempts++
	row.Fence++
	table.Put(tx, row)
	return &Run{r: r, kind: kind, row: row, due: due}
}
