package db

import (
	"context"
	"testing"

	"guanxi/internal/base/clock"
)

// A machine's clock may be set back while the program is down. Neither time nor ids follow it.
func TestTimeAndIDsNeverGoBackOverARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var lastNow, lastID int64
	for i, at := range []int64{1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1_700_000_000_001, 1_800_000_000_000} {
		d, err := Open(context.Background(), Options{Dir: dir, Clock: clock.NewFake(at), Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(context.Background(), testSchema); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			write(t, d, func(tx *Tx) error {
				now, id := tx.Now(), tx.ID()
				if now < lastNow || now < at || id <= lastID {
					t.Errorf("run %d: now %d after %d, id %d after %d", i, now, lastNow, id, lastID)
				}
				lastNow, lastID = now, id
				add(tx, 1, 1, 1)
				return nil
			})
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if lastNow != 1_800_000_000_000 {
		t.Errorf("a clock set right again is not followed: %d", lastNow)
	}
}

// A clock set back while the program runs must not show readers what has expired for writers.
func TestAViewIsNeverBeforeTheLastWrite(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), clock.NewFake(1_700_000_000_000)
	viewed := func(d *DB) (now int64) {
		if err := d.View(context.Background(), func(v *View) error { now = v.Now(); return nil }); err != nil {
			t.Fatal(err)
		}
		return now
	}
	for run, want := range []int64{1_700_000_000_000, 1_700_000_000_001} { // a restart goes on a millisecond later
		d, err := Open(context.Background(), Options{Dir: dir, Clock: c, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(context.Background(), testSchema); err != nil {
			t.Fatal(err)
		}
		if now := viewed(d); run > 0 && now < 1_700_000_000_000 {
			t.Errorf("before the first write of a restart it is %d", now)
		}
		write(t, d, func(tx *Tx) error { add(tx, 1, 1, 1); return nil })
		c.Set(1_600_000_000_000)
		if now := viewed(d); now != want {
			t.Errorf("run %d: a view at %d after a write at %d", run, now, want)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
