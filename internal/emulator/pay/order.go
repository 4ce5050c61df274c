package pay

import (
	"bytes"
	"encoding/json"
	"net"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// order is one order, from its making to its end.
type order struct {
	m        *Merchant
	asked    []byte // the body it was made with, for comparing
	AppID    string
	No       string
	Prepay   string
	ID       string // transaction_id
	Type     string // JSAPI, MICROPAY
	State    string
	OpenID   string
	Attach   string
	Words    string
	Notify   string
	Total    int64
	Made     int64
	Expires  int64
	PaidAt   int64
	Refunded int64
	Refunds  int
	code     bool
}

type amountIn struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

type storeIn struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Area    string `json:"area_code"`
	Address string `json:"address"`
}

type jsapiIn struct {
	AppID       string   `json:"appid"`
	MchID       string   `json:"mchid"`
	Description string   `json:"description"`
	No          string   `json:"out_trade_no"`
	Expire      string   `json:"time_expire"`
	Attach      string   `json:"attach"`
	NotifyURL   string   `json:"notify_url"`
	GoodsTag    string   `json:"goods_tag"`
	Fapiao      bool     `json:"support_fapiao"`
	Amount      amountIn `json:"amount"`
	Payer       struct {
		OpenID string `json:"openid"`
	} `json:"payer"`
	Detail json.RawMessage `json:"detail"`
	Scene  *struct {
		ClientIP string   `json:"payer_client_ip"`
		DeviceID string   `json:"device_id"`
		Store    *storeIn `json:"store_info"`
	} `json:"scene_info"`
	Settle *struct {
		Sharing bool `json:"profit_sharing"`
	} `json:"settle_info"`
}

var tradeNo = regexp.MustCompile(`^[0-9A-Za-z_\-|*]{6,32}$`)

const prepayLives = 2 * 3600 * 1000

func (p *Pay) postJSAPI(q *asked) (int, any, *problem) {
	var in jsapiIn
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	if no := p.checkOrder(q.m, in.MchID, in.AppID, in.No, in.Description, in.Attach, in.Amount); no != nil {
		return 0, nil, no
	}
	if no := checkNotify(in.NotifyURL); no != nil {
		return 0, nil, no
	}
	if in.Payer.OpenID == "" {
		return 0, nil, &problem{400, "PARAM_ERROR", "JSAPI needs an openid", "268501013"}
	}
	if _, ok := p.w.WhoIs(in.AppID, in.Payer.OpenID); !ok {
		return 0, nil, bad("the openid is not one of the appid")
	}
	now := p.w.Clock.Now()
	expires := now + 7*24*3600*1000
	if in.Expire != "" {
		t, err := time.Parse(time.RFC3339, in.Expire)
		if err != nil || t.UnixMilli() < now {
			return 0, nil, bad("time_expire is malformed or over")
		}
		expires = t.UnixMilli()
	}
	o, no := p.again(q, in.No)
	if no != nil {
		return 0, nil, no
	}
	if o == nil {
		o = &order{m: q.m, asked: q.body, AppID: in.AppID, No: in.No, Type: "JSAPI", State: "NOTPAY", OpenID: in.Payer.OpenID, Attach: in.Attach,
			Words: in.Description, Notify: in.NotifyURL, Total: in.Amount.Total, Made: now, Expires: expires}
		p.orders[q.m.MchID+"/"+in.No] = o
	}
	o.Prepay = "wx" + p.w.Word(34)
	p.byPrepay[o.Prepay] = o
	return 200, map[string]string{"prepay_id": o.Prepay}, nil
}

// again finds an order that is asked for once more: with the same words it may, with others not.
func (p *Pay) again(q *asked, no string) (*order, *problem) {
	o := p.orders[q.m.MchID+"/"+no]
	if o == nil {
		return nil, nil
	}
	p.lapse(o)
	switch {
	case o.State == "SUCCESS" || o.State == "REFUND":
		return nil, &problem{400, "ORDERPAID", "the order is paid", "268498689"}
	case o.State == "CLOSED" || o.State == "REVOKED":
		return nil, &problem{400, "ORDER_CLOSED", "the order is closed", "268447914"}
	case !bytes.Equal(o.asked, q.body):
		return nil, &problem{400, "INVALID_REQUEST", "请求重入时参数不一致", "268498688"}
	}
	return o, nil
}

// lapse closes an order whose time is over.
func (p *Pay) lapse(o *order) {
	if o.State == "NOTPAY" && p.w.Clock.Now() >= o.Expires {
		o.State = "CLOSED"
	}
}

