package tier

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/job"
	"guanxi/internal/base/setting"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
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
		st = State{Member: member, Manual: none, Benefits: none, Until: clock.Never, Next: clock.Never}
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

// Enjoyed is the rank whose benefits a member has at an instant: that of the tier held, unless a refund has stopped them.
func (st State) Enjoyed(at int64) int {
	rank := st.Earned
	if st.Benefits != none {
		rank = min(rank, st.Benefits)
	}
	if st.Manual != none && at < st.ManualUntil {
		rank = max(rank, st.Manual)
	}
	return rank
}

// Of gives where a member stands now.
func Of(r db.Reader, member int64) State { return stateOf(r, member) }

// counted is the rank a member is counted under since its last change; a manual tier counts until a review ends it.
func (st State) counted() int { return max(st.Earned, st.Manual) }

// EnjoyedAt gives the rank whose benefits a member had at an instant, from the history.
func EnjoyedAt(r db.Reader, member, at int64) int {
	st := stateOf(r, member)
	if st.Seq == 0 || at >= st.Since {
		return st.Enjoyed(at)
	}
	rank := 0
	for _, i := range HistoryOf(r, member) {
		if i.From <= at {
			if rank = i.Tier; i.Enjoyed != none {
				rank = i.Enjoyed
			}
		}
	}
	return rank
}

// Ladder tells which ladder has come into force.
type Ladder struct {
	From int64 `json:"from"`
}

// Reassess lifts everybody whose growth reaches more on a new ladder; who reaches less keeps the tier until its review.
const Reassess job.Kind[Ladder] = "tier.reassess"

// SetPolicy makes a version of the ladder.
func SetPolicy(tx *db.Tx, next Settings, from int64, note string) (setting.Version[Settings], error) {
	if err := next.Check(); err != nil {
		return setting.Version[Settings]{}, err
	}
	v, err := Policy.Set(tx, next, from, note)
	if err != nil {
		return v, err
	}
	_, err = job.Add(tx, Reassess, Ladder{v.From}, job.At(v.From))
	return v, err
}

// Lift raises a member to what its growth reaches now.
func (s *Service) Lift(tx *db.Tx, memberID int64) error {
	a, err := s.Ledger.Settle(tx, memberID, ledger.Growth)
	if err != nil || gone(tx, memberID) {
		return err
	}
	rules := Policy.At(tx, tx.Now()).Value
	st := stateOf(tx, memberID)
	reached := rules.For(a.Balance)
	if reached <= st.Earned {
		return nil
	}
	return s.move(tx, st, reached, s.validity(rules, reached, tx.Now()), ReasonUpgrade, "")
}

// OnJoined counts a new member among the lowest.
func (s *Service) OnJoined(tx *db.Tx, _ int64) error {
	bump(tx, standings, 0, 1)
	bump(tx, counts, 0, 1)
	return nil
}

// OnLeft takes a member out of the standing and the reviews: it was merged or cancelled. Call it before its growth moves.
func (s *Service) OnLeft(tx *db.Tx, member int64) error {
	s.present(tx, member, -1)
	if st := stateOf(tx, member); st.Seq > 0 {
		st.Next = clock.Never
		States.Put(tx, st)
	}
	return nil
}

// OnBack puts a member into the standing and the reviews again.
func (s *Service) OnBack(tx *db.Tx, member int64) error {
	s.present(tx, member, 1)
	if st := stateOf(tx, member); st.Seq > 0 {
		s.schedule(tx, &st)
		States.Put(tx, st)
	}
	return nil
}

// present counts a member in or out, as its growth is booked: that is how the standing knows it.
func (s *Service) present(tx *db.Tx, member int64, by int64) {
	a, _ := ledger.Accounts.Get(tx, ledger.AccountKey{Member: member, Asset: ledger.Growth})
	bump(tx, standings, Band(a.Balance), by)
	bump(tx, counts, stateOf(tx, member).counted(), by)
}

// gone says that a member is no longer one: nothing that happens to its old growth counts.
func gone(r db.Reader, id int64) bool {
	m, ok := member.Members.Get(r, id)
	return ok && (m.Into != 0 || m.Status == member.Cancelled)
}

// OnGrowth follows a growth entry: the standing, and an upgrade at once.
func (s *Service) OnGrowth(tx *db.Tx, member int64, p ledger.Posted) error {
	if gone(tx, member) {
		return nil
	}
	if was, is := Band(p.Balance-p.Amount), Band(p.Balance); was != is {
		bump(tx, standings, was, -1)
		bump(tx, standings, is, 1)
	}
	rules := Policy.At(tx, tx.Now()).Value
	st := stateOf(tx, member)
	switch reached := rules.For(p.Balance); {
	case reached > st.Earned && p.Kind != ledger.KindMerge && p.Kind != ledger.KindUnmerge:
		return s.move(tx, st, reached, s.validity(rules, reached, tx.Now()), ReasonUpgrade, "")
	case p.Kind == ledger.KindClawback && rules.RefundPolicy != "at_end" && rules.RefundPolicy != "" && reached < st.Earned:
		return s.refunded(tx, rules, st, reached, p)
	case st.Benefits != none && reached > st.Benefits:
		return s.giveBenefits(tx, st, reached)
	}
	return nil
}

