package simdisk

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/sim/witness"
)

// prepared is a machine with some postings in its log and file, switched off in good order.
func prepared(t *testing.T, seed uint64) *machine {
	t.Helper()
	m := newMachine(t, seed)
	s := mustOpen(t, m)
	for range 3 {
		mustBurst(t, m, s, m.newKeys(6))
	}
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}

// twin is a copy of a machine that is switched off.
func (m *machine) twin(t *testing.T, seed uint64) *machine {
	t.Helper()
	c := newMachine(t, seed)
	c.disk.Remove()
	c.disk = m.disk.Clone(c.dir, seed)
	c.clock.Set(m.clock.Now())
	c.log, c.next = m.log.Clone(), m.next
	return c
}

// script is the reference work that a fault is put into, call by call.
func (m *machine) script(s *witness.Site) error {
	for i := range 12 {
		if err := m.burst(s, m.newKeys(4)); err != nil {
			return err
		}
		switch i {
		case 2, 7:
			_ = m.checkpoint("PASSIVE") // it may meet the fault
		case 4, 10:
			_ = m.checkpoint("RESTART")
		}
	}
	return nil
}

// suffer runs the script with a fault in it, and tells whether the fault came up.
func (m *machine) suffer(x Fault) (bool, error) {
	m.disk.Break(x)
	s, err := m.open()
	if err != nil {
		if !fault.Is(err, db.ErrStorage) && !fault.Is(err, db.ErrFull) {
			return true, fmt.Errorf("opening says: %w", err)
		}
		m.disk.Mend()
		if s, err = m.open(); err != nil {
			return true, fmt.Errorf("opening a mended disk: %w", err)
		}
	}
	defer func() { _ = s.DB.Close() }()
	if err := m.script(s); err != nil {
		return true, err
	}
	met := m.disk.Stats().Faults > 0
	m.disk.Mend()
	return met, m.goesOn(s)
}

// goesOn holds that the running program serves again once the disk is sound, and that all of it outlives a power cut.
func (m *machine) goesOn(s *witness.Site) error {
	if err := m.check(s); err != nil {
		return err
	}
	if open := m.log.Unsettled(); len(open) > 0 {
		return fmt.Errorf("the disk is sound again, but keys %v are not taken", open)
	}
	if err := m.log.Check(s); err != nil {
		return err
	}
	m.disk.Restart()
	_ = s.DB.Close() // a program that has lost its machine; it gives back the folder
	return m.last()
}

// sweep puts the fault at each call of the script in turn, or at some of them. Callers must be told each of want at times.
func sweep(t *testing.T, x Fault, want ...*fault.Kind) {
	t.Parallel()
	seed, step := seedOf(t), 9
	if full() {
		step = 1
	}
	base := prepared(t, seed)
	told := map[string]int{}
	runs := 0
	for at := 1; ; at += step {
		m := base.twin(t, seed+uint64(at))
		x.At = at
		met, err := m.suffer(x)
		if err != nil {
			t.Fatalf("call %d: %v\n%s", at, err, replay(t, seed))
		}
		m.disk.Remove()
		if !met {
			break
		}
		runs++
		for _, k := range []*fault.Kind{db.ErrUnknown, db.ErrFull, db.ErrStorage} {
			told[k.Code] += m.log.Told(k)
		}
	}
	t.Logf("%d places, told: %v", runs, told)
	for _, k := range want {
		if told[k.Code] == 0 {
			t.Errorf("nobody was told %s", k.Code)
		}
	}
	if runs < 140/step {
		t.Errorf("too tame to prove anything: %d places", runs)
	}
}

// TestDiskFullOnce fails one write for want of space, at each place.
func TestDiskFullOnce(t *testing.T) { sweep(t, Fault{Err: syscall.ENOSPC}, db.ErrFull) }

// TestDiskFullUntilFreed lets the disk be full from each place on, until space is freed.
func TestDiskFullUntilFreed(t *testing.T) {
	sweep(t, Fault{Err: syscall.ENOSPC, Stays: true}, db.ErrFull, db.ErrUnknown)
}

// TestIOErrorOnce breaks one call, at each place.
func TestIOErrorOnce(t *testing.T) { sweep(t, Fault{Err: syscall.EIO}, db.ErrUnknown) }

// TestIOErrorUntilMended breaks every call from each place on, until the disk is mended.
func TestIOErrorUntilMended(t *testing.T) {
	sweep(t, Fault{Err: syscall.EIO, Stays: true}, db.ErrStorage, db.ErrUnknown)
}

// TestIOErrorAtCommitIsUnknown breaks the sync of a commit. The callers must be told "unknown", and what a reader
// finds then must not change when the program is killed right after: whoever looks has to get the last word.
// As long as the disk stays broken nobody can give that; the first write that succeeds does.
func TestIOErrorAtCommitIsUnknown(t *testing.T) {
	t.Parallel()
	for _, stays := range []bool{false, true} {
		t.Run(fmt.Sprintf("stays=%v", stays), func(t *testing.T) {
			t.Parallel()
			m := prepared(t, seedOf(t))
			s := mustOpen(t, m)
			mustBurst(t, m, s, m.newKeys(1)) // the first one syncs the header of a new log
			m.disk.Break(Fault{At: 1, Err: syscall.EIO, Only: "sync", Stays: stays})
			keys := m.newKeys(5)
			mustBurst(t, m, s, keys)
			if n := m.log.Told(db.ErrUnknown); n != len(keys) {
				t.Errorf("%d of %d callers were told that the outcome is unknown", n, len(keys))
			}
			if stays {
				m.disk.Mend()
				mustBurst(t, m, s, m.newKeys(1))
			}
			before, err := m.log.Applied(s)
			if err != nil {
				t.Fatal(err)
			}
			m.disk.Kill()
			_ = s.DB.Close()
			s = mustOpen(t, m)
			after, err := m.log.Applied(s)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(before, after) {
				t.Errorf("a reader found keys %v of %v, and after a kill %v", before, keys, after)
			}
			if err := m.check(s); err != nil {
				t.Error(err)
			}
		})
	}
}

func mustOpen(t *testing.T, m *machine) *witness.Site {
	t.Helper()
	s, err := m.open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.DB.Close() })
	return s
}

func mustBurst(t *testing.T, m *machine, s *witness.Site, keys []int) {
	t.Helper()
	if err := m.burst(s, keys); err != nil {
		t.Fatal(err)
	}
}
