package earn

import (
	"fmt"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/reward"
)

// Line is one award or non-award in words.
type Line struct {
	Rule       int64  `json:"rule,string"`
	Version    int64  `json:"version,string"`
	VersionNo  int    `json:"version_no"`
	Name       string `json:"name"`
	Asset      string `json:"asset"`
	Given      int64  `json:"given"`
	Clawed     int64  `json:"clawed"`
	Forgone    int64  `json:"forgone"`
	Code       string `json:"code"` // given, or why nothing was
	Arithmetic string `json:"arithmetic,omitempty"`
	Cap        string `json:"cap,omitempty"`
	Sentence   string `json:"sentence"`
	Entry      int64  `json:"entry,string"` // seq in the ledger, 0 when none
	Expires    int64  `json:"expires_at,omitempty"`
}

type words struct{ zh, en string }

func (w words) in(lang string) string {
	if lang == "en" {
		return w.en
	}
	return w.zh
}

var skipWords = map[string]words{
	SkipCond:     {"条件不符", "The condition is not met"},
	SkipGroup:    {"同组已有更高奖励", "A larger award of the same group stands"},
	SkipStop:     {"前面的规则已结束判定", "A rule before it ended the list"},
	SkipZero:     {"不足 1 分", "Less than one point"},
	SkipCarried:  {"不足 1 分，零头累计到下次", "Less than one point; it is carried to the next order"},
	SkipWithheld: {"规则执行出错，已报警", "The rule failed and raised an alarm"},
	SkipOnce:     {"已经得过", "Given before"},
	"min_fen":    {"未达最低消费", "Below the least amount"},
	"not_first":  {"不是首单", "Not the first order"},
	"no_base":    {"没有可加倍的积分", "Nothing to multiply"},
}

var capWords = map[string]words{
	reward.CapGrant:    {"单次上限", "the cap per award"},
	reward.CapDay:      {"每人每日上限", "the cap per member and day"},
	reward.CapMember:   {"每人总上限", "the cap per member"},
	reward.CapRuleDay:  {"规则每日上限", "the rule's cap per day"},
	reward.CapBudget:   {"总预算", "the budget"},
	reward.CapDailyAll: {"每日获取总上限", "the programme's cap per day"},
}

// Why explains a decision: for each award and non-award the version, inputs, arithmetic and the cap that bit.
// o is the order it is about; nil for other facts.
func Why(r db.Reader, z clock.Zone, d Decision, o *order.Order, lang string) []Line {
	in := &Input{On: OnOrder, Zone: z, Member: d.Member, TierKey: d.Tier, TierRank: d.Rank, OrdersBefore: d.Before, JoinedAt: d.JoinedAt, JoinedBy: d.JoinedBy}
	if o != nil {
		in.Order, in.Occurred, in.Amount, in.Eligible = o, o.Occurred, o.Amount, o.Eligible
	}
	var out []Line
	for _, a := range d.Awards {
		out = append(out, a.line(r, lang))
	}
	for _, s := range d.Skips {
		out = append(out, s.line(r, in, lang))
	}
	if d.Blocked != "" {
		w := words{"会员状态为 " + d.Blocked + "，不获得奖励", "The member is " + d.Blocked + " and earns nothing"}
		out = append(out, Line{Code: SkipBlocked, Sentence: w.in(lang)})
	}
	return out
}

func named(r db.Reader, version int64, lang string) (Line, *Version) {
	if version == 0 {
		w := words{"成长值", "Growth"}
		return Line{Name: w.in(lang), Asset: ledger.AssetName(ledger.Growth)}, nil
	}
	v, ok := Versions.Get(r, version)
	if !ok {
		return Line{Version: version}, nil
	}
	s := v.SpecOf()
	return Line{Rule: v.Rule, Version: v.ID, VersionNo: v.No, Name: words{s.Zh, s.En}.in(lang), Asset: s.Asset}, &v
}

func (a *Award) line(r db.Reader, lang string) Line {
	l, _ := named(r, a.Version, lang)
	l.Asset = ledger.AssetName(a.Asset)
	l.Given, l.Clawed, l.Forgone, l.Code, l.Entry, l.Expires, l.Cap = a.Points, a.Clawed, a.Forgone, "given", a.Seq, a.Expires, a.Cap
	l.Arithmetic = a.Calc.text()
	if a.Active > 0 {
		l.Arithmetic += fmt.Sprintf(" + %d (%s)", a.Active, words{"当日活跃", "active that day"}.in(lang))
	}
	w := words{fmt.Sprintf("获得 %d", a.Points), fmt.Sprintf("%d given", a.Points)}
	if a.Cap != "" {
		w.zh += "（本应 " + fmt.Sprint(a.Calc.Points) + "，受" + capWords[a.Cap].zh + "限制）"
		w.en += fmt.Sprintf(" (of %d, limited by %s)", a.Calc.Points, capWords[a.Cap].en)
	}
	if a.Clawed > 0 {
		w.zh += fmt.Sprintf("，退款扣回 %d", a.Clawed)
		w.en += fmt.Sprintf(", %d taken back by refunds", a.Clawed)
	}
	if a.Forgone > 0 {
		w.zh += fmt.Sprintf("，%d 无法扣回", a.Forgone)
		w.en += fmt.Sprintf(", %d could not be taken back", a.Forgone)
	}
	l.Sentence = w.in(lang)
	return l
}

func (s *Skip) line(r db.Reader, in *Input, lang string) Line {
	l, v := named(r, s.Version, lang)
	l.Code = s.Why
	if s.Calc != nil {
		l.Arithmetic = s.Calc.text()
	}
	if cap, ok := strings.CutPrefix(s.Why, SkipCap+":"); ok {
		l.Cap, l.Code = cap, SkipCap
		l.Sentence = words{capWords[cap].zh + "已用完", "Nothing is left of " + capWords[cap].en}.in(lang)
		return l
	}
	l.Sentence = skipWords[s.Why].in(lang)
	if s.Why == SkipCond && v != nil {
		if c, err := compile(*v, v.SpecOf()); err == nil {
			l.Sentence += words{"：", ": "}.in(lang) + c.when.Why(in, lang)
		}
	}
	return l
}

// text shows the arithmetic: ¥12.34 × 1 × 1.5 = 18.
func (c Calc) text() string {
	var parts []string
	switch {
	case c.Base > 0:
		parts = append(parts, fmt.Sprint(c.Base))
	case c.Fen > 0:
		parts = append(parts, "¥"+money.Fen(c.Fen).String())
	}
	for _, r := range []money.Rate{c.Rate, c.Tier, c.Float} {
		if r != 0 && (r != money.One || len(parts) == 1 && r == c.Rate) {
			parts = append(parts, r.String())
		}
	}
	if len(parts) < 2 && !c.Carries {
		return fmt.Sprint(c.Points)
	}
	text := strings.Join(parts, " × ")
	if c.Carried > 0 {
		text += " + " + money.Rate(c.Carried).String()
	} else if c.Carried < 0 {
		text += " − " + money.Rate(-c.Carried).String()
	}
	if text += fmt.Sprintf(" = %d", c.Points); c.Left > 0 {
		text += " + " + money.Rate(c.Left).String()
	}
	return text
}
