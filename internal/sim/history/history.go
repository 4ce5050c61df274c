// Package history asks whether many clients at once could have been one after the other.
//
// Clients add, take, reserve, void and read on a few accounts; each call and its answer get a place on a logical clock.
// Then porcupine looks for an order, within those places, in which every answer is right (linearizability).
package history

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"

	"github.com/anishathalye/porcupine"
)

// What a client does.
const (
	add = iota
	take
	reserve
	void
	read
)

// Call is one operation as it was asked.
type Call struct {
	Account int64
	Op      int
	N       int64
}

// Answer is what came back. Free and Held are of reads.
type Answer struct {
	Refused    bool
	Free, Held int64
}

// state is an account as the order sees it.
type state struct{ free, held int64 }

// account says what one account may answer.
var account = porcupine.Model{
	Partition: func(ops []porcupine.Operation) (parts [][]porcupine.Operation) {
		at := map[int64]int{}
		for _, o := range ops {
			k := o.Input.(Call).Account
			if _, ok := at[k]; !ok {
				at[k] = len(parts)
				parts = append(parts, nil)
			}
			parts[at[k]] = append(parts[at[k]], o)
		}
		return parts
	},
	Init: func() any { return state{} },
	Step: func(s, in, out any) (bool, any) { return step(s.(state), in.(Call), out.(Answer)) },
	DescribeOperation: func(in, out any) string {
		return fmt.Sprintf("%+v → %+v", in, out)
	},
}

func step(s state, c Call, a Answer) (bool, state) {
	if c.Op == take || c.Op == reserve {
		if short := s.free < c.N; short || a.Refused {
			return short && a.Refused, s
		}
	}
	switch c.Op {
	case add:
		s.free += c.N
	case take:
		s.free -= c.N
	case reserve:
		s.free, s.held = s.free-c.N, s.held+c.N
	case void:
		s.free, s.held = s.free+c.N, s.held-c.N
	case read:
		return a.Free == s.free && a.Held == s.held, s
	}
	return !a.Refused, s
}

// Books is what the clients work on. A source names one change; Reserve's is also how Void finds the hold.
type Books interface {
	Add(ctx context.Context, account, n int64, source string) error
	Take(ctx context.Context, account, n int64, source string) error
	Reserve(ctx context.Context, account, n int64, source string) error
	Void(ctx context.Context, account int64, source string) error
	Read(account int64) (Answer, error)
	// Done says whether a change whose outcome was unknown has happened, once nothing is under way any more.
	Done(op int, account int64, source string) (bool, error)
}

// Round is some clients at once on accounts of their own.
type Round struct {
	Seed     uint64
	Clients  int
	Ops      int   // of all clients together
	Accounts int64 // how many
	First    int64 // number of the first account
	Holds    bool  // reserve and void too
	Unknown  int   // of 1,000 changes: how many clients don't wait for their answer
}

type recorder struct {
	Round
	books Books
	clock atomic.Int64
	left  atomic.Int64
}

// pending is a change whose client went away.
type pending struct {
	porcupine.Operation
	source string
}

// client is one of them, with the holds it has to void.
type client struct {
	*recorder
	id      int
	r       *rand.Rand
	n       int
	holds   []hold
	history []porcupine.Operation
	unknown []pending
}

type hold struct {
	Call
	source string
}

// Run lets the clients loose and gives their history.
func (q Round) Run(ctx context.Context, books Books) ([]porcupine.Operation, error) {
	rec := &recorder{Round: q, books: books}
	rec.left.Store(int64(q.Ops))
	clients := make([]*client, q.Clients)
	errs := make([]error, q.Clients)
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{recorder: rec, id: i, r: rand.New(rand.NewPCG(q.Seed, uint64(i)))}
		clients[i] = c
		wg.Go(func() {
			for errs[i] == nil && rec.left.Add(-1) >= 0 {
				errs[i] = c.act(ctx)
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	for i, c := range clients {
		if errs[i] != nil {
			return nil, errs[i]
		}
		all = append(all, c.history...)
		settled, err := c.settle()
		if err != nil {
			return nil, err
		}
		all = append(all, settled...)
	}
	return all, nil
}

// settle learns what became of changes whose answer nobody waited for: they may have happened at any time since.
func (c *client) settle() (out []porcupine.Operation, err error) {
	for _, p := range c.unknown {
		in := p.Input.(Call)
		done, err := c.books.Done(in.Op, in.Account, p.source)
		if err != nil {
			return nil, err
		}
		if done {
			p.Output, p.Return = Answer{}, math.MaxInt64
			out = append(out, p.Operation)
		}
	}
	return out, nil
}

func (c *client) act(ctx context.Context) error {
	call := Call{Account: c.First + c.r.Int64N(c.Accounts), N: 1 + c.r.Int64N(20)}
	switch p := c.r.IntN(100); {
	case p < 28:
		call.Op = add
	case p < 58:
		call.Op = take
	case p < 72 && c.Holds:
		call.Op = reserve
		if len(c.holds) > 2 || len(c.holds) > 0 && p < 65 {
			return c.void(ctx)
		}
	default:
		return c.read(call)
	}
	return c.change(ctx, call)
}

func (c *client) source() string {
	c.n++
	return fmt.Sprintf("%d/%d/%d", c.First, c.id, c.n)
}

func (c *client) read(call Call) error {
	call.Op, call.N = read, 0
	at := c.clock.Add(1)
	a, err := c.books.Read(call.Account)
	c.note(call, a, at)
	return err
}

func (c *client) note(call Call, a Answer, at int64) {
	c.history = append(c.history, porcupine.Operation{ClientId: c.id, Input: call, Call: at, Output: a, Return: c.clock.Add(1)})
}

func (c *client) void(ctx context.Context) error {
	h := c.holds[0]
	c.holds = c.holds[1:]
	h.Op = void
	at := c.clock.Add(1)
	err := c.books.Void(ctx, h.Account, h.source)
	c.note(h.Call, Answer{}, at)
	return err
}

func (c *client) change(ctx context.Context, call Call) error {
	source := c.source()
	if c.r.IntN(1000) < c.Unknown {
		gone, leave := context.WithCancel(ctx)
		leave()
		ctx = gone
	}
	f := map[int]func(context.Context, int64, int64, string) error{add: c.books.Add, take: c.books.Take, reserve: c.books.Reserve}[call.Op]
	at := c.clock.Add(1)
	err := f(ctx, call.Account, call.N, source)
	switch {
	case err == nil:
		if call.Op == reserve {
			c.holds = append(c.holds, hold{call, source})
		}
		c.note(call, Answer{}, at)
	case fault.Is(err, ledger.ErrInsufficient):
		c.note(call, Answer{Refused: true}, at)
	case fault.Is(err, db.ErrUnknown):
		c.unknown = append(c.unknown, pending{porcupine.Operation{ClientId: c.id, Input: call, Call: at}, source})
	default:
		return err
	}
	return nil
}
