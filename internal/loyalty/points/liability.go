package points

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
)

// Liability is what outstanding points weigh in the books.
type Liability struct {
	Points      int64      `json:"points"`       // in members' lots
	Debt        int64      `json:"debt"`         // owed by members
	Fen         int64      `json:"fen"`          // worth of Points
	Issued      int64      `json:"issued"`       // ever
	Spent       int64      `json:"spent"`        // net of what was given back
	Expired     int64      `json:"expired"`      //
	Clawed      int64      `json:"clawed"`       //
	BurnRate    money.Rate `json:"burn_rate"`    // spent ÷ issued
	Breakage    money.Rate `json:"breakage"`     // expired ÷ (spent + expired): the share never spent
	ExpectedFen int64      `json:"expected_fen"` // Fen without the expected breakage
}

// LiabilityNow sums the programme's books from the daily flows.
func LiabilityNow(r db.Reader) Liability {
	s := Policy.At(r, r.Now()).Value
	flow := ledger.Flow(r, ledger.Points, 0, 99991231)
	balance, debt := ledger.Outstanding(r, ledger.Points)
	l := Liability{Points: balance + debt, Debt: debt, Fen: s.Worth(balance + debt)}
	for _, k := range []string{ledger.KindEarn, ledger.KindGrant} {
		l.Issued += flow[k].Amount
	}
	l.Spent = -flow[ledger.KindSpend].Amount - flow[ledger.KindRestore].Amount
	l.Expired = -flow[ledger.KindExpire].Amount
	l.Clawed = -flow[ledger.KindClawback].Amount
	l.BurnRate = share(l.Spent, l.Issued)
	l.Breakage = share(l.Expired, l.Spent+l.Expired)
	off, err := l.Breakage.Mul(l.Fen)
	if err == nil {
		l.ExpectedFen = l.Fen - off
	}
	return l
}

func share(part, whole int64) money.Rate {
	if whole <= 0 || part <= 0 {
		return 0
	}
	r, err := money.MulDiv(part, int64(money.One), whole, money.Floor)
	if err != nil {
		return 0
	}
	return money.Rate(r)
}

// SuggestRate proposes a floating rate from the liability, the budget and the burn rate: full while the
// liability is below 80 % of the budget, falling in a straight line to the floor at 120 %; a programme whose members burn more than
// 60 % of what is issued may give a tenth more. It only proposes: SetRate announces.
func (s Settings) SuggestRate(l Liability) money.Rate {
	rate := money.One
	if budget := s.BudgetYuan * 100; budget > 0 {
		used := share(l.Fen, budget)
		if used > 800_000 {
			fall, err := money.MulDiv(int64(min(used, 1_200_000)-800_000), int64(money.One-s.RateFloor), 400_000, money.Floor)
			if err == nil {
				rate -= money.Rate(fall)
			}
		}
	}
	if l.BurnRate > 600_000 && rate == money.One {
		rate += money.One / 10
	}
	return min(max(rate, s.RateFloor), s.RateCeiling)
}
