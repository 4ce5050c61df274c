// Package points is the policy over the ledger for points (积分): how long each kind lives, what they are worth, how many may pay an
// order, what a refund may take, how many are issued for a yuan, and what all of them weigh in the books.
//
// Invariants:
//
//   - a lot keeps the expiry it was given: no change of policy touches it;
//   - a change against members starts only after the notice period;
//   - points pay at most their share of an order, and never more than is available;
//   - liability = worth of what members hold, debt left out.
package points

import (
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
	"guanxi/internal/base/setting"
	"guanxi/internal/loyalty/ledger"
)

// Settings are the operator's choices.
type Settings struct {
	PerYuan     int64      `json:"per_yuan" zh:"多少积分抵 1 元" en:"Points worth one yuan" min:"1" max:"1000000"`
	Consumption int        `json:"consumption_months" zh:"消费积分有效期（月）" en:"Life of consumption points" unit:"months" min:"0" max:"120" help:"0 表示永久有效" help_en:"0 is for ever"`
	Campaign    int        `json:"campaign_months" zh:"活动积分有效期（月）" en:"Life of campaign points" unit:"months" min:"0" max:"120"`
	Reward      int        `json:"reward_months" zh:"奖励积分有效期（月）" en:"Life of reward points" unit:"months" min:"0" max:"120"`
	SpendCap    money.Rate `json:"spend_cap" zh:"单笔最高抵扣比例" en:"Largest share of an order points may pay" min:"0" max:"1"`
	SpendMin    int64      `json:"spend_min" zh:"最低使用积分" en:"Fewest points in one payment" unit:"points" min:"1"`
	SpendStep   int64      `json:"spend_step" zh:"积分使用步长" en:"Points are used in steps of" unit:"points" min:"1"`
	PromoFirst  bool       `json:"promo_first" zh:"优先使用活动与奖励积分" en:"Campaign and reward points are spent first" help:"同类之中先到期的先用；不选则一律先到期先用" help_en:"among those, and otherwise among all, what expires soonest goes first"`
	PendingDays int        `json:"pending_days" zh:"积分待生效天数" en:"Days until earned points can be spent" unit:"days" min:"0" max:"90" help:"订单完结（如确认收货）时提前生效" help_en:"sooner when their order is closed, as when the buyer confirms it"`
	DebtPolicy  string     `json:"debt_policy" zh:"退款扣回策略" en:"When refunded points are already spent" options:"pending_only=只扣待生效/Pending only,within_balance=扣到零为止/Within balance,debt_with_cap=记欠分/Book a debt,hold_refund_for_cash=先补差价再退款/Refuse the refund"`
	DebtCap     int64      `json:"debt_cap" zh:"欠分上限" en:"Largest debt" unit:"points" min:"0" help:"0 表示不限" help_en:"0 is no limit"`
	ClawOthers  bool       `json:"claw_others" zh:"扣回时可动用其他批次" en:"A claw-back may take other lots"`
	DailyCap    int64      `json:"daily_cap" zh:"每人每日获取上限" en:"Most points a member earns a day" unit:"points" min:"0" help:"0 表示不限" help_en:"0 is no limit"`
	NoticeDays  int        `json:"notice_days" zh:"不利变更提前公告天数" en:"Days of notice before a change against members" unit:"days" min:"0" max:"365"`
	HoldMinutes int        `json:"hold_minutes" zh:"下单预占时长（分钟）" en:"Minutes a checkout holds points" min:"1" max:"1440"`
	BudgetYuan  int64      `json:"budget_yuan" zh:"积分负债预算（元）" en:"Budget of liability in yuan" min:"0" help:"0 表示不设" help_en:"0 is none"`
	RateFloor   money.Rate `json:"rate_floor" zh:"浮动汇率下限" en:"Lowest floating rate" min:"0.1" max:"1"`
	RateCeiling money.Rate `json:"rate_ceiling" zh:"浮动汇率上限" en:"Highest floating rate" min:"1" max:"10"`
	RemindDays  int        `json:"remind_days" zh:"到期前提醒天数" en:"Days before expiry to remind" unit:"days" min:"0" max:"90"`
}

