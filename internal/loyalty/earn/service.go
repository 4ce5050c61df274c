package earn

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/tier"
)

// Service is what others may call.
type Service struct {
	Zone   clock.Zone
	Ledger *ledger.Ledger
	sample sample
}

// OnPaid judges a paid order and gives what its rules say.
func (s *Service) OnPaid(tx *db.Tx, paid order.PaidFact) error {
	o := paid.Row
	if o.Member == 0 {
		return nil
	}
	m, err := member.Resolve(tx, o.Member)
	if err != nil {
		return err
	}
	in := s.input(tx, OnOrder, m, o.ID, o.Occurred)
	in.Order, in.Amount, in.Eligible = o, o.Amount, o.Eligible
	in.OrdersBefore, in.FirstToday = paid.Before, paid.FirstToday
	return s.judge(tx, m, in, o.ID, "order:"+id.String(o.ID))
}

// OnFact judges a fact about a member other than an order: a completed profile, joining.
func (s *Service) OnFact(tx *db.Tx, on string, memberID, factID, occurred int64) error {
	m, err := member.Resolve(tx, memberID)
	if err != nil {
		return err
	}
	if len(ruleSets.Get(tx).at(on, occurred, nil)) == 0 {
		return nil
	}
	return s.judge(tx, m, s.input(tx, on, m, factID, occurred), factID, on)
}

func (s *Service) input(r db.Reader, on string, m member.Member, cause, occurred int64) *Input {
	return s.inputAt(r, on, m, cause, occurred, tier.EnjoyedAt(r, m.ID, occurred))
}

// inputAt is input for who is known to have enjoyed a tier.
func (s *Service) inputAt(r db.Reader, on string, m member.Member, cause, occurred int64, rank int) *Input {
	level := tier.Policy.At(r, occurred).Value.Level(rank)
	return &Input{On: on, Member: m.ID, Cause: cause, Occurred: occurred, Zone: s.Zone, TierRank: rank, TierKey: level.Key,
		TierRate: level.Multiplier, FloatRate: points.Rates.At(r, occurred).Value.Rate, JoinedAt: m.JoinedAt, JoinedBy: m.Channel}
}

func (s *Service) decider(in *Input, usage reward.Usage, dailyAll int64) *decider {
	return &decider{in: in, usage: usage, dailyAll: dailyAll, out: Decision{Member: in.Member, Tier: in.TierKey, Rank: in.TierRank,
		Before: in.OrdersBefore, JoinedAt: in.JoinedAt, JoinedBy: in.JoinedBy, Day: s.Zone.LocalDay(in.Occurred)}}
}

// judge decides, books and keeps the decision. Sources name the order or fact, so nothing is given twice.
func (s *Service) judge(tx *db.Tx, m member.Member, in *Input, cause int64, source string) error {
	p := points.Policy.At(tx, in.Occurred).Value
	d := s.decider(in, reward.Rows{Tx: tx}, p.DailyCap)
	d.carried = func(rule int64) int64 { return CarriedOf(tx, m.ID, rule) }
	d.failed = func(c *compiled, err error) { s.withheld(tx, c.Rule, c.ID, in, err) }
	if in.Order == nil {
		d.given = func(c *compiled) bool { return givenBefore(tx, c, in.Member, source) }
	}
	if member.Allows(m.Status, member.Earn) {
		d.run(ruleSets.Get(tx).at(in.On, in.Occurred, nil))
		s.growth(tx, d)
	} else {
		d.out.Blocked = m.Status
	}
	s.bookAll(tx, p, d, source)
	for _, c := range d.out.Carries {
		carry(tx, m.ID, c.Rule, c.Micro)
	}
	return s.keep(tx, m.ID, cause, d.out)
}

// bookAll posts the awards. One that the ledger refuses is withheld alone: money never waits for marketing.
func (s *Service) bookAll(tx *db.Tx, p points.Settings, d *decider, source string) {
	awards := d.out.Awards
	d.out.Awards = nil
	for _, a := range awards {
		err := tx.Try(func(tx *db.Tx) error { return s.book(tx, p, d.in, &a, source) })
		if err == nil {
			d.out.Awards = append(d.out.Awards, a)
			continue
		}
		d.out.Skips = append(d.out.Skips, Skip{a.Version, a.Rule, SkipWithheld, &a.Calc})
		s.returnCaps(tx, d.out, &a, d.in.Member, a.Points)
		d.out.Carries = slices.DeleteFunc(d.out.Carries, func(c Carry) bool { return c.Rule == a.Rule })
		s.withheld(tx, a.Rule, a.Version, d.in, err)
	}
}

