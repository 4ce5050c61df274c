// Package campaign is what members take part in (活动): kinds with settings, versions, and plays.
//
// Invariants:
//
//   - a member plays a slot of a campaign once, however many ask at the same time: the play is a row under (member, campaign, slot);
//   - of a check-in the slot is the member's local day by the server's clock; a streak is counted from the days, it is no counter;
//   - what is given goes through reward, so that caps and budgets hold, and is booked in the Tx of the play;
//   - a play keeps the version that gave it; a published version is never edited.
package campaign

import (
	"encoding/json"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/loyalty/reward"
)

// States of a version.
const (
	Draft     = "draft"
	Published = "published"
	Retired   = "retired"
)

// Spec is what a version says.
type Spec struct {
	Kind     string          `json:"kind"`
	Zh       string          `json:"zh"`
	En       string          `json:"en"`
	Until    int64           `json:"until"` // 0 is open
	Settings json.RawMessage `json:"settings"`
	Caps     reward.Caps     `json:"caps"`
}

// Kind is a plug-in point: the settings from which the console draws the form, and whether several may be in force at once.
type Kind struct {
	Name, Zh, En string
	Settings     func() any // a pointer to fresh settings with their defaults
	Check        func(settings any) error
	Single       bool // at most one in force
}

// Kinds lists every kind of campaign there is. To add one: a file, a line here, a scenario.
var Kinds = []Kind{checkIn, newcomer}

// KindOf finds a kind by name.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Failures a caller can see.
var (
	ErrKind = fault.Define("campaign.kind", fault.Invalid, "没有这种活动", "There is no such kind of campaign")
	ErrName = fault.Define("campaign.name", fault.Invalid,
		"请填写活动的中文和英文名称（最多 40 字）", "Name the campaign in Chinese and English, at most 40 characters")
	ErrUntil = fault.Define("campaign.until", fault.Invalid, "结束时间须晚于开始时间", "A campaign must end after it begins")
	ErrNone  = fault.Define("campaign.not_found", fault.NotFound, "活动不存在", "There is no such campaign")
	ErrState = fault.Define("campaign.state", fault.Conflict,
		"活动版本当前为 {state}，不能这样操作", "The version is {state} and can't be changed this way")
	ErrFrom  = fault.Define("campaign.from", fault.Invalid, "开始时间不能早于现在", "A campaign can't begin in the past")
	ErrOther = fault.Define("campaign.another", fault.Conflict,
		"已有同类活动在进行，请先结束它", "Another campaign of this kind is in force; end it first")
	ErrClosed = fault.Define("campaign.closed", fault.Conflict, "活动未开始或已结束", "The campaign has not begun or is over")
	ErrLadder = fault.Define("campaign.ladder", fault.Invalid,
		"每日积分须为 1 到 31 个、每个 0 到 10000；阶梯天数须递增", "1 to 31 daily points from 0 to 10000; the days of steps must rise")
)

// compiled is a version ready to run.
type compiled struct {
	Version
	Spec
	kind     Kind
	settings any
}

// compile checks a spec whole and makes it ready.
func compile(v Version, s Spec) (*compiled, error) {
	c := &compiled{Version: v, Spec: s}
	var ok bool
	if c.kind, ok = KindOf(s.Kind); !ok {
		return nil, ErrKind.New().At("kind")
	}
	if s.Zh == "" || s.En == "" || len([]rune(s.Zh)) > 40 || len([]rune(s.En)) > 40 {
		return nil, ErrName.New().At("zh")
	}
	c.settings = c.kind.Settings()
	if len(s.Settings) > 0 && string(s.Settings) != "null" {
		if err := form.Decode(s.Settings, c.settings); err != nil {
			return nil, err
		}
	}
	if err := c.kind.Check(c.settings); err != nil {
		return nil, err
	}
	return c, s.Caps.Check()
}

// Name is what the campaign is called in a language.
func (s Spec) Name(lang string) string {
	if lang == "en" {
		return s.En
	}
	return s.Zh
}

// CheckedIn says that a member checked in, for the first time on a local day.
type CheckedIn struct {
	Campaign int64 `json:"campaign,string"`
	Version  int64 `json:"version,string"`
	Day      int   `json:"day"`
	Streak   int   `json:"streak"`
	Points   int64 `json:"points"`
}

// FactKind is "campaign.checked_in".
func (CheckedIn) FactKind() string { return "campaign.checked_in" }

// TaskDone says that a newcomer did one of the tasks.
type TaskDone struct {
	Campaign int64  `json:"campaign,string"`
	Task     string `json:"task"`
	Points   int64  `json:"points"`
}

// FactKind is "campaign.task_done".
func (TaskDone) FactKind() string { return "campaign.task_done" }

// VersionChanged says that a version was published or retired.
type VersionChanged struct {
	Campaign int64  `json:"campaign,string"`
	Version  int64  `json:"version,string"`
	State    string `json:"state"`
	From     int64  `json:"from"`
}

// FactKind is "campaign.version_changed".
func (VersionChanged) FactKind() string { return "campaign.version_changed" }
