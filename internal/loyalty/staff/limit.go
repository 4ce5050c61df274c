package staff

import (
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

// The faults of limits.
var (
	ErrNeedsApproval = fault.Define("approval.needed", fault.Conflict,
		"超过单人权限（每次 {act} 分、每日 {day} 分），需要第二人复核",
		"More than one person may do alone ({act} points an act, {day} a day): a second person must approve")
	ErrNoLimit = fault.Define("staff.no_limit", fault.NotFound, "没有这项限额：{name}", "There is no such limit: {name}")
	ErrAmount  = fault.Define("staff.bad_amount", fault.Invalid, "数额超出范围", "The amount is out of range")
)

// Limit is how much one person may do alone.
type Limit struct {
	Name, Zh, En string
	Amount       int64
}

// The limits on points given or taken by hand.
const (
	PointsPerAct = "points.per_act"
	PointsPerDay = "points.per_day"
	ExportRows   = "export.members"
)

// defaultLimits is the closed list of limits.
var defaultLimits = []Limit{
	{PointsPerAct, "单次手工调整积分上限", "Points by hand in one act", 1000},
	{PointsPerDay, "每人每日手工调整积分上限", "Points by hand per person and day", 5000},
	{ExportRows, "单人可导出的会员数上限", "Members one person may export alone", 100},
}

// maxAmount is more than any amount of points is ever worth writing.
const maxAmount = 1 << 53

// Limits lists all limits as they are now.
func (s *Service) Limits(r db.Reader) []Limit {
	out := slices.Clone(defaultLimits)
	for i := range out {
		if row, ok := limits.Get(r, out[i].Name); ok {
			out[i].Amount = row.Amount
		}
	}
	return out
}

func (s *Service) limit(r db.Reader, name string) (amount int64) {
	for _, l := range s.Limits(r) {
		if l.Name == name {
			amount = l.Amount
		}
	}
	return amount
}

// SetLimit changes a limit. Raising one weakens the second look, so its route should ask for an approval itself.
func (s *Service) SetLimit(tx *db.Tx, who Who, name string, amount int64, reason string) error {
	act, err := s.setLimit(tx, name, amount)
	if err != nil {
		return err
	}
	act.Reason = reason
	return s.Log(tx, who, act)
}

func (s *Service) setLimit(tx *db.Tx, name string, amount int64) (Act, error) {
	if !slices.ContainsFunc(defaultLimits, func(l Limit) bool { return l.Name == name }) {
		return Act{}, ErrNoLimit.With("name", name)
	}
	if amount < 0 || amount > maxAmount {
		return Act{}, ErrAmount.New().At("amount")
	}
	act := Act{What: "limit.set", Old: limitRow{name, s.limit(tx, name)}, New: limitRow{name, amount}}
	limits.Put(tx, limitRow{name, amount})
	return act, nil
}

// AllowPoints lets an operator give or take points by hand alone, within the limits per act and per local day; above
// them it answers ErrNeedsApproval and counts nothing. Acts that were approved do not come here.
func (s *Service) AllowPoints(tx *db.Tx, who Who, points int64) error {
	if points == 0 || points > maxAmount || points < -maxAmount {
		return ErrAmount.New().At("points")
	}
	amount := max(points, -points) // what is taken weighs like what is given: else one could pay for the other
	act, day := s.limit(tx, PointsPerAct), s.limit(tx, PointsPerDay)
	used := manualRow{Operator: who.Operator, Day: s.zone.LocalDay(tx.Now())}
	if row, ok := manuals.Get(tx, used.key()); ok {
		used = row
	}
	if amount > act || used.Points+amount > day {
		return ErrNeedsApproval.With("act", act, "day", day)
	}
	used.Points += amount
	manuals.Put(tx, used)
	return nil
}

// LimitNow is how much one person may do alone, by the name of the limit.
func (s *Service) LimitNow(r db.Reader, name string) int64 { return s.limit(r, name) }
