package points

import (
	"math"
	"net/http"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/shop"
)

func (h routes) partnerReads(srv *web.Server, tags []string, perm string) {
	none := []*fault.Kind{member.ErrNone}
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodGet, Path: "/members/{id}/balance", ID: "points.balance", Perm: perm,
		Tags: tags, Zh: "余额，可查任一时刻", En: "The balance, now or as of an instant", Errors: none}, h.getBalance)
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodGet, Path: "/members/{id}/lots", ID: "points.lots", Perm: perm,
		Tags: tags, Zh: "积分批次，按到期先后", En: "Lots of points, the next to expire first", Errors: append(none, web.ErrCursor)}, h.getLots)
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodGet, Path: "/members/{id}/expiring", ID: "points.expiring", Perm: perm,
		Tags: tags, Zh: "即将到期的积分", En: "Points that expire soon", Errors: none}, h.getExpiring)
}

type balanceIn struct {
	ID    web.ID `path:"id" doc:"会员编号|the member"`
	Asset string `query:"asset" enum:"points,growth" default:"points" doc:"资产|asset"`
	At    int64  `query:"at" minimum:"0" maximum:"9007199254740991" doc:"时刻，UTC 毫秒；不填为现在|an instant, milliseconds UTC; now when absent"`
}

type balanceOut struct {
	Member  web.ID      `json:"member_id" doc:"会员编号|the member"`
	At      int64       `json:"at" doc:"时刻，UTC 毫秒|the instant, milliseconds UTC"`
	Balance int64       `json:"balance" doc:"该时刻已记账的余额|the balance booked by that instant"`
	Now     BalancesOut `json:"now" doc:"现在的各项余额|what it is now, in its parts"`
}

// BalancesOut is an account in its parts.
type BalancesOut struct {
	Balance   int64 `json:"balance" doc:"余额，欠分为负|balance; debt makes it negative"`
	Available int64 `json:"available" doc:"可用|what can be spent"`
	Pending   int64 `json:"pending" doc:"待生效|earned and not yet spendable"`
	Held      int64 `json:"held" doc:"预占|set apart by open orders"`
	Frozen    int64 `json:"frozen" doc:"冻结|frozen"`
	Debt      int64 `json:"debt" doc:"欠分|owed"`
}

// OutOf words balances for the API.
func OutOf(b ledger.Balances) BalancesOut {
	return BalancesOut{b.Balance, b.Available, b.Pending, b.Held, b.Frozen, b.Debt}
}

func (h routes) getBalance(c *web.Ctx, in *balanceIn) (out *balanceOut, err error) {
	asset, _ := ledger.ParseAsset(in.Asset)
	err = h.d.View(c, func(v *db.View) error {
		m, err := member.Resolve(v, int64(in.ID))
		if err != nil {
			return err
		}
		now := OutOf(ledger.Now(v, m.ID, asset))
		out = &balanceOut{web.ID(m.ID), in.At, 0, now}
		if in.At == 0 {
			out.At, out.Balance = v.Now(), now.Balance
			return nil
		}
		out.Balance = ledger.AsOf(v, m.ID, asset, in.At)
		return nil
	})
	return out, err
}

type lotsIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
	web.Paging
}

type lotOut struct {
	ID        web.ID `json:"id" doc:"批次编号|the lot"`
	Points    int64  `json:"points" doc:"剩余积分，含预占|points left, with those held"`
	Held      int64  `json:"held" doc:"其中预占或冻结|of them held or frozen"`
	Granted   int64  `json:"granted" doc:"发放时的积分|points when it was given"`
	Class     string `json:"class" enum:"consumption,campaign,reward" doc:"种类|class"`
	ExpiresAt int64  `json:"expires_at,omitempty" doc:"到期时刻，没有则永久有效|when it expires; absent for never"`
	MaturesAt int64  `json:"matures_at,omitempty" doc:"生效时刻，没有则已生效|when it can be spent; absent when it can"`
	OrderID   string `json:"order_id,omitempty" doc:"来自哪笔订单|the order it comes from"`
}

// OrderOf gives the order a ref names, "" when it names none.
func OrderOf(ref string) string {
	id, ok := strings.CutPrefix(ref, "order:")
	if !ok {
		return ""
	}
	return id
}

