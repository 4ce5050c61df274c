package pay

import (
	"context"
	"net/http"
	"net/url"
)

// States of a refund.
const (
	RefundSuccess    = "SUCCESS"
	RefundClosed     = "CLOSED"
	RefundProcessing = "PROCESSING"
	RefundAbnormal   = "ABNORMAL" // the payer's card took it not: the merchant must act in its console
)

// RefundOrder asks for money of an order to go back. Sent again it must carry the same number.
type RefundOrder struct {
	TransactionID string      `json:"transaction_id,omitempty"`
	No            string      `json:"out_trade_no,omitempty"`
	RefundNo      string      `json:"out_refund_no"`
	Reason        string      `json:"reason,omitempty"`
	NotifyURL     string      `json:"notify_url,omitempty"`
	Amount        RefundMoney `json:"amount"`
}

// RefundMoney is what goes back, and of what.
type RefundMoney struct {
	Refund   int64  `json:"refund"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// Refunded is what the platform says of a refund, asked; RefundNotice is how it tells by itself.
type Refunded struct {
	ID            string      `json:"refund_id"`
	RefundNo      string      `json:"out_refund_no"`
	TransactionID string      `json:"transaction_id"`
	No            string      `json:"out_trade_no"`
	Status        string      `json:"status"`
	SuccessTime   string      `json:"success_time"`
	Amount        RefundMoney `json:"amount"`
}

// Refund asks for a refund.
func (c *Client) Refund(ctx context.Context, o RefundOrder) (r Refunded, err error) {
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v3/refund/domestic/refunds", in: o, out: &r})
	return r, err
}

// QueryRefund asks what became of a refund.
func (c *Client) QueryRefund(ctx context.Context, refundNo string) (r Refunded, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "/v3/refund/domestic/refunds/" + url.PathEscape(refundNo), out: &r})
	return r, err
}
