package earn

import (
	"errors"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

type refundLineIn struct {
	SKU    string `json:"sku" maxLength:"64" doc:"商品编码|item code"`
	Qty    int64  `json:"quantity" minimum:"0" maximum:"1000000" doc:"退货数量|quantity returned"`
	Amount int64  `json:"amount_fen,omitempty" minimum:"1" maximum:"10000000000000" doc:"退款金额，分；不填按数量折算|money returned, in fen; the quantity's share when absent"`
}

// RefundOf says what is refunded of which order.
type RefundOf struct {
	OrderNo  string         `json:"order_no" minLength:"1" maxLength:"120" doc:"原订单号|number of the order"`
	Full     bool           `json:"full,omitempty" doc:"退剩余全部|all that is left"`
	Amount   int64          `json:"amount_fen,omitempty" minimum:"1" maximum:"10000000000000" doc:"退款金额，分|money returned, in fen"`
	Lines    []refundLineIn `json:"lines,omitempty" maxItems:"1000" doc:"退货明细|items returned"`
	Occurred int64          `json:"occurred_at" doc:"退款时刻，UTC 毫秒|when it was refunded, milliseconds UTC"`
	Reason   string         `json:"reason,omitempty" maxLength:"200" doc:"原因|why"`
}

func (in *RefundOf) refund(source, no string) (order.RefundIn, error) {
	if in.Full == (in.Amount != 0 || len(in.Lines) > 0) {
		return order.RefundIn{}, ErrRefundWhat.New()
	}
	out := order.RefundIn{Source: source, OrderNo: in.OrderNo, No: no, Amount: in.Amount, Occurred: in.Occurred, Reason: in.Reason}
	for _, l := range in.Lines {
		out.Lines = append(out.Lines, order.RefundLine{SKU: l.SKU, Qty: l.Qty, Amount: l.Amount})
	}
	return out, nil
}

type refundIn struct {
	Body struct {
		No string `json:"no" minLength:"1" maxLength:"120" doc:"贵方退款号，永久唯一|your number of the refund, unique for ever"`
		RefundOf
	}
}

type refundOut struct {
	ID       web.ID      `json:"refund_id,omitempty" doc:"退款编号|the refund"`
	Waiting  bool        `json:"waiting" doc:"原单未到，等待中|its order has not come, it waits"`
	Again    bool        `json:"again" doc:"此前已收到，未重复记账|it was known before, nothing was booked again"`
	Amount   int64       `json:"amount_fen" doc:"退款金额，分|money returned, in fen"`
	Taken    []takenOut  `json:"taken_back" doc:"扣回|what was taken back"`
	Restored int64       `json:"restored_points" doc:"退回的抵扣积分|points given back that had paid a part"`
	Order    *OrderFacts `json:"order,omitempty" doc:"退款后的订单|the order afterwards"`
	After    *standing   `json:"member,omitempty" doc:"记账后的会员|the member afterwards"`
	Tier     *tierChange `json:"tier_change,omitempty" doc:"等级变化|change of tier"`
}

type takenOut struct {
	Asset  string `json:"asset" enum:"points,growth" doc:"资产|asset"`
	Rule   string `json:"rule" doc:"规则名称|name of the rule"`
	RuleID web.ID `json:"rule_id,omitempty" doc:"规则|the rule"`
	Amount int64  `json:"amount" doc:"本次扣回|taken back by this refund"`
	Total  int64  `json:"total" doc:"累计扣回|taken back by all refunds of the order"`
	Given  int64  `json:"given" doc:"当时奖励|what had been given"`
	Gone   int64  `json:"forgone" doc:"累计未能扣回|what could not be taken back, by all refunds"`
}

func (h Routes) postRefund(c *web.Ctx, in *refundIn) (*refundOut, error) {
	q, err := in.Body.refund(shop.CallerOf(c).Source(), in.Body.No)
	if err != nil {
		return nil, err
	}
	return web.Write(c, db.Op{Wants: order.RefundWants(q.Source, q.OrderNo, q.No)}, func(tx *db.Tx) (*refundOut, error) {
		out, err := h.refund(tx, q, c.Lang())
		switch {
		case err != nil:
			return nil, err
		case out.Waiting:
			c.SetStatus(http.StatusAccepted)
		case out.Again:
			c.SetStatus(http.StatusOK)
		}
		return out, nil
	})
}

func (h Routes) refund(tx *db.Tx, q order.RefundIn, lang string) (*refundOut, error) {
	was := 0
	if o, ok := order.Find(tx, q.Source, q.OrderNo); ok && o.Member != 0 {
		m, err := member.Resolve(tx, o.Member)
		if err != nil {
			return nil, err
		}
		was = tier.Of(tx, m.ID).Held(tx.Now())
	}
	done, err := h.Orders.Refund(tx, q)
	if err != nil {
		return nil, err
	}
	out := &refundOut{ID: web.ID(done.Refund.ID), Waiting: done.Waiting, Again: done.Again, Amount: done.Refund.Amount, Taken: []takenOut{}}
	if done.Waiting {
		return out, nil
	}
	facts := factsOf(done.Order)
	out.Order = &facts
	if done.Order.Member == 0 {
		return out, nil
	}
	return out, out.tell(tx, done, was, lang)
}

// tell says what a refund did to the member.
func (out *refundOut) tell(tx *db.Tx, done order.Outcome, was int, lang string) error {
	o := done.Order
	path := member.PathOf(tx, o.Member)
	living := path[len(path)-1]
	d, _, err := DecisionOf(tx, o.Member, o.ID)
	if err != nil {
		return err
	}
	for i := range d.Awards {
		a := &d.Awards[i]
		out.Taken = append(out.Taken, takenOut{ledger.AssetName(a.Asset), ruleName(tx, a.Version, a.Asset, lang), web.ID(a.Rule),
			clawedBy(tx, path, done.Refund.ID, a), a.Clawed, a.Points, a.Forgone})
	}
	if o.PointsUsed > 0 {
		out.Restored = points.RestoredBy(tx, path, done.Refund.ID)
	}
	out.After, out.Tier = standingOf(tx, living), changed(tx, living, was, lang)
	return nil
}

type previewIn struct{ Body RefundOf }

var errPreview = errors.New("earn: a preview is undone")

func (h Routes) postPreview(c *web.Ctx, in *previewIn) (*refundOut, error) {
	return h.previewRefund(c, shop.CallerOf(c).Source(), in.Body)
}

// previewRefund runs the refund itself and undoes it, so that it can't tell anything else than the refund will do.
func (h Routes) previewRefund(c *web.Ctx, source string, of RefundOf) (out *refundOut, err error) {
	if _, err := of.refund(source, ""); err != nil {
		return nil, err
	}
	err = h.DB.Write(c, db.Op{Actor: c.Caller.Actor(), Wants: order.Wants(source, of.OrderNo)}, func(tx *db.Tx) error {
		q, _ := of.refund(source, "preview-"+id.String(tx.ID()))
		err := tx.Try(func(tx *db.Tx) (err error) {
			if out, err = h.refund(tx, q, c.Lang()); err == nil {
				err = errPreview
			}
			return err
		})
		if errors.Is(err, errPreview) {
			out.ID = 0
			return nil
		}
		return err
	})
	return out, err
}

type consoleRefundIn struct {
	Body struct {
		Source string `json:"source" minLength:"1" maxLength:"64" doc:"订单来源|source of the order"`
		RefundOf
	}
}

// consolePreviewRefund shows an operator what a refund would do; without a time (0) it is one of now.
func (h Routes) consolePreviewRefund(c *web.Ctx, d staff.Desk, in *consoleRefundIn) (*refundOut, error) {
	if _, err := staff.Read(c, d, func(v *db.View) (*order.Order, error) {
		o, err := order.Reach(v, d, staff.WhoOf(c), "view.orders", in.Body.Source, in.Body.OrderNo)
		return &o, err
	}); err != nil {
		return nil, err
	}
	of := in.Body.RefundOf
	if of.Occurred == 0 {
		of.Occurred = h.DB.Clock().Now()
	}
	return h.previewRefund(c, in.Body.Source, of)
}

// RoutesConsole registers what operators ask of refunds.
func (h Routes) RoutesConsole(srv *web.Server, d staff.Desk) {
	web.Route(srv, staff.Ask("/orders/refund-preview", "order.refund_preview", "view.orders", "退款试算：会扣回、退回什么，不作任何更改", "What a refund would take back and give back; changes nothing",
		order.ErrNone, order.ErrTooMuch, order.ErrNoLine, order.ErrClosed, ErrRefundWhat), func(c *web.Ctx, in *consoleRefundIn) (*refundOut, error) { return h.consolePreviewRefund(c, d, in) })
}

type closureIn struct {
	Body struct {
		No string `json:"no" minLength:"1" maxLength:"120" doc:"订单号|number of the order"`
	}
}

func (h Routes) postClosure(c *web.Ctx, in *closureIn) (*OrderFacts, error) {
	source := shop.CallerOf(c).Source()
	return web.Write(c, db.Op{Wants: order.Wants(source, in.Body.No)}, func(tx *db.Tx) (*OrderFacts, error) {
		o, err := h.Orders.Close(tx, source, in.Body.No)
		if err != nil {
			return nil, err
		}
		out := factsOf(o)
		return &out, nil
	})
}
