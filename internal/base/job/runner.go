package job

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// Options of a runner.
type Options struct {
	Log     *slog.Logger
	Zone    clock.Zone // of daily schedules; Asia/Shanghai when not set
	Observe func(Seen) // called after each attempt, for metrics
	Tell    func()     // called after jobs were committed, to wake other processes
}

// Result is how an attempt ended.
type Result string

// The results of an attempt.
const (
	Succeeded Result = "done"
	Failed    Result = "retry"
	Died      Result = "dead"
	Lost      Result = "lost" // the lease ran out meanwhile
)

// Seen tells of one attempt.
type Seen struct {
	Kind   string
	Result Result
	Waited int64 // ms from being due to being started
	Took   int64 // ms
}

// Runner runs the jobs of a database. Several may run beside each other, in one process or in many.
type Runner struct {
	db    *db.DB
	opt   Options
	kinds map[string]*registered
	plans []Plan
	woken chan struct{}
}

type registered struct {
	Spec
	name string
	call func(context.Context, *Run, string) error
}

type runnerKey struct{}

// NewRunner makes a runner; it is woken by the jobs added to the database.
func NewRunner(d *db.DB, opt Options) *Runner {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Zone.Name() == "" {
		opt.Zone = clock.Shanghai
	}
	r := &Runner{db: d, opt: opt, kinds: map[string]*registered{}, woken: make(chan struct{}, 1)}
	d.Set(runnerKey{}, r)
	return r
}

// Register says what a kind of job does. A kind registered twice is a programming error.
func Register[T any](r *Runner, kind Kind[T], spec Spec, f Func[T]) {
	if r.kinds[string(kind)] != nil {
		panic("job: kind registered twice: " + string(kind))
	}
	spec.defaults()
	r.kinds[string(kind)] = &registered{Spec: spec, name: string(kind), call: func(ctx context.Context, run *Run, text string) error {
		var args T
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			return GiveUp(err) // it will not read better tomorrow
		}
		return f(ctx, run, args)
	}}
}

// Kinds gives what is registered, by name, for the console.
func (r *Runner) Kinds() map[string]Spec {
	out := make(map[string]Spec, len(r.kinds))
	for name, k := range r.kinds {
		out[name] = k.Spec
	}
	return out
}

func wakeAfter(tx *db.Tx) {
	if r, _ := tx.DB().Value(runnerKey{}).(*Runner); r != nil {
		tx.AfterCommit(r.Wake)
		if r.opt.Tell != nil {
			tx.AfterCommit(r.opt.Tell)
		}
	}
}

// Wake makes the runner look at once for what is due.
func (r *Runner) Wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

const (
	stepSize = 64
	idleMs   = clock.Second // how late a job may start that was added for later, or by another process
)

// Step fires what is scheduled and runs what is due, one job after the other; it tells how many it ran.
func (r *Runner) Step(ctx context.Context) (ran int, err error) {
	runs, err := r.claim(ctx, stepSize)
	for _, run := range runs {
		r.do(ctx, run)
	}
	return len(runs), err
}

// Run works until ctx ends, and returns when the last job has stopped.
func (r *Runner) Run(ctx context.Context, workers int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := make(chan struct{}, workers)
	for ctx.Err() == nil {
		n := occupy(ctx, busy)
		runs, err := r.claim(ctx, n)
		if err != nil && ctx.Err() == nil {
			r.opt.Log.Error("jobs not claimed", "err", err)
		}
		for range n - len(runs) {
			<-busy
		}
		for _, run := range runs {
			wg.Go(func() {
				defer func() { <-busy }()
				r.do(ctx, run)
			})
		}
		if len(runs) < n {
			r.rest(ctx)
		}
	}
}

// occupy waits for one free worker and takes all that are free.
func occupy(ctx context.Context, busy chan struct{}) (n int) {
	select {
	case busy <- struct{}{}:
		n++
	case <-ctx.Done():
		return 0
	}
	for {
		select {
		case busy <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

func (r *Runner) rest(ctx context.Context) {
	t := clock.Timer(idleMs)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.woken:
	case <-t.C:
	}
}

func (r *Runner) do(ctx context.Context, run *Run) {
	started := r.db.Clock().Now()
	failure := run.call(ctx)
	result := run.settle(ctx, failure)
	if failure != nil || result != Succeeded {
		r.opt.Log.Warn("job not done", "kind", run.row.Kind, "job", run.row.ID, "attempt", run.row.Attempts, "result", result, "err", failure)
	}
	if r.opt.Observe != nil {
		r.opt.Observe(Seen{run.row.Kind, result, started - run.due, r.db.Clock().Now() - started})
	}
}
