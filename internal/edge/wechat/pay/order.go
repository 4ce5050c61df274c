package pay

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"guanxi/internal/edge/wechat/crypt"
)

// Money is an amount in fen.
type Money struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency,omitempty"`
}

// Payer is who pays, as one app knows the person.
type Payer struct {
	OpenID string `json:"openid"`
}

// Store tells where something is sold.
type Store struct {
	ID string `json:"id"`
}

// Scene is where an order is made.
type Scene struct {
	ClientIP string `json:"payer_client_ip,omitempty"`
	DeviceID string `json:"device_id,omitempty"`
	Store    *Store `json:"store_info,omitempty"`
}

// Order is a JSAPI order: for the page inside WeChat and for the mini program.
type Order struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	Description string `json:"description"`
	No          string `json:"out_trade_no"`
	Expire      string `json:"time_expire,omitempty"`
	Attach      string `json:"attach,omitempty"`
	NotifyURL   string `json:"notify_url"`
	GoodsTag    string `json:"goods_tag,omitempty"`
	Amount      Money  `json:"amount"`
	Payer       *Payer `json:"payer,omitempty"`
	Scene       *Scene `json:"scene_info,omitempty"`
}

// Time writes an instant (ms) as the platform does.
func Time(ms int64) string { return time.UnixMilli(ms).In(shanghai).Format(time.RFC3339) }

var shanghai = time.FixedZone("CST", 8*3600)

// ParseTime reads an instant of the platform; 0 when it is none.
func ParseTime(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

// JSAPI makes an order and gives its prepay id, good for two hours. The same order again gives an id again.
func (c *Client) JSAPI(ctx context.Context, o Order) (prepay string, err error) {
	var out struct {
		PrepayID string `json:"prepay_id"`
	}
	o.MchID = c.MchID
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v3/pay/transactions/jsapi", in: o, out: &out})
	if err == nil && out.PrepayID == "" {
		err = &Error{Class: Unknown, Code: "ANSWER_UNREADABLE"}
	}
	return out.PrepayID, err
}

// Button is what the page or the mini program hands to WeChat so that it opens the payment.
type Button struct {
	AppID     string `json:"app_id" doc:"应用编号|appId"`
	TimeStamp string `json:"time_stamp" doc:"秒级时间戳|timeStamp"`
	Nonce     string `json:"nonce_str" doc:"随机串|nonceStr"`
	Package   string `json:"package" doc:"prepay_id=…|package"`
	SignType  string `json:"sign_type" enum:"RSA" doc:"签名方式|signType"`
	Sign      string `json:"pay_sign" doc:"签名|paySign"`
}

// Button signs the call that opens the payment.
func (c *Client) Button(appID, prepay string) (Button, error) {
	b := Button{AppID: appID, TimeStamp: strconv.FormatInt(c.now.Now()/1000, 10), Nonce: nonce(), Package: "prepay_id=" + prepay, SignType: "RSA"}
	var err error
	b.Sign, err = crypt.PaySign(c.key, crypt.PayAppMessage(b.AppID, b.TimeStamp, b.Nonce, b.Package))
	return b, err
}

// States of a transaction.
const (
	StateSuccess    = "SUCCESS"
	StateRefund     = "REFUND" // paid, and something of it went back
	StateNotPay     = "NOTPAY"
	StateClosed     = "CLOSED"
	StateRevoked    = "REVOKED"
	StateUserPaying = "USERPAYING"
	StatePayError   = "PAYERROR"
)

// Transaction is what the platform says of an order.
type Transaction struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	No          string `json:"out_trade_no"`
	ID          string `json:"transaction_id"`
	TradeType   string `json:"trade_type"`
	State       string `json:"trade_state"`
	StateDesc   string `json:"trade_state_desc"`
	Bank        string `json:"bank_type"`
	Attach      string `json:"attach"`
	SuccessTime string `json:"success_time"`
	Payer       Payer  `json:"payer"`
	Amount      Paid   `json:"amount"`
}

// Paid is the amount of a transaction: what the order says and what the payer gave after coupons of the platform.
type Paid struct {
	Total         int64  `json:"total"`
	PayerTotal    int64  `json:"payer_total"`
	Currency      string `json:"currency"`
	PayerCurrency string `json:"payer_currency"`
}

// Query asks for an order by our number.
func (c *Client) Query(ctx context.Context, no string) (Transaction, error) {
	return c.query(ctx, "/v3/pay/transactions/out-trade-no/"+url.PathEscape(no))
}

// QueryID asks for an order by the platform's number.
func (c *Client) QueryID(ctx context.Context, transaction string) (Transaction, error) {
	return c.query(ctx, "/v3/pay/transactions/id/"+url.PathEscape(transaction))
}

func (c *Client) query(ctx context.Context, path string) (t Transaction, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, query: url.Values{"mchid": {c.MchID}}, out: &t})
	return t, err
}

type merchant struct {
	MchID string `json:"mchid"`
}

// Close ends an order that was not paid. One that was paid meanwhile is refused with ORDERPAID.
func (c *Client) Close(ctx context.Context, no string) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v3/pay/transactions/out-trade-no/" + url.PathEscape(no) + "/close", in: merchant{c.MchID}})
	return err
}

// CodeOrder is paid by a code that a till has read from the payer's phone (付款码).
type CodeOrder struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	Description string `json:"description"`
	No          string `json:"out_trade_no"`
	Attach      string `json:"attach,omitempty"`
	Payer       struct {
		Code string `json:"auth_code"`
	} `json:"payer"`
	Amount Money     `json:"amount"`
	Scene  CodeScene `json:"scene_info"`
}

// CodeScene is the till.
type CodeScene struct {
	DeviceID string    `json:"device_id,omitempty"`
	DeviceIP string    `json:"device_ip,omitempty"`
	Store    CodeStore `json:"store_info"`
}

// CodeStore is the till's store.
type CodeStore struct {
	ID    string `json:"id,omitempty"`
	OutID string `json:"out_id,omitempty"`
}

// CodePay charges a code. Pending says that the payer still types the password: query until it is decided, else Reverse.
func (c *Client) CodePay(ctx context.Context, o CodeOrder) (t Transaction, err error) {
	o.MchID = c.MchID
	_, err = c.do(ctx, call{method: http.MethodPost, path: "/v3/pay/transactions/codepay", in: o, out: &t})
	return t, err
}

// Reverse ends a code payment whatever has become of it: what was paid goes back.
func (c *Client) Reverse(ctx context.Context, appID, no string) error {
	in := struct {
		AppID string `json:"appid"`
		merchant
	}{appID, merchant{c.MchID}}
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/v3/pay/transactions/out-trade-no/" + url.PathEscape(no) + "/reverse", in: in})
	return err
}
