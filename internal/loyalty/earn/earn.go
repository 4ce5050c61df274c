// Package earn is the rules by which points and growth are earned (规则): "when this fact, if this condition, then this award".
//
// Invariants:
//
//   - a rule is a row of versions: draft → published from an instant → retired; a published version is never edited;
//   - an order is judged by the versions that held when it occurred, and its decision keeps them for ever;
//   - every award and every non-award is kept with its inputs, arithmetic and the cap that bit;
//   - a refund takes back its share of the award that was given, by the line: all partial refunds together are the award;
//   - a rule that errs or panics gives nothing, says so, and never stops a payment.
package earn

import (
	"encoding/json"

	"guanxi/internal/base/cond"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/loyalty/ledger"
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
	Asset    string          `json:"asset"`    // points or growth
	Class    int             `json:"class"`    // of lots: consumption, campaign, reward
	Priority int             `json:"priority"` // higher runs first
	Group    string          `json:"group"`    // of one group only the largest award stands; empty stacks
	Stop     bool            `json:"stop"`     // when it gives, rules below it don't run
	Bearer   string          `json:"bearer"`   // who carries the cost; empty is the brand
	Settings json.RawMessage `json:"settings"`
	When     json.RawMessage `json:"when"` // condition; empty is always
	Caps     reward.Caps     `json:"caps"`
}

// Failures a caller can see.
var (
	ErrKind = fault.Define("earn.kind", fault.Invalid,
		"没有这种规则", "There is no such kind of rule")
	ErrName = fault.Define("earn.name", fault.Invalid,
		"请填写规则的中文和英文名称（最多 60 字）", "Name the rule in Chinese and English, at most 60 characters")
	ErrAsset = fault.Define("earn.asset", fault.Invalid,
		"奖励必须是 points 或 growth", "The award must be points or growth")
	ErrClass = fault.Define("earn.class", fault.Invalid,
		"积分种类须为 1 消费、2 活动或 3 奖励", "The class is 1 consumption, 2 campaign or 3 reward")
	ErrNoRule = fault.Define("earn.not_found", fault.NotFound,
		"规则不存在", "There is no such rule")
	ErrState = fault.Define("earn.state", fault.Conflict,
		"规则版本当前为 {state}，不能这样操作", "The version is {state} and can't be changed this way")
	ErrFrom = fault.Define("earn.from", fault.Invalid,
		"生效时间不能早于现在", "A version can't start in the past")
	ErrNoDecision = fault.Define("earn.no_decision", fault.NotFound,
		"没有找到积分判定记录", "There is no decision for this")
	ErrTooMany = fault.Define("earn.too_many", fault.Conflict,
		"已发布的规则不能超过 {max} 条", "At most {max} rules can be published")
	ErrKindFixed = fault.Define("earn.kind_fixed", fault.Invalid,
		"规则的种类不能更改，请新建规则", "A rule keeps its kind; make a new rule instead")
)

const maxPublished = 200

// compiled is a version ready to run.
type compiled struct {
	Version
	Spec
	kind     Kind
	settings any
	when     *cond.Cond
	asset    ledger.Asset
}

// compile checks a spec whole and makes it ready; the fault names every wrong field.
func compile(v Version, s Spec) (*compiled, error) {
	c := &compiled{Version: v, Spec: s}
	var ok bool
	if c.kind, ok = KindOf(s.Kind); !ok {
		return nil, ErrKind.New().At("kind")
	}
	if s.Zh == "" || s.En == "" || len([]rune(s.Zh)) > 60 || len([]rune(s.En)) > 60 {
		return nil, ErrName.New().At("zh")
	}
	if c.asset, ok = ledger.ParseAsset(s.Asset); !ok {
		return nil, ErrAsset.New().At("asset")
	}
	if s.Class < ledger.ClassConsumption || s.Class > ledger.ClassReward {
		return nil, ErrClass.New().At("class")
	}
	c.settings = c.kind.Settings()
	if len(s.Settings) > 0 {
		if err := form.Decode(s.Settings, c.settings); err != nil {
			return nil, err
		}
	}
	var err error
	if len(s.When) > 0 {
		if c.when, err = cond.Parse(Fields, s.When); err != nil {
			return nil, err
		}
	}
	return c, s.Caps.Check()
}

// Withheld says that a rule failed and gave nothing; it raises an alarm and never stops a payment.
type Withheld struct {
	Rule    int64  `json:"rule"`
	Version int64  `json:"version"`
	Cause   int64  `json:"cause"`
	Why     string `json:"why"`
}

// FactKind is "reward.withheld".
func (Withheld) FactKind() string { return "reward.withheld" }

// VersionChanged says that a rule was published or retired.
type VersionChanged struct {
	Rule    int64  `json:"rule"`
	Version int64  `json:"version"`
	State   string `json:"state"`
	From    int64  `json:"from"`
}

// FactKind is "earn.version_changed".
func (VersionChanged) FactKind() string { return "earn.version_changed" }
