package db

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
)

// A feature over three versions of a program: the first one counts, the second also keeps who counted last in a table of its own
// (expand), the third has done away with a column that the second no longer reads (contract).
//
// A process of the old version writes all columns that it knows, and no other: what is new stands in a table of its own,
// which the old one can't write over, or in a column that the old one may leave at its default.

type counter1 struct {
	ID, N int64
	By    string
}

type counter2 struct{ ID, N int64 }

type counted struct {
	ID int64
	By string
}

var (
	counters1 = NewTable(Spec[counter1, int64]{Name: "drill_counter", Cols: []string{"id", "n", "counted_by"}, Keys: 1,
		Row: func(r *counter1, p []any) []any { return append(p, &r.ID, &r.N, &r.By) }, Key: func(r *counter1) int64 { return r.ID }})
	counters2 = NewTable(Spec[counter2, int64]{Name: "drill_counter", Cols: []string{"id", "n"}, Keys: 1,
		Row: func(r *counter2, p []any) []any { return append(p, &r.ID, &r.N) }, Key: func(r *counter2) int64 { return r.ID }})
	counteds = NewTable(Spec[counted, int64]{Name: "drill_counted", Cols: []string{"id", "counted_by"}, Keys: 1,
		Row: func(r *counted, p []any) []any { return append(p, &r.ID, &r.By) }, Key: func(r *counted) int64 { return r.ID }})
)

// drill is the schema of a version.
func drill(version int) Schema {
	files := fstest.MapFS{}
	for i, text := range []string{
		"CREATE TABLE drill_counter (id bigint NOT NULL, n bigint NOT NULL, counted_by varchar(40) NOT NULL, PRIMARY KEY (id));",
		"CREATE TABLE drill_counted (id bigint NOT NULL, counted_by varchar(40) NOT NULL, PRIMARY KEY (id)); WIDEN drill_counter counted_by varchar(40) NOT NULL DEFAULT '';",
		"ALTER TABLE drill_counter DROP COLUMN counted_by;",
	}[:version] {
		files["schema/000"+string(rune('1'+i))+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	return Schema{Feature: "drill", Files: files}
}

// count1 and count2 are the same deed as the old and the new version do it.
func count1(tx *Tx) error {
	c, _ := counters1.Get(tx, 1)
	counters1.Put(tx, counter1{1, c.N + 1, "old"})
	return nil
}

func count2(tx *Tx) error {
	c, _ := counters2.Get(tx, 1)
	counters2.Put(tx, counter2{1, c.N + 1})
	by, _ := counteds.Get(tx, 1)
	by.ID, by.By = 1, "new"
	counteds.Put(tx, by)
	return nil
}

// teller counts through one process until it is told to stop.
type teller struct {
	d     *DB
	told  atomic.Int64
	stop  chan struct{}
	group sync.WaitGroup
}

func newTeller(t *testing.T, dir string, version int, deed func(*Tx) error) *teller {
	t.Helper()
	d, err := Open(context.Background(), Options{Dir: dir, Clock: clock.NewFake(1_700_000_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), drill(version)); err != nil {
		t.Fatal(err)
	}
	w := &teller{d: d, stop: make(chan struct{})}
	for range 4 {
		w.group.Go(func() {
			for {
				select {
				case <-w.stop:
					return
				default:
				}
				if err := d.Write(context.Background(), Op{}, deed); err != nil {
					t.Errorf("version %d: %v", version, err)
					return
				}
				w.told.Add(1)
			}
		})
	}
	return w
}

// goesOn waits until it has counted some more.
func (w *teller) goesOn(t *testing.T) {
	t.Helper()
	for had := w.told.Load(); w.told.Load() < had+50 && !t.Failed(); {
		_ = w.d.View(context.Background(), func(*View) error { return nil }) // lets the others on
	}
}

// end stops it in order.
func (w *teller) end(t *testing.T) {
	t.Helper()
	close(w.stop)
	w.group.Wait()
	if err := w.d.Close(); err != nil {
		t.Error(err)
	}
}

// TestRollingUpgrade brings a database from one version to the next but one while it is written to: at each step a process of the
// old and one of the new version serve side by side. Nothing is refused, nothing is lost, and a process of the old version
// that is started once the tables are newer says so.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	if os.Getenv(testEnv) == "" {
		t.Skip("needs GUANXI_TEST_DB: the embedded engine has one process")
	}
	dir := t.TempDir()
	first := newTeller(t, dir, 1, count1)
	first.goesOn(t)
	second := newTeller(t, dir, 2, count2) // expands under the load of the first
	second.goesOn(t)
	first.goesOn(t)
	late, err := Open(context.Background(), Options{Dir: dir})
	if err == nil {
		err = errors.Join(late.Migrate(context.Background(), drill(1)), late.Close())
	}
	if !fault.Is(err, ErrNewer) {
		t.Errorf("an old process that is started late says %v", err)
	}
	first.end(t)
	third := newTeller(t, dir, 3, count2) // contracts under the load of the second
	third.goesOn(t)
	second.goesOn(t)
	second.end(t)
	third.end(t)
	last := newTeller(t, dir, 3, func(*Tx) error { return nil })
	defer last.end(t)
	var n int64
	var by string
	err = last.d.View(context.Background(), func(v *View) error {
		c, _ := counters2.Get(v, 1)
		b, _ := counteds.Get(v, 1)
		n, by = c.N, b.By
		return nil
	})
	if want := first.told.Load() + second.told.Load() + third.told.Load(); err != nil || n != want || by != "new" {
		t.Errorf("%d counted, %d acknowledged, last by %q: %v", n, want, by, err)
	}
}
