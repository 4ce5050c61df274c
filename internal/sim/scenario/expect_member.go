package scenario

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/tier"
)

// memberLooks are the expectations about one member; old names lead to the survivor of a merge.
func memberLooks() []look {
	m := func(name string, f func(*world, *db.View, *line, member.Member) (differs, error), usage ...string) look {
		return look{name, usage, func(w *world, v *db.View, l *line) (differs, error) {
			who, err := w.living(v, l.word())
			if err != nil {
				return nil, err
			}
			l.need(name)
			return f(w, v, l, who)
		}}
	}
	return []look{
		m("points", expectPoints, "expect anna points 100 available 70 pending 10 held 20 frozen 0 debt 0"),
		m("growth", expectGrowth, "expect anna growth 60"),
		m("lots", expectLots, "expect anna lots 100 until 2027-03-01, 50 until never, 20 until 2027-03-01 from 2026-03-08", "expect anna lots none"),
		m("statement", expectStatement, "expect anna statement +100 earn, -80 spend, -100 clawback"),
		m("balance", expectAsOf, "expect anna balance 100 as of 2026-03-01 10:00"),
		m("expiring", expectExpiring, "expect anna expiring 100 on 2027-03-01, 20 on 2027-04-01"),
		m("tier", expectTier, "expect anna tier gold until 2027-03-01 earned silver"),
		m("history", expectHistory, "expect anna history base join, silver upgrade, base refund"),
		m("notices", expectNotices, "expect anna notices 3 short 40"),
		m("ahead", expectAhead, "expect anna ahead 50"),
		m("orders", expectStats, "expect anna orders 2 spent 100.00 refunds 1 refunded 30.00"),
		m("status", expectStatus, "expect anna status frozen"),
		m("identities", expectIdentities, "expect anna identities 2"),
		m("streak", expectStreak, "expect anna streak 3 given 19 today yes"),
		m("badges", expectBadges, "expect anna badges profile, first_order", "expect anna badges none"),
		m("greeted", expectGreeted, "expect anna greeted birthday, anniversary 2", "expect anna greeted none"),
		m("letters", expectLetters, "expect anna letters tier_up 1"),
		m("agrees", expectConsent, "expect anna agrees marketing no"),
		m("void", expectVoid, "expect anna void 250"),
		m("face", expectFace, "expect anna face 安娜", "expect anna face nobody"),
		m("carried", expectCarried, "expect anna carried \"每元\" 0.6"),
		m("cost", expectCost, "expect anna cost partner:acme 20"),
	}
}

func balances(r db.Reader, m member.Member) ledger.Balances {
	return ledger.Now(r, m.ID, ledger.Points)
}

func expectPoints(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	b := balances(v, m)
	d.is("points", b.Balance, l.wantInt())
	parts := map[string]int64{"available": b.Available, "pending": b.Pending, "held": b.Held, "frozen": b.Frozen, "debt": b.Debt}
	for l.more() {
		name := l.word()
		got, ok := parts[name]
		if !ok {
			l.fail("%q is no part of a balance", name)
		}
		d.is(name, got, l.wantInt())
	}
	return d, nil
}

func expectGrowth(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	d.is("growth", ledger.Now(v, m.ID, ledger.Growth).Balance, l.wantInt())
	return d, nil
}

