package town

import "slices"

// policy is a version of the settings of points.
type policy struct {
	from        int64
	months      [4]int // by class
	pendingDays int
	debt        string // what a refund does about points that are spent
	debtCap     int64
	dailyCap    int64
}

type rate struct{ from, millionths int64 }

// person is a member. Who was merged into another keeps standing here, empty.
type person struct {
	n        int
	id       int64 // the program's
	status   string
	into     int // -1 when not merged
	purses   [3]purse
	tier     tiers
	orders   int
	lastDay  int            // the latest with an order
	complete bool           // its profile was, once
	given    map[int64]bool // rules for what happens once that gave
}

func (p *person) growth() int64 { return total(p.purses[growthAsset].lots) }

func (p *person) clone() *person {
	c := *p
	for i := range c.purses {
		c.purses[i] = p.purses[i].clone()
	}
	c.tier.rows, c.tier.warnings = slices.Clone(p.tier.rows), slices.Clone(p.tier.warnings)
	return &c
}

// identity is something a person is known by; origin is who it was bound to first.
type identity struct{ holder, origin int }

// merge is one merge, with what it carried.
type merge struct {
	id         int64 // the program's
	at         int64
	from, into int
	carried    [3]map[int]int64 // by lot
	debt       [3]int64
	undone     bool
}

// Book is the model.
type Book struct {
	now      int64
	people   []*person
	names    map[string]*identity
	orders   map[string]*purchase // by source and number
	waiting  map[string][]refund
	refunds  map[string]refund
	rules    []*rule
	rates    []rate
	policies []policy
	ladders  []ladder
	used     map[use]int64
	merges   []*merge
	lots     int
	holds    int
	nightly  int64 // when tiers are next reviewed; 0 until the first look
	fault    Fault
}

// NewBook is the book of a new installation.
func NewBook(fault Fault) *Book {
	return &Book{fault: fault, names: map[string]*identity{}, orders: map[string]*purchase{}, waiting: map[string][]refund{},
		refunds: map[string]refund{}, used: map[use]int64{}, rates: []rate{{0, million}},
		policies: []policy{{months: [4]int{0, 12, 3, 1}, debt: debtWithCap, debtCap: 100_000}},
		ladders: []ladder{{growth: []int64{0, 100, 300, 800, 2000}, keep: []int64{0, 80, 240, 640, 1600},
			multiplier: []int64{million, 1_200_000, 1_500_000, 1_800_000, 2_000_000}}}}
}

func (b *Book) rateAt(at int64) (n int64) {
	for _, r := range b.rates {
		if r.from <= at {
			n = r.millionths
		}
	}
	return n
}

func (b *Book) policyAt(at int64) (p policy) {
	for _, v := range b.policies {
		if v.from <= at {
			p = v
		}
	}
	return p
}

func (b *Book) ladderAt(at int64) (l *ladder) {
	for i := range b.ladders {
		if b.ladders[i].from <= at {
			l = &b.ladders[i]
		}
	}
	return l
}

// living is who a person has become by merges.
func (b *Book) living(n int) *person {
	for b.people[n].into >= 0 {
		n = b.people[n].into
	}
	return b.people[n]
}

// settle lets time work on a person's purses.
func (b *Book) settle(p *person) *person {
	for i := range p.purses {
		p.purses[i].at(b.now)
	}
	p.tier.endByHand(b.now)
	return p
}

func (b *Book) newLot() int {
	b.lots++
	return b.lots
}

// expiry is when points of a class that are booked now lapse.
func (b *Book) expiry(p policy, class int) int64 {
	at := months(b.now, p.months[class])
	if b.fault == FaultDayEarly && at != never {
		at = midnight(at, -1)
	}
	return at
}

// join makes a person, or finds the one the first known name belongs to.
func (b *Book) join(names []string) (p *person, isNew bool, code string) {
	for _, name := range names {
		if i := b.names[name]; i != nil {
			p = b.living(i.holder)
			return p, false, b.bind(p, names)
		}
	}
	p = &person{n: len(b.people), status: "active", into: -1, given: map[int64]bool{}, tier: tiers{byHand: byHandNone, until: never}}
	b.people = append(b.people, p)
	b.bind(p, names)
	b.once(p, "join")
	return p, true, ""
}

// bind gives a person all of these names, or none when one is somebody else's.
func (b *Book) bind(p *person, names []string) string {
	for _, name := range names {
		if i := b.names[name]; i != nil && i.holder != p.n {
			return "member.identity_taken"
		}
	}
	for _, name := range names {
		if b.names[name] == nil {
			b.names[name] = &identity{p.n, p.n}
		}
	}
	return ""
}

func mayEarn(status string) bool { return status == "active" || status == "frozen" }