// refunded takes back an upgrade that a refunded purchase gave: down to what the member held before it,
// but never below what the remaining growth reaches. Tiers earned before the purchase stand until their validity ends.
// Where the programme protects tiers, the tier itself stands as well: only its benefits become those of the lower one.
func (s *Service) refunded(tx *db.Tx, rules Settings, st State, reached int, p ledger.Posted) error {
	before := heldBefore(tx, st.Member, p.Occurred)
	to := max(before.Earned, reached)
	if rules.RefundPolicy == "protect" {
		return s.stopBenefits(tx, st, before, reached)
	}
	if to >= st.Earned {
		return nil
	}
	return s.move(tx, st, to, s.fallback(tx, rules, before, to), ReasonRefund, "")
}

// stopBenefits leaves a tier and stops what is above the benefits that were there before the refunded purchase.
func (s *Service) stopBenefits(tx *db.Tx, st State, before Interval, reached int) error {
	had := before.Earned
	if before.Benefits != none {
		had = min(had, before.Benefits)
	}
	to, now := max(had, reached), st.Earned
	if st.Benefits != none {
		now = min(now, st.Benefits)
	}
	if to >= now {
		return nil
	}
	st.Benefits = to
	return s.record(tx, st, ReasonRefund, "")
}

// giveBenefits gives back what a refund has stopped, as far as growth reaches again.
func (s *Service) giveBenefits(tx *db.Tx, st State, reached int) error {
	if st.Benefits = reached; reached >= st.Earned {
		st.Benefits = none
	}
	return s.record(tx, st, ReasonBack, "")
}

// heldBefore is the last row of history that began before an instant.
func heldBefore(r db.Reader, member, at int64) Interval {
	before := Interval{EarnedUntil: clock.Never, Benefits: none}
	for _, i := range HistoryOf(r, member) {
		if i.From < at {
			before = i
		}
	}
	return before
}

// fallback is the validity of a tier that is gone back to: what it had left, so that taking something back renews nothing.
func (s *Service) fallback(tx *db.Tx, rules Settings, before Interval, to int) int64 {
	if to == before.Earned && before.EarnedUntil > tx.Now() {
		return before.EarnedUntil
	}
	return s.validity(rules, to, tx.Now())
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
	st.Earned, st.Until, st.Warned, st.Benefits = to, until, 0, none
	return s.record(tx, st, reason, note)
}

// record ends a manual tier whose time is over, and records a change that happens now.
func (s *Service) record(tx *db.Tx, st State, reason, note string) error {
	if err := s.endManual(tx, &st); err != nil {
		return err
	}
	return s.change(tx, st, tx.Now(), reason, note)
}

// endManual records the end of a manual tier at the instant it had, however late it is looked at.
func (s *Service) endManual(tx *db.Tx, st *State) error {
	old := stateOf(tx, st.Member)
	if old.Manual == none || tx.Now() < old.ManualUntil {
		return nil
	}
	ended := old
	ended.Manual = none
	if err := s.change(tx, ended, old.ManualUntil, ReasonEnded, ""); err != nil {
		return err
	}
	st.Seq = stateOf(tx, st.Member).Seq
	if st.Manual == old.Manual && st.ManualUntil == old.ManualUntil {
		st.Manual = none
	}
	return nil
}

