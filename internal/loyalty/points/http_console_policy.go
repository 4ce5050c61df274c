package points

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/form"
	"guanxi/internal/base/money"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

func (k Console) policy(srv *web.Server) {
	staff.Route(srv, staff.Get("/settings/points", "points.policy", "view.rules", "积分政策与历史版本", "The points policy and its versions"), k.getPolicy)
	staff.Route(srv, staff.Change(http.MethodPut, "/settings/points", "points.set_policy", "edit.rules", "更改积分政策；不利于会员的须提前公告", "Change the policy; what is against members must be announced ahead",
		ErrNotice, form.ErrInvalid, setting.ErrPast, staff.ErrReason), k.putPolicy)
	staff.Route(srv, staff.Get("/settings/rate", "points.rate", "view.rules", "浮动汇率：当前、历史与建议", "The floating rate: now, its history, and what is suggested"), k.getRate)
	staff.Route(srv, staff.Change(http.MethodPut, "/settings/rate", "points.set_rate", "edit.rules", "公布浮动汇率；调低须提前公告", "Announce a floating rate; a lower one ahead of time", ErrRate, ErrNotice, money.ErrMalformed, setting.ErrPast, staff.ErrReason), k.putRate)
	staff.Route(srv, staff.Get("/reports/liability", "points.liability", "view.reports", "积分负债与沉淀", "Liability and breakage"), k.liability)
}

func (k Console) getPolicy(c *web.Ctx, _ *struct{}) (*staff.SettingOut, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*staff.SettingOut, error) {
		return staff.SettingFor(k.Desk, v, Policy, form.Of(Settings{})), nil
	})
}

// NewPolicy is what a change of the policy is about.
type NewPolicy struct {
	Value  Settings `json:"value"`
	From   int64    `json:"from"`
	Reason string   `json:"reason"`
}

// alone asks for a second person where the house wants two for the points policy.
func (k Console) alone(tx *db.Tx, who staff.Who) error {
	return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Points }, "approve.rules")
}

// start is the wished start of a change, or now when an approval came after it.
func start(tx *db.Tx, from int64) int64 {
	if from < tx.Now() {
		return tx.Now()
	}
	return from
}

func (k Console) policing() staff.Deed[NewPolicy] {
	return staff.Deed[NewPolicy]{Kind: "points.policy", Zh: "更改积分政策", En: "Change the points policy", Perm: "edit.rules", Agree: "approve.rules",
		Alone: func(tx *db.Tx, who staff.Who, _ NewPolicy) error { return k.alone(tx, who) },
		Was:   func(r db.Reader, _ NewPolicy) any { return map[string]any{"value": Policy.At(r, r.Now()).Value} },
		Do: func(tx *db.Tx, n NewPolicy) (staff.Act, error) {
			was := Policy.At(tx, tx.Now()).Value
			v, err := SetPolicy(tx, n.Value, start(tx, n.From), n.Reason)
			return staff.Act{What: "points.policy", Targets: []int64{v.ID}, Old: was, New: n.Value}, err
		}}
}

