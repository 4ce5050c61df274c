package earn

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/tier"
)

// What the routes of orders refuse by themselves.
var (
	ErrBuyer = fault.Define("order.buyer", fault.Invalid,
		"member_id 与 identity 只填一个；join 需要 identity；使用积分须有会员，预占须有 points_used", "Give either member_id or identity; join takes an identity; points take a member, and a hold takes points_used")
	ErrRefundWhat = fault.Define("order.refund_what", fault.Invalid,
		"须指明退什么：full、amount_fen 或 lines", "Say what is refunded: full, amount_fen or lines")
)

// Routes are the routes of orders. They stand here because their replies tell what was earned.
type Routes struct {
	DB      *db.DB
	Earn    *Service
	Orders  *order.Service
	Points  *points.Service
	Members *member.Service
	// Cause names what stands above the rules and gave an entry, by its ref; "" when it knows none. May be nil.
	Cause func(r db.Reader, ref, lang string) string
}

// RoutesPartner registers how partners report orders and refunds.
func (h Routes) RoutesPartner(srv *web.Server) {
	srv.Tag("order", "订单", "Orders")
	tags := []string{"order"}
	const door, perm = shop.PartnerDoor, "orders.write"
	post := func(path, id, zh, en string, errs ...*fault.Kind) web.Op {
		return web.Op{Door: door, Method: http.MethodPost, Path: path, ID: id, Perm: perm, Write: true, Status: http.StatusCreated, Tags: tags, Zh: zh, En: en, Errors: errs}
	}
	paid := []*fault.Kind{ErrBuyer, order.ErrConflict, order.ErrNo, order.ErrAmount, order.ErrLines, order.ErrTime, member.ErrNone, member.ErrIdentity,
		vault.ErrPhone, ledger.ErrNoHold, ledger.ErrHoldEnded, ledger.ErrAmount, ledger.ErrInsufficient, points.ErrSpendMin, points.ErrSpendStep, points.ErrSpendCap,
		member.ErrBlocked, shop.ErrOtherStore}
	web.Route(srv, post("/orders", "order.pay", "上报一笔已支付订单", "Report a paid order", paid...), h.postOrder)
	batch := post("/orders/batches", "order.pay_batch", "批量上报订单，每单各自成败", "Report many orders, each standing for itself", shop.ErrOtherStore)
	batch.Status = http.StatusOK
	web.Route(srv, batch, h.postOrders)
	refunded := []*fault.Kind{ErrRefundWhat, order.ErrRefundConflict, order.ErrNo, order.ErrAmount, order.ErrLines, order.ErrTime, order.ErrTooMuch, order.ErrNoLine,
		points.ErrCashFirst}
	web.Route(srv, post("/orders/refunds", "order.refund", "上报退款；原单未到则等待（202）", "Report a refund; it waits (202) for an order not reported yet", refunded...), h.postRefund)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/orders/refund-previews", ID: "order.refund_preview", Perm: perm, Tags: tags,
		Zh: "试算退款，什么也不改", En: "Tell what a refund would do, changing nothing", Errors: append(refunded, db.ErrBusy)}, h.postPreview)
	closed := post("/orders/closures", "order.close", "订单完结：退货期已过", "Close an order: its return window is over", order.ErrNone)
	closed.Status = http.StatusOK
	web.Route(srv, closed, h.postClosure)
	web.Route(srv, web.Op{Door: door, Method: http.MethodGet, Path: "/orders", ID: "order.get", Perm: perm, Tags: tags,
		Zh: "按单号查看自己上报的订单与积分依据", En: "Show an order reported by oneself, and why it earned what it earned",
		Errors: []*fault.Kind{order.ErrNone}}, h.getOrder)
	web.Route(srv, web.Op{Door: door, Method: http.MethodGet, Path: "/members/{id}/statement", ID: "points.statement", Perm: "points.read",
		Tags: []string{"points"}, Zh: "流水，从新到旧", En: "The statement, newest first", Errors: []*fault.Kind{member.ErrNone, web.ErrCursor}}, h.getStatement)
}

type lineIn struct {
	SKU    string `json:"sku,omitempty" maxLength:"64" doc:"商品编码，退款按它匹配|item code; refunds go by it"`
	Name   string `json:"name,omitempty" maxLength:"200" doc:"商品名称|name of the item"`
	Qty    int64  `json:"quantity" minimum:"0" maximum:"1000000" doc:"数量|quantity"`
	Amount int64  `json:"amount_fen" minimum:"0" maximum:"10000000000000" doc:"整行实付金额，分|paid for the whole line, in fen"`
	NoEarn bool   `json:"no_earn,omitempty" doc:"不积分：运费、储值、礼品卡等|earns nothing: shipping, deposits, gift cards"`
}

