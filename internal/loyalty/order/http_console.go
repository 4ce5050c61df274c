package order

import (
	"encoding/json"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about orders.
type Console struct{ staff.Desk }

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("order", "订单", "Orders")
	web.Route(srv, staff.Get("/members/{id}/orders", "order.of_member", "view.orders", "会员的订单与退款，从新到旧", "A member's orders and refunds, newest first", member.ErrNone, web.ErrCursor), k.ofMember)
	staff.Route(srv, staff.Get("/orders/latest", "order.latest", "view.orders", "最新订单", "The latest orders"), k.latest)
	web.Route(srv, staff.Get("/orders/list", "order.list", "view.orders", "订单列表，从新到旧，可筛选", "List orders, newest first, by filters", web.ErrCursor), k.list)
	web.Route(srv, staff.Get("/orders", "order.find", "view.orders", "按来源与单号查找订单", "Find an order by source and number", ErrNone), k.find)
	staff.Route(srv, staff.Get("/reports/orders", "order.by_day", "view.reports", "每日订单", "Orders by day"), k.byDay)
	staff.Route(srv, staff.Get("/waiting-refunds", "order.waiting", "view.orders", "找不到原订单、待人工处理的退款", "Refunds whose order is not known", web.ErrCursor), k.waiting)
}

type consoleLine struct {
	SKU      string `json:"sku" doc:"货号|stock number"`
	Name     string `json:"name" doc:"名称|name"`
	Qty      int64  `json:"qty" doc:"数量|quantity"`
	Amount   int64  `json:"amount" doc:"金额，分|amount in fen"`
	Eligible int64  `json:"eligible" doc:"可积分金额，分|of it, what earns"`
	Refunded int64  `json:"refunded" doc:"已退，分|refunded so far"`
}

type consoleRefund struct {
	ID       web.ID `json:"id" doc:"退款|the refund"`
	No       string `json:"no" doc:"退款号|its number"`
	Amount   int64  `json:"amount" doc:"金额，分|amount in fen"`
	Occurred int64  `json:"occurred_at" doc:"发生时间|when it happened"`
	Reason   string `json:"reason" doc:"原因|why"`
}

type consoleOrder struct {
	ID         web.ID          `json:"id" doc:"订单|the order"`
	Member     *web.ID         `json:"member,omitempty" doc:"会员，散客没有|the member; absent for guests"`
	Source     string          `json:"source" doc:"来源|source"`
	No         string          `json:"no" doc:"单号|number"`
	Status     string          `json:"status" enum:"paid,partially_refunded,refunded,closed" doc:"状态|status"`
	Amount     int64           `json:"amount" doc:"实付，分|paid, in fen"`
	Eligible   int64           `json:"eligible" doc:"可积分金额，分|of it, what earns"`
	Refunded   int64           `json:"refunded" doc:"已退，分|refunded so far"`
	PointsUsed int64           `json:"points_used" doc:"抵扣积分|points that paid a part"`
	Channel    string          `json:"channel" doc:"渠道|channel"`
	Store      string          `json:"store" doc:"门店|store"`
	Occurred   int64           `json:"occurred_at" doc:"支付时间|when it was paid"`
	Received   int64           `json:"received_at" doc:"收到时间|when it was told"`
	Terminal   *tillOut        `json:"terminal,omitempty" doc:"上报的终端；合作方自身或其他来源没有|the till that told of it; absent for a partner's own and other sources"`
	Lines      []consoleLine   `json:"lines" doc:"明细|lines"`
	Refunds    []consoleRefund `json:"refunds" doc:"退款|refunds"`
}

// tillOut is the till that told of an order, and where it stands now.
type tillOut struct {
	ID        web.ID `json:"id" doc:"终端|the terminal"`
	Code      string `json:"code" doc:"编号|number"`
	Name      string `json:"name" doc:"名称|name"`
	StoreCode string `json:"store_code" doc:"所在门店编码|code of its store"`
	StoreZh   string `json:"store_zh" doc:"所在门店中文名|its store in Chinese"`
	StoreEn   string `json:"store_en" doc:"所在门店英文名|its store in English"`
}

