// Package job does things after commit (任务): a job is a row, written in the Tx of its cause, that says what is to
// be done. It is run until it succeeds or is given up to people as a dead letter; only jobs touch the network.
//
// Invariants:
//   - A job exists if and only if its cause was committed, and once per (kind, key).
//   - A job runs at least once, and under one lease at a time. Its end is taken at most once: who lost the lease
//     can neither finish nor save, since both check the fencing number in the Tx of the effects.
//   - A job that fails, panics or kills the process waits longer each time and never holds up the others.
//   - A schedule makes exactly one job per slot; slots missed while nothing ran are caught up by one job.
package job

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of jobs, their keys and schedules.
var Schema = db.Schema{Feature: "job", Files: files}

// The faults of jobs.
var (
	ErrLost = fault.Define("job.lost", fault.Conflict,
		"任务的租约已失效，由其他进程接手", "The lease of this job ran out and another worker has it")
	ErrNotDead = fault.Define("job.not_dead", fault.Conflict,
		"该任务不在死信中", "This job is not a dead letter")
	ErrNone = fault.Define("job.not_found", fault.NotFound,
		"任务不存在", "There is no such job")
	ErrBadKey = fault.Define("job.bad_key", fault.Internal,
		"任务去重键过长：{kind}", "The key of a job is too long: {kind}")
)

// Kind names a sort of job and the type of what it is told.
type Kind[T any] string

// Func does a job. It should write its effects together with run.Finish; when it returns nil without having
// done so, the runner marks the job done afterwards, and a crash in between makes it run again.
type Func[T any] func(ctx context.Context, run *Run, args T) error

// Spec says how a kind of job is run. The zero value of each number takes the default.
type Spec struct {
	Zh, En      string  // what people read in the list of jobs
	MaxAttempts int     // without progress, until it becomes a dead letter; 10
	Backoff     Backoff // between attempts; 1 s doubling to 1 h
	Lease       int64   // ms a worker may take between two signs of life; 5 min
}

func (s *Spec) defaults() {
	if s.MaxAttempts == 0 {
		s.MaxAttempts = 10
	}
	if s.Backoff.First == 0 {
		s.Backoff.First = clock.Second
	}
	if s.Backoff.Max == 0 {
		s.Backoff.Max = clock.Hour
	}
	if s.Lease == 0 {
		s.Lease = 5 * clock.Minute
	}
}

// Option of a job.
type Option func(*Row)

// At runs the job not before an instant.
func At(ms int64) Option { return func(r *Row) { r.DueAt = ms } }

// Key makes a second job of the same kind and key a no-op, as long as the first one's row is kept.
func Key(key string) Option { return func(r *Row) { r.Key = key } }

// Add writes a job in the Tx of its cause; it gives the id of the job that now stands under the key.
func Add[T any](tx *db.Tx, kind Kind[T], args T, opts ...Option) (int64, error) {
	text, err := json.Marshal(args)
	if err != nil {
		return 0, fmt.Errorf("job %s: %w", kind, err)
	}
	row := Row{ID: tx.ID(), Kind: string(kind), Args: string(text), State: Ready, DueAt: tx.Now(), CreatedAt: tx.Now()}
	for _, o := range opts {
		o(&row)
	}
	if row.Key != "" {
		holder, err := takeKey(tx, row)
		if err != nil || holder != row.ID {
			return holder, err
		}
	}
	if err := table.Insert(tx, row); err != nil {
		return 0, err
	}
	wakeAfter(tx)
	return row.ID, nil
}

// takeKey gives the id of the job that holds the key: the row's own when it was free.
func takeKey(tx *db.Tx, row Row) (int64, error) {
	if len(row.Key) > maxKey {
		return 0, ErrBadKey.With("kind", row.Kind)
	}
	k := keyRow{row.Kind, row.Key, row.ID}
	if held, ok := keys.Get(tx, k.key()); ok {
		return held.Job, nil
	}
	return row.ID, keys.Insert(tx, k)
}
