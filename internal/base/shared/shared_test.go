package shared_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/shared/redistest"
)

const (
	start  = 1_780_000_000_000_000 // microseconds
	minute = 60_000_000
)

func open(t *testing.T, url string) *shared.Store {
	t.Helper()
	s, err := shared.Open(url, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// soon waits for what a loaded machine does in a second.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("not within a minute: " + what)
		}
	}
}

// try is one try of the key k: "yes", "no" or "away".
func try(s *shared.Store) string {
	wait, err := s.Allow("k", start, minute, 3)
	switch {
	case errors.Is(err, shared.ErrAway):
		return "away"
	case wait > 0:
		return "no"
	}
	return "yes"
}

// answers waits until the server is used.
func answers(t *testing.T, s *shared.Store) {
	t.Helper()
	soon(t, "it answers", func() bool { _, err := s.Counted(0); return err == nil })
}

func TestWithoutAnAddressThereIsNone(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	if s != nil || try(s) != "away" {
		t.Error("there is one")
	}
	s.Wake()
	s.Count("x", 1)
	s.Listen(context.Background(), nil)
	if _, err := s.First("x", 1); !errors.Is(err, shared.ErrAway) {
		t.Error(err)
	}
	for _, bad := range []string{"h:1", "mysql://h", "redis://"} {
		if err := shared.Check(bad); !fault.Is(err, shared.ErrURL) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := shared.Check("rediss://u:p@h:6380/2"); err != nil {
		t.Error(err)
	}
}

func TestTwoProcessesCountTogetherUntilItIsWiped(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	a, b := open(t, srv.URL()), open(t, srv.URL())
	answers(t, a)
	answers(t, b)
	if got := []string{try(a), try(b), try(a), try(b), try(a)}; got[0]+got[1]+got[2] != "yesyesyes" || got[3]+got[4] != "nono" {
		t.Error(got)
	}
	if wait, err := b.Allow("k", start+minute/3, minute, 3); wait != minute*2/3 || err != nil {
		t.Error(wait, err)
	}
	if wait, err := b.Allow("k", start+minute, minute, 3); wait != 0 || err != nil {
		t.Error(wait, err)
	}
	if first, err := a.First("n", 60_000); !first || err != nil {
		t.Error(first, err)
	}
	if first, err := b.First("n", 60_000); first || err != nil {
		t.Error(first, err)
	}
	srv.Wipe()
	if got := try(a); got != "yes" {
		t.Error("after the wipe:", got)
	}
	if first, err := b.First("n", 60_000); !first || err != nil {
		t.Error(first, err)
	}
}

// TestNobodyWaitsForOneThatIsPaused asks two hundred times while nothing answers: the first waits a little, the others not at all.
func TestNobodyWaitsForOneThatIsPaused(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	s := open(t, srv.URL())
	answers(t, s)
	srv.Pause()
	began := time.Now()
	for range 200 {
		if got := try(s); got != "away" {
			t.Fatal(got)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("200 tries took %v", took)
	}
	srv.Resume()
	answers(t, s)
}

func TestAbsentAtFirstThenThereThenGone(t *testing.T) {
	t.Parallel()
	srv := redistest.Reserve(t)
	s := open(t, srv.URL())
	if got := try(s); got != "away" {
		t.Error("absent:", got)
	}
	srv.Start()
	answers(t, s)
	if got := try(s); got != "yes" {
		t.Error("there:", got)
	}
	srv.Kill()
	soon(t, "it is missed", func() bool { return try(s) == "away" })
	srv.Start()
	answers(t, s)
}

// TestAWakeReachesTheOthers holds on after the server was killed and is back.
func TestAWakeReachesTheOthers(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	a, b := open(t, srv.URL()), open(t, srv.URL())
	var woken, own atomic.Int32
	go b.Listen(t.Context(), func() { woken.Add(1) })
	go a.Listen(t.Context(), func() { own.Add(1) })
	heard := func() { // it may not listen yet, so wake until it hears
		t.Helper()
		was := woken.Load()
		soon(t, "the wake", func() bool { a.Wake(); return woken.Load() > was })
	}
	heard()
	srv.Kill()
	srv.Start()
	heard()
	if own.Load() != 0 {
		t.Error("it woke itself")
	}
}

func TestLiveCountersAreOfAllProcesses(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	a, b := open(t, srv.URL()), open(t, srv.URL())
	a.Count("order.paid", 2)
	b.Count("order.paid", 3)
	a.Count("member.joined", 1)
	minute := clock.System.Now() / clock.Minute
	soon(t, "the counts", func() bool {
		m, err := a.Counted(minute)
		next, _ := a.Counted(minute + 1) // they may be told in two minutes
		return err == nil && m["order.paid"]+next["order.paid"] == 5 && m["member.joined"]+next["member.joined"] == 1
	})
}
