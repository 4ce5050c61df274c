package shop

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
)

// The beginnings of keys and secrets; scanners for leaked secrets know them.
const (
	keyPrefix    = "ak_live_"
	secretPrefix = "sk_live_"
)

const maxLiveKeys = 2

// Key is a partner's key without its secret.
type Key struct {
	ID        int64
	Name      string // what the partner sends: ak_live_…
	CreatedAt int64
	RevokedAt int64 // 0 while it is live
	UsedAt    int64 // to about a quarter of an hour; 0 when never
}

// NewKey makes a key for a partner. Its secret is given here and never again.
func (s *Service) NewKey(tx *db.Tx, partner int64) (Key, vault.Secret, error) {
	return s.newKey(tx, partner, 0)
}

func (s *Service) newKey(tx *db.Tx, partner, terminal int64) (Key, vault.Secret, error) {
	p, err := s.Partner(tx, partner)
	if err != nil {
		return Key{}, vault.Secret{}, err
	}
	if p.Status != Active {
		return Key{}, vault.Secret{}, ErrPartnerOff.New()
	}
	live := 0
	for _, k := range keysOf(tx, partner) {
		if k.RevokedAt == 0 && k.Terminal == terminal {
			live++
		}
	}
	if live >= maxLiveKeys {
		return Key{}, vault.Secret{}, ErrTwoKeys.New()
	}
	secret := vault.Hide(secretPrefix + tx.Token(32))
	row := keyRow{ID: tx.ID(), Partner: partner, Terminal: terminal, Name: keyPrefix + tx.Token(15), CreatedAt: tx.Now()}
	if row.Secret, err = s.vault.Seal(row.place(), secret); err != nil {
		return Key{}, vault.Secret{}, err
	}
	s.changed(tx)
	return row.key(0), secret, keys.Insert(tx, row)
}

// RevokeKey ends a key. To revoke it again is no error.
func (s *Service) RevokeKey(tx *db.Tx, id int64) error {
	row, ok := keys.Get(tx, id)
	if !ok {
		return ErrNoKey.New()
	}
	if row.RevokedAt == 0 {
		row.RevokedAt = tx.Now()
		keys.Put(tx, row)
		s.changed(tx)
	}
	return nil
}

// Keys lists a partner's own keys, the revoked ones too; those of its terminals stand with them.
func (s *Service) Keys(r db.Reader, partner int64) []Key { return s.keys(r, partner, 0) }

func (s *Service) keys(r db.Reader, partner, terminal int64) []Key {
	var out []Key
	for _, row := range keysOf(r, partner) {
		if row.Terminal != terminal {
			continue
		}
		use, _ := uses.Get(r, row.ID)
		out = append(out, row.key(use.UsedAt))
	}
	return out
}

func (r keyRow) key(usedAt int64) Key { return Key{r.ID, r.Name, r.CreatedAt, r.RevokedAt, usedAt} }

func (r keyRow) place() vault.Place {
	return vault.Place{Table: "partner_key", Row: r.ID, Column: "secret"}
}

// Caller is who signed a request.
type Caller struct {
	Partner   int64
	Key       int64
	Terminal  int64 // whose key it is; 0 is the partner's own
	Store     int64 // the only store it may act for; 0 is all
	StoreCode string
	scopes    []string
}

// Can reports whether the caller has a scope.
func (c Caller) Can(scope string) bool { return slices.Contains(c.scopes, scope) }

// At reports whether the caller may act for a store.
func (c Caller) At(store int64) bool { return c.Store == 0 || c.Store == store }

// liveKey is a key ready to verify with.
type liveKey struct {
	caller Caller
	secret []byte
	used   *atomic.Int64
}

type heldKeys struct {
	keys map[string]*liveKey
	at   int64
}

// recheck is how often the keys are compared with the database, for changes made by other processes.
const recheck = clock.Second

// changed makes every process load the keys anew; this one before the caller hears of the commit.
func (s *Service) changed(tx *db.Tx) {
	s.cache.Bump(tx)
	tx.AfterCommit(func() { s.stale.Store(true) })
}

// live gives the live keys by name, from memory but for a look at their version now and then.
func (s *Service) live(ctx context.Context) (map[string]*liveKey, error) {
	if h := s.held.Load(); h != nil && !s.stale.Load() && s.db.Clock().Now()-h.at < recheck {
		return h.keys, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale.Store(false) // before reading: a change made meanwhile sets it again
	err := s.db.View(ctx, func(v *db.View) error {
		s.held.Store(&heldKeys{s.cache.Get(v), v.Now()})
		return nil
	})
	if err != nil {
		s.stale.Store(true)
		return nil, err
	}
	return s.held.Load().keys, nil
}

// load opens the secrets of all live keys. One that can't be opened fails alone.
func (s *Service) load(r db.Reader) map[string]*liveKey {
	out := map[string]*liveKey{}
	for _, row := range liveKeys(r) {
		p, _ := partners.Get(r, row.Partner)
		if p.Status != Active {
			continue
		}
		at := p.Store
		if row.Terminal != 0 {
			t, _ := terminals.Get(r, row.Terminal)
			if t.Status != Active || p.Store != 0 && p.Store != t.Store {
				continue
			}
			at = t.Store
		}
		secret, err := s.vault.Open(row.place(), row.Secret)
		if err != nil {
			s.log.Error("secret of a partner key can't be opened", "key", row.ID, "partner", row.Partner, "err", err)
			continue
		}
		used, _ := s.used.LoadOrStore(row.ID, new(atomic.Int64))
		st, _ := stores.Get(r, at)
		out[row.Name] = &liveKey{Caller{p.ID, row.ID, row.Terminal, at, st.Code, strings.Fields(p.Scopes)}, []byte(secret.Reveal()), used.(*atomic.Int64)}
	}
	return out
}

// saveUses writes when keys were used last; it is far from the path of requests.
func (s *Service) saveUses(tx *db.Tx) {
	s.used.Range(func(id, at any) bool {
		row := useRow{id.(int64), at.(*atomic.Int64).Load()}
		if was, _ := uses.Get(tx, row.ID); row.UsedAt > was.UsedAt {
			uses.Put(tx, row)
		}
		return true
	})
}
