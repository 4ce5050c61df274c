package tier

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/setting"
	"guanxi/internal/loyalty/ledger"
)

// Service is what others may call.
type Service struct {
	Zone   clock.Zone
	Ledger *ledger.Ledger

	standing heldStanding
}

// Wire tells the database what to read for every group.
func (s *Service) Wire(d *db.DB) { db.Load(d, States) }

const none = -1

func stateOf(r db.Reader, member int64) State {
	st, ok := States.Get(r, member)
	if !ok {
		st = State{Member: member, Manual: none, Until: clock.Never, Next: clock.Never}
	}
	return st
}

// Held is the rank a member holds at an instant.
func (st State) Held(at int64) int {
	if st.Manual != none && at < st.ManualUntil {
		return max(st.Earned, st.Manual)
	}
	return st.Earned
}

// Of gives where a member stands now.
func Of(r db.Reader, member int64) State { return stateOf(r, member) }

// At gives the rank a member held at an instant, from the history.
func At(r db.Reader, member, at int64) int {
	st := stateOf(r, member)
	if st.Seq == 0 || at >= st.EarnedAt && st.Manual == none {
		return st.Held(at)
	}
	rank := 0
	for _, i := range HistoryOf(r, member) {
		if i.From <= at {
			rank = i.Tier
		}
	}
	return rank
}

// SetPolicy makes a version of the ladder.
func SetPolicy(tx *db.Tx, next Settings, from int64, note string) (setting.Version[Settings], error) {
	if err := next.Check(); err != nil {
		return setting.Version[Settings]{}, err
	}
	return Policy.Set(tx, next, from, note)
}

// OnJoined counts a new member among the lowest.
func (s *Service) OnJoined(tx *db.Tx, _ int64) error {
	bump(tx, standings, 0, 1)
	bump(tx, counts, 0, 1)
	return nil
}

// OnLeft takes a member out of the standing: it was merged or cancelled.
func (s *Service) OnLeft(tx *db.Tx, member int64) error { return s.present(tx, member, -1) }

// OnBack puts a member into the standing again.
func (s *Service) OnBack(tx *db.Tx, member int64) error { return s.present(tx, member, 1) }

func (s *Service) present(tx *db.Tx, member int64, by int64) error {
	a, err := s.Ledger.Settle(tx, member, ledger.Growth)
	if err != nil {
		return err
	}
	bump(tx, standings, Band(a.Balance), by)
	bump(tx, counts, stateOf(tx, member).Held(tx.Now()), by)
	return nil
}

// OnGrowth follows a growth entry: the standing, and an upgrade at once.
func (s *Service) OnGrowth(tx *db.Tx, member int64, p ledger.Posted) error {
	if was, is := Band(p.Balance-p.Amount), Band(p.Balance); was != is {
		bump(tx, standings, was, -1)
		bump(tx, standings, is, 1)
	}
	rules := Policy.At(tx, tx.Now()).Value
	st := stateOf(tx, member)
	switch reached := rules.For(p.Balance); {
	case reached > st.Earned && p.Kind != ledger.KindMerge && p.Kind != ledger.KindUnmerge:
		return s.move(tx, st, reached, s.validity(rules, reached, tx.Now()), ReasonUpgrade, "")
	case p.Kind == ledger.KindClawback && rules.RefundPolicy == "immediate" && reached < st.Earned:
		return s.refunded(tx, rules, st, reached, p)
	}
	return nil
}

// refunded takes back an upgrade that a refunded purchase gave: down to what the member held before it,
// but never below what the remaining growth reaches. Tiers earned before the purchase stand until their validity ends.
func (s *Service) refunded(tx *db.Tx, rules Settings, st State, reached int, p ledger.Posted) error {
	before := 0
	for _, i := range HistoryOf(tx, st.Member) {
		if i.From < p.Occurred {
			before = i.Tier
		}
	}
	to := max(before, reached)
	if to >= st.Earned {
		return nil
	}
	return s.move(tx, st, to, s.validity(rules, to, tx.Now()), ReasonRefund, "")
}

