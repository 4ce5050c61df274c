package earn

import (
	"encoding/json"
	"errors"
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/cond"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about rules and why they gave what they gave.
type Console struct {
	staff.Desk
	S *Service
}

// specFaults are what a rule that is wrongly filled in is refused with.
var specFaults = []*fault.Kind{ErrKind, ErrName, ErrAsset, ErrClass, ErrKindFixed, reward.ErrCaps, form.ErrInvalid, cond.ErrMalformed, cond.ErrUnknownKey, cond.ErrUnknownField, cond.ErrUnknownOp, cond.ErrWrongValue}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("rule", "规则", "Rules")
	found := append([]*fault.Kind{ErrNoRule, ErrState}, specFaults...)
	staff.Route(srv, staff.Get("/rule-kinds", "rule.kinds", "view.rules", "规则种类、表单与条件字段", "Kinds of rules, their forms, and what conditions may ask"), k.kinds)
	staff.Route(srv, staff.Get("/rules", "rule.list", "view.rules", "规则列表", "List rules"), k.list)
	staff.Route(srv, staff.Get("/rules/{id}", "rule.get", "view.rules", "规则与其全部版本", "A rule with all its versions", ErrNoRule), k.get)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/rules", "rule.create", "edit.rules", "新建规则草稿", "Draft a new rule", specFaults...)), k.create)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/rules/{id}/versions", "rule.draft", "edit.rules", "为规则起草新版本", "Draft a version of a rule", found...)), k.draft)
	staff.Route(srv, staff.Change(http.MethodPut, "/rule-versions/{id}", "rule.edit", "edit.rules", "修改草稿", "Change a draft", found...), k.edit)
	staff.Route(srv, staff.Change(http.MethodPost, "/rule-versions/{id}/publication", "rule.publish", "edit.rules", "发布版本", "Publish a version", ErrNoRule, ErrState, ErrFrom, ErrTooMany, staff.ErrReason), k.publish)
	staff.Route(srv, staff.Change(http.MethodPost, "/rule-versions/{id}/retirement", "rule.retire", "edit.rules", "下线版本", "Retire a version", ErrNoRule, ErrState, ErrFrom, staff.ErrReason), k.retire)
	staff.Route(srv, staff.Ask("/rules/preview", "rule.preview", "view.rules", "用草稿试算一笔订单，不作任何更改", "Judge an order with a draft; changes nothing", append([]*fault.Kind{member.ErrNone, order.ErrNone}, specFaults...)...), k.preview)
	staff.Route(srv, staff.Ask("/rules/reach", "rule.reach", "view.rules", "条件覆盖多少会员（按会员今天的资料，不看订单）", "How many members a condition can reach, by what is known of them today", form.ErrInvalid, cond.ErrMalformed, cond.ErrUnknownKey, cond.ErrUnknownField, cond.ErrUnknownOp, cond.ErrWrongValue), k.reach)
	staff.Route(srv, staff.Created(staff.Change(http.MethodPost, "/rule-trials", "rule.trial", "edit.rules", "用历史订单试算草稿（后台进行）", "Try a draft on past orders, in the background", append([]*fault.Kind{ErrSpan}, specFaults...)...)), k.startTrial)
	staff.Route(srv, staff.Get("/rule-trials/{id}", "rule.trial_result", "view.rules", "历史试算的进度与结果", "Progress and result of a trial", ErrNoTrial), k.trialResult)
	web.Route(srv, staff.Get("/members/{id}/decisions/{cause}", "rule.why", "view.points", "为什么给（或没给）：逐条规则说明", "Why: what each rule gave or did not give", member.ErrNone, ErrNoDecision), k.why)
}

// Deeds says what happens when somebody agrees.
func (k Console) Deeds() error {
	return errors.Join(k.publishing().Register(k.Staff), k.retiring().Register(k.Staff))
}

type consoleKind struct {
	Name string   `json:"name" doc:"代码|name"`
	Zh   string   `json:"zh" doc:"中文|in Chinese"`
	En   string   `json:"en" doc:"英文|in English"`
	On   string   `json:"on" doc:"触发事件|the fact it listens to"`
	Form web.JSON `json:"form" doc:"设置表单|form of its settings"`
	// Defaults are what the form begins with.
	Defaults web.JSON `json:"defaults" doc:"默认设置|what its settings begin with"`
}

type consoleKinds struct {
	Data   []consoleKind `json:"data" doc:"规则种类|kinds of rules"`
	Fields web.JSON      `json:"fields" doc:"条件可用的字段|what conditions may ask"`
	Caps   web.JSON      `json:"caps" doc:"上限表单|form of the caps"`
}

