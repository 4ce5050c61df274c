package town

import "slices"

// Debt policies, as the program names them.
const (
	pendingOnly   = "pending_only"
	withinBalance = "within_balance"
	debtWithCap   = "debt_with_cap"
	holdForCash   = "hold_refund_for_cash"
)

type line struct {
	sku         string
	qty, amount int64
	noEarn      bool
	backQty     int64
	back        int64
}

// purchase is an order.
type purchase struct {
	source, no, channel string
	said                string // all that a repeated delivery must say again
	member, via         int    // -1 for none
	lines               []line
	amount, eligible    int64
	refunded            int64
	points              int64 // that paid a part
	hold                int
	occurred            int64
	before              int // orders of the member before it
	full, done          bool
	awards              []*award
	took                []lot // what paid, and what became debt
	owed, restored      int64
	id                  int64 // the program's
}

func (o *purchase) key() string { return o.source + " " + o.no }

func (o *purchase) clone() *purchase {
	c := *o
	c.lines = slices.Clone(o.lines)
	c.awards = nil
	for _, a := range o.awards {
		copied := *a
		c.awards = append(c.awards, &copied)
	}
	return &c
}

// refund is what a source says went back: lines, or an amount, or all that is left.
type refund struct {
	source, order, no string
	amount            int64
	lines             []line
	occurred          int64
	said              string
}

// take books an order whose member is known; a repeated delivery changes nothing.
func (b *Book) take(o *purchase, who *identity) (again bool, code string) {
	if was := b.orders[o.key()]; was != nil {
		if was.said != o.said || who != nil && was.member >= 0 && b.ownerOf(was).n != who.holder {
			return false, "order.conflict"
		}
		if b.fault == FaultTwice && was.member >= 0 {
			b.earn(b.settle(b.living(was.member)), was.clone())
		}
		return true, ""
	}
	b.orders[o.key()] = o
	o.member, o.via = -1, -1
	for _, l := range o.lines {
		o.amount += l.amount
		if !l.noEarn {
			o.eligible += l.amount
		}
	}
	if who != nil {
		b.book(o, who)
	}
	for _, r := range b.waiting[o.key()] {
		if b.goBack(o, r) != "" { // a person has to look at it; its number is free again
			delete(b.refunds, r.source+" "+r.no)
		}
	}
	delete(b.waiting, o.key())
	return false, ""
}

func (b *Book) book(o *purchase, who *identity) {
	p := b.settle(b.people[who.holder])
	if o.member = p.n; who.origin != p.n {
		o.via = who.origin
	}
	day := dateOf(o.occurred)
	active := p.lastDay < day
	o.before, p.lastDay = p.orders, max(p.lastDay, day)
	p.orders++
	b.pay(p, o)
	if mayEarn(p.status) {
		b.earn(p, o)
		b.grow(p, o, active)
	}
}

// pay books the points that paid a part: what the hold kept, or what is available and then debt.
func (b *Book) pay(p *person, o *purchase) {
	w := &p.purses[pointsAsset]
	h, ok := w.hold(o.hold)
	switch {
	case o.points == 0:
	case ok && h.amount >= o.points:
		o.took = w.free(h, o.points, b.now)
	default:
		o.took = w.spend(o.points, b.now)
		o.owed = o.points - total(o.took)
		w.debt += o.owed
	}
}

func (b *Book) earn(p *person, o *purchase) {
	for _, a := range b.judge(p, o, "order", o.occurred) {
		b.credit(p, o, a, b.policyAt(o.occurred))
		o.awards = append(o.awards, a)
	}
}

// grow gives growth: six for each ten yuan, and three on the first order of a day.
func (b *Book) grow(p *person, o *purchase, active bool) {
	a := &award{asset: growthAsset, given: o.eligible * 60 / 10_000, byLine: true}
	a.shares = o.shares(a.given)
	if active {
		a.active = 3
		a.given += a.active
	}
	if a.given > 0 {
		b.credit(p, o, a, policy{})
		o.awards = append(o.awards, a)
	}
}

// refund books what went back, or lets it wait for its order.
func (b *Book) refund(r refund) (again, waits bool, code string) {
	key := r.source + " " + r.no
	o := b.orders[r.source+" "+r.order]
	if was, ok := b.refunds[key]; ok {
		if was.said != r.said {
			return false, false, "order.refund_conflict"
		}
		return true, o == nil, ""
	}
	if o == nil {
		b.refunds[key] = r
		b.waiting[r.source+" "+r.order] = append(b.waiting[r.source+" "+r.order], r)
		return false, true, ""
	}
	if code = b.goBack(o, r); code == "" {
		b.refunds[key] = r
	}
	return false, false, code
}

// goBack takes a refund off an order; a refusal leaves everything as it was.
func (b *Book) goBack(o *purchase, r refund) string {
	after := o.clone()
	if code := after.takeBack(r); code != "" {
		return code
	}
	if after.member < 0 {
		*o = *after
		return ""
	}
	owner := b.settle(b.ownerOf(o))
	p := owner.clone()
	b.restore(p, after)
	pol := b.policyAt(o.occurred)
	for _, a := range after.awards {
		if due := after.due(a); due > 0 && !b.claw(p, a, due, pol) {
			return "points.cash_first"
		}
	}
	for i, a := range after.awards {
		if n := a.clawed - o.awards[i].clawed; n > 0 && a.asset == pointsAsset {
			b.giveBackCaps(p, a, n)
		}
	}
	*o, *owner = *after, *p
	return ""
}

// ownerOf is whose order it is now: an order follows the identity it came by.
func (b *Book) ownerOf(o *purchase) *person {
	if o.via >= 0 {
		return b.living(o.via)
	}
	return b.living(o.member)
}