// validity is when a tier held from an instant is reviewed; the lowest has nothing to lose.
func (s *Service) validity(rules Settings, rank int, at int64) int64 {
	if rank == 0 {
		return clock.Never
	}
	return s.Zone.ExpireAfterMonths(at, rules.ValidMonths)
}

// move changes the earned tier and records it.
func (s *Service) move(tx *db.Tx, st State, to int, until int64, reason, note string) error {
	was := st.Held(tx.Now())
	st.Earned, st.EarnedAt, st.Until, st.Warned = to, tx.Now(), until, 0
	return s.record(tx, st, was, reason, note)
}

// record writes a state and, for whatever changed, a row of history; intervals meet without holes.
func (s *Service) record(tx *db.Tx, st State, was int, reason, note string) error {
	if st.Seq == 0 { // the first row of history is the time since joining
		st.Seq++
		first := Interval{Member: st.Member, Seq: st.Seq, Tier: 0, From: 0, Until: clock.Never, Reason: ReasonJoin, Actor: tx.Actor()}
		if err := History.Insert(tx, first); err != nil {
			return err
		}
	}
	st.Seq++
	now := st.Held(tx.Now())
	row := Interval{Member: st.Member, Seq: st.Seq, Tier: now, From: tx.Now(), Until: s.endOf(st), Reason: reason, Note: note, Actor: tx.Actor(), Cause: tx.Cause()}
	if err := History.Insert(tx, row); err != nil {
		return err
	}
	s.schedule(tx, &st)
	States.Put(tx, st)
	if now == was && reason != ReasonKept {
		return nil
	}
	if now != was {
		bump(tx, counts, was, -1)
		bump(tx, counts, now, 1)
	}
	_, err := fact.Emit(tx, st.Member, Changed{was, now, reason, row.Until})
	return err
}

func (s *Service) endOf(st State) int64 {
	if st.Manual > st.Earned {
		return st.ManualUntil
	}
	return st.Until
}

// schedule sets when time will next do something to a member.
func (s *Service) schedule(tx *db.Tx, st *State) {
	st.Next = clock.Never
	if st.Earned > 0 {
		st.Next = st.Until
		if st.Warned < warnings {
			rules := Policy.At(tx, tx.Now()).Value
			st.Next = min(st.Until, st.Until-rules.WarnDays[st.Warned]*clock.Day)
		}
	}
	if st.Manual != none {
		st.Next = min(st.Next, st.ManualUntil)
	}
}

// Review does what is due for one member: a warning, keeping, a step down, the end of a manual tier.
// Doing it again, late or twice changes nothing more.
func (s *Service) Review(tx *db.Tx, member int64) error {
	for range 8 {
		st := stateOf(tx, member)
		if tx.Now() < st.Next {
			return nil
		}
		if err := s.reviewOnce(tx, st); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) reviewOnce(tx *db.Tx, st State) error {
	if st.Manual != none && tx.Now() >= st.ManualUntil {
		was := max(st.Earned, st.Manual)
		st.Manual = none
		return s.record(tx, st, was, ReasonEnded, "")
	}
	rules := Policy.At(tx, tx.Now()).Value
	a, err := s.Ledger.Settle(tx, st.Member, ledger.Growth)
	if err != nil {
		return err
	}
	st = stateOf(tx, st.Member)
	if tx.Now() < st.Until {
		return s.warn(tx, rules, st)
	}
	if a.Balance >= rules.Level(st.Earned).Keep {
		return s.keep(tx, rules, st)
	}
	if st.Warned < warnings {
		return s.late(tx, rules, st, a.Balance)
	}
	to := max(st.Earned-1, rules.For(a.Balance))
	return s.move(tx, st, to, s.validity(rules, to, st.Until), ReasonNotKept, "")
}

// warn tells a member, if what will be left of its growth at the end of validity won't do.
func (s *Service) warn(tx *db.Tx, rules Settings, st State) error {
	left := s.growthAt(tx, st.Member, st.Until)
	due := 0
	for _, d := range rules.WarnDays {
		if tx.Now() >= st.Until-d*clock.Day {
			due++
		}
	}
	need := rules.Level(st.Earned).Keep
	if left < need {
		if err := s.notice(tx, &st, need-left); err != nil {
			return err
		}
		due = max(due, st.Warned)
	}
	// Warnings that were not needed are passed over; should growth fall short later, late ones make up for them.
	next := st.Until
	if due < warnings {
		next = st.Until - rules.WarnDays[due]*clock.Day
	}
	if st.Manual != none {
		next = min(next, st.ManualUntil)
	}
	st.Next = max(next, tx.Now()+1)
	States.Put(tx, st)
	return nil
}

func (s *Service) notice(tx *db.Tx, st *State, short int64) error {
	if st.Warned >= warnings {
		return nil
	}
	st.Warned++
	if err := Notices.Insert(tx, Notice{st.Member, tx.Now(), st.Warned, st.Until, short}); err != nil {
		return err
	}
	_, err := fact.Emit(tx, st.Member, Warned{st.Warned, st.Until, short})
	return err
}

// late warns a member whose growth fell short after the time of warnings: the tier stays until three notices were given.
func (s *Service) late(tx *db.Tx, rules Settings, st State, growth int64) error {
	st.Until = s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(tx.Now()), int(rules.GraceDays)))
	if err := s.notice(tx, &st, rules.Level(st.Earned).Keep-growth); err != nil {
		return err
	}
	st.Next = st.Until
	if st.Manual != none {
		st.Next = min(st.Next, st.ManualUntil)
	}
	States.Put(tx, st)
	return nil
}

