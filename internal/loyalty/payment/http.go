package payment

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/shop"
)

// Routes are the routes of payments for members and partners.
type Routes struct {
	DB *db.DB
	S  *Service
}

type paymentOut struct {
	ID       web.ID      `json:"id" doc:"收款|the payment"`
	No       string      `json:"no" doc:"商户订单号|its number at the platform"`
	State    string      `json:"state" enum:"new,paid,closed" doc:"状态|status"`
	Title    string      `json:"title" doc:"商品描述|what is paid"`
	Amount   int64       `json:"amount_fen" doc:"金额，分|amount in fen"`
	Points   int64       `json:"points_used" doc:"抵扣所用积分|points that pay a part"`
	Refunded int64       `json:"refunded_fen" doc:"已退，分|refunded so far"`
	OrderNo  string      `json:"order_no" doc:"订单号|number of the order"`
	Order    *web.ID     `json:"order_id,omitempty" doc:"订单，支付后才有|the order, once paid"`
	Member   *web.ID     `json:"member_id,omitempty" doc:"会员，散客没有|the member; none for guests"`
	Store    string      `json:"store,omitempty" doc:"门店|store"`
	Created  int64       `json:"created_at" doc:"发起时刻，UTC 毫秒|when it was asked for"`
	Expires  int64       `json:"expires_at" doc:"支付截止|until when it can be paid"`
	PaidAt   int64       `json:"paid_at,omitempty" doc:"支付时刻|when it was paid"`
	Refunds  []refundOut `json:"refunds" doc:"退款|refunds"`
}

type refundOut struct {
	ID      web.ID `json:"id" doc:"退款|the refund"`
	No      string `json:"no" doc:"商户退款单号|its number at the platform"`
	State   string `json:"state" enum:"asked,underway,done,failed,abnormal" doc:"状态|status"`
	Amount  int64  `json:"amount_fen" doc:"金额，分|amount in fen"`
	Reason  string `json:"reason,omitempty" doc:"原因|why"`
	Created int64  `json:"created_at" doc:"申请时刻|when it was asked for"`
	DoneAt  int64  `json:"done_at,omitempty" doc:"到账时刻|when it arrived"`
}

func outOf(r db.Reader, p Payment) paymentOut {
	o := paymentOut{ID: web.ID(p.ID), No: p.No, State: p.State, Title: p.Title, Amount: p.Amount, Points: p.Points, Refunded: p.Refunded, OrderNo: p.OrderNo, Store: p.Store,
		Created: p.Created, Expires: p.Expires, PaidAt: p.PaidAt, Refunds: []refundOut{}}
	if p.Order != 0 {
		id := web.ID(p.Order)
		o.Order = &id
	}
	if p.Member != 0 {
		id := web.ID(p.Member)
		o.Member = &id
	}
	if p.State == Paid {
		for _, f := range RefundsOf(r, p.ID) {
			o.Refunds = append(o.Refunds, refundOf(f))
		}
	}
	return o
}

func refundOf(f Refund) refundOut {
	return refundOut{web.ID(f.ID), f.No, f.State, f.Amount, f.Reason, f.Created, f.DoneAt}
}

type idIn struct {
	ID web.ID `path:"id" doc:"收款|the payment"`
}

var createFaults = []*fault.Kind{ErrNoAccount, ErrAmount, ErrTitle, ErrNoOpenID, ErrOrderTaken, member.ErrNone, shop.ErrOtherStore}

// RoutesMember registers how a member pays by itself (到店买单) and sees its payments.
func (h Routes) RoutesMember(srv *web.Server) {
	srv.Tag("payment", "微信支付", "Payments")
	tags := []string{"payment"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/payments", ID: "me.payment.create", Perm: web.AnyCaller, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "发起一笔微信支付（到店买单）", En: "Begin a payment by WeChat Pay", Errors: append([]*fault.Kind{ErrAllPoints, points.ErrSpendMin, points.ErrSpendStep, points.ErrSpendCap, ledger.ErrInsufficient, member.ErrBlocked}, createFaults...)}, h.createMine)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/payments/{id}", ID: "me.payment.get", Perm: web.AnyCaller, Tags: tags,
		Zh: "查看我的一笔收款", En: "Show one of my payments", Errors: []*fault.Kind{ErrNone}}, h.getMine)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/payments", ID: "me.payment.list", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的收款，从新到旧", En: "My payments, newest first", Errors: []*fault.Kind{web.ErrCursor}}, h.listMine)
}

type createMineIn struct {
	Body struct {
		Amount int64  `json:"amount_fen" minimum:"1" maximum:"100000000" doc:"金额，分|amount in fen"`
		Points int64  `json:"points_used,omitempty" minimum:"0" maximum:"1000000000" doc:"抵扣所用积分；支付前预占，未支付则释放|points that pay a part; held until it is paid, free again if it is not"`
		Store  string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
		AppID  string `json:"app_id,omitempty" maxLength:"32" doc:"在哪个应用内支付；不填为默认|the app it is paid in; empty is the first"`
	}
}

const mineTitle = "到店买单"

func (h Routes) createMine(c *web.Ctx, in *createMineIn) (*paymentOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*paymentOut, error) {
		m, err := member.Require(tx, c.Caller.ID, member.SignIn)
		if err != nil {
			return nil, err
		}
		p, _, err := h.S.Create(tx, In{App: in.Body.AppID, Member: m.ID, Amount: in.Body.Amount, Title: mineTitle, Store: in.Body.Store, Points: in.Body.Points})
		if err != nil {
			return nil, err
		}
		out := outOf(tx, p)
		return &out, nil
	})
}