// once gives what rules give for something other than an order.
func (b *Book) once(p *person, on string) {
	p = b.settle(b.living(p.n))
	if !mayEarn(p.status) {
		return
	}
	for _, a := range b.judge(p, nil, on, b.now) {
		p.given[a.rule] = true
		b.credit(p, nil, a, b.policyAt(b.now))
	}
}

// profile follows a profile that was filled in.
func (b *Book) profile(p *person, whole bool) {
	if whole && !p.complete {
		p.complete = true
		b.once(p, "profile")
	}
}

// credit books an award.
func (b *Book) credit(p *person, o *purchase, a *award, pol policy) {
	a.lot, a.booked = b.newLot(), b.now
	l := lot{id: a.lot, n: a.given, granted: a.given, class: a.class, of: o}
	if a.asset == growthAsset {
		l.expires = months(b.now, 12)
	} else {
		l.expires = b.expiry(pol, a.class)
		if o != nil && pol.pendingDays > 0 {
			l.matures = midnight(b.now, pol.pendingDays)
		}
	}
	p.purses[a.asset].receive(l)
	if a.asset == growthAsset {
		b.grown(p)
	}
}

// grant is points given by hand.
func (b *Book) grant(n int, amount int64, class int) {
	p := b.settle(b.living(n))
	p.purses[pointsAsset].receive(lot{id: b.newLot(), n: amount, granted: amount, class: class, expires: b.expiry(b.policyAt(b.now), class)})
}

// withdraw is points taken by hand; it is refused when there are too few.
func (b *Book) withdraw(n int, amount int64) string {
	w := &b.settle(b.living(n)).purses[pointsAsset]
	if w.sums(b.now).available < amount {
		return "ledger.insufficient"
	}
	w.spend(amount, b.now)
	return ""
}

// night is what the program does once a night, when it gets to it.
func (b *Book) night() bool {
	b.lift()
	was := b.nightly
	due := was != 0 && b.now >= was
	if at := midnight(b.now, 0) + 10*minute; at > b.now {
		b.nightly = at
	} else {
		b.nightly = midnight(b.now, 1) + 10*minute
	}
	for _, p := range b.people {
		if due && p.into < 0 && p.status != "cancelled" {
			b.review(b.settle(p))
		}
	}
	return due
}

// byHand gives a tier by hand; a lesser one does not replace it, the lowest takes it back.
func (b *Book) byHand(n, rank int, until int64) string {
	s := &b.living(n).tier
	runs := s.byHand != byHandNone && s.byHandUntil > b.now
	if runs && rank > 0 && (rank < s.byHand || rank == s.byHand && until < s.byHandUntil) {
		return "tier.lower"
	}
	s.endByHand(b.now)
	if s.byHand, s.byHandUntil = rank, until; rank == 0 {
		s.byHand = byHandNone
	}
	s.note(b.now, "manual")
	return ""
}

// setStatus freezes, blacklists, closes or reactivates.
func (b *Book) setStatus(n int, status string) string {
	p := b.living(n)
	if p.status == "cancelled" {
		return "member.cancelled"
	}
	p.status = status
	return ""
}

// freeze sets available points apart until somebody decides.
func (b *Book) freeze(n int, amount int64) (id int, code string) {
	return b.reserve(b.settle(b.living(n)), amount, never, true)
}

func (b *Book) reserve(p *person, amount, until int64, frozen bool) (id int, code string) {
	w := &p.purses[pointsAsset]
	if amount > w.sums(b.now).available {
		return 0, "ledger.insufficient"
	}
	b.holds++
	w.setApart(b.holds, amount, until, b.now, frozen)
	return b.holds, ""
}

// holder is who has a hold, which follows its member through merges; nil when it has ended.
func (b *Book) holder(id int) *person {
	for _, p := range b.people {
		if _, ok := p.purses[pointsAsset].hold(id); ok {
			return p
		}
	}
	return nil
}

// end ends a hold: n of it is taken, the rest is free again.
func (b *Book) end(id int, n int64) string {
	if p := b.holder(id); p != nil {
		w := &b.settle(p).purses[pointsAsset]
		if h, ok := w.hold(id); ok {
			w.free(h, n, b.now)
			return ""
		}
	}
	return "ledger.hold_ended"
}

// checkout sets points apart for an open order, as far as they may pay it.
func (b *Book) checkout(n int, amount, eligible int64) (id int, code string) {
	p := b.settle(b.living(n))
	available := p.purses[pointsAsset].sums(b.now).available
	most := min(available, eligible*30/100)
	switch {
	case p.status != "active":
		return 0, "member.blocked"
	case amount < 100:
		return 0, "points.spend_min"
	case amount > available:
		return 0, "ledger.insufficient"
	case amount > most:
		return 0, "points.spend_cap"
	}
	return b.reserve(p, amount, b.now+30*minute, false)
}