// givenBefore says that a member, or one merged into it, got this before: joining and completing a profile count once a person.
func givenBefore(r db.Reader, c *compiled, memberID int64, source string) bool {
	for _, f := range member.Family(r, memberID) {
		if _, ok := ledger.EntryBySource(r, f, c.asset, source+":"+id.String(c.Rule)); ok {
			return true
		}
	}
	return false
}

// withheld tells that a rule failed; even telling must not stop the payment.
func (s *Service) withheld(tx *db.Tx, rule, version int64, in *Input, err error) {
	_ = tx.Try(func(tx *db.Tx) error {
		_, ferr := fact.Emit(tx, in.Member, Withheld{rule, version, in.Cause, err.Error()})
		return ferr
	})
}

// growth adds what the tier's own sources give for an order: for the money, and once a local day for being active.
func (s *Service) growth(tx *db.Tx, d *decider) {
	if d.in.Order == nil {
		return
	}
	t := tier.Policy.At(tx, d.in.Occurred).Value
	a := Award{Asset: ledger.Growth, Calc: Calc{Fen: d.in.Eligible, ByLine: true}}
	a.Points = t.GrowthOf(tier.SourceSpend, d.in.Eligible)
	for _, w := range d.out.Awards {
		if w.Asset == ledger.Points {
			a.Points += t.GrowthOf(tier.SourcePoints, w.Points)
		}
	}
	a.Calc.Points, a.Lines = a.Points, shares(a.Points, d.in)
	if d.in.FirstToday {
		a.Active = t.GrowthOf(tier.SourceActiveDay, 1)
		a.Points += a.Active
	}
	if a.Points > 0 {
		d.out.Awards = append(d.out.Awards, a)
	}
}

// book posts one award to the ledger.
func (s *Service) book(tx *db.Tx, p points.Settings, in *Input, a *Award, source string) error {
	c := ledger.Credit{Member: in.Member, Asset: a.Asset, Amount: a.Points, Kind: ledger.KindEarn, Occurred: in.Occurred, Class: a.Class,
		Rule: a.Version, Ref: source, Bearer: a.Bearer, Source: source + ":" + id.String(a.Rule)}
	switch a.Asset {
	case ledger.Growth:
		c.Expires = s.Zone.ExpireAfterMonths(tx.Now(), tier.Policy.At(tx, tx.Now()).Value.GrowthMonths)
	default:
		c.Expires = p.Expiry(s.Zone, a.Class, tx.Now())
		if in.Order != nil {
			c.Matures = p.Matures(s.Zone, tx.Now())
		}
	}
	if in.Order != nil {
		c.Source, c.Fresh = ledger.AwardSource(in.Order.ID, a.Rule), true
	}
	e, err := s.Ledger.Add(tx, c)
	a.Seq, a.Lot, a.Expires, a.At = e.Seq, e.Lot, e.Expires, e.At
	return err
}

func (s *Service) keep(tx *db.Tx, member, cause int64, d Decision) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	d.Awards, d.Carries = slices.Clone(d.Awards), slices.Clone(d.Carries)
	decisions.Put(tx, decisionRow{cause, member, tx.Now(), string(b), &d})
	return nil
}

// DecisionOf reads why a cause gave what it gave.
func DecisionOf(r db.Reader, memberID, cause int64) (Decision, bool, error) {
	row, ok := decisions.Get(r, cause)
	if !ok || row.Member != memberID {
		return Decision{}, false, nil
	}
	if row.made != nil {
		d := *row.made
		d.Awards, d.Carries = slices.Clone(d.Awards), slices.Clone(d.Carries) // who takes back writes into them
		return d, true, nil
	}
	var d Decision
	err := json.Unmarshal([]byte(row.Body), &d)
	return d, true, err
}

// judgedOf reads of a decision only under what it was made: its head, which the awards follow.
func judgedOf(r db.Reader, memberID, cause int64) (d Decision, known bool, err error) {
	row, ok := decisions.Get(r, cause)
	if !ok || row.Member != memberID {
		return Decision{}, false, nil
	}
	err = json.Unmarshal([]byte(headOf(row.Body)), &d)
	return d, true, err
}

// headOf cuts the lists off the JSON of a decision. Inside a text of JSON no quote stands alone, so these are found nowhere else.
func headOf(body string) string {
	for _, list := range []string{`,"aw":`, `,"sk":`, `,"cy":`} {
		if head, _, found := strings.Cut(body, list); found {
			return head + "}"
		}
	}
	return body
}

