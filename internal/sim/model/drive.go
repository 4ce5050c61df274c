package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

// Ledger is what is held against the model: *ledger.Ledger, or one with a planted fault.
type Ledger interface {
	Add(tx *db.Tx, c ledger.Credit) (ledger.Entry, error)
	Take(tx *db.Tx, q ledger.Debit) (ledger.Entry, error)
	Reserve(tx *db.Tx, q ledger.HoldInput) (ledger.Hold, error)
	PostHold(tx *db.Tx, member, hold int64, s ledger.Spend) (ledger.Entry, error)
	VoidHold(tx *db.Tx, member, hold int64) (ledger.Hold, error)
	Reverse(tx *db.Tx, q ledger.Reversal) (ledger.Entry, error)
	Transfer(tx *db.Tx, from, to int64, asset ledger.Asset, amount int64, source, reason string) (out, in ledger.Entry, err error)
	Move(tx *db.Tx, from, to int64, asset ledger.Asset, kind, source string) error
	Unmove(tx *db.Tx, from, to int64, asset ledger.Asset, moveSource, source string, extra func(ledger.Lot) bool) error
	Mature(tx *db.Tx, member int64, asset ledger.Asset, lots []ledger.LotKey, source, ref string) (ledger.Entry, error)
	Sweep(tx *db.Tx, due []ledger.AccountKey, entries int64) (int, error)
}

// Options of a run.
type Options struct {
	Dir   string
	URL   string // of a database on a server; empty is a file in Dir
	Seed  uint64
	Steps int
	Wrap  func(*ledger.Ledger) Ledger // plants a fault; nil is none
}

// Report counts what a run did.
type Report struct {
	Steps, Functions, Commits int
	Seen                      map[string]int // by operation, and the fault's code after a blank when it was refused
}

// start is the first instant of every run.
var start = func() int64 {
	t, err := clock.Shanghai.Parse("2006-01-02 15:04", "2026-01-30 22:00")
	if err != nil {
		panic(err)
	}
	return t
}()

type driver struct {
	o     Options
	d     *db.DB
	led   Ledger
	clock *clock.Fake
	g     *gen
	holds map[int]int64   // ordinal → id
	ids   map[int64]int64 // lot of the ledger → lot of the model
	back  map[int64]int64
	due   []ledger.AccountKey
	out   Report
}

// function is one write of several steps.
type function struct {
	steps  []*planned
	doomed bool // it does its steps and is then refused
	err    error
}

// planned is a step with what the model says and what the ledger said.
type planned struct {
	Step
	want, got   Answer
	shown, seen []show
	hold        int
	gotHold     int64
}

// show is what an account shows. When it is due, time has changed it and nobody has looked.
type show struct {
	key  key
	sums ledger.Balances
	lots []lot
	held []int64
	due  bool
}

var errDoomed = errors.New("doomed")

// Drive takes random steps on a fresh database and on a model until they differ.
func Drive(ctx context.Context, o Options) (Report, error) {
	r := &driver{o: o, clock: clock.NewFake(start), holds: map[int]int64{}, ids: map[int64]int64{}, back: map[int64]int64{},
		g: &gen{r: rand.New(rand.NewPCG(o.Seed, 2)), b: NewBook(start)}, out: Report{Seen: map[string]int{}}}
	if err := r.open(ctx); err != nil {
		return r.out, err
	}
	err := r.drive(ctx)
	if err != nil {
		err = fmt.Errorf("seed %d, step %d: %w\nreplay: GUANXI_SEED=%d GUANXI_STEPS=%d go test -run 'TestModel$' ./internal/sim/model",
			o.Seed, r.out.Steps, err, o.Seed, r.out.Steps)
	}
	return r.out, errors.Join(err, r.close())
}