type orderIn struct {
	No       string             `json:"no" minLength:"1" maxLength:"120" doc:"贵方订单号，永久唯一|your number of the order, unique for ever"`
	Member   web.ID             `json:"member_id,omitempty" doc:"会员编号；与 identity 都不填为散客|the member; a guest without it and without identity"`
	Identity *member.IdentityIn `json:"identity,omitempty" doc:"以身份指明会员|the member by identity"`
	Join     bool               `json:"join,omitempty" doc:"身份未知时自动入会|let an unknown identity join"`
	Amount   int64              `json:"amount_fen" minimum:"0" maximum:"10000000000000" doc:"实付金额，分，不含积分抵扣|paid with money, in fen, without what points paid"`
	Lines    []lineIn           `json:"lines,omitempty" maxItems:"1000" doc:"明细，合计须等于 amount_fen|lines, which add up to amount_fen"`
	Points   int64              `json:"points_used,omitempty" minimum:"0" maximum:"1000000000" doc:"抵扣所用积分|points that paid a part"`
	Hold     web.ID             `json:"hold_id,omitempty" doc:"其预占编号|the hold they are in"`
	Channel  string             `json:"channel,omitempty" maxLength:"64" doc:"渠道|channel"`
	Store    string             `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
	Occurred int64              `json:"occurred_at" doc:"支付时刻，UTC 毫秒|when it was paid, milliseconds UTC"`
}

func (in *orderIn) order(who shop.Caller, store string, buyer member.Found) order.In {
	o := order.In{Source: who.Source(), No: in.No, Member: buyer.Member, Via: buyer.Via, Amount: in.Amount, PointsUsed: in.Points, Hold: int64(in.Hold),
		Channel: in.Channel, Store: store, Occurred: in.Occurred, Terminal: who.Terminal}
	for _, l := range in.Lines {
		o.Lines = append(o.Lines, order.Line{SKU: l.SKU, Name: l.Name, Qty: l.Qty, Amount: l.Amount, NoEarn: l.NoEarn})
	}
	return o
}

type orderOut struct {
	Order   OrderFacts  `json:"order" doc:"订单|the order"`
	Again   bool        `json:"again" doc:"此前已收到，未重复记账|it was known before, nothing was booked again"`
	Joined  bool        `json:"joined" doc:"会员是否因此单入会|whether the member joined by this order"`
	Awards  []awardOut  `json:"awards" doc:"奖励|what was earned"`
	Blocked string      `json:"blocked,omitempty" doc:"会员状态不获奖励|the member's status that earns nothing"`
	After   *standing   `json:"member,omitempty" doc:"记账后的会员；散客没有|the member afterwards; none for guests"`
	Tier    *tierChange `json:"tier_change,omitempty" doc:"等级变化|change of tier"`
}

// OrderFacts is an order as its partner and its member see it.
type OrderFacts struct {
	ID       web.ID `json:"id" doc:"订单编号|the order"`
	No       string `json:"no" doc:"单号|its number"`
	Member   web.ID `json:"member_id,omitempty" doc:"会员编号，散客没有|the member; none for guests"`
	Status   string `json:"status" enum:"paid,partially_refunded,refunded,closed" doc:"状态|status"`
	Amount   int64  `json:"amount_fen" doc:"实付金额，分|paid with money, in fen"`
	Eligible int64  `json:"eligible_fen" doc:"其中可积分的金额，分|of it what earns, in fen"`
	Refunded int64  `json:"refunded_fen" doc:"已退金额，分|refunded so far, in fen"`
	Points   int64  `json:"points_used" doc:"抵扣所用积分|points that paid a part"`
	Channel  string `json:"channel,omitempty" doc:"渠道|channel"`
	Store    string `json:"store,omitempty" doc:"门店编码|code of the store"`
	Occurred int64  `json:"occurred_at" doc:"支付时刻，UTC 毫秒|when it was paid, milliseconds UTC"`
	Received int64  `json:"received_at" doc:"收到时刻，UTC 毫秒|when we got it, milliseconds UTC"`
	ClosedAt int64  `json:"closed_at,omitempty" doc:"完结时刻|when it was closed"`
	Where    string `json:"store_name,omitempty" doc:"门店名称，只给会员看|name of the store; told to members only"`
}

func factsOf(o order.Order) OrderFacts {
	return OrderFacts{web.ID(o.ID), o.No, web.ID(o.Member), o.Status, o.Amount, o.Eligible, o.Refunded, o.PointsUsed, o.Channel, o.Store, o.Occurred, o.Received, o.ClosedAt, ""}
}

type awardOut struct {
	Asset     string `json:"asset" enum:"points,growth" doc:"资产|asset"`
	Amount    int64  `json:"amount" doc:"奖励|what was given"`
	Rule      string `json:"rule" doc:"规则名称|name of the rule"`
	RuleID    web.ID `json:"rule_id,omitempty" doc:"规则，成长值自带来源没有|the rule; none for the tier's own sources of growth"`
	Version   web.ID `json:"version_id,omitempty" doc:"规则版本|version of the rule"`
	Cap       string `json:"cap,omitempty" doc:"触及的上限|the cap that bit"`
	ExpiresAt int64  `json:"expires_at,omitempty" doc:"到期时刻，UTC 毫秒|when it expires, milliseconds UTC"`
	Clawed    int64  `json:"taken_back" doc:"退款已扣回|what refunds have taken back"`
	Forgone   int64  `json:"forgone" doc:"未能扣回|what could not be taken back"`
}

// awards words the awards of a decision; the names come from memory.
func awards(r db.Reader, d Decision, lang string) []awardOut {
	out := make([]awardOut, 0, len(d.Awards))
	for i := range d.Awards {
		a := &d.Awards[i]
		out = append(out, awardOut{ledger.AssetName(a.Asset), a.Points, ruleName(r, a.Version, a.Asset, lang), web.ID(a.Rule), web.ID(a.Version),
			a.Cap, finite(a.Expires), a.Clawed, a.Forgone})
	}
	return out
}

type standing struct {
	Points points.BalancesOut `json:"points" doc:"积分|points"`
	Growth int64              `json:"growth" doc:"成长值|growth"`
}

func standingOf(r db.Reader, id int64) *standing {
	return &standing{points.OutOf(ledger.Now(r, id, ledger.Points)), ledger.Now(r, id, ledger.Growth).Balance}
}

type tierChange struct {
	From  string `json:"from" doc:"原等级代码|key of the tier before"`
	To    string `json:"to" doc:"现等级代码|key of the tier now"`
	Name  string `json:"name" doc:"现等级名称|name of the tier now"`
	Up    bool   `json:"up" doc:"是否升级|whether it is higher"`
	Until int64  `json:"until_at,omitempty" doc:"有效期末，没有则长期有效|end of its validity; absent for none"`
}

// changed tells a change of tier since a rank was read.
func changed(r db.Reader, id int64, was int, lang string) *tierChange {
	st := tier.Of(r, id)
	is := st.Held(r.Now())
	if is == was {
		return nil
	}
	ladder := tier.Policy.At(r, r.Now()).Value
	from, to := ladder.Level(was), ladder.Level(is)
	return &tierChange{from.Key, to.Key, words{to.Zh, to.En}.in(lang), is > was, finite(st.Until)}
}

func (h Routes) postOrder(c *web.Ctx, in *struct{ Body orderIn }) (*orderOut, error) {
	who := shop.CallerOf(c)
	op, err := h.op(c, who, &in.Body)
	if err != nil {
		return nil, err
	}
	return web.Write(c, op, func(tx *db.Tx) (*orderOut, error) {
		out, err := h.take(tx, who, &in.Body, c.Lang())
		if err == nil && out.Again {
			c.SetStatus(http.StatusOK)
		}
		return out, err
	})
}

type ordersIn struct {
	Body struct {
		Orders []orderIn `json:"orders" minItems:"1" maxItems:"100" doc:"各订单|the orders"`
	}
}

func (h Routes) postOrders(c *web.Ctx, in *ordersIn) (*shop.Batch[orderOut], error) {
	who := shop.CallerOf(c)
	list := make([]*orderIn, len(in.Body.Orders))
	for i := range list {
		list[i] = &in.Body.Orders[i]
	}
	op, err := h.op(c, who, list...)
	if err != nil {
		return nil, err
	}
	return web.Write(c, op, func(tx *db.Tx) (*shop.Batch[orderOut], error) {
		out := &shop.Batch[orderOut]{}
		for _, o := range list {
			if err := out.Add(tx, c, o.No, func(tx *db.Tx) (*orderOut, error) { return h.take(tx, who, o, c.Lang()) }); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// op tells the lane what orders will read. Members named by identity are looked up here, beside the writer, so
// that their rows are read with the group's; what has changed meanwhile is read again inside.
func (h Routes) op(c *web.Ctx, who shop.Caller, list ...*orderIn) (db.Op, error) {
	op := db.Op{Weight: len(list)}
	var named []member.Identity
	for _, in := range list {
		op.Wants = append(op.Wants, order.Wants(who.Source(), in.No)...)
		if in.Member != 0 {
			op.Owners = append(op.Owners, int64(in.Member))
		}
		if in.Identity == nil {
			continue
		}
		i := in.Identity.Identity(false)
		if w, err := h.Members.Want(i); err == nil { // a wrong one is refused inside, where it concerns its own order alone
			op.Wants, named = append(op.Wants, w), append(named, i)
		}
	}
	if len(named) == 0 {
		return op, nil
	}
	err := h.DB.View(c, func(v *db.View) error {
		for _, i := range named {
			if found, ok, _ := h.Members.Find(v, i); ok {
				op.Owners = append(op.Owners, found.Member)
			}
		}
		return nil
	})
	return op, err
}

// take books one order of a partner.
func (h Routes) take(tx *db.Tx, who shop.Caller, in *orderIn, lang string) (*orderOut, error) {
	store, err := who.StoreFor(in.Store)
	if err != nil {
		return nil, err
	}
	buyer, joined, err := h.buyer(tx, who, in, store)
	if err != nil {
		return nil, err
	}
	if err := h.mayPay(tx, who, buyer.Member, in); err != nil {
		return nil, err
	}
	rank := tier.Of(tx, buyer.Member).Held(tx.Now())
	o, again, err := h.Orders.Take(tx, in.order(who, store, buyer))
	if err != nil {
		return nil, err
	}
	if again && !isBuyer(tx, o, buyer) {
		return nil, order.ErrConflict.With("no", in.No)
	}
	out := &orderOut{Order: factsOf(o), Again: again, Joined: joined, Awards: []awardOut{}}
	if buyer.Member == 0 {
		return out, nil
	}
	d, _, err := DecisionOf(tx, o.Member, o.ID)
	out.Awards, out.Blocked, out.After = awards(tx, d, lang), d.Blocked, standingOf(tx, buyer.Member)
	out.Tier = changed(tx, buyer.Member, rank, lang)
	return out, err
}

// buyer finds who an order belongs to, and lets them join when asked to.
func (h Routes) buyer(tx *db.Tx, who shop.Caller, in *orderIn, store string) (f member.Found, joined bool, err error) {
	switch {
	case in.Identity == nil && in.Join, in.Identity != nil && in.Member != 0:
		return f, false, ErrBuyer.New().At("identity")
	case in.Member != 0:
		m, err := member.Resolve(tx, int64(in.Member))
		if f.Member = m.ID; m.ID != int64(in.Member) {
			f.Via = int64(in.Member)
		}
		return f, false, err
	case in.Identity == nil:
		return f, false, nil
	}
	identity := in.Identity.Identity(false)
	f, known, err := h.Members.Find(tx, identity)
	if err != nil || known {
		return f, false, err
	}
	if !in.Join {
		return f, false, member.ErrNone.New().At("identity")
	}
	m, _, err := h.Members.Join(tx, member.Join{Identities: []member.Identity{identity}, Channel: in.Channel, Store: store, Source: who.Source()})
	return member.Found{Member: m.ID}, true, err
}

// mayPay checks the points that paid a part, for an order that is new. With a hold it must be the partner's own, large
// enough and not spent otherwise; should it have run out meanwhile, the money has moved and the points are owed. Who
// pays without a hold must keep to the spend policy.
func (h Routes) mayPay(tx *db.Tx, who shop.Caller, buyer int64, in *orderIn) error {
	if in.Points == 0 && in.Hold == 0 {
		return nil
	}
	if _, known := order.Find(tx, who.Source(), in.No); known {
		return nil
	}
	if buyer == 0 || in.Points == 0 {
		return ErrBuyer.New().At("points_used")
	}
	if in.Hold == 0 {
		return h.Points.MayPay(tx, buyer, in.Points, in.Amount)
	}
	hold, err := points.OwnHold(tx, who, buyer, int64(in.Hold))
	switch {
	case err != nil:
		return err
	case hold.State == ledger.HoldPosted:
		return ledger.ErrHoldEnded.With("state", hold.State).At("hold_id")
	case in.Points > hold.Amount:
		return ledger.ErrAmount.With("max", hold.Amount).At("points_used")
	case hold.State == ledger.HoldOpen:
		return nil
	}
	_, err = member.Require(tx, buyer, member.Spend)
	return err
}

// isBuyer says whether an order that is known belongs to who is named now.
func isBuyer(r db.Reader, o order.Order, now member.Found) bool {
	if o.Member == now.Member || o.Member == 0 || now.Member == 0 {
		return o.Member == now.Member
	}
	if o.Via == now.Member {
		return true
	}
	living, err := member.Resolve(r, o.Member)
	return err == nil && living.ID == now.Member
}
