package recognition

import (
	"cmp"
	"fmt"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/tier"
)

// Service is what others may call.
type Service struct {
	DB       *db.DB
	Zone     clock.Zone
	Members  *member.Service
	Campaign *campaign.Service
	Messages *message.Service
}

// award gives a member a badge, once. Who may not earn gets none.
func (s *Service) award(tx *db.Tx, memberID int64, badge, why string) error {
	m, err := member.Resolve(tx, memberID)
	if err != nil || !member.Allows(m.Status, member.Earn) {
		return err
	}
	if _, has := awards.Get(tx, awardKey{m.ID, badge}); has {
		return nil
	}
	if err := awards.Insert(tx, Award{Member: m.ID, Badge: badge, At: tx.Now(), Why: why}); err != nil {
		return err
	}
	_, err = fact.Emit(tx, m.ID, Awarded{badge, why})
	return err
}

// OnPaid gives the badge of the first order and of the tenth. It reads nothing for all others: this is the way of every payment.
func (s *Service) OnPaid(tx *db.Tx, f order.PaidFact) error {
	badge := at(byOrders, int(f.Before)+1)
	if badge == "" || f.Row.Member == 0 {
		return nil
	}
	return s.award(tx, f.Row.Member, badge, fmt.Sprintf("order:%d", f.Order))
}

// OnCheckedIn gives the badges of days in a row.
func (s *Service) OnCheckedIn(tx *db.Tx, memberID int64, c campaign.CheckedIn) error {
	badge := at(byStreak, c.Streak)
	if badge == "" {
		return nil
	}
	return s.award(tx, memberID, badge, fmt.Sprintf("streak:%d", c.Streak))
}

// OnProfile gives the badge of a complete profile.
func (s *Service) OnProfile(tx *db.Tx, memberID int64) error {
	return s.award(tx, memberID, Profile, "profile")
}

// OnTier gives the badges of the first step up and of the highest tier.
func (s *Service) OnTier(tx *db.Tx, memberID int64, c tier.Changed) error {
	return s.climbed(tx, memberID, c.To)
}

func (s *Service) climbed(tx *db.Tx, memberID int64, rank int) error {
	if rank < 1 {
		return nil
	}
	levels := tier.Policy.At(tx, tx.Now()).Value.Levels
	why := "tier:" + levels[min(rank, len(levels)-1)].Key
	if err := s.award(tx, memberID, TierUp, why); err != nil || rank < len(levels)-1 {
		return err
	}
	return s.award(tx, memberID, TierTop, why)
}

// OnJoined gives who was a member long before we heard of it the badges of the years.
func (s *Service) OnJoined(tx *db.Tx, memberID, at int64) error {
	return s.lasted(tx, memberID, at)
}

func (s *Service) lasted(tx *db.Tx, memberID, joined int64) error {
	passed := yearsBy(s.Zone, s.Zone.LocalDay(joined), s.Zone.LocalDay(tx.Now()))
	return s.upTo(tx, memberID, byYears, passed, "joined")
}

// upTo gives every badge for a number that has been reached.
func (s *Service) upTo(tx *db.Tx, memberID int64, list []mark, n int, why string) error {
	for _, m := range list {
		if n < m.n {
			continue
		}
		if err := s.award(tx, memberID, m.badge, fmt.Sprintf("%s:%d", why, m.n)); err != nil {
			return err
		}
	}
	return nil
}

