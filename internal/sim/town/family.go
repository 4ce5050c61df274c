package town

// merge makes one person a part of another: all it holds goes over, and the higher tier stands.
func (b *Book) merge(from, into int, id int64) string {
	for _, n := range []int{from, into} {
		switch p := b.people[n]; {
		case p.into >= 0:
			return "member.merged"
		case p.status == "cancelled":
			return "member.cancelled"
		}
	}
	x, y := b.settle(b.people[from]), b.settle(b.people[into])
	m := &merge{id: id, at: b.now, from: from, into: into}
	b.merges = append(b.merges, m)
	x.into = into
	for _, i := range b.names {
		if i.holder == from {
			i.holder = into
		}
	}
	for a := range x.purses {
		m.carried[a], m.debt[a] = y.purses[a].takeAll(&x.purses[a])
	}
	if strictness[x.status] > strictness[y.status] {
		y.status = x.status
	}
	b.countOrders(y)
	b.addUses(x, y, 1)
	b.higherTier(x, y)
	return ""
}

// takeAll carries over everything another purse holds; what is owed stays owed.
func (p *purse) takeAll(from *purse) (carried map[int]int64, debt int64) {
	carried, debt = map[int]int64{}, from.debt
	for _, l := range from.lots {
		carried[l.id] += l.n
		p.put(l)
	}
	p.holds = append(p.holds, from.holds...)
	p.debt += from.debt
	*from = purse{}
	return carried, debt
}

var strictness = map[string]int{"active": 0, "frozen": 1, "blacklisted": 2}

// countOrders counts anew which orders are a person's own: those that came by its identities.
func (b *Book) countOrders(p *person) {
	p.orders, p.lastDay = 0, 0
	for _, o := range b.orders {
		if o.member >= 0 && b.ownerOf(o) == p {
			p.orders++
			p.lastDay = max(p.lastDay, dateOf(o.occurred))
		}
	}
}

// addUses counts what a person had of caps with its survivor, or no more.
func (b *Book) addUses(x, y *person, sign int64) {
	for u, n := range b.used {
		if u.member == x.n {
			u.member = y.n
			b.used[u] = max(0, b.used[u]+sign*n)
		}
	}
}

// higherTier lets the survivor have the higher tier, each with its own validity.
func (b *Book) higherTier(x, y *person) {
	s, t := &x.tier, &y.tier
	t.endByHand(b.now)
	changed := false
	if s.earned > t.earned || s.earned == t.earned && s.until > t.until {
		t.earned, t.until, t.warned, changed = s.earned, s.until, s.warned, true
	}
	if to := b.ladderAt(b.now).reached(y.growth()); to > t.earned {
		t.earned, t.until, t.warned, changed = to, validity(to, b.now), 0, true
	}
	if s.byHand != byHandNone && s.byHandUntil > b.now && (s.byHand > t.byHand || s.byHand == t.byHand && s.byHandUntil >= t.byHandUntil) {
		t.byHand, t.byHandUntil, changed = s.byHand, s.byHandUntil, true
	}
	if changed {
		t.note(b.now, "merge")
	}
}

// family is a person with all that was merged into it.
func (b *Book) family(n int) map[int]bool {
	out := map[int]bool{n: true}
	for _, m := range b.merges {
		if m.into == n && !m.undone {
			for k := range b.family(m.from) {
				out[k] = true
			}
		}
	}
	return out
}

// unmerge takes a merge apart: what it carried and is left goes back, and what else the leaving person's own orders gave.
func (b *Book) unmerge(m *merge) string {
	switch {
	case m.undone:
		return "member.merge_undone"
	case b.people[m.into].into >= 0:
		return "member.merged"
	}
	later := false
	for _, x := range b.merges {
		if x == m {
			later = true
		} else if later && x.into == m.into && !x.undone {
			return "member.merge_order"
		}
	}
	x, y := b.people[m.from], b.settle(b.people[m.into])
	m.undone, x.into = true, -1
	kin := b.family(m.from)
	for _, i := range b.names {
		if i.holder == m.into && kin[i.origin] {
			i.holder = m.from
		}
	}
	own := func(l lot) bool { return l.of != nil && b.ownerOf(l.of) == x }
	for a := range x.purses {
		y.purses[a].giveBack(&x.purses[a], m.carried[a], m.debt[a], own)
	}
	b.countOrders(x)
	b.countOrders(y)
	b.addUses(x, y, -1)
	x.tier.seen = x.tier.warned
	b.withoutMerge(x, y, m.at)
	b.grown(x)
	return ""
}

// withoutMerge takes from the survivor the tier that the merge gave it: it falls back to what it held before, or to
// what its own growth reaches now.
func (b *Book) withoutMerge(x, y *person, mergedAt int64) {
	s, t := &x.tier, &y.tier
	t.endByHand(b.now)
	before, changed := t.before(mergedAt), false
	if t.byHand != byHandNone && t.byHand == s.byHand && t.byHandUntil == s.byHandUntil && before.tier == before.earned {
		t.byHand, changed = byHandNone, true
	}
	if to := max(before.earned, b.ladderAt(b.now).reached(y.growth())); to < t.earned {
		t.earned, t.until, t.warned, changed = to, before.left(to, b.now), 0, true
	}
	if changed {
		t.note(b.now, "unmerge")
	}
}

// giveBack returns the free parts of what was carried, and of further lots that are the other's own.
func (p *purse) giveBack(to *purse, carried map[int]int64, debt int64, own func(lot) bool) {
	var back []lot
	for _, l := range p.lots {
		free := l.n - p.heldOf(l)
		if left, moved := carried[l.id]; moved {
			free = min(free, left)
			carried[l.id] -= free
		} else if !own(l) {
			continue
		}
		if l.n = free; free > 0 {
			back = append(back, l)
		}
	}
	for _, l := range back {
		p.pull(l.n, l.is)
		to.put(l)
	}
	debt = min(debt, p.debt)
	p.debt -= debt
	to.debt += debt
}
