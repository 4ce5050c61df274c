package town

import (
	"cmp"
	"slices"
)

// The assets and classes of points, as the ledger numbers them.
const (
	pointsAsset = 1
	growthAsset = 2

	fromSpending = 1
	fromCampaign = 2
	fromReward   = 3
)

// lot is points that were earned together and expire together; as a part of one, n says how much.
type lot struct {
	id               int // in the order they came about
	n, granted       int64
	expires, matures int64
	class            int
	of               *purchase // what earned it, nil when no order did
}

// hold is an amount set apart.
type hold struct {
	id     int
	amount int64
	until  int64
	frozen bool
	parts  []lot
}

// purse is one account.
type purse struct {
	lots  []lot // in spending order
	holds []hold
	debt  int64
}

func (p *purse) clone() purse {
	return purse{slices.Clone(p.lots), slices.Clone(p.holds), p.debt}
}

// at lets time pass: holds run out, and what expired and is not held is gone.
func (p *purse) at(now int64) {
	p.holds = slices.DeleteFunc(p.holds, func(h hold) bool { return h.until <= now })
	for i, l := range p.lots {
		if l.expires <= now {
			p.lots[i].n = p.heldOf(l)
		}
	}
	p.sweep()
}

func (p *purse) sweep() { p.lots = slices.DeleteFunc(p.lots, func(l lot) bool { return l.n == 0 }) }

func (l lot) is(x lot) bool { return l.id == x.id && l.expires == x.expires }

func (p *purse) heldOf(l lot) (n int64) {
	for _, h := range p.holds {
		for _, part := range h.parts {
			if part.is(l) {
				n += part.n
			}
		}
	}
	return n
}

// sums is what an account shows.
type sums struct{ balance, available, pending, held, frozen, debt int64 }

func (p *purse) sums(now int64) sums {
	s := sums{debt: p.debt, balance: total(p.lots) - p.debt}
	for _, l := range p.lots {
		if l.matures > now {
			s.pending += l.n
		}
	}
	for _, h := range p.holds {
		if h.frozen {
			s.frozen += h.amount
		} else {
			s.held += h.amount
		}
	}
	s.available = max(0, s.balance-s.pending-s.held-s.frozen)
	return s
}

func total(parts []lot) (n int64) {
	for _, l := range parts {
		n += l.n
	}
	return n
}

// put adds points to a lot, or opens it in its place.
func (p *purse) put(l lot) {
	for i, was := range p.lots {
		if was.is(l) {
			p.lots[i].n += l.n
			return
		}
	}
	p.lots = append(p.lots, l)
	slices.SortFunc(p.lots, func(a, b lot) int { return cmp.Or(cmp.Compare(a.expires, b.expires), cmp.Compare(a.id, b.id)) })
}

// receive lets parts arrive: what is owed is repaid from them first.
func (p *purse) receive(parts ...lot) {
	for _, l := range parts {
		repaid := min(p.debt, l.n)
		p.debt -= repaid
		if l.n -= repaid; l.n > 0 {
			p.put(l)
		}
	}
}

// pull takes up to n from the free part of lots that may be taken, in spending order.
func (p *purse) pull(n int64, may func(lot) bool) (took []lot) {
	for i, l := range p.lots {
		part := min(n, l.n-p.heldOf(l))
		if part <= 0 || !may(l) {
			continue
		}
		p.lots[i].n -= part
		n -= part
		l.n = part
		took = append(took, l)
	}
	p.sweep()
	return took
}

// spend takes up to n of what is available.
func (p *purse) spend(n, now int64) []lot {
	return p.pull(min(n, p.sums(now).available), func(l lot) bool { return l.matures <= now && l.expires > now })
}

// setApart keeps n for a hold, on the lots that would be spent first.
func (p *purse) setApart(id int, n, until, now int64, frozen bool) {
	h := hold{id: id, amount: n, until: until, frozen: frozen}
	for _, l := range p.lots {
		part := min(n, l.n-p.heldOf(l))
		if part <= 0 || l.matures > now || l.expires <= now {
			continue
		}
		n -= part
		l.n = part
		h.parts = append(h.parts, l)
	}
	p.holds = append(p.holds, h)
}

func (p *purse) hold(id int) (hold, bool) {
	for _, h := range p.holds {
		if h.id == id {
			return h, true
		}
	}
	return hold{}, false
}

// free ends a hold; n of what it kept is taken for good.
func (p *purse) free(h hold, n, now int64) (took []lot) {
	p.holds = slices.DeleteFunc(p.holds, func(x hold) bool { return x.id == h.id })
	for _, part := range h.parts {
		take := min(n, part.n)
		n -= take
		if part.n = take; take > 0 {
			took = append(took, p.pull(take, part.is)...)
		}
	}
	p.at(now)
	return took
}

// backwards walks parts from the last, skips what went back before, and gives the parts that make up n.
func backwards(parts []lot, skip, n int64) (out []lot) {
	for _, l := range slices.Backward(parts) {
		s := min(skip, l.n)
		skip -= s
		l.n = min(n, l.n-s)
		n -= l.n
		if l.n > 0 {
			out = append(out, l)
		}
	}
	return out
}
