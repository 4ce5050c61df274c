package pay

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1" // #nosec G505 -- the platform's hash of a bill
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
	"time"
)

const (
	billHead = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额," +
		"微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
	billSums = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)

func (p *Pay) getBill(q *asked) (int, any, *problem) {
	query := q.r.URL.Query()
	day, err := time.ParseInLocation("2006-01-02", query.Get("bill_date"), cst)
	if err != nil {
		return 0, nil, bad("bill_date")
	}
	kind := query.Get("bill_type")
	if kind != "" && kind != "ALL" && kind != "SUCCESS" && kind != "REFUND" {
		return 0, nil, bad("bill_type")
	}
	if p.w.Clock.Now() < day.Add(34*time.Hour).UnixMilli() {
		return 0, nil, &problem{400, "STATEMENT_CREATING", "the bill is there from ten o'clock of the next day", "268436000"}
	}
	text, rows := p.bill(q.m, day.UnixMilli(), kind)
	if rows == 0 {
		return 0, nil, &problem{400, "NO_STATEMENT_EXIST", "no trade on that day", "268436001"}
	}
	sum := sha1.Sum(text) // #nosec G401
	if query.Get("tar_type") == "GZIP" {
		var z bytes.Buffer
		g := gzip.NewWriter(&z)
		_, _ = g.Write(text)
		_ = g.Close()
		text = z.Bytes()
	}
	token := p.w.Word(40)
	p.bills[token] = text
	return 200, map[string]string{"hash_type": "SHA1", "hash_value": hex.EncodeToString(sum[:]),
		"download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=" + token}, nil
}

func (p *Pay) getBillFile(q *asked) (int, any, *problem) {
	text := p.bills[q.r.URL.Query().Get("token")]
	if text == nil {
		return 0, nil, bad("token")
	}
	return 200, text, nil
}

// bill writes a merchant's day: what was paid on it and what was asked back on it.
func (p *Pay) bill(m *Merchant, from int64, kind string) ([]byte, int) {
	to := from + 24*3600*1000
	type row struct {
		at   int64
		back bool // behind what was sold in the same moment
		text string
	}
	var rows []row
	var total, back int64
	for _, o := range p.orders {
		if o.m == m && kind != "REFUND" && o.PaidAt >= from && o.PaidAt < to {
			total += o.Total
			rows = append(rows, row{o.PaidAt, false, line(o, o.PaidAt, "SUCCESS", "", "0", 0, "", o.Total)})
		}
	}
	for _, f := range p.refunds {
		if f.o.m == m && kind != "SUCCESS" && f.At >= from && f.At < to {
			back += f.Amount
			rows = append(rows, row{f.At, true, line(f.o, f.At, "REFUND", f.ID, f.No, f.Amount, f.Status, 0)})
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if a.at != b.at {
			return a.at < b.at
		}
		if a.back != b.back {
			return b.back
		}
		return a.text < b.text
	})
	var b bytes.Buffer
	b.WriteString("\ufeff" + billHead + "\r\n")
	for _, r := range rows {
		b.WriteString(r.text + "\r\n")
	}
	fmt.Fprintf(&b, "%s\r\n`%d,`%s,`%s,`0.00,`0.00000,`%s,`%s\r\n", billSums, len(rows), yuan(total), yuan(back), yuan(total), yuan(back))
	return b.Bytes(), len(rows)
}

func line(o *order, at int64, state, refundID, refundNo string, back int64, status string, total int64) string {
	kind := ""
	if state == "REFUND" {
		kind = "ORIGINAL"
	}
	cells := []string{time.UnixMilli(at).In(cst).Format("2006-01-02 15:04:05"), o.AppID, o.m.MchID, "0", "", o.ID, o.No, o.OpenID, o.Type, state, "OTHERS", "CNY",
		yuan(total), "0.00", refundID, refundNo, yuan(back), "0.00", kind, status, strings.ReplaceAll(o.Words, ",", "，"), o.Attach, "0.00000", "0.60%", yuan(total), yuan(back), ""}
	return "`" + strings.Join(cells, ",`")
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func (p *Pay) getCertificates(q *asked) (int, any, *problem) {
	nonce := p.w.Word(12)
	return 200, map[string]any{"data": []any{map[string]any{"serial_no": p.keys.Serial, "effective_time": stamp(p.w.Clock.Now()),
		"expire_time": stamp(p.w.Clock.Now() + 365*24*3600*1000), "encrypt_certificate": map[string]string{"algorithm": "AEAD_AES_256_GCM",
			"nonce": nonce, "associated_data": "certificate", "ciphertext": seal(q.m.APIv3, nonce, "certificate", p.keys.Certificate)}}}}, nil
}