// Review gives a member every badge that what we know has earned: after a merge, and once for members who were here before badges were.
func (s *Service) Review(tx *db.Tx, memberID int64) error {
	m, err := member.Resolve(tx, memberID)
	if err != nil || m.ID != memberID || m.Status == member.Cancelled {
		return err
	}
	p, err := s.Members.ProfileOf(tx, m.ID)
	if err != nil {
		return err
	}
	if p.Completed > 0 {
		if err := s.OnProfile(tx, m.ID); err != nil {
			return err
		}
	}
	stat, _ := order.Stats.Get(tx, m.ID)
	if err := s.upTo(tx, m.ID, byOrders, int(stat.Orders), "orders"); err != nil {
		return err
	}
	streak, _, _ := s.Campaign.Streak(tx, m.ID)
	if err := s.upTo(tx, m.ID, byStreak, streak, "streak"); err != nil {
		return err
	}
	highest := 0
	for _, i := range tier.HistoryOf(tx, m.ID) {
		highest = max(highest, i.Tier)
	}
	if err := s.climbed(tx, m.ID, highest); err != nil {
		return err
	}
	return s.lasted(tx, m.ID, m.JoinedAt)
}

// OnMerged lets the survivor have what either had, with its day, and what both together have earned.
func (s *Service) OnMerged(tx *db.Tx, m member.Merged) error {
	for _, a := range Of(tx, m.From) {
		if _, has := awards.Get(tx, awardKey{m.Into, a.Badge}); has {
			continue
		}
		a.Member, a.Carried = m.Into, m.Merge
		if err := awards.Insert(tx, a); err != nil {
			return err
		}
	}
	return s.Review(tx, m.Into)
}

// OnUnmerged takes back what the merge had carried over; the other has kept its own. What they earned together stays where it is.
func (s *Service) OnUnmerged(tx *db.Tx, m member.Unmerged) error {
	for _, a := range Of(tx, m.Into) {
		if a.Carried == m.Merge {
			awards.Delete(tx, awardKey{a.Member, a.Badge})
		}
	}
	if err := s.Review(tx, m.From); err != nil {
		return err
	}
	return s.Review(tx, m.Into)
}

// Forget takes all badges from somebody who leaves, and from all who were merged into them.
func (s *Service) Forget(tx *db.Tx, memberID int64) {
	for _, id := range member.Family(tx, memberID) {
		for _, a := range Of(tx, id) {
			awards.Delete(tx, awardKey{a.Member, a.Badge})
		}
	}
}

// Wall is what a member has of all badges.
type Wall struct {
	Earned []Award  // those of the list, the newest first; of one moment the rarest
	Left   []*Badge // those still to be earned, the easiest first
	Title  *Badge   // the one whose title the member bears, nil for none
}

// WallOf reads a member's badges.
func WallOf(r db.Reader, memberID int64) Wall {
	var w Wall
	mine := Of(r, memberID)
	for i := range Badges {
		b := &Badges[i]
		if n := slices.IndexFunc(mine, func(a Award) bool { return a.Badge == b.Key }); n >= 0 {
			w.Earned = append(w.Earned, mine[n])
			if b.TitleZh != "" {
				w.Title = b
			}
		} else {
			w.Left = append(w.Left, b)
		}
	}
	slices.Reverse(w.Earned)
	slices.SortStableFunc(w.Earned, func(a, b Award) int { return cmp.Compare(b.At, a.At) })
	return w
}

// BadgeOf finds a badge of the list by its key.
func BadgeOf(key string) *Badge {
	for i := range Badges {
		if Badges[i].Key == key {
			return &Badges[i]
		}
	}
	return nil
}

// Kinds of days to greet a member on.
const (
	Birthday    = "birthday"
	Anniversary = "anniversary"
)

// Greeting is why a member is greeted today.
type Greeting struct {
	Kind  string
	Years int // since joining; nothing is said of an age
}

// GreetingsOf says what a member is greeted for on the local day of now.
func (s *Service) GreetingsOf(r db.Reader, m member.Member, birthMD int) (out []Greeting) {
	if m.Status != member.Active {
		return nil
	}
	today := s.Zone.LocalDay(r.Now())
	if BornOn(s.Zone, birthMD, today) {
		out = append(out, Greeting{Birthday, 0})
	}
	if n := YearsOn(s.Zone, s.Zone.LocalDay(m.JoinedAt), today); n > 0 {
		out = append(out, Greeting{Anniversary, n})
	}
	return out
}
