package tier

import (
	"fmt"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
)

// RoutesMember registers what members may see of their standing.
func (s *Service) RoutesMember(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	tags := []string{"tier"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/summary", ID: "me.summary", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的概况：积分、到期、等级", En: "Myself at a glance: points, expiry, tier"}, h.getMySummary)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/tier", ID: "me.tier", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的等级：各级对比、历史、提醒", En: "My tier: all tiers compared, history, notices"}, h.getMyTier)
}

func (h routes) getMySummary(c *web.Ctx, _ *struct{}) (*summaryOut, error) {
	return h.summary(c, c.Caller.ID)
}

type myTierOut struct {
	Growth  int64         `json:"growth" doc:"成长值|growth"`
	Tier    tierOut       `json:"tier" doc:"当前等级|the tier held"`
	Ahead   int           `json:"ahead_percent" doc:"成长值超越百分之几的会员|the share of members with less growth, in percent"`
	Levels  []levelOut    `json:"levels" doc:"各等级，从低到高|all tiers, the lowest first"`
	History []intervalOut `json:"history" doc:"等级历史，从旧到新|all changes, the oldest first"`
	Notices []noticeOut   `json:"notices" doc:"保级提醒，从旧到新|warnings, the oldest first"`
}

type levelOut struct {
	Key        string `json:"key" doc:"代码|key"`
	Name       string `json:"name" doc:"名称|name"`
	Growth     int64  `json:"growth" doc:"门槛成长值|growth to reach it"`
	Keep       int64  `json:"keep_growth" doc:"保级成长值|growth to keep it"`
	Multiplier string `json:"multiplier" doc:"积分倍率，十进制文本|multiplier of points, as decimal text"`
	Colour     string `json:"colour,omitempty" doc:"卡面颜色|colour of the card"`
	Reached    bool   `json:"reached" doc:"成长值是否已达到|whether growth reaches it"`

	Perks []PerkOut `json:"perks" doc:"权益|what it brings"`
}

// PerkOut is one benefit of a tier, in words.
type PerkOut struct {
	Icon string `json:"icon" enum:"gift,birthday,discount,points,shipping,service,early,event,other" doc:"图标|icon"`
	Name string `json:"name" doc:"名称|name"`
	Note string `json:"note,omitempty" doc:"说明|note"`
}

// Brings says what a tier brings, the multiplier of points first.
func (l Level) Brings(lang string) []PerkOut {
	out := []PerkOut{}
	if l.Multiplier > 0 {
		name, x := "消费积分 %s 倍", l.Multiplier.String()
		if lang == "en" {
			name = "%s× points on purchases"
		}
		out = append(out, PerkOut{Icon: "points", Name: fmt.Sprintf(name, x)})
	}
	for _, p := range l.Perks {
		one := PerkOut{p.Icon, p.Zh, p.NoteZh}
		if lang == "en" {
			one.Name, one.Note = p.En, p.NoteEn
		}
		if one.Icon == "" {
			one.Icon = "other"
		}
		out = append(out, one)
	}
	return out
}

type intervalOut struct {
	Tier   string `json:"tier" doc:"等级代码|key of the tier"`
	Name   string `json:"name" doc:"等级名称|name of the tier"`
	From   int64  `json:"from_at" doc:"开始时刻；0 为入会起|when it began; 0 is since joining"`
	Reason string `json:"reason" enum:"join,upgrade,kept,not_kept,refund,benefits_back,manual,manual_ended,merge,unmerge" doc:"原因|why"`
}

type noticeOut struct {
	N     int   `json:"n" doc:"第几次|which of the three"`
	At    int64 `json:"at" doc:"提醒时刻，UTC 毫秒|when it was given, milliseconds UTC"`
	Until int64 `json:"until_at" doc:"等级有效期末|end of the tier's validity"`
	Short int64 `json:"missing_growth" doc:"当时还差多少成长值|growth that was missing"`
}

func (h routes) getMyTier(c *web.Ctx, _ *struct{}) (out *myTierOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		sum, err := h.s.SummaryOf(v, c.Caller.ID)
		if err != nil {
			return err
		}
		lang := c.Lang()
		out = &myTierOut{Growth: sum.Growth, Tier: sum.tier(lang), Ahead: int(sum.Ahead / (money.One / 100)),
			History: []intervalOut{}, Notices: []noticeOut{}}
		for _, l := range sum.Ladder.Levels {
			out.Levels = append(out.Levels, levelOut{l.Key, l.Name(lang), l.Growth, l.Keep, l.Multiplier.String(), l.Colour, sum.Growth >= l.Growth, l.Brings(lang)})
		}
		for _, i := range HistoryOf(v, sum.Member.ID) {
			l := Policy.At(v, max(i.From, sum.Member.JoinedAt)).Value.Level(i.Tier) // as it was called then
			out.History = append(out.History, intervalOut{l.Key, l.Name(lang), i.From, i.Reason})
		}
		for _, n := range NoticesOf(v, sum.Member.ID) {
			out.Notices = append(out.Notices, noticeOut{n.N, n.At, n.Until, n.Short})
		}
		return nil
	})
	return out, err
}
