package earn

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
)

// draftVersion is the version that Preview gives to what is not published yet.
const draftVersion = 1

func previewFor(d Decision) *consolePreview {
	out := &consolePreview{Data: []consolePreviewLine{}}
	line := func(rule, version int64) consolePreviewLine {
		l := consolePreviewLine{Draft: version == draftVersion}
		if rule != 0 {
			id := web.ID(rule)
			l.Rule = &id
		}
		return l
	}
	for _, a := range d.Awards {
		l := line(a.Rule, a.Version)
		l.Asset, l.Given, l.Before, l.Cap = ledger.AssetName(a.Asset), a.Points, a.Calc.Points, a.Cap
		if a.Asset == ledger.Points {
			out.Points += a.Points
		}
		out.Data = append(out.Data, l)
	}
	for _, s := range d.Skips {
		l := line(s.Rule, s.Version)
		l.Skipped = s.Why
		out.Data = append(out.Data, l)
	}
	return out
}

type consoleTrialIn struct {
	Body struct {
		Spec  ConsoleSpec `json:"spec" doc:"草稿|the draft"`
		Rule  web.ID      `json:"rule,omitempty" doc:"顶替哪条规则，缺省为新规则|whose versions it stands in for; absent is a new rule"`
		From  int64       `json:"from" minimum:"0" doc:"订单起始（含），UTC 毫秒|orders from, milliseconds UTC"`
		Until int64       `json:"until" minimum:"0" doc:"订单截止（不含）|orders before"`
	}
}

type consoleTrialID struct {
	ID web.ID `json:"id" doc:"试算|the trial"`
}

func (k Console) startTrial(c *web.Ctx, in *consoleTrialIn) (*consoleTrialID, error) {
	t := TrialInput{int64(in.Body.Rule), in.Body.Spec.spec(), in.Body.From, in.Body.Until}
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*consoleTrialID, staff.Act, error) {
		id, err := k.S.StartTrial(tx, t)
		return &consoleTrialID{web.ID(id)}, staff.Act{What: "rule.trial", Targets: []int64{id}}, err
	})
}

type consoleTrial struct {
	ID         web.ID   `json:"id" doc:"试算|the trial"`
	State      string   `json:"state" enum:"running,done,failed" doc:"状态|state"`
	Orders     int64    `json:"orders" doc:"已判定的订单|orders judged so far"`
	CreatedAt  int64    `json:"created_at" doc:"开始时间|when it was asked for"`
	FinishedAt int64    `json:"finished_at" doc:"完成时间，0 为未完成|when it ended, 0 not yet"`
	By         string   `json:"by" doc:"经办|by whom"`
	Result     web.JSON `json:"result,omitempty" doc:"结果：积分与负债差、升降级人数、得失最多的会员、每日差异|the result"`
}

func (k Console) trialResult(c *web.Ctx, in *consoleIDIn) (*consoleTrial, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleTrial, error) {
		row, ok := trials.Get(v, int64(in.ID))
		if !ok {
			return nil, ErrNoTrial.New()
		}
		out := &consoleTrial{web.ID(row.ID), row.State, row.Orders, row.Created, row.Finished, k.Name(v, row.Author), ""}
		if row.State == TrialDone {
			out.Result = web.JSON(row.Result)
		}
		return out, nil
	})
}

type consoleWhyIn struct {
	ID    web.ID `path:"id" doc:"会员编号|the member"`
	Cause web.ID `path:"cause" doc:"原因：订单或事件编号|the order or fact"`
}

type consoleWhyLine struct {
	Version    web.ID `json:"version" doc:"规则版本，成长值来源为 0|version of the rule, 0 for the tier's own sources"`
	VersionNo  int    `json:"version_no" doc:"版本号|number of the version"`
	NameZh     string `json:"name_zh" doc:"规则中文名|name in Chinese"`
	NameEn     string `json:"name_en" doc:"规则英文名|name in English"`
	Asset      string `json:"asset" doc:"资产|asset"`
	Given      int64  `json:"given" doc:"给出|given"`
	Clawed     int64  `json:"clawed" doc:"退款扣回|taken back by refunds"`
	Forgone    int64  `json:"forgone" doc:"无法扣回|could not be taken back"`
	Code       string `json:"code" doc:"given 或未给的原因|given, or why nothing was"`
	Cap        string `json:"cap,omitempty" doc:"起作用的上限|the cap that bit"`
	Arithmetic string `json:"arithmetic" doc:"算式|the arithmetic"`
	ArithEn    string `json:"arithmetic_en" doc:"英文算式|the arithmetic in English"`
	Zh         string `json:"zh" doc:"中文说明|the sentence in Chinese"`
	En         string `json:"en" doc:"英文说明|the sentence in English"`
	Entry      int64  `json:"entry" doc:"账单序号，0 为无|number in the statement, 0 none"`
}

type consoleWhy struct {
	Data []consoleWhyLine `json:"data" doc:"逐条规则|rule by rule"`
}

func (k Console) why(c *web.Ctx, in *consoleWhyIn) (*consoleWhy, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleWhy, error) {
		m, err := member.Reach(v, k.Desk, staff.WhoOf(c), "view.points", int64(in.ID))
		if err != nil {
			return nil, err
		}
		for _, one := range member.Family(v, m.ID) {
			d, ok, err := DecisionOf(v, one, int64(in.Cause))
			if err != nil {
				return nil, err
			}
			if ok {
				return k.words(v, d, one, int64(in.Cause)), nil
			}
		}
		return nil, ErrNoDecision.New()
	})
}

func (k Console) words(v *db.View, d Decision, owner, cause int64) *consoleWhy {
	var about *order.Order
	if o, ok := order.Get(v, owner, cause); ok {
		about = &o
	}
	zh, en := Why(v, k.Zone, d, about, "zh"), Why(v, k.Zone, d, about, "en")
	out := &consoleWhy{Data: []consoleWhyLine{}}
	for i, l := range zh {
		out.Data = append(out.Data, consoleWhyLine{web.ID(l.Version), l.VersionNo, l.Name, en[i].Name, l.Asset, l.Given, l.Clawed, l.Forgone, l.Code, l.Cap,
			l.Arithmetic, en[i].Arithmetic, l.Sentence, en[i].Sentence, l.Entry})
	}
	return out
}
