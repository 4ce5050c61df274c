// Package payment collects money for orders through an outside party and books what it was told (收款).
//
// Invariants:
//
//   - a payment's number, the platform's transaction and a source's order belong to one payment for ever;
//   - money that has moved is booked: payment, order, points and tier in one transaction, once, whoever tells of it first
//     (a notification, a query, the daily bill) and however often;
//   - what is told for another merchant, app or amount than was asked changes nothing and is an incident;
//   - paid is stronger than closed: an order that was paid in the moment it was closed is paid;
//   - a refund takes from its order once, also when it is told of before the payment is.
//
// It calls nobody: the client and the door are of internal/edge.
package payment

import (
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/job"
)

// States of a payment.
const (
	New    = "new"    // 待支付: asked for, perhaps not yet at the platform
	Paid   = "paid"   // 已支付
	Closed = "closed" // 已关闭: its time was over, or it was called off
)

// States of a refund.
const (
	Asked    = "asked"    // 待退款: not yet taken by the platform
	Underway = "underway" // 退款中
	Done     = "done"     // 已退款
	Failed   = "failed"   // 已关闭: the money stays with the merchant
	Abnormal = "abnormal" // 退款异常: somebody must act in the merchant's console
)

// How a payment was learned of.
const (
	ByNotice = "notice"
	ByQuery  = "query"
	ByBill   = "bill"
)

// Kinds of incidents.
const (
	WrongAmount   = "amount"        // paid another amount than was asked
	WrongApp      = "app"           // by another app
	WrongMerchant = "merchant"      // for another merchant
	UnknownOrder  = "unknown"       // nobody here has asked for it
	UnknownApp    = "unknown_app"   // an address of no app of ours
	Forged        = "forged"        // deliveries whose signature does not hold; counted by the minute
	TwoPaid       = "transaction"   // another transaction for a paid order
	OrderClash    = "order"         // the order could not be booked
	RefundClash   = "refund"        // the refund could not be booked
	NotInBill     = "not_in_bill"   // booked as paid, but not in the day's bill
	RefundTrouble = "refund_failed" // the platform could not refund
	CardClash     = "card"          // a card's phone belongs to somebody else
)

// Failures a caller can see.
var (
	ErrNone = fault.Define("payment.not_found", fault.NotFound,
		"收款不存在", "There is no such payment")
	ErrNoAccount = fault.Define("payment.no_account", fault.Conflict,
		"尚未配置微信支付商户，或该应用未绑定商户", "No WeChat Pay account is set up, or the app is bound to none")
	ErrAmount = fault.Define("payment.amount", fault.Invalid,
		"金额必须是 1 到 {max} 分之间的整数", "The amount must be a whole number of fen from 1 to {max}")
	ErrNoOpenID = fault.Define("payment.no_openid", fault.Conflict,
		"会员未在该应用登录过，请先在微信内打开", "The member is not known to this app; open it inside WeChat first")
	ErrState = fault.Define("payment.state", fault.Conflict,
		"收款状态为{state}，不能进行此操作", "The payment is {state} and can't do this")
	ErrOrderTaken = fault.Define("payment.order_taken", fault.Conflict,
		"该订单号已有收款", "This order has a payment already")
	ErrTooMuch = fault.Define("payment.refund_too_much", fault.Conflict,
		"退款超过可退：最多 {left} 分", "The refund is more than what is left: at most {left} fen")
	ErrMismatch = fault.Define("payment.mismatch", fault.Conflict,
		"通知与订单不符（{what}），已记录异常", "What was told does not fit the order ({what}); an incident was recorded")
	ErrEarly = fault.Define("payment.early", fault.Conflict,
		"退款通知先于付款到达，请稍后重发", "The refund came before its payment is known, send it again shortly")
	ErrPlatform = fault.Define("payment.platform", fault.Unknown,
		"微信支付暂时没有应答，请稍后重试", "WeChat Pay does not answer now, retry shortly")
	ErrRefused = fault.Define("payment.refused", fault.Conflict,
		"微信支付拒绝了请求：{code}", "WeChat Pay refused: {code}")
	ErrAllPoints = fault.Define("payment.all_points", fault.Invalid,
		"积分不能抵扣全部金额，请至少支付 1 分", "Points can't pay all of it; at least one fen is paid with money")
	ErrTitle = fault.Define("payment.title", fault.Invalid,
		"商品描述必须为 1 到 127 个字符", "The description must have 1 to 127 characters")
)

// MaxAmount is the most that one payment may ask, in fen.
const MaxAmount int64 = 100_000_000

// Background work, done by whoever speaks with the platform.
const (
	SendRefund job.Kind[int64]    = "payment.refund" // tell the platform of a refund
	Learn      job.Kind[Number]   = "payment.learn"  // ask about a payment that only its refund told of
	Poll       job.Kind[job.Slot] = "payment.poll"   // ask what became of payments and refunds
	Bill       job.Kind[job.Slot] = "payment.bill"   // compare with the day's bill
)

// Number names a payment at the platform.
type Number struct{ Mch, No string }

// PaidFact says that a payment was made.
type PaidFact struct {
	Payment int64  `json:"payment,string"`
	Order   int64  `json:"order,string"`
	Amount  int64  `json:"amount"`
	Learned string `json:"learned"`
}

// FactKind is "payment.paid".
func (PaidFact) FactKind() string { return "payment.paid" }

// RefundedFact says that money of a payment went back.
type RefundedFact struct {
	Payment int64 `json:"payment,string"`
	Refund  int64 `json:"refund,string"`
	Amount  int64 `json:"amount"`
}

// FactKind is "payment.refunded".
func (RefundedFact) FactKind() string { return "payment.refunded" }

// Merchant is what an account at the platform says of how we book.
type Merchant struct {
	Mch     string
	Apps    []string
	Join    bool // whoever pays becomes a member
	Foreign bool // payments that were not asked for here are booked
}

// numberOf is our number of a payment or refund at the platform.
func numberOf(prefix string, n int64) string { return prefix + id.String(n) }

// SourceOf is where orders come from that only the platform knows.
func SourceOf(mch string) string { return "wechat:" + mch }

// Channel of orders and members that came by a payment.
const Channel = "wechat-pay"
