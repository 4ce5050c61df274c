package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
)

type acct struct{ Owner, N, Sum int64 }

var accts = NewTable(Spec[acct, [2]int64]{
	Name: "acct", Cols: []string{"owner_id", "n", "total"}, Keys: 2, Load: true,
	Row:   func(r *acct, p []any) []any { return append(p, &r.Owner, &r.N, &r.Sum) },
	Key:   func(r *acct) [2]int64 { return [2]int64{r.Owner, r.N} },
	Args:  func(k [2]int64, a []any) []any { return append(a, k[0], k[1]) },
	Owner: func(k [2]int64) int64 { return k[0] },
})

type note struct {
	Key   string
	Unq   int64
	Owner int64
}

var notes = NewTable(Spec[note, string]{
	Name: "note", Cols: []string{"k", "unq", "owner_id"}, Keys: 1, Indexed: true,
	Row: func(r *note, p []any) []any { return append(p, &r.Key, &r.Unq, &r.Owner) },
	Key: func(r *note) string { return r.Key },
})

var testSchema = Schema{Feature: "test", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte(`
-- tables of the test
CREATE TABLE acct (owner_id bigint NOT NULL, n bigint NOT NULL, total bigint NOT NULL, PRIMARY KEY (owner_id, n));
CREATE TABLE note (k varchar(40) NOT NULL, unq bigint NOT NULL, owner_id bigint NOT NULL, PRIMARY KEY (k));
CREATE UNIQUE INDEX note_unq ON note (unq);
`)}}}

var errNo = fault.Define("test.no", fault.Conflict, "不", "no")

func open(t testing.TB) *DB { return openOn(t, "") }

