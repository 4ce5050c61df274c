// Package reward is the one door through which anything is given (奖励): caps and budgets live here, so that no rule, campaign
// or partner can give more than was decided.
//
// Invariant: what a scope has used in a window never passes its cap; the counter is a row changed in the
// transaction of the gift.
package reward

import (
	"embed"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of used caps.
var Schema = db.Schema{Feature: "reward", Files: files}

// Caps limit what a rule gives; 0 is no limit.
type Caps struct {
	PerGrant  int64  `json:"per_grant" zh:"单次上限" en:"At most per award" min:"0"`
	PerDay    int64  `json:"per_day" zh:"每人每日上限" en:"Per member and day" min:"0"`
	PerMember int64  `json:"per_member" zh:"每人总上限" en:"Per member ever" min:"0"`
	RuleDay   int64  `json:"rule_day" zh:"规则每日上限" en:"All members per day" min:"0"`
	Budget    int64  `json:"budget" zh:"总预算" en:"Budget" min:"0"`
	Over      string `json:"over" zh:"超限时" en:"Over a cap" options:"clip=截断/Give what is left,reject=不给/Give nothing"`
}

// Names of the caps that may bite.
const (
	CapGrant    = "per_grant"
	CapDay      = "per_day"
	CapMember   = "per_member"
	CapRuleDay  = "rule_day"
	CapBudget   = "budget"
	CapDailyAll = "daily_all" // the programme's cap on all a member earns a day
)

// Key names a counter: member 0 is everyone, rule 0 is every rule, window 0 is all time, else a local day.
type Key struct {
	Member int64
	Rule   int64
	Window int
}

// Usage is where counters are kept: rows in a Tx, or a map while a rule is tried on the past.
type Usage interface {
	Used(Key) int64
	Add(Key, int64)
}

// Gift is what a rule wants to give.
type Gift struct {
	Member   int64
	Rule     int64
	Day      int
	Amount   int64
	DailyAll int64 // cap over all rules; 0 is none
}

type limit struct {
	name string
	key  Key
	cap  int64
}

func limits(c Caps, g Gift) [5]limit {
	return [5]limit{
		{CapDay, Key{g.Member, g.Rule, g.Day}, c.PerDay},
		{CapMember, Key{g.Member, g.Rule, 0}, c.PerMember},
		{CapRuleDay, Key{0, g.Rule, g.Day}, c.RuleDay},
		{CapBudget, Key{0, g.Rule, 0}, c.Budget},
		{CapDailyAll, Key{g.Member, 0, g.Day}, g.DailyAll},
	}
}

// Clip tells how much of a gift the caps allow and which cap bit the hardest.
func (c Caps) Clip(u Usage, g Gift) (give int64, bit string) {
	give = g.Amount
	if c.PerGrant > 0 && give > c.PerGrant {
		give, bit = c.PerGrant, CapGrant
	}
	for _, l := range limits(c, g) {
		if l.cap <= 0 {
			continue
		}
		if left := max(0, l.cap-u.Used(l.key)); left < give {
			give, bit = left, l.name
		}
	}
	if bit != "" && c.Over == "reject" {
		give = 0
	}
	return give, bit
}

// Count books what was given into every counter that has a cap.
func (c Caps) Count(u Usage, g Gift, given int64) {
	for _, l := range limits(c, g) {
		if l.cap > 0 && given != 0 {
			u.Add(l.key, given)
		}
	}
}

// Return gives capacity back when a gift is taken back: always to totals and budget, to a day only while it is the same day.
func (c Caps) Return(u Usage, g Gift, n int64, today int) {
	for _, l := range limits(c, g) {
		if l.cap > 0 && (l.key.Window == 0 || l.key.Window == today) {
			u.Add(l.key, -n)
		}
	}
}

type used struct {
	Member int64
	Rule   int64
	Window int
	Amount int64
}

var table = db.NewTable(db.Spec[used, Key]{
	Name: "reward_used", Keys: 3, Cols: []string{"member_id", "rule_id", "win", "amount"},
	Row:   func(r *used, p []any) []any { return append(p, &r.Member, &r.Rule, &r.Window, &r.Amount) },
	Key:   func(r *used) Key { return Key{r.Member, r.Rule, r.Window} },
	Args:  func(k Key, a []any) []any { return append(a, k.Member, k.Rule, k.Window) },
	Owner: func(k Key) int64 { return k.Member },
	Of:    func(k Key, member int64) Key { k.Member = member; return k },
})

// Rows keeps the counters in the database.
type Rows struct{ Tx *db.Tx }

// Used reads a counter.
func (r Rows) Used(k Key) int64 {
	u, _ := table.Get(r.Tx, k)
	return u.Amount
}

// Add changes a counter.
func (r Rows) Add(k Key, n int64) {
	u, _ := table.Get(r.Tx, k)
	table.Put(r.Tx, used{k.Member, k.Rule, k.Window, max(0, u.Amount+n)})
}

// Merge carries what a member has used of caps to its survivor, so that nobody gets a thing twice; by is 1 to merge and -1 to
// take that apart. The merged member's own counters stay as they were.
func Merge(tx *db.Tx, from, into, by int64) {
	for _, u := range table.OfOwner(tx, from) {
		Rows{tx}.Add(Key{into, u.Rule, u.Window}, by*u.Amount)
	}
}

// Map keeps the counters in memory.
type Map map[Key]int64

// Used reads a counter.
func (m Map) Used(k Key) int64 { return m[k] }

// Add changes a counter.
func (m Map) Add(k Key, n int64) { m[k] = max(0, m[k]+n) }

// Over reads committed counters through a map: a preview that starts from what is used.
type Over struct {
	View *db.View
	Map  Map
}

// Used reads a counter.
func (o Over) Used(k Key) int64 {
	u, _ := table.Get(o.View, k)
	return u.Amount + o.Map[k]
}

// Add changes a counter in memory alone.
func (o Over) Add(k Key, n int64) { o.Map[k] += n }

// ErrCaps refuses caps that can't be meant.
var ErrCaps = fault.Define("reward.caps", fault.Invalid,
	"上限必须是不小于 0 的整数，超限方式须为 clip 或 reject", "Caps are whole numbers from 0; over a cap is clip or reject")

// Check refuses negative caps and unknown ways.
func (c Caps) Check() error {
	for _, n := range []int64{c.PerGrant, c.PerDay, c.PerMember, c.RuleDay, c.Budget} {
		if n < 0 {
			return ErrCaps.New().At("caps")
		}
	}
	if c.Over != "" && c.Over != "clip" && c.Over != "reject" {
		return ErrCaps.New().At("caps.over")
	}
	return nil
}
