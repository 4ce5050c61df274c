package payment

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about payments for staff.
type Console struct {
	staff.Desk
	S *Service
}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("payment", "微信支付", "Payments")
	staff.Route(srv, staff.Get("/payments", "payment.list", "view.orders", "收款，从新到旧；或按商户订单号查找", "Payments, newest first, or one by its number", web.ErrCursor), k.list)
	staff.Route(srv, staff.Get("/payments/{id}", "payment.get", "view.orders", "一笔收款", "One payment", ErrNone), k.get)
	staff.Route(srv, staff.Created(staff.Dangerous(staff.Change(http.MethodPost, "/payments/{id}/refunds", "payment.refund", "edit.orders", "原路退款", "Refund", ErrNone, ErrState, ErrTooMuch))), k.refund)
	staff.Route(srv, staff.Get("/payment-incidents", "payment.incidents", "view.orders", "待处理的支付异常", "Incidents of payments nobody has dealt with", web.ErrCursor), k.incidents)
	staff.Route(srv, staff.Change(http.MethodPost, "/payment-incidents/{id}/closure", "payment.close_incident", "edit.orders", "关闭支付异常", "Close an incident", ErrNone), k.closeIncident)
}

type listIn struct {
	web.Paging
	No string `query:"no" maxLength:"64" doc:"商户订单号|number at the platform"`
}

func (k Console) list(c *web.Ctx, in *listIn) (*web.Page[paymentOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[paymentOut], error) {
		rows := []paymentOut{}
		if in.No != "" {
			for _, m := range k.S.Merchants {
				if p, ok := Find(v, m.Mch, in.No); ok {
					rows = append(rows, outOf(v, p))
				}
			}
		} else {
			for _, p := range Latest(v, before, in.Limit+1) {
				rows = append(rows, outOf(v, p))
			}
		}
		return web.PageOf(rows, in.Limit, func(p paymentOut) string { return web.EncodeCursor(int64(p.ID)) }), nil
	})
}

func (k Console) get(c *web.Ctx, in *idIn) (*paymentOut, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*paymentOut, error) {
		p, ok := Get(v, int64(in.ID))
		if !ok {
			return nil, ErrNone.New()
		}
		out := outOf(v, p)
		return &out, nil
	})
}

func (k Console) refund(c *web.Ctx, in *refundIn) (*refundOut, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*refundOut, staff.Act, error) {
		f, err := k.S.AskRefund(tx, int64(in.ID), in.Body.Amount, in.Body.Reason)
		out := refundOf(f)
		return &out, staff.Act{What: "payment.refund", Targets: []int64{int64(in.ID), f.ID}, New: out, Reason: in.Body.Reason}, err
	})
}

type incidentOut struct {
	ID     web.ID `json:"id" doc:"异常|the incident"`
	Kind   string `json:"kind" doc:"类别：amount 金额不符，app 应用不符，merchant 商户不符，unknown 无此订单，unknown_app 未知应用，forged 验签失败，transaction 重复支付，order 订单无法记账，refund 退款无法记账，not_in_bill 账单无此笔，refund_failed 退款失败，card 会员卡冲突|what does not fit"`
	Mch    string `json:"mch_id" doc:"商户号|merchant"`
	No     string `json:"no" doc:"单号|number"`
	Detail string `json:"detail" doc:"详情|detail"`
	Times  int64  `json:"times" doc:"次数|how often"`
	First  int64  `json:"first_at" doc:"首次|first seen"`
	Last   int64  `json:"last_at" doc:"最近|last seen"`
}

func incidentOf(i Incident) incidentOut {
	return incidentOut{web.ID(i.ID), i.Kind, i.Mch, i.No, i.Detail, i.Times, i.First, i.Last}
}

func (k Console) incidents(c *web.Ctx, in *struct{ web.Paging }) (*web.Page[incidentOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[incidentOut], error) {
		rows := []incidentOut{}
		for _, i := range Incidents(v, before, in.Limit+1) {
			rows = append(rows, incidentOf(i))
		}
		return web.PageOf(rows, in.Limit, func(i incidentOut) string { return web.EncodeCursor(int64(i.ID)) }), nil
	})
}

type closureIn struct {
	ID   web.ID `path:"id" doc:"异常|the incident"`
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"500" doc:"处理说明|what was done about it"`
	}
}

func (k Console) closeIncident(c *web.Ctx, in *closureIn) (*incidentOut, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*incidentOut, staff.Act, error) {
		i, err := k.S.Settle(tx, int64(in.ID), in.Body.Note)
		out := incidentOf(i)
		return &out, staff.Act{What: "payment.close_incident", Targets: []int64{int64(in.ID)}, New: out, Reason: in.Body.Note}, err
	})
}
