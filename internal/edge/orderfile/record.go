package orderfile

import (
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
)

// Kind says what a record is.
type Kind int

// The kinds of records.
const (
	Order   Kind = iota + 1 // 订单
	Refund                  // 退款
	Refused                 // rows that can't be taken, with the reason
)

// Record is what adjacent rows with one order number say, or why they can't be taken.
type Record struct {
	Kind                Kind
	FirstLine, LastLine int    // physical lines of the file, the header's being 1
	No                  string // may be empty when refused
	OriginalNo          string // refunds: the order it takes back, "" when the file does not say
	MemberRef           string // "" is a guest
	TimeMs              int64
	AmountFen           money.Fen // never negative, also in refunds
	Lines               []Line    // none in a file with one row an order
	Store, Channel      string
	Refusal             Refusal // set when Kind is Refused
}

// Line is one line of an order or refund.
type Line struct {
	SKU, Name string
	Qty       int64
	PriceFen  money.Fen // the unit price rounded to fen, for showing; 0 when the file has none
	AmountFen money.Fen // exact: computed from the unrounded price
}

// Refusal says which line is wrong and why.
type Refusal struct {
	Line   int
	Code   string // stable, such as "orderfile.quantity"
	Field  string // such as "quantity"; "" when it is about the row
	Zh, En string
}

// refusalAt makes the report of a failure at a line.
func refusalAt(line int, e *fault.Error) Refusal {
	return Refusal{Line: line, Code: e.Kind.Code, Field: e.Field, Zh: e.Text("zh"), En: e.Text("en")}
}
