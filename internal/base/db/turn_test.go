package db

import (
	"context"
	"net/url"
	"os"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
)

// race lets two processes' worth of writers add one, a hundred times each, to the same balance, and tells what was
// lost of it. Ids and facts of order are held to growing in the order of the commits.
func race(t *testing.T, careless bool) (lost int64) {
	t.Helper()
	if os.Getenv(testEnv) == "" {
		t.Skip("needs GUANXI_TEST_DB: the embedded engine has one writer")
	}
	first := open(t)
	second, err := Open(context.Background(), Options{Dir: first.opt.Dir, Clock: clock.NewFake(1_700_000_000_000 - 5000), Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	if err := second.Migrate(context.Background(), testSchema); err != nil {
		t.Fatal(err)
	}
	if careless {
		first.migrated, second.migrated = false, false // the planted fault: nobody waits for a turn
	} else {
		write(t, first, func(tx *Tx) error { add(tx, 1, 0, 0); return nil })
	}
	const each = 100
	var wg sync.WaitGroup
	var mu sync.Mutex
	var told int64
	for i, d := range []*DB{first, second, first, second} {
		wg.Go(func() {
			for n := range each {
				var mine, at int64
				err := d.Write(context.Background(), Op{}, func(tx *Tx) error {
					add(tx, 1, 0, 1)
					mine, at = tx.ID(), tx.Now()
					if old, seen := notes.Get(tx, "last"); seen && (old.Unq >= mine || old.Owner > at) && !careless {
						t.Errorf("id %d at %d comes after id %d at %d", mine, at, old.Unq, old.Owner)
					}
					notes.Put(tx, note{"last", mine, at})
					return nil
				})
				if err != nil && !careless {
					t.Errorf("writer %d, %d: %v", i, n, err)
				}
				mu.Lock()
				if err == nil {
					told++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got, _ := sum(t, first, 1, 0)
	return told - got
}

// TestTwoWritersLoseNothing runs two databases of the program on one of the server, with clocks that differ.
func TestTwoWritersLoseNothing(t *testing.T) {
	t.Parallel()
	if lost := race(t, false); lost != 0 {
		t.Errorf("%d additions were lost", lost)
	}
}

// TestTwoWritersWithoutTurnsLose is the control: the same without taking turns.
func TestTwoWritersWithoutTurnsLose(t *testing.T) {
	t.Parallel()
	if lost := race(t, true); lost == 0 {
		t.Error("nothing was lost without turns: the test above proves nothing")
	}
}

// TestTransactionThatEndedIsNoticed lets the server roll back in the middle of a group and say nothing, as a node of a cluster
// has done that lost a race, while somebody else takes the turn: the group goes again, and of its first try nothing stays.
func TestTransactionThatEndedIsNoticed(t *testing.T) {
	t.Parallel()
	if os.Getenv(testEnv) == "" {
		t.Skip("needs GUANXI_TEST_DB")
	}
	for _, midway := range []string{"before it writes", "after it has written"} {
		first := open(t)
		second, err := Open(context.Background(), Options{Dir: first.opt.Dir, Seed: 9})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = second.Close() })
		if err := second.Migrate(context.Background(), testSchema); err != nil {
			t.Fatal(err)
		}
		write(t, first, func(tx *Tx) error { add(tx, 1, 0, 1); return nil })
		tries := 0
		write(t, first, func(tx *Tx) error {
			tries++
			add(tx, 1, 0, 10)
			if tries > 1 {
				return nil
			}
			if midway == "after it has written" {
				if err := tx.flush(); err != nil {
					return err
				}
			}
			if _, err := tx.s.exec("ROLLBACK"); err != nil {
				return err
			}
			write(t, second, func(tx *Tx) error { add(tx, 1, 0, 100); return nil })
			return nil
		})
		if got, _ := sum(t, first, 1, 0); got != 111 || tries != 2 {
			t.Errorf("ended %s: %d after %d tries", midway, got, tries)
		}
	}
}

// TestServerThatLacksACommitIsRefused sets the server back behind what this process knows to be committed, as the old
// primary is after a failover that it does not know of.
func TestServerThatLacksACommitIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv(testEnv) == "" {
		t.Skip("needs GUANXI_TEST_DB")
	}
	d := open(t)
	write(t, d, func(tx *Tx) error { add(tx, 1, 0, 1); return nil })
	raw, err := d.Raw()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	if _, err := raw.Exec("UPDATE db_version SET version = version - 1 WHERE name = ?", instantName); err != nil {
		t.Fatal(err)
	}
	err = d.Write(context.Background(), Op{}, func(tx *Tx) error { add(tx, 1, 0, 1); return nil })
	if !fault.Is(err, ErrBehind) {
		t.Errorf("got %v", err)
	}
	if got, _ := sum(t, d, 1, 0); got != 1 {
		t.Errorf("%d is written", got)
	}
}

// TestHostsAreTriedInOrder names a host first that nobody listens at.
func TestHostsAreTriedInOrder(t *testing.T) {
	t.Parallel()
	if os.Getenv(testEnv) == "" {
		t.Skip("needs GUANXI_TEST_DB")
	}
	dir := t.TempDir()
	u, err := url.Parse(testURL(dir))
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery, u.Host = "hosts="+u.Host, "127.0.0.1:1"
	d, err := Open(context.Background(), Options{Dir: dir, URL: u.String()})
	if err != nil {
		t.Fatal(err)
	}
	if at := d.eng.(*mysqlEngine).at.Load(); at != 1 {
		t.Errorf("host %d is written to", at)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestNearRowsAreReadTogether counts the statements of a group that asks for one counter after the other.
func TestNearRowsAreReadTogether(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error { return notes.Insert(tx, note{"b", 1, 9}) })
	near := func() []any { return []any{"a", "b", "c"} }
	write(t, d, func(tx *Tx) error {
		before := d.w.seen.Statements
		for _, k := range []string{"a", "b", "c"} {
			if n, ok := notes.GetNear(tx, k, near); ok != (k == "b") || ok && n.Owner != 9 {
				t.Errorf("%s: %+v %v", k, n, ok)
			}
		}
		if n := d.w.seen.Statements - before; n != 1 {
			t.Errorf("%d statements", n)
		}
		notes.Put(tx, note{"c", 3, 3})
		if n, ok := notes.GetNear(tx, "c", near); !ok || n.Owner != 3 {
			t.Errorf("what the group has written reads as %+v, %v", n, ok)
		}
		return nil
	})
}

// TestServersErrorsAreUnderstood holds what the errors of the family mean for a group.
func TestServersErrorsAreUnderstood(t *testing.T) {
	t.Parallel()
	if _, err := newMySQL("postgres://x/y"); !fault.Is(err, ErrServer) {
		t.Errorf("another protocol: %v", err)
	}
	for version, fit := range map[string]bool{"10.11.19-MariaDB-0+deb12u1": true, "10.6.1-MariaDB": false, "11.4.2-MariaDB": true,
		"8.0.36": true, "8.4.0": true, "5.7.44-log": false} {
		if newEnough(version) != fit {
			t.Errorf("%s: %v", version, !fit)
		}
	}
}