type consolePolicyIn struct {
	Body struct {
		Value  web.JSON `json:"value" doc:"改动的设置项，未给的保持现值|the settings that change; what is left out stays"`
		From   int64    `json:"from,omitempty" minimum:"0" doc:"生效时间，UTC 毫秒，缺省为立即|holds from, milliseconds UTC; at once when absent"`
		Reason string   `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) putPolicy(c *web.Ctx, in *consolePolicyIn) (*staff.Done, error) {
	now, err := staff.Read(c, k.Desk, func(v *db.View) (*Settings, error) {
		s := Policy.At(v, v.Now()).Value
		return &s, nil
	})
	if err != nil {
		return nil, err
	}
	if err := form.Decode([]byte(in.Body.Value), now); err != nil {
		return nil, err
	}
	if in.Body.From != 0 && in.Body.From < c.Now() {
		return nil, setting.ErrPast.New().At("from")
	}
	return k.policing().Carry(c, k.Staff, db.Op{}, 0, NewPolicy{*now, in.Body.From, in.Body.Reason}, in.Body.Reason)
}

type consoleRate struct {
	Rate       string             `json:"rate" doc:"当前汇率|the rate now"`
	Suggested  string             `json:"suggested" doc:"按负债、预算与消耗率建议的汇率|what liability, budget and burn rate suggest"`
	Floor      string             `json:"floor" doc:"下限|floor"`
	Ceiling    string             `json:"ceiling" doc:"上限|ceiling"`
	NoticeDays int                `json:"notice_days" doc:"调低须提前公告的天数|days of notice before a lower one"`
	History    []staff.VersionOut `json:"history" doc:"公布历史，从旧到新，含未生效|what was announced, oldest first"`
}

func (k Console) getRate(c *web.Ctx, _ *struct{}) (*consoleRate, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleRate, error) {
		p := Policy.At(v, v.Now()).Value
		out := &consoleRate{Rates.At(v, v.Now()).Value.Rate.String(), p.SuggestRate(LiabilityNow(v)).String(), p.RateFloor.String(), p.RateCeiling.String(),
			p.NoticeDays, []staff.VersionOut{}}
		for _, one := range Rates.History(v) {
			out.History = append(out.History, staff.VersionFor(k.Desk, v, one))
		}
		return out, nil
	})
}

// NewRate is what an announcement of the floating rate is about.
type NewRate struct {
	Rate   money.Rate `json:"rate"`
	From   int64      `json:"from"`
	Reason string     `json:"reason"`
}

func (k Console) rating() staff.Deed[NewRate] {
	return staff.Deed[NewRate]{Kind: "points.rate", Zh: "公布浮动汇率", En: "Announce a floating rate", Perm: "edit.rules", Agree: "approve.rules",
		Alone: func(tx *db.Tx, who staff.Who, _ NewRate) error { return k.alone(tx, who) },
		Was:   func(r db.Reader, _ NewRate) any { return map[string]any{"rate": Rates.At(r, r.Now()).Value.Rate} },
		Do: func(tx *db.Tx, n NewRate) (staff.Act, error) {
			was := Rates.At(tx, tx.Now()).Value.Rate
			v, err := SetRate(tx, n.Rate, start(tx, n.From), n.Reason)
			return staff.Act{What: "points.rate", Targets: []int64{v.ID}, Old: was, New: n.Rate}, err
		}}
}

type consoleRateIn struct {
	Body struct {
		Rate   string `json:"rate" minLength:"1" maxLength:"20" doc:"汇率，如 0.9|the rate, such as 0.9"`
		From   int64  `json:"from,omitempty" minimum:"0" doc:"生效时间，UTC 毫秒，缺省为立即|holds from, milliseconds UTC; at once when absent"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"公告原因|why, as announced"`
	}
}

func (k Console) putRate(c *web.Ctx, in *consoleRateIn) (*staff.Done, error) {
	rate, err := money.ParseRate(in.Body.Rate)
	if err != nil {
		return nil, money.ErrMalformed.New().At("rate")
	}
	if in.Body.From != 0 && in.Body.From < c.Now() {
		return nil, setting.ErrPast.New().At("from")
	}
	return k.rating().Carry(c, k.Staff, db.Op{}, 0, NewRate{rate, in.Body.From, in.Body.Reason}, in.Body.Reason)
}

type consoleLiability struct {
	Points      int64  `json:"points" doc:"会员持有积分|points members hold"`
	Debt        int64  `json:"debt" doc:"会员欠分|points members owe"`
	Fen         int64  `json:"fen" doc:"负债，分|liability in fen"`
	ExpectedFen int64  `json:"expected_fen" doc:"扣除预期沉淀后的负债，分|liability without the expected breakage, in fen"`
	BudgetFen   int64  `json:"budget_fen" doc:"负债预算，分，0 为未设|budget of liability in fen, 0 none"`
	Issued      int64  `json:"issued" doc:"累计发放|issued ever"`
	Spent       int64  `json:"spent" doc:"累计消耗|spent ever"`
	Expired     int64  `json:"expired" doc:"累计过期|expired ever"`
	Clawed      int64  `json:"clawed" doc:"累计退款扣回|taken back by refunds ever"`
	BurnRate    string `json:"burn_rate" doc:"消耗率：消耗 ÷ 发放|spent ÷ issued"`
	Breakage    string `json:"breakage" doc:"沉淀率：过期 ÷（消耗 + 过期）|expired ÷ (spent + expired)"`
}

func (k Console) liability(c *web.Ctx, _ *struct{}) (*consoleLiability, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleLiability, error) {
		l, p := LiabilityNow(v), Policy.At(v, v.Now()).Value
		return &consoleLiability{l.Points, l.Debt, l.Fen, l.ExpectedFen, p.BudgetYuan * 100, l.Issued, l.Spent, l.Expired, l.Clawed, l.BurnRate.String(), l.Breakage.String()}, nil
	})
}