func (k Console) kinds(*web.Ctx, *struct{}) (*consoleKinds, error) {
	out := &consoleKinds{Fields: staff.MustJSON(Fields), Caps: staff.MustJSON(form.Of(reward.Caps{}))}
	for _, kind := range Kinds {
		out.Data = append(out.Data, consoleKind{kind.Name, kind.Zh, kind.En, kind.On, staff.MustJSON(form.Of(kind.Settings())), staff.MustJSON(kind.Settings())})
	}
	return out, nil
}

// ConsoleCaps are the caps of a rule.
type ConsoleCaps struct {
	PerGrant  int64  `json:"per_grant,omitempty" minimum:"0" doc:"单次上限|at most per award"`
	PerDay    int64  `json:"per_day,omitempty" minimum:"0" doc:"每人每日上限|per member and day"`
	PerMember int64  `json:"per_member,omitempty" minimum:"0" doc:"每人总上限|per member ever"`
	RuleDay   int64  `json:"rule_day,omitempty" minimum:"0" doc:"规则每日上限|all members per day"`
	Budget    int64  `json:"budget,omitempty" minimum:"0" doc:"总预算|budget"`
	Over      string `json:"over,omitempty" enum:"clip,reject" doc:"超限时：截断或不给|over a cap: give what is left, or nothing"`
}

// ConsoleSpec is what a version of a rule says.
type ConsoleSpec struct {
	Kind     string      `json:"kind" maxLength:"32" doc:"规则种类|kind"`
	Zh       string      `json:"zh" maxLength:"60" doc:"中文名|name in Chinese"`
	En       string      `json:"en" maxLength:"60" doc:"英文名|name in English"`
	Asset    string      `json:"asset" enum:"points,growth" doc:"奖励资产|what is given"`
	Class    int         `json:"class" minimum:"1" maximum:"3" doc:"积分种类：1 消费 2 活动 3 奖励|class of points"`
	Priority int         `json:"priority,omitempty" doc:"优先级，大者先|higher runs first"`
	Group    string      `json:"group,omitempty" maxLength:"64" doc:"互斥组，同组只取最大|of one group only the largest stands"`
	Stop     bool        `json:"stop,omitempty" doc:"给出后终止后续规则|when it gives, rules below don't run"`
	Bearer   string      `json:"bearer,omitempty" maxLength:"64" doc:"成本承担方，缺省为品牌|who carries the cost"`
	Settings web.JSON    `json:"settings,omitempty" doc:"设置，按规则种类的表单|settings, by the form of the kind"`
	When     web.JSON    `json:"when,omitempty" doc:"条件，缺省为总是|condition; absent is always"`
	Caps     ConsoleCaps `json:"caps,omitempty" doc:"上限|caps"`
}

func (s ConsoleSpec) spec() Spec {
	return Spec{s.Kind, s.Zh, s.En, s.Asset, s.Class, s.Priority, s.Group, s.Stop, s.Bearer, raw(s.Settings), raw(s.When), reward.Caps(s.Caps)}
}

// raw keeps what was left out apart from an empty text, which is no JSON.
func raw(j web.JSON) json.RawMessage {
	if j == "" {
		return nil
	}
	return json.RawMessage(j)
}

func specFor(s Spec) ConsoleSpec {
	return ConsoleSpec{s.Kind, s.Zh, s.En, s.Asset, s.Class, s.Priority, s.Group, s.Stop, s.Bearer, web.JSON(s.Settings), web.JSON(s.When), ConsoleCaps(s.Caps)}
}

type consoleRuleVersion struct {
	ID          web.ID      `json:"id" doc:"版本|the version"`
	Rule        web.ID      `json:"rule" doc:"规则|the rule"`
	No          int         `json:"no" doc:"版本号|number"`
	State       string      `json:"state" enum:"draft,published,retired" doc:"状态|state"`
	From        int64       `json:"from" doc:"生效|in force from"`
	Until       int64       `json:"until" doc:"失效，0 为无|until, 0 open"`
	InForce     bool        `json:"in_force" doc:"此刻生效|in force now"`
	Author      string      `json:"author" doc:"起草|drafted by"`
	CreatedAt   int64       `json:"created_at" doc:"起草时间|when it was drafted"`
	PublishedBy string      `json:"published_by" doc:"发布|published by"`
	PublishedAt int64       `json:"published_at" doc:"发布时间|when it was published"`
	Note        string      `json:"note" doc:"说明|note"`
	Spec        ConsoleSpec `json:"spec" doc:"内容|what it says"`
}

func (k Console) version(r db.Reader, v Version) consoleRuleVersion {
	until := v.Until
	if until >= clock.Never {
		until = 0
	}
	return consoleRuleVersion{web.ID(v.ID), web.ID(v.Rule), v.No, v.State, v.From, until, v.State != Draft && v.From <= r.Now() && r.Now() < v.Until,
		k.Name(r, v.Author), v.Created, k.Name(r, v.PublishedBy), v.PublishedAt, v.Note, specFor(v.SpecOf())}
}

