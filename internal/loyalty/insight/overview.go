package insight

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/money"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

type overviewIn struct {
	From  int `query:"from" minimum:"19900101" maximum:"99991231" doc:"起始日（含），如 20260131；缺省为 30 天前|first local day; 30 days back when absent"`
	Until int `query:"until" minimum:"19900101" maximum:"99991231" doc:"截止日（含）|last local day; today when absent"`
}

type figures struct {
	Members     int64  `json:"members" doc:"会员数|members"`
	JoinedToday int64  `json:"joined_today" doc:"今日入会|joined today"`
	OrdersToday int64  `json:"orders_today" doc:"今日订单|orders today"`
	AmountToday int64  `json:"amount_today" doc:"今日实付，分|paid today, in fen"`
	Points      int64  `json:"points" doc:"未使用积分|points outstanding"`
	Debt        int64  `json:"debt" doc:"欠分|owed by members"`
	Fen         int64  `json:"liability_fen" doc:"负债，分|liability, in fen"`
	Expected    int64  `json:"expected_fen" doc:"扣除预计沉淀后的负债，分|liability less expected breakage, in fen"`
	Issued      int64  `json:"issued" doc:"累计发放|issued ever"`
	Spent       int64  `json:"spent" doc:"累计消耗|spent ever"`
	Expired     int64  `json:"expired" doc:"累计过期|expired ever"`
	BurnRate    string `json:"burn_rate" doc:"消耗率|spent by issued"`
	Breakage    string `json:"breakage" doc:"沉淀率|share never spent"`
}

type trendDay struct {
	Day       int   `json:"day" doc:"自然日|local day"`
	Joined    int64 `json:"joined" doc:"入会|joined"`
	Orders    int64 `json:"orders" doc:"订单|orders"`
	Amount    int64 `json:"amount" doc:"实付，分|paid, in fen"`
	Refunds   int64 `json:"refunds" doc:"退款笔数|refunds"`
	Refunded  int64 `json:"refunded" doc:"退款，分|refunded, in fen"`
	Issued    int64 `json:"issued" doc:"发放积分|points issued"`
	Spent     int64 `json:"spent" doc:"消耗积分（净）|points spent, less those given back"`
	Expired   int64 `json:"expired" doc:"过期积分|points expired"`
	Clawed    int64 `json:"clawed" doc:"扣回积分|points taken back"`
	Points    int64 `json:"points" doc:"当日结束时未使用积分|points outstanding at its end"`
	Liability int64 `json:"liability_fen" doc:"当日结束时负债，分|liability at its end, in fen"`
}

type tierShare struct {
	Rank    int    `json:"rank" doc:"序号|rank"`
	Key     string `json:"key" doc:"代码|key"`
	Zh      string `json:"zh" doc:"中文名|name in Chinese"`
	En      string `json:"en" doc:"英文名|name in English"`
	Colour  string `json:"colour" doc:"颜色|colour"`
	Members int64  `json:"members" doc:"会员数|members"`
	Share   string `json:"share" doc:"占比|share"`
}

type alarm struct {
	Code  string `json:"code" enum:"dead_jobs,jobs_late,refunds_to_review,ledger_wrong,log_wrong,approvals_waiting" doc:"告警|which alarm"`
	Level string `json:"level" enum:"error,warning,info" doc:"级别|level"`
	Count int64  `json:"count" doc:"数量|how many"`
	Zh    string `json:"zh" doc:"中文说明|in Chinese"`
	En    string `json:"en" doc:"英文说明|in English"`
	Page  string `json:"page" doc:"控制台中的页面|page of the console"`
}

type health struct {
	Ready     int64        `json:"ready" doc:"待执行任务|jobs that wait"`
	Running   int64        `json:"running" doc:"执行中任务|jobs that run"`
	Dead      int64        `json:"dead" doc:"死信|dead letters"`
	OldestDue int64        `json:"oldest_due" doc:"最久未执行者的应执行时间，0 为无|when the one that waits longest was due, 0 none"`
	Ledger    verification `json:"ledger" doc:"最近一次账本校验|the last verification of the ledger"`
	Log       verification `json:"log" doc:"最近一次操作日志校验|the last verification of the operation log"`
}

type verification struct {
	State string `json:"state" enum:"never,ok,wrong" doc:"结果|outcome"`
	At    int64  `json:"at" doc:"时间，0 为从未|when, 0 never"`
}

type overviewOut struct {
	At     int64       `json:"at" doc:"时刻，UTC 毫秒|the instant, milliseconds UTC"`
	From   int         `json:"from" doc:"起始日|first day"`
	Until  int         `json:"until" doc:"截止日|last day"`
	Now    figures     `json:"now" doc:"当前数字|figures now"`
	Trend  []trendDay  `json:"trend" doc:"每日一行，无缺日|one row a day, none missing"`
	Tiers  []tierShare `json:"tiers" doc:"等级结构|mix of tiers"`
	Health health      `json:"health" doc:"运行|health"`
	Alarms []alarm     `json:"alarms" doc:"告警，最严重的在前|alarms, the worst first"`
}

// mostDays bounds a trend: three years and a bit.
const mostDays = 1100