// tills tells which till told of an order, each read once.
func (k Console) tills(r db.Reader) func(Order) *tillOut {
	known := map[int64]*tillOut{0: nil}
	return func(o Order) *tillOut {
		out, ok := known[o.Terminal]
		if ok {
			return out
		}
		if t, err := k.Shop.Terminal(r, o.Terminal); err == nil {
			st, _ := k.Shop.Store(r, t.Store) // a terminal stands in a store that there is
			out = &tillOut{web.ID(t.ID), t.Code, t.Name, st.Code, st.NameZh, st.NameEn}
		}
		known[o.Terminal] = out
		return out
	}
}

// Reach finds an order that an operator may see: of all, or of a store or of a member within their scope. Others are not there.
func Reach(r db.Reader, d staff.Desk, who staff.Who, perm, source, no string) (Order, error) {
	o, ok := Find(r, source, no)
	if !ok {
		return o, ErrNone.New()
	}
	codes, all := d.StoreCodes(r, who, perm)
	if all || slices.Contains(codes, o.Store) {
		return o, nil
	}
	if o.Member != 0 {
		if _, err := member.Reach(r, d, who, perm, o.Member); err == nil {
			return o, nil
		}
	}
	return Order{}, ErrNone.New()
}

func orderFor(r db.Reader, o Order, till *tillOut) consoleOrder {
	out := consoleOrder{web.ID(o.ID), nil, o.Source, o.No, o.Status, o.Amount, o.Eligible, o.Refunded, o.PointsUsed, o.Channel, o.Store,
		o.Occurred, o.Received, till, []consoleLine{}, []consoleRefund{}}
	if o.Member != 0 {
		id := web.ID(o.Member)
		out.Member = &id
	}
	for _, l := range o.LinesOf() {
		out.Lines = append(out.Lines, consoleLine{l.SKU, l.Name, l.Qty, l.Amount, l.Eligible, l.BackAmount})
	}
	if o.Refunded > 0 {
		for _, f := range RefundsOf(r, o.Member, o.ID) {
			out.Refunds = append(out.Refunds, consoleRefund{web.ID(f.ID), f.No, f.Amount, f.Occurred, f.Reason})
		}
	}
	return out
}

type consoleOrdersIn struct {
	web.Paging
	ID web.ID `path:"id" doc:"会员编号|the member"`
}

func (k Console) ofMember(c *web.Ctx, in *consoleOrdersIn) (*web.Page[consoleOrder], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleOrder], error) {
		m, err := member.Reach(v, k.Desk, staff.WhoOf(c), "view.orders", int64(in.ID))
		if err != nil {
			return nil, err
		}
		var rows []consoleOrder
		till := k.tills(v)
		for _, o := range OfMany(v, member.Family(v, m.ID), before, in.Limit+1) {
			rows = append(rows, orderFor(v, o, till(o)))
		}
		return web.PageOf(rows, in.Limit, func(o consoleOrder) string { return web.EncodeCursor(int64(o.ID)) }), nil
	})
}

type consoleOrders struct {
	Data []consoleOrder `json:"data" doc:"订单|orders"`
}

type consoleLatestIn struct {
	Limit int `query:"limit" minimum:"1" maximum:"50" default:"10" doc:"条数|how many"`
}

func (k Console) latest(c *web.Ctx, in *consoleLatestIn) (*consoleOrders, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleOrders, error) {
		out, till := &consoleOrders{Data: []consoleOrder{}}, k.tills(v)
		for _, o := range Latest(v, in.Limit) {
			out.Data = append(out.Data, orderFor(v, o, till(o)))
		}
		return out, nil
	})
}

type consoleListIn struct {
	web.Paging
	Source  string `query:"source" maxLength:"64" doc:"来源|source"`
	Channel string `query:"channel" maxLength:"64" doc:"渠道|channel"`
	Store   string `query:"store" maxLength:"64" doc:"门店编码|code of the store"`
	Status  string `query:"status" enum:"paid,partially_refunded,refunded,closed" doc:"状态|status"`
	Till    web.ID `query:"terminal" doc:"上报的终端|the till that told of it"`
	From    int64  `query:"from" minimum:"0" doc:"此时刻（含）之后收到，UTC 毫秒|received at or after, milliseconds UTC"`
	Until   int64  `query:"until" minimum:"0" doc:"此时刻之前收到|received before"`
}

