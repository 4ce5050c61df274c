package scenario

import (
	"errors"
	"fmt"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/tier"
)

// look is one kind of expectation. It reads its words and gives the comparisons to make.
type look struct {
	name  string
	usage []string
	run   func(w *world, v *db.View, l *line) (differs, error)
}

// differs collects what is not as expected.
type differs []string

func (d *differs) is(what string, got, want any) {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		*d = append(*d, fmt.Sprintf("%s is %v", what, got))
	}
}

// looks are the expectations that are not about one member.
func looks() []look {
	return []look{
		{"why", []string{`expect why A1 "消费送积分" given 100 clawed 40 forgone 0 cap per_day version 2`, `expect why A1 "双倍" not cond`}, expectWhy},
		{"used", []string{`expect used "双倍" 50 of anna on 2026-03-01`}, expectUsed},
		{"liability", []string{"expect liability points 100 debt 0 worth 1.00 issued 200 spent 50 expired 40 clawed 10"}, expectLiability},
		{"quote", []string{"expect quote anna 100.00 max 3000 worth 30.00"}, expectQuote},
		{"order", []string{"expect order A1 refunded 30.00 status partially_refunded"}, expectOrder},
		{"waiting", []string{"expect waiting 1 review 0"}, expectWaiting},
		{"facts", []string{"expect facts order.paid 1"}, expectFacts},
		{"won", []string{"expect won 3"}, expectWon},
		{"who", []string{"expect who phone 13800000001 is anna", "expect who phone 13800000001 is nobody"}, expectWho},
		{"suspects", []string{"expect suspects anna bob, bob cleo", "expect suspects count 0"}, expectSuspects},
		{"signed", []string{"expect signed 2 heads"}, expectSigned},
		{"mix", []string{"expect mix base 2, silver 1"}, expectMix},
		{"impact", []string{"expect impact members 3 up 1 down 1 if tiers base 0, silver 50, gold 200"}, expectImpact},
		{"trial", []string{`expect trial orders 4 members 2 before 300 after 350 delta 50 growth 0 up 0 down 0 from 2026-03-01 until 2026-04-01 if rule "双倍" multiplier factor 2`}, expectTrial},
		{"link", []string{"expect link brand-zone on visits 1 events 3"}, expectLink},
		{"campaign", []string{"expect campaign check_in plays 1 points 5"}, expectCampaign},
		{"preview", []string{`expect preview anna 100.00 points 200 if rule "双倍" multiplier factor 2`}, expectPreview},
	}
}

func expectations() (out []string) {
	for _, list := range [][]look{memberLooks(), looks()} {
		for _, x := range list {
			out = append(out, x.usage...)
		}
	}
	return out
}

// expect begins with a member's name, or with what it is about.
func expect(w *world, l *line) error {
	list, what := looks(), l.peek()
	if _, err := w.who(what); err == nil && l.at+1 < len(l.words) {
		list, what = memberLooks(), l.words[l.at+1].text
	} else {
		l.word()
	}
	for _, x := range list {
		if x.name == what {
			return w.view(func(v *db.View) error { return x.compare(w, v, l) })
		}
	}
	return fmt.Errorf("nothing is known of %q", what)
}

func (x look) compare(w *world, v *db.View, l *line) error {
	d, err := x.run(w, v, l)
	if err == nil {
		err = l.end()
	}
	if err == nil && len(d) > 0 {
		err = errors.New(strings.Join(d, ", "))
	}
	return err
}

func findOrder(v *db.View, no string) (order.Order, error) {
	o, ok := order.Find(v, till, no)
	if !ok {
		return o, fmt.Errorf("there is no order %s", no)
	}
	return o, nil
}

// expectWhy looks at the reasons an operator sees beside an order.
func expectWhy(w *world, v *db.View, l *line) (d differs, err error) {
	o, err := findOrder(v, l.word())
	if err != nil {
		return d, err
	}
	name := l.word()
	decision, ok, err := earn.DecisionOf(v, o.Member, o.ID)
	if err != nil || !ok {
		return d, fmt.Errorf("nothing was decided: %w", err)
	}
	for _, why := range earn.Why(v, w.zone, decision, &o, "zh") {
		if why.Name == name {
			return compareWhy(l, why)
		}
	}
	return d, fmt.Errorf("the rule %s was not asked", name)
}

