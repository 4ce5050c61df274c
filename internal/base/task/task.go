// Package task is work that somebody has asked for and watches (后台作业): an import, an export, a verification. A task is
// a row with its progress and its outcome; a job does it, so it survives a crash and goes on where it was.
//
// Invariants:
//   - A task ends at most once: done, failed or cancelled. What comes after its end changes nothing.
//   - A failure that its asker can mend is kept in both languages; any other is kept as "internal" and becomes a dead
//     letter of its job, after all attempts.
//   - Progress is told at most once a second, so that telling costs nothing beside the work.
package task

import (
	"context"
	"embed"
	"encoding/json"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of tasks.
var Schema = db.Schema{Feature: "task", Files: files}

// The faults of tasks.
var (
	ErrNone  = fault.Define("task.not_found", fault.NotFound, "作业不存在", "There is no such task")
	ErrEnded = fault.Define("task.ended", fault.Conflict, "作业已结束（{state}）", "The task has ended ({state})")
	// ErrCancelled stops the work of a task that nobody wants any more.
	ErrCancelled = fault.Define("task.cancelled", fault.Conflict, "作业已取消", "The task was cancelled")
)

// The states of a task.
const (
	Waiting   = "waiting"
	Running   = "running"
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Kind names a sort of task and the type of what it is told.
type Kind[A any] string

// Spec says what a kind of task is called.
type Spec struct{ Zh, En string }

type handle struct {
	Task int64           `json:"task,string"`
	Args json.RawMessage `json:"args"`
}

// maxAttempts is how often a task is tried without getting on before it has failed.
const maxAttempts = 5

// Register says what a kind of task does. What f gives is kept as the task's result. It may run again from the start,
// or from Cursor where it told one.
func Register[A any](r *job.Runner, kind Kind[A], s Spec, f func(ctx context.Context, t *Task, args A) (any, error)) {
	job.Register(r, job.Kind[handle](kind), job.Spec{Zh: s.Zh, En: s.En, MaxAttempts: maxAttempts, Backoff: job.Backoff{First: clock.Second, Max: clock.Minute}},
		func(ctx context.Context, run *job.Run, h handle) error {
			t := &Task{id: h.Task, run: run}
			var args A
			if err := json.Unmarshal(h.Args, &args); err != nil {
				return job.GiveUp(err)
			}
			if err := t.begin(ctx); err != nil {
				return t.end(ctx, nil, err)
			}
			result, err := f(ctx, t, args)
			return t.end(ctx, result, err)
		})
}

// Start asks for a task in the Tx of whoever wants it.
func Start[A any](tx *db.Tx, kind Kind[A], owner string, args A) (Row, error) {
	text, err := json.Marshal(args)
	if err != nil {
		return Row{}, err
	}
	row := Row{ID: tx.ID(), Kind: string(kind), Owner: owner, State: Waiting, Args: string(text), CreatedAt: tx.Now()}
	if err := table.Insert(tx, row); err != nil {
		return row, err
	}
	_, err = job.Add(tx, job.Kind[handle](kind), handle{row.ID, text})
	return row, err
}

// Cancel ends a task that nobody wants any more; work that runs stops at its next step.
func Cancel(tx *db.Tx, id int64) (Row, error) {
	row, ok := table.Get(tx, id)
	switch {
	case !ok:
		return row, ErrNone.New()
	case row.Ended():
		return row, ErrEnded.With("state", row.State)
	}
	row.State, row.FinishedAt = Cancelled, tx.Now()
	table.Put(tx, row)
	return row, nil
}

// Task is one attempt at a task.
type Task struct {
	id   int64
	run  *job.Run
	told int64
}

// ID is the task's id.
func (t *Task) ID() int64 { return t.id }

// Cursor is what Step told last before this attempt.
func (t *Task) Cursor() string { return t.run.Cursor() }

// DB is the database of the task, for views.
func (t *Task) DB() *db.DB { return t.run.DB() }

// Write is DB.Write with the task as the actor.
func (t *Task) Write(ctx context.Context, op db.Op, fn func(*db.Tx) error) error {
	return t.run.Write(ctx, op, fn)
}

func (t *Task) begin(ctx context.Context) error {
	return t.run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		return t.change(tx, func(row *Row) {
			row.State = Running
			if row.StartedAt == 0 {
				row.StartedAt = tx.Now()
			}
		})
	})
}

// change alters the row of a task that has not ended.
func (t *Task) change(tx *db.Tx, f func(*Row)) error {
	row, ok := table.Get(tx, t.id)
	switch {
	case !ok || row.State == Cancelled:
		return ErrCancelled.New()
	case row.Ended():
		return ErrEnded.With("state", row.State)
	}
	f(&row)
	table.Put(tx, row)
	return nil
}

// Step tells how far the task is, and with it the cursor to go on from; at most once a second, and it stops a
// task that was cancelled.
func (t *Task) Step(ctx context.Context, done, total int64, cursor string) error {
	now := t.DB().Clock().Now()
	if t.told != 0 && now-t.told < clock.Second {
		return ctx.Err()
	}
	t.told = now
	return t.run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		if err := t.change(tx, func(row *Row) { row.Done, row.Total = done, max(total, done) }); err != nil {
			return err
		}
		return t.run.Save(tx, cursor)
	})
}

// end writes how the attempt ended. A failure that nobody can mend by asking otherwise is tried again.
func (t *Task) end(ctx context.Context, result any, failure error) error {
	known := fault.As(failure)
	again := failure != nil && (known == nil || known.Kind.Class >= fault.TooMany && known.Kind.Class != fault.TooLarge && known.Kind.Class != fault.Malformed)
	if ctx.Err() != nil || again && t.run.Attempt() < maxAttempts {
		return failure
	}
	text, err := json.Marshal(result)
	if err != nil {
		return job.GiveUp(err)
	}
	err = t.run.Write(context.WithoutCancel(ctx), db.Op{}, func(tx *db.Tx) error {
		err := t.change(tx, func(row *Row) {
			row.FinishedAt = tx.Now()
			if failure != nil {
				row.State, row.Fault = Failed, faultText(known)
				return
			}
			row.State, row.Result, row.Done = Done, string(text), row.Total
		})
		if err != nil && !fault.Is(err, ErrCancelled) && !fault.Is(err, ErrEnded) {
			return err
		}
		if again {
			return nil // its job becomes a dead letter, so that somebody looks
		}
		return t.run.Finish(tx)
	})
	if again {
		return failure
	}
	return err
}

// Fault is why a task failed, for people.
type Fault struct {
	Code  string `json:"code" doc:"错误代码|code"`
	Zh    string `json:"zh" doc:"中文说明|in Chinese"`
	En    string `json:"en" doc:"英文说明|in English"`
	Field string `json:"field,omitempty" doc:"字段|field"`
}

func faultText(e *fault.Error) string {
	f := Fault{Code: "internal", Zh: "内部错误，已记录", En: "An internal error; it was recorded"}
	if e != nil {
		f = Fault{e.Kind.Code, e.Text("zh"), e.Text("en"), e.Field}
	}
	b, _ := json.Marshal(f) // plain strings
	return string(b)
}
