package centre

import (
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/money"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/privacy"
	"guanxi/internal/loyalty/tier"
)

type homeOut struct {
	Now      int64        `json:"now" doc:"服务器时间，UTC 毫秒|the server's time, milliseconds UTC"`
	MemberNo string       `json:"member_no" doc:"会员号|my member number"`
	Nickname string       `json:"nickname,omitempty" doc:"本人昵称|my nickname"`
	Status   string       `json:"status" enum:"active,frozen,blacklisted" doc:"状态|status"`
	JoinedAt int64        `json:"joined_at" doc:"入会时刻，UTC 毫秒|when I joined, milliseconds UTC"`
	Card     homeCard     `json:"card" doc:"会员卡|the card"`
	Progress homeClimb    `json:"progress" doc:"等级进度|progress of the tier"`
	Ahead    int          `json:"ahead_percent" doc:"成长值超越百分之几的会员|the share of members with less growth, in percent"`
	Points   homePoints   `json:"points" doc:"积分|points"`
	Unread   int          `json:"unread" doc:"未读站内信，最多数到 100|unread messages, counted up to 100"`
	CheckIn  *homeCheckIn `json:"checkin,omitempty" doc:"今日签到；没有签到活动时没有|today's check-in; absent when there is none to take part in"`
	Nudges   []nudgeOut   `json:"nudges" doc:"提示，重要的在前|nudges, the most important first"`
	Greets   []greetOut   `json:"greetings" doc:"今天的祝福：生日、入会纪念日|what I am greeted for today: birthday, anniversary of joining"`
	Badges   homeBadges   `json:"badges" doc:"勋章|badges"`
	Tasks    []taskOut    `json:"tasks" doc:"新人任务；过期或全部完成后为空|tasks of newcomers; empty once all are done or their time is over"`
}

type greetOut struct {
	Kind  string `json:"kind" enum:"birthday,anniversary" doc:"种类|kind"`
	Title string `json:"title" doc:"一句话|in a sentence"`
	Note  string `json:"note" doc:"补充|more"`
	Years int    `json:"years,omitempty" doc:"入会几周年|years since joining"`
}

type homeBadges struct {
	Title  string      `json:"title,omitempty" doc:"头衔|my title"`
	Earned int         `json:"earned" doc:"已获得几枚|how many I have"`
	All    int         `json:"all" doc:"共有几枚|how many there are"`
	Newest []homeBadge `json:"newest" doc:"最近获得的，最多四枚|the newest, at most four"`
	Next   *homeBadge  `json:"next,omitempty" doc:"下一枚最容易得的|the easiest I don't have"`
}

type homeBadge struct {
	Key  string `json:"key" doc:"代码|key"`
	Name string `json:"name" doc:"名称|name"`
	Icon string `json:"icon" doc:"图标|icon"`
	How  string `json:"how" doc:"如何获得|how it is earned"`
}

type homeCheckIn struct {
	Streak  int   `json:"streak" doc:"连续天数|days in a row"`
	Checked bool  `json:"checked_today" doc:"今天是否已签到|whether today is done"`
	Next    int64 `json:"next_points" doc:"下一次签到可得的积分，含额外|points the next check-in gives, with the extra"`
}

type homeCard struct {
	Tier  string   `json:"tier" doc:"等级代码|key of the tier"`
	Name  string   `json:"name" doc:"等级名称|name of the tier"`
	Rank  int      `json:"rank" doc:"序号，0 为最低|rank, 0 is the lowest"`
	Until int64    `json:"until_at,omitempty" doc:"等级有效期末，没有则长期有效|end of its validity; absent for none"`
	Face  *faceOut `json:"face" doc:"卡面|the face"`
}

type homeClimb struct {
	Growth  int64          `json:"growth" doc:"成长值|growth"`
	Percent int            `json:"percent" doc:"本级到下一级走了百分之几；最高级为 100|how far from this tier to the next, in percent; 100 on the highest"`
	Keep    int64          `json:"keep_growth" doc:"保级成长值|growth to keep the tier"`
	Brings  []tier.PerkOut `json:"brings" doc:"当前等级的权益|what my tier brings"`
	Next    *homeNext      `json:"next,omitempty" doc:"下一等级，最高级没有|the next tier; none above the highest"`
}

type homeNext struct {
	Tier    string         `json:"tier" doc:"代码|key"`
	Name    string         `json:"name" doc:"名称|name"`
	Growth  int64          `json:"growth" doc:"门槛成长值|growth to reach it"`
	Missing int64          `json:"missing_growth" doc:"还差多少成长值|growth still missing"`
	Brings  []tier.PerkOut `json:"brings" doc:"它带来什么|what it brings"`
	Face    *faceOut       `json:"face" doc:"卡面|the face"`
}

