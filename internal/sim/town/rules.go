package town

import (
	"cmp"
	"math/big"
	"slices"
)

// caps limit what a rule gives; 0 is no limit.
type caps struct{ grant, day, member, all, budget int64 }

// version is one version of a rule, in force in [from, until).
type version struct {
	id          int64 // the program's
	from, until int64
	kind        string
	points      int64 // fixed, or per yuan in millionths, or a factor in millionths
	minFen      int64
	channel     string // only orders of this channel
	group       string
	priority    int
	class       int
	caps        caps
}

// rule is all versions of a rule.
type rule struct {
	id       int64 // the program's
	versions []*version
}

// use names a counter of a cap: member -1 is everyone, rule 0 every rule, day 0 all time.
type use struct {
	member int
	rule   int64
	day    int
}

// award is what one rule gave for one cause.
type award struct {
	rule, version   int64
	asset           int
	given           int64
	active          int64 // for being active that day; no refund takes it
	cap             string
	byLine          bool
	shares          []int64
	class           int
	lot             int
	booked          int64
	clawed, forgone int64
	caps            caps
	dailyAll        int64
	day             int
}

// chosen is a version that fits, with what it would give, and what its caps would leave of that.
type chosen struct {
	v       *version
	r       *rule
	n       int64
	allowed int64
}

// judge gives what the rules in force at an instant say, in the order they run: what multiplies others comes last.
func (b *Book) judge(p *person, o *purchase, on string, occurred int64) (out []*award) {
	var plain, onBase []chosen
	for _, r := range b.rules {
		for _, v := range r.versions {
			switch {
			case v.from > occurred || occurred >= v.until || triggerOf(v.kind) != on:
			case o != nil && v.channel != "" && v.channel != o.channel:
			case o == nil && b.hadOnce(p, r.id):
			case v.kind == "multiplier":
				onBase = append(onBase, chosen{v: v, r: r})
			default:
				c := chosen{v: v, r: r, n: b.worthOf(v, p, o)}
				c.allowed, _ = b.clip(p, c, occurred)
				plain = append(plain, c)
			}
		}
	}
	byLine := int64(0)
	for _, c := range largest(inTurn(plain)) {
		if a := b.give(p, c, occurred, o); a != nil {
			if out = append(out, a); a.byLine {
				byLine += a.given
			}
		}
	}
	for _, c := range inTurn(onBase) {
		c.n = byLine * (c.v.points - million) / million
		if a := b.give(p, c, occurred, o); a != nil {
			out = append(out, a)
		}
	}
	for _, a := range out {
		if o != nil && a.byLine {
			a.shares = o.shares(a.given)
		}
	}
	return out
}

func triggerOf(kind string) string {
	if kind == "profile" || kind == "join" {
		return kind
	}
	return "order"
}

func inTurn(list []chosen) []chosen {
	slices.SortFunc(list, func(a, b chosen) int {
		return cmp.Or(cmp.Compare(b.v.priority, a.v.priority), cmp.Compare(a.r.id, b.r.id))
	})
	return list
}

// largest keeps of each group only its largest award; the first among equals.
func largest(list []chosen) (out []chosen) {
	for i, c := range list {
		beaten := false
		for j, x := range list {
			beaten = beaten || c.v.group != "" && x.v.group == c.v.group && x.n > 0 && (x.allowed > c.allowed || x.allowed == c.allowed && j < i)
		}
		if !beaten {
			out = append(out, c)
		}
	}
	return out
}

const million = 1_000_000

// worthOf is what a version gives before caps.
func (b *Book) worthOf(v *version, p *person, o *purchase) int64 {
	switch {
	case o == nil:
		return v.points
	case o.eligible < v.minFen, v.kind == "first_order" && o.before > 0:
		return 0
	case v.kind != "per_yuan":
		return v.points
	}
	l := b.ladderAt(o.occurred)
	n := big.NewInt(o.eligible)
	for _, x := range []int64{v.points, l.multiplier[min(p.tier.heldAt(o.occurred), len(l.multiplier)-1)], b.rateAt(o.occurred)} {
		n.Mul(n, big.NewInt(x))
	}
	return n.Div(n, new(big.Int).Mul(big.NewInt(100), big.NewInt(million*million*million))).Int64()
}