// keep renews the validity from where it ended (保级).
func (s *Service) keep(tx *db.Tx, rules Settings, st State) error {
	from := st.Until - 1
	until := s.validity(rules, st.Earned, from)
	for until <= tx.Now() { // a review that comes very late catches up
		until = s.validity(rules, st.Earned, until)
	}
	st.Until, st.Warned = until, 0
	return s.record(tx, st, st.Held(tx.Now()), ReasonKept, "")
}

// growthAt is what of today's growth will still count at an instant.
func (s *Service) growthAt(r db.Reader, member, at int64) int64 {
	left := ledger.Now(r, member, ledger.Growth).Balance
	for _, e := range ledger.ExpiringBefore(r, member, ledger.Growth, at+1) {
		left -= e.Amount
	}
	return left
}

// Grant gives a tier by hand until an instant (手工等级); it never lowers what is earned.
func (s *Service) Grant(tx *db.Tx, member int64, rank int, until int64, note string) error {
	rules := Policy.At(tx, tx.Now()).Value
	if rank < 0 || rank >= len(rules.Levels) {
		return ErrNone.New().At("tier")
	}
	if until <= tx.Now() {
		return ErrUntil.New().At("until")
	}
	st := stateOf(tx, member)
	was := st.Held(tx.Now())
	st.Manual, st.ManualUntil = rank, until
	return s.record(tx, st, was, ReasonManual, note)
}

// OnMerged gives the survivor the higher tier with its own validity.
func (s *Service) OnMerged(tx *db.Tx, from, into int64) error {
	a, b := stateOf(tx, from), stateOf(tx, into)
	was := b.Held(tx.Now())
	reached := Policy.At(tx, tx.Now()).Value.For(ledger.Now(tx, into, ledger.Growth).Balance)
	changed := false
	if a.Earned > b.Earned || a.Earned == b.Earned && a.Until > b.Until {
		b.Earned, b.EarnedAt, b.Until, b.Warned = a.Earned, tx.Now(), a.Until, a.Warned
		changed = true
	}
	if reached > b.Earned {
		b.Earned, b.EarnedAt, b.Warned = reached, tx.Now(), 0
		b.Until = s.validity(Policy.At(tx, tx.Now()).Value, reached, tx.Now())
		changed = true
	}
	if a.Manual != none && a.ManualUntil > tx.Now() && a.Manual >= b.Manual {
		b.Manual, b.ManualUntil = a.Manual, a.ManualUntil
		changed = true
	}
	if !changed {
		return nil
	}
	return s.record(tx, b, was, ReasonMerge, "")
}
