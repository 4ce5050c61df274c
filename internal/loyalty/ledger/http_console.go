package ledger

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about accounts.
type Console struct{ staff.Desk }

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("ledger", "资产账", "Ledger")
	none := member.ErrNone
	web.Route(srv, staff.Get("/members/{id}/balances", "ledger.balances", "view.points", "会员各资产余额，可查历史时点", "A member's balances, now or at an instant", none), k.balances)
	web.Route(srv, staff.Get("/members/{id}/statement", "ledger.statement", "view.points", "会员账单，从新到旧", "A member's statement, newest first", none, web.ErrCursor), k.statement)
	web.Route(srv, staff.Get("/members/{id}/lots", "ledger.lots", "view.points", "会员未用完的批次，先到期的在前", "A member's open lots, what expires soonest first", none, web.ErrCursor), k.lots)
	web.Route(srv, staff.Get("/members/{id}/holds", "ledger.holds", "view.points", "会员的预占与冻结，从新到旧", "A member's holds and freezes, newest first", none), k.holds)
	web.Route(srv, staff.Get("/members/{id}/expiries", "ledger.expiries", "view.points", "会员到期日历", "What of a member's lapses when", none), k.expiries)
	staff.Route(srv, staff.Get("/reports/flows", "ledger.flows", "view.reports", "每日资产流水", "Flows of an asset by day"), k.flows)
	staff.Route(srv, staff.Get("/ledger/verification", "ledger.verify", "verify.log", "核对全部余额", "Check every balance"), k.verify)
}

// ConsoleAsset is the input of routes about one account.
type ConsoleAsset struct {
	ID    web.ID `path:"id" doc:"会员编号|the member"`
	Asset string `query:"asset" enum:"points,growth" default:"points" doc:"资产|asset"`
}

func (in *ConsoleAsset) asset() Asset {
	a, _ := ParseAsset(in.Asset) // one of the enum
	return a
}

type consoleBalancesIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
	At int64  `query:"at" minimum:"0" doc:"历史时点，UTC 毫秒；只给出已记账余额|an instant, milliseconds UTC; gives the booked balance only"`
}

type consoleBalance struct {
	Asset     string `json:"asset" enum:"points,growth" doc:"资产|asset"`
	Balance   int64  `json:"balance" doc:"余额|balance"`
	Available int64  `json:"available" doc:"可用|available"`
	Pending   int64  `json:"pending" doc:"待生效|pending"`
	Held      int64  `json:"held" doc:"预占|held"`
	Frozen    int64  `json:"frozen" doc:"冻结|frozen"`
	Debt      int64  `json:"debt" doc:"欠分|debt"`
}

type consoleBalances struct {
	At   int64            `json:"at" doc:"时点|the instant"`
	Data []consoleBalance `json:"data" doc:"各资产|assets"`
}

func (k Console) reach(v *db.View, c *web.Ctx, id web.ID) (int64, error) {
	m, err := member.Reach(v, k.Desk, staff.WhoOf(c), "view.points", int64(id))
	return m.ID, err
}

func (k Console) balances(c *web.Ctx, in *consoleBalancesIn) (*consoleBalances, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleBalances, error) {
		id, err := k.reach(v, c, in.ID)
		out := &consoleBalances{At: in.At}
		if err != nil {
			return nil, err
		}
		for _, a := range []Asset{Points, Growth} {
			if in.At > 0 {
				out.Data = append(out.Data, consoleBalance{Asset: AssetName(a), Balance: AsOf(v, id, a, in.At)})
				continue
			}
			b := Now(v, id, a)
			out.Data = append(out.Data, consoleBalance{AssetName(a), b.Balance, b.Available, b.Pending, b.Held, b.Frozen, b.Debt})
		}
		if in.At == 0 {
			out.At = v.Now()
		}
		return out, nil
	})
}

