package scenario

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/tier"
)

// verify holds the installation to what must be true after any story: the ledger recomputed from its first entry,
// the mix of tiers and the standing recounted from the members, and histories of tiers that end where members stand.
func (w *world) verify() error {
	return w.view(func(v *db.View) error {
		if wrong := ledger.Verify(v, nil).Wrong; len(wrong) > 0 {
			return fmt.Errorf("%d wrong rows in the ledger, the first: %s %s: %s", len(wrong), wrong[0].Table, wrong[0].Row, wrong[0].What)
		}
		if _, wrong := w.app.CheckHeads(v, w.app.HeadsNow(v).Heads); len(wrong) > 0 {
			return fmt.Errorf("%d signed heads are not borne out, the first: %+v", len(wrong), wrong[0])
		}
		mix, all := map[int]int64{}, int64(0)
		for _, m := range member.List(v, 0, "", 1_000_000) {
			if m.Into != 0 || m.Status == member.Cancelled {
				continue
			}
			all++
			st := tier.Of(v, m.ID)
			mix[max(st.Earned, st.Manual)]++
			if err := checkHistory(v, st); err != nil {
				return fmt.Errorf("member %d: %w", m.ID, err)
			}
		}
		if got := tier.Mix(v); fmt.Sprint(got) != fmt.Sprint(mix) {
			return fmt.Errorf("the mix of tiers is %v, counted anew %v", got, mix)
		}
		return checkStanding(v, all)
	})
}

func checkHistory(v *db.View, st tier.State) error {
	rank, from := 0, int64(-1)
	for i, h := range tier.HistoryOf(v, st.Member) {
		if h.Seq != int64(i+1) || h.From < from {
			return fmt.Errorf("history row %d is out of order", h.Seq)
		}
		rank, from = h.Tier, h.From
	}
	if counted := max(st.Earned, st.Manual); rank != counted {
		return fmt.Errorf("the history ends at rank %d, the member stands at %d", rank, counted)
	}
	return nil
}

// checkStanding compares the share of members behind each growth with a count.
func checkStanding(v *db.View, all int64) error {
	var growth []int64
	for _, m := range member.List(v, 0, "", 1_000_000) {
		if m.Into == 0 && m.Status != member.Cancelled {
			a, _ := ledger.Accounts.Get(v, ledger.AccountKey{Member: m.ID, Asset: ledger.Growth})
			growth = append(growth, a.Balance)
		}
	}
	s := tier.StandingNow(v)
	if s.All != all {
		return fmt.Errorf("the standing counts %d members, there are %d", s.All, all)
	}
	for _, g := range growth {
		var below, upTo int64
		for _, other := range growth {
			if tier.Band(other) < tier.Band(g) {
				below++
			}
			if tier.Band(other) <= tier.Band(g) {
				upTo++
			}
		}
		if share := int64(s.Ahead(g)); share < below*1_000_000/all || share > upTo*1_000_000/all {
			return fmt.Errorf("growth %d is said to be ahead of %d millionths, %d to %d of %d members are behind", g, share, below, upTo, all)
		}
	}
	return nil
}

// expectSigned counts the heads of the chains that were signed and kept; each must still be borne out.
func expectSigned(w *world, v *db.View, l *line) (d differs, err error) {
	n, wrong := w.app.CheckHeads(v, nil)
	d.is("signed heads", n, int(l.wantInt()))
	l.need("heads")
	d.is("of them wrong", len(wrong), 0)
	return d, nil
}
