package earn

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/reward"
)

// Award is what one rule gave for one cause, with all that is needed to explain it and to take it back.
type Award struct {
	Version int64   `json:"v,omitempty"` // 0 is growth by the tier's own sources
	Rule    int64   `json:"r,omitempty"`
	Asset   int     `json:"a"`
	Points  int64   `json:"n"`             // given, after caps
	Cap     string  `json:"cap,omitempty"` // the cap that bit
	Calc    Calc    `json:"x"`
	Class   int     `json:"c,omitempty"`
	Bearer  string  `json:"b,omitempty"`
	Lines   []int64 `json:"ln,omitempty"`  // share of each order line
	Active  int64   `json:"act,omitempty"` // of growth: the part for being active that day; a refund leaves it
	Seq     int64   `json:"s,omitempty"`   // ledger entry
	Lot     int64   `json:"l,omitempty"`
	Expires int64   `json:"e,omitempty"`
	At      int64   `json:"t,omitempty"` // when booked
	Clawed  int64   `json:"cl,omitempty"`
	Forgone int64   `json:"fg,omitempty"` // could not be taken back: neither lots nor debt allowed it
}

// Skip is a rule that gave nothing, and why.
type Skip struct {
	Version int64  `json:"v"`
	Rule    int64  `json:"r"`
	Why     string `json:"w"`
	Calc    *Calc  `json:"x,omitempty"`
}

// Reasons of a non-award, besides those a kind names itself.
const (
	SkipCond     = "cond"     // the condition is not met
	SkipGroup    = "group"    // a larger award of its group stands
	SkipStop     = "stop"     // a rule above it ends the list
	SkipZero     = "zero"     // the arithmetic gives less than one point
	SkipCarried  = "carried"  // less than one point, kept for the next order
	SkipCap      = "cap"      // a cap left nothing
	SkipWithheld = "withheld" // the rule failed
	SkipBlocked  = "blocked"  // the member's status does not earn
	SkipOnce     = "once"     // given before, perhaps to a member that was merged into this one
)

// Decision is why a cause gave what it gave.
type Decision struct {
	Member   int64   `json:"m"`
	Tier     string  `json:"tier,omitempty"`
	Rank     int     `json:"rank,omitempty"`
	Before   int64   `json:"before,omitempty"`
	JoinedAt int64   `json:"joined,omitempty"`
	JoinedBy string  `json:"by,omitempty"`
	Day      int     `json:"day"`
	Blocked  string  `json:"blocked,omitempty"`
	Awards   []Award `json:"aw,omitempty"`
	Skips    []Skip  `json:"sk,omitempty"`
	Carries  []Carry `json:"cy,omitempty"`
}

// decider runs rules over one input. It touches nothing but the usage it is given.
type decider struct {
	in       *Input
	usage    reward.Usage
	dailyAll int64
	out      Decision
	failed   func(c *compiled, err error)
	carried  func(rule int64) int64 // fractions the member has; nil for none
	given    func(c *compiled) bool // whether a rule for something that happens once has given; nil for orders
	stopped  bool
}

type candidate struct {
	c       *compiled
	calc    Calc
	allowed int64 // what its caps leave of it: an award that gives nothing must not shut out its group
}

func (d *decider) run(rules []*compiled) {
	split := len(rules)
	for i, c := range rules {
		if c.kind.OnBase {
			split = i
			break
		}
	}
	d.pass(rules[:split])
	for _, a := range d.out.Awards {
		if a.Calc.ByLine && a.Asset == ledger.Points {
			d.in.Base += a.Points
		}
	}
	d.pass(rules[split:])
}

func (d *decider) pass(rules []*compiled) {
	if len(rules) == 0 {
		return
	}
	found := make([]candidate, 0, len(rules))
	best := map[string]int{}
	for _, c := range rules {
		if !c.when.Eval(d.in) {
			d.skip(c, SkipCond, nil)
			continue
		}
		if d.given != nil && d.given(c) {
			d.skip(c, SkipOnce, nil)
			continue
		}
		d.in.Carried = 0
		if s, ok := c.settings.(*PerYuan); ok && s.Round == RoundCarry && d.carried != nil { // nobody else pays for a look
			d.in.Carried = d.carried(c.Rule)
		}
		calc, err := evaluate(c, d.in)
		if err != nil {
			d.skip(c, SkipWithheld, nil)
			if d.failed != nil {
				d.failed(c, err)
			}
			continue
		}
		if why := calc.No; why != "" || calc.Points <= 0 && !calc.Carries {
			if why == "" {
				why = SkipZero
			}
			d.skip(c, why, &calc)
			continue
		}
		x := candidate{c, calc, d.allowed(c, calc.Points)}
		if c.Group != "" {
			if i, ok := best[c.Group]; !ok || x.allowed > found[i].allowed {
				best[c.Group] = len(found)
			}
		}
		found = append(found, x)
	}
	for i, x := range found {
		d.offer(x, x.c.Group == "" || best[x.c.Group] == i)
	}
}

