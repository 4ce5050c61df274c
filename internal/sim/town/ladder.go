package town

// ladder is a version of the tiers.
type ladder struct {
	from       int64
	growth     []int64 // to reach a tier
	keep       []int64
	multiplier []int64 // in millionths
	lifted     bool
}

func (l *ladder) reached(growth int64) (rank int) {
	for i, need := range l.growth {
		if growth >= need {
			rank = i
		}
	}
	return rank
}

// interval is a stretch of time in one tier.
type interval struct {
	tier, earned int
	from, until  int64
	earnedUntil  int64
	reason       string
}

type warning struct {
	n            int
	until, short int64
}

const byHandNone = -1

// tiers is where a person stands, and how it came there.
type tiers struct {
	earned      int
	until       int64
	warned      int // since the tier was earned or kept
	seen        int // dates of warning that were looked at
	byHand      int
	byHandUntil int64
	rows        []interval
	warnings    []warning
}

var warnDays = []int64{30, 14, 3}

const (
	graceDays   = 7
	tierMonths  = 12
	needWarning = 3
)

func (s *tiers) held(at int64) int {
	if s.byHand != byHandNone && at < s.byHandUntil {
		return max(s.earned, s.byHand)
	}
	return s.earned
}

// heldAt is the tier a person held at an instant of the past, or of the next hours.
func (s *tiers) heldAt(at int64) int {
	n := len(s.rows)
	if n == 0 || at >= s.rows[n-1].from {
		return s.held(at)
	}
	rank := 0
	for _, r := range s.rows {
		if r.from <= at {
			rank = r.tier
		}
	}
	return rank
}

func validity(rank int, from int64) int64 {
	if rank == 0 {
		return never
	}
	return months(from, tierMonths)
}

// note writes a row of history; whatever wrote it, the dates of warning are looked at again.
func (s *tiers) note(from int64, reason string) {
	if len(s.rows) == 0 {
		s.rows = append(s.rows, interval{until: never, earnedUntil: never, reason: "join"})
	}
	until := s.until
	if s.byHand > s.earned {
		until = s.byHandUntil
	}
	s.rows = append(s.rows, interval{s.held(from), s.earned, from, until, s.until, reason})
	s.seen = s.warned
}

func (s *tiers) move(to int, until, now int64, reason string) {
	s.earned, s.until, s.warned = to, until, 0
	s.note(now, reason)
}

// endByHand ends a tier given by hand at its own instant.
func (s *tiers) endByHand(now int64) {
	if s.byHand == byHandNone || now < s.byHandUntil {
		return
	}
	s.byHand = byHandNone
	s.note(s.byHandUntil, "manual_ended")
}

// grown follows growth that came: a tier reached is held at once.
func (b *Book) grown(p *person) {
	if to := b.ladderAt(b.now).reached(p.growth()); to > p.tier.earned {
		p.tier.move(to, validity(to, b.now), b.now, "upgrade")
	}
}

// shrunk follows growth that a refund took: an upgrade since the purchase was booked falls back to what was held before
// it, with the validity that had, but not below what is left. Nothing happens to the tier of somebody who left.
func (b *Book) shrunk(p *person, booked int64) {
	if p.status == "cancelled" {
		return
	}
	reached := b.ladderAt(b.now).reached(p.growth())
	before := p.tier.before(booked)
	if to := max(before.earned, reached); to < p.tier.earned {
		p.tier.move(to, before.left(to, b.now), b.now, "refund")
	}
}

// before is the last row that began before an instant.
func (s *tiers) before(at int64) interval {
	out := interval{earnedUntil: never}
	for _, r := range s.rows {
		if r.from < at {
			out = r
		}
	}
	return out
}

// left is the validity of a tier that is gone back to: what it still had, else a new one.
func (i interval) left(to int, now int64) int64 {
	if to == i.earned && i.earnedUntil > now {
		return i.earnedUntil
	}
	return validity(to, now)
}

// lift raises everybody whom a ladder that came into force puts higher.
func (b *Book) lift() {
	for i := range b.ladders {
		l := &b.ladders[i]
		if l.from > b.now || l.lifted {
			continue
		}
		l.lifted = true
		for _, p := range b.people {
			if p.into < 0 && p.status != "cancelled" {
				b.grown(b.settle(p))
			}
		}
	}
}

// review is what happens to a person's tier at night.
func (b *Book) review(p *person) {
	s := &p.tier
	s.endByHand(b.now)
	for s.earned > 0 && b.now >= s.until {
		l := b.ladderAt(b.now)
		need := l.keep[min(s.earned, len(l.keep)-1)]
		switch growth := p.growth(); {
		case growth >= need:
			for s.until <= b.now { // somebody who was away for years is kept once
				s.until = validity(s.earned, s.until-1)
			}
			s.warned = 0
			s.note(b.now, "kept")
		case s.warned < b.warningsNeeded():
			s.until = midnight(b.now, graceDays)
			s.warn(need - growth)
			s.seen = len(warnDays)
		default:
			to := max(s.earned-1, l.reached(growth))
			s.move(to, validity(to, s.until-1), b.now, "not_kept")
		}
	}
	if s.earned > 0 {
		b.foresee(p)
	}
}

func (b *Book) warningsNeeded() int {
	if b.fault == FaultTwoWarnings {
		return needWarning - 1
	}
	return needWarning
}

// foresee warns when a date of warning has passed and what will be left at the end of validity won't do.
func (b *Book) foresee(p *person) {
	s := &p.tier
	passed := 0
	for _, days := range warnDays {
		if b.now >= s.until-days*allDay {
			passed++
		}
	}
	if passed <= s.seen {
		return
	}
	left := int64(0)
	for _, l := range p.purses[growthAsset].lots {
		if l.expires > s.until {
			left += l.n
		}
	}
	s.seen = passed
	if need := b.ladderAt(b.now).keep[s.earned]; left < need {
		s.warn(need - left)
		s.seen = max(s.seen, s.warned)
	}
}

func (s *tiers) warn(short int64) {
	if s.warned < needWarning {
		s.warned++
		s.warnings = append(s.warnings, warning{s.warned, s.until, short})
	}
}
