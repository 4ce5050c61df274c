package shop

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"sync"

	"guanxi/internal/base/db"
)

// takeNonce refuses a nonce of a key that was taken before: first by what this process remembers, then, where several
// work together, by what they share; while that is away they ask the database, which costs a write.
func (v *Verifier) takeNonce(ctx context.Context, key int64, nonce string, now int64) error {
	if err := v.nonces.take(key, nonce, now); err != nil || v.s.Shared == nil {
		return err
	}
	name := nonceHash(key, nonce)
	first, err := v.s.Shared.First("nonce:"+name, remember)
	if err != nil {
		return v.s.db.Write(ctx, db.Op{Actor: "system:nonce"}, func(tx *db.Tx) error { return keepNonce(tx, name) })
	}
	if !first {
		return ErrReplayed.New()
	}
	return nil
}

func nonceHash(key int64, nonce string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%s", key, nonce))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:22] // 132 bits
}

// keepNonce takes a nonce in the database. A slot lasts as long as a nonce is remembered, so two of them cover it.
func keepNonce(tx *db.Tx, hash string) error {
	slot := tx.Now() / remember
	for _, s := range []int64{slot, slot - 1} {
		if _, again := takenNonces.Get(tx, nonceRow{s, hash}); again {
			return ErrReplayed.New()
		}
	}
	return takenNonces.Insert(tx, nonceRow{slot, hash})
}

// forgetAtOnce is how many nonces one write forgets.
const forgetAtOnce = 1000

// forgetNonces drops the next few that no longer count and tells how many they were.
func forgetNonces(tx *db.Tx) int {
	rows := noncesBefore(tx, tx.Now()/remember-1, forgetAtOnce)
	for _, r := range rows {
		takenNonces.Delete(tx, r)
	}
	return len(rows)
}

// nonceSet remembers what it was given for at least as long as a request is valid. It keeps 64 bits of a keyed hash
// of each: two nonces meet less than once in 10¹² requests, and nobody can make them meet.
type nonceSet struct {
	mu       sync.Mutex
	seed     maphash.Seed
	most     int
	cur, old map[uint64]struct{} // taken since the turn, and in the period before it
	turned   int64
}

type keyNonce struct {
	key   int64
	nonce string
}

// take refuses a nonce of the same key that it remembers. When it is full it refuses all rather than forget.
func (s *nonceSet) take(key int64, nonce string, now int64) error {
	h := maphash.Comparable(s.seed, keyNonce{key, nonce})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn(now)
	if _, again := s.cur[h]; again {
		return ErrReplayed.New()
	}
	if _, again := s.old[h]; again {
		return ErrReplayed.New()
	}
	if len(s.cur) >= s.most {
		return ErrFlood.New()
	}
	s.cur[h] = struct{}{}
	return nil
}

// turn begins a new generation when the present one is old enough to be the one before.
func (s *nonceSet) turn(now int64) {
	age := now - s.turned
	if s.cur != nil && age < remember {
		return
	}
	s.old, s.cur, s.turned = s.cur, map[uint64]struct{}{}, now
	if age >= 2*remember {
		s.old = nil
	}
}
