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