// list may give a short page with a next one: a rare filter is looked for in bounded steps.
func (k Console) list(c *web.Ctx, in *consoleListIn) (*web.Page[consoleOrder], error) {
	var place int64
	if err := web.DecodeCursor(in.Cursor, &place); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleOrder], error) {
		f := Filter{Source: in.Source, Channel: in.Channel, Status: in.Status, Terminal: int64(in.Till), From: in.From, Until: in.Until}
		codes, all := k.StoreCodes(v, staff.WhoOf(c), "view.orders")
		if f.Stores = staff.Within(codes, all, in.Store); !all && len(f.Stores) == 0 {
			return web.PageOf[consoleOrder](nil, in.Limit, nil), nil
		}
		rows, more := List(v, f, place, in.Limit+1)
		page := web.PageOf(rows, in.Limit, func(l Listed) string { return web.EncodeCursor(l.Place) })
		out := &web.Page[consoleOrder]{Data: []consoleOrder{}, Next: page.Next}
		if more != 0 {
			out.Next = web.EncodeCursor(more)
		}
		till := k.tills(v)
		for _, l := range page.Data {
			out.Data = append(out.Data, orderFor(v, l.Order, till(l.Order)))
		}
		return out, nil
	})
}

type consoleFindIn struct {
	Source string `query:"source" maxLength:"64" doc:"来源|source"`
	No     string `query:"no" maxLength:"120" doc:"单号|number"`
}

func (k Console) find(c *web.Ctx, in *consoleFindIn) (*consoleOrder, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleOrder, error) {
		o, err := Reach(v, k.Desk, staff.WhoOf(c), "view.orders", in.Source, in.No)
		out := orderFor(v, o, k.tills(v)(o))
		return &out, err
	})
}

type consoleDaysIn struct {
	From  int `query:"from" minimum:"19900101" maximum:"99991231" doc:"起始日（含），如 20260131；缺省为 30 天前|first local day; 30 days back when absent"`
	Until int `query:"until" minimum:"19900101" maximum:"99991231" doc:"截止日（含）|last local day; today when absent"`
}

type consoleDay struct {
	Day      int    `json:"day" doc:"自然日|local day"`
	Channel  string `json:"channel" doc:"渠道|channel"`
	Orders   int64  `json:"orders" doc:"订单数|orders"`
	Amount   int64  `json:"amount" doc:"金额，分|amount in fen"`
	Refunds  int64  `json:"refunds" doc:"退款笔数|refunds"`
	Refunded int64  `json:"refunded" doc:"退款金额，分|refunded, in fen"`
}

type consoleDays struct {
	Data []consoleDay `json:"data" doc:"按日与渠道|by day and channel"`
}

func (k Console) byDay(c *web.Ctx, in *consoleDaysIn) (*consoleDays, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleDays, error) {
		from, until := k.Days(v, in.From, in.Until)
		out := &consoleDays{Data: []consoleDay{}}
		for _, t := range TotalsBetween(v, from, until) {
			out.Data = append(out.Data, consoleDay(t))
		}
		return out, nil
	})
}

type consoleWaiting struct {
	Source   string `json:"source" doc:"来源|source"`
	OrderNo  string `json:"order_no" doc:"原订单号|number of the order"`
	RefundNo string `json:"refund_no" doc:"退款号|number of the refund"`
	Amount   int64  `json:"amount" doc:"金额，分|amount in fen"`
	Received int64  `json:"received_at" doc:"收到时间|when it was told"`
	State    string `json:"state" enum:"waiting,review" doc:"waiting 等待原订单；review 待人工处理|waiting for its order, or for a person"`
	key      string
}

func (k Console) waiting(c *web.Ctx, in *web.Paging) (*web.Page[consoleWaiting], error) {
	var key, no string
	if err := web.DecodeCursor(in.Cursor, &key, &no); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[consoleWaiting], error) {
		var rows []consoleWaiting
		for _, w := range WaitingAfter(v, key, no, in.Limit+1) {
			var r RefundIn
			if err := json.Unmarshal([]byte(w.Body), &r); err != nil {
				return nil, err
			}
			rows = append(rows, consoleWaiting{r.Source, r.OrderNo, w.RefundNo, r.Amount, w.Received, w.State, w.Key})
		}
		return web.PageOf(rows, in.Limit, func(w consoleWaiting) string { return web.EncodeCursor(w.key, w.RefundNo) }), nil
	})
}
