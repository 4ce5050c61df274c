// Package webhook tells facts to outside consumers (外部订阅, Standard Webhooks 1.0.0) and to a stream of NATS JetStream.
//
// Invariants:
//   - An endpoint gets every fact it asked for, in the order they were committed, at least once, each under the same id.
//   - Its position moves only past what it has taken; what it refuses is tried for some 75 hours, then the endpoint is
//     switched off and keeps its position. Nothing is thrown away: switched on again it goes on from there.
//   - One sender at a time works for an endpoint; who lost the lease can't move the position.
//   - Bodies are facts: ids and figures, no personal data. Nothing is sent to an address inside, unless it is configured.
package webhook

import (
	"context"
	"embed"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of endpoints.
var Schema = db.Schema{Feature: "webhook", Files: files}

// The states of an endpoint.
const (
	On  = "on"
	Off = "off"
)

// What may be wrong with an endpoint.
var (
	ErrURL = fault.Define("webhook.url", fault.Invalid,
		"地址必须是 https:// 且不含用户名与片段", "The address must be https:// without user or fragment")
	ErrNone   = fault.Define("webhook.none", fault.NotFound, "没有这个订阅", "There is no such endpoint")
	ErrStatus = fault.Define("webhook.status", fault.Invalid, "状态只能是 on 或 off", "The status is on or off")
	ErrMany   = fault.Define("webhook.many", fault.Conflict, "订阅太多（最多 20 个）", "Too many endpoints (20 at most)")
)

const maxEndpoints = 20

// Endpoint is a consumer, without its secret.
type Endpoint struct {
	ID        int64
	URL       string
	Kinds     string // facts it asks for, a space between; empty for all
	Status    string
	Position  int64 // the last fact it has got, or passed over
	Fails     int   // in a row
	LastError string
	SentAt    int64
	CreatedAt int64

	secret     string // sealed
	woken      bool   // a job for it waits
	fence      int64
	leaseUntil int64
}

func (e *Endpoint) wants(kind string) bool {
	return e.Kinds == "" || slices.Contains(strings.Fields(e.Kinds), kind)
}

func (e *Endpoint) place() vault.Place {
	return vault.Place{Table: "webhook_endpoint", Row: e.ID, Column: "secret"}
}

// Service keeps endpoints and sends to them.
type Service struct {
	Vault  *vault.Vault
	Inside []netip.Prefix // networks of our own that may be sent to; with any, plain http is allowed
	NATS   vault.Secret   // servers of NATS; empty for none
	post   poster
	stream stream
}

// Push is the job that sends to an endpoint what it has not got yet.
const Push job.Kind[int64] = "webhook.push"

// Wire lets every commit with facts wake the senders.
func (s *Service) Wire(d *db.DB, r *job.Runner) {
	s.post, s.stream.servers = newPoster(s.Inside), s.NATS
	job.Register(r, Push, job.Spec{Zh: "推送事件", En: "Send facts to an endpoint", Lease: leaseMs * 2}, s.push)
	d.BeforeCommit(func(tx *db.Tx) {
		if len(fact.Table.Added(tx)) == 0 {
			return
		}
		for _, e := range active.Get(tx) {
			_ = wake(tx, e, 0) // a job that can't be written fails the commit by itself
		}
	})
}

// wake adds a job for an endpoint unless one waits already.
func wake(tx *db.Tx, endpoint, at int64) error {
	e, ok := endpoints.Get(tx, endpoint)
	if !ok || e.Status != On || e.woken && at == 0 {
		return nil
	}
	e.woken = true
	endpoints.Put(tx, e)
	_, err := job.Add(tx, Push, endpoint, job.At(max(at, tx.Now())))
	return err
}

// List gives all endpoints.
func (s *Service) List(r db.Reader) []Endpoint {
	return endpoints.Select(r, db.Query[Endpoint]{Order: "id", Limit: maxEndpoints,
		Match: func(*Endpoint) bool { return true }, Less: func(a, b *Endpoint) bool { return a.ID < b.ID }})
}

// Add makes an endpoint that gets every fact from now on. Its secret is given here and never again.
func (s *Service) Add(tx *db.Tx, address string, kinds []string) (Endpoint, vault.Secret, error) {
	if err := s.check(address); err != nil {
		return Endpoint{}, vault.Secret{}, err
	}
	if len(s.List(tx)) >= maxEndpoints {
		return Endpoint{}, vault.Secret{}, ErrMany.New()
	}
	e := Endpoint{ID: tx.ID(), URL: address, Kinds: strings.Join(kinds, " "), Status: On, CreatedAt: tx.Now()}
	e.Position = tx.ID() // ids grow in the order of commits: every later fact has a greater one
	secret := newSecret(tx.Token(secretBytes))
	var err error
	if e.secret, err = s.Vault.Seal(e.place(), secret); err != nil {
		return e, secret, err
	}
	active.Bump(tx)
	return e, secret, endpoints.Insert(tx, e)
}

func (s *Service) check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || len(s.Inside) == 0) {
		return ErrURL.New().At("url")
	}
	return nil
}

// SetStatus switches an endpoint on, from its position on, or off.
func (s *Service) SetStatus(tx *db.Tx, endpoint int64, status string) (Endpoint, error) {
	return s.change(tx, endpoint, func(e *Endpoint) error {
		if status != On && status != Off {
			return ErrStatus.New().At("status")
		}
		e.Status, e.Fails, e.LastError = status, 0, ""
		return nil
	})
}

// Replay sends everything since an instant again, under the ids it had.
func (s *Service) Replay(tx *db.Tx, endpoint, since int64) (Endpoint, error) {
	return s.change(tx, endpoint, func(e *Endpoint) error {
		e.Position = min(e.Position, id.Floor(since))
		return nil
	})
}

