package job

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

const start = 1_700_000_000_000 // 2023-11-15 06:13:20 in Shanghai

// effect is what the jobs of the tests do: each counts under its own name.
type effect struct {
	Name string
	N    int64
}

var effects = db.NewTable(db.Spec[effect, string]{
	Name: "effect", Cols: []string{"name", "n"}, Keys: 1,
	Row: func(r *effect, p []any) []any { return append(p, &r.Name, &r.N) },
	Key: func(r *effect) string { return r.Name },
})

var effectSchema = db.Schema{Feature: "effect", Files: fstest.MapFS{"schema/0001.sql": {
	Data: []byte("CREATE TABLE effect (name varchar(64) NOT NULL, n bigint NOT NULL, PRIMARY KEY (name))")}}}

func count(tx *db.Tx, name string) {
	e, _ := effects.Get(tx, name)
	effects.Put(tx, effect{name, e.N + 1})
}

type world struct {
	t     testing.TB
	d     *db.DB
	clock *clock.Fake
}

func open(t testing.TB) *world {
	t.Helper()
	c := clock.NewFake(start)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), Schema, effectSchema); err != nil {
		t.Fatal(err)
	}
	return &world{t, d, c}
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(context.Background(), db.Op{}, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(*db.View)) {
	w.t.Helper()
	if err := w.d.View(context.Background(), func(v *db.View) error { fn(v); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) effect(name string) (n int64) {
	w.view(func(v *db.View) {
		e, _ := effects.Get(v, name)
		n = e.N
	})
	return n
}

func (w *world) job(id int64) (row Row) {
	w.view(func(v *db.View) { row, _ = table.Get(v, id) })
	return row
}

func (w *world) step(r *Runner, want int) {
	w.t.Helper()
	ran, err := r.Step(context.Background())
	if err != nil || ran != want {
		w.t.Fatalf("ran %d, %v; want %d", ran, err, want)
	}
}

func add[T any](w *world, k Kind[T], args T, opts ...Option) (id int64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) (err error) { id, err = Add(tx, k, args, opts...); return err })
	return id
}

const greet Kind[string] = "test.greet"

// counting registers greet as a job that counts its argument and finishes in one Tx.
func counting(w *world, r *Runner) {
	Register(r, greet, Spec{Zh: "问候", En: "Greet"}, func(ctx context.Context, run *Run, name string) error {
		return run.Write(ctx, db.Op{}, func(tx *db.Tx) error { count(tx, name); return run.Finish(tx) })
	})
}

func TestJobRunsOnceAndOnlyWhenItsCauseIsCommitted(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	id := add(w, greet, "ann")
	_ = w.d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error {
		_, _ = Add(tx, greet, "bob")
		return errors.New("refused")
	})
	later := add(w, greet, "eve", At(start+10))
	w.step(r, 1)
	w.step(r, 0)
	if row := w.job(id); row.State != Done || row.Attempts != 1 || w.effect("ann") != 1 || w.effect("bob") != 0 {
		t.Errorf("row %+v", row)
	}
	w.clock.Add(9)
	w.step(r, 0)
	w.clock.Add(1)
	w.step(r, 1)
	if w.job(later).State != Done {
		t.Error("the later job is not done")
	}
}

func TestSecondJobUnderAKeyIsNoJob(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	const other Kind[string] = "test.other"
	var ids [3]int64
	w.write(func(tx *db.Tx) (err error) {
		ids[0], err = Add(tx, greet, "ann", Key("k"))
		ids[1], _ = Add(tx, greet, "bob", Key("k"))
		return err
	})
	ids[2] = add(w, greet, "eve", Key("k"))
	if ids[0] != ids[1] || ids[0] != ids[2] {
		t.Errorf("ids %v", ids)
	}
	if add(w, other, "ann", Key("k")) == ids[0] {
		t.Error("another kind has its own keys")
	}
	err := w.d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error {
		_, err := Add(tx, greet, "x", Key(strings.Repeat("k", 192)))
		return err
	})
	if !fault.Is(err, ErrBadKey) {
		t.Errorf("long key: %v", err)
	}
	w.step(r, 1) // the other kind is not known here
	if w.effect("ann") != 1 || w.effect("bob")+w.effect("eve") != 0 {
		t.Error("a second job ran")
	}
}

func TestFailureWaitsLongerEachTimeAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := open(t)
	var results []Result
	r := NewRunner(w.d, Options{Observe: func(s Seen) {
		if s.Kind == "test.fail" {
			results = append(results, s.Result)
		}
	}})
	counting(w, r)
	const bad Kind[string] = "test.fail"
	Register(r, bad, Spec{MaxAttempts: 5, Backoff: Backoff{First: 1000, Max: 4000}}, func(context.Context, *Run, string) error {
		return errors.New("no luck\nwith details")
	})
	id := add(w, bad, "")
	for attempt, most := range []int64{1000, 2000, 4000, 4000} {
		add(w, greet, "ann")
		w.step(r, 2)
		row := w.job(id)
		wait := row.DueAt - w.clock.Now()
		if row.State != Ready || row.Attempts != attempt+1 || row.LastError != "no luck" || wait < most/2 || wait > most {
			t.Fatalf("after attempt %d: %+v, waits %d", attempt+1, row, wait)
		}
		w.clock.Add(wait - 1)
		w.step(r, 0)
		w.clock.Add(1)
	}
	w.step(r, 1)
	if got := fmt.Sprint(results); got != "[retry retry retry retry dead]" || w.effect("ann") != 4 {
		t.Errorf("results %s, the others ran %d times", got, w.effect("ann"))
	}
}

func TestDeadLettersAreRetriedOrDiscarded(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	heal := false
	const bad Kind[string] = "test.fail"
	Register(r, bad, Spec{}, func(ctx context.Context, run *Run, name string) error {
		if !heal {
			return GiveUp(errors.New("never"))
		}
		return run.Write(ctx, db.Op{}, func(tx *db.Tx) error { count(tx, name); return run.Finish(tx) })
	})
	a, b := add(w, bad, "a"), add(w, bad, "b")
	w.step(r, 2)
	w.view(func(v *db.View) {
		if dead := DeadLetters(v, 10); len(dead) != 2 || dead[0].ID != a || dead[1].LastError != "never" {
			t.Errorf("dead letters %+v", dead)
		}
		if s := Count(v); s != (Stats{Dead: 2}) {
			t.Errorf("count %+v", s)
		}
	})
	heal = true
	w.write(func(tx *db.Tx) error { return errors.Join(Retry(tx, a), Discard(tx, b)) })
	w.step(r, 1)
	if w.effect("a") != 1 || w.effect("b") != 0 || w.job(a).State != Done || w.job(b).State != Dropped {
		t.Error("retry or discard did something else")
	}
	err := w.d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error { return Retry(tx, b) })
	if !fault.Is(err, ErrNotDead) {
		t.Errorf("retry of a discarded job: %v", err)
	}
}

func TestPanicIsAFailureAndIsLogged(t *testing.T) {
	t.Parallel()
	w := open(t)
	log := &strings.Builder{}
	r := NewRunner(w.d, Options{Log: textLog(log)})
	const boom Kind[string] = "test.boom"
	Register(r, boom, Spec{}, func(context.Context, *Run, string) error { panic("ouch") })
	id := add(w, boom, "")
	w.step(r, 1)
	if row := w.job(id); row.State != Ready || row.LastError != "panic: ouch" {
		t.Errorf("row %+v", row)
	}
	if !strings.Contains(log.String(), "job_test.go") {
		t.Errorf("no stack in the log: %s", log)
	}
}

func TestUnreadableArgumentsAndUnknownKinds(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	Register(r, Kind[int]("test.n"), Spec{}, func(context.Context, *Run, int) error { return nil })
	bad := add(w, Kind[string]("test.n"), "not a number")
	foreign := add(w, Kind[string]("test.newer"), "")
	w.step(r, 1)
	if w.job(bad).State != Dead {
		t.Error("unreadable arguments are tried again and again")
	}
	if row := w.job(foreign); row.State != Ready || row.Attempts != 0 || row.DueAt != start+clock.Minute {
		t.Errorf("the job of a newer program: %+v", row)
	}
}

// claimOne takes the one due job and abandons it, as a process does that is killed.
func (w *world) claimOne(r *Runner) *Run {
	w.t.Helper()
	runs, err := r.claim(context.Background(), 10)
	if err != nil || len(runs) != 1 {
		w.t.Fatalf("claimed %d, %v", len(runs), err)
	}
	return runs[0]
}

func TestCrashBeforeAndAfterTheEffect(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	id := add(w, greet, "ann")
	w.claimOne(r) // dies before the effect
	w.clock.Add(5*clock.Minute - 1)
	w.step(r, 0)
	w.clock.Add(1)
	run := w.claimOne(r)
	if err := run.call(context.Background()); err != nil { // dies after the effect
		t.Fatal(err)
	}
	w.clock.Add(clock.Day)
	w.step(r, 0)
	if row := w.job(id); w.effect("ann") != 1 || row.State != Done || row.Attempts != 2 {
		t.Errorf("%d effects, %+v", w.effect("ann"), row)
	}
}