type homePoints struct {
	points.BalancesOut
	Worth      int64 `json:"worth_fen" doc:"可用积分值多少钱，分|what the available points are worth, in fen"`
	Expiring   int64 `json:"expiring" doc:"提醒期内到期的积分|points that expire within the days of reminding"`
	ExpiringAt int64 `json:"expiring_at,omitempty" doc:"其中最早的到期时刻，UTC 毫秒|when the first of them expire, milliseconds UTC"`
}

type nudgeOut struct {
	Kind  string `json:"kind" enum:"closing,debt,keep_tier,expiring,near_upgrade,profile,profile_again" doc:"种类|kind"`
	Title string `json:"title" doc:"一句话|in a sentence"`
	Note  string `json:"note,omitempty" doc:"补充|more"`
	Page  string `json:"page" enum:"statement,tiers,expiring,profile,closure" doc:"去哪个页面|the page to go to"`
	N     int64  `json:"n" doc:"相关数值|the number it is about"`
	At    int64  `json:"at,omitempty" doc:"相关时刻，UTC 毫秒|the instant it is about, milliseconds UTC"`
}

type taskOut struct {
	Key    string `json:"key" enum:"profile,order,checkin,browse,follow,group" doc:"任务|the task"`
	Title  string `json:"title" doc:"名称|name"`
	Points int64  `json:"points" doc:"完成可得积分|points it gives"`
	Done   bool   `json:"done" doc:"是否完成|whether it is done"`
	Until  int64  `json:"until_at,omitempty" doc:"截止时刻，UTC 毫秒|until when, milliseconds UTC"`
	Link   string `json:"link,omitempty" doc:"要扫的二维码的内容|what the QR code to scan says"`
}

// text picks the language.
func text(lang, zh, en string, args ...any) string {
	if lang == "en" {
		return fmt.Sprintf(en, args...)
	}
	return fmt.Sprintf(zh, args...)
}

// homeIn names what a browser asks for ahead of the page's program, so that it can't be taken for what is asked later.
type homeIn struct {
	Early bool `query:"early" doc:"浏览器在页面程序到达之前的预取，结果相同|asked ahead of the page's program; the reply is the same"`
}

func (h *Routes) getHome(c *web.Ctx, _ *homeIn) (out *homeOut, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		out, err = h.home(v, c.Caller.ID, c.Lang())
		return err
	})
	return out, err
}

func (h *Routes) home(v *db.View, memberID int64, lang string) (*homeOut, error) {
	sum, err := h.Tiers.SummaryOf(v, memberID)
	if err != nil {
		return nil, err
	}
	p, err := h.Members.ProfileOf(v, sum.Member.ID)
	if err != nil {
		return nil, err
	}
	look := Look.At(v, v.Now()).Value
	level := sum.Ladder.Level(sum.Rank)
	out := &homeOut{Now: v.Now(), MemberNo: id.String(sum.Member.ID), Nickname: p.Nickname.Reveal(), Status: sum.Member.Status, JoinedAt: sum.Member.JoinedAt,
		Card:     homeCard{Tier: level.Key, Name: level.Name(lang), Rank: sum.Rank, Until: finite(sum.Until), Face: look.face(level)},
		Progress: climb(&sum, &look, lang), Ahead: int(sum.Ahead / (money.One / 100)),
		Points: homePoints{points.OutOf(sum.Points), sum.Worth, sum.Expiring, sum.NextAt}}
	out.Unread = message.Unread(v, sum.Member.ID)
	if at, ok := campaign.StandingOf(v, h.Zone, sum.Member.ID); ok {
		out.CheckIn = &homeCheckIn{at.Streak, at.Checked, at.Next}
	}
	out.Nudges = h.nudges(v, &sum, &p, &look, lang)
	out.Tasks = h.tasks(v, &sum, &p, lang)
	out.Greets, out.Badges = h.greetings(v, sum.Member, p.BirthMD, lang), badgesOf(v, sum.Member.ID, lang)
	return out, nil
}

func finite(at int64) int64 {
	if at >= clock.Never {
		return 0
	}
	return at
}

func climb(sum *tier.Summary, look *Theme, lang string) homeClimb {
	level := sum.Ladder.Level(sum.Rank)
	out := homeClimb{Growth: sum.Growth, Percent: 100, Keep: level.Keep, Brings: level.Brings(lang)}
	if sum.Rank+1 >= len(sum.Ladder.Levels) {
		return out
	}
	next := sum.Ladder.Levels[sum.Rank+1]
	done := min(max(sum.Growth-level.Growth, 0), next.Growth-level.Growth)
	out.Percent = int(done * 100 / (next.Growth - level.Growth))
	out.Next = &homeNext{next.Key, next.Name(lang), next.Growth, max(0, next.Growth-sum.Growth), next.Brings(lang), look.face(next)}
	return out
}

// nearPercent is from where on the next tier is near (临界点).
const nearPercent = 80

