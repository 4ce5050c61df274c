package web

import (
	"net/netip"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/shared"
)

// Limiter is a rate limit by key (GCRA): a steady rate with a burst, in one number a key.
// It protects logins and public routes; limits about money are rows in the database.
//
// With a name it counts in all processes together while they share a Redis, and here besides: what is wiped there is
// still known here. While Redis is away it counts here alone.
type Limiter struct {
	name    string
	guards  bool // what may be guessed: a quarter of the rate while Redis is away
	clock   clock.Clock
	every   int64 // microseconds between two
	burst   int64
	maxKeys int

	mu    sync.Mutex
	next  map[string]int64 // when the key is at rest, in microseconds
	swept int64
}

// NewLimiter allows n per period (ms) and key, with a burst; it remembers at most maxKeys keys.
func NewLimiter(c clock.Clock, n int, period int64, burst, maxKeys int) *Limiter {
	return &Limiter{clock: c, every: max(period*1000/int64(n), 1), burst: int64(burst), maxKeys: maxKeys, next: map[string]int64{}}
}

// Named gives the limit a name under which all processes count it together.
func (l *Limiter) Named(name string) *Limiter {
	l.name = name
	return l
}

// Guarding is Named for what somebody may try to guess: while the processes can't count together, each allows a quarter.
func (l *Limiter) Guarding(name string) *Limiter {
	l.guards = true
	return l.Named(name)
}

// Allow counts one try of a key. When it is refused, retryAfter is the time to wait in milliseconds. The store is nil
// where nothing is shared.
func (l *Limiter) Allow(s *shared.Store, key string) (ok bool, retryAfter int64) {
	every, burst := l.every, l.burst
	if s != nil && l.name != "" {
		wait, err := s.Allow(l.name+":"+key, l.clock.Now()*1000, every, burst)
		if err != nil && l.guards {
			every, burst = every*awayShare, max(burst/awayShare, 1)
		} else if wait > 0 {
			return false, (wait + 999) / 1000
		}
	}
	wait := l.here(key, every, burst)
	return wait == 0, wait
}

// awayShare is what part of a guarding limit a process allows by itself.
const awayShare = 4

// here counts in this process and gives the time to wait in milliseconds, 0 when it is allowed.
func (l *Limiter) here(key string, every, burst int64) int64 {
	now := l.clock.Now() * 1000
	l.mu.Lock()
	defer l.mu.Unlock()
	key = l.slot(key, now)
	rest := max(l.next[key], now)
	if wait := rest - (burst-1)*every - now; wait > 0 {
		return (wait + 999) / 1000
	}
	l.next[key] = rest + every
	return 0
}

// slot finds where a key is counted. When memory is full of keys that are still busy, newcomers share one slot:
// a flood of keys makes strangers wait and never lifts a limit.
func (l *Limiter) slot(key string, now int64) string {
	if _, known := l.next[key]; known || len(l.next) < l.maxKeys {
		return key
	}
	if now-l.swept >= l.every {
		l.swept = now
		for k, rest := range l.next {
			if rest <= now {
				delete(l.next, k)
			}
		}
	}
	if len(l.next) < l.maxKeys {
		return key
	}
	return ""
}

// check refuses with the time to wait.
func (l *Limiter) check(s *shared.Store, key string) error {
	if ok, wait := l.Allow(s, key); !ok {
		return ErrLimited.With("seconds", (wait+999)/1000)
	}
	return nil
}

// addressKey is what an address is limited by: one IPv6 subscriber holds a whole /64.
func addressKey(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.Unmap().String()
}