func (r *driver) drive(ctx context.Context) error {
	for audited := 0; r.out.Steps < r.o.Steps; {
		if r.g.r.IntN(250) == 0 {
			if err := r.reopen(ctx); err != nil {
				return err
			}
		}
		if err := r.group(ctx); err != nil {
			return err
		}
		if r.out.Steps-audited >= 500 || r.out.Steps >= r.o.Steps {
			audited = r.out.Steps
			if err := r.audit(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *driver) open(ctx context.Context) (err error) {
	if r.d, err = db.Open(ctx, db.Options{Dir: r.o.Dir, URL: r.o.URL, Clock: r.clock, Seed: r.o.Seed}); err != nil {
		return err
	}
	if err := r.d.Migrate(ctx, fact.Schema, ledger.Schema); err != nil {
		return errors.Join(err, r.d.Close())
	}
	promo := r.o.Seed%2 == 0 // every other run spends promotional points first
	real := &ledger.Ledger{Zone: clock.Shanghai, PromoFirst: func(db.Reader) bool { return promo }}
	r.g.b.promo = promo
	real.Wire(r.d)
	if r.led = real; r.o.Wrap != nil {
		r.led = r.o.Wrap(real)
	}
	return nil
}

func (r *driver) close() error {
	d := r.d
	if r.d = nil; d == nil {
		return nil
	}
	r.out.Commits += int(d.Counts().Commits)
	return d.Close()
}

// reopen stops and starts the program: what it goes on with is what the disk has.
func (r *driver) reopen(ctx context.Context) error {
	if err := r.close(); err != nil {
		return err
	}
	r.clock.Add(1)
	return r.open(ctx)
}

// group plans some functions on the model, runs them in one transaction, and compares.
func (r *driver) group(ctx context.Context) error {
	if r.g.chance(35) {
		r.clock.Add(max(0, r.g.jump()))
	}
	r.g.b.at(r.clock.Now())
	var fns []*function
	for range r.size() {
		fns = append(fns, r.plan())
	}
	if err := r.lookForDue(ctx); err != nil {
		return err
	}
	if err := r.run(fns); err != nil {
		return err
	}
	for _, f := range fns {
		if err := r.compare(f); err != nil {
			return err
		}
	}
	return r.d.View(ctx, r.compareAll)
}

func (r *driver) size() int {
	if r.g.chance(25) {
		return 1
	}
	return 2 + r.g.r.IntN(16)
}

// plan draws a function of one step, of some of which refused ones are passed over, or one that fails after all.
func (r *driver) plan() *function {
	f := &function{}
	n := 1
	if r.g.chance(20) {
		n = 2 + r.g.r.IntN(4)
		f.doomed = r.g.chance(30)
	}
	var before *Book
	if f.doomed {
		before = r.g.b.clone()
	}
	for range n {
		p := &planned{Step: r.g.step()}
		p.Fresh = p.Fresh && n == 1
		p.want = r.g.b.Do(p.Step)
		for _, k := range p.touched() {
			p.shown = append(p.shown, r.modelShows(k))
		}
		if p.Op == opReserve && p.want.Code == "" {
			p.hold = r.ordinal(p.Step)
		}
		f.steps = append(f.steps, p)
		r.out.Steps++
		r.out.Seen[p.Op+" "+p.want.Code]++
	}
	if f.doomed {
		ids := r.g.b.ids
		*r.g.b = *before
		r.g.b.ids = ids
	}
	return f
}

func (r *driver) ordinal(s Step) int {
	for _, list := range [][]hold{r.g.b.open, r.g.b.ended} {
		for _, h := range list {
			if h.member == s.Member && h.source == s.Source {
				return h.n
			}
		}
	}
	return 0
}

// run queues all functions behind one that waits, so that they share one transaction.
func (r *driver) run(fns []*function) error {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	queue := func(f func(*db.Tx) error, answer func(error)) error {
		wg.Add(1)
		return r.d.WriteAsync(db.Op{Owner: members, Actor: "model"}, f, func(err error) { answer(err); wg.Done() })
	}
	err := queue(func(*db.Tx) error { <-gate; return nil }, func(error) {})
	for _, f := range fns {
		if err == nil {
			err = queue(func(tx *db.Tx) error { return r.do(tx, f) }, func(err error) { f.err = err })
		}
	}
	close(gate)
	if err != nil {
		return err
	}
	wg.Wait()
	r.out.Functions += len(fns)
	return nil
}

// do takes the steps of a function on the ledger; it may run more than once.
func (r *driver) do(tx *db.Tx, f *function) error {
	for _, p := range f.steps {
		e, err := r.act(tx, p)
		p.got = Answer{Amount: e.Amount, Balance: e.Balance}
		if err != nil {
			p.got = Answer{Code: fault.CodeOf(err)}
			if p.got.Code == "internal" {
				p.got.Code = err.Error()
			}
		}
		p.seen = p.seen[:0]
		for _, k := range p.touched() {
			a, _ := ledger.Accounts.Get(tx, ledger.AccountKey{Member: k.member, Asset: k.asset})
			lots := ledger.OpenLots(tx, k.member, k.asset, ledger.LotKey{}, 1<<20)
			p.seen = append(p.seen, r.ledgerShows(k, ledger.Now(tx, k.member, k.asset), lots, a.Due <= tx.Now()))
		}
		if err != nil && len(f.steps) == 1 {
			return err
		}
	}
	if f.doomed {
		return errDoomed
	}
	return nil
}

func (r *driver) act(tx *db.Tx, p *planned) (e ledger.Entry, err error) {
	s := p.Step
	switch s.Op {
	case opAdd:
		return r.led.Add(tx, ledger.Credit{Member: s.Member, Asset: s.Asset, Amount: s.Amount, Kind: s.Kind, Source: s.Source,
			Class: s.Class, Expires: s.Expires, Matures: s.Matures, Rule: s.Rule, Ref: s.Ref, Fresh: s.Fresh})
	case opTake:
		return r.led.Take(tx, ledger.Debit{Member: s.Member, Asset: s.Asset, Amount: s.Amount, Kind: s.Kind, Source: s.Source,
			Prefer: prefer(tx, s), Only: s.Only, Short: s.Short, DebtCap: s.Cap})
	case opReserve:
		h, err := r.led.Reserve(tx, ledger.HoldInput{Member: s.Member, Asset: s.Asset, Amount: s.Amount, Kind: s.Kind, Source: s.Source, Until: s.Until})
		if p.gotHold = h.ID; err == nil {
			r.holds[p.hold] = h.ID
		}
		return e, err
	case opPost:
		return r.led.PostHold(tx, s.Member, r.holds[s.Hold], ledger.Spend{Kind: s.Kind, Source: s.Source, Amount: s.Amount})
	case opVoid:
		_, err = r.led.VoidHold(tx, s.Member, r.holds[s.Hold])
	case opReverse:
		q := ledger.Reversal{Member: s.Member, Asset: s.Asset, Amount: s.Amount, Kind: s.Kind, Source: s.Source, Short: s.Short}
		if s.Other != 0 {
			q.Member, q.To = s.Other, s.Member
		}
		orig, _ := ledger.EntryBySource(tx, q.Member, s.Asset, s.Of)
		q.Seq = orig.Seq
		return r.led.Reverse(tx, q)
	case opTransfer:
		_, e, err = r.led.Transfer(tx, s.Member, s.Other, s.Asset, s.Amount, s.Source, "")
	case opMove:
		err = r.led.Move(tx, s.Member, s.Other, s.Asset, ledger.KindMerge, s.Source)
	case opUnmove:
		var extra func(ledger.Lot) bool
		if s.Class != 0 {
			extra = func(l ledger.Lot) bool { return l.Class == s.Class }
		}
		err = r.led.Unmove(tx, s.Other, s.Member, s.Asset, s.Of, s.Source, extra)
	case opMature:
		return r.led.Mature(tx, s.Member, s.Asset, prefer(tx, s), s.Source, s.Ref)
	case opSweep:
		_, err = r.led.Sweep(tx, r.due, math.MaxInt64)
	}
	return e, err
}

// prefer names the lots that the rows of the given sources made.
func prefer(tx *db.Tx, s Step) (keys []ledger.LotKey) {
	for _, source := range s.Prefer {
		e, ok := ledger.EntryBySource(tx, s.Member, s.Asset, source)
		if ok && e.Lot != 0 {
			keys = append(keys, ledger.LotKey{Asset: s.Asset, Expires: e.Expires, Lot: e.Lot})
		}
		for _, g := range e.Details().Gives {
			keys = append(keys, ledger.LotKey{Asset: s.Asset, Expires: g.Expires, Lot: g.Lot})
		}
	}
	return keys
}

func (r *driver) lookForDue(ctx context.Context) error {
	return r.d.View(ctx, func(v *db.View) error {
		r.due = ledger.DueAfter(v, ledger.AccountKey{}, 1+r.g.r.IntN(members*assets))
		return nil
	})
}

func (r *driver) modelShows(k key) show {
	s := show{key: k, sums: r.g.b.sums(k), lots: slices.Clone(r.g.b.lots[k])}
	for i := range s.lots {
		s.held = append(s.held, r.g.b.heldOf(k, s.lots[i]))
		s.lots[i] = r.plain(s.lots[i])
	}
	return s
}

// plain leaves out an instant of maturing that has come.
func (r *driver) plain(l lot) lot {
	if l.matures <= r.g.b.now {
		l.matures = 0
	}
	return l
}

func (r *driver) ledgerShows(k key, sums ledger.Balances, lots []ledger.Lot, due bool) show {
	s := show{key: k, sums: sums, due: due}
	for _, l := range lots {
		s.lots = append(s.lots, r.plain(lot{id: l.ID, expires: l.Expires, matures: l.Matures, n: l.Remaining, class: l.Class,
			rule: l.Rule, granted: l.Granted, ref: l.Ref}))
		s.held = append(s.held, l.Held)
	}
	return s
}