// same compares two lists in order.
func (d *differs) same(what string, got, want []string) {
	d.is(what, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
}

func expectLots(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	var got, want []string
	for _, lot := range ledger.OpenLots(v, m.ID, ledger.Points, ledger.LotKey{}, 200) {
		if lot.Expires <= v.Now() {
			continue
		}
		s := fmt.Sprintf("%d until %s", lot.Remaining, w.until(lot.Expires))
		if lot.Matures > v.Now() {
			s += " from " + w.zone.Format("2006-01-02", lot.Matures)
		}
		got = append(got, s)
	}
	if l.peek() != "none" {
		l.list(func() {
			s := fmt.Sprint(l.wantInt())
			l.need("until")
			s += " until " + l.wantUntil()
			if l.take("from") {
				s += " from " + l.wantWord()
			}
			want = append(want, s)
		})
	} else if l.wantWord() != "none" {
		want = append(want, "some")
	}
	d.same("the lots", got, want)
	return d, nil
}

func expectStatement(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	var got, want []string
	for _, e := range ledger.Statement(v, m.ID, ledger.Points, 0, 200) {
		got = append([]string{fmt.Sprintf("%+d %s", e.Amount, e.Kind)}, got...)
	}
	l.list(func() { want = append(want, fmt.Sprintf("%+d %s", l.wantInt(), l.wantWord())) })
	d.same("the statement", got, want)
	return d, nil
}

func expectAsOf(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	want := l.wantInt()
	l.need("as")
	l.need("of")
	d.is("the balance", ledger.AsOf(v, m.ID, ledger.Points, l.time()), want)
	return d, nil
}

func expectExpiring(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	var got, want []string
	for _, e := range ledger.ExpiringBefore(v, m.ID, ledger.Points, ledger.Never) {
		got = append(got, fmt.Sprintf("%d on %s", e.Amount, w.until(e.At)))
	}
	l.list(func() {
		n := l.wantInt()
		l.need("on")
		want = append(want, fmt.Sprintf("%d on %s", n, l.wantUntil()))
	})
	d.same("what expires", got, want)
	return d, nil
}

func expectTier(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	st := tier.Of(v, m.ID)
	ladder := tier.Policy.At(v, v.Now()).Value
	d.is("the tier", ladder.Level(st.Held(v.Now())).Key, l.wantWord())
	for l.more() {
		switch word := l.word(); word {
		case "until":
			d.is("valid until", w.until(st.Until), l.wantUntil())
		case "benefits":
			d.is("the benefits", ladder.Level(st.Enjoyed(v.Now())).Key, l.wantWord())
		case "earned":
			d.is("earned", ladder.Level(st.Earned).Key, l.wantWord())
		default:
			l.fail("%q is not told of tiers", word)
		}
	}
	return d, nil
}

// expectHistory tells the tiers a member held, from the first, each with its reason.
func expectHistory(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	ladder := tier.Policy.At(v, v.Now()).Value
	var got, want []string
	for _, i := range tier.HistoryOf(v, m.ID) {
		got = append(got, ladder.Level(i.Tier).Key+" "+i.Reason)
	}
	if len(got) == 0 {
		got = []string{"base join"}
	}
	l.list(func() { want = append(want, l.wantWord()+" "+l.wantWord()) })
	d.same("the history", got, want)
	return d, nil
}

func expectNotices(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	all := tier.NoticesOf(v, m.ID)
	d.is("the number of notices", len(all), l.wantInt())
	if l.take("short") && len(all) > 0 {
		d.is("short", all[len(all)-1].Short, l.wantInt())
	}
	return d, nil
}

func expectAhead(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	share := tier.StandingNow(v).Ahead(ledger.Now(v, m.ID, ledger.Growth).Balance)
	d.is("ahead of percent", int64(share)*100/int64(money.One), l.wantInt())
	return d, nil
}

func expectStats(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	st, _ := order.Stats.Get(v, m.ID)
	d.is("orders", st.Orders, l.wantInt())
	for l.more() {
		switch word := l.word(); word {
		case "spent":
			d.is(word, money.Fen(st.Spent), money.Fen(l.wantYuan()))
		case "refunds":
			d.is(word, st.Refunds, l.wantInt())
		case "refunded":
			d.is(word, money.Fen(st.Refunded), money.Fen(l.wantYuan()))
		default:
			l.fail("%q is not counted", word)
		}
	}
	return d, nil
}

func expectStatus(_ *world, _ *db.View, l *line, m member.Member) (d differs, err error) {
	d.is("the status", m.Status, l.wantWord())
	return d, nil
}

func expectIdentities(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	all, err := w.app.Members.IdentitiesOf(v, m.ID)
	d.is("the number of identities", len(all), l.wantInt())
	return d, err
}

// expectCost sums what somebody else than the brand pays for.
func expectCost(_ *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	bearer, sum := l.word(), int64(0)
	for _, e := range ledger.Statement(v, m.ID, ledger.Points, 0, 200) {
		if e.Details().Bearer == bearer {
			sum += e.Amount
		}
	}
	d.is("the cost", sum, l.wantInt())
	return d, nil
}

// expectCarried looks at the fraction of a point that a member has with a rule.
func expectCarried(w *world, v *db.View, l *line, m member.Member) (d differs, err error) {
	rule := w.ruleNamed(v, l.word())
	d.is("carried", money.Rate(earn.CarriedOf(v, m.ID, rule)).String(), l.wantWord())
	return d, nil
}
