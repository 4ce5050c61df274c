package pay

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"guanxi/internal/emulator/world"
)

// Button is what a page hands to WeChat to open a payment (wx.chooseWXPay, wx.requestPayment).
type Button struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"`
	Nonce     string `json:"nonceStr"`
	Package   string `json:"package"`
	SignType  string `json:"signType"`
	Sign      string `json:"paySign"`
}

// Sheet is what the phone shows before the payer agrees.
type Sheet struct {
	Prepay  string `json:"prepay_id"`
	MchID   string `json:"mchid"`
	Words   string `json:"description"`
	Total   int64  `json:"total"`
	Openid  string `json:"openid"`
	Expires int64  `json:"expires"`
}

// What the phone says.
var (
	errButton = errors.New("支付验证签名失败")
	errPrepay = errors.New("该订单已过期，请重新下单")
	errPerson = errors.New("当前用户与下单用户不符")
	errOver   = errors.New("订单已支付或已关闭")
)

// Open checks a button as the phone does: its signature over exactly these values, by the key that made the order.
func (p *Pay) Open(b Button) (Sheet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	prepay, ok := strings.CutPrefix(b.Package, "prepay_id=")
	o := p.byPrepay[prepay]
	if !ok || o == nil || b.SignType != "RSA" || o.AppID != b.AppID {
		return Sheet{}, errButton
	}
	sig, err := base64.StdEncoding.DecodeString(b.Sign)
	sum := sha256.Sum256([]byte(b.AppID + "\n" + b.TimeStamp + "\n" + b.Nonce + "\n" + b.Package + "\n"))
	if err != nil || rsa.VerifyPKCS1v15(o.m.Key, crypto.SHA256, sum[:], sig) != nil {
		return Sheet{}, errButton
	}
	if at, err := strconv.ParseInt(b.TimeStamp, 10, 64); err != nil || max(at*1000-p.w.Clock.Now(), p.w.Clock.Now()-at*1000) > prepayLives {
		return Sheet{}, errButton
	}
	if err := p.payable(o, prepay); err != nil {
		return Sheet{}, err
	}
	return Sheet{prepay, o.m.MchID, o.Words, o.Total, o.OpenID, o.Expires}, nil
}

func (p *Pay) payable(o *order, prepay string) error {
	p.lapse(o)
	switch {
	case o.State != "NOTPAY":
		return errOver
	case o.Prepay != prepay || p.w.Clock.Now() >= o.Made+prepayLives && o.Expires > o.Made+prepayLives && p.w.Clock.Now() >= o.Expires:
		return errPrepay
	}
	return nil
}

// Tap pays an opened order as one person. The platform then tells the merchant, when it gets round to it.
func (p *Pay) Tap(prepay, person string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.byPrepay[prepay]
	if o == nil {
		return errPrepay
	}
	if err := p.payable(o, prepay); err != nil {
		return err
	}
	if p.w.OpenID(o.AppID, person) != o.OpenID {
		return errPerson
	}
	p.paid(o)
	return nil
}

// TapNo pays an order by its number, whoever it was made for.
func (p *Pay) TapNo(mchID, no string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	o := p.orders[mchID+"/"+no]
	if o == nil || o.State != "NOTPAY" && o.State != "USERPAYING" {
		return errOver
	}
	if p.lapse(o); o.State == "CLOSED" {
		return errOver
	}
	p.paid(o)
	return nil
}

func (p *Pay) paid(o *order) {
	o.State, o.PaidAt = "SUCCESS", p.w.Clock.Now()
	o.ID = p.number("4200")
	p.byID[o.ID] = o
	if o.Notify != "" {
		p.tell(o.m, o.Notify, "TRANSACTION.SUCCESS", "transaction", "支付成功", p.transaction(o))
	}
	p.show(o, "付款成功", o.Total)
}

// show lets the payer's phone tell of money that moved.
func (p *Pay) show(o *order, title string, amount int64) {
	if person, ok := p.w.WhoIs(o.AppID, o.OpenID); ok {
		p.w.Show(person.ID, world.Bubble{From: "pay", Name: "微信支付", Kind: "pay", Title: title, Text: "¥" + yuan(amount),
			Fields: []world.Field{{Key: "商品", Value: o.Words}, {Key: "交易单号", Value: o.ID}}})
	}
}

// Paid is one paid order as the merchant's console shows it.
type Paid struct {
	MchID string `json:"mchid"`
	No    string `json:"no"`
	Words string `json:"description"`
	Total int64  `json:"total"`
	Left  int64  `json:"left"` // not refunded
}

// Orders lists the paid orders, the latest first.
func (p *Pay) Orders() []Paid {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []*order{}
	for _, o := range p.orders {
		if o.PaidAt > 0 {
			list = append(list, o)
		}
	}
	sort.Slice(list, func(i, j int) bool {
		return list[i].PaidAt > list[j].PaidAt || list[i].PaidAt == list[j].PaidAt && list[i].No > list[j].No
	})
	out := []Paid{}
	for _, o := range list[:min(len(list), 8)] {
		out = append(out, Paid{o.m.MchID, o.No, o.Words, o.Total, o.Total - o.Refunded})
	}
	return out
}

var errRefund = errors.New("没有可退的金额")

// RefundRest refunds in the merchant's console all that is left of an order.
func (p *Pay) RefundRest(mchID, no string) error {
	p.mu.Lock()
	o := p.orders[mchID+"/"+no]
	left, notify := int64(0), ""
	if o != nil {
		left, notify = o.Total-o.Refunded, o.Notify
	}
	p.mu.Unlock()
	if left <= 0 || !p.RefundInConsole(mchID, no, "console"+p.w.Word(12), left, notify) {
		return errRefund
	}
	return nil
}

