package points

import (
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
)

// PromoFirst says whether points of campaigns and rewards are spent before those of purchases.
func PromoFirst(r db.Reader) bool { return Policy.At(r, r.Now()).Value.PromoFirst }

// Service is what others may call.
type Service struct {
	Zone   clock.Zone
	Ledger *ledger.Ledger
}

// Hold sets points apart for an open order, as far as the spend policy allows; eligible is the order's amount in fen
// that points may pay. It ends by itself when the order is neither paid nor closed.
func (s *Service) Hold(tx *db.Tx, memberID, n, eligible int64, source, ref string) (ledger.Hold, error) {
	m, err := member.Require(tx, memberID, member.Spend)
	if err != nil {
		return ledger.Hold{}, err
	}
	p := Policy.At(tx, tx.Now()).Value
	if _, again := ledger.HoldBySource(tx, m.ID, source); !again {
		if err := s.allow(tx, p, m.ID, n, eligible); err != nil {
			return ledger.Hold{}, err
		}
	}
	return s.Ledger.Reserve(tx, ledger.HoldInput{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.HoldCheckout, Source: source, Ref: ref,
		Until: tx.Now() + int64(p.HoldMinutes)*clock.Minute})
}

// allow settles the account and asks the spend policy.
func (s *Service) allow(tx *db.Tx, p Settings, memberID, n, eligible int64) error {
	if _, err := s.Ledger.Settle(tx, memberID, ledger.Points); err != nil {
		return err
	}
	return p.CheckSpend(n, ledger.Now(tx, memberID, ledger.Points).Available, eligible)
}

// MayPay refuses points that the spend policy does not let pay an order without a hold; amount is what was paid in money.
func (s *Service) MayPay(tx *db.Tx, memberID, n, amount int64) error {
	m, err := member.Require(tx, memberID, member.Spend)
	if err != nil {
		return err
	}
	p := Policy.At(tx, tx.Now()).Value
	return s.allow(tx, p, m.ID, n, amount+p.Worth(n))
}

// Worth is what points pay, in fen.
func (s *Service) Worth(r db.Reader, n int64) int64 { return Policy.At(r, r.Now()).Value.Worth(n) }

// OnPaid books the points that paid a part of an order. The money has moved, so this never refuses: a hold
// that ran out meanwhile is made up for from what is available, and the rest becomes debt.
func (s *Service) OnPaid(tx *db.Tx, o *order.Order) error {
	if o.PointsUsed == 0 || o.Member == 0 {
		return nil
	}
	m, err := member.Resolve(tx, o.Member)
	if err != nil {
		return err
	}
	source, ref := paySource(o.ID), fmt.Sprintf("order:%d", o.ID)
	if h, ok := ledger.FindHold(tx, m.ID, o.Hold); ok && h.State == ledger.HoldOpen && h.Until > tx.Now() && h.Amount >= o.PointsUsed {
		_, err = s.Ledger.PostHold(tx, m.ID, h.ID, ledger.Spend{Kind: ledger.KindSpend, Source: source, Ref: ref, Amount: o.PointsUsed})
		return err
	}
	_, err = s.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: o.PointsUsed, Kind: ledger.KindSpend,
		Source: source, Ref: ref, Occurred: o.Occurred, Short: ledger.ShortDebt, Fresh: true})
	return err
}

func paySource(order int64) string { return fmt.Sprintf("pay:%d", order) }

// OnRefunded gives back the refunded share of the points that paid, to the lots they came from. All partial
// refunds together give back exactly what was used.
func (s *Service) OnRefunded(tx *db.Tx, o *order.Order, refund int64) error {
	if o.PointsUsed == 0 || o.Member == 0 {
		return nil
	}
	e, ok := ledger.EntryBySource(tx, o.Member, ledger.Points, paySource(o.ID))
	if !ok {
		return nil
	}
	due := o.PointsUsed
	if o.Status != order.Refunded {
		due = money.Prorate(o.PointsUsed, o.Refunded, o.Amount)
		if o.Amount == 0 { // points paid it all: the share is that of the items
			back, all := o.Items()
			due = money.Prorate(o.PointsUsed, back, all)
		}
	}
	due -= ledger.ReversedOf(tx, e)
	if due <= 0 {
		return nil
	}
	m, err := order.Owner(tx, o)
	if err != nil {
		return err
	}
	_, err = s.Ledger.Reverse(tx, ledger.Reversal{Member: o.Member, Asset: ledger.Points, Seq: e.Seq, Amount: due, To: m.ID,
		Kind: ledger.KindRestore, Source: restoreSource(refund), Ref: fmt.Sprintf("order:%d", o.ID)})
	return err
}

func restoreSource(refund int64) string { return fmt.Sprintf("restore:%d", refund) }

// RestoredBy is how many points a refund has given back, to one of these ids of a member.
func RestoredBy(r db.Reader, ids []int64, refund int64) int64 {
	for _, id := range ids {
		if e, ok := ledger.EntryBySource(r, id, ledger.Points, restoreSource(refund)); ok {
			return e.Amount
		}
	}
	return 0
}