type consoleRule struct {
	ID       web.ID               `json:"id" doc:"规则|the rule"`
	Kind     string               `json:"kind" doc:"种类|kind"`
	Current  *consoleRuleVersion  `json:"current,omitempty" doc:"生效中的版本|the version in force"`
	Versions []consoleRuleVersion `json:"versions" doc:"全部版本，从旧到新|all versions, oldest first"`
}

type consoleRules struct {
	Data []consoleRule `json:"data" doc:"规则|rules"`
}

func (k Console) list(c *web.Ctx, _ *struct{}) (*consoleRules, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleRules, error) { return &consoleRules{k.rulesOf(v, 0)}, nil })
}

// rulesOf gathers versions by rule; rule 0 is all.
func (k Console) rulesOf(v *db.View, rule int64) []consoleRule {
	out, at := []consoleRule{}, map[int64]int{}
	for _, one := range VersionsOf(v, rule) {
		i, ok := at[one.Rule]
		if !ok {
			i, at[one.Rule] = len(out), len(out)
			out = append(out, consoleRule{ID: web.ID(one.Rule), Kind: one.SpecOf().Kind})
		}
		shown := k.version(v, one)
		if shown.InForce {
			out[i].Current = &shown
		}
		out[i].Versions = append(out[i].Versions, shown)
	}
	return out
}

type consoleIDIn struct {
	ID web.ID `path:"id" doc:"编号|the id"`
}

func (k Console) get(c *web.Ctx, in *consoleIDIn) (*consoleRule, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleRule, error) {
		found := k.rulesOf(v, int64(in.ID))
		if len(found) == 0 {
			return nil, ErrNoRule.New()
		}
		return &found[0], nil
	})
}

type consoleNewRuleIn struct{ Body ConsoleSpec }

func (k Console) create(c *web.Ctx, in *consoleNewRuleIn) (*consoleRuleVersion, error) {
	return k.save(c, "rule.draft", func(tx *db.Tx) (Version, error) { return k.S.Draft(tx, 0, in.Body.spec()) })
}

type consoleSpecIn struct {
	ID   web.ID `path:"id" doc:"规则或版本|the rule or version"`
	Body ConsoleSpec
}

func (k Console) draft(c *web.Ctx, in *consoleSpecIn) (*consoleRuleVersion, error) {
	return k.save(c, "rule.draft", func(tx *db.Tx) (Version, error) { return k.S.Draft(tx, int64(in.ID), in.Body.spec()) })
}

func (k Console) edit(c *web.Ctx, in *consoleSpecIn) (*consoleRuleVersion, error) {
	return k.save(c, "rule.edit", func(tx *db.Tx) (Version, error) { return k.S.Edit(tx, int64(in.ID), in.Body.spec()) })
}

func (k Console) save(c *web.Ctx, what string, do func(*db.Tx) (Version, error)) (*consoleRuleVersion, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*consoleRuleVersion, staff.Act, error) {
		v, err := do(tx)
		out := k.version(tx, v)
		return &out, staff.Act{What: what, Targets: []int64{v.Rule, v.ID}, New: v.SpecOf()}, err
	})
}

// Release is what publishing or retiring a version is about. It holds what the version says, so that who agrees agrees to that.
type Release struct {
	Version int64           `json:"version,string"`
	At      int64           `json:"at"`
	Spec    json.RawMessage `json:"spec"`
	Reason  string          `json:"reason"`
}

// alone asks for a second person where the house wants two for rules.
func (k Console) alone(tx *db.Tx, who staff.Who, _ Release) error {
	return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Rules }, "approve.rules")
}

// same refuses a version that has changed since it was asked for; a start that has passed meanwhile is now.
func (r Release) same(tx *db.Tx) (at int64, err error) {
	v, ok := Versions.Get(tx, r.Version)
	if !ok {
		return 0, ErrNoRule.New()
	}
	if v.Body != string(r.Spec) {
		return 0, staff.ErrAltered.New()
	}
	return max(r.At, tx.Now()), nil
}

// stands is what of the rule is in force, as far as it is published.
func (Release) stands(r db.Reader, n Release) any {
	v, _ := Versions.Get(r, n.Version)
	for _, one := range versionsOf(r, v.Rule) {
		if one.State == Published && one.From <= r.Now() && (one.Until == 0 || r.Now() < one.Until) {
			return map[string]any{"spec": json.RawMessage(one.Body)}
		}
	}
	return nil
}