type consoleEntry struct {
	Seq      int64   `json:"seq" doc:"序号|number"`
	At       int64   `json:"at" doc:"记账时间|when it was booked"`
	Occurred int64   `json:"occurred_at" doc:"发生时间|when its cause happened"`
	Kind     string  `json:"kind" enum:"earn,grant,spend,expire,clawback,restore,adjust,reversal,transfer,merge,unmerge,seize,mature" doc:"种类|kind"`
	Amount   int64   `json:"amount" doc:"数量|amount"`
	Balance  int64   `json:"balance" doc:"余额|balance after it"`
	Ref      string  `json:"ref" doc:"关联，如 order:编号|what it is about, such as order:id"`
	Rule     *web.ID `json:"rule_version,omitempty" doc:"规则版本|version of the rule"`
	Class    int     `json:"class" doc:"积分种类：1 消费 2 活动 3 奖励|class of points: 1 consumption, 2 campaign, 3 reward"`
	Expires  int64   `json:"expires_at" doc:"到期，0 为无|when it lapses, 0 never or not"`
	Debt     int64   `json:"debt" doc:"之后的欠分|debt after it"`
	Reason   string  `json:"reason" doc:"原因|why"`
	By       string  `json:"by" doc:"经办|by whom"`
}

// expiry is an expiry for people: 0 is never.
func expiry(at int64) int64 {
	if at >= clock.Never {
		return 0
	}
	return at
}

func (k Console) entry(v *db.View, e Entry) consoleEntry {
	d := e.Details()
	out := consoleEntry{e.Seq, e.At, e.Occurred, e.Kind, e.Amount, e.Balance, e.Ref, nil, e.Class, expiry(e.Expires), d.Debt, d.Reason, k.Name(v, d.Actor)}
	if e.Rule != 0 {
		id := web.ID(e.Rule)
		out.Rule = &id
	}
	return out
}

type consoleStatementIn struct {
	web.Paging
	ConsoleAsset
}

func (k Console) statement(c *web.Ctx, in *consoleStatementIn) (*web.Page[consoleEntry], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleEntry], error) {
		id, err := k.reach(v, c, in.ID)
		if err != nil {
			return nil, err
		}
		var rows []consoleEntry
		for _, e := range Statement(v, id, in.asset(), before, in.Limit+1) {
			rows = append(rows, k.entry(v, e))
		}
		return web.PageOf(rows, in.Limit, func(e consoleEntry) string { return web.EncodeCursor(e.Seq) }), nil
	})
}

type consoleLot struct {
	ID        web.ID `json:"id" doc:"批次|the lot"`
	Remaining int64  `json:"remaining" doc:"剩余|what is left"`
	Held      int64  `json:"held" doc:"其中预占或冻结|of it held or frozen"`
	Granted   int64  `json:"granted" doc:"原始数量|what it began with"`
	Class     int    `json:"class" doc:"积分种类：1 消费 2 活动 3 奖励|class of points"`
	Expires   int64  `json:"expires_at" doc:"到期，0 为永久|when it lapses, 0 never"`
	Matures   int64  `json:"matures_at" doc:"生效时间，0 为已生效|when it can be spent, 0 now"`
	Ref       string `json:"ref" doc:"来源|what it came from"`
	key       LotKey
}

func (k Console) lots(c *web.Ctx, in *consoleStatementIn) (*web.Page[consoleLot], error) {
	var after LotKey
	if err := web.DecodeCursor(in.Cursor, &after.Expires, &after.Lot); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleLot], error) {
		id, err := k.reach(v, c, in.ID)
		if err != nil {
			return nil, err
		}
		var rows []consoleLot
		for _, l := range OpenLots(v, id, in.asset(), after, in.Limit+1) {
			matures := l.Matures
			if matures <= v.Now() {
				matures = 0
			}
			rows = append(rows, consoleLot{web.ID(l.ID), l.Remaining, l.Held, l.Granted, l.Class, expiry(l.Expires), matures, l.Ref, LotKey{Expires: l.Expires, Lot: l.ID}})
		}
		return web.PageOf(rows, in.Limit, func(l consoleLot) string { return web.EncodeCursor(l.key.Expires, l.key.Lot) }), nil
	})
}

type consoleHold struct {
	ID     web.ID `json:"id" doc:"预占|the hold"`
	Asset  string `json:"asset" enum:"points,growth" doc:"资产|asset"`
	Kind   string `json:"kind" enum:"checkout,freeze" doc:"checkout 下单预占；freeze 冻结|by a checkout, or frozen"`
	State  string `json:"state" enum:"open,posted,voided,expired" doc:"状态|state"`
	Amount int64  `json:"amount" doc:"数量|amount"`
	At     int64  `json:"at" doc:"开始|since"`
	Until  int64  `json:"until" doc:"自动结束时间，0 为无|when it ends by itself, 0 never"`
	Ended  int64  `json:"ended_at" doc:"结束时间，0 为未结束|when it ended, 0 not yet"`
	Ref    string `json:"ref" doc:"关联|what it is about"`
}