// Policy holds the versions of the settings.
var Policy = setting.New("points", Settings{
	PerYuan: 100, Consumption: 12, Campaign: 3, Reward: 1, SpendCap: 300_000, SpendMin: 100, SpendStep: 1,
	DebtPolicy: DebtWithCap, DebtCap: 100_000, ClawOthers: true, NoticeDays: 30, HoldMinutes: 30,
	RateFloor: 500_000, RateCeiling: 1_500_000, RemindDays: 30,
})

// RateChange is a change of the floating rate (积分浮动汇率): issued points = rule's points × rate.
type RateChange struct {
	Rate   money.Rate `json:"rate"`
	Reason string     `json:"reason"`
}

// Rates holds the announced history of the floating rate.
var Rates = setting.New("points_rate", RateChange{Rate: money.One})

// Debt policies: what happens when refunded points are already spent.
const (
	PendingOnly   = "pending_only"
	WithinBalance = "within_balance"
	DebtWithCap   = "debt_with_cap"
	HoldForCash   = "hold_refund_for_cash"
)

// Failures a caller can see.
var (
	ErrNotice = fault.Define("points.notice", fault.Invalid,
		"不利于会员的变更须提前 {days} 天公告", "A change against members must be announced {days} days ahead")
	ErrRate = fault.Define("points.rate", fault.Invalid,
		"浮动汇率必须在 {floor} 到 {ceiling} 之间", "The floating rate must lie between {floor} and {ceiling}")
	ErrSpendMin = fault.Define("points.spend_min", fault.Conflict,
		"至少使用 {min} 积分", "At least {min} points must be used")
	ErrSpendStep = fault.Define("points.spend_step", fault.Conflict,
		"积分须为 {step} 的整数倍", "Points must be a multiple of {step}")
	ErrSpendCap = fault.Define("points.spend_cap", fault.Conflict,
		"本单最多可用 {max} 积分", "At most {max} points can pay this order")
	ErrCashFirst = fault.Define("points.cash_first", fault.Conflict,
		"该订单的积分已使用 {short}，请先以现金补足再退款", "{short} points of this order are spent: settle them in cash before the refund")
)

// Months is the lifetime of a class.
func (s Settings) Months(class int) int {
	switch class {
	case ledger.ClassCampaign:
		return s.Campaign
	case ledger.ClassReward:
		return s.Reward
	}
	return s.Consumption
}

// Expiry is when points booked at an instant lapse: the end of a local day, exclusive.
func (s Settings) Expiry(z clock.Zone, class int, booked int64) int64 {
	return z.ExpireAfterMonths(booked, s.Months(class))
}

// Matures is when points of an order become spendable.
func (s Settings) Matures(z clock.Zone, at int64) int64 {
	if s.PendingDays == 0 {
		return 0
	}
	return z.StartOfDay(z.AddDays(z.LocalDay(at), s.PendingDays))
}

// Worth is the value of points in fen, rounded down.
func (s Settings) Worth(n int64) int64 {
	fen, err := money.MulDiv(n, 100, s.PerYuan, money.Floor)
	if err != nil {
		return 0
	}
	return fen
}

// SetPolicy makes a version of the settings. Shorter lives, lower worth, a lower share or cap, a higher minimum, a longer wait
// and harsher claw-backs are changes against members and need the notice period that holds now, once somebody has points.
func SetPolicy(tx *db.Tx, next Settings, from int64, note string) (setting.Version[Settings], error) {
	if from == 0 {
		from = tx.Now()
	}
	now := Policy.At(tx, tx.Now()).Value
	announced := Policy.At(tx, from).Value // perhaps better than today's, and promised
	if (worse(now, next) || worse(announced, next)) && anyIssued(tx) && from < tx.Now()+int64(now.NoticeDays)*clock.Day {
		return setting.Version[Settings]{}, ErrNotice.With("days", now.NoticeDays).At("from")
	}
	return Policy.Set(tx, next, from, note)
}

