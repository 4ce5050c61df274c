// Package tier is what growth earns (等级): thresholds, upgrade at once, validity, keeping, three warnings, one step down, and how
// far ahead of others a member is.
//
// Growth lives in the ledger like every asset; its lots lapse after the growth window (12 months), so that the
// balance is the growth of the last 12 months. Points never count here: spending can't lower a tier.
//
// Invariants:
//
//   - a member holds exactly one tier at each instant; the history has no holes and no overlaps and is never edited;
//   - more growth never lowers a tier; reaching a threshold raises it in the same transaction;
//   - a tier is lost only at the end of its validity, after three recorded notices, one step at a time, or
//     when the purchase that gave it is refunded (by policy, which may also stop its benefits alone);
//   - the tier held is the higher of the earned and the manual one.
package tier

import (
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
	"guanxi/internal/base/setting"
)

// Level is one tier, the lowest first.
type Level struct {
	Key        string     `json:"key" zh:"代码" en:"Key" required:"true"`
	Zh         string     `json:"zh" zh:"中文名" en:"Chinese name" required:"true"`
	En         string     `json:"en" zh:"英文名" en:"English name" required:"true"`
	Growth     int64      `json:"growth" zh:"升级成长值" en:"Growth to reach it" min:"0"`
	Keep       int64      `json:"keep" zh:"保级成长值" en:"Growth to keep it" min:"0"`
	Multiplier money.Rate `json:"multiplier" zh:"积分倍率" en:"Points multiplier" min:"0.1" max:"100"`
	Colour     string     `json:"colour" zh:"卡面颜色" en:"Card colour"`
	Perks      []Perk     `json:"perks" zh:"权益" en:"Benefits" max:"20"`
}

// Perk is a benefit of a tier that members are promised in words (权益说明), beside the multiplier, which speaks for itself.
type Perk struct {
	Icon   string `json:"icon" zh:"图标" en:"Icon" options:"gift=礼物/Gift,birthday=生日/Birthday,discount=折扣/Discount,points=积分/Points,shipping=包邮/Shipping,service=客服/Service,early=抢先/Early access,event=活动/Event,other=其他/Other"`
	Zh     string `json:"zh" zh:"中文名" en:"Chinese name" required:"true" max:"30"`
	En     string `json:"en" zh:"英文名" en:"English name" required:"true" max:"60"`
	NoteZh string `json:"note_zh" zh:"中文说明" en:"Note in Chinese" max:"200"`
	NoteEn string `json:"note_en" zh:"英文说明" en:"Note in English" max:"400"`
}

// Source is one way growth is earned; Weight is in percent.
type Source struct {
	Kind   string     `json:"kind" zh:"来源" en:"Source" options:"spend=消费/Spending,active_day=活跃天数/Active days,invite=邀请/Invitations,points=累计积分/Points earned"`
	Unit   money.Rate `json:"unit" zh:"每单位成长值" en:"Growth per unit" min:"0" help:"消费按元计，活跃按天计，邀请按人计" help_en:"a yuan spent, a day active, a friend invited"`
	Weight int64      `json:"weight" zh:"权重（%）" en:"Weight in percent" min:"0" max:"100"`
}

// Settings are the operator's choices.
type Settings struct {
	Levels       []Level  `json:"levels" zh:"等级" en:"Tiers"`
	Sources      []Source `json:"sources" zh:"成长值来源" en:"Sources of growth"`
	GrowthMonths int      `json:"growth_months" zh:"成长值有效期（月）" en:"Months growth counts" unit:"months" min:"0" max:"120"`
	ValidMonths  int      `json:"valid_months" zh:"等级有效期（月）" en:"Months a tier is valid" unit:"months" min:"1" max:"120"`
	WarnDays     []int64  `json:"warn_days" zh:"降级前提醒（天）" en:"Warn these days before" unit:"days" min:"1" max:"180"`
	GraceDays    int64    `json:"grace_days" zh:"补发提醒间隔（天）" en:"Days between late warnings" unit:"days" min:"1" max:"90"`
	RefundPolicy string   `json:"refund_policy" zh:"退款后等级处理" en:"Tier after a refund" options:"immediate=立即重算/At once,at_end=有效期末重算/At the end of validity,protect=等级保留到期末，权益即停/Keep the tier until its end but stop its benefits"`
}

// Kinds of growth sources.
const (
	SourceSpend     = "spend"
	SourceActiveDay = "active_day"
	SourceInvite    = "invite"
	SourcePoints    = "points"
)

