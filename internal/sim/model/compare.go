package model

import (
	"context"
	"errors"
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

// compare holds what a function answered and showed against the model.
func (r *driver) compare(f *function) error {
	for i, p := range f.steps {
		if p.want.Code == db.ErrDuplicate.Code { // met only when the group is written
			p.got, p.shown = Answer{Code: fault.CodeOf(f.err)}, nil
		}
		if p.got != p.want {
			return fmt.Errorf("step %d of %d in %+v answered %+v, the model says %+v", i+1, len(f.steps), p.Step, p.got, p.want)
		}
		if p.Op == opReserve && p.want.Code == "" && !f.doomed && r.holds[p.hold] != p.gotHold {
			return fmt.Errorf("%+v gave another hold than before", p.Step)
		}
		for j := range p.shown {
			if err := r.same(p.seen[j], p.shown[j]); err != nil {
				return fmt.Errorf("after step %d of %d, %+v: %w", i+1, len(f.steps), p.Step, err)
			}
		}
	}
	switch {
	case f.doomed && !errors.Is(f.err, errDoomed):
		return fmt.Errorf("a function that must fail answered \"%w\"", f.err)
	case !f.doomed && len(f.steps) > 1 && f.err != nil:
		return fmt.Errorf("a function of %d steps answered %w", len(f.steps), f.err)
	case !f.doomed && len(f.steps) == 1 && f.err == nil && f.steps[0].want.Code != "":
		return fmt.Errorf("%+v was committed though it was refused", f.steps[0].Step)
	case !f.doomed && len(f.steps) == 1 && f.err != nil && f.steps[0].want.Code == "":
		return fmt.Errorf("%+v answered \"%w\" after its commit", f.steps[0].Step, f.err)
	}
	return nil
}

// same compares what an account shows: sums, and lots in spending order. Of an account that is due, the lots that live.
func (r *driver) same(got, want show) error {
	if got.sums != want.sums {
		return fmt.Errorf("member %d asset %d shows %+v, the model says %+v", got.key.member, got.key.asset, got.sums, want.sums)
	}
	if got.due {
		got.dropLapsed(r.g.b.now)
		want.dropLapsed(r.g.b.now)
	}
	differ := fmt.Errorf("member %d asset %d has lots\n%+v held %v, the model says\n%+v held %v",
		got.key.member, got.key.asset, got.lots, got.held, want.lots, want.held)
	if len(got.lots) != len(want.lots) {
		return differ
	}
	for i := range got.lots {
		g, w := got.lots[i], want.lots[i]
		if !r.sameID(g.id, w.id) {
			return differ
		}
		g.id = w.id
		if g != w || !got.due && got.held[i] != want.held[i] {
			return differ
		}
	}
	return nil
}

func (s *show) dropLapsed(now int64) {
	var lots []lot
	for _, l := range s.lots {
		if l.expires > now {
			lots = append(lots, l)
		}
	}
	s.lots = lots
}

// sameID learns which lot is which when it first sees them; afterwards each goes with its own.
func (r *driver) sameID(real, paper int64) bool {
	was, ok := r.ids[real]
	if _, taken := r.back[paper]; !ok && !taken {
		r.ids[real], r.back[paper] = paper, real
		return true
	}
	return ok && was == paper
}

// compareAll compares every account as a reader sees it.
func (r *driver) compareAll(v *db.View) error {
	lots := map[key][]ledger.Lot{}
	ledger.Lots.Each(v, db.Query[ledger.Lot]{Order: "member_id, asset, expires_at, lot_id"}, func(l *ledger.Lot) {
		k := key{l.Member, l.Asset}
		lots[k] = append(lots[k], *l)
	})
	due := map[key]bool{}
	ledger.Accounts.Each(v, db.Query[ledger.Account]{}, func(a *ledger.Account) { due[key{a.Member, a.Asset}] = a.Due <= v.Now() })
	for m := range int64(members) {
		for a := range assets {
			k := key{m + 1, a + 1}
			got := r.ledgerShows(k, ledger.Now(v, k.member, k.asset), lots[k], due[k])
			if err := r.same(got, r.modelShows(k)); err != nil {
				return fmt.Errorf("after the commit: %w", err)
			}
		}
	}
	return nil
}

// audit lets the ledger check itself, and compares holds and totals, which take long to look through.
func (r *driver) audit(ctx context.Context) error {
	return r.d.View(ctx, func(v *db.View) error {
		if out := ledger.Verify(v, nil); len(out.Wrong) > 0 {
			return fmt.Errorf("verify: %+v", out.Wrong)
		}
		if _, _, wrong := ledger.CheckBalances(v); len(wrong) > 0 {
			return fmt.Errorf("balances: %+v", wrong)
		}
		if err := r.holdsAgree(v); err != nil {
			return err
		}
		return flowsAgree(v)
	})
}

func (r *driver) holdsAgree(v *db.View) error {
	for _, list := range [][]hold{r.g.b.open, r.g.b.ended} {
		for _, h := range list {
			got, ok := ledger.FindHold(v, h.member, r.holds[h.n])
			late := got.State == ledger.HoldOpen && got.Until <= v.Now() && h.state == ledger.HoldExpired // nobody has looked yet
			if !ok || got.State != h.state && !late || got.Amount != h.amount || got.Asset != h.asset {
				return fmt.Errorf("hold %d is %+v, the model says %+v", h.n, got, h)
			}
		}
	}
	return nil
}

func flowsAgree(v *db.View) error {
	for a := range assets {
		var balance, debt int64
		ledger.Accounts.Each(v, db.Query[ledger.Account]{Where: "asset = ?", Args: []any{a + 1}}, func(a *ledger.Account) {
			balance += a.Balance
			debt += a.Debt
		})
		if b, d := ledger.Outstanding(v, a+1); b != balance || d != debt {
			return fmt.Errorf("outstanding %d and %d of asset %d, the accounts say %d and %d", b, d, a+1, balance, debt)
		}
	}
	return nil
}
