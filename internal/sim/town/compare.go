package town

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// compareDay compares some members after a day, and all of them every thirty days.
func (t *Town) compareDay() error {
	t.skew = 0
	t.clock.Set(max(midnight(firstDay, t.day+1)-1, t.b.now))
	return t.app.DB.View(t.ctx, func(v *db.View) error {
		t.b.now = v.Now()
		if t.day%allEvery == allEvery-1 {
			t.compareAll(v)
			return nil
		}
		for range min(sampled, len(t.b.people)) {
			t.compare(v, t.anybody())
		}
		return nil
	})
}

func (t *Town) compareAll(v *db.View) {
	for _, p := range t.b.people {
		t.compare(v, p)
	}
}

// compare holds everything about one person against the program.
func (t *Town) compare(v *db.View, p *person) {
	t.out.Comparisons++
	t.b.settle(p)
	m, ok := memberOf(v, p)
	into := int64(0)
	if p.into >= 0 {
		into = t.b.people[p.into].id
	}
	if !ok || m.Status != p.status || m.Into != into {
		t.differ(p.id, "is %s, in %d; the book says %s, in %d", m.Status, m.Into, p.status, into)
	}
	for asset := pointsAsset; asset <= growthAsset; asset++ {
		b := ledger.Now(v, p.id, asset)
		got, want := sums{b.Balance, b.Available, b.Pending, b.Held, b.Frozen, b.Debt}, p.purses[asset].sums(t.b.now)
		if got != want {
			t.differ(p.id, "asset %d shows %+v, the book says %+v\nlots %+v\nlast entries%s", asset, got, want, p.purses[asset].lots, lastEntries(v, p, asset))
			return
		}
		t.compareLots(v, p, asset)
	}
	t.compareTier(v, p)
}

// lastEntries tells what was booked last, to see where the two parted.
func lastEntries(v *db.View, p *person, asset int) (text string) {
	for _, e := range ledger.Statement(v, p.id, asset, 0, 12) {
		text += fmt.Sprintf("\n%s %s %d %s %s %s", wall(e.At).Format(time.DateTime), e.Kind, e.Amount, e.Source, e.Ref, e.Detail)
	}
	return text
}

// shownLot is a lot without its name.
type shownLot struct {
	n, held, granted, expires, matures int64
	class                              int
}

func (t *Town) compareLots(v *db.View, p *person, asset int) {
	w := &p.purses[asset]
	account, _ := ledger.Accounts.Get(v, ledger.AccountKey{Member: p.id, Asset: asset})
	due := account.Due <= v.Now() // time has changed it and nobody has looked: only lots that live are comparable
	var got, want []shownLot
	var ids []int64
	for _, l := range ledger.OpenLots(v, p.id, asset, ledger.LotKey{}, 1<<20) {
		if due && l.Expires <= v.Now() {
			continue
		}
		ids = append(ids, l.ID)
		got = append(got, shownLot{l.Remaining, l.Held, l.Granted, l.Expires, l.Matures, l.Class})
	}
	var papers []int
	for _, l := range w.lots {
		if due && l.expires <= v.Now() {
			continue
		}
		papers = append(papers, l.id)
		want = append(want, shownLot{l.n, w.heldOf(l), l.granted, l.expires, l.matures, l.class})
	}
	for i := range got {
		if due && i < len(want) {
			got[i].held, want[i].held = 0, 0
		}
	}
	if !slices.Equal(got, want) {
		t.differ(p.id, "asset %d has lots\n%+v\nthe book says\n%+v", asset, got, want)
		return
	}
	for i := range ids {
		if !t.sameLot(ids[i], papers[i]) {
			t.differ(p.id, "asset %d: lot %d is another one in the book", asset, ids[i])
		}
	}
}

// sameLot learns which lot is which when it first sees them; afterwards each goes with its own.
func (t *Town) sameLot(real int64, paper int) bool {
	if _, seen := t.paper[real]; !seen && t.real[paper] == 0 {
		t.real[paper], t.paper[real] = real, paper
	}
	return t.real[paper] == real && t.paper[real] == paper
}