// code is what a phone shows to be scanned: it lives a minute.
type code struct {
	person string
	until  int64
}

var codeForm = regexp.MustCompile(`^1[0-5][0-9]{16}$`)

// Code shows a payment code on somebody's phone (付款码).
func (p *Pay) Code(person string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := "13" + p.digits(16)
	p.codes[c] = code{person, p.w.Clock.Now() + 60_000}
	return c
}

// A code payment of more than this asks the payer for a password first.
const passwordFrom = 1000_00

type codeIn struct {
	AppID       string `json:"appid"`
	MchID       string `json:"mchid"`
	Description string `json:"description"`
	No          string `json:"out_trade_no"`
	Attach      string `json:"attach"`
	GoodsTag    string `json:"goods_tag"`
	Payer       struct {
		Code string `json:"auth_code"`
	} `json:"payer"`
	Amount amountIn `json:"amount"`
	Scene  struct {
		DeviceID string `json:"device_id"`
		DeviceIP string `json:"device_ip"`
		Store    struct {
			ID    string `json:"id"`
			OutID string `json:"out_id"`
		} `json:"store_info"`
	} `json:"scene_info"`
}

func (p *Pay) postCode(q *asked) (int, any, *problem) {
	var in codeIn
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	if no := p.checkOrder(q.m, in.MchID, in.AppID, in.No, in.Description, in.Attach, in.Amount); no != nil {
		return 0, nil, no
	}
	if o := p.orders[q.m.MchID+"/"+in.No]; o != nil {
		if o.State == "SUCCESS" {
			return 0, nil, &problem{400, "ORDERPAID", "the order is paid", "268449538"}
		}
		return 0, nil, &problem{400, "OUT_TRADE_NO_USED", "the number is taken", "268449539"}
	}
	c, ok := p.codes[in.Payer.Code]
	if !codeForm.MatchString(in.Payer.Code) || !ok || p.w.Clock.Now() >= c.until {
		return 0, nil, &problem{400, "PARAM_ERROR", "the payment code is over or unknown", "268435461"}
	}
	delete(p.codes, in.Payer.Code)
	o := &order{m: q.m, asked: q.body, AppID: in.AppID, No: in.No, Type: "MICROPAY", State: "USERPAYING", OpenID: p.w.OpenID(in.AppID, c.person),
		Attach: in.Attach, Words: in.Description, Total: in.Amount.Total, Made: p.w.Clock.Now(), Expires: p.w.Clock.Now() + 7*24*3600*1000, code: true}
	p.orders[q.m.MchID+"/"+in.No] = o
	if o.Total >= passwordFrom {
		return 0, nil, &problem{202, "USERPAYING", "需要用户输入支付密码", "268443698"}
	}
	p.paid(o)
	return 200, p.transaction(o), nil
}

// GiveUp is the payer who doesn't type the password.
func (p *Pay) GiveUp(mchID, no string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.orders[mchID+"/"+no]; o != nil && o.State == "USERPAYING" {
		o.State = "PAYERROR"
	}
}

func (p *Pay) postReverse(q *asked) (int, any, *problem) {
	var in struct {
		AppID string `json:"appid"`
		MchID string `json:"mchid"`
	}
	if no := q.into(&in); no != nil {
		return 0, nil, no
	}
	o := p.orders[q.m.MchID+"/"+q.r.PathValue("no")]
	if o == nil {
		return 0, nil, &problem{404, "ORDER_NOT_EXIST", "no such order", "268512771"}
	}
	if !o.code {
		return 0, nil, &problem{400, "INVALID_REQUEST", "only a code payment is reversed", "268449641"}
	}
	o.State = "REVOKED"
	return 200, map[string]string{"out_trade_no": o.No}, nil
}

// Controls are what the phone page and tests do over HTTP: open a payment, agree to it, show a code, disturb notifications.
func (p *Pay) Controls() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /_emulator/pay/open", control(func(b Button) (any, error) { return p.Open(b) }))
	m.HandleFunc("POST /_emulator/pay/tap", control(func(in struct {
		Prepay string `json:"prepay_id"`
		Person string `json:"person"`
	}) (any, error) {
		return map[string]bool{"paid": true}, p.Tap(in.Prepay, in.Person)
	}))
	m.HandleFunc("POST /_emulator/pay/code", control(func(in struct {
		Person string `json:"person"`
	}) (any, error) {
		return map[string]string{"code": p.Code(in.Person)}, nil
	}))
	m.HandleFunc("GET /_emulator/pay/orders", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(p.Orders())
	})
	m.HandleFunc("POST /_emulator/pay/refund", control(func(in struct {
		MchID string `json:"mchid"`
		No    string `json:"no"`
	}) (any, error) {
		return map[string]bool{"ok": true}, p.RefundRest(in.MchID, in.No)
	}))
	m.HandleFunc("POST /_emulator/pay/trouble", control(func(t Trouble) (any, error) { p.Disturb(t); return t, nil }))
	m.HandleFunc("POST /_emulator/pay/card", control(func(in struct {
		Card   string `json:"card_id"`
		Person string `json:"person"`
	}) (any, error) {
		code, err := p.TakeCard(in.Card, in.Person, "")
		return map[string]string{"user_card_code": code}, err
	}))
	return http.NewCrossOriginProtection().Handler(m)
}

func control[In any](f func(In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		d.DisallowUnknownFields()
		err := d.Decode(&in)
		var out any
		if err == nil {
			out, err = f(in)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
			out = map[string]string{"error": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}