// openOn opens on an engine by its URL; empty is that of the run.
func openOn(t testing.TB, url string) *DB {
	t.Helper()
	d, err := Open(context.Background(), Options{Dir: t.TempDir(), URL: url, Clock: clock.NewFake(1_700_000_000_000), Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	Load(d, accts)
	if err := d.Migrate(context.Background(), testSchema); err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t testing.TB, d *DB, fn func(*Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), Op{}, fn); err != nil {
		t.Fatal(err)
	}
}

func sum(t testing.TB, d *DB, owner, n int64) (total int64, ok bool) {
	t.Helper()
	err := d.View(context.Background(), func(v *View) error {
		var a acct
		a, ok = accts.Get(v, [2]int64{owner, n})
		total = a.Sum
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total, ok
}

func add(tx *Tx, owner, n, by int64) {
	a, ok := accts.Get(tx, [2]int64{owner, n})
	if !ok {
		a = acct{owner, n, 0}
	}
	a.Sum += by
	accts.Put(tx, a)
}

func TestConcurrentWritersAreSerial(t *testing.T) {
	t.Parallel()
	d := open(t)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				owner := int64(i%5 + 1)
				err := d.Write(context.Background(), Op{Owner: owner}, func(tx *Tx) error {
					add(tx, owner, int64(g%2), 1)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var all int64
	for o := range int64(5) {
		for n := range int64(2) {
			s, _ := sum(t, d, o+1, n)
			all += s
		}
	}
	if all != 800 {
		t.Fatalf("sum = %d, want 800", all)
	}
	if c := d.Counts(); c.Commits >= c.Functions {
		t.Errorf("no grouping: %d commits for %d functions", c.Commits, c.Functions)
	}
}

// group runs functions in one transaction, which Write alone can't promise.
func group(d *DB, fns ...func(*Tx) error) []error {
	calls := make([]*call, len(fns))
	for i, f := range fns {
		calls[i] = &call{fn: f, op: Op{Owner: 1}}
	}
	d.runGroup(calls, alone)
	out := make([]error, len(fns))
	for i, c := range calls {
		out[i] = c.err
	}
	return out
}

func TestRefusalUndoesOnlyItself(t *testing.T) {
	t.Parallel()
	d := open(t)
	errs := group(d,
		func(tx *Tx) error { add(tx, 1, 1, 10); return nil },
		func(tx *Tx) error { add(tx, 1, 1, 5); add(tx, 1, 2, 5); return errNo.New() },
		func(tx *Tx) error { add(tx, 1, 1, 1); panic("a bug in a rule") },
		func(tx *Tx) error {
			if got := accts.OfOwner(tx, 1); len(got) != 1 || got[0].Sum != 10 {
				t.Errorf("a later function sees %v", got)
			}
			add(tx, 1, 1, 100)
			return nil
		})
	if errs[0] != nil || errs[3] != nil || !fault.Is(errs[1], errNo) || errs[2] == nil {
		t.Fatalf("answers: %v", errs)
	}
	if s, _ := sum(t, d, 1, 1); s != 110 {
		t.Errorf("sum = %d, want 110", s)
	}
	if _, ok := sum(t, d, 1, 2); ok {
		t.Error("a refused row was written")
	}
}

func TestUnexpectedDuplicateRefusesOnlyItsFunction(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error { return notes.Insert(tx, note{"a", 1, 1}) })
	errs := group(d,
		func(tx *Tx) error { add(tx, 1, 1, 1); return nil },
		func(tx *Tx) error { add(tx, 1, 1, 10); return notes.Insert(tx, note{"b", 1, 1}) },
		func(tx *Tx) error { add(tx, 1, 1, 100); return nil })
	if errs[0] != nil || errs[2] != nil || !fault.Is(errs[1], ErrDuplicate) {
		t.Fatalf("answers: %v", errs)
	}
	if s, _ := sum(t, d, 1, 1); s != 101 {
		t.Errorf("sum = %d, want 101", s)
	}
}

func TestTryUndoesAPart(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error {
		for i := range int64(10) {
			err := tx.Try(func(tx *Tx) error {
				add(tx, 1, 1, i)
				if i%2 == 1 {
					return errNo.New()
				}
				return nil
			})
			if (err != nil) != (i%2 == 1) {
				t.Errorf("Try %d: %v", i, err)
			}
		}
		return nil
	})
	if s, _ := sum(t, d, 1, 1); s != 20 {
		t.Errorf("sum = %d, want 20", s)
	}
}

func TestSelectSeesUnwrittenRows(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error {
		for n := range int64(10) {
			add(tx, 3, n, n)
		}
		return nil
	})
	write(t, d, func(tx *Tx) error {
		accts.Delete(tx, [2]int64{3, 2})
		add(tx, 3, 0, 7) // 0 → 7
		add(tx, 3, 20, 5)
		got := accts.Select(tx, Query[acct]{Where: "owner_id = ? AND total >= ?", Args: []any{int64(3), int64(5)}, Order: "total DESC", Limit: 4, Owner: 3,
			Match: func(a *acct) bool { return a.Sum >= 5 }, Less: func(a, b *acct) bool { return a.Sum > b.Sum }})
		if fmt.Sprint(got) != "[{3 9 9} {3 8 8} {3 7 7} {3 0 7}]" && fmt.Sprint(got) != "[{3 9 9} {3 8 8} {3 0 7} {3 7 7}]" {
			t.Errorf("got %v", got)
		}
		if n := len(accts.OfOwner(tx, 3)); n != 10 {
			t.Errorf("owner has %d rows, want 10", n)
		}
		return nil
	})
	if _, ok := sum(t, d, 3, 2); ok {
		t.Error("deleted row is still there")
	}
}

func TestDeleteThenInsertAgainIsAChange(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error { return notes.Insert(tx, note{"a", 1, 1}) })
	write(t, d, func(tx *Tx) error {
		notes.Delete(tx, "a")
		return notes.Insert(tx, note{"a", 2, 9})
	})
	_ = d.View(context.Background(), func(v *View) error {
		if n, _ := notes.Get(v, "a"); n.Owner != 9 {
			t.Errorf("got %+v", n)
		}
		return nil
	})
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	d := openOn(t, Embedded)
	_, err := Open(context.Background(), Options{Dir: d.opt.Dir, URL: Embedded})
	if !fault.Is(err, ErrLocked) {
		t.Fatalf("got %v", err)
	}
	ro, err := Open(context.Background(), Options{Dir: d.opt.Dir, URL: Embedded, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = ro.Close()
}

func TestMigrationGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	d := open(t)
	bad := Schema{Feature: "m", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte("CREATE TABLE m1 (id bigint NOT NULL, PRIMARY KEY (id)); CREATE TABEL m2 (id bigint)")}}}
	if err := d.Migrate(context.Background(), bad); err == nil {
		t.Fatal("a wrong statement passed")
	}
	good := Schema{Feature: "m", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte("CREATE TABLE m1 (id bigint NOT NULL, PRIMARY KEY (id)); CREATE TABLE m2 (id bigint NOT NULL, PRIMARY KEY (id))")}}}
	for range 2 {
		if err := d.Migrate(context.Background(), good); err != nil {
			t.Fatal(err)
		}
	}
	older := Schema{Feature: "m", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte("CREATE TABLE m1 (id bigint NOT NULL, PRIMARY KEY (id))")}}}
	if err := d.Migrate(context.Background(), older); !fault.Is(err, ErrNewer) {
		t.Fatalf("an older program was let in: %v", err)
	}
}

