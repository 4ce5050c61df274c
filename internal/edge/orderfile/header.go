package orderfile

import (
	"bytes"
	"strings"

	"guanxi/internal/base/fault"
)

// field is what a column may mean.
type field int

const (
	fOrder field = iota
	fTime
	fMember
	fAmount
	fSKU
	fName
	fQuantity
	fPrice
	fStore
	fChannel
	fOriginal
	fieldCount
)

var fieldNames = [fieldCount]string{
	"order", "time", "member", "amount", "sku", "name", "quantity", "price", "store", "channel", "original",
}

func (f field) String() string { return fieldNames[f] }

// wellKnown lists, by field, the header names that are guessed, the likeliest first.
// They are compared in lower case without blanks, underscores and hyphens.
var wellKnown = [fieldCount][]string{
	fOrder:    {"orderno", "ordernumber", "orderid", "order", "invoiceno", "invoice", "订单号", "订单编号", "订单id", "单号", "小票号"},
	fTime:     {"paidat", "paytime", "ordertime", "orderdate", "createdat", "time", "date", "invoicedate", "付款时间", "支付时间", "下单时间", "订单时间", "交易时间", "时间", "日期"},
	fMember:   {"memberno", "memberid", "member", "customerid", "customer", "会员号", "会员编号", "会员id", "会员卡号", "会员", "手机号", "手机"},
	fAmount:   {"paidamount", "amount", "total", "实付金额", "实收金额", "支付金额", "金额", "订单金额"},
	fSKU:      {"sku", "skuid", "stockcode", "productcode", "itemcode", "商品编码", "商品编号", "货号", "商品条码"},
	fName:     {"name", "productname", "itemname", "description", "商品名称", "商品", "品名"},
	fQuantity: {"quantity", "qty", "数量", "商品数量", "购买数量"},
	fPrice:    {"unitprice", "price", "单价", "商品单价", "价格"},
	fStore:    {"store", "storeid", "shop", "门店", "门店编号", "店铺"},
	fChannel:  {"channel", "渠道", "来源", "订单来源"},
	fOriginal: {"original", "originalorder", "originalno", "originalorderno", "原订单号", "原单号"},
}

// Mapping names the column of each field: order, time, member, amount, sku, name, quantity, price,
// store, channel, original. Needed are order, time, member and either amount or quantity and price.
// An empty mapping is guessed from well-known header names.
type Mapping map[string]string

// ParseMap reads a mapping such as "order=InvoiceNo,time=InvoiceDate".
func ParseMap(s string) (Mapping, error) {
	m := Mapping{}
	for entry := range strings.SplitSeq(s, ",") {
		name, column, _ := strings.Cut(entry, "=")
		name, column = strings.TrimSpace(name), strings.TrimSpace(column)
		if _, twice := m[name]; twice || column == "" || !isField(name) {
			return nil, badMap(entry)
		}
		m[name] = column
	}
	return m, nil
}

func isField(name string) bool {
	for _, f := range fieldNames {
		if f == name {
			return true
		}
	}
	return false
}

func badMap(entry string) error {
	return ErrMap.With("entry", short([]byte(entry)), "fields", strings.Join(fieldNames[:], ", "))
}

// layout says which column holds which field.
type layout struct {
	headers []string
	column  [fieldCount]int // -1 where the file has none
}

func newLayout(cells [][]byte, m Mapping) (*layout, error) {
	l := &layout{headers: make([]string, len(cells))}
	seen := map[string]bool{"": false}
	for i, cell := range cells {
		h := string(bytes.TrimSpace(cell))
		if seen[h] {
			return nil, ErrHeaderTwice.With("column", short(cell))
		}
		l.headers[i] = h
		seen[h] = h != ""
	}
	if len(m) == 0 {
		l.guess()
		return l, l.complete()
	}
	if err := l.apply(m); err != nil {
		return nil, err
	}
	return l, l.complete()
}

// guess maps each field to the column with its likeliest well-known name.
func (l *layout) guess() {
	where := map[string]int{}
	for i, h := range l.headers {
		plain := plainHeader(h)
		if _, taken := where[plain]; !taken {
			where[plain] = i
		}
	}
	for f := range fieldCount {
		l.column[f] = -1
		for _, name := range wellKnown[f] {
			if i, ok := where[name]; ok {
				l.column[f] = i
				break
			}
		}
	}
}

var headerNoise = strings.NewReplacer(" ", "", "_", "", "-", "")

func plainHeader(h string) string { return headerNoise.Replace(strings.ToLower(h)) }

// apply uses the caller's mapping and nothing else.
func (l *layout) apply(m Mapping) error {
	for name, column := range m {
		if !isField(name) {
			return badMap(name + "=" + column)
		}
	}
	for f := range fieldCount {
		l.column[f] = -1
		column, ok := m[f.String()]
		if !ok {
			continue
		}
		if l.column[f] = l.find(column); l.column[f] < 0 {
			return l.missing(f, column)
		}
	}
	return nil
}

// find gives the column with exactly that name, else the first that differs only in case.
func (l *layout) find(column string) int {
	folded := -1
	for i, h := range l.headers {
		if h == column {
			return i
		}
		if folded < 0 && strings.EqualFold(h, column) {
			folded = i
		}
	}
	return folded
}

// complete refuses a mapping that can't make an order.
func (l *layout) complete() error {
	for _, f := range []field{fOrder, fTime, fMember} {
		if !l.has(f) {
			return l.missing(f, wellKnown[f][0])
		}
	}
	if l.has(fAmount) || l.has(fQuantity) && l.has(fPrice) {
		return nil
	}
	for _, f := range []field{fQuantity, fPrice} {
		if l.has(fQuantity) != l.has(fPrice) && !l.has(f) {
			return l.missing(f, wellKnown[f][0])
		}
	}
	return l.missing(fAmount, wellKnown[fAmount][0])
}

func (l *layout) has(f field) bool { return l.column[f] >= 0 }

// hasLines tells a line file from a file with one row an order.
func (l *layout) hasLines() bool {
	return l.has(fSKU) || l.has(fName) || l.has(fQuantity) || l.has(fPrice)
}

func (l *layout) missing(f field, column string) error {
	there := short([]byte(strings.Join(l.headers, ", ")))
	return ErrColumnMissing.With("field", f, "column", column, "there", there).At(f.String())
}

// mapping is what is used, to be shown.
func (l *layout) mapping() Mapping {
	m := Mapping{}
	for f := range fieldCount {
		if l.has(f) {
			m[f.String()] = l.headers[l.column[f]]
		}
	}
	return m
}

// at fills a failure of a cell with its column.
func (l *layout) at(f field, k *fault.Kind, pairs ...any) *fault.Error {
	return k.With(append(pairs, "column", l.headers[l.column[f]])...).At(f.String())
}

// delimiterOf is the commonest of comma, semicolon and tab outside quotes in the header line.
func delimiterOf(block []byte) byte {
	var counts [256]int
	quoted := false
	for _, b := range bytes.TrimLeft(block, "\r\n") {
		if b == '"' {
			quoted = !quoted
		}
		if b == '\n' && !quoted {
			break
		}
		if !quoted {
			counts[b]++
		}
	}
	best := byte(',')
	for _, d := range []byte{';', '\t'} {
		if counts[d] > counts[best] {
			best = d
		}
	}
	return best
}

// short cuts a text for a message.
func short(text []byte) string {
	const most = 300
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}