func evaluate(c *compiled, in *Input) (calc Calc, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = db.PanicError(p)
		}
	}()
	calc = c.kind.Evaluate(c.settings, in)
	if calc.Points < 0 || calc.Points > ledger.MaxAmount {
		return calc, fmt.Errorf("a rule gave %d", calc.Points)
	}
	return calc, nil
}

// offer applies caps to an award that stands.
func (d *decider) offer(x candidate, wins bool) {
	switch {
	case d.stopped:
		d.skip(x.c, SkipStop, &x.calc)
		return
	case !wins:
		d.skip(x.c, SkipGroup, &x.calc)
		return
	}
	if x.calc.Carries && x.calc.Points == 0 {
		d.carry(x)
		d.skip(x.c, SkipCarried, &x.calc)
		return
	}
	g := d.gift(x.c.asset, x.c.Rule, x.calc.Points)
	give, bit := x.c.Caps.Clip(d.usage, g)
	if give <= 0 {
		d.skip(x.c, SkipCap+":"+bit, &x.calc)
		return
	}
	x.c.Caps.Count(d.usage, g, give)
	d.carry(x)
	a := Award{Version: x.c.ID, Rule: x.c.Rule, Asset: x.c.asset, Points: give, Cap: bit, Calc: x.calc, Class: x.c.Class, Bearer: x.c.Bearer}
	if x.calc.ByLine {
		a.Lines = shares(give, d.in)
	}
	d.out.Awards = append(d.out.Awards, a)
	d.stopped = x.c.Stop
}

// carry notes what an award, were it of nothing yet, did to the fractions of its rule.
func (d *decider) carry(x candidate) {
	if by := x.calc.Left - x.calc.Carried; x.calc.Carries && by != 0 {
		d.out.Carries = append(d.out.Carries, Carry{Rule: x.c.Rule, Micro: by})
	}
}

func (d *decider) allowed(c *compiled, n int64) int64 {
	give, _ := c.Caps.Clip(d.usage, d.gift(c.asset, c.Rule, n))
	return give
}

func (d *decider) gift(asset ledger.Asset, rule, n int64) reward.Gift {
	g := reward.Gift{Member: d.out.Member, Rule: rule, Day: d.out.Day, Amount: n}
	if asset == ledger.Points {
		g.DailyAll = d.dailyAll
	}
	return g
}

// shares spreads an award over the order's lines, by what each paid; one line needs no list.
func shares(n int64, in *Input) []int64 {
	lines := in.lines()
	if len(lines) < 2 {
		return nil
	}
	w := make([]int64, len(lines))
	for i, l := range lines {
		w[i] = l.Eligible
	}
	return money.Split(n, w)
}

func (d *decider) skip(c *compiled, why string, calc *Calc) {
	d.out.Skips = append(d.out.Skips, Skip{c.ID, c.Rule, why, calc})
}

// clawOf is how much of an award must have been taken back, given what refunds have taken of the order's lines.
// It is cumulative: floor of the share, by the line where the award was by the line; a full refund takes exactly all.
// Lines that earn nothing take nothing back, unless the order has no others.
func (a *Award) clawOf(in *Input, refunded, amount int64, full bool) int64 {
	give := a.Points - a.Active
	if full {
		return give
	}
	lines := in.lines()
	if !a.Calc.ByLine || len(a.Lines) != len(lines) {
		if back, eligible := earning(lines); eligible > 0 {
			return money.Prorate(give, back, eligible)
		}
		return money.Prorate(give, refunded, amount)
	}
	var sum int64
	for i, l := range lines {
		if l.Amount > 0 {
			sum += money.Prorate(a.Lines[i], l.BackAmount, l.Amount)
		}
	}
	return min(sum, give)
}

// earning sums what refunds took of the lines that earn, and what those lines were.
func earning(lines []order.Line) (back, amount int64) {
	for _, l := range lines {
		if l.Eligible > 0 {
			back += l.BackAmount
			amount += l.Amount
		}
	}
	return back, amount
}