func (h *Routes) nudges(v *db.View, sum *tier.Summary, p *member.Profile, look *Theme, lang string) []nudgeOut {
	out := []nudgeOut{}
	pts := look.PointsZh
	if lang == "en" {
		pts = look.PointsEn
	}
	if c, under := privacy.UnderWay(v, sum.Member.ID); under {
		out = append(out, nudgeOut{Kind: "closing", Page: "closure", N: c.Points, At: c.Due,
			Title: text(lang, "账号将于 %s 注销，可随时撤回", "Your account closes on %s; you can still stay", h.Zone.Format("2006-01-02", c.Due))})
	}
	if d := sum.Points.Debt; d > 0 {
		out = append(out, nudgeOut{Kind: "debt", Page: "statement", N: d,
			Title: text(lang, "欠 %d %s，之后所得会先抵扣", "You owe %d %s; what you earn next pays it first", d, pts)})
	}
	level := sum.Ladder.Level(sum.Rank)
	if sum.State.Warned > 0 && sum.Rank == sum.State.Earned {
		if short := level.Keep - sum.Growth; short > 0 {
			out = append(out, nudgeOut{Kind: "keep_tier", Page: "tiers", N: short, At: finite(sum.Until),
				Title: text(lang, "再得 %d 成长值即可保住%s", "%d more growth keeps you %s", short, level.Name(lang))})
		}
	}
	if sum.Expiring > 0 {
		out = append(out, nudgeOut{Kind: "expiring", Page: "expiring", N: sum.Expiring, At: sum.NextAt,
			Title: text(lang, "%d %s即将到期", "%d %s expire soon", sum.Expiring, pts)})
	}
	if c := climb(sum, look, lang); c.Next != nil && c.Percent >= nearPercent {
		out = append(out, nudgeOut{Kind: "near_upgrade", Page: "tiers", N: c.Next.Missing,
			Title: text(lang, "再得 %d 成长值升级%s", "%d more growth makes you %s", c.Next.Missing, c.Next.Name)})
	}
	switch asked := h.Zone.AddMonths(h.Zone.LocalDay(p.Updated), askAgainMonths); {
	case p.Completed == 0:
		out = append(out, nudgeOut{Kind: "profile", Page: "profile", N: earn.OnceFor(v, earn.OnProfile),
			Title: text(lang, "完善资料，让我们更懂你", "Complete your profile, so that we know you better")})
	case p.Updated > 0 && h.Zone.LocalDay(v.Now()) >= asked:
		out = append(out, nudgeOut{Kind: "profile_again", Page: "profile", At: p.Updated,
			Title: text(lang, "资料还对吗？花一分钟确认一下", "Is your profile still right? It takes a minute")})
	}
	return out
}

// askAgainMonths is after how long the base fields are asked again.
const askAgainMonths = 6

// newcomerDays is how long the tasks of newcomers stand on the home page.
const newcomerDays = 3

var taskWords = map[string][2]string{
	campaign.TaskCheckIn: {"完成首次签到", "Check in for the first time"}, campaign.TaskBrowse: {"看看等级权益", "Look at what tiers bring"},
	campaign.TaskFollow: {"关注服务号", "Follow our official account"}, campaign.TaskGroup: {"加入客户群", "Join our customer group"},
}

func (h *Routes) tasks(v *db.View, sum *tier.Summary, p *member.Profile, lang string) []taskOut {
	until := h.Zone.StartOfDay(h.Zone.AddDays(h.Zone.LocalDay(sum.Member.JoinedAt), newcomerDays))
	if v.Now() >= until {
		return []taskOut{}
	}
	all := []taskOut{
		{"profile", text(lang, "完善资料", "Complete your profile"), earn.OnceFor(v, earn.OnProfile), p.Completed > 0, until, ""},
		{"order", text(lang, "完成首单", "Place a first order"), earn.OnceFor(v, earn.OnOrder), hasOrdered(v, sum.Member.ID), until, ""},
	}
	for _, one := range campaign.TasksOf(v, h.Zone, sum.Member.ID, sum.Member.JoinedAt) {
		if one.Key == campaign.TaskFollow && h.FollowCode != nil {
			one.Link = h.FollowCode(v)
		}
		if scans := one.Key == campaign.TaskFollow || one.Key == campaign.TaskGroup; scans && !one.Done && one.Link == "" {
			continue // there is nothing to scan yet
		}
		all = append(all, taskOut{one.Key, word(lang, taskWords[one.Key][0], taskWords[one.Key][1]), one.Points, one.Done, one.Until, one.Link})
	}
	out, open := []taskOut{}, false
	for _, t := range all {
		if t.Points > 0 {
			out = append(out, t)
			open = open || !t.Done
		}
	}
	if !open {
		return []taskOut{}
	}
	return out
}
