package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/loyalty/ledger"
)

// What a step does.
const (
	opAdd      = "add"
	opTake     = "take"
	opReserve  = "reserve"
	opPost     = "post"
	opVoid     = "void"
	opReverse  = "reverse"
	opTransfer = "transfer"
	opMove     = "move"
	opUnmove   = "unmove"
	opMature   = "mature"
	opSweep    = "sweep"
)

// Step is one thing to do to the ledger and to the model. It names rows by their source and holds by their ordinal, so
// that it means the same to both.
type Step struct {
	Op             string
	Member, Other  int64
	Asset          int
	Amount         int64
	Kind, Source   string
	Expires        int64
	Matures, Until int64
	Class          int
	Rule           int64
	Ref            string
	Fresh, Only    bool
	Prefer         []string
	Short          int
	Cap            int64
	Hold           int
	Of             string
}

func (s Step) key() key { return key{s.Member, s.Asset} }

// touched lists the accounts a step may change.
func (s Step) touched() []key {
	if s.Op == opSweep {
		return nil
	}
	if s.Other == 0 || s.Other == s.Member {
		return []key{s.key()}
	}
	return []key{s.key(), {s.Other, s.Asset}}
}

const (
	members = 20
	assets  = 2
)

// gen draws steps that mean something in the state the model is in.
type gen struct {
	r    *rand.Rand
	b    *Book
	n    int    // names drawn
	past []Step // moves
}

func (g *gen) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *gen) name() string {
	g.n++
	return fmt.Sprint("s", g.n)
}

func (g *gen) account() key {
	return key{1 + g.r.Int64N(members), 1 + g.r.IntN(assets)}
}

func (g *gen) other(k key) int64 {
	if g.chance(3) {
		return k.member
	}
	return 1 + g.r.Int64N(members)
}

// row draws a row of an account, newer ones more often.
func (g *gen) row(k key) (row, bool) {
	rows := g.b.rows[k]
	if len(rows) == 0 {
		return row{}, false
	}
	n := len(rows)
	if g.chance(70) {
		return rows[n-1-g.r.IntN(min(n, 8))], true
	}
	return rows[g.r.IntN(n)], true
}

// source is mostly new, sometimes used before, seldom one that may not be.
func (g *gen) source(k key) string {
	switch p := g.r.IntN(200); {
	case p < 14:
		if r, ok := g.row(k); ok {
			return r.source
		}
	case p < 15:
		return ""
	case p < 16:
		return strings.Repeat("x", 191)
	case p < 17:
		return "expire:9"
	}
	return g.name()
}

// amount is small, or at the edge of what is there, or one that may not be.
func (g *gen) amount(edge int64) int64 {
	switch p := g.r.IntN(100); {
	case p < 18 && edge > 0:
		return edge
	case p < 24:
		return edge + 1
	case p < 25:
		return 0
	case p < 26:
		return -g.r.Int64N(1000)
	case p < 27:
		return []int64{ledger.MaxAmount, ledger.MaxAmount + 1, 1 << 62, -1 << 63}[g.r.IntN(4)]
	}
	return 1 + g.r.Int64N(300)
}

// later draws an instant to come, often one where something else happens too.
func (g *gen) later() int64 {
	switch p := g.r.IntN(10); {
	case p < 3:
		if next := g.next(); next < ledger.Never {
			return next
		}
	case p < 4:
		return clock.Shanghai.EndOfDay(g.b.now)
	case p < 5:
		return g.b.now + 1
	}
	return g.b.now + g.r.Int64N(40*clock.Day)
}

// next is the next instant at which time changes something.
func (g *gen) next() int64 {
	at := ledger.Never
	see := func(t int64) {
		if t > g.b.now {
			at = min(at, t)
		}
	}
	for _, lots := range g.b.lots {
		for _, l := range lots {
			see(l.expires)
			see(l.matures)
		}
	}
	for _, h := range g.b.open {
		see(h.until)
	}
	return at
}

// step draws one step.
func (g *gen) step() Step {
	k := g.account()
	s := Step{Member: k.member, Asset: k.asset}
	switch p := g.r.IntN(100); {
	case p < 27:
		return g.add(s)
	case p < 45:
		return g.take(s)
	case p < 57:
		return g.reserve(s)
	case p < 66:
		return g.endHold(s)
	case p < 82:
		return g.reverse(s)
	case p < 89:
		s.Op, s.Other, s.Source = opTransfer, g.other(k), g.source(k)
		s.Amount = g.amount(g.b.sums(k).Available)
		return s
	case p < 94:
		return g.move(s)
	case p < 97:
		return g.mature(s)
	}
	s.Op = opSweep
	return s
}

func (g *gen) add(s Step) Step {
	s.Op, s.Source, s.Kind = opAdd, g.source(s.key()), ledger.KindEarn
	s.Amount, s.Class, s.Rule = g.amount(g.b.debt[s.key()]), 1+g.r.IntN(3), g.r.Int64N(3)
	s.Fresh = g.chance(25)
	if g.chance(70) {
		s.Expires = g.later()
	}
	if g.chance(3) {
		s.Expires = g.b.now - g.r.Int64N(3)
	}
	if g.chance(25) {
		s.Matures = g.later()
	}
	if g.chance(10) {
		s.Ref = "order"
	}
	if r := g.b.find(s.key(), s.Source); r != nil && g.chance(50) {
		s.Amount = r.amount
	}
	return s
}

