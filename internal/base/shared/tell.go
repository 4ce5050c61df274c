package shared

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"

	"guanxi/internal/base/clock"
)

// Wake tells the other processes that there is something to do. It never waits; a wake that is lost costs the others
// what they wait anyway between two looks.
func (s *Store) Wake() {
	if s == nil {
		return
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Listen calls f whenever another process wakes this one, until ctx ends.
func (s *Store) Listen(ctx context.Context, f func()) {
	if s == nil {
		return
	}
	for ctx.Err() == nil {
		if c := s.client.Load(); c != nil {
			_ = (*c).Receive(ctx, (*c).B().Subscribe().Channel(s.prefix+"wake").Build(), func(m rueidis.PubSubMessage) {
				if m.Message != s.me {
					f()
				}
			})
		}
		sleep(ctx, restMs)
	}
}

// Count adds to a live counter of this minute, in all processes together. It never waits.
func (s *Store) Count(name string, n int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.counts[name] += n
	s.mu.Unlock()
}

// Counted gives the live counters of a minute since 1970.
func (s *Store) Counted(minute int64) (counts map[string]int64, err error) {
	err = s.ask(func(ctx context.Context, c rueidis.Client) error {
		counts, err = c.Do(ctx, c.B().Hgetall().Key(s.minute(minute)).Build()).AsIntMap()
		return err
	})
	return counts, err
}

func (s *Store) minute(n int64) string { return s.prefix + "live:" + decimal(n) }

// tell sends wakes and counts.
func (s *Store) tell(ctx context.Context) {
	for ctx.Err() == nil {
		wake := false
		select {
		case <-ctx.Done():
			return
		case <-s.woken:
			wake = true
		case <-clock.Timer(clock.Second).C:
		}
		s.dial()
		s.mu.Lock()
		counts := s.counts
		s.counts = map[string]int64{}
		s.mu.Unlock()
		_ = s.ask(func(ctx context.Context, c rueidis.Client) error { // what is not told is lost: it is a cache
			return told(c.DoMulti(ctx, s.commands(c, wake, counts)...))
		})
		sleep(ctx, tellMs)
	}
}

func (s *Store) commands(c rueidis.Client, wake bool, counts map[string]int64) (all []rueidis.Completed) {
	key := s.minute(clock.System.Now() / clock.Minute)
	for name, n := range counts {
		all = append(all, c.B().Hincrby().Key(key).Field(name).Increment(n).Build())
	}
	if len(counts) > 0 {
		all = append(all, c.B().Pexpire().Key(key).Milliseconds(3*clock.Minute).Build())
	}
	if wake {
		all = append(all, c.B().Publish().Channel(s.prefix+"wake").Message(s.me).Build())
	}
	return append(all, c.B().Ping().Build()) // so that one who comes back is noticed
}

func told(results []rueidis.RedisResult) error {
	for _, r := range results {
		if err := r.Error(); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, ms int64) {
	t := clock.Timer(ms)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