// change takes an endpoint from whoever sends to it, changes it, and wakes a sender.
func (s *Service) change(tx *db.Tx, endpoint int64, f func(*Endpoint) error) (Endpoint, error) {
	e, ok := endpoints.Get(tx, endpoint)
	if !ok {
		return e, ErrNone.New()
	}
	if err := f(&e); err != nil {
		return e, err
	}
	e.fence++
	e.leaseUntil, e.woken = 0, false
	endpoints.Put(tx, e)
	active.Bump(tx)
	return e, wake(tx, endpoint, 0)
}

// Remove forgets an endpoint.
func (s *Service) Remove(tx *db.Tx, endpoint int64) error {
	if _, ok := endpoints.Get(tx, endpoint); !ok {
		return ErrNone.New()
	}
	endpoints.Delete(tx, endpoint)
	active.Bump(tx)
	return nil
}

// Waits between attempts; the last one ends some 75 hours after the first.
var waits = []int64{5 * clock.Second, 5 * clock.Minute, 30 * clock.Minute, 2 * clock.Hour, 5 * clock.Hour,
	10 * clock.Hour, 14 * clock.Hour, 20 * clock.Hour, 24 * clock.Hour}

const (
	leaseMs  = clock.Minute
	saveMs   = 10 * clock.Second // a slow consumer's position is kept at least so often
	pageSize = 100
)

// push sends until the endpoint has everything, or refuses.
func (s *Service) push(ctx context.Context, run *job.Run, endpoint int64) error {
	e, err := s.take(ctx, run, endpoint)
	if err != nil || e.Status != On {
		return err
	}
	var secret vault.Secret
	if e.URL != streamAddress {
		if secret, err = s.Vault.Open(e.place(), e.secret); err != nil {
			return err
		}
	}
	for more := true; more; {
		refused := s.page(ctx, run, &e, secret)
		if more, err = s.settle(ctx, run, &e, refused); err != nil {
			return err
		}
	}
	return nil
}

// take leases the endpoint; with another sender at work, a job is left for when its lease would run out.
func (s *Service) take(ctx context.Context, run *job.Run, endpoint int64) (e Endpoint, err error) {
	err = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		var ok bool
		if e, ok = endpoints.Get(tx, endpoint); !ok || e.Status != On {
			e.Status = Off
			return nil
		}
		e.woken = false
		if e.leaseUntil > tx.Now() {
			at := e.leaseUntil
			endpoints.Put(tx, e)
			e.Status = Off // for this run
			// This job is for a sender that died. It does not count as one that waits: whatever happens once the sender
			// has finished is told at once. One is enough for a lease.
			_, err := job.Add(tx, Push, endpoint, job.At(at), job.Key(id.String(endpoint)+"@"+id.String(at)))
			return err
		}
		e.fence++
		e.leaseUntil = tx.Now() + leaseMs
		endpoints.Put(tx, e)
		return nil
	})
	return e, err
}

// page sends the next facts and moves the position in memory; it stops at the first that is refused.
func (s *Service) page(ctx context.Context, run *job.Run, e *Endpoint, secret vault.Secret) error {
	var facts []fact.Row
	now := run.DB().Clock().Now
	err := run.DB().View(ctx, func(v *db.View) error { facts = factsAfter(v, e.Position, pageSize); return nil })
	if err != nil {
		return err
	}
	began := now()
	for i := range facts {
		if e.wants(facts[i].Kind) {
			var err error
			if e.URL == streamAddress {
				err = s.stream.send(ctx, &facts[i])
			} else {
				err = s.post.send(ctx, e.URL, secret, &facts[i], now())
			}
			if err != nil {
				return err
			}
			e.SentAt = now()
		}
		e.Position = facts[i].ID
		if now()-began > saveMs {
			return nil
		}
	}
	return nil
}

// settle keeps the position and tells whether to go on. It decides in the Tx that gives the lease up, so that no fact
// committed meanwhile is left without a sender.
func (s *Service) settle(ctx context.Context, run *job.Run, e *Endpoint, refused error) (more bool, err error) {
	if ctx.Err() != nil && refused != nil {
		refused = nil // we are stopping; the consumer did not refuse
	}
	err = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		more = false
		row, ok := endpoints.Get(tx, e.ID)
		if !ok || row.fence != e.fence {
			return nil // somebody else has it now, from the position it had
		}
		if e.Position != row.Position {
			row.Fails = 0 // it took something: what it refuses now is another matter
		}
		row.Position, row.SentAt = e.Position, e.SentAt
		next := int64(0)
		switch {
		case refused == nil:
			row.Fails, row.LastError = 0, ""
			more = len(factsAfter(tx, e.Position, 1)) > 0
		case row.URL == streamAddress: // it is our own: it is waited for, and never given up
			next = tx.Now() + min(int64(1+row.Fails)*clock.Second, clock.Minute/2)
			row.Fails++
			row.LastError = firstLine(refused)
		case isGone(refused) || row.Fails >= len(waits):
			row.Status, row.LastError = Off, firstLine(refused)
			active.Bump(tx)
		default:
			next = tx.Now() + waits[row.Fails]
			row.Fails++
			row.LastError = firstLine(refused)
		}
		row.leaseUntil = 0
		if more {
			row.leaseUntil = tx.Now() + leaseMs
		} else if next > 0 {
			row.woken = false
		}
		endpoints.Put(tx, row)
		if next > 0 {
			return wake(tx, e.ID, next)
		}
		return nil
	})
	return more && err == nil, err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line[:min(len(line), 200)]
}