func (g *gen) take(s Step) Step {
	k := s.key()
	s.Op, s.Source, s.Kind = opTake, g.source(k), ledger.KindSpend
	s.Amount, s.Short = g.amount(g.b.sums(k).Available), g.r.IntN(3)
	if s.Short == ledger.ShortDebt && g.chance(50) {
		s.Cap = 1 + g.r.Int64N(500)
	}
	for range g.r.IntN(6) - 3 {
		if r, ok := g.row(k); ok {
			s.Prefer = append(s.Prefer, r.source)
		}
	}
	s.Only = len(s.Prefer) > 0 && g.chance(30)
	if r := g.b.find(k, s.Source); r != nil && g.chance(50) {
		s.Amount = -r.amount
	}
	return s
}

func (g *gen) reserve(s Step) Step {
	s.Op, s.Kind, s.Source = opReserve, ledger.HoldCheckout, g.source(s.key())
	s.Amount = g.amount(g.b.sums(s.key()).Available)
	s.Until = g.later()
	if g.chance(20) {
		s.Kind, s.Until = ledger.HoldFreeze, 0
	}
	if h, ok := g.hold(); ok && g.chance(8) {
		s.Member, s.Source = h.member, h.source
		if g.chance(70) {
			s.Asset, s.Amount, s.Kind = h.asset, h.amount, h.kind
		}
	}
	return s
}

// hold draws an open hold, or sometimes one that ended.
func (g *gen) hold() (hold, bool) {
	from := g.b.open
	if len(from) == 0 || len(g.b.ended) > 0 && g.chance(12) {
		from = g.b.ended
	}
	if len(from) == 0 {
		return hold{}, false
	}
	return from[g.r.IntN(len(from))], true
}

func (g *gen) endHold(s Step) Step {
	h, ok := g.hold()
	if !ok || g.chance(2) {
		h.member, h.n = s.Member, 1<<20
	}
	s.Member, s.Asset, s.Hold = h.member, h.asset, h.n
	if s.Op = opVoid; g.chance(35) {
		return s
	}
	s.Op, s.Kind, s.Source = opPost, ledger.KindSpend, g.source(s.key())
	switch p := g.r.IntN(10); {
	case p < 4:
	case p < 5:
		s.Amount = g.amount(h.amount)
	default:
		s.Amount = 1 + g.r.Int64N(max(1, h.amount))
	}
	return s
}

func (g *gen) reverse(s Step) Step {
	r, ok := g.row(s.key())
	if s.Op, s.Of = opReverse, r.source; !ok || g.chance(1) {
		s.Of = "nothing"
	}
	s.Source, s.Short = g.source(s.key()), g.r.IntN(3)
	s.Kind = []string{ledger.KindReversal, ledger.KindRestore, ledger.KindClawback}[g.r.IntN(3)]
	left := max(r.amount, -r.amount) - r.undone
	switch p := g.r.IntN(10); {
	case p < 3:
	case p < 4:
		s.Amount = g.amount(left)
	default:
		s.Amount = 1 + g.r.Int64N(max(1, left))
	}
	if again := g.b.find(s.key(), s.Source); again != nil && again.undoes != "" && g.chance(70) {
		s.Of, s.Other = again.undoes, again.undoesOf
		return s
	}
	if g.chance(10) { // the row's member was merged into another
		s.Other, s.Member = s.Member, 1+g.r.Int64N(members)
	}
	return s
}

func (g *gen) move(s Step) Step {
	s.Op, s.Other, s.Source = opMove, g.other(s.key()), g.name()
	if len(g.past) > 0 && g.chance(50) {
		p := g.past[g.r.IntN(len(g.past))]
		s.Op, s.Asset, s.Of = opUnmove, p.Asset, p.Source
		s.Member, s.Other = p.Other, p.Member
		if g.chance(30) {
			s.Class = 1 + g.r.IntN(3)
		}
		return s
	}
	switch {
	case len(g.past) > 0 && g.chance(8):
		s = g.past[g.r.IntN(len(g.past))]
	case g.chance(2):
		s.Source = strings.Repeat("x", 184)
	}
	g.past = append(g.past, s)
	return s
}

// mature names rows of which something may be pending.
func (g *gen) mature(s Step) Step {
	k := s.key()
	s.Op, s.Source = opMature, g.source(k)
	for _, r := range g.b.rows[k] {
		if len(s.Prefer) < 4 && slices.ContainsFunc(r.gave, func(l lot) bool { return l.matures > g.b.now }) {
			s.Prefer = append(s.Prefer, r.source)
		}
	}
	if r, ok := g.row(k); ok {
		s.Prefer = append(s.Prefer, r.source)
	}
	return s
}

// jump draws how far the clock goes.
func (g *gen) jump() int64 {
	switch p := g.r.IntN(100); {
	case p < 40:
		return 1 + g.r.Int64N(5)
	case p < 60:
		if next := g.next(); next < g.b.now+60*clock.Day {
			return next - g.b.now
		}
	case p < 70:
		if next := g.next(); next < g.b.now+60*clock.Day && next > g.b.now+1 {
			return next - g.b.now - 1
		}
	case p < 88:
		return g.r.Int64N(clock.Hour)
	case p < 98:
		return g.r.Int64N(6 * clock.Day)
	}
	return g.r.Int64N(70 * clock.Day)
}
