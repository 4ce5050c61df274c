package pay

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" // #nosec G505 -- the platform's hash of a bill
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"guanxi/internal/base/money"
)

// Line is one row of a day's bill: a payment, or a refund.
type Line struct {
	At            string // 2026-01-31 10:00:00, time of Shanghai
	AppID         string
	MchID         string
	TransactionID string
	No            string
	OpenID        string
	State         string // SUCCESS, REFUND, REVOKED
	Total         int64  // fen of the order
	RefundID      string
	RefundNo      string
	Refund        int64 // fen that were asked back
	RefundState   string
	Attach        string
}

// Bill is a merchant's day.
type Bill struct {
	Lines  []Line
	Total  int64 // of orders, fen
	Refund int64
}

// ErrBill says that a bill does not say what it should: its hash, its form or its sums are wrong.
var ErrBill = errors.New("pay: the bill is not whole")

type billTicket struct {
	HashType  string `json:"hash_type"`
	HashValue string `json:"hash_value"`
	URL       string `json:"download_url"`
}

// TradeBill fetches the bill of a day (2026-01-31), which there is from ten o'clock of the next. A day without trade has
// none: the platform says NO_STATEMENT_EXIST, and we an empty bill.
func (c *Client) TradeBill(ctx context.Context, day string) (Bill, error) {
	var t billTicket
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/v3/bill/tradebill", out: &t,
		query: url.Values{"bill_date": {day}, "bill_type": {"ALL"}, "tar_type": {"GZIP"}}})
	if IsCode(err, "NO_STATEMENT_EXIST") {
		return Bill{}, nil
	}
	if err != nil {
		return Bill{}, err
	}
	// Only path and query are taken from the answer: a bill is fetched from the host that we are set to.
	u, err := url.Parse(t.URL)
	if err != nil || t.HashType != "SHA1" || !strings.HasPrefix(u.Path, "/v3/billdownload/") {
		return Bill{}, ErrBill
	}
	text, err := c.do(ctx, call{method: http.MethodGet, path: u.EscapedPath(), query: u.Query(), raw: true})
	if err != nil {
		return Bill{}, err
	}
	return ReadBill(text, t.HashValue)
}

// ReadBill checks and reads a bill, packed or plain. The hash is over the plain text.
func ReadBill(text []byte, hash string) (Bill, error) {
	if len(text) > 2 && text[0] == 0x1f && text[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return Bill{}, ErrBill
		}
		if text, err = io.ReadAll(io.LimitReader(z, maxBill+1)); err != nil || len(text) > maxBill {
			return Bill{}, ErrBill
		}
	}
	sum := sha1.Sum(text) // #nosec G401
	if !strings.EqualFold(hex.EncodeToString(sum[:]), hash) {
		return Bill{}, fmt.Errorf("%w: hash", ErrBill)
	}
	return parseBill(text)
}

// parseBill reads the table by the names of its columns; each value has a ` in front, so that spreadsheets leave it alone.
func parseBill(text []byte) (b Bill, err error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	head, err := r.Read()
	if err != nil {
		return b, ErrBill
	}
	cols := columns(head)
	for _, want := range []string{"交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "用户标识", "交易状态", "订单金额", "商户退款单号", "申请退款金额"} {
		if _, ok := cols[want]; !ok {
			return b, fmt.Errorf("%w: no column %s", ErrBill, want)
		}
	}
	for {
		row, err := r.Read()
		if err != nil {
			return b, fmt.Errorf("%w: no sums", ErrBill)
		}
		if len(row) > 0 && strings.HasPrefix(row[0], "总交易单数") {
			return b, b.check(r, columns(row))
		}
		if len(row) < len(head) {
			return b, fmt.Errorf("%w: a row of %d cells", ErrBill, len(row))
		}
		l, err := lineOf(row, cols)
		if err != nil {
			return b, err
		}
		b.Lines = append(b.Lines, l)
	}
}

func columns(head []string) map[string]int {
	out := make(map[string]int, len(head))
	for i, h := range head {
		out[strings.TrimSpace(h)] = i
	}
	return out
}

func lineOf(row []string, cols map[string]int) (l Line, err error) {
	cell := func(name string) string {
		i, ok := cols[name]
		if !ok || i >= len(row) {
			return ""
		}
		return strings.TrimSpace(strings.TrimPrefix(row[i], "`"))
	}
	l = Line{At: cell("交易时间"), AppID: cell("公众账号ID"), MchID: cell("商户号"), TransactionID: cell("微信订单号"), No: cell("商户订单号"),
		OpenID: cell("用户标识"), State: cell("交易状态"), RefundID: cell("微信退款单号"), RefundNo: cell("商户退款单号"), RefundState: cell("退款状态"),
		Attach: cell("商户数据包")}
	if l.Total, err = yuan(cell("订单金额")); err != nil {
		return l, err
	}
	l.Refund, err = yuan(cell("申请退款金额"))
	return l, err
}

func yuan(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	f, err := money.ParseFen(s)
	if err != nil {
		return 0, fmt.Errorf("%w: an amount", ErrBill)
	}
	return int64(f), nil
}

// check compares the rows with the sums at the end.
func (b *Bill) check(r *csv.Reader, cols map[string]int) error {
	row, err := r.Read()
	if err != nil {
		return fmt.Errorf("%w: no sums", ErrBill)
	}
	cell := func(name string) string {
		i, ok := cols[name]
		if !ok || i >= len(row) {
			return "?"
		}
		return strings.TrimPrefix(row[i], "`")
	}
	for i := range b.Lines {
		b.Total += b.Lines[i].Total
		b.Refund += b.Lines[i].Refund
	}
	total, err1 := yuan(cell("订单总金额"))
	refund, err2 := yuan(cell("申请退款总金额"))
	if err1 != nil || err2 != nil || cell("总交易单数") != fmt.Sprint(len(b.Lines)) || total != b.Total || refund != b.Refund {
		return fmt.Errorf("%w: the sums differ from the rows", ErrBill)
	}
	return nil
}