// OnRefunded takes back the refunded share of every award of an order (扣回): from the order's own lots first, then by the debt
// policy. The growth of the purchase goes from its own lot, so it leaves the period it was earned in.
func (s *Service) OnRefunded(tx *db.Tx, o *order.Order, refund int64) error {
	d, ok, err := DecisionOf(tx, o.Member, o.ID)
	if err != nil || !ok {
		return err
	}
	now, err := order.Owner(tx, o)
	if err != nil {
		return err
	}
	in := &Input{Order: o, Occurred: o.Occurred, Zone: s.Zone}
	p := points.Policy.At(tx, o.Occurred).Value
	for i := range d.Awards {
		a := &d.Awards[i]
		due := a.clawOf(in, o.Refunded, o.Amount, o.Status == order.Refunded) - a.Clawed - a.Forgone
		if due <= 0 {
			continue
		}
		was := a.Clawed
		if err := s.claw(tx, p, a, now.ID, o, refund, due); err != nil {
			return err
		}
		s.returnCaps(tx, d, a, now.ID, a.Clawed-was)
	}
	d.carryBack(o.Refunded, o.Amount, o.Status == order.Refunded, func(rule, by int64) { carry(tx, now.ID, rule, by) })
	return s.keep(tx, o.Member, o.ID, d)
}

func (s *Service) claw(tx *db.Tx, p points.Settings, a *Award, owner int64, o *order.Order, refund, due int64) error {
	q := ledger.Debit{Member: owner, Asset: a.Asset, Amount: due, Kind: ledger.KindClawback, Fresh: true,
		Source: clawSource(refund, a.Rule), Occurred: a.At, Rule: a.Version, Bearer: a.Bearer, Ref: fmt.Sprintf("order:%d", o.ID),
		Prefer: []ledger.LotKey{{Asset: a.Asset, Expires: a.Expires, Lot: a.Lot}}, Short: ledger.ShortClip, Only: true}
	if a.Asset == ledger.Points {
		s.applyDebtPolicy(tx, &q, p, a)
	}
	e, err := s.Ledger.Take(tx, q)
	if err != nil && p.DebtPolicy == points.HoldForCash && a.Asset == ledger.Points {
		short := due
		if f := fault.As(err); f != nil && fault.Is(err, ledger.ErrInsufficient) {
			short -= f.Params["available"].(int64)
		}
		return points.ErrCashFirst.With("short", short).Because(err)
	}
	if err != nil {
		return err
	}
	a.Clawed += -e.Amount
	a.Forgone += due + e.Amount
	return nil
}

// OnClosed makes what is still pending of an order spendable: it waited for the return window, and that is over.
func (s *Service) OnClosed(tx *db.Tx, o *order.Order) error {
	d, ok, err := DecisionOf(tx, o.Member, o.ID)
	if err != nil || !ok {
		return err
	}
	now, err := order.Owner(tx, o)
	if err != nil {
		return err
	}
	var lots []ledger.LotKey
	for _, a := range d.Awards {
		if a.Asset == ledger.Points {
			lots = append(lots, ledger.LotKey{Expires: a.Expires, Lot: a.Lot})
		}
	}
	_, err = s.Ledger.Mature(tx, now.ID, ledger.Points, lots, "close:"+id.String(o.ID), "order:"+id.String(o.ID))
	return err
}

func clawSource(refund, rule int64) string { return fmt.Sprintf("clawback:%d:%d", refund, rule) }

// clawedBy is what a refund has taken back of an award, from one of these ids of a member.
func clawedBy(r db.Reader, ids []int64, refund int64, a *Award) int64 {
	for _, id := range ids {
		if e, ok := ledger.EntryBySource(r, id, a.Asset, clawSource(refund, a.Rule)); ok {
			return -e.Amount
		}
	}
	return 0
}

func (s *Service) applyDebtPolicy(tx *db.Tx, q *ledger.Debit, p points.Settings, a *Award) {
	switch p.DebtPolicy {
	case points.PendingOnly:
		lot, ok := ledger.Lots.Get(tx, ledger.LotKey{Member: q.Member, Asset: a.Asset, Expires: a.Expires, Lot: a.Lot})
		if !ok || lot.Matures <= tx.Now() {
			q.Prefer = nil
		}
	case points.HoldForCash:
		q.Short, q.Only = ledger.ShortRefuse, !p.ClawOthers
	case points.DebtWithCap:
		q.Short, q.Only = ledger.ShortDebt, !p.ClawOthers
		if p.DebtCap > 0 { // up to the cap; what is beyond is written off, and recorded as such
			q.Short, q.DebtCap = ledger.ShortDebtClip, p.DebtCap
		}
	default:
		q.Only = !p.ClawOthers
	}
}

// returnCaps gives back what the award had used of caps and budget, as far as it was taken back.
func (s *Service) returnCaps(tx *db.Tx, d Decision, a *Award, owner, n int64) {
	v, ok := Versions.Get(tx, a.Version)
	if !ok {
		return
	}
	g := reward.Gift{Member: owner, Rule: a.Rule, Day: d.Day}
	if a.Asset == ledger.Points {
		g.DailyAll = points.Policy.At(tx, tx.Now()).Value.DailyCap
	}
	v.SpecOf().Caps.Return(reward.Rows{Tx: tx}, g, n, s.Zone.LocalDay(tx.Now()))
}

