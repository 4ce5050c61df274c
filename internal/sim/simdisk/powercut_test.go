package simdisk

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/sim/witness"
)

// round works on the machine until its power goes, at a moment of chance: while it opens, recovers, checks, retries,
// posts, checkpoints or closes.
func (m *machine) round() error {
	m.disk.CutAt(1 + m.rng.IntN([]int{60, 800}[m.rng.IntN(2)]))
	s, err := m.open()
	if err == nil {
		err = m.work(s)
		_ = s.DB.Close()
	}
	if err != nil && (!m.disk.Off() || errors.Is(err, witness.ErrBroken)) {
		return err
	}
	m.disk.Restart()
	return nil
}

func (m *machine) work(s *witness.Site) error {
	if err := m.check(s); err != nil {
		return err
	}
	for !m.disk.Off() {
		if err := m.burst(s, m.newKeys(1+m.rng.IntN(12))); err != nil {
			return err
		}
		switch m.rng.IntN(12) {
		case 0, 1:
			_ = m.checkpoint("PASSIVE") // it may meet the cut
		case 2:
			_ = m.checkpoint("RESTART")
		case 3:
			return s.DB.Close() // and the power goes when nobody works
		}
	}
	return nil
}

// last opens the machine for good, and everything must be settled.
func (m *machine) last() error {
	s, err := m.open()
	if err != nil {
		return err
	}
	defer func() { _ = s.DB.Close() }()
	if err := m.check(s); err != nil {
		return err
	}
	if open := m.log.Unsettled(); len(open) > 0 {
		return fmt.Errorf("keys %v can't be settled", open)
	}
	return m.log.Check(s)
}

func (m *machine) cuts(n int) error {
	for i := range n {
		if err := m.round(); err != nil {
			return fmt.Errorf("cut %d: %w", i+1, err)
		}
	}
	return m.last()
}

const cutsPerDatabase = 100 // a check costs as much as there is to check

// TestPowerCut cuts the power at random moments; nothing acknowledged may be lost, nothing torn, nothing doubled.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	n := 60
	if full() {
		n = 1000
	}
	seed := seedOf(t)
	var sum Stats
	acked := 0
	for done := 0; done < n; done += cutsPerDatabase {
		m := newMachine(t, seed)
		if err := m.cuts(min(cutsPerDatabase, n-done)); err != nil {
			t.Fatalf("%v\n%s", err, replay(t, seed))
		}
		s := m.disk.Stats()
		sum.Cuts, sum.Calls, sum.Syncs = sum.Cuts+s.Cuts, sum.Calls+s.Calls, sum.Syncs+s.Syncs
		sum.Kept, sum.Dropped, sum.Torn = sum.Kept+s.Kept, sum.Dropped+s.Dropped, sum.Torn+s.Torn
		acked += m.log.Count(witness.Acked)
		seed++
	}
	t.Logf("%d cuts, %d acknowledged postings, unsynced writes: %d dropped, %d torn, %d kept", sum.Cuts, acked, sum.Dropped, sum.Torn, sum.Kept)
	if sum.Cuts != n || sum.Dropped < n || sum.Torn < n/2 || acked < 8*n {
		t.Errorf("too tame to prove anything: %+v, %d acknowledged", sum, acked)
	}
}

// TestPowerCutControls runs the same on settings and disks that must lose acknowledged postings: a test that can't
// see that proves nothing.
func TestPowerCutControls(t *testing.T) {
	t.Parallel()
	sync := func(to string) func(string) string {
		return func(dsn string) string {
			return strings.Replace(dsn, "synchronous%28FULL%29", "synchronous%28"+to+"%29", 1)
		}
	}
	keep := func(dsn string) string { return dsn }
	for _, c := range []struct {
		name   string
		alter  func(string) string
		lies   bool
		caught string
	}{
		{"synchronous=NORMAL", sync("NORMAL"), false, "acknowledged, but lost"},
		{"synchronous=OFF", sync("OFF"), false, "malformed"},
		{"lying fsync", keep, true, "acknowledged, but lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seed := seedOf(t)
			m := newMachine(t, seed)
			m.alter, m.disk.Lies = c.alter, c.lies
			if dsn := m.options().DSN("", true); !c.lies && dsn == newMachine(t, seed).options().DSN("", true) {
				t.Fatalf("the control changes nothing: %s", dsn)
			}
			err := m.cuts(40)
			if err == nil || !strings.Contains(err.Error(), c.caught) {
				t.Fatalf("not caught in 40 cuts, but: %v\n%s", err, replay(t, seed))
			}
			t.Log(err)
		})
	}
}

// TestPowerCutIsReplayable holds that a seed decides everything, so that a failure can be run again.
func TestPowerCutIsReplayable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		var prints [2]uint64
		for i := range prints {
			m := newMachine(t, seed)
			if err := m.cuts(8); err != nil {
				t.Fatal(err)
			}
			prints[i] = m.disk.Fingerprint()
		}
		if prints[0] != prints[1] {
			t.Errorf("two runs of seed %d differ: %x and %x", seed, prints[0], prints[1])
		}
	}
}
