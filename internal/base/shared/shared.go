// Package shared is what the processes of an installation share beside the database: a Redis, or nothing (共享缓存).
//
// Invariants:
//   - It is a cache. Nothing money-like is decided by it, and whoever asks has an answer of its own for when it is away.
//   - Nobody waits for it: what is not answered in patience counts as not answered, and then nobody asks for a moment.
//   - Wiped, paused, absent or back: the same program runs on, and uses it again by itself.
//
// A nil *Store is an installation without one; every method takes it.
package shared

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
)

// ErrURL refuses an address that is none of a Redis.
var ErrURL = fault.Define("shared.url", fault.Invalid,
	"Redis 地址无效，应为 redis://用户:密码@主机:端口/库号", "The address of Redis is wrong; it is redis://user:password@host:port/number")

// ErrAway is told when there is no answer: no Redis is configured, or it does not answer now.
var ErrAway = errors.New("shared: no answer")

const (
	patience = 100 * time.Millisecond
	restMs   = clock.Second // how long nobody asks after there was no answer
	tellMs   = 50           // wakes and counts are told this often at most
)

// Store is a Redis that may be away at any moment.
type Store struct {
	opt    rueidis.ClientOption
	prefix string
	log    *slog.Logger
	me     string

	client  atomic.Pointer[rueidis.Client]
	resting atomic.Int64 // until when nobody asks
	away    atomic.Bool  // as the log has it

	woken  chan struct{}
	mu     sync.Mutex
	counts map[string]int64 // not yet told
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// Check tells whether an address is well formed; "" is none.
func Check(address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return ErrURL.New()
	}
	if _, err := rueidis.ParseURL(address); err != nil {
		return ErrURL.New()
	}
	return nil
}

// Open makes the store at an address; "" gives nil. The prefix parts installations that share a Redis. One that is away
// is no error.
func Open(address, prefix string, log *slog.Logger) (*Store, error) {
	if address == "" {
		return nil, nil
	}
	if err := Check(address); err != nil {
		return nil, err
	}
	opt, err := rueidis.ParseURL(address)
	if err != nil {
		return nil, ErrURL.New()
	}
	opt.ForceSingleClient, opt.DisableCache, opt.DisableRetry = true, true, true
	opt.ClientName = "guanxi"
	opt.Dialer = net.Dialer{Timeout: time.Second, KeepAlive: time.Second}
	opt.ConnWriteTimeout = 2 * time.Second
	ctx, stop := context.WithCancel(context.Background())
	s := &Store{opt: opt, prefix: "gx:" + prefix + ":", log: log, me: id.Token(12), woken: make(chan struct{}, 1), counts: map[string]int64{}, stop: stop}
	s.dial()
	s.done.Go(func() { s.tell(ctx) })
	return s, nil
}

// Close ends what runs.
func (s *Store) Close() {
	if s == nil {
		return
	}
	s.stop()
	s.done.Wait()
	if c := s.client.Load(); c != nil {
		(*c).Close()
	}
}

// dial connects for the first time; afterwards the client does it by itself.
func (s *Store) dial() {
	if s.client.Load() != nil {
		return
	}
	c, err := rueidis.NewClient(s.opt)
	if err != nil {
		s.rest(err)
		return
	}
	s.client.Store(&c)
}

// rest lets nobody ask for a moment.
func (s *Store) rest(why error) {
	s.resting.Store(clock.System.Now() + restMs)
	if !s.away.Swap(true) {
		s.log.Warn("redis does not answer: limits and wake-ups are those of this process alone", "err", why)
	}
}

// ask runs f with a client and little time. Whatever goes wrong, the answer is ErrAway.
func (s *Store) ask(f func(context.Context, rueidis.Client) error) error {
	if s == nil || clock.System.Now() < s.resting.Load() {
		return ErrAway
	}
	c := s.client.Load()
	if c == nil {
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience) // a caller who went away is no fault of Redis
	defer cancel()
	if err := f(ctx, *c); err != nil {
		s.rest(err)
		return ErrAway
	}
	if s.away.Swap(false) {
		s.log.Info("redis answers again")
	}
	return nil
}

// gcra keeps one number a key: the microsecond at which it is at rest.
var gcra = rueidis.NewLuaScript(`
local now, every, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rest = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local wait = rest - (burst - 1) * every - now
if wait > 0 then return wait end
rest = rest + every
redis.call('SET', KEYS[1], string.format('%.0f', rest), 'PX', math.ceil((rest - now) / 1000))
return 0`)

// Allow counts one try of a key at an instant, in all processes together: one each every, with a burst. When it is
// refused, wait tells for how long. All times are microseconds.
func (s *Store) Allow(key string, now, every, burst int64) (wait int64, err error) {
	err = s.ask(func(ctx context.Context, c rueidis.Client) (err error) {
		wait, err = gcra.Exec(ctx, c, []string{s.name("limit", key)}, []string{decimal(now), decimal(every), decimal(burst)}).AsInt64()
		return err
	})
	return wait, err
}

// name hides what is counted, such as an address, from whoever reads a dump.
func (s *Store) name(kind, key string) string {
	sum := sha256.Sum256([]byte(s.prefix + kind + ":" + key))
	return s.prefix + kind + ":" + base64.RawURLEncoding.EncodeToString(sum[:])[:22]
}

// First tells whether nobody has named a key in the last ms milliseconds.
func (s *Store) First(key string, ms int64) (first bool, err error) {
	err = s.ask(func(ctx context.Context, c rueidis.Client) error {
		err := c.Do(ctx, c.B().Set().Key(s.name("once", key)).Value("1").Nx().PxMilliseconds(ms).Build()).Error()
		first = err == nil
		if rueidis.IsRedisNil(err) {
			return nil
		}
		return err
	})
	return first, err
}