func (t *Town) compareTier(v *db.View, p *person) {
	s := &p.tier
	s.endByHand(t.b.now)
	st := tier.Of(v, p.id)
	if st.Held(v.Now()) != s.held(t.b.now) || st.Earned != s.earned || s.earned > 0 && st.Until != s.until {
		t.differ(p.id, "holds tier %d, earned %d until %d; the book says %d, %d until %d",
			st.Held(v.Now()), st.Earned, st.Until, s.held(t.b.now), s.earned, s.until)
	}
	var got []interval
	for _, r := range tier.HistoryOf(v, p.id) {
		got = append(got, interval{r.Tier, r.Earned, r.From, r.Until, r.EarnedUntil, r.Reason})
	}
	if st.Manual != byHandNone && st.ManualUntil <= v.Now() { // its end is written when somebody looks
		got = append(got, interval{st.Earned, st.Earned, st.ManualUntil, st.Until, st.Until, "manual_ended"})
	}
	if !slices.Equal(got, s.rows) {
		t.differ(p.id, "has tiers\n%+v\nthe book says\n%+v", got, s.rows)
	}
	var told []warning
	for _, n := range tier.NoticesOf(v, p.id) {
		told = append(told, warning{n.N, n.Until, n.Short})
	}
	if !slices.Equal(told, s.warnings) {
		t.differ(p.id, "was warned %+v, the book says %+v; it stands %+v, the book says %+v", told, s.warnings, st, *s)
	}
}

// compareStanding compares how many members stand where, by tier and by growth.
func (t *Town) compareStanding(v *db.View) {
	mix, bands, all := map[int]int64{}, map[int]int64{}, int64(0)
	for _, p := range t.b.people {
		if p.into < 0 && p.status != "cancelled" {
			mix[p.tier.held(t.b.now)]++
			bands[tier.Band(t.b.settle(p).growth())]++
			all++
		}
	}
	if got := tier.Mix(v); fmt.Sprint(got) != fmt.Sprint(mix) {
		t.differ(0, "the tiers hold %v members, the book says %v", got, mix)
	}
	standing := tier.StandingNow(v)
	if standing.All != all {
		t.differ(0, "%d members are compared by growth, the book says %d", standing.All, all)
		return
	}
	below := int64(0)
	for growth, last := int64(0), -1; growth <= 20_000; growth++ {
		band := tier.Band(growth)
		if band == last {
			continue
		}
		below += bands[last]
		if last = band; int64(standing.Ahead(growth)) != below*million/all {
			t.differ(0, "growth %d is ahead of %s, the book says %d of %d", growth, standing.Ahead(growth), below, all)
		}
	}
}

// compareOrders compares all orders, however long ago.
func (t *Town) compareOrders(v *db.View) {
	for _, p := range t.parcels {
		o := t.b.orders[p.in.Source+" "+p.in.No]
		if o == nil || o.member < 0 {
			continue
		}
		d, _, err := earn.DecisionOf(v, t.b.people[o.member].id, o.id)
		if err != nil {
			t.differ(0, "order %s: %v", o.no, err)
		}
		t.sameAwards(o, d)
	}
}

// audit lets the program check itself.
func (t *Town) audit(v *db.View) {
	for _, w := range ledger.Verify(v, nil).Wrong {
		t.differ(0, "verify: %+v", w)
	}
	if _, _, wrong := ledger.CheckBalances(v); len(wrong) > 0 {
		t.differ(0, "balances: %+v", wrong)
	}
	if _, wrong := staff.VerifyLog(v); wrong != nil {
		t.differ(0, "log of staff: %+v", wrong)
	}
	for asset := pointsAsset; asset <= growthAsset; asset++ {
		balance, debt := ledger.Outstanding(v, asset)
		var wantBalance, wantDebt int64
		for _, p := range t.b.people {
			s := p.purses[asset].sums(t.b.now)
			wantBalance, wantDebt = wantBalance+s.balance, wantDebt+s.debt
		}
		if balance != wantBalance || debt != wantDebt {
			t.differ(0, "asset %d: all have %d and owe %d, the book says %d and %d", asset, balance, debt, wantBalance, wantDebt)
		}
	}
}

// fingerprint is one number for all that was booked and all tiers there were.
func fingerprint(v *db.View) string {
	h := sha256.New()
	ledger.Entries.Each(v, db.Query[ledger.Entry]{Order: "member_id, asset, seq"}, func(e *ledger.Entry) { _, _ = fmt.Fprintf(h, "%+v\n", *e) })
	tier.History.Each(v, db.Query[tier.Interval]{Order: "member_id, seq"}, func(i *tier.Interval) { _, _ = fmt.Fprintf(h, "%+v\n", *i) })
	return hex.EncodeToString(h.Sum(nil)[:12])
}