func (k Console) publishing() staff.Deed[Release] {
	return staff.Deed[Release]{Kind: "rule.publish", Zh: "发布规则", En: "Publish a rule", Perm: "edit.rules", Agree: "approve.rules", Alone: k.alone, Was: Release{}.stands,
		Do: func(tx *db.Tx, r Release) (staff.Act, error) {
			at, err := r.same(tx)
			if err != nil {
				return staff.Act{}, err
			}
			v, err := k.S.Publish(tx, r.Version, at, r.Reason)
			return staff.Act{What: "rule.publish", Targets: []int64{v.Rule, v.ID}, New: r.Spec}, err
		}}
}

func (k Console) retiring() staff.Deed[Release] {
	return staff.Deed[Release]{Kind: "rule.retire", Zh: "下线规则", En: "Retire a rule", Perm: "edit.rules", Agree: "approve.rules", Alone: k.alone,
		Do: func(tx *db.Tx, r Release) (staff.Act, error) {
			at, err := r.same(tx)
			if err != nil {
				return staff.Act{}, err
			}
			v, err := k.S.Retire(tx, r.Version, at)
			return staff.Act{What: "rule.retire", Targets: []int64{v.Rule, v.ID}, Old: r.Spec}, err
		}}
}

type consoleReleaseIn struct {
	ID   web.ID `path:"id" doc:"版本|the version"`
	Body struct {
		At     int64  `json:"at,omitempty" minimum:"0" doc:"起始时刻，UTC 毫秒，缺省为立即|from when, milliseconds UTC; at once when absent"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"说明|why"`
	}
}

func (k Console) publish(c *web.Ctx, in *consoleReleaseIn) (*staff.Done, error) {
	return k.carry(c, in, k.publishing())
}

func (k Console) retire(c *web.Ctx, in *consoleReleaseIn) (*staff.Done, error) {
	return k.carry(c, in, k.retiring())
}

func (k Console) carry(c *web.Ctx, in *consoleReleaseIn, d staff.Deed[Release]) (*staff.Done, error) {
	if in.Body.At != 0 && in.Body.At < c.Now() {
		return nil, ErrFrom.New().At("at")
	}
	r := Release{Version: int64(in.ID), At: in.Body.At, Reason: in.Body.Reason}
	err := k.DB.View(c, func(v *db.View) error {
		row, ok := Versions.Get(v, r.Version)
		if !ok {
			return ErrNoRule.New()
		}
		r.Spec = json.RawMessage(row.Body)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d.Carry(c, k.Staff, db.Op{}, 0, r, r.Reason)
}

type consolePreviewIn struct {
	Body struct {
		Spec     ConsoleSpec `json:"spec" doc:"草稿|the draft"`
		Rule     web.ID      `json:"rule,omitempty" doc:"顶替哪条规则，缺省为新规则|whose versions it stands in for; absent is a new rule"`
		Member   web.ID      `json:"member,omitempty" doc:"会员，缺省为散客|the member; absent is a guest"`
		Order    web.ID      `json:"order,omitempty" doc:"该会员的一笔订单；缺省用金额|an order of the member; absent: the amount"`
		Amount   int64       `json:"amount,omitempty" minimum:"0" maximum:"10000000000000" doc:"金额，分|amount in fen"`
		Occurred int64       `json:"occurred_at,omitempty" minimum:"0" doc:"发生时间，缺省为现在|when; now when absent"`
	}
}

type consolePreviewLine struct {
	Rule    *web.ID `json:"rule,omitempty" doc:"规则，草稿没有|the rule; absent for the draft"`
	Draft   bool    `json:"draft" doc:"是草稿给出的|by the draft"`
	Asset   string  `json:"asset,omitempty" doc:"资产|asset"`
	Given   int64   `json:"given" doc:"给出|given"`
	Before  int64   `json:"before_caps" doc:"上限之前|before caps"`
	Cap     string  `json:"cap,omitempty" doc:"起作用的上限|the cap that bit"`
	Skipped string  `json:"skipped,omitempty" doc:"没有给出的原因|why nothing was given"`
}

type consolePreview struct {
	Points int64                `json:"points" doc:"合计积分|points in all"`
	Data   []consolePreviewLine `json:"data" doc:"逐条规则|rule by rule"`
}

func (k Console) preview(c *web.Ctx, in *consolePreviewIn) (*consolePreview, error) {
	b := in.Body
	return staff.Read(c, k.Desk, func(v *db.View) (*consolePreview, error) {
		if b.Occurred == 0 {
			b.Occurred = v.Now()
		}
		o := NewMemberOrder(int64(b.Member), b.Amount, b.Occurred)
		if b.Order != 0 {
			var ok bool
			if o, ok = order.Get(v, int64(b.Member), int64(b.Order)); !ok {
				return nil, order.ErrNone.New()
			}
		}
		d, err := k.S.Preview(v, b.Spec.spec(), int64(b.Rule), o)
		if err != nil {
			return nil, err
		}
		return previewFor(d), nil
	})
}