func (p *Pay) checkOrder(m *Merchant, mchID, appID, no, words, attach string, a amountIn) *problem {
	switch {
	case mchID != m.MchID:
		return &problem{400, "PARAM_ERROR", "mchid is not who signed", "268447843"}
	case !slices.Contains(m.AppIDs, appID):
		return &problem{400, "APPID_MCHID_NOT_MATCH", "appid is not bound to mchid", "268445527"}
	case !tradeNo.MatchString(no):
		return bad("out_trade_no")
	case words == "" || utf8.RuneCountInString(words) > 127:
		return bad("description")
	case len(attach) > 128:
		return bad("attach")
	case a.Total < 1 || a.Total > 100_000_000_00:
		return bad("amount.total")
	case a.Currency != "" && a.Currency != "CNY":
		return bad("amount.currency")
	}
	return nil
}

// checkNotify wants TLS and no query. An address of this machine may come without TLS, which the platform would not take.
func checkNotify(s string) *problem {
	u, err := url.Parse(s)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || len(s) > 255 || u.Host == "" {
		return bad("notify_url")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())) {
		return bad("notify_url needs https")
	}
	return nil
}

func (p *Pay) getByNo(q *asked) (int, any, *problem) {
	return p.state(q, p.orders[q.m.MchID+"/"+q.r.PathValue("no")])
}

func (p *Pay) getByID(q *asked) (int, any, *problem) { return p.state(q, p.byID[q.r.PathValue("id")]) }

func (p *Pay) state(q *asked, o *order) (int, any, *problem) {
	if q.r.URL.Query().Get("mchid") != q.m.MchID {
		return 0, nil, &problem{400, "PARAM_ERROR", "mchid is not who signed", "268447843"}
	}
	if o == nil || o.m != q.m {
		return 0, nil, &problem{404, "ORDER_NOT_EXIST", "no such order", "268512771"}
	}
	p.lapse(o)
	return 200, p.transaction(o), nil
}

type paidOut struct {
	Total    int64  `json:"total"`
	Payer    int64  `json:"payer_total"`
	Currency string `json:"currency"`
	PayerCur string `json:"payer_currency"`
}

type transaction struct {
	AppID     string            `json:"appid"`
	MchID     string            `json:"mchid"`
	No        string            `json:"out_trade_no"`
	ID        string            `json:"transaction_id,omitempty"`
	Type      string            `json:"trade_type,omitempty"`
	State     string            `json:"trade_state"`
	Desc      string            `json:"trade_state_desc"`
	Bank      string            `json:"bank_type,omitempty"`
	Attach    string            `json:"attach,omitempty"`
	Success   string            `json:"success_time,omitempty"`
	Payer     map[string]string `json:"payer,omitempty"`
	Amount    *paidOut          `json:"amount,omitempty"`
	Promotion []any             `json:"promotion_detail,omitempty"`
}

var cst = time.FixedZone("CST", 8*3600)

func stamp(ms int64) string { return time.UnixMilli(ms).In(cst).Format(time.RFC3339) }

var stateWords = map[string]string{"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭",
	"REVOKED": "已撤销", "USERPAYING": "用户支付中", "PAYERROR": "支付失败"}

func (p *Pay) transaction(o *order) transaction {
	t := transaction{AppID: o.AppID, MchID: o.m.MchID, No: o.No, State: o.State, Desc: stateWords[o.State], Attach: o.Attach}
	if o.PaidAt != 0 {
		t.ID, t.Type, t.Bank, t.Success = o.ID, o.Type, "OTHERS", stamp(o.PaidAt)
		t.Payer, t.Amount = map[string]string{"openid": o.OpenID}, &paidOut{o.Total, o.Total, "CNY", "CNY"}
	}
	return t
}

func (p *Pay) postClose(q *asked) (int, any, *problem) {
	var in struct {
		MchID string `json:"mchid"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	o := p.orders[q.m.MchID+"/"+q.r.PathValue("no")]
	switch {
	case in.MchID != q.m.MchID:
		return 0, nil, &problem{400, "PARAM_ERROR", "mchid is not who signed", "268447843"}
	case o == nil:
		return 0, nil, &problem{404, "ORDER_NOT_EXIST", "no such order", "268512771"}
	case o.code:
		return 0, nil, &problem{400, "INVALID_REQUEST", "a code payment is reversed, not closed", "268449641"}
	case o.State == "SUCCESS" || o.State == "REFUND":
		return 0, nil, &problem{400, "ORDERPAID", "the order is paid", "268449538"}
	case o.State == "USERPAYING":
		return 0, nil, &problem{400, "USERPAYING", "the payer is at it", "268443698"}
	}
	o.State = "CLOSED"
	return 204, nil, nil
}