func compareWhy(l *line, why earn.Line) (d differs, err error) {
	for l.more() {
		switch word := l.word(); word {
		case "given":
			d.is(word, why.Given, l.wantInt())
		case "clawed":
			d.is(word, why.Clawed, l.wantInt())
		case "forgone":
			d.is(word, why.Forgone, l.wantInt())
		case "version":
			d.is(word, why.VersionNo, l.wantInt())
		case "cap":
			d.is(word, why.Cap, l.wantWord())
		case "not":
			d.is("the reason", why.Code, l.wantWord())
		case "because":
			d.is("the arithmetic", why.Arithmetic, l.wantWord())
		default:
			l.fail("%q is not told", word)
		}
	}
	return d, nil
}

func expectUsed(w *world, v *db.View, l *line) (d differs, err error) {
	k := reward.Key{Rule: w.ruleNamed(v, l.word())}
	want := l.wantInt()
	for l.more() {
		switch word := l.word(); word {
		case "of":
			p, err := w.who(l.word())
			if err != nil {
				return d, err
			}
			k.Member = p.id
		case "on":
			k.Window = l.day()
		default:
			l.fail("%q is not counted", word)
		}
	}
	d.is("used", reward.Over{View: v, Map: reward.Map{}}.Used(k), want)
	return d, nil
}

func expectLiability(_ *world, v *db.View, l *line) (d differs, err error) {
	x := points.LiabilityNow(v)
	for l.more() {
		switch word := l.word(); word {
		case "points":
			d.is(word, x.Points, l.wantInt())
		case "debt":
			d.is(word, x.Debt, l.wantInt())
		case "worth":
			d.is(word, money.Fen(x.Fen), money.Fen(l.wantYuan()))
		case "issued":
			d.is(word, x.Issued, l.wantInt())
		case "spent":
			d.is(word, x.Spent, l.wantInt())
		case "expired":
			d.is(word, x.Expired, l.wantInt())
		case "clawed":
			d.is(word, x.Clawed, l.wantInt())
		default:
			l.fail("%q is not in the books", word)
		}
	}
	return d, nil
}

func expectQuote(w *world, v *db.View, l *line) (d differs, err error) {
	m, err := w.living(v, l.word())
	if err != nil {
		return d, err
	}
	q := points.Policy.At(v, v.Now()).Value.QuoteOrder(balances(v, m).Available, l.yuan())
	l.need("max")
	d.is("max", q.Max, l.wantInt())
	if l.take("worth") {
		d.is("worth", money.Fen(q.Fen), money.Fen(l.wantYuan()))
	}
	return d, nil
}

func expectOrder(_ *world, v *db.View, l *line) (d differs, err error) {
	o, err := findOrder(v, l.word())
	if err != nil {
		return d, err
	}
	for l.more() {
		switch word := l.word(); word {
		case "refunded":
			d.is(word, money.Fen(o.Refunded), money.Fen(l.wantYuan()))
		case "status":
			d.is(word, o.Status, l.wantWord())
		default:
			l.fail("%q is not told of orders", word)
		}
	}
	return d, nil
}

func expectWaiting(_ *world, v *db.View, l *line) (d differs, err error) {
	n := map[string]int{}
	for _, x := range order.Waitings.Select(v, db.Query[order.Waiting]{}) {
		n[x.State]++
	}
	d.is("waiting", n["waiting"], l.wantInt())
	l.need("review")
	d.is("in review", n["review"], l.wantInt())
	return d, nil
}

func expectFacts(_ *world, v *db.View, l *line) (d differs, err error) {
	rows := fact.Table.Select(v, db.Query[fact.Row]{Where: "kind = ?", Args: []any{l.word()}})
	d.is("the number", len(rows), l.wantInt())
	return d, nil
}

func expectWon(w *world, _ *db.View, l *line) (d differs, err error) {
	d.is("won", w.won, l.wantInt())
	return d, nil
}

func expectWho(w *world, v *db.View, l *line) (d differs, err error) {
	i := l.identity()
	l.need("is")
	want := l.wantWord()
	f, ok, err := w.app.Members.Find(v, i)
	if err != nil {
		return d, err
	}
	if !ok {
		d.is("who", "nobody", want)
		return d, nil
	}
	if p, err := w.who(want); err != nil || p.id != f.Member {
		d.is("who", "another", want)
	}
	return d, nil
}

// expectSuspects compares the open suspicions that two members are one person, the newest first.
func expectSuspects(w *world, v *db.View, l *line) (d differs, err error) {
	open := member.Suspects(v, member.SuspectOpen, 0, 100)
	if l.take("count") {
		d.is("suspects", len(open), l.wantInt())
		return d, nil
	}
	n := 0
	l.list(func() {
		a, none := w.who(l.wantWord())
		b, nobody := w.who(l.wantWord())
		if none != nil || nobody != nil || n >= len(open) || open[n].A != min(a.id, b.id) || open[n].B != max(a.id, b.id) {
			d.is(fmt.Sprintf("pair %d", n+1), "another", "these")
		}
		n++
	})
	d.is("suspects", len(open), n)
	return d, nil
}

