package tier

import (
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/form"
	"guanxi/internal/base/money"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about tiers.
type Console struct {
	staff.Desk
	S *Service
}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("tier", "等级", "Tiers")
	web.Route(srv, staff.Get("/members/{id}/tier", "tier.of_member", "view.points", "会员的等级、进度与历史", "A member's tier, progress and history", member.ErrNone), k.ofMember)
	staff.Route(srv, staff.Get("/settings/tiers", "tier.ladder", "view.rules", "等级阶梯与历史版本", "The ladder of tiers and its versions"), k.ladder)
	staff.Route(srv, staff.Ask("/settings/tiers/preview", "tier.preview", "view.rules", "试算新阶梯对全体会员的影响，不作任何更改", "What another ladder would do to all members; changes nothing", ErrLevels, ErrSources, ErrWarn, form.ErrInvalid), k.preview)
	staff.Route(srv, staff.Change(http.MethodPut, "/settings/tiers", "tier.set", "edit.rules", "更改等级阶梯", "Change the ladder", ErrLevels, ErrSources, ErrWarn, form.ErrInvalid, setting.ErrPast, staff.ErrReason), k.set)
	staff.Route(srv, staff.Get("/reports/tiers", "tier.mix", "view.reports", "等级结构与目标", "The mix of tiers against its target"), k.mix)
}

// Deeds says what happens when somebody agrees.
func (k Console) Deeds() error { return k.deed().Register(k.Staff) }

type consoleLevel struct {
	Rank       int    `json:"rank" doc:"序号，从 0 起|rank, from 0"`
	Key        string `json:"key" doc:"代码|key"`
	Zh         string `json:"zh" doc:"中文名|name in Chinese"`
	En         string `json:"en" doc:"英文名|name in English"`
	Growth     int64  `json:"growth" doc:"升级成长值|growth to reach it"`
	Multiplier string `json:"multiplier" doc:"积分倍率|points multiplier"`
	Colour     string `json:"colour" doc:"卡面颜色|card colour"`
}

func levelFor(s Settings, rank int) consoleLevel {
	l := s.Level(rank)
	return consoleLevel{rank, l.Key, l.Zh, l.En, l.Growth, l.Multiplier.String(), l.Colour}
}

type consoleInterval struct {
	Tier   string `json:"tier" doc:"等级代码|key of the tier"`
	Zh     string `json:"zh" doc:"中文名|name in Chinese"`
	En     string `json:"en" doc:"英文名|name in English"`
	From   int64  `json:"from" doc:"开始，0 为入会时|since, 0 from joining"`
	Until  int64  `json:"until" doc:"有效期，0 为无|validity known then, 0 none"`
	Reason string `json:"reason" enum:"join,upgrade,kept,not_kept,refund,benefits_back,manual,manual_ended,merge,unmerge" doc:"原因|why"`
	Note   string `json:"note" doc:"说明|note"`
	By     string `json:"by" doc:"经办|by whom"`
}

type consoleNotice struct {
	At    int64 `json:"at" doc:"时间|when"`
	N     int   `json:"n" doc:"第几次|which of the three"`
	Until int64 `json:"until" doc:"有效期|end of the validity"`
	Short int64 `json:"short" doc:"差多少成长值|growth that was missing"`
}

type consoleStopped struct {
	Level  consoleLevel `json:"level" doc:"实际享受的等级|the tier whose benefits hold"`
	Since  int64        `json:"since" doc:"暂停时间|when they were stopped"`
	Growth int64        `json:"growth" doc:"恢复权益所需成长值|growth at which they are back"`
	Until  int64        `json:"until" doc:"未恢复时，等级与暂停至此为止，0 为无|else the tier and the stop end then, 0 never"`
}

type consoleTier struct {
	Level   consoleLevel      `json:"level" doc:"当前等级|the tier now"`
	Next    *consoleLevel     `json:"next,omitempty" doc:"下一等级，已最高则没有|the next tier; absent on the highest"`
	Growth  int64             `json:"growth" doc:"成长值|growth"`
	Missing int64             `json:"missing" doc:"距下一等级|growth missing to the next"`
	Keep    int64             `json:"keep" doc:"保级成长值|growth to keep it"`
	Ahead   string            `json:"ahead" doc:"领先的会员比例，如 0.62|share of members with less growth, such as 0.62"`
	Until   int64             `json:"until" doc:"有效期，0 为永久|validity, 0 for ever"`
	Manual  bool              `json:"manual" doc:"手工授予|given by hand"`
	Stopped *consoleStopped   `json:"stopped,omitempty" doc:"退款使本等级权益暂停时|while a refund has stopped the benefits of the tier"`
	History []consoleInterval `json:"history" doc:"等级历史，从旧到新|history, oldest first"`
	Notices []consoleNotice   `json:"notices" doc:"降级提醒|notices before a downgrade"`
}

type consoleMemberIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
}

func (k Console) ofMember(c *web.Ctx, in *consoleMemberIn) (*consoleTier, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleTier, error) {
		m, err := member.Reach(v, k.Desk, staff.WhoOf(c), "view.points", int64(in.ID))
		if err != nil {
			return nil, err
		}
		return k.card(v, m), nil
	})
}

func end(at int64) int64 {
	if at >= clock.Never {
		return 0
	}
	return at
}

func (k Console) card(v *db.View, m member.Member) *consoleTier {
	rules, st := Policy.At(v, v.Now()).Value, Of(v, m.ID)
	rank, growth := st.Held(v.Now()), ledger.Now(v, m.ID, ledger.Growth).Balance
	out := &consoleTier{Level: levelFor(rules, rank), Growth: growth, Keep: rules.Level(rank).Keep, Ahead: StandingNow(v).Ahead(growth).String(),
		Until: end(st.Until), Manual: rank > st.Earned, History: []consoleInterval{}, Notices: []consoleNotice{}}
	if out.Manual {
		out.Until = st.ManualUntil
	}
	if rank+1 < len(rules.Levels) {
		next := levelFor(rules, rank+1)
		out.Next, out.Missing = &next, max(0, next.Growth-growth)
	}
	if has := st.Enjoyed(v.Now()); has < rank {
		out.Stopped = &consoleStopped{Level: levelFor(rules, has), Growth: rules.Level(st.Earned).Growth, Until: out.Until}
	}
	for _, i := range HistoryOf(v, m.ID) {
		if out.Stopped != nil && i.Reason == ReasonRefund {
			out.Stopped.Since = i.From
		}
		l := rules.Level(i.Tier)
		from := i.From
		if from == 0 {
			from = m.JoinedAt
		}
		out.History = append(out.History, consoleInterval{l.Key, l.Zh, l.En, from, end(i.Until), i.Reason, i.Note, k.Name(v, i.Actor)})
	}
	for _, n := range NoticesOf(v, m.ID) {
		out.Notices = append(out.Notices, consoleNotice{n.At, n.N, n.Until, n.Short})
	}
	return out
}

func (k Console) ladder(c *web.Ctx, _ *struct{}) (*staff.SettingOut, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*staff.SettingOut, error) {
		return staff.SettingFor(k.Desk, v, Policy, form.Of(Settings{})), nil
	})
}

type consoleDraftIn struct {
	Body struct {
		Value web.JSON `json:"value" doc:"新阶梯|the new ladder"`
	}
}

// read fills a ladder strictly; lists begin empty, so that a shorter one is not mixed with the default.
func read(text web.JSON) (Settings, error) {
	var next Settings
	if err := form.Decode([]byte(text), &next); err != nil {
		return next, err
	}
	return next, next.Check()
}

type consoleCount struct {
	Rank    int   `json:"rank" doc:"等级序号|rank"`
	Members int64 `json:"members" doc:"会员数|members"`
}

type consoleMove struct {
	From    int   `json:"from" doc:"原等级序号|rank before"`
	To      int   `json:"to" doc:"新等级序号|rank after"`
	Members int64 `json:"members" doc:"会员数|members"`
}

type consoleImpact struct {
	Members int64          `json:"members" doc:"会员数|members"`
	Up      int64          `json:"up" doc:"立即升级的会员|who would rise at once"`
	Down    int64          `json:"down" doc:"下次评估将降级的会员|who would step down at the next review"`
	Before  []consoleCount `json:"before" doc:"现在|now"`
	After   []consoleCount `json:"after" doc:"更改当下|at once"`
	Settled []consoleCount `json:"settled" doc:"全部评估之后|once every tier was reviewed"`
	Moves   []consoleMove  `json:"moves" doc:"流向|who moves where"`
}

func counted(m map[int]int64) []consoleCount {
	out := []consoleCount{}
	for rank := range maxLevels {
		if m[rank] != 0 {
			out = append(out, consoleCount{rank, m[rank]})
		}
	}
	return out
}

const maxLevels = 6

