// Package order takes what was paid, refunded and closed, exactly once, from any source (订单).
//
// Invariants:
//
//   - a source's order number is one order for ever; the same number with other content is refused;
//   - a source's refund number is one refund for ever;
//   - the refunds of a line never pass the line, in quantity and in money;
//   - a refund that comes before its order waits for it, and is applied in the transaction that takes the order;
//   - eligible = what was paid with money on lines that may earn; what points paid earns nothing.
package order

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"guanxi/internal/base/fault"
)

// Status of an order.
const (
	Paid              = "paid"               // 已支付
	PartiallyRefunded = "partially_refunded" // 部分退款
	Refunded          = "refunded"           // 已退款
	Closed            = "closed"             // 已完结: the return window is over
)

// Line is one item of an order.
type Line struct {
	SKU    string `json:"sku,omitempty"`
	Name   string `json:"name,omitempty"`
	Qty    int64  `json:"qty"`
	Amount int64  `json:"amount"`           // fen paid for the whole line, after discounts
	NoEarn bool   `json:"noearn,omitempty"` // deposits, gift cards, shipping: earns nothing
	// What refunds have taken so far.
	BackQty    int64 `json:"bq,omitempty"`
	BackAmount int64 `json:"ba,omitempty"`
	// Eligible is the part of Amount that earns: without what points paid.
	Eligible int64 `json:"el,omitempty"`
}

// Failures a caller can see.
var (
	ErrConflict = fault.Define("order.conflict", fault.Conflict,
		"订单号 {no} 已存在，但内容不同", "Order {no} exists already with other content")
	ErrRefundConflict = fault.Define("order.refund_conflict", fault.Conflict,
		"退款号 {no} 已存在，但内容不同", "Refund {no} exists already with other content")
	ErrNone = fault.Define("order.not_found", fault.NotFound,
		"订单不存在", "There is no such order")
	ErrNo = fault.Define("order.no", fault.Invalid,
		"单号必须为 1 到 120 个字符，且不含竖线或换行", "The number must have 1 to 120 characters, without bars or line breaks")
	ErrSource = fault.Define("order.source", fault.Invalid,
		"来源必须为 1 到 64 个字符，且不含竖线或换行", "The source must have 1 to 64 characters, without bars or line breaks")
	ErrAmount = fault.Define("order.amount", fault.Invalid,
		"金额必须是 0 到 {max} 分之间的整数", "The amount must be a whole number of fen from 0 to {max}")
	ErrLines = fault.Define("order.lines", fault.Invalid,
		"明细金额合计 {lines} 与订单金额 {amount} 不符", "The lines add up to {lines}, the order says {amount}")
	ErrTooManyLines = fault.Define("order.too_many_lines", fault.Invalid,
		"明细不能超过 {max} 行", "There may be at most {max} lines")
	ErrQty = fault.Define("order.quantity", fault.Invalid,
		"数量必须是 0 到 {max} 之间的整数", "The quantity must be a whole number from 0 to {max}")
	ErrTime = fault.Define("order.time", fault.Invalid,
		"时间无效：不得早于 1990 年，也不得晚于当前时间 24 小时以上", "The time is not valid: not before 1990, not more than 24 hours ahead")
	ErrTooMuch = fault.Define("order.refund_too_much", fault.Conflict,
		"退款超过可退：最多 {left}", "The refund is more than what is left: at most {left}")
	ErrNoLine = fault.Define("order.no_line", fault.Invalid,
		"订单中没有该商品", "The order has no such item")
	ErrClosed = fault.Define("order.closed", fault.Conflict,
		"订单已完结", "The order is closed")
	ErrUnmatched = fault.Define("order.unmatched", fault.NotFound,
		"找不到可退的原订单", "No original order was found for this refund")
)

// Limits of one order.
const (
	MaxLines        = 1000
	MaxQty    int64 = 1_000_000
	MaxAmount int64 = 10_000_000_000_000
)

// Part is what a refund takes of one line of the order.
type Part struct {
	Line   int   `json:"line"` // index into the order's lines
	Qty    int64 `json:"qty"`
	Amount int64 `json:"amount"`
}

// PaidFact says that an order was paid.
type PaidFact struct {
	Order    int64  `json:"order"`
	Source   string `json:"source"`
	Amount   int64  `json:"amount"`
	Eligible int64  `json:"eligible"`
	Occurred int64  `json:"occurred"`
	// What follows is for reactions in the same Tx; it is not stored again.
	Row        *Order `json:"-"`
	Before     int64  `json:"-"` // the member's orders before this one
	FirstToday bool   `json:"-"` // the member was not active on its local day, or a later one, before
}

// FactKind is "order.paid".
func (PaidFact) FactKind() string { return "order.paid" }

// RefundedFact says that money of an order went back.
type RefundedFact struct {
	Order    int64  `json:"order"`
	Refund   int64  `json:"refund"`
	Amount   int64  `json:"amount"`
	Full     bool   `json:"full"`
	Occurred int64  `json:"occurred"`
	Row      *Order `json:"-"` // after the refund
}

// FactKind is "order.refunded".
func (RefundedFact) FactKind() string { return "order.refunded" }

// ClosedFact says that an order's return window is over.
type ClosedFact struct {
	Order int64  `json:"order"`
	Row   *Order `json:"-"`
}

// FactKind is "order.closed".
func (ClosedFact) FactKind() string { return "order.closed" }

func encode(lines []Line) string {
	b, _ := json.Marshal(lines) // plain structs
	return string(b)
}

// LinesOf reads an order's lines.
func (o *Order) LinesOf() []Line {
	var out []Line
	if o.Lines != "" {
		_ = json.Unmarshal([]byte(o.Lines), &out) // written by encode
	}
	return out
}

// hash is what tells a repeated delivery from another order under the same number.
func hash(v any) string {
	b, _ := json.Marshal(v)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}
