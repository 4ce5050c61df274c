// Package witness posts to a ledger under numbered keys, writes down what each caller was told, and after a crash
// holds the database to it: what was acknowledged is there once, what was refused is not there, the rest is there
// wholly or not at all, and asking again with the same key makes it exactly once.
package witness

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

const members = 7

// Site is an open database with a ledger.
type Site struct {
	DB  *db.DB
	led *ledger.Ledger
}

// Open opens and migrates it.
func Open(ctx context.Context, opt db.Options) (*Site, error) {
	d, err := db.Open(ctx, opt)
	if err != nil {
		return nil, err
	}
	led := &ledger.Ledger{Zone: clock.Shanghai}
	led.Wire(d)
	if err := d.Migrate(ctx, fact.Schema, ledger.Schema); err != nil {
		_ = d.Close()
		return nil, err
	}
	return &Site{d, led}, nil
}

// Source is the cause of a key's postings, the same at every retry.
func Source(key int) string { return fmt.Sprintf("key:%d", key) }

// keyOf finds the key in a source, also in one that a careless client has changed by adding to it.
func keyOf(source string) (key int, ok bool) {
	n, err := fmt.Sscanf(source, "key:%d", &key)
	return key, n == 1 && err == nil
}

func memberOf(key int) int64 { return int64(key*31%members + 1) }

// owners are the two members a key posts to: half a posting is a posting torn in two.
func owners(key int) [2]int64 { return [2]int64{memberOf(key), memberOf(key) + members} }

func op(key int) db.Op {
	o := owners(key)
	return db.Op{Owner: o[0], Owners: o[1:], Actor: "test"}
}

func (s *Site) post(tx *db.Tx, key int, source string) error {
	o := owners(key)
	amount := int64(key%97 + 1)
	var err error
	if key%3 == 2 {
		_, err = s.led.Take(tx, ledger.Debit{Member: o[0], Asset: ledger.Points, Amount: amount, Kind: ledger.KindSpend, Source: source, Short: ledger.ShortDebt})
	} else {
		_, err = s.led.Add(tx, ledger.Credit{Member: o[0], Asset: ledger.Points, Amount: amount, Kind: ledger.KindEarn, Source: source})
	}
	if err != nil {
		return err
	}
	_, err = s.led.Add(tx, ledger.Credit{Member: o[1], Asset: ledger.Growth, Amount: amount, Kind: ledger.KindEarn, Source: source})
	return err
}

// Post posts a key and waits for the answer.
func (s *Site) Post(ctx context.Context, key int) error { return s.PostAs(ctx, key, Source(key)) }

// PostAs posts a key under another source: the planted mistake of a client that retries with a new key.
func (s *Site) PostAs(ctx context.Context, key int, source string) error {
	return s.DB.Write(ctx, op(key), func(tx *db.Tx) error { return s.post(tx, key, source) })
}

// Burst posts keys as callers that all wait at the same moment do: they share one group, in the order of keys.
func (s *Site) Burst(keys []int, answer func(key int, err error)) error {
	release, err := s.block()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, k := range keys {
		wg.Add(1)
		err = s.DB.WriteAsync(op(k), func(tx *db.Tx) error { return s.post(tx, k, Source(k)) }, func(err error) { answer(k, err); wg.Done() })
		if err != nil {
			wg.Done()
			break
		}
	}
	release()
	wg.Wait()
	return err
}

// block keeps the lane busy until release, so that what is queued meanwhile waits together. Storage that is broken
// refuses to be blocked, which is fine too.
func (s *Site) block() (release func(), err error) {
	open, ready := make(chan struct{}), make(chan struct{})
	var once sync.Once
	err = s.DB.WriteAsync(db.Op{}, func(*db.Tx) error {
		once.Do(func() { close(ready) })
		<-open
		return nil
	}, func(error) { once.Do(func() { close(ready) }) })
	if err == nil {
		<-ready
	}
	return func() { close(open) }, err
}

// What a caller knows about a key.
const (
	Tried   = iota + 1 // no answer came, or "unknown"
	Acked              // it was told: done
	Refused            // it was told: nothing was changed
)

// Log is what all callers were told.
type Log struct {
	mu    sync.Mutex
	told  map[int]answer
	codes map[string]int // how often each failure was told
	wrong []string
}

type answer struct{ now, before int }

// NewLog starts an empty log.
func NewLog() *Log { return &Log{told: map[int]answer{}, codes: map[string]int{}} }

// Clone copies the log.
func (l *Log) Clone() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Log{told: maps.Clone(l.told), codes: maps.Clone(l.codes), wrong: slices.Clone(l.wrong)}
}

// Told tells how often callers were given a failure.
func (l *Log) Told(k *fault.Kind) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.codes[k.Code]
}

// Try notes that a key is being posted.
func (l *Log) Try(key int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[key] = answer{Tried, l.told[key].now}
}

// Answer notes what the caller of a key was told.
func (l *Log) Answer(key int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.told[key]
	if err != nil {
		l.codes[fault.CodeOf(err)]++
	}
	switch {
	case err == nil:
		a.now = Acked
	case fault.Is(err, db.ErrUnknown):
		a.now = Tried
	case fault.Is(err, db.ErrFull), fault.Is(err, db.ErrStorage), fault.Is(err, db.ErrBusy), fault.Is(err, db.ErrClosed):
		a.now = Refused // this attempt; an earlier one may still be unknown
		if a.before == Tried {
			a.now = Tried
		}
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("key %d was told: %v", key, err))
	}
	l.told[key] = a
}

// Count tells how many keys are in a state.
func (l *Log) Count(state int) int { return len(l.keys(state)) }

func (l *Log) keys(states ...int) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []int
	for k, a := range l.told {
		if slices.Contains(states, a.now) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// Unsettled are the keys to ask again, in order.
func (l *Log) Unsettled() []int { return l.keys(Tried, Refused) }
