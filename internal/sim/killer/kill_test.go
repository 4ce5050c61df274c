package killer

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/sim/witness"
)

const killsPerDatabase = 50 // a check costs as much as there is to check

// TestKill kills the process under load; nothing acknowledged may be lost, and what was unknown is settled by its key.
func TestKill(t *testing.T) {
	t.Parallel()
	n := 15
	if full() {
		n = 300
	}
	seed := seedOf(t)
	acked, unknown := 0, 0
	for done := 0; done < n; done += killsPerDatabase {
		h := newHouse(t)
		retry := h.retry
		h.retry = func(s *witness.Site, key int) error { unknown++; return retry(s, key) }
		if err := h.kills(min(killsPerDatabase, n-done), rand.New(rand.NewPCG(seed, uint64(done)))); err != nil {
			t.Fatalf("%v\n%s", err, replay(t, seed))
		}
		acked += h.log.Count(witness.Acked)
	}
	t.Logf("%d kills, %d acknowledged postings, %d of them after their outcome was unknown", n, acked, unknown)
	if acked < 2*n || unknown < n/2 { // a busy machine gets little done between two kills
		t.Errorf("too tame to prove anything: %d acknowledged, %d unknown", acked, unknown)
	}
}

// TestKillControls plants the mistake that keys are for: the check must see it.
func TestKillControls(t *testing.T) {
	t.Parallel()
	t.Run("planted double", func(t *testing.T) {
		t.Parallel()
		seed := seedOf(t)
		h := newHouse(t)
		h.retry = func(s *witness.Site, key int) error {
			return s.PostAs(context.Background(), key, witness.Source(key)+":again")
		}
		err := h.kills(30, rand.New(rand.NewPCG(seed, 1)))
		if !errors.Is(err, witness.ErrBroken) || !strings.Contains(err.Error(), "applied more than once") {
			t.Fatalf("a client that retries with a new key is not caught in 30 kills: %v\n%s", err, replay(t, seed))
		}
		t.Log(err)
	})
}

// TestKillLeavesNoLock holds that the lock of a killed process does not keep the next one out, and that a lock file
// that was left behind is none.
func TestKillLeavesNoLock(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.life(rand.New(rand.NewPCG(1, 1)), true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "guanxi.lock")); err != nil {
		t.Fatalf("the killed process left no lock file, so this proves nothing: %v", err)
	}
	if err := h.check(); err != nil {
		t.Error(err)
	}
}

// TestLockIsGivenBackWhileAForkHoldsIt closes a database while another holder of its lock file is about, as there is
// for a moment whenever this process starts another one.
func TestLockIsGivenBackWhileAForkHoldsIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := witness.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded})
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("only where a process can see its open files")
	}
	var found []int // first all, then the copies: a copy may get the number of a file that was open only while they were listed
	for _, e := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + e.Name()); to == filepath.Join(dir, "guanxi.lock") {
			fd, _ := strconv.Atoi(e.Name())
			found = append(found, fd)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d lock files are open", len(found))
	}
	held, err := syscall.Dup(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(held) }()
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = witness.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded}); err != nil {
		t.Fatalf("after it was closed: %v", err)
	}
	_ = s.DB.Close()
}

// TestSecondProcessIsRefused starts a real second process on an open database.
func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s, err := witness.Open(context.Background(), db.Options{Dir: h.dir, URL: db.Embedded})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.DB.Close() }()
	for key := range 5 {
		h.words = nil
		c, err := start("open", h.dir, 0, h.hear)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.end(); err == nil {
			t.Error("the second process was let in")
		}
		if len(h.words) != 1 || !strings.HasPrefix(h.words[0], "FAIL "+db.ErrLocked.Code) {
			t.Errorf("the second process says %q", h.words)
		}
		h.log.Try(key)
		h.log.Answer(key, s.Post(context.Background(), key))
	}
	if n := h.log.Count(witness.Acked); n != 5 {
		t.Errorf("the first process did %d of 5 postings", n)
	}
	if err := h.log.Check(s); err != nil {
		t.Error(err)
	}
}

// TestDiskFullByFileLimit lets the kernel refuse longer files to a real process.
func TestDiskFullByFileLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c, err := start("limit", h.dir, 0, h.hear)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.end(); err != nil || !slices.Equal(h.words, []string{"LIMIT", "LIFTED"}) {
		t.Fatalf("the child ends with %v and says %q", err, h.words)
	}
	unknown, failed := h.log.Told(db.ErrUnknown), h.log.Told(db.ErrStorage)
	t.Logf("told: %d unknown, %d failed", unknown, failed)
	if unknown+failed == 0 {
		t.Error("the limit was not met")
	}
	if n := h.log.Count(witness.Acked); n != 132 {
		t.Errorf("%d of 132 postings were acknowledged in the end", n)
	}
	if err := h.check(); err != nil {
		t.Error(err)
	}
}

// TestDiskFullBySmallDisk fills a real, tiny file system, which takes the right to mount one.
func TestDiskFullBySmallDisk(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := syscall.Mount("tmpfs", h.dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("can't mount a small disk here (%v); TestDiskFullByFileLimit covers the rest", err)
	}
	t.Cleanup(func() { unmount(t, h.dir) })
	ballast := filepath.Join(h.dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := witness.Open(context.Background(), db.Options{Dir: h.dir, URL: db.Embedded})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.DB.Close() })
	for key := 0; h.log.Told(db.ErrFull) < 5; key++ {
		if key == 500 {
			t.Fatalf("the disk does not get full: %d unknown, %d failed", h.log.Told(db.ErrUnknown), h.log.Told(db.ErrStorage))
		}
		h.log.Try(key)
		h.log.Answer(key, s.Post(context.Background(), key))
	}
	if err := h.log.Check(s); err != nil {
		t.Errorf("on the full disk: %v", err)
	}
	acked := h.log.Count(witness.Acked)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for _, k := range h.log.Unsettled() {
		h.log.Try(k)
		h.log.Answer(k, s.Post(context.Background(), k))
	}
	if open := h.log.Unsettled(); len(open) > 0 {
		t.Errorf("space is free again, but keys %v are not taken", open)
	}
	if err := h.log.Check(s); err != nil {
		t.Error(err)
	}
	t.Logf("%d postings before the disk was full; told: %d full, %d unknown", acked, h.log.Told(db.ErrFull), h.log.Told(db.ErrUnknown))
}

// unmount waits out a process that is being forked, which has our files for a moment.
func unmount(t *testing.T, dir string) {
	t.Helper()
	err := syscall.Unmount(dir, 0)
	for try := 0; errors.Is(err, syscall.EBUSY) && try < 200; try++ {
		<-time.After(10 * time.Millisecond)
		err = syscall.Unmount(dir, 0)
	}
	if err != nil {
		t.Error(err)
	}
}