func (k Console) preview(c *web.Ctx, in *consoleDraftIn) (*consoleImpact, error) {
	next, err := read(in.Body.Value)
	if err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleImpact, error) {
		i, err := Preview(v, next)
		if err != nil {
			return nil, err
		}
		out := &consoleImpact{i.Members, i.Up, i.Down, counted(i.Before), counted(i.After), counted(i.Settled), []consoleMove{}}
		for from := range maxLevels {
			for to := range maxLevels {
				if n := i.Moves[[2]int{from, to}]; n != 0 {
					out.Moves = append(out.Moves, consoleMove{from, to, n})
				}
			}
		}
		return out, nil
	})
}

// NewLadder is what a change of the ladder is about.
type NewLadder struct {
	Value  Settings `json:"value"`
	From   int64    `json:"from"`
	Reason string   `json:"reason"`
}

func (k Console) deed() staff.Deed[NewLadder] {
	return staff.Deed[NewLadder]{Kind: "tier.set", Zh: "更改等级阶梯", En: "Change the ladder of tiers", Perm: "edit.rules", Agree: "approve.rules",
		Alone: func(tx *db.Tx, who staff.Who, _ NewLadder) error {
			return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Tiers }, "approve.rules")
		},
		Was: func(r db.Reader, _ NewLadder) any { return map[string]any{"value": Policy.At(r, r.Now()).Value} },
		Do: func(tx *db.Tx, n NewLadder) (staff.Act, error) {
			was := Policy.At(tx, tx.Now())
			from := n.From
			if from < tx.Now() && from != 0 {
				from = 0 // the approval came after the wished start: it holds from now
			}
			v, err := SetPolicy(tx, n.Value, from, n.Reason)
			return staff.Act{What: "tier.set", Targets: []int64{v.ID}, Old: was.Value, New: n.Value}, err
		}}
}

type consoleSetIn struct {
	Body struct {
		Value  web.JSON `json:"value" doc:"新阶梯|the new ladder"`
		From   int64    `json:"from,omitempty" minimum:"0" doc:"生效时间，UTC 毫秒，缺省为立即|holds from, milliseconds UTC; at once when absent"`
		Reason string   `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) set(c *web.Ctx, in *consoleSetIn) (*staff.Done, error) {
	next, err := read(in.Body.Value)
	if err != nil {
		return nil, err
	}
	if in.Body.From != 0 && in.Body.From < c.Now() {
		return nil, setting.ErrPast.New().At("from")
	}
	return k.deed().Carry(c, k.Staff, db.Op{}, 0, NewLadder{next, in.Body.From, in.Body.Reason}, in.Body.Reason)
}

// shape is the mix of tiers that healthy programmes show, the lowest first: what is left stands above.
var shape = []money.Rate{620_000, 250_000, 100_000}

// targetsOf spreads what the shape leaves over the tiers above it; the highest tier takes the rest.
func targetsOf(levels int) []money.Rate {
	out := make([]money.Rate, levels)
	left := money.One
	for rank := range out {
		out[rank] = left / money.Rate(levels-rank)
		if rank < len(shape) && rank < levels-1 {
			out[rank] = shape[rank]
		}
		left -= out[rank]
	}
	return out
}

type consoleMixRow struct {
	Level   consoleLevel `json:"level" doc:"等级|tier"`
	Members int64        `json:"members" doc:"会员数|members"`
	Share   string       `json:"share" doc:"占比|share"`
	Target  string       `json:"target" doc:"目标占比|target share"`
}

type consoleMix struct {
	Members int64           `json:"members" doc:"会员数|members"`
	Data    []consoleMixRow `json:"data" doc:"各等级|tiers"`
}

func (k Console) mix(c *web.Ctx, _ *struct{}) (*consoleMix, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleMix, error) {
		rules, counts, out := Policy.At(v, v.Now()).Value, Mix(v), &consoleMix{}
		for _, n := range counts {
			out.Members += n
		}
		targets := targetsOf(len(rules.Levels))
		for rank := range rules.Levels {
			row := consoleMixRow{Level: levelFor(rules, rank), Members: counts[rank], Share: "0", Target: targets[rank].String()}
			if out.Members > 0 {
				share, err := money.MulDiv(counts[rank], int64(money.One), out.Members, money.Floor)
				if err != nil {
					return nil, err
				}
				row.Share = money.Rate(share).String()
			}
			out.Data = append(out.Data, row)
		}
		return out, nil
	})
}