// anyIssued says whether anybody was ever given points: before that there is nobody to give notice to.
func anyIssued(r db.Reader) bool { return len(ledger.TotalsBetween(r, ledger.Points, 0, 99991231)) > 0 }

func worse(now, next Settings) bool {
	shorter := func(a, b int) bool { return b != 0 && (a == 0 || b < a) }
	return shorter(now.Consumption, next.Consumption) || shorter(now.Campaign, next.Campaign) || shorter(now.Reward, next.Reward) ||
		next.PerYuan > now.PerYuan || next.SpendCap < now.SpendCap || next.SpendMin > now.SpendMin || next.SpendStep > now.SpendStep ||
		next.PendingDays > now.PendingDays || next.DailyCap != 0 && (now.DailyCap == 0 || next.DailyCap < now.DailyCap) ||
		next.PromoFirst && !now.PromoFirst || harsher(now, next) || next.NoticeDays < now.NoticeDays
}

// harsher says that a refund may take more than before.
func harsher(now, next Settings) bool {
	order := []string{PendingOnly, WithinBalance, DebtWithCap, HoldForCash}
	larger := next.DebtCap == 0 && now.DebtCap != 0 || now.DebtCap != 0 && next.DebtCap > now.DebtCap
	return slices.Index(order, next.DebtPolicy) > slices.Index(order, now.DebtPolicy) ||
		next.DebtPolicy == DebtWithCap && larger || next.ClawOthers && !now.ClawOthers
}

// SetRate announces a floating rate; a lower one needs the notice period.
func SetRate(tx *db.Tx, rate money.Rate, from int64, reason string) (setting.Version[RateChange], error) {
	if from == 0 {
		from = tx.Now()
	}
	p := Policy.At(tx, tx.Now()).Value
	if rate < p.RateFloor || rate > p.RateCeiling {
		return setting.Version[RateChange]{}, ErrRate.With("floor", p.RateFloor, "ceiling", p.RateCeiling).At("rate")
	}
	if rate < Rates.At(tx, from).Value.Rate && from < tx.Now()+int64(p.NoticeDays)*clock.Day {
		return setting.Version[RateChange]{}, ErrNotice.With("days", p.NoticeDays).At("from")
	}
	return Rates.Set(tx, RateChange{rate, reason}, from, reason)
}

// Quote tells how many points may pay an order.
type Quote struct {
	Available int64 // what the member could spend at all
	Max       int64 // what may pay this order
	Min       int64
	Step      int64
	Fen       int64 // what Max is worth
}

// QuoteOrder applies the spend policy to an order's eligible amount in fen.
func (s Settings) QuoteOrder(available, eligible int64) Quote {
	q := Quote{Available: available, Min: s.SpendMin, Step: max(1, s.SpendStep)}
	capFen, err := s.SpendCap.Mul(max(0, eligible))
	if err != nil {
		return q
	}
	byCap, err := money.MulDiv(capFen, s.PerYuan, 100, money.Floor)
	if err != nil {
		return q
	}
	q.Max = min(available, byCap)
	q.Max -= q.Max % q.Step
	if q.Max < s.SpendMin {
		q.Max = 0
	}
	q.Fen = s.Worth(q.Max)
	return q
}

// CheckSpend refuses a payment that the policy does not allow.
func (s Settings) CheckSpend(n, available, eligible int64) error {
	q := s.QuoteOrder(available, eligible)
	switch {
	case n < s.SpendMin:
		return ErrSpendMin.With("min", s.SpendMin).At("points")
	case n%q.Step != 0:
		return ErrSpendStep.With("step", q.Step).At("points")
	case n > available:
		return ledger.ErrInsufficient.With("available", available, "needed", n)
	case n > q.Max:
		return ErrSpendCap.With("max", q.Max).At("points")
	}
	return nil
}

// Short is what the ledger does when a claw-back finds too little.
func (s Settings) Short() int {
	if s.DebtPolicy == DebtWithCap {
		return ledger.ShortDebt
	}
	return ledger.ShortClip
}
