package earn

import (
	"strings"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/cond"
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// Reach is how many members a condition can be true for (人数), by what is known of them today: what it asks of orders and
// of the hour may turn out either way.
type Reach struct {
	Members int64
	Of      int64
	Exact   bool // every member was asked, not a sample
}

// sampled is how many members are asked at most; sampleFor is how long their choice stands.
const (
	sampled   = 10_000
	sampleFor = 10 * clock.Minute
)

type sample struct {
	sync.Mutex
	at  int64
	ids []int64
	of  int64
}

// get draws again when the choice is old, or when there were so few members that a new one should count at once.
func (s *sample) get(v *db.View) (ids []int64, of int64) {
	s.Lock()
	defer s.Unlock()
	if s.of <= sampled || v.Now()-s.at >= sampleFor {
		s.ids, s.of = member.Sample(v, sampled)
		s.at = v.Now()
	}
	return s.ids, s.of
}

// Reach counts members a condition can be true for.
func (s *Service) Reach(v *db.View, when *cond.Cond) Reach {
	ids, of := s.sample.get(v)
	hits := int64(0)
	for _, id := range ids {
		m, ok := member.Members.Get(v, id)
		if !ok || !member.Allows(m.Status, member.Earn) {
			continue
		}
		if when.Possible(&someone{Input: Input{Zone: s.Zone, Member: id, Occurred: v.Now(), JoinedAt: m.JoinedAt, JoinedBy: m.Channel}, view: v}, aboutMember) {
			hits++
		}
	}
	out := Reach{Members: hits, Of: of, Exact: int64(len(ids)) >= of}
	if !out.Exact {
		out.Members = money.Prorate(of, hits, int64(len(ids)))
	}
	return out
}

func aboutMember(f cond.Field) bool { return strings.HasPrefix(f.Name, "member.") }

type reachIn struct {
	Body struct {
		When web.JSON `json:"when" doc:"条件，null 为没有条件|the condition, null for none"`
	}
}

type reachOut struct {
	Members int64 `json:"members" doc:"可能满足的会员数|members who can meet it"`
	Of      int64 `json:"of" doc:"会员总数|of all members"`
	Exact   bool  `json:"exact" doc:"逐个核对；否则由一万人抽样推算|everybody was asked; else it is told from a sample of ten thousand"`
}

func (k Console) reach(c *web.Ctx, in *reachIn) (*reachOut, error) {
	var when *cond.Cond
	if in.Body.When != "null" {
		var err error
		if when, err = cond.Parse(Fields, []byte(in.Body.When)); err != nil {
			return nil, err
		}
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*reachOut, error) {
		out := reachOut(k.S.Reach(v, when))
		return &out, nil
	})
}

// someone is a member without an order; what is asked of them is read when it is asked.
type someone struct {
	Input
	view *db.View
}

// Int answers whole-number fields.
func (p *someone) Int(f int) (int64, bool) {
	switch f {
	case fTierRank:
		return int64(p.rank()), true
	case fOrders:
		st, _ := order.Stats.Get(p.view, p.Member)
		return st.Orders, true
	}
	return p.Input.Int(f)
}

// Text answers text fields.
func (p *someone) Text(f int) (string, bool) {
	if f == fTier {
		return tier.Policy.At(p.view, p.Occurred).Value.Level(p.rank()).Key, true
	}
	return p.Input.Text(f)
}

func (p *someone) rank() int { return tier.Of(p.view, p.Member).Held(p.Occurred) }