type consoleHolds struct {
	Data []consoleHold `json:"data" doc:"预占与冻结|holds"`
}

type consoleMemberIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
}

func (k Console) holds(c *web.Ctx, in *consoleMemberIn) (*consoleHolds, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleHolds, error) {
		id, err := k.reach(v, c, in.ID)
		out := &consoleHolds{Data: []consoleHold{}}
		if err != nil {
			return nil, err
		}
		for _, h := range HoldsOf(v, id) {
			out.Data = append(out.Data, consoleHold{web.ID(h.ID), AssetName(h.Asset), h.Kind, h.State, h.Amount, h.At, expiry(h.Until), h.Ended, h.Ref})
		}
		return out, nil
	})
}

type consoleExpiriesIn struct {
	ConsoleAsset
	Days int `query:"days" minimum:"1" maximum:"3660" default:"400" doc:"往后多少天|how many days ahead"`
}

type consoleExpiry struct {
	Day    int   `json:"day" doc:"到期自然日（当日结束时失效）|local day at whose end it lapses"`
	Amount int64 `json:"amount" doc:"数量|amount"`
}

type consoleExpiries struct {
	Data []consoleExpiry `json:"data" doc:"到期日历|by day"`
}

func (k Console) expiries(c *web.Ctx, in *consoleExpiriesIn) (*consoleExpiries, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleExpiries, error) {
		id, err := k.reach(v, c, in.ID)
		out := &consoleExpiries{Data: []consoleExpiry{}}
		if err != nil {
			return nil, err
		}
		until := k.Zone.StartOfDay(k.Zone.AddDays(k.Zone.LocalDay(v.Now()), in.Days+1))
		for _, e := range ExpiringBefore(v, id, in.asset(), until) {
			out.Data = append(out.Data, consoleExpiry{k.Zone.LocalDay(e.At - 1), e.Amount})
		}
		return out, nil
	})
}

type consoleFlowsIn struct {
	Asset string `query:"asset" enum:"points,growth" default:"points" doc:"资产|asset"`
	From  int    `query:"from" minimum:"19900101" maximum:"99991231" doc:"起始日（含），如 20260131；缺省为 30 天前|first local day; 30 days back when absent"`
	Until int    `query:"until" minimum:"19900101" maximum:"99991231" doc:"截止日（含）|last local day; today when absent"`
}

type consoleFlow struct {
	Day     int    `json:"day" doc:"自然日|local day"`
	Kind    string `json:"kind" doc:"种类；debt 为欠分变化|kind; debt is the change of debt"`
	Amount  int64  `json:"amount" doc:"数量|amount"`
	Entries int64  `json:"entries" doc:"笔数|entries"`
}

type consoleFlows struct {
	From  int           `json:"from" doc:"起始日|first day"`
	Until int           `json:"until" doc:"截止日|last day"`
	Data  []consoleFlow `json:"data" doc:"按日与种类|by day and kind"`
}

func (k Console) flows(c *web.Ctx, in *consoleFlowsIn) (*consoleFlows, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleFlows, error) {
		out := &consoleFlows{Data: []consoleFlow{}}
		out.From, out.Until = k.Days(v, in.From, in.Until)
		a, _ := ParseAsset(in.Asset)
		for _, t := range TotalsBetween(v, a, out.From, out.Until) {
			out.Data = append(out.Data, consoleFlow{t.Day, t.Kind, t.Amount, t.Entries})
		}
		return out, nil
	})
}

type consoleVerified struct {
	Accounts int64    `json:"accounts" doc:"账户数|accounts"`
	Entries  int64    `json:"entries" doc:"流水数|entries"`
	Wrong    []string `json:"wrong" doc:"不符之处，最多 20 条|what does not agree, at most 20"`
}

const mostWrong = 20

func (k Console) verify(c *web.Ctx, _ *struct{}) (*consoleVerified, error) {
	found, err := CheckAll(c, k.DB)
	if err != nil {
		return nil, err
	}
	out := &consoleVerified{found.Accounts, found.Entries, []string{}}
	for _, w := range found.Wrong[:min(len(found.Wrong), mostWrong)] {
		out.Wrong = append(out.Wrong, w.Row+": "+w.What)
	}
	return out, nil
}
