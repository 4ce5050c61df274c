package earn

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
)

// How the fraction of a point that is left at the end is treated.
const (
	RoundDown    = "down"
	RoundNearest = "nearest"
	RoundUp      = "up"
	RoundCarry   = "carry" // it is kept for the member's next award by the same rule
)

const micro = int64(money.One) // of a point

// rounded gives whole points of an exact amount in millionths, what was carried before included where the rule carries.
func (c *Calc) rounded(exact int64, how string, carried int64) {
	switch how {
	case RoundNearest:
		exact += micro / 2
	case RoundUp:
		exact += micro - 1
	case RoundCarry:
		c.Carries, c.Carried = true, carried
		exact += carried
	}
	c.Points = max(0, exact/micro)
	if c.Carries {
		c.Left = exact - c.Points*micro
	}
}

// Carry is what an award put into a member's fractions by its rule, in millionths of a point; below 0 it took some.
type Carry struct {
	Rule  int64 `json:"r"`
	Micro int64 `json:"n"`
	Back  int64 `json:"b,omitempty"` // what refunds have undone
}

// backOf is how much of it refunds must have undone so far; a full refund undoes all.
func (c *Carry) backOf(refunded, amount int64, full bool) int64 {
	switch {
	case full:
		return c.Micro
	case amount == 0:
		return 0
	case c.Micro < 0:
		return -money.Prorate(-c.Micro, refunded, amount)
	}
	return money.Prorate(c.Micro, refunded, amount)
}

type carryKey struct{ Member, Rule int64 }

type carryRow struct {
	Member int64
	Rule   int64
	Micro  int64
}

var carries = db.NewTable(db.Spec[carryRow, carryKey]{
	Name: "earn_carry", Keys: 2, Cols: []string{"member_id", "rule_id", "micro"},
	Row:   func(r *carryRow, p []any) []any { return append(p, &r.Member, &r.Rule, &r.Micro) },
	Key:   func(r *carryRow) carryKey { return carryKey{r.Member, r.Rule} },
	Args:  func(k carryKey, a []any) []any { return append(a, k.Member, k.Rule) },
	Owner: func(k carryKey) int64 { return k.Member },
})

// CarriedOf is the fraction of a point, in millionths, that a member has with a rule.
func CarriedOf(r db.Reader, member, rule int64) int64 {
	row, _ := carries.Get(r, carryKey{member, rule})
	return row.Micro
}

func carry(tx *db.Tx, member, rule, by int64) {
	if by != 0 {
		carries.Put(tx, carryRow{member, rule, CarriedOf(tx, member, rule) + by})
	}
}

// carryBack undoes the share of an order's fractions that its refunds take back, with whoever has the order now.
func (d *Decision) carryBack(refunded, amount int64, full bool, undo func(rule, by int64)) {
	for i := range d.Carries {
		c := &d.Carries[i]
		due := c.backOf(refunded, amount, full)
		undo(c.Rule, c.Back-due)
		c.Back = due
	}
}

// MergeCarries adds the fractions of one member to those of its survivor; by is 1 to merge and -1 to take that apart.
// The merged member's own stay as they were.
func MergeCarries(tx *db.Tx, from, into, by int64) {
	for _, row := range carries.OfOwner(tx, from) {
		carry(tx, into, row.Rule, by*row.Micro)
	}
}
