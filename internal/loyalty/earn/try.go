package earn

import (
	"fmt"
	"runtime/debug"
	"sort"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/tier"
)

// Preview judges one order as if a draft were in force now beside the published rules; nothing is changed.
func (s *Service) Preview(v *db.View, spec Spec, rule int64, o order.Order) (Decision, error) {
	c, err := compile(Version{ID: 1, Rule: rule}, spec)
	if err != nil {
		return Decision{}, err
	}
	in := &Input{On: OnOrder, Zone: s.Zone, Occurred: o.Occurred, FloatRate: points.Rates.At(v, o.Occurred).Value.Rate, TierRate: 1_000_000}
	if o.Member != 0 {
		m, err := member.Resolve(v, o.Member)
		if err != nil {
			return Decision{}, err
		}
		in = s.input(v, OnOrder, m, o.ID, o.Occurred)
		st, _ := order.Stats.Get(v, m.ID)
		in.OrdersBefore = st.Orders
		if o.ID != 0 {
			in.OrdersBefore = max(0, st.Orders-1)
		}
	}
	in.Order, in.Amount, in.Eligible = &o, o.Amount, o.Eligible
	d := s.decider(in, reward.Over{View: v, Map: reward.Map{}}, points.Policy.At(v, o.Occurred).Value.DailyCap)
	d.carried = func(rule int64) int64 { return CarriedOf(v, in.Member, rule) }
	d.run(ruleSets.Get(v).with(c).at(OnOrder, o.Occurred, nil))
	return d.out, nil
}

// Trial is what a draft would have done to past orders.
type Trial struct {
	From         int64      `json:"from"`
	Until        int64      `json:"until"`
	Orders       int64      `json:"orders"`
	Members      int64      `json:"members"`
	Before       int64      `json:"points_before"` // points under the rules that held
	After        int64      `json:"points_after"`  // points with the draft
	Delta        int64      `json:"delta_points"`
	DeltaFen     int64      `json:"delta_liability_fen"`
	GrowthDelta  int64      `json:"delta_growth"`
	TierUp       int64      `json:"members_up"`
	TierDown     int64      `json:"members_down"`
	Gainers      []Gain     `json:"gainers"`
	Losers       []Gain     `json:"losers"`
	ByDay        []DayDelta `json:"by_day"`
	AwardsBefore int64      `json:"awards_before"`
	AwardsAfter  int64      `json:"awards_after"`
}

// Gain is how one member would have fared.
type Gain struct {
	Member int64 `json:"member,string"`
	Before int64 `json:"before"`
	After  int64 `json:"after"`
	Delta  int64 `json:"delta"`
}

