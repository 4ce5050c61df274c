package model

import (
	"fmt"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

// Answer is what one step says: a fault's code, or the line it booked.
type Answer struct {
	Code    string
	Amount  int64
	Balance int64
}

func no(k *fault.Kind) Answer { return Answer{Code: k.Code} }

func said(r *row) Answer { return Answer{Amount: r.amount, Balance: r.balance} }

// again answers a source that was used before.
func again(r *row, same bool) Answer {
	if same {
		return said(r)
	}
	return no(ledger.ErrReused)
}

func badSource(s string) bool { return s == "" || len(s) > 190 || strings.HasPrefix(s, "expire:") }

func badAmount(n int64) bool { return n < 1 || n > 1_000_000_000_000 }

// Do takes one step on paper.
func (b *Book) Do(s Step) (out Answer) {
	b.at(b.now)
	switch s.Op {
	case opAdd:
		out = b.add(s)
	case opTake:
		out = b.take(s)
	case opReserve:
		out = b.reserve(s)
	case opPost:
		out = b.post(s)
	case opVoid:
		out = b.void(s)
	case opReverse:
		out = b.reverse(s)
	case opTransfer:
		out = b.transfer(s)
	case opMove:
		out = b.move(s)
	case opUnmove:
		out = b.unmove(s)
	case opMature:
		out = b.mature(s)
	}
	b.at(b.now)
	return out
}

func checked(s Step) (Answer, bool) {
	if badAmount(s.Amount) {
		return no(ledger.ErrAmount), false
	}
	if badSource(s.Source) {
		return no(ledger.ErrSource), false
	}
	return Answer{}, true
}

func (b *Book) add(s Step) Answer {
	if a, ok := checked(s); !ok {
		return a
	}
	k := s.key()
	if r := b.find(k, s.Source); r != nil {
		if s.Fresh {
			return no(db.ErrDuplicate)
		}
		return again(r, r.amount == s.Amount)
	}
	l := lot{id: b.newID(), expires: s.Expires, n: s.Amount, class: s.Class, rule: s.Rule, granted: s.Amount, ref: s.Ref}
	if l.expires == 0 {
		l.expires = ledger.Never
	}
	if s.Matures > b.now {
		l.matures = s.Matures
	}
	gave := b.receive(k, []lot{l})
	return said(b.write(k, row{source: s.Source, kind: s.Kind, amount: s.Amount, gave: gave}))
}

// asked says whether a row is what a debit of n books; one that clips may have taken less.
func (r *row) asked(n int64, short int) bool {
	return r.amount == -n || short == ledger.ShortClip && r.amount < 0 && r.amount > -n
}

func (b *Book) take(s Step) Answer {
	if a, ok := checked(s); !ok {
		return a
	}
	k := s.key()
	if r := b.find(k, s.Source); r != nil {
		return again(r, r.asked(s.Amount, s.Short))
	}
	return b.debit(k, s, b.named(k, s.Prefer), row{source: s.Source, kind: s.Kind})
}

// named lists the lots that rows of these sources gave.
func (b *Book) named(k key, sources []string) (ids []int64) {
	for _, source := range sources {
		if r := b.find(k, source); r != nil {
			for _, g := range r.gave {
				ids = append(ids, g.id)
			}
		}
	}
	return ids
}

// debit takes preferred lots, then others in order, and treats what is short.
func (b *Book) debit(k key, s Step, prefer []int64, r row) Answer {
	before := append([]lot(nil), b.lots[k]...)
	left := s.Amount
	for _, id := range prefer {
		took := b.pull(k, left, func(l lot) bool { return l.id == id })
		left -= total(took)
		r.took = append(r.took, took...)
	}
	if !s.Only {
		usable := min(left, b.sums(k).Available)
		b.inOrder(k, func(l lot) {
			if b.usable(l) {
				took := b.pull(k, usable, func(x lot) bool { return x.id == l.id && x.expires == l.expires })
				usable -= total(took)
				left -= total(took)
				r.took = append(r.took, took...)
			}
		})
	}
	refuse := func(why *fault.Kind) Answer {
		b.lots[k] = before
		return no(why)
	}
	if left > 0 {
		switch s.Short {
		case ledger.ShortRefuse:
			return refuse(ledger.ErrInsufficient)
		case ledger.ShortDebt:
			if s.Cap > 0 && b.debt[k]+left > s.Cap {
				return refuse(ledger.ErrDebtCap)
			}
			b.debt[k] += left
			r.owed, left = left, 0
		}
	}
	if left == s.Amount {
		return Answer{}
	}
	r.amount = left - s.Amount
	return said(b.write(k, r))
}

func (b *Book) reserve(s Step) Answer {
	if a, ok := checked(s); !ok {
		return a
	}
	for _, list := range [][]hold{b.open, b.ended} {
		for _, h := range list {
			if h.member == s.Member && h.source == s.Source {
				if h.amount == s.Amount && h.asset == s.Asset && h.kind == s.Kind {
					return Answer{}
				}
				return no(ledger.ErrReused)
			}
		}
	}
	k := s.key()
	if b.sums(k).Available < s.Amount {
		return no(ledger.ErrInsufficient)
	}
	h := hold{n: len(b.open) + len(b.ended) + 1, member: s.Member, asset: s.Asset, kind: s.Kind, state: ledger.HoldOpen,
		amount: s.Amount, until: s.Until, source: s.Source}
	if h.until == 0 {
		h.until = ledger.Never
	}
	left := s.Amount
	b.inOrder(k, func(l lot) {
		if part := min(left, b.free(k, l)); part > 0 && b.usable(l) {
			l.n = part
			left -= part
			h.parts = append(h.parts, l)
		}
	})
	b.open = append(b.open, h)
	return Answer{}
}

// holdAt finds a hold of a member by its ordinal, and where it stands among the open ones (-1 when it has ended).
func (b *Book) holdAt(member int64, n int) (hold, int, bool) {
	for i, h := range b.open {
		if h.n == n && h.member == member {
			return h, i, true
		}
	}
	for _, h := range b.ended {
		if h.n == n && h.member == member {
			return h, -1, true
		}
	}
	return hold{}, -1, false
}

func (b *Book) post(s Step) Answer {
	if badSource(s.Source) {
		return no(ledger.ErrSource)
	}
	h, i, ok := b.holdAt(s.Member, s.Hold)
	if !ok {
		return no(ledger.ErrNoHold)
	}
	n := s.Amount
	if n == 0 {
		n = h.amount
	}
	k := key{h.member, h.asset}
	if r := b.find(k, s.Source); r != nil {
		return again(r, r.hold == h.n && r.amount == -n)
	}
	if i < 0 {
		return no(ledger.ErrHoldEnded)
	}
	if n < 0 || n > h.amount {
		return no(ledger.ErrAmount)
	}
	b.close(i, ledger.HoldPosted)
	r := row{source: s.Source, kind: s.Kind, amount: -n, hold: h.n}
	for _, p := range h.parts {
		took := b.pull(k, min(n, p.n), func(l lot) bool { return l.id == p.id && l.expires == p.expires })
		n -= total(took)
		r.took = append(r.took, took...)
	}
	return said(b.write(k, r))
}

func (b *Book) void(s Step) Answer {
	h, i, ok := b.holdAt(s.Member, s.Hold)
	switch {
	case !ok:
		return no(ledger.ErrNoHold)
	case h.state == ledger.HoldVoided:
	case i < 0:
		return no(ledger.ErrHoldEnded)
	default:
		b.close(i, ledger.HoldVoided)
	}
	return Answer{}
}

func (b *Book) reverse(s Step) Answer {
	k, of := s.key(), key{s.Other, s.Asset}
	if s.Other == 0 {
		of = k
	}
	if badSource(s.Source) {
		return no(ledger.ErrSource)
	}
	orig := b.find(of, s.Of)
	if orig == nil {
		return no(ledger.ErrNoEntry)
	}
	if r := b.find(k, s.Source); r != nil {
		same := r.undoes == s.Of && r.undoesOf == of.member
		return again(r, same && (s.Amount == 0 || r.amount == s.Amount || r.asked(s.Amount, s.Short)))
	}
	if orig.kind == ledger.KindMerge || orig.kind == ledger.KindUnmerge || orig.kind == ledger.KindMature || orig.undoes != "" {
		return no(ledger.ErrNotReversible)
	}
	left := max(orig.amount, -orig.amount) - orig.undone
	if s.Amount == 0 {
		s.Amount = left
	}
	if s.Amount < 0 || s.Amount > left || left == 0 {
		return no(ledger.ErrReversed)
	}
	r := row{source: s.Source, kind: s.Kind, undoes: s.Of, undoesOf: of.member}
	was := *orig
	var a Answer
	if was.amount < 0 {
		r.amount = s.Amount
		r.gave = b.receive(k, b.comeBack(was, s.Amount))
		a = said(b.write(k, r))
	} else {
		var prefer []int64
		for _, g := range was.gave {
			prefer = append(prefer, g.id)
		}
		a = b.debit(k, s, prefer, r)
	}
	b.find(of, s.Of).undone += max(a.Amount, -a.Amount)
	return a
}

// comeBack lists what n more of a debit gives back: first what it made owe, as new points, then what it took, the last first.
func (b *Book) comeBack(was row, n int64) (parts []lot) {
	skip := was.undone
	all := []lot{{n: was.owed, class: ledger.ClassReward}}
	for i := len(was.took) - 1; i >= 0; i-- {
		all = append(all, was.took[i])
	}
	for i, p := range all {
		s := min(skip, p.n)
		skip -= s
		p.n = min(n, p.n-s)
		n -= p.n
		if p.n == 0 {
			continue
		}
		if i == 0 {
			p.id, p.granted = b.newID(), p.n
		}
		p.expires = b.graced(p.expires)
		if p.matures <= b.now {
			p.matures = 0
		}
		parts = append(parts, p)
	}
	return parts
}

// mature lets what is pending of some rows be spent at once.
func (b *Book) mature(s Step) Answer {
	if badSource(s.Source) {
		return no(ledger.ErrSource)
	}
	k := s.key()
	if r := b.find(k, s.Source); r != nil {
		return again(r, r.kind == ledger.KindMature)
	}
	var gave []lot
	for _, id := range b.named(k, s.Prefer) {
		for i, l := range b.lots[k] {
			if l.id == id && l.matures > b.now {
				b.lots[k][i].matures = 0
				gave = append(gave, b.lots[k][i])
			}
		}
	}
	if gave == nil {
		return Answer{}
	}
	return said(b.write(k, row{source: s.Source, kind: ledger.KindMature, gave: gave}))
}

func (b *Book) transfer(s Step) Answer {
	if s.Member == s.Other {
		return no(ledger.ErrSelf)
	}
	if a, ok := checked(s); !ok {
		return a
	}
	from, to := s.key(), key{s.Other, s.Asset}
	out, in := b.find(from, s.Source), b.find(to, s.Source)
	if out != nil || in != nil {
		same := out != nil && in != nil && out.kind == ledger.KindTransfer && in.kind == ledger.KindTransfer &&
			out.amount == -s.Amount && in.amount == s.Amount && out.other == s.Other && in.other == s.Member
		if !same {
			return no(ledger.ErrReused)
		}
		return said(in)
	}
	s.Short, s.Only = ledger.ShortRefuse, false
	a := b.debit(from, s, nil, row{source: s.Source, kind: ledger.KindTransfer, other: s.Other})
	if a.Code != "" {
		return a
	}
	parts := append([]lot(nil), b.find(from, s.Source).took...)
	for i := range parts {
		parts[i].id, parts[i].ref, parts[i].matures = b.newID(), fmt.Sprint("transfer:", s.Member), 0
	}
	gave := b.receive(to, parts)
	return said(b.write(to, row{source: s.Source, kind: ledger.KindTransfer, amount: s.Amount, other: s.Member, gave: gave}))
}

func (b *Book) move(s Step) Answer {
	a, done := b.mayMove(s)
	if done {
		return a
	}
	from, to := s.key(), key{s.Other, s.Asset}
	for i, h := range b.open {
		if h.member != s.Member || h.asset != s.Asset {
			continue
		}
		b.open[i].member = s.Other
		for j, mine := range append(append([]hold(nil), b.open...), b.ended...) {
			if j != i && mine.member == s.Other && mine.source == h.source {
				b.open[i].source = fmt.Sprint("renamed:", h.n)
			}
		}
	}
	b.carry(from, to, ledger.KindMerge, s.Source, b.lots[from], b.debt[from])
	return Answer{}
}

func (b *Book) mayMove(s Step) (a Answer, done bool) {
	switch {
	case s.Member == s.Other:
		return no(ledger.ErrSelf), true
	case badSource(s.Source) || len(s.Source) > 183:
		return no(ledger.ErrSource), true
	}
	k := s.key()
	return Answer{}, b.find(k, s.Source+":0") != nil || b.find(k, s.Source+":debt") != nil
}

// carry moves parts of lots and a debt, and writes a row on each side for each.
func (b *Book) carry(from, to key, kind, source string, parts []lot, debt int64) {
	parts = append([]lot(nil), parts...)
	for _, p := range parts {
		for i, l := range b.lots[from] {
			if l.id == p.id && l.expires == p.expires {
				b.lots[from][i].n -= p.n
			}
		}
		b.put(to, p)
	}
	var rest []lot
	for _, l := range b.lots[from] {
		if l.n > 0 {
			rest = append(rest, l)
		}
	}
	b.lots[from] = rest
	for i := 0; i*200 < len(parts); i++ { // a row of a move lists at most 200 lots; the balances between are not compared
		some := parts[i*200 : min(i*200+200, len(parts))]
		part := fmt.Sprint(source, ":", i)
		b.write(from, row{source: part, kind: kind, amount: -total(some), took: some})
		b.write(to, row{source: part, kind: kind, amount: total(some), gave: some})
	}
	if debt > 0 {
		b.debt[from] -= debt
		b.debt[to] += debt
		b.write(from, row{source: source + ":debt", kind: kind, amount: debt})
		b.write(to, row{source: source + ":debt", kind: kind, amount: -debt})
	}
}

// unmove takes from Member what the move Of brought from Other, as far as it is there and free.
func (b *Book) unmove(s Step) Answer {
	a, done := b.mayMove(s)
	if done {
		return a
	}
	from, to := s.key(), key{s.Other, s.Asset}
	brought := map[int64]int64{}
	for i := 0; ; i++ {
		r := b.find(from, fmt.Sprint(s.Of, ":", i))
		if r == nil {
			break
		}
		for _, g := range r.gave {
			brought[g.id] += g.n
		}
	}
	var debt int64
	if r := b.find(from, s.Of+":debt"); r != nil {
		debt = min(-r.amount, b.debt[from])
	}
	var parts []lot
	for _, l := range b.lots[from] {
		free := b.free(from, l)
		if n, ok := brought[l.id]; ok {
			free = min(free, n)
			brought[l.id] -= free
		} else if s.Class == 0 || l.class != s.Class {
			continue
		}
		if l.n = free; l.n > 0 {
			parts = append(parts, l)
		}
	}
	b.carry(from, to, ledger.KindUnmerge, s.Source, parts, debt)
	return Answer{}
}
