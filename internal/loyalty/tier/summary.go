package tier

import (
	"sync"
	"sync/atomic"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/points"
)

// Summary is what a till or a member sees first.
type Summary struct {
	Member   member.Member
	Points   ledger.Balances
	Worth    int64 // of the available points, in fen
	Expiring int64 // within the days of reminding
	NextAt   int64 // when the first of them expire; 0 when none do
	Growth   int64
	State    State
	Rank     int
	Enjoyed  int // rank whose benefits hold: lower than Rank while a refund has stopped its own
	Ladder   Settings
	Until    int64 // the end of the tier's validity; clock.Never for none
	Ahead    money.Rate
}

// heldStanding keeps the distribution for a second: hundreds of numbers, and nobody sees a second's difference.
type heldStanding struct {
	mu sync.Mutex
	p  atomic.Pointer[standingAt]
}

type standingAt struct {
	*Standing
	at int64
}

const standingLives = clock.Second

// get gives the distribution, read anew at most once a second; meanwhile others take the one before.
func (h *heldStanding) get(v *db.View) *Standing {
	p := h.p.Load()
	if p != nil && (v.Now()-p.at < standingLives && v.Now() >= p.at || !h.mu.TryLock()) {
		return p.Standing
	}
	if p == nil {
		h.mu.Lock()
	}
	defer h.mu.Unlock()
	s := StandingNow(v)
	h.p.Store(&standingAt{s, v.Now()})
	return s
}

// SummaryOf reads where a member stands: four rows, and lots only when some of them will soon change.
func (s *Service) SummaryOf(v *db.View, id int64) (Summary, error) {
	m, err := member.Resolve(v, id)
	if err != nil {
		return Summary{}, err
	}
	out := Summary{Member: m, Points: ledger.Balances{Asset: ledger.Points}, State: stateOf(v, m.ID), Ladder: Policy.At(v, v.Now()).Value}
	policy := points.Policy.At(v, v.Now()).Value
	for _, a := range ledger.Accounts.OfOwner(v, m.ID) {
		switch a.Asset {
		case ledger.Points:
			out.Points = ledger.Current(v, a)
			s.expiring(v, &out, a, policy.RemindDays)
		case ledger.Growth:
			out.Growth = ledger.Current(v, a).Balance
		}
	}
	out.Worth = policy.Worth(out.Points.Available)
	out.Rank, out.Enjoyed, out.Until = out.State.Held(v.Now()), out.State.Enjoyed(v.Now()), out.State.Until
	if out.Rank > out.State.Earned {
		out.Until = out.State.ManualUntil
	}
	out.Ahead = s.standing.get(v).Ahead(out.Growth)
	return out, nil
}

// expiring sums what expires within the days of reminding. An account knows before when nothing can.
func (s *Service) expiring(v *db.View, out *Summary, a ledger.Account, days int) {
	until := s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(v.Now()), days+1))
	if a.Due > until {
		return
	}
	for _, e := range ledger.ExpiringBefore(v, a.Member, a.Asset, until+1) {
		if out.NextAt == 0 {
			out.NextAt = e.At
		}
		out.Expiring += e.Amount
	}
}