// DayDelta is the difference of one local day.
type DayDelta struct {
	Day    int   `json:"day"`
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

const (
	topMembers  = 20
	maxTrialRow = 5_000_000
)

// trial replays orders under two rule sets, each with its own counters.
type trial struct {
	s        *Service
	v        *db.View
	old, new *ruleSet
	oldUse   use
	newUse   use
	members  map[int64]*tried
	days     map[int]*DayDelta
	out      Trial
}

// use is what a set of rules has used of caps, and carried of fractions.
type use struct {
	caps    reward.Map
	carried map[carryKey]int64
}

type tried struct {
	m             member.Member
	orders        int64
	before, after int64
	growth        int64
}

// BackTest runs a draft over the orders of [from, until), net of refunds, before it is published. Counters start
// empty, tiers and floating rate are those of the time; tick, which may be nil, hears of progress.
func (s *Service) BackTest(v *db.View, spec Spec, rule, from, until int64, tick func(orders int64)) (Trial, error) {
	c, err := compile(Version{ID: 1, Rule: rule}, spec)
	if err != nil {
		return Trial{}, err
	}
	set := ruleSets.Get(v)
	t := &trial{s: s, v: v, old: set, new: set.with(c), oldUse: use{reward.Map{}, map[carryKey]int64{}}, newUse: use{reward.Map{}, map[carryKey]int64{}},
		members: map[int64]*tried{}, days: map[int]*DayDelta{}, out: Trial{From: from, Until: until}}
	err = t.replay(func(past func(*pastOrder)) {
		order.Orders.Each(v, db.Query[order.Order]{
			Where: "member_id > 0 AND occurred_at >= ? AND occurred_at < ?", Args: []any{from, until}, Order: "occurred_at, order_id", Limit: maxTrialRow,
		}, func(o *order.Order) {
			if p := t.read(o); p != nil {
				past(p)
			}
			if tick != nil && t.out.Orders%1000 == 0 {
				tick(t.out.Orders)
			}
		})
	})
	if err != nil {
		return Trial{}, err
	}
	return t.finish(), nil
}

// pastOrder is a past order with all that judging it takes.
type pastOrder struct {
	*tried
	in     *Input
	points points.Settings
	ladder tier.Settings
}

const paidAtOnce = 256

// replay judges orders, in their order, beside whoever reads them: judging asks the database for nothing.
func (t *trial) replay(read func(past func(*pastOrder))) error {
	queue := make(chan []*pastOrder, 4)
	ended := make(chan error, 1)
	go func() {
		defer func() {
			var err error
			if broken := recover(); broken != nil {
				err = fmt.Errorf("panic while judging: %v\n%s", broken, debug.Stack())
			}
			for range queue { // who reads must not wait for somebody who is gone
			}
			ended <- err
		}()
		for some := range queue {
			for _, p := range some {
				t.judge(p)
			}
		}
	}()
	var some []*pastOrder
	func() {
		defer close(queue)
		read(func(p *pastOrder) {
			if some = append(some, p); len(some) == paidAtOnce {
				queue <- some
				some = nil
			}
		})
		queue <- some
	}()
	return <-ended
}

// read gathers what was known of an order; nil when it earned nothing and would not now.
func (t *trial) read(o *order.Order) *pastOrder {
	d, known, err := judgedOf(t.v, o.Member, o.ID)
	if err != nil || d.Blocked != "" {
		return nil
	}
	m := t.member(o.Member)
	if m == nil {
		return nil
	}
	t.out.Orders++
	if !known {
		d.Before = m.orders
		d.Rank = tier.EnjoyedAt(t.v, m.m.ID, o.Occurred)
	}
	m.orders++
	in := t.s.inputAt(t.v, OnOrder, m.m, o.ID, o.Occurred, d.Rank)
	in.Order, in.Amount, in.Eligible, in.OrdersBefore = o, o.Amount, o.Eligible, d.Before
	return &pastOrder{m, in, points.Policy.At(t.v, o.Occurred).Value, tier.Policy.At(t.v, o.Occurred).Value}
}

func (t *trial) judge(p *pastOrder) {
	_ = p.in.lines() // once for both
	before := t.sum(t.old, t.oldUse, p.in, p.points.DailyCap, &t.out.AwardsBefore)
	after := t.sum(t.new, t.newUse, p.in, p.points.DailyCap, &t.out.AwardsAfter)
	p.before += before[ledger.Points]
	p.after += after[ledger.Points]
	p.growth += after[ledger.Growth] - before[ledger.Growth]
	p.growth += p.ladder.GrowthOf(tier.SourcePoints, after[ledger.Points]) - p.ladder.GrowthOf(tier.SourcePoints, before[ledger.Points])
	day := t.s.Zone.LocalDay(p.in.Occurred)
	if t.days[day] == nil {
		t.days[day] = &DayDelta{Day: day}
	}
	t.days[day].Before += before[ledger.Points]
	t.days[day].After += after[ledger.Points]
}

func (t *trial) member(id int64) *tried {
	if m, ok := t.members[id]; ok {
		return m
	}
	row, err := member.Resolve(t.v, id)
	if err != nil {
		return nil
	}
	if row.ID != id {
		m := t.member(row.ID)
		t.members[id] = m
		return m
	}
	m := &tried{m: row}
	t.members[id] = m
	return m
}

// sum judges an order as it was paid, and takes back what its refunds take.
func (t *trial) sum(set *ruleSet, use use, shared *Input, dailyAll int64, awards *int64) (out [3]int64) {
	own := *shared // what is gathered while judging is of this set alone
	in, o := &own, shared.Order
	d := t.s.decider(in, use.caps, dailyAll)
	d.carried = func(rule int64) int64 { return use.carried[carryKey{in.Member, rule}] }
	rules := set.at(OnOrder, o.Occurred, nil)
	d.run(rules)
	carry := func(rule, by int64) { use.carried[carryKey{in.Member, rule}] += by }
	for _, c := range d.out.Carries {
		carry(c.Rule, c.Micro)
	}
	if o.Refunded > 0 || o.Status == order.Refunded {
		d.out.carryBack(o.Refunded, o.Amount, o.Status == order.Refunded, carry)
	}
	for i := range d.out.Awards {
		a := &d.out.Awards[i]
		*awards++
		out[a.Asset] += a.Points
		if o.Refunded == 0 && o.Status != order.Refunded {
			continue
		}
		back := a.clawOf(in, o.Refunded, o.Amount, o.Status == order.Refunded)
		out[a.Asset] -= back
		for _, c := range rules {
			if c.ID == a.Version {
				c.Caps.Return(use.caps, d.gift(a.Asset, a.Rule, 0), back, 0)
			}
		}
	}
	return out
}

func (t *trial) finish() Trial {
	ladder := tier.Policy.At(t.v, t.v.Now()).Value
	seen := map[*tried]bool{}
	var gains []Gain
	for _, m := range t.members {
		if m == nil || seen[m] {
			continue
		}
		seen[m] = true
		t.out.Members++
		t.out.Before += m.before
		t.out.After += m.after
		t.out.GrowthDelta += m.growth
		if d := m.after - m.before; d != 0 {
			gains = append(gains, Gain{m.m.ID, m.before, m.after, d})
		}
		if m.growth != 0 {
			now := ledger.Now(t.v, m.m.ID, ledger.Growth).Balance
			switch was, is := ladder.For(now), ladder.For(now+m.growth); {
			case is > was:
				t.out.TierUp++
			case is < was:
				t.out.TierDown++
			}
		}
	}
	t.out.Delta = t.out.After - t.out.Before
	t.out.DeltaFen = points.Policy.At(t.v, t.v.Now()).Value.Worth(t.out.Delta)
	t.top(gains)
	for _, d := range t.days {
		t.out.ByDay = append(t.out.ByDay, *d)
	}
	sort.Slice(t.out.ByDay, func(i, j int) bool { return t.out.ByDay[i].Day < t.out.ByDay[j].Day })
	return t.out
}

func (t *trial) top(gains []Gain) {
	sort.Slice(gains, func(i, j int) bool {
		if gains[i].Delta != gains[j].Delta {
			return gains[i].Delta > gains[j].Delta
		}
		return gains[i].Member < gains[j].Member
	})
	for i := 0; i < len(gains) && i < topMembers && gains[i].Delta > 0; i++ {
		t.out.Gainers = append(t.out.Gainers, gains[i])
	}
	for i := len(gains) - 1; i >= 0 && len(t.out.Losers) < topMembers && gains[i].Delta < 0; i-- {
		t.out.Losers = append(t.out.Losers, gains[i])
	}
}

// NewMemberOrder makes an order for a preview out of an amount alone.
func NewMemberOrder(memberID, amount, occurred int64) order.Order {
	return order.Order{Member: memberID, Amount: amount, Eligible: amount, Occurred: occurred, Source: "preview", No: "preview"}
}