// change writes a state and, for whatever changed, a row of history; intervals meet without holes.
func (s *Service) change(tx *db.Tx, st State, from int64, reason, note string) error {
	was := stateOf(tx, st.Member).counted()
	if st.Seq == 0 { // the first row of history is the time since joining
		st.Seq++
		first := Interval{Member: st.Member, Seq: st.Seq, Benefits: none, Enjoyed: none, Until: clock.Never, EarnedUntil: clock.Never, Reason: ReasonJoin, Actor: tx.Actor()}
		if err := History.Insert(tx, first); err != nil {
			return err
		}
	}
	st.Seq++
	st.Since = from
	now := st.counted()
	row := Interval{Member: st.Member, Seq: st.Seq, Tier: now, Earned: st.Earned, From: from, Until: s.endOf(st), EarnedUntil: st.Until,
		Reason: reason, Note: note, Actor: tx.Actor(), Cause: tx.Cause(), Benefits: st.Benefits, Enjoyed: none}
	if has := st.Enjoyed(from); has != now {
		row.Enjoyed = has
	}
	if err := History.Insert(tx, row); err != nil {
		return err
	}
	s.schedule(tx, &st)
	States.Put(tx, st)
	if now == was && reason != ReasonKept {
		return nil
	}
	if now != was && !gone(tx, st.Member) {
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

// schedule sets when time will next do something to a member; to one who left it does nothing more.
func (s *Service) schedule(tx *db.Tx, st *State) {
	st.Next = clock.Never
	if gone(tx, st.Member) {
		return
	}
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
		return s.endManual(tx, &st)
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
	return s.move(tx, st, to, s.validity(rules, to, st.Until-1), ReasonNotKept, "")
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
		until = s.validity(rules, st.Earned, until-1)
	}
	st.Until, st.Warned, st.Benefits = until, 0, none
	return s.record(tx, st, ReasonKept, "")
}

// growthAt is what of today's growth will still count at an instant.
func (s *Service) growthAt(r db.Reader, member, at int64) int64 {
	left := ledger.Now(r, member, ledger.Growth).Balance
	for _, e := range ledger.ExpiringBefore(r, member, ledger.Growth, at+1) {
		left -= e.Amount
	}
	return left
}

// Grant gives a tier by hand until an instant (手工等级); it never lowers what is earned. While it runs a lesser one
// does not replace it; the lowest tier takes it back.
func (s *Service) Grant(tx *db.Tx, member int64, rank int, until int64, note string) error {
	rules := Policy.At(tx, tx.Now()).Value
	if rank < 0 || rank >= len(rules.Levels) {
		return ErrNone.New().At("tier")
	}
	if until <= tx.Now() {
		return ErrUntil.New().At("until")
	}
	st := stateOf(tx, member)
	if rank > 0 && st.lesser(rank, until, tx.Now()) {
		return ErrLower.With("tier", rules.Level(st.Manual).Key).At("tier")
	}
	st.Manual, st.ManualUntil = rank, until
	if rank == 0 {
		st.Manual = none
	}
	return s.record(tx, st, ReasonManual, note)
}

// lesser says that a manual tier is less than the one that runs.
func (st State) lesser(rank int, until, now int64) bool {
	return st.Manual != none && st.ManualUntil > now && (rank < st.Manual || rank == st.Manual && until < st.ManualUntil)
}

// OnMerged gives the survivor the higher tier with its own validity.
func (s *Service) OnMerged(tx *db.Tx, from, into int64) error {
	a, b := stateOf(tx, from), stateOf(tx, into)
	reached := Policy.At(tx, tx.Now()).Value.For(ledger.Now(tx, into, ledger.Growth).Balance)
	changed := false
	if a.Earned > b.Earned || a.Earned == b.Earned && a.Until > b.Until {
		b.Earned, b.Until, b.Warned, b.Benefits = a.Earned, a.Until, a.Warned, a.Benefits
		changed = true
	}
	if b.Benefits != none && reached > b.Benefits {
		b.Benefits, changed = reached, true
	}
	if reached > b.Earned {
		b.Earned, b.Warned, b.Benefits = reached, 0, none
		b.Until = s.validity(Policy.At(tx, tx.Now()).Value, reached, tx.Now())
		changed = true
	}
	if a.Manual != none && a.ManualUntil > tx.Now() && !b.lesser(a.Manual, a.ManualUntil, tx.Now()) {
		b.Manual, b.ManualUntil = a.Manual, a.ManualUntil
		changed = true
	}
	if !changed {
		return nil
	}
	return s.record(tx, b, ReasonMerge, "")
}

// OnUnmerged takes from the survivor what the merge gave it: it falls back to what it held before, or to what its own
// growth reaches now. The member that leaves has kept its own tier, and rises when its growth says so.
func (s *Service) OnUnmerged(tx *db.Tx, from, into, mergedAt int64) error {
	rules := Policy.At(tx, tx.Now()).Value
	st := stateOf(tx, into)
	before := heldBefore(tx, into, mergedAt)
	changed := false
	if left := stateOf(tx, from); st.Manual != none && st.Manual == left.Manual && st.ManualUntil == left.ManualUntil && before.Tier == before.Earned {
		st.Manual, changed = none, true
	}
	if to := max(before.Earned, rules.For(ledger.Now(tx, into, ledger.Growth).Balance)); to < st.Earned {
		st.Earned, st.Until, st.Warned, st.Benefits, changed = to, s.fallback(tx, rules, before, to), 0, none, true
	}
	if changed {
		if err := s.record(tx, st, ReasonUnmerge, ""); err != nil {
			return err
		}
	}
	return s.Lift(tx, from)
}
