package pay

import (
	"bytes"
	"encoding/json"
	"regexp"
	"unicode/utf8"
)

// refund is one refund.
type refund struct {
	o      *order
	asked  []byte
	ID     string
	No     string
	Amount int64
	Status string
	At     int64
	Done   int64
	notify string
}

type refundIn struct {
	TransactionID string          `json:"transaction_id"`
	No            string          `json:"out_trade_no"`
	RefundNo      string          `json:"out_refund_no"`
	Reason        string          `json:"reason"`
	NotifyURL     string          `json:"notify_url"`
	Funds         string          `json:"funds_account"`
	Goods         json.RawMessage `json:"goods_detail"`
	Amount        struct {
		Refund   int64           `json:"refund"`
		Total    int64           `json:"total"`
		Currency string          `json:"currency"`
		From     json.RawMessage `json:"from"`
	} `json:"amount"`
}

var refundNo = regexp.MustCompile(`^[0-9A-Za-z_\-|*@]{1,64}$`)

const (
	refundTakes = 3000 // ms from asking to the payer's account
	maxRefunds  = 50
)

func (p *Pay) postRefund(q *asked) (int, any, *problem) {
	var in refundIn
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	if !refundNo.MatchString(in.RefundNo) || utf8.RuneCountInString(in.Reason) > 80 || in.Amount.Refund < 1 || in.Amount.Currency != "CNY" {
		return 0, nil, bad("out_refund_no, reason or amount")
	}
	if in.NotifyURL != "" {
		if no := checkNotify(in.NotifyURL); no != nil {
			return 0, nil, no
		}
	}
	o := p.orders[q.m.MchID+"/"+in.No]
	if in.TransactionID != "" {
		o = p.byID[in.TransactionID]
	}
	if o == nil || o.m != q.m {
		return 0, nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such order", "268512771"}
	}
	if f := p.refunds[q.m.MchID+"/"+in.RefundNo]; f != nil {
		if !bytes.Equal(f.asked, q.body) {
			return 0, nil, &problem{400, "INVALID_REQUEST", "请求重入时参数不一致", "268498688"}
		}
		return 200, f.out(), nil
	}
	switch {
	case o.State != "SUCCESS" && o.State != "REFUND":
		return 0, nil, &problem{403, "TRADE_ERROR", "the order is not paid", "268452000"}
	case in.Amount.Total != o.Total:
		return 0, nil, &problem{400, "INVALID_REQUEST", "the total is not the order's", "268452001"}
	case o.Refunded+in.Amount.Refund > o.Total:
		return 0, nil, &problem{400, "INVALID_REQUEST", "more than what was paid", "268452002"}
	case o.Refunds >= maxRefunds:
		return 0, nil, &problem{403, "RULE_LIMIT", "50 refunds at most", "268452003"}
	case p.poor[q.m.MchID]:
		return 0, nil, &problem{403, "NOT_ENOUGH", "the merchant's balance is too small", "268452004"}
	}
	f := p.refundOf(o, in.RefundNo, in.Amount.Refund, in.NotifyURL)
	f.asked = q.body
	return 200, f.out(), nil
}

// refundOf begins a refund; it ends a little later, well or not.
func (p *Pay) refundOf(o *order, no string, amount int64, notify string) *refund {
	f := &refund{o: o, ID: p.number("5030"), No: no, Amount: amount, Status: "PROCESSING", At: p.w.Clock.Now(), notify: notify}
	p.refunds[o.m.MchID+"/"+no] = f
	o.Refunded += amount
	o.Refunds++
	o.State = "REFUND"
	end := "SUCCESS"
	if len(p.next) > 0 {
		end, p.next = p.next[0], p.next[1:]
	}
	p.w.Later(refundTakes, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.endRefund(f, end)
	})
	return f
}

func (p *Pay) endRefund(f *refund, status string) {
	if f.Status == "SUCCESS" || f.Status == "CLOSED" {
		return
	}
	f.Status, f.Done = status, p.w.Clock.Now()
	if status == "CLOSED" { // the money stays with the merchant
		f.o.Refunded -= f.Amount
		if f.o.Refunded == 0 {
			f.o.State = "SUCCESS"
		}
	}
	if status == "SUCCESS" {
		p.show(f.o, "退款到账", f.Amount)
	}
	if f.notify == "" {
		return
	}
	done := ""
	if status == "SUCCESS" {
		done = stamp(f.Done)
	}
	p.tell(f.o.m, f.notify, "REFUND."+status, "refund", "退款", map[string]any{
		"mchid": f.o.m.MchID, "out_trade_no": f.o.No, "transaction_id": f.o.ID, "out_refund_no": f.No, "refund_id": f.ID, "refund_status": status,
		"success_time": done, "user_received_account": "支付用户零钱",
		"amount": map[string]int64{"total": f.o.Total, "refund": f.Amount, "payer_total": f.o.Total, "payer_refund": f.Amount}})
}

// Settle ends an abnormal refund well, as the merchant does in its console.
func (p *Pay) Settle(mchID, no string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.refunds[mchID+"/"+no]; f != nil {
		p.endRefund(f, "SUCCESS")
	}
}

// RefundInConsole is somebody who refunds an order in the merchant's console, where our program is not asked.
func (p *Pay) RefundInConsole(mchID, tradeNo, no string, amount int64, notify string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.orders[mchID+"/"+tradeNo]
	if o == nil || o.PaidAt == 0 || o.Refunded+amount > o.Total {
		return false
	}
	p.refundOf(o, no, amount, notify)
	return true
}

func (p *Pay) getRefund(q *asked) (int, any, *problem) {
	f := p.refunds[q.m.MchID+"/"+q.r.PathValue("no")]
	if f == nil {
		return 0, nil, &problem{404, "RESOURCE_NOT_EXISTS", "no such refund", "268512772"}
	}
	return 200, f.out(), nil
}

func (f *refund) out() map[string]any {
	out := map[string]any{"refund_id": f.ID, "out_refund_no": f.No, "transaction_id": f.o.ID, "out_trade_no": f.o.No, "channel": "ORIGINAL",
		"user_received_account": "支付用户零钱", "create_time": stamp(f.At), "status": f.Status,
		"amount": map[string]any{"total": f.o.Total, "refund": f.Amount, "payer_total": f.o.Total, "payer_refund": f.Amount, "currency": "CNY"}}
	if f.Status == "SUCCESS" {
		out["success_time"] = stamp(f.Done)
	}
	return out
}