func (k Console) overview(c *web.Ctx, in *overviewIn) (*overviewOut, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*overviewOut, error) {
		out := &overviewOut{At: v.Now(), Alarms: []alarm{}}
		out.From, out.Until = k.Days(v, in.From, in.Until)
		if first := k.Zone.AddDays(out.Until, -mostDays+1); out.From < first {
			out.From = first
		}
		out.Trend = k.trend(v, out.From, out.Until)
		out.Now = k.figures(v)
		var err error
		if out.Tiers, err = tierMix(v); err != nil {
			return nil, err
		}
		out.Health = healthNow(v)
		out.Alarms = append(out.Alarms, k.alarms(v, staff.WhoOf(c), out.Health)...)
		return out, nil
	})
}

func (k Console) figures(v *db.View) figures {
	today, l := k.Zone.LocalDay(v.Now()), points.LiabilityNow(v)
	f := figures{Members: member.Count(v), JoinedToday: member.JoinedSince(v, today), Points: l.Points, Debt: l.Debt, Fen: l.Fen, Expected: l.ExpectedFen,
		Issued: l.Issued, Spent: l.Spent, Expired: l.Expired, BurnRate: l.BurnRate.String(), Breakage: l.Breakage.String()}
	for _, t := range order.TotalsBetween(v, today, today) {
		f.OrdersToday, f.AmountToday = f.OrdersToday+t.Orders, f.AmountToday+t.Amount
	}
	return f
}

// trend walks the days once; what was outstanding before the first of them is summed up front.
func (k Console) trend(v *db.View, from, until int) []trendDay {
	days := map[int]*trendDay{}
	out := []trendDay{}
	for d := from; d <= until; d = k.Zone.AddDays(d, 1) {
		out = append(out, trendDay{Day: d})
	}
	for i := range out {
		days[out[i].Day] = &out[i]
	}
	for _, t := range member.TotalsBetween(v, from, until) {
		days[t.Day].Joined += t.Joined
	}
	for _, t := range order.TotalsBetween(v, from, until) {
		d := days[t.Day]
		d.Orders, d.Amount, d.Refunds, d.Refunded = d.Orders+t.Orders, d.Amount+t.Amount, d.Refunds+t.Refunds, d.Refunded+t.Refunded
	}
	held := int64(0)
	for _, t := range ledger.Flow(v, ledger.Points, 0, k.Zone.AddDays(from, -1)) {
		held += t.Amount // debt counts with the balance: together they are what lots hold
	}
	for _, t := range ledger.TotalsBetween(v, ledger.Points, from, until) {
		days[t.Day].flow(t)
	}
	policy := points.Policy.At(v, v.Now()).Value
	for i := range out {
		held += out[i].Points
		out[i].Points, out[i].Liability = held, policy.Worth(held)
	}
	return out
}

// flow adds a day's flow of one kind; Points is the day's change until trend sums it up.
func (d *trendDay) flow(t ledger.Total) {
	d.Points += t.Amount
	switch t.Kind {
	case ledger.KindEarn, ledger.KindGrant:
		d.Issued += t.Amount
	case ledger.KindSpend, ledger.KindRestore:
		d.Spent -= t.Amount
	case ledger.KindExpire:
		d.Expired -= t.Amount
	case ledger.KindClawback:
		d.Clawed -= t.Amount
	}
}

func tierMix(v *db.View) ([]tierShare, error) {
	rules, counts, all := tier.Policy.At(v, v.Now()).Value, tier.Mix(v), int64(0)
	for _, n := range counts {
		all += n
	}
	out := []tierShare{}
	for rank, l := range rules.Levels {
		one := tierShare{rank, l.Key, l.Zh, l.En, l.Colour, counts[rank], "0"}
		if all > 0 {
			share, err := money.MulDiv(counts[rank], int64(money.One), all, money.Floor)
			if err != nil {
				return nil, err
			}
			one.Share = money.Rate(share).String()
		}
		out = append(out, one)
	}
	return out, nil
}

func healthNow(v *db.View) health {
	n := job.Count(v)
	return health{n.Ready, n.Running, n.Dead, n.OldestDue, lastVerification(v, verifyLedger), lastVerification(v, verifyLog)}
}

// late is how long a due job may wait before somebody should look.
const late = 10 * 60_000

func (k Console) alarms(v *db.View, who staff.Who, h health) (out []alarm) {
	add := func(level, code string, n int64, zh, en, page string) {
		if n > 0 {
			out = append(out, alarm{code, level, n, zh, en, page})
		}
	}
	wrong := func(one verification) int64 {
		if one.State == "wrong" {
			return 1
		}
		return 0
	}
	add("error", "ledger_wrong", wrong(h.Ledger), "账本校验发现不符", "The verification of the ledger found something wrong", "verification")
	add("error", "log_wrong", wrong(h.Log), "操作日志校验发现不符", "The verification of the operation log found something wrong", "log")
	add("error", "dead_jobs", h.Dead, "有任务多次失败，等待处理", "Jobs failed too often and wait for somebody", "jobs")
	if h.OldestDue > 0 && v.Now()-h.OldestDue > late {
		add("warning", "jobs_late", h.Ready, "任务积压超过 10 分钟", "Jobs are more than 10 minutes late", "jobs")
	}
	add("warning", "refunds_to_review", order.ToReview(v), "有退款找不到原订单", "Refunds whose order is not known", "waiting-refunds")
	add("info", "approvals_waiting", k.Staff.WaitingFor(v, who), "有申请待您复核", "Approvals wait for you", "approvals")
	return out
}
