package job

import (
	"context"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// DeadLetters lists jobs that were given up, the oldest first.
func DeadLetters(r db.Reader, limit int) []Row { return until(r, Dead, clock.Never, limit) }

// Retry gives a dead letter all its attempts anew; a walk goes on from where it had got to.
func Retry(tx *db.Tx, id int64) error {
	row, err := dead(tx, id)
	if err != nil {
		return err
	}
	row.Attempts = 0
	row.again(tx, tx.Now(), row.LastError)
	wakeAfter(tx)
	return nil
}

// Discard settles that a dead letter will never be done. Its key stays taken.
func Discard(tx *db.Tx, id int64) error {
	row, err := dead(tx, id)
	if err != nil {
		return err
	}
	row.end(tx, Dropped, row.LastError)
	return nil
}

func dead(tx *db.Tx, id int64) (Row, error) {
	row, ok := table.Get(tx, id)
	if !ok || row.State != Dead {
		return row, ErrNotDead.New()
	}
	return row, nil
}

// Purge is the kind of job that forgets what is long over.
const Purge Kind[Slot] = "job.purge"

const purgeBatch = 500

// RegisterPurge forgets, every night, jobs that were done or discarded more than so many days ago, with their keys.
func RegisterPurge(r *Runner, days int64) {
	Register(r, Purge, Spec{Zh: "清理已完成的任务", En: "Forget finished jobs"}, func(ctx context.Context, run *Run, s Slot) error {
		for more := true; more; {
			err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
				more = purge(tx, s.At-days*clock.Day)
				return run.Save(tx, "")
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	r.Schedule(Daily(Purge, 4, 40))
}

// purge removes one batch and tells whether there may be more.
func purge(tx *db.Tx, before int64) bool {
	old := append(until(tx, Done, before, purgeBatch), until(tx, Dropped, before, purgeBatch)...)
	for _, row := range old {
		table.Delete(tx, row.ID)
		if row.Key != "" {
			keys.Delete(tx, (&keyRow{Kind: row.Kind, Key: row.Key}).key())
		}
	}
	return len(old) >= purgeBatch
}