func TestLostLeaseCanNeitherFinishNorSave(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	id := add(w, greet, "ann")
	zombie := w.claimOne(r)
	w.clock.Add(5 * clock.Minute)
	heir := w.claimOne(r)
	if err := zombie.call(context.Background()); !fault.Is(err, ErrLost) || w.effect("ann") != 0 {
		t.Fatalf("the zombie's Tx: %v, %d effects", err, w.effect("ann"))
	}
	err := w.d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error { count(tx, "ann"); return zombie.Save(tx, "x") })
	if !fault.Is(err, ErrLost) {
		t.Fatal(err)
	}
	if got := zombie.settle(context.Background(), nil); got != Lost || w.job(id).State != Running {
		t.Fatalf("the zombie settled: %s", got)
	}
	if err := heir.call(context.Background()); err != nil || w.effect("ann") != 1 {
		t.Fatalf("the heir: %v", err)
	}
	if got := zombie.settle(context.Background(), errors.New("x")); got != Lost || w.job(id).State != Done {
		t.Errorf("the zombie undid the end: %s", got)
	}
}

func TestJobThatKillsItsWorkerEndsAsADeadLetter(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	Register(r, greet, Spec{MaxAttempts: 3, Lease: 100}, func(context.Context, *Run, string) error { return nil })
	id := add(w, greet, "ann")
	for range 3 {
		w.claimOne(r)
		w.clock.Add(100)
	}
	w.step(r, 0)
	if row := w.job(id); row.State != Dead || row.Attempts != 3 {
		t.Errorf("row %+v", row)
	}
}

func TestWalkGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	const walk Kind[int] = "test.walk"
	fails := 0
	Register(r, walk, Spec{MaxAttempts: 2, Backoff: Backoff{1, 1}}, func(ctx context.Context, run *Run, members int) error {
		at := 0
		_, _ = fmt.Sscan(run.Cursor(), &at)
		for from := at; from < members; from += 10 {
			if from%30 == 20 && run.Cursor() != fmt.Sprint(from) {
				fails++
				return errors.New("cut off")
			}
			err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
				for m := range 10 {
					count(tx, fmt.Sprintf("m%d", from+m))
				}
				return run.Save(tx, fmt.Sprint(from+10))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	id := add(w, walk, 200)
	for w.job(id).State == Ready {
		w.step(r, 1)
		w.clock.Add(1)
	}
	if row := w.job(id); row.State != Done || row.Bookmark != "200" || fails < 5 {
		t.Fatalf("row %+v after %d failures", row, fails)
	}
	for m := range 200 {
		if n := w.effect(fmt.Sprintf("m%d", m)); n != 1 {
			t.Fatalf("member %d was visited %d times", m, n)
		}
	}
}

func TestSaveRenewsTheLease(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	add(w, greet, "ann")
	run := w.claimOne(r)
	w.clock.Add(4 * clock.Minute)
	w.write(func(tx *db.Tx) error { return run.Save(tx, "half") })
	w.clock.Add(4 * clock.Minute)
	w.step(r, 0)
	if err := run.call(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestStoppingGivesTheJobBackUncounted(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	Register(r, greet, Spec{}, func(ctx context.Context, _ *Run, _ string) error { cancel(); return ctx.Err() })
	id := add(w, greet, "ann")
	if _, err := r.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if row := w.job(id); row.State != Ready || row.Attempts != 0 || row.DueAt != start {
		t.Errorf("row %+v", row)
	}
}

func TestManyWorkersNeverShareAJob(t *testing.T) {
	t.Parallel()
	w := open(t)
	const jobs = 300
	var inside [jobs]atomic.Int32
	var left sync.WaitGroup
	left.Add(jobs)
	const slow Kind[int] = "test.slow"
	register := func() *Runner {
		r := NewRunner(w.d, Options{})
		Register(r, slow, Spec{}, func(ctx context.Context, run *Run, i int) error {
			if inside[i].Add(1) != 1 {
				t.Errorf("job %d has two workers", i)
			}
			err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error { count(tx, fmt.Sprint(i)); return run.Finish(tx) })
			inside[i].Add(-1)
			left.Done()
			return err
		})
		return r
	}
	runners := []*Runner{register(), register()}
	ctx, cancel := context.WithCancel(context.Background())
	var working sync.WaitGroup
	for _, r := range runners {
		working.Go(func() { r.Run(ctx, 4) })
	}
	for g := range 4 {
		working.Go(func() {
			for i := g; i < jobs; i += 4 {
				err := w.d.Write(ctx, db.Op{}, func(tx *db.Tx) error { _, err := Add(tx, slow, i); return err })
				if err != nil {
					t.Error(err)
				}
				_, _ = runners[g%2].Step(ctx)
			}
		})
	}
	left.Wait()
	cancel()
	working.Wait()
	for i := range jobs {
		if n := w.effect(fmt.Sprint(i)); n != 1 {
			t.Fatalf("job %d ran %d times", i, n)
		}
	}
}
