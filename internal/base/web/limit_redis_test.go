package web_test

import (
	"log/slog"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/shared/redistest"
	"guanxi/internal/base/web"
)

// pair is a limit in two processes that share a Redis.
type pair struct {
	t *testing.T
	s [2]*shared.Store
	l [2]*web.Limiter
}

const perHour = 40

func newPair(t *testing.T, url string, named func(*web.Limiter) *web.Limiter) *pair {
	t.Helper()
	p := &pair{t: t}
	now := clock.NewFake(1_700_000_000_000)
	for i := range 2 {
		s, err := shared.Open(url, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		p.s[i], p.l[i] = s, named(web.NewLimiter(now, perHour, clock.Hour, perHour, 100))
	}
	return p
}

// allowed counts what both processes let through of many tries of one key.
func (p *pair) allowed(key string) (n int) {
	for i := range 4 * perHour {
		if ok, _ := p.l[i%2].Allow(p.s[i%2], key); ok {
			n++
		}
	}
	return n
}

func (p *pair) until(reached bool) {
	p.t.Helper()
	for i := range p.s {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := p.s[i].Counted(0); (err == nil) == reached {
				break
			}
			if time.Now().After(end) {
				p.t.Fatal("Redis is not as it should be")
			}
		}
	}
}

func guarding(l *web.Limiter) *web.Limiter { return l.Guarding("codes") }
func named(l *web.Limiter) *web.Limiter    { return l.Named("pages") }

// TestLimitsOfTwoProcesses: together they allow what the limit says. Without Redis each allows a quarter of what may be
// guessed, and all of the rest; a wipe lifts nothing that a process has counted itself.
func TestLimitsOfTwoProcesses(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	p, loose := newPair(t, srv.URL(), guarding), newPair(t, srv.URL(), named)
	p.until(true)
	loose.until(true)
	if n := p.allowed("together"); n != perHour {
		t.Errorf("together: %d", n)
	}
	if n := p.allowed("another"); n != perHour {
		t.Errorf("another key: %d", n)
	}
	srv.Wipe()
	if n := p.allowed("together"); n > perHour {
		t.Errorf("after a wipe: %d more", n)
	}
	srv.Pause()
	p.until(false)
	loose.until(false)
	if n := p.allowed("paused"); n != 2*perHour/4 {
		t.Errorf("paused: %d", n)
	}
	if n := p.allowed("another"); n >= 2*perHour/4 { // each has counted half of it itself
		t.Errorf("what was used up before the pause: %d", n)
	}
	if n := loose.allowed("paused"); n != 2*perHour {
		t.Errorf("paused, nothing to guess: %d", n)
	}
	srv.Resume()
	p.until(true)
	if n := p.allowed("back"); n != perHour {
		t.Errorf("back: %d", n)
	}
}

func TestLimitsWhileRedisIsAbsent(t *testing.T) {
	t.Parallel()
	p := newPair(t, "redis://127.0.0.1:1", guarding) // nothing listens there
	if n := p.allowed("absent"); n != 2*perHour/4 {
		t.Errorf("absent: %d", n)
	}
}