func TestAppendOnlyTableRefusesChanges(t *testing.T) {
	t.Parallel()
	d := open(t)
	s := Schema{Feature: "ao", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte("CREATE TABLE ao (id bigint NOT NULL, PRIMARY KEY (id)); APPEND ONLY ao")}}}
	if err := d.Migrate(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	for _, stmt := range []string{"UPDATE ao SET id = 2", "DELETE FROM ao"} {
		if _, err := d.w.exec("INSERT INTO ao (id) VALUES (1)"); err != nil && !IsDuplicate(err) {
			t.Fatal(err)
		}
		if _, err := d.w.exec(stmt); err == nil {
			t.Errorf("%s passed", stmt)
		}
	}
}

func TestFullQueueIsBusyAndClosedIsStopping(t *testing.T) {
	t.Parallel()
	d, err := Open(context.Background(), Options{Dir: t.TempDir(), Queue: 1})
	if err != nil {
		t.Fatal(err)
	}
	block, started := make(chan struct{}), make(chan struct{})
	go func() {
		_ = d.Write(context.Background(), Op{}, func(*Tx) error { close(started); <-block; return nil })
	}()
	<-started
	_ = d.WriteAsync(Op{}, func(*Tx) error { return nil }, func(error) {})
	err = d.Write(context.Background(), Op{}, func(*Tx) error { return nil })
	if !fault.Is(err, ErrBusy) {
		t.Errorf("full queue: %v", err)
	}
	close(block)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(context.Background(), Op{}, func(*Tx) error { return nil }); !fault.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestCacheFollowsItsVersion(t *testing.T) {
	t.Parallel()
	d := open(t)
	loads := 0
	c := NewCache("accts", func(r Reader) int64 {
		loads++
		a, _ := accts.Get(r, [2]int64{1, 1})
		return a.Sum
	})
	errs := group(d,
		func(tx *Tx) error { add(tx, 1, 1, 5); c.Bump(tx); return nil },
		func(tx *Tx) error { add(tx, 1, 1, 5); c.Bump(tx); c.Get(tx); return errNo.New() },
		func(tx *Tx) error {
			if c.Get(tx) != 5 || c.Get(tx) != 5 {
				t.Error("the cache kept a refused value")
			}
			return nil
		})
	if errors.Join(errs[0], errs[2]) != nil {
		t.Fatal(errs)
	}
	before := loads
	_ = d.View(context.Background(), func(v *View) error { c.Get(v); return nil })
	if loads != before {
		t.Error("an unchanged value was loaded again")
	}
}

func TestCachesOfTwoDatabasesAreApart(t *testing.T) {
	t.Parallel()
	c := NewCache("accts", func(r Reader) int64 { a, _ := accts.Get(r, [2]int64{1, 1}); return a.Sum })
	for _, n := range []int64{5, 7} { // the same instant and the same ids, hence the same version
		d := open(t)
		write(t, d, func(tx *Tx) error { add(tx, 1, 1, n); c.Bump(tx); return nil })
		_ = d.View(context.Background(), func(v *View) error {
			if got := c.Get(v); got != n {
				t.Errorf("%d of another database, want %d", got, n)
			}
			return nil
		})
	}
}

func TestGroupsOfOneCommitEachWriteAlone(t *testing.T) {
	t.Parallel()
	d, err := Open(context.Background(), Options{Dir: t.TempDir(), MaxGroup: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), testSchema); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if err := d.Write(context.Background(), Op{}, func(tx *Tx) error { add(tx, 1, 1, 1); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c := d.Counts(); c.Commits != 64 || c.Functions != 64 {
		t.Errorf("%d commits for %d functions", c.Commits, c.Functions)
	}
	if s, _ := sum(t, d, 1, 1); s != 64 {
		t.Errorf("sum = %d, want 64", s)
	}
}

// A row that was deleted earlier in the group is not there: not even what it was may be read.
func TestADeletedRowReadsAsNothing(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error { return accts.Insert(tx, acct{1, 1, 500}) })
	write(t, d, func(tx *Tx) error {
		accts.Delete(tx, [2]int64{1, 1})
		if a, ok := accts.Get(tx, [2]int64{1, 1}); ok || a != (acct{}) {
			t.Errorf("it reads %+v, %v", a, ok)
		}
		return nil
	})
}
