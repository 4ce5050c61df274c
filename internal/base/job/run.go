package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"guanxi/internal/base/db"
)

// Run is one attempt at a job.
type Run struct {
	r        *Runner
	kind     *registered
	row      Row
	due      int64
	finished atomic.Bool
}

// ID is the job's id: the same in every attempt, so it serves as an idempotency key outside.
func (run *Run) ID() int64 { return run.row.ID }

// Attempt counts the attempts since the job last made progress, from 1.
func (run *Run) Attempt() int { return run.row.Attempts }

// Cursor is what Save stored last before this attempt; empty at the first.
func (run *Run) Cursor() string { return run.row.Bookmark }

// DB is the database of the job, for views.
func (run *Run) DB() *db.DB { return run.r.db }

// Write is DB.Write with the job as the actor.
func (run *Run) Write(ctx context.Context, op db.Op, fn func(*db.Tx) error) error {
	op.Actor = "job:" + run.kind.name
	return run.r.db.Write(ctx, op, fn)
}

// Finish marks the job done in the Tx of its effects. When the lease was lost it refuses the whole Tx.
func (run *Run) Finish(tx *db.Tx) error {
	row, ok := run.held(tx)
	if !ok {
		return ErrLost.New()
	}
	row.end(tx, Done, "")
	tx.AfterCommit(func() { run.finished.Store(true) })
	return nil
}

// Save stores where a long walk has got to, in the Tx of a batch, and renews the lease. A walk that gets on may
// fail any number of times: only attempts without progress count.
func (run *Run) Save(tx *db.Tx, cursor string) error {
	row, ok := run.held(tx)
	if !ok {
		return ErrLost.New()
	}
	row.Bookmark, row.Attempts, row.DueAt = cursor, 1, tx.Now()+run.kind.Lease
	table.Put(tx, row)
	return nil
}

// held reads the job; false when this attempt's lease is over.
func (run *Run) held(tx *db.Tx) (Row, bool) {
	row, _ := table.Get(tx, run.row.ID)
	return row, row.State == Running && row.Fence == run.row.Fence
}

// call runs the function; a panic is a failure of this job alone.
func (run *Run) call(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			run.r.opt.Log.Error("job panicked", "kind", run.row.Kind, "job", run.row.ID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return run.kind.call(ctx, run, run.row.Args)
}

// settle writes how the attempt ended, if Finish has not done so, and tells it.
func (run *Run) settle(ctx context.Context, failure error) Result {
	if run.finished.Load() {
		return Succeeded
	}
	stopped := failure != nil && ctx.Err() != nil
	var result Result
	err := run.Write(context.WithoutCancel(ctx), db.Op{}, func(tx *db.Tx) error {
		result = run.close(tx, failure, stopped)
		return nil
	})
	if err != nil {
		// Nobody knows whether it is written; when it is not, the lease runs out and the job runs again.
		run.r.opt.Log.Error("end of job not stored", "kind", run.row.Kind, "job", run.row.ID, "err", err)
		return Lost
	}
	return result
}

func (run *Run) close(tx *db.Tx, failure error, stopped bool) Result {
	row, ok := run.held(tx)
	switch {
	case !ok && row.State == Done && row.Fence == run.row.Fence:
		return Succeeded // Finish was committed although its caller could not be told
	case !ok:
		return Lost
	case failure == nil:
		row.end(tx, Done, "")
		return Succeeded
	case stopped: // the process stops: no fault of the job
		row.Attempts--
		row.again(tx, tx.Now(), row.LastError)
		return Failed
	}
	return run.fail(tx, row, failure)
}

func (run *Run) fail(tx *db.Tx, row Row, failure error) Result {
	var final givenUp
	if errors.As(failure, &final) || row.Attempts >= run.kind.MaxAttempts {
		row.end(tx, Dead, short(failure))
		return Died
	}
	row.again(tx, tx.Now()+run.kind.Backoff.delay(row.Attempts, tx.Rand()), short(failure))
	return Failed
}

func (row Row) end(tx *db.Tx, state, why string) {
	row.State, row.DueAt, row.LastError = state, tx.Now(), why
	table.Put(tx, row)
}

func (row Row) again(tx *db.Tx, at int64, why string) {
	row.State, row.DueAt, row.LastError = Ready, at, why
	table.Put(tx, row)
}

type givenUp struct{ error }

func (g givenUp) Unwrap() error { return g.error }

// GiveUp marks an error that no further attempt can mend: the job becomes a dead letter at once.
func GiveUp(err error) error { return givenUp{err} }

// Backoff is how long a failed job waits: First ms, doubled each time, at most Max.
type Backoff struct{ First, Max int64 }

// delay takes half of the wait for certain and the other half by chance, so that what failed together does not return together.
func (b Backoff) delay(attempt int, rng *rand.Rand) int64 {
	d := b.First
	for i := 1; i < attempt && d < b.Max; i++ {
		d *= 2
	}
	d = min(d, b.Max)
	return d - rng.Int64N(d/2+1)
}

// short keeps the first line of an error: a stack belongs in the log.
func short(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	const most = 500
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}
