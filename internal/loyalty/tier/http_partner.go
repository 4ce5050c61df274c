package tier

import (
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/shop"
)

// routes are the feature's routes over a database.
type routes struct {
	s *Service
	d *db.DB
}

// RoutesPartner registers what partners may see of a member's standing.
func (s *Service) RoutesPartner(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	srv.Tag("tier", "等级", "Tiers")
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodGet, Path: "/members/{id}/summary", ID: "member.summary", Perm: "points.read",
		Tags: []string{"tier"}, Zh: "会员概况：积分、到期、等级", En: "A member at a glance: points, expiry, tier",
		Errors: []*fault.Kind{member.ErrNone}}, h.getSummary)
}

type idIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
}

type summaryOut struct {
	Member     web.ID             `json:"member_id" doc:"会员编号；与所问不同说明已合并|the member; another id than asked for after a merge"`
	Status     string             `json:"status" enum:"active,frozen,blacklisted,cancelled" doc:"状态|status"`
	Points     points.BalancesOut `json:"points" doc:"积分|points"`
	Worth      int64              `json:"worth_fen" doc:"可用积分值多少钱，分|what the available points are worth, in fen"`
	Expiring   int64              `json:"expiring_points" doc:"提醒期内到期的积分|points that expire within the days of reminding"`
	ExpiringAt int64              `json:"expiring_at,omitempty" doc:"其中最早的到期时刻，UTC 毫秒|when the first of them expire, milliseconds UTC"`
	Growth     int64              `json:"growth" doc:"成长值|growth"`
	Tier       tierOut            `json:"tier" doc:"等级|tier"`
	Ahead      int                `json:"ahead_percent" doc:"成长值超越百分之几的会员|the share of members with less growth, in percent"`
}

type tierOut struct {
	Key     string   `json:"key" doc:"代码|key"`
	Name    string   `json:"name" doc:"名称|name"`
	Rank    int      `json:"rank" doc:"序号，0 为最低|rank, 0 is the lowest"`
	Until   int64    `json:"until_at,omitempty" doc:"有效期末，没有则长期有效|end of its validity; absent for none"`
	Growth  int64    `json:"growth" doc:"门槛成长值|growth to reach it"`
	Keep    int64    `json:"keep_growth" doc:"保级成长值|growth to keep it"`
	Stopped string   `json:"benefits_of,omitempty" doc:"退款使权益暂停时，实际享受的等级代码|key of the tier whose benefits hold while a refund has stopped its own"`
	Next    *nextOut `json:"next,omitempty" doc:"下一等级，最高级没有|the next tier; none above the highest"`
}

type nextOut struct {
	Key     string `json:"key" doc:"代码|key"`
	Name    string `json:"name" doc:"名称|name"`
	Growth  int64  `json:"growth" doc:"门槛成长值|growth to reach it"`
	Missing int64  `json:"missing_growth" doc:"还差多少成长值|growth still missing"`
}

// Name is what the tier is called in a language.
func (l Level) Name(lang string) string {
	if lang == "en" {
		return l.En
	}
	return l.Zh
}

func (sum *Summary) tier(lang string) tierOut {
	l := sum.Ladder.Level(sum.Rank)
	out := tierOut{Key: l.Key, Name: l.Name(lang), Rank: sum.Rank, Until: sum.Until, Growth: l.Growth, Keep: l.Keep}
	if out.Until >= clock.Never {
		out.Until = 0
	}
	if sum.Enjoyed < sum.Rank {
		out.Stopped = sum.Ladder.Level(sum.Enjoyed).Key
	}
	if sum.Rank+1 < len(sum.Ladder.Levels) {
		n := sum.Ladder.Levels[sum.Rank+1]
		out.Next = &nextOut{n.Key, n.Name(lang), n.Growth, max(0, n.Growth-sum.Growth)}
	}
	return out
}

func (sum *Summary) out(lang string) *summaryOut {
	return &summaryOut{web.ID(sum.Member.ID), sum.Member.Status, points.OutOf(sum.Points), sum.Worth, sum.Expiring, sum.NextAt, sum.Growth,
		sum.tier(lang), int(sum.Ahead / (money.One / 100))}
}

func (h routes) getSummary(c *web.Ctx, in *idIn) (*summaryOut, error) {
	return h.summary(c, int64(in.ID))
}

func (h routes) summary(c *web.Ctx, id int64) (*summaryOut, error) {
	var sum Summary
	err := h.d.View(c, func(v *db.View) (err error) {
		sum, err = h.s.SummaryOf(v, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sum.out(c.Lang()), nil
}