// Policy holds the versions of the settings: weights 60/30/10, five tiers with exponential thresholds.
var Policy = setting.New("tier", Settings{
	Levels: []Level{
		{Key: "base", Zh: "普通会员", En: "Member", Growth: 0, Keep: 0, Multiplier: 1_000_000, Colour: "#8a94a6"},
		{Key: "silver", Zh: "银卡会员", En: "Silver", Growth: 100, Keep: 80, Multiplier: 1_200_000, Colour: "#9aa7b8"},
		{Key: "gold", Zh: "金卡会员", En: "Gold", Growth: 300, Keep: 240, Multiplier: 1_500_000, Colour: "#c8a45c"},
		{Key: "platinum", Zh: "铂金会员", En: "Platinum", Growth: 800, Keep: 640, Multiplier: 1_800_000, Colour: "#5b7083"},
		{Key: "diamond", Zh: "钻石会员", En: "Diamond", Growth: 2000, Keep: 1600, Multiplier: 2_000_000, Colour: "#2b4c7e"},
	},
	Sources:      []Source{{SourceSpend, 1_000_000, 60}, {SourceActiveDay, 10_000_000, 30}, {SourceInvite, 100_000_000, 10}},
	GrowthMonths: 12, ValidMonths: 12, WarnDays: []int64{30, 14, 3}, GraceDays: 7, RefundPolicy: "immediate",
})

// Reasons of a change of tier.
const (
	ReasonJoin    = "join"
	ReasonUpgrade = "upgrade"
	ReasonKept    = "kept"
	ReasonNotKept = "not_kept"
	ReasonRefund  = "refund"
	ReasonManual  = "manual"
	ReasonEnded   = "manual_ended"
	ReasonBack    = "benefits_back"
	ReasonMerge   = "merge"
	ReasonUnmerge = "unmerge"
)

// warnings a member gets before a downgrade; the law of the house, not a setting.
const warnings = 3

// Failures a caller can see.
var (
	ErrLevels = fault.Define("tier.levels", fault.Invalid,
		"等级须为 3 到 6 个，代码不重复，首个门槛为 0，门槛严格递增，保级不高于升级", "3 to 6 tiers with different keys, the first at 0, thresholds rising, keeping not above reaching")
	ErrSources = fault.Define("tier.sources", fault.Invalid,
		"成长值权重合计须为 100", "The weights must add up to 100")
	ErrWarn = fault.Define("tier.warn_days", fault.Invalid,
		"须设 3 次提醒，且天数递减", "There must be three warnings, days falling")
	ErrNone = fault.Define("tier.not_found", fault.Invalid,
		"没有这个等级", "There is no such tier")
	ErrLower = fault.Define("tier.lower", fault.Conflict,
		"该会员已有更高或更久的手工等级（{tier}），不能用较低的替换", "A higher or longer tier ({tier}) was given by hand and still runs; a lesser one can't replace it")
	ErrUntil = fault.Define("tier.until", fault.Invalid,
		"有效期须晚于现在", "The end must lie in the future")
)

// Check refuses settings that can't be a ladder of tiers.
func (s Settings) Check() error {
	if len(s.Levels) < 3 || len(s.Levels) > 6 {
		return ErrLevels.New().At("levels")
	}
	keys := map[string]bool{}
	for i, l := range s.Levels {
		bad := l.Key == "" || keys[l.Key] || l.Keep > l.Growth || i == 0 && l.Growth != 0 || i > 0 && l.Growth <= s.Levels[i-1].Growth
		if bad {
			return ErrLevels.New().At("levels")
		}
		keys[l.Key] = true
	}
	var sum int64
	for _, x := range s.Sources {
		sum += x.Weight
	}
	if sum != 100 {
		return ErrSources.New().At("sources")
	}
	if len(s.WarnDays) != warnings || s.WarnDays[0] <= s.WarnDays[1] || s.WarnDays[1] <= s.WarnDays[2] {
		return ErrWarn.New().At("warn_days")
	}
	return nil
}

// For is the tier that growth reaches.
func (s Settings) For(growth int64) int {
	n := 0
	for i, l := range s.Levels {
		if growth >= l.Growth {
			n = i
		}
	}
	return n
}

// Level gives a tier by rank; a rank of an older ladder is cut to the highest there is.
func (s Settings) Level(rank int) Level { return s.Levels[min(max(rank, 0), len(s.Levels)-1)] }

// Rank finds a tier by key.
func (s Settings) Rank(key string) (int, bool) {
	for i, l := range s.Levels {
		if l.Key == key {
			return i, true
		}
	}
	return 0, false
}

// GrowthOf is the growth one source gives for n of its units; spending counts in fen.
// Units and weight are applied together and rounded down once.
func (s Settings) GrowthOf(kind string, n int64) int64 {
	for _, x := range s.Sources {
		if x.Kind != kind {
			continue
		}
		per := int64(100) * int64(money.One) // percent × millionths
		if kind == SourceSpend {
			per *= 100 // fen
		}
		g, err := money.MulDiv(n, int64(x.Unit)*x.Weight, per, money.Floor)
		if err != nil {
			return 0
		}
		return g
	}
	return 0
}

// Changed says that a member holds another tier.
type Changed struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Reason string `json:"reason"`
	Until  int64  `json:"until"`
}

// FactKind is "tier.changed".
func (Changed) FactKind() string { return "tier.changed" }

// Warned says that a member was told that its tier will be lost.
type Warned struct {
	N     int   `json:"n"`
	Until int64 `json:"until"`
	Short int64 `json:"short"`
}

// FactKind is "tier.warned".
func (Warned) FactKind() string { return "tier.warned" }