func (h Routes) getMine(c *web.Ctx, in *idIn) (out *paymentOut, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		p, ok := Get(v, int64(in.ID))
		if !ok || p.Member == 0 {
			return ErrNone.New()
		}
		if m, err := member.Resolve(v, p.Member); err != nil || m.ID != c.Caller.ID {
			return ErrNone.New()
		}
		o := outOf(v, p)
		out = &o
		return nil
	})
	return out, err
}

func (h Routes) listMine(c *web.Ctx, in *struct{ web.Paging }) (out *web.Page[paymentOut], err error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	err = h.DB.View(c, func(v *db.View) error {
		rows := []paymentOut{}
		for _, p := range OfMembers(v, member.Family(v, c.Caller.ID), before, in.Limit+1) {
			rows = append(rows, outOf(v, p))
		}
		out = web.PageOf(rows, in.Limit, func(p paymentOut) string { return web.EncodeCursor(int64(p.ID)) })
		return nil
	})
	return out, err
}

// RoutesPartner registers how a partner collects for its orders. An order paid so is booked by us: the partner does not
// report it again.
func (h Routes) RoutesPartner(srv *web.Server) {
	tags := []string{"payment"}
	const perm = "orders.write"
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodPost, Path: "/payments", ID: "payment.create", Perm: perm, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "为一笔订单发起微信支付；支付后自动记账，无需再上报订单", En: "Collect for an order by WeChat Pay; once paid it is booked and need not be reported", Errors: createFaults}, h.createTheirs)
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodGet, Path: "/payments/{id}", ID: "payment.get", Perm: perm, Tags: tags,
		Zh: "查看自己发起的收款", En: "Show a payment begun by oneself", Errors: []*fault.Kind{ErrNone}}, h.getTheirs)
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodPost, Path: "/payments/{id}/refunds", ID: "payment.refund", Perm: perm, Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "原路退款，可部分退；到账后扣回积分", En: "Refund, wholly or in part; points are taken back once it has arrived", Errors: []*fault.Kind{ErrNone, ErrState, ErrTooMuch}}, h.refundTheirs)
}

type createTheirsIn struct {
	Body struct {
		OrderNo string `json:"order_no" minLength:"1" maxLength:"120" pattern:"^[^|\\r\\n]+$" doc:"贵方订单号，永久唯一|your number of the order, unique for ever"`
		Amount  int64  `json:"amount_fen" minimum:"1" maximum:"100000000" doc:"金额，分|amount in fen"`
		Title   string `json:"title" minLength:"1" maxLength:"127" doc:"商品描述，显示在付款页|shown to the payer"`
		Member  web.ID `json:"member_id,omitempty" doc:"会员；不填则以付款人的 openid 识别|the member; else whom the payer's openid belongs to"`
		OpenID  string `json:"openid,omitempty" maxLength:"128" doc:"付款人 openid；填会员时可省|openid of the payer; not needed with a member"`
		AppID   string `json:"app_id,omitempty" maxLength:"32" doc:"在哪个应用内支付；不填为默认|the app it is paid in; empty is the first"`
		Store   string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
		Join    bool   `json:"join,omitempty" doc:"付款人未入会时自动入会|let an unknown payer join"`
	}
}

func (h Routes) createTheirs(c *web.Ctx, in *createTheirsIn) (*paymentOut, error) {
	who, b := shop.CallerOf(c), in.Body
	return web.Write(c, db.Op{Owner: int64(b.Member)}, func(tx *db.Tx) (*paymentOut, error) {
		store, err := who.StoreFor(b.Store)
		if err != nil {
			return nil, err
		}
		n := In{App: b.AppID, OpenID: vault.Hide(b.OpenID), Source: who.Source(), OrderNo: b.OrderNo, Amount: b.Amount, Title: b.Title, Store: store, Join: b.Join}
		if b.Member != 0 {
			m, err := member.Resolve(tx, int64(b.Member))
			if err != nil {
				return nil, err
			}
			n.Member = m.ID
		} else if b.OpenID == "" {
			return nil, ErrNoOpenID.New().At("openid")
		}
		p, again, err := h.S.Create(tx, n)
		if err != nil {
			return nil, err
		}
		if again {
			c.SetStatus(http.StatusOK)
		}
		out := outOf(tx, p)
		return &out, nil
	})
}

// theirs reads a payment that the caller has begun.
func theirs(c *web.Ctx, r db.Reader, id int64) (Payment, error) {
	p, ok := Get(r, id)
	if !ok || p.Source != shop.CallerOf(c).Source() {
		return p, ErrNone.New()
	}
	return p, nil
}

func (h Routes) getTheirs(c *web.Ctx, in *idIn) (out *paymentOut, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		p, err := theirs(c, v, int64(in.ID))
		o := outOf(v, p)
		out = &o
		return err
	})
	return out, err
}

type refundIn struct {
	ID   web.ID `path:"id" doc:"收款|the payment"`
	Body struct {
		Amount int64  `json:"amount_fen,omitempty" minimum:"0" maximum:"100000000" doc:"金额，分；不填为全部余额|amount in fen; empty is all that is left"`
		Reason string `json:"reason" minLength:"1" maxLength:"80" doc:"原因，付款人可见|why; the payer sees it"`
	}
}

func (h Routes) refundTheirs(c *web.Ctx, in *refundIn) (*refundOut, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*refundOut, error) {
		if _, err := theirs(c, tx, int64(in.ID)); err != nil {
			return nil, err
		}
		f, err := h.S.AskRefund(tx, int64(in.ID), in.Body.Amount, in.Body.Reason)
		out := refundOf(f)
		return &out, err
	})
}