// Draft makes a new version of a rule; rule 0 makes a new rule.
func (s *Service) Draft(tx *db.Tx, rule int64, spec Spec) (Version, error) {
	if _, err := compile(Version{}, spec); err != nil {
		return Version{}, err
	}
	if rule == 0 {
		rule = tx.ID()
		if err := Rules.Insert(tx, Rule{rule, spec.Kind, tx.Now(), tx.Actor()}); err != nil {
			return Version{}, err
		}
	}
	r, ok := Rules.Get(tx, rule)
	if !ok {
		return Version{}, ErrNoRule.New()
	}
	if r.Kind != spec.Kind {
		return Version{}, ErrKindFixed.New().At("kind")
	}
	body, err := json.Marshal(spec)
	if err != nil {
		return Version{}, err
	}
	v := Version{ID: tx.ID(), Rule: rule, No: len(versionsOf(tx, rule)) + 1, State: Draft, Body: string(body), Author: tx.Actor(), Created: tx.Now()}
	return v, Versions.Insert(tx, v)
}

// Edit changes a draft.
func (s *Service) Edit(tx *db.Tx, version int64, spec Spec) (Version, error) {
	v, ok := Versions.Get(tx, version)
	if !ok {
		return v, ErrNoRule.New()
	}
	if v.State != Draft {
		return v, ErrState.With("state", v.State)
	}
	if r, _ := Rules.Get(tx, v.Rule); r.Kind != spec.Kind {
		return v, ErrKindFixed.New().At("kind")
	}
	if _, err := compile(v, spec); err != nil {
		return v, err
	}
	body, err := json.Marshal(spec)
	if err != nil {
		return v, err
	}
	v.Body, v.Author = string(body), tx.Actor()
	Versions.Put(tx, v)
	return v, nil
}

// Publish puts a draft in force from an instant (0 is now); the version in force until then ends there, and a version
// announced for later takes over at its time.
func (s *Service) Publish(tx *db.Tx, version, from int64, note string) (Version, error) {
	v, ok := Versions.Get(tx, version)
	if !ok {
		return v, ErrNoRule.New()
	}
	if v.State != Draft {
		return v, ErrState.With("state", v.State)
	}
	if from == 0 {
		from = tx.Now()
	}
	if from < tx.Now() {
		return v, ErrFrom.New().At("from")
	}
	published, until := 0, clock.Never
	for _, other := range versionsOf(tx, 0) {
		if other.State == Draft || other.Until <= max(tx.Now(), other.From) {
			continue
		}
		published++
		switch {
		case other.Rule != v.Rule || other.Until <= from:
		case other.From > from:
			until = min(until, other.From)
		default: // also one that was to be retired later: two in force would give twice
			other.Until = from
			Versions.Put(tx, other)
		}
	}
	if published >= maxPublished {
		return v, ErrTooMany.With("max", maxPublished)
	}
	v.State, v.From, v.Until, v.PublishedBy, v.PublishedAt, v.Note = Published, from, until, tx.Actor(), tx.Now(), note
	Versions.Put(tx, v)
	return v, s.changed(tx, v)
}

// Retire ends a published version at an instant (0 is now).
func (s *Service) Retire(tx *db.Tx, version, at int64) (Version, error) {
	v, ok := Versions.Get(tx, version)
	if !ok {
		return v, ErrNoRule.New()
	}
	if v.State != Published {
		return v, ErrState.With("state", v.State)
	}
	if at == 0 {
		at = tx.Now()
	}
	if at < tx.Now() {
		return v, ErrFrom.New().At("at")
	}
	v.State, v.Until = Retired, min(v.Until, at)
	Versions.Put(tx, v)
	return v, s.changed(tx, v)
}

func (s *Service) changed(tx *db.Tx, v Version) error {
	ruleSets.Bump(tx)
	_, err := fact.Emit(tx, 0, VersionChanged{v.Rule, v.ID, v.State, v.From})
	return err
}

// ActiveVersions lists the versions in force for an instant.
func ActiveVersions(r db.Reader, at int64) []Version {
	var out []Version
	for _, c := range ruleSets.Get(r).all {
		if c.From <= at && at < c.Until {
			out = append(out, c.Version)
		}
	}
	return out
}

// Found puts a rule in force from the beginning of time. Only the first start of an installation may do so:
// later, what has been judged stays judged.
func (s *Service) Found(tx *db.Tx, spec Spec) error {
	v, err := s.Draft(tx, 0, spec)
	if err != nil {
		return err
	}
	v.State, v.From, v.Until, v.PublishedBy, v.PublishedAt = Published, 0, clock.Never, tx.Actor(), tx.Now()
	Versions.Put(tx, v)
	return s.changed(tx, v)
}
