package earn

import (
	"net/http"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/shop"
)

// RoutesMember registers what members may see of their orders and entries.
func (h Routes) RoutesMember(srv *web.Server) {
	cursor := []*fault.Kind{web.ErrCursor}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/statement", ID: "me.statement", Perm: web.AnyCaller,
		Tags: []string{"points"}, Zh: "我的流水，从新到旧", En: "My statement, newest first", Errors: cursor}, h.getMyStatement)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/statement/months", ID: "me.statement_months", Perm: web.AnyCaller,
		Tags: []string{"points"}, Zh: "我的流水按月合计，从新到旧", En: "My statement summed by month, newest first"}, h.getMyMonths)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/orders", ID: "me.orders", Perm: web.AnyCaller,
		Tags: []string{"order"}, Zh: "我的订单，从新到旧", En: "My orders, newest first", Errors: cursor}, h.getMyOrders)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/orders/{id}/why", ID: "me.order_why", Perm: web.AnyCaller,
		Tags: []string{"order"}, Zh: "我的订单为何得到这些积分", En: "Why my order earned what it earned", Errors: []*fault.Kind{order.ErrNone}}, h.getMyWhy)
}

func (h Routes) getMyStatement(c *web.Ctx, in *StatementPage) (*web.Page[statementLine], error) {
	return h.statement(c, c.Caller.ID, in)
}

// getMyOrders lists the orders of a member and of those merged into it; ids are in the order of time.
func (h Routes) getMyOrders(c *web.Ctx, in *web.Paging) (out *web.Page[OrderFacts], err error) {
	before := int64(0)
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	err = h.DB.View(c, func(v *db.View) error {
		var rows []order.Order
		for _, m := range member.Family(v, c.Caller.ID) {
			rows = append(rows, order.Of(v, m, before, in.Limit+1)...)
		}
		slices.SortFunc(rows, func(a, b order.Order) int { return int(min(max(b.ID-a.ID, -1), 1)) })
		page := web.PageOf(rows, in.Limit, func(o order.Order) string { return web.EncodeCursor(o.ID) })
		out = &web.Page[OrderFacts]{Data: make([]OrderFacts, 0, len(page.Data)), Next: page.Next}
		for _, o := range page.Data {
			one := factsOf(o)
			one.Where = shop.StoreName(v, o.Store, c.Lang())
			out.Data = append(out.Data, one)
		}
		return nil
	})
	return out, err
}

type myOrderIn struct {
	ID web.ID `path:"id" doc:"订单编号|the order"`
}

// getMyWhy looks only where the member's own orders lie.
func (h Routes) getMyWhy(c *web.Ctx, in *myOrderIn) (out *orderDetail, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		for _, m := range member.Family(v, c.Caller.ID) {
			if o, ok := order.Get(v, m, int64(in.ID)); ok {
				if out, err = h.detail(v, o, c.Lang()); err == nil {
					out.Where = shop.StoreName(v, o.Store, c.Lang())
				}
				return err
			}
		}
		return order.ErrNone.New()
	})
	return out, err
}

type monthsIn struct {
	Asset  string `query:"asset" enum:"points,growth" default:"points" doc:"资产|asset"`
	Months int    `query:"months" minimum:"1" maximum:"60" default:"12" doc:"往回看多少个月|how many months back"`
}

type monthLine struct {
	Month   int   `json:"month" doc:"自然月，如 202607|local month, such as 202607"`
	In      int64 `json:"in" doc:"收入|what came in"`
	Out     int64 `json:"out" doc:"支出，不大于 0|what went out, not above 0"`
	Expired int64 `json:"expired" doc:"支出中到期的部分|of it what lapsed"`
	Entries int64 `json:"entries" doc:"笔数|how many entries"`
}

type monthsOut struct {
	Data []monthLine `json:"data" doc:"有流水的月份，从新到旧|months with entries, newest first"`
}

func (h Routes) getMyMonths(c *web.Ctx, in *monthsIn) (out *monthsOut, err error) {
	asset, _ := ledger.ParseAsset(in.Asset)
	z := h.Earn.Zone
	err = h.DB.View(c, func(v *db.View) error {
		first := z.AddMonths(z.LocalDay(v.Now())/100*100+1, 1-in.Months)
		out = &monthsOut{Data: []monthLine{}}
		for _, m := range ledger.MonthsOf(v, z, c.Caller.ID, asset, first) {
			out.Data = append(out.Data, monthLine(m))
		}
		return nil
	})
	return out, err
}
