package orderfile

import (
	"strings"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
)

const maxRows = 10_000 // in one order

// entry is one row that was understood. Its cells are valid until the next row is read.
type entry struct {
	member, original, store, channel []byte
	timeMs                           int64
	sign                             int // -1 takes back; 0 says nothing: zero times something
	line                             Line
}

// readEntry reads all but the order number.
func (r *Reader) readEntry(c cells) (e entry, wrong *fault.Error) {
	if e.timeMs, wrong = r.times.read(c); wrong != nil {
		return e, wrong
	}
	if e.member, wrong = c.reference(fMember); wrong != nil {
		return e, wrong
	}
	if e.original, wrong = c.reference(fOriginal); wrong != nil {
		return e, wrong
	}
	if e.store, wrong = c.reference(fStore); wrong != nil {
		return e, wrong
	}
	if e.channel, wrong = c.reference(fChannel); wrong != nil {
		return e, wrong
	}
	e.line, e.sign, wrong = readLine(c)
	return e, wrong
}

// readLine reads goods and amounts; the sign is taken off them.
func readLine(c cells) (line Line, sign int, wrong *fault.Error) {
	sku, wrong := c.reference(fSKU)
	if wrong != nil {
		return line, 0, wrong
	}
	qty, wrong := c.quantity()
	if wrong != nil {
		return line, 0, wrong
	}
	amount, price, wrong := readAmount(c, qty)
	if wrong != nil {
		return line, 0, wrong
	}
	line = Line{SKU: string(sku), Name: string(c.text(fName)), Qty: abs(qty), AmountFen: abs(amount)}
	shown, _ := money.MulDiv(int64(abs(price)), 1, rateToFen, money.HalfUp)
	line.PriceFen = money.Fen(shown)
	switch {
	case qty < 0 || price < 0 || amount < 0:
		return line, -1, nil
	case qty == 0 || amount == 0 && !c.has(fQuantity):
		return line, 0, nil
	}
	return line, 1, nil
}

// readAmount gives the row's own amount, or quantity × price where there is no column for it.
func readAmount(c cells, qty int64) (amount money.Fen, price money.Rate, wrong *fault.Error) {
	gross, priced := money.Max, c.has(fPrice) && c.has(fQuantity)
	if c.has(fPrice) {
		if price, wrong = c.price(); wrong != nil {
			return 0, 0, wrong
		}
	}
	if priced {
		total, err := money.MulDiv(qty, int64(price), rateToFen, money.HalfUp)
		if gross = money.Fen(total); err != nil || abs(gross) > money.Max {
			return 0, 0, c.at(fPrice, ErrPrice)
		}
	}
	if !c.has(fAmount) {
		return gross, price, nil
	}
	if amount, wrong = c.amount(); wrong == nil && abs(amount) > abs(gross) {
		wrong = ErrAmountMismatch.New().At(fAmount.String())
	}
	return amount, price, wrong
}

func abs[T ~int64](n T) T {
	if n < 0 {
		return -n
	}
	return n
}

// group is the order being read: adjacent rows with one number.
type group struct {
	open                             bool
	no                               string
	first, last, rows                int
	member, original, store, channel string
	parts                            [3]part // by sign+1: what it takes back, what says nothing, what it sells
	content                          uint64  // hash of its rows
	refusal                          *Refusal
}

// part is the rows of one sign.
type part struct {
	rows   int
	timeMs int64
	amount money.Fen
	lines  []Line
}

func (p *part) join(q part) {
	if p.rows == 0 {
		p.timeMs = q.timeMs
	}
	p.rows += q.rows
	p.amount += q.amount
	p.lines = append(p.lines, q.lines...)
}

// refuse keeps the first reason and lets the lines go.
func (g *group) refuse(line int, e *fault.Error) {
	if g.refusal == nil {
		refusal := refusalAt(line, e)
		g.refusal, g.parts = &refusal, [3]part{}
	}
}

// cover stretches the group over a row.
func (g *group) cover(rw row, sum uint64) {
	g.last = rw.last
	g.rows++
	g.content = g.content*0x100000001b3 ^ sum
	if g.rows > maxRows {
		g.refuse(rw.first, ErrOrderTooLong.New())
	}
}

// add takes a row into the order.
func (g *group) add(line int, e entry, keepLine bool) {
	p := &g.parts[e.sign+1]
	switch {
	case len(e.member) > 0 && g.member != "" && string(e.member) != g.member:
		g.refuse(line, ErrMemberMixed.New().At(fMember.String()))
		return
	case !keepLine && p.rows > 0:
		g.refuse(line, ErrOrderTwice.New().At(fOrder.String()))
		return
	}
	keep(&g.member, e.member)
	keep(&g.original, e.original)
	keep(&g.store, e.store)
	keep(&g.channel, e.channel)
	p.join(part{rows: 1, timeMs: e.timeMs, amount: e.line.AmountFen})
	if keepLine {
		p.lines = append(p.lines, e.line)
	}
}

// keep lets the first row that says something speak for the order: some files fill only one row.
func keep(have *string, said []byte) {
	if *have == "" && len(said) > 0 {
		*have = string(said)
	}
}

// records makes what the rows mean: an order, a refund, or one of each.
func (g *group) records(refundPrefix string) ([]Record, *fault.Error) {
	minus, zero, plus := g.parts[0], g.parts[1], g.parts[2]
	isRefund := refundPrefix != "" && strings.HasPrefix(g.no, refundPrefix)
	switch {
	case isRefund && minus.rows > 0 && plus.rows > 0:
		return nil, ErrRefundMixed.New().At(fOrder.String())
	case isRefund:
		minus.join(plus)
		minus.join(zero)
		plus = part{}
	case plus.rows == 0 && minus.rows > 0:
		minus.join(zero)
	default:
		plus.join(zero)
	}
	return g.split(plus, minus)
}

func (g *group) split(plus, minus part) ([]Record, *fault.Error) {
	if max(plus.amount, minus.amount) > money.Max {
		return nil, ErrTotal.New().At(fAmount.String())
	}
	if plus.rows > 0 && g.original != "" && g.original != g.no {
		return nil, ErrOriginal.New().At(fOriginal.String())
	}
	switch {
	case minus.rows == 0:
		return []Record{g.record(Order, g.no, "", plus)}, nil
	case plus.rows == 0:
		return []Record{g.record(Refund, g.no, g.original, minus)}, nil
	}
	return []Record{g.record(Order, g.no, "", plus), g.record(Refund, refundOf(g.no), g.no, minus)}, nil
}

// refundOf numbers the refund that is among the rows of an order.
func refundOf(no string) string { return no + "#r" }

func (g *group) record(kind Kind, no, original string, p part) Record {
	return Record{
		Kind: kind, FirstLine: g.first, LastLine: g.last, No: no, OriginalNo: original, MemberRef: g.member,
		TimeMs: p.timeMs, AmountFen: p.amount, Lines: p.lines, Store: g.store, Channel: g.channel,
	}
}

func (g *group) refused() Record {
	return Record{Kind: Refused, FirstLine: g.first, LastLine: g.last, No: g.no, MemberRef: g.member, Refusal: *g.refusal}
}
