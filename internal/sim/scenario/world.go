package scenario

import (
	"context"
	"fmt"
	"os"
	"sync"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/tier"
)

// person is a member by the name the script gives it, and the identity it shows at the till.
type person struct {
	id  int64
	key member.Identity
}

// world is one installation with the names a script has given to what is in it.
type world struct {
	ctx   context.Context
	dir   string
	zone  clock.Zone
	clock *clock.Fake
	app   *app.App
	jobs  bool // background work runs whenever time moves

	mu      sync.Mutex // names are also given in races
	people  map[string]person
	rules   map[string]int64
	holds   map[string]held
	codes   map[string]string
	merges  map[string]int64
	refunds map[string]int // how many of an order
	sources int
	won     int64 // of the last race
}

type held struct {
	member string
	id     int64
}

const start = "2026-01-01 09:00"

func newWorld(ctx context.Context, dir string) *world {
	w := &world{ctx: ctx, dir: dir, zone: clock.Shanghai, jobs: true, people: map[string]person{}, rules: map[string]int64{},
		holds: map[string]held{}, codes: map[string]string{}, merges: map[string]int64{}, refunds: map[string]int{}}
	return w
}

// open starts the installation, or starts it again.
func (w *world) open() (err error) {
	if w.app != nil {
		return nil
	}
	if w.clock == nil {
		at, err := w.zone.Parse("2006-01-02 15:04", start)
		if err != nil {
			return err
		}
		w.clock = clock.NewFake(at)
	}
	// Power cuts are tried elsewhere; here a script should run in the blink of an eye.
	fast := func(path string, write bool) string {
		return (&db.Options{CacheMB: 8}).SQLiteDSN(path, write) + "&_pragma=synchronous(OFF)"
	}
	o := app.Options{Data: w.dir, Zone: w.zone, Clock: w.clock, Seed: 1}
	if os.Getenv("GUANXI_TEST_DB") == "" {
		o.Driver, o.DSN = "sqlite", fast
	}
	w.app, err = app.Open(w.ctx, o)
	if err != nil {
		return err
	}
	if w.jobs {
		return w.work()
	}
	return nil
}

func (w *world) close() error {
	if w.app == nil {
		return nil
	}
	a := w.app
	w.app = nil
	return a.Close()
}

// write runs f as a clerk would, about these members.
func (w *world) write(f func(tx *db.Tx) error, about ...int64) error {
	return w.app.DB.Write(w.ctx, db.Op{Owners: about, Actor: "staff:1"}, f)
}

func (w *world) view(f func(v *db.View) error) error { return w.app.DB.View(w.ctx, f) }

// who finds a member by its name in the script.
func (w *world) who(name string) (person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.people[name]
	if !ok {
		return p, fmt.Errorf("there is no member called %q in this story", name)
	}
	return p, nil
}

func (w *world) keep(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// source makes a cause that was never used before.
func (w *world) source(what string) (s string) {
	w.keep(func() {
		w.sources++
		s = fmt.Sprintf("%s:%d", what, w.sources)
	})
	return s
}

// work runs background jobs until none is due. A dead letter ends the story.
func (w *world) work() error {
	for range 1000 {
		n, err := w.app.Jobs.Step(w.ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			return w.noDeadLetters()
		}
	}
	return fmt.Errorf("background work finds no end")
}

func (w *world) noDeadLetters() error {
	return w.view(func(v *db.View) error {
		for _, r := range job.DeadLetters(v, 1) {
			return fmt.Errorf("job %s died: %s", r.Kind, r.LastError)
		}
		return nil
	})
}

// travel moves the clock. With jobs it stops after midnight of each day on which something falls due, as a server
// that runs all the time would; days on which nothing does are passed over.
func (w *world) travel(to int64) error {
	if to < w.clock.Now() {
		return fmt.Errorf("time does not go back")
	}
	for w.jobs {
		due, err := w.nextDue()
		if err != nil {
			return err
		}
		if due >= to {
			break
		}
		stop := w.afterMidnight(due)
		if stop >= to {
			break
		}
		w.clock.Set(stop)
		if err := w.work(); err != nil {
			return err
		}
	}
	w.clock.Set(to)
	if w.jobs {
		return w.work()
	}
	return nil
}

const nightly = 15 * clock.Minute // the jobs of the night have been called by then

// afterMidnight is the first moment from t on when the jobs of a night have been called.
func (w *world) afterMidnight(t int64) int64 {
	at := w.zone.StartOfDay(w.zone.LocalDay(t)) + nightly
	if at < t {
		at = w.zone.EndOfDay(t) + nightly
	}
	return at
}

// nextDue is when time alone will next do something to anybody.
func (w *world) nextDue() (next int64, err error) {
	err = w.view(func(v *db.View) error {
		next = clock.Never
		now := w.clock.Now()
		for _, a := range ledger.Accounts.Select(v, db.Query[ledger.Account]{
			Where: "due_at > ?", Args: []any{now}, Order: "due_at", Limit: 1,
		}) {
			next = min(next, a.Due)
		}
		for _, s := range tier.States.Select(v, db.Query[tier.State]{
			Where: "next_at > ?", Args: []any{now}, Order: "next_at", Limit: 1,
		}) {
			next = min(next, s.Next)
		}
		return nil
	})
	return next, err
}