func expectMix(_ *world, v *db.View, l *line) (d differs, err error) {
	mix := tier.Mix(v)
	ladder := tier.Policy.At(v, v.Now()).Value
	l.list(func() {
		rank, ok := ladder.Rank(l.wantWord())
		if !ok {
			d.is("a tier", "unknown", "known")
		}
		d.is(ladder.Level(rank).Key, mix[rank], l.wantInt())
		delete(mix, rank)
	})
	if len(mix) > 0 {
		d.is("the rest", mix, "nobody")
	}
	return d, nil
}

func expectImpact(_ *world, v *db.View, l *line) (d differs, err error) {
	want := l.numbersUntil("if")
	l.need("tiers")
	next := tier.Policy.At(v, v.Now()).Value
	next.Levels = l.ladder()
	if l.err != nil {
		return d, l.err
	}
	x, err := tier.Preview(v, next)
	if err != nil {
		return d, err
	}
	got := map[string]int64{"members": x.Members, "up": x.Up, "down": x.Down}
	for rank, level := range next.Levels {
		got[level.Key] = x.After[rank]
		got[level.Key+"-settled"] = x.Settled[rank]
	}
	return want.against(got), nil
}

// numbers are expected values by name.
type numbers map[string]int64

// numbersUntil reads pairs of name and number up to a word that ends them.
func (l *line) numbersUntil(stop string) numbers {
	out := numbers{}
	for l.more() && !l.take(stop) {
		name := l.word()
		out[name] = l.wantInt()
	}
	return out
}

func (n numbers) against(got map[string]int64) (d differs) {
	for name, want := range n {
		if g, ok := got[name]; !ok || g != want {
			d.is(name, g, want)
			if !ok {
				d = append(d, name+" is not told")
			}
		}
	}
	return d
}

// readIf reads: if rule "双倍" multiplier factor 2.
func (l *line) readIf() (name string, spec earn.Spec) {
	l.need("rule")
	name = l.word()
	spec, _ = l.draft(name)
	return name, spec
}

func expectTrial(w *world, v *db.View, l *line) (d differs, err error) {
	want := l.numbersUntil("from")
	from := l.time()
	l.need("until")
	until := l.time()
	l.need("if")
	name, spec := l.readIf()
	if l.err != nil {
		return d, l.err
	}
	t, err := w.app.Earn.BackTest(v, spec, w.ruleNamed(v, name), from, until, nil)
	if err != nil {
		return d, err
	}
	return want.against(map[string]int64{"orders": t.Orders, "members": t.Members, "before": t.Before, "after": t.After, "delta": t.Delta,
		"growth": t.GrowthDelta, "up": t.TierUp, "down": t.TierDown, "gainers": int64(len(t.Gainers)), "losers": int64(len(t.Losers)),
		"awards-before": t.AwardsBefore, "awards-after": t.AwardsAfter, "days": int64(len(t.ByDay)), "fen": t.DeltaFen}), nil
}

func expectPreview(w *world, v *db.View, l *line) (d differs, err error) {
	m, err := w.living(v, l.word())
	if err != nil {
		return d, err
	}
	amount := l.yuan()
	want := l.numbersUntil("if")
	name, spec := l.readIf()
	if l.err != nil {
		return d, l.err
	}
	decision, err := w.app.Earn.Preview(v, spec, w.ruleNamed(v, name), earn.NewMemberOrder(m.ID, amount, w.clock.Now()))
	var sum int64
	for _, a := range decision.Awards {
		sum += a.Points
	}
	return want.against(map[string]int64{"points": sum}), err
}

// living finds who a name stands for now: after a merge, the survivor.
func (w *world) living(r db.Reader, name string) (member.Member, error) {
	p, err := w.who(name)
	if err != nil {
		return member.Member{}, err
	}
	return member.Resolve(r, p.id)
}

// until writes the last day of something that ends at an instant, and the time when that is not a midnight.
func (w *world) until(end int64) string {
	switch {
	case end >= clock.Never:
		return "never"
	case end == w.zone.StartOfDay(w.zone.LocalDay(end)):
		return w.zone.Format("2006-01-02", end-1)
	}
	return w.zone.Format("2006-01-02T15:04", end)
}