// counters lists the caps of a version as counters with their limits.
func counters(member int, rule int64, c caps, day int, dailyAll int64) ([]use, []int64, []string) {
	return []use{{member, rule, day}, {member, rule, 0}, {-1, rule, day}, {-1, rule, 0}, {member, 0, day}},
		[]int64{c.day, c.member, c.all, c.budget, dailyAll},
		[]string{"per_day", "per_member", "rule_day", "budget", "daily_all"}
}

// clip cuts what a version gives to what its caps leave, and names the cap that bit the hardest.
func (b *Book) clip(p *person, c chosen, occurred int64) (n int64, bit string) {
	n = c.n
	if limit := c.v.caps.grant; limit > 0 && n > limit {
		n, bit = limit, "per_grant"
	}
	keys, limits, names := counters(p.n, c.r.id, c.v.caps, dateOf(occurred), b.policyAt(occurred).dailyCap)
	for i, limit := range limits {
		if left := max(0, limit-b.used[keys[i]]); limit > 0 && left < n {
			n, bit = left, names[i]
		}
	}
	return n, bit
}

// give makes an award and counts it; nil when nothing is left of it.
func (b *Book) give(p *person, c chosen, occurred int64, o *purchase) *award {
	n, bit := b.clip(p, c, occurred)
	if n <= 0 {
		return nil
	}
	a := &award{rule: c.r.id, version: c.v.id, asset: pointsAsset, given: n, cap: bit, class: c.v.class, caps: c.v.caps, day: dateOf(occurred),
		dailyAll: b.policyAt(occurred).dailyCap, byLine: o != nil && (c.v.kind == "per_yuan" || c.v.kind == "multiplier")}
	keys, limits, _ := counters(p.n, a.rule, a.caps, a.day, a.dailyAll)
	for i, limit := range limits {
		if limit > 0 {
			b.used[keys[i]] += n
		}
	}
	return a
}

// hadOnce says that a person, or one that is now a part of it, had what a rule gives once.
func (b *Book) hadOnce(p *person, rule int64) bool {
	for k := range b.family(p.n) {
		if b.people[k].given[rule] {
			return true
		}
	}
	return false
}

// giveBackCaps returns what an award had used: of all time always, of a day while it is the same day.
func (b *Book) giveBackCaps(p *person, a *award, n int64) {
	keys, limits, _ := counters(p.n, a.rule, a.caps, a.day, a.dailyAll)
	for i, limit := range limits {
		if limit > 0 && (keys[i].day == 0 || keys[i].day == dateOf(b.now)) {
			b.used[keys[i]] = max(0, b.used[keys[i]]-n)
		}
	}
}

// shares spreads n over the lines by what each may earn: whole shares first, the rest to the largest remainders.
func (o *purchase) shares(n int64) []int64 {
	weights := make([]int64, len(o.lines))
	for i, l := range o.lines {
		if !l.noEarn {
			weights[i] = l.amount
		}
	}
	return split(n, weights)
}

func split(n int64, weights []int64) []int64 {
	out := make([]int64, len(weights))
	var sum int64
	for _, w := range weights {
		sum += w
	}
	if sum == 0 {
		out[0] = n
		return out
	}
	left := n
	for i, w := range weights {
		out[i] = n * w / sum
		left -= out[i]
	}
	for given := make([]bool, len(weights)); left > 0; left-- {
		best := -1
		for i, w := range weights {
			if !given[i] && (best < 0 || n*w%sum > n*weights[best]%sum) {
				best = i
			}
		}
		given[best] = true
		out[best]++
	}
	return out
}

// portion is the part of a grant that belongs to a part of a whole, rounded down; all of it for the whole.
func portion(grant, part, whole int64) int64 {
	if part >= whole {
		return grant
	}
	return grant * part / whole
}