// takeBack marks on the lines what goes back.
func (o *purchase) takeBack(r refund) string {
	if o.full {
		return "order.refund_too_much"
	}
	var sum int64
	switch {
	case len(r.lines) > 0:
		for _, want := range r.lines {
			if code := o.takeItem(want.sku, want.qty, &sum); code != "" {
				return code
			}
		}
	default:
		left := o.amount - o.refunded
		if sum = r.amount; sum == 0 {
			sum = left
		}
		if sum > left {
			return "order.refund_too_much"
		}
		o.takeAmount(sum)
	}
	o.refunded += sum
	o.full = o.refunded == o.amount && (o.amount > 0 || !slices.ContainsFunc(o.lines, func(l line) bool { return l.backQty < l.qty }))
	return ""
}

// takeItem takes a quantity from the lines of an item, at its share of what was paid.
func (o *purchase) takeItem(sku string, qty int64, sum *int64) string {
	found := false
	for i := range o.lines {
		l := &o.lines[i]
		if l.sku != sku {
			continue
		}
		found = true
		n := min(qty, l.qty-l.backQty)
		worth := l.amount*(l.backQty+n)/l.qty - l.amount*l.backQty/l.qty
		worth = min(worth, l.amount-l.back)
		l.backQty += n
		l.back += worth
		qty -= n
		*sum += worth
	}
	switch {
	case !found:
		return "order.no_line"
	case qty > 0:
		return "order.refund_too_much"
	}
	return ""
}

// takeAmount spreads an amount over what is left of the lines.
func (o *purchase) takeAmount(n int64) {
	left := make([]int64, len(o.lines))
	for i, l := range o.lines {
		left[i] = l.amount - l.back
	}
	for i, part := range split(n, left) {
		l := &o.lines[i]
		if l.back += part; l.back == l.amount {
			l.backQty = l.qty
		}
	}
}

// due is how much of an award must still be taken back.
func (o *purchase) due(a *award) int64 {
	given := a.given - a.active
	var must int64
	switch {
	case o.full:
		must = given
	case !a.byLine:
		back, earning := o.earning()
		must = portion(given, back, earning)
	default:
		for i, l := range o.lines {
			if l.amount > 0 {
				must += portion(a.shares[i], l.back, l.amount)
			}
		}
	}
	return must - a.clawed - a.forgone
}

// earning sums the lines that earn and what went back of them; lines that earn nothing take nothing back, unless there
// are no others.
func (o *purchase) earning() (back, all int64) {
	for _, l := range o.lines {
		if !l.noEarn {
			back += l.back
			all += l.amount
		}
	}
	if all == 0 {
		return o.refunded, o.amount
	}
	return back, all
}

// restore gives points that paid back to the lots they came from, the longest-lived first. What had become debt comes
// first: it is forgiven or, repaid meanwhile, given anew.
func (b *Book) restore(p *person, o *purchase) {
	due := o.points
	if !o.full {
		due = portion(o.points, o.refunded, o.amount)
	}
	if !o.full && o.amount == 0 {
		var back, all int64
		for _, l := range o.lines {
			back, all = back+l.backQty, all+l.qty
		}
		due = portion(o.points, back, all)
	}
	if due -= o.restored; due <= 0 {
		return
	}
	var parts []lot
	owed := min(due, max(0, o.owed-o.restored))
	if owed > 0 {
		parts = append(parts, lot{id: b.newLot(), n: owed, granted: owed, class: fromReward})
	}
	parts = append(parts, backwards(o.took, max(0, o.restored-o.owed), due-owed)...)
	for _, l := range parts {
		if l.expires <= b.now {
			l.expires = midnight(b.now, 8)
		}
		if l.matures <= b.now {
			l.matures = 0
		}
		if b.fault == FaultNewLot {
			l.id, l.expires = b.newLot(), months(b.now, 12)
		}
		p.purses[pointsAsset].receive(l)
	}
	o.restored += due
}

// claw takes an award back: from its own lot, then as the debt policy says. False refuses the whole refund.
func (b *Book) claw(p *person, a *award, due int64, pol policy) bool {
	w := &p.purses[a.asset]
	took := int64(0)
	if a.asset == growthAsset || pol.debt != pendingOnly || w.pending(a.lot, b.now) {
		took = total(w.pull(due, func(l lot) bool { return l.id == a.lot }))
	}
	if a.asset == growthAsset {
		a.clawed, a.forgone = a.clawed+took, a.forgone+due-took
		if took > 0 {
			b.shrunk(p, a.booked)
		}
		return true
	}
	if pol.debt != pendingOnly {
		took += total(w.spend(due-took, b.now))
	}
	switch left := due - took; {
	case left > 0 && pol.debt == holdForCash:
		return false
	case left > 0 && pol.debt == debtWithCap:
		if pol.debtCap > 0 {
			left = min(left, max(0, pol.debtCap-w.debt))
		}
		w.debt += left
		took += left
	}
	a.clawed, a.forgone = a.clawed+took, a.forgone+due-took
	return true
}

// closed says that the return window of an order is over: what is pending of it can be spent.
func (b *Book) closed(o *purchase) string {
	if o == nil {
		return "order.not_found"
	}
	if o.done || o.member < 0 {
		return ""
	}
	o.done = true
	w := &b.settle(b.ownerOf(o)).purses[pointsAsset]
	for _, a := range o.awards {
		for i, l := range w.lots {
			if a.asset == pointsAsset && l.id == a.lot && l.matures > b.now {
				w.lots[i].matures = 0
			}
		}
	}
	return ""
}

func (p *purse) pending(id int, now int64) bool {
	return slices.ContainsFunc(p.lots, func(l lot) bool { return l.id == id && l.matures > now })
}