func lotsOut(l ledger.Lot, now int64) lotOut {
	out := lotOut{web.ID(l.ID), l.Remaining, l.Held, l.Granted, className(l.Class), l.Expires, l.Matures, OrderOf(l.Ref)}
	if l.Expires >= clock.Never {
		out.ExpiresAt = 0
	}
	if l.Matures <= now {
		out.MaturesAt = 0
	}
	return out
}

func (h routes) getLots(c *web.Ctx, in *lotsIn) (out *web.Page[lotOut], err error) {
	after := ledger.LotKey{Expires: c.Now(), Lot: math.MaxInt64} // past all that have expired
	if err := web.DecodeCursor(in.Cursor, &after.Expires, &after.Lot); err != nil {
		return nil, err
	}
	err = h.d.View(c, func(v *db.View) error {
		m, err := member.Resolve(v, int64(in.ID))
		if err != nil {
			return err
		}
		lots := ledger.OpenLots(v, m.ID, ledger.Points, after, in.Limit+1)
		page := web.PageOf(lots, in.Limit, func(l ledger.Lot) string { return web.EncodeCursor(l.Expires, l.ID) })
		out = &web.Page[lotOut]{Data: make([]lotOut, 0, len(page.Data)), Next: page.Next}
		for _, l := range page.Data {
			out.Data = append(out.Data, lotsOut(l, v.Now()))
		}
		return nil
	})
	return out, err
}

// DaysIn says how far to look ahead.
type DaysIn struct {
	Days int `query:"days" minimum:"1" maximum:"400" default:"30" doc:"未来多少天|how many days ahead"`
}

type expiringIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
	DaysIn
}

type expiringOut struct {
	Total int64          `json:"total" doc:"合计积分|points in all"`
	Data  []expiringItem `json:"data" doc:"按到期先后，每个时刻一项|one item an instant, the next first"`
}

type expiringItem struct {
	At     int64 `json:"expires_at" doc:"到期时刻，UTC 毫秒|when they expire, milliseconds UTC"`
	Day    int   `json:"last_day" doc:"还能用的最后一天，如 20260731|last local day on which they can be used"`
	Points int64 `json:"points" doc:"积分|points"`
}

func (h routes) getExpiring(c *web.Ctx, in *expiringIn) (out *expiringOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		m, err := member.Resolve(v, int64(in.ID))
		if err == nil {
			out = h.s.expiring(v, m.ID, in.Days)
		}
		return err
	})
	return out, err
}

func (s *Service) expiring(r db.Reader, id int64, days int) *expiringOut {
	out := &expiringOut{Data: []expiringItem{}}
	until := s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(r.Now()), days+1))
	for _, e := range ledger.ExpiringBefore(r, id, ledger.Points, until+1) {
		out.Total += e.Amount
		out.Data = append(out.Data, expiringItem{e.At, s.Zone.LocalDay(e.At - 1), e.Amount})
	}
	return out
}

type quoteIn struct {
	Body struct {
		Member   web.ID `json:"member_id" doc:"会员编号|the member"`
		Eligible int64  `json:"eligible_fen" minimum:"0" maximum:"10000000000000" doc:"可用积分抵扣的金额，分|the amount that points may pay, in fen"`
	}
}

type quoteOut struct {
	Available int64 `json:"available" doc:"可用积分|points available"`
	Max       int64 `json:"max_points" doc:"本单最多可用|most that may pay this order"`
	Min       int64 `json:"min_points" doc:"最少使用|fewest in one payment"`
	Step      int64 `json:"step_points" doc:"步长|step"`
	Worth     int64 `json:"worth_fen" doc:"最多可抵金额，分|what the most pays, in fen"`
}

func (h routes) postQuote(c *web.Ctx, in *quoteIn) (*quoteOut, error) {
	return h.quote(c, int64(in.Body.Member), in.Body.Eligible)
}

func (h routes) quote(c *web.Ctx, id, eligible int64) (out *quoteOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		m, err := member.Require(v, id, member.Spend)
		if err != nil {
			return err
		}
		q := Policy.At(v, v.Now()).Value.QuoteOrder(ledger.Now(v, m.ID, ledger.Points).Available, eligible)
		out = &quoteOut{q.Available, q.Max, q.Min, q.Step, q.Fen}
		return nil
	})
	return out, err
}
