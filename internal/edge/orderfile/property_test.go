package orderfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/money"
)

// drawn is one order and the rows that say it.
type drawn struct {
	want Record
	rows [][]string
}

// halfUp is qty × price/10000 yuan in fen, with big numbers.
func halfUp(qty, price4 int64) money.Fen {
	n := new(big.Int).Mul(big.NewInt(qty), big.NewInt(price4))
	return money.Fen(n.Add(n, big.NewInt(50)).Div(n, big.NewInt(100)).Int64())
}

func drawOrder(t *rapid.T, no string) drawn {
	text := rapid.StringMatching(`[a-z龙井茶"][a-z龙井茶", ;]{0,8}[a-z"]`)
	when := rapid.Int64Range(631_200_000, 4_000_000_000).Draw(t, "when") * clock.Second
	d := drawn{want: Record{Kind: Order, No: no, TimeMs: when, MemberRef: rapid.SampledFrom([]string{"", "m1", "会员2"}).Draw(t, "member")}}
	sign := ""
	if rapid.Bool().Draw(t, "refund") {
		d.want.Kind, sign = Refund, "-"
	}
	for range rapid.IntRange(1, 4).Draw(t, "lines") {
		qty := rapid.Int64Range(1, maxQty).Draw(t, "qty")
		price := rapid.Int64Range(0, 1_000_000).Draw(t, "price")
		l := Line{SKU: text.Draw(t, "sku"), Name: text.Draw(t, "name"), Qty: qty, PriceFen: halfUp(1, price), AmountFen: halfUp(qty, price)}
		d.want.Lines = append(d.want.Lines, l)
		d.want.AmountFen += l.AmountFen
		d.rows = append(d.rows, []string{
			no, clock.Shanghai.Format("2006-01-02 15:04:05", when), d.want.MemberRef, l.SKU, l.Name,
			sign + strconv.FormatInt(qty, 10), fmt.Sprintf("%d.%04d", price/10_000, price%10_000),
		})
	}
	return d
}

func TestWrittenOrdersAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		w := csv.NewWriter(&file)
		w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "delimiter")
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		all := [][]string{{"订单号", "下单时间", "会员号", "商品编码", "商品名称", "数量", "单价"}}
		var want []Record
		for i := range rapid.IntRange(0, 5).Draw(t, "orders") {
			d := drawOrder(t, "N"+strconv.Itoa(i))
			d.want.FirstLine, d.want.LastLine = len(all)+1, len(all)+len(d.rows)
			all, want = append(all, d.rows...), append(want, d.want)
		}
		if err := w.WriteAll(all); err != nil {
			t.Fatal(err)
		}
		got := readBack(t, file.String())
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%s\nwant\n%s\n%s", brief(got), brief(want), file.String())
		}
	})
}

// readBack reads the text after it went through an encoding and a packer.
func readBack(t *rapid.T, text string) []Record {
	if rapid.Bool().Draw(t, "gb18030") {
		text, _ = simplifiedchinese.GB18030.NewEncoder().String(text)
	} else if rapid.Bool().Draw(t, "mark") {
		text = string(bom) + text
	}
	if rapid.Bool().Draw(t, "gzip") {
		text = string(packed(text))
	}
	r, err := New(strings.NewReader(text), 0, Options{Encoding: Auto})
	if err != nil {
		t.Fatal(err)
	}
	got, err := all(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(lineHead+"A,2026-01-02,m,s,\"n\n\",2,1.5\nA,2026-01-02,m,s,n,-1,1\nC1,2026/1/2 3:04,,s,n,1,0.0049\n"), "C", 0)
	f.Add([]byte("\xef\xbb\xbforder;time;member;amount;original\r\nA;1772571967;m;1;\r\nA;1772571967;m;-1;A\r\n"), "", 2)
	f.Add([]byte("\xb6\xa9\xb5\xa5\xba\xc5,time,member,amount\nA,20260102,\xd5\xc5,1\n"), "", 0)
	f.Add(packed(rowHead+"A,2026-01-02,m,1\n"), "", 0)
	f.Add([]byte(rowHead+"A,2026-01-02,\"m"), "", 0)
	f.Fuzz(func(t *testing.T, data []byte, prefix string, skip int) {
		r, err := New(bytes.NewReader(data), int64(len(data)), Options{RefundPrefix: prefix, Encoding: Auto, SkipLines: skip})
		if err != nil {
			return
		}
		line := max(skip, 1)
		for {
			rec, err := r.Next()
			if err != nil {
				break
			}
			if rec.LastLine < line || rec.FirstLine > rec.LastLine || rec.LastLine > r.rows.line {
				t.Fatalf("after line %d: %+v", line, rec)
			}
			line = rec.LastLine
			checkRecord(t, r, rec)
		}
		if cap(r.rows.buf) != window || cap(r.text.out) > 3*maxRow+4 {
			t.Fatalf("the window grew: %d, %d", cap(r.rows.buf), cap(r.text.out))
		}
		if r.Offset() > int64(len(data)) {
			t.Fatalf("offset %d of %d", r.Offset(), len(data))
		}
	})
}

// checkRecord holds what is true of any record, whatever the file.
func checkRecord(t *testing.T, r *Reader, rec Record) {
	t.Helper()
	if rec.Kind == Refused {
		if rec.Refusal.Line < rec.FirstLine || rec.Refusal.Line > rec.LastLine || rec.Refusal.Code == "" {
			t.Fatalf("%+v", rec)
		}
		return
	}
	if rec.No == "" || rec.TimeMs < r.times.from || rec.TimeMs >= r.times.till || rec.AmountFen.CheckAmount() != nil {
		t.Fatalf("%+v", rec)
	}
	if back, err := money.ParseFen(rec.AmountFen.String()); err != nil || back != rec.AmountFen {
		t.Fatalf("%s reads back as %s: %v", rec.AmountFen, back, err)
	}
	var sum money.Fen
	for _, l := range rec.Lines {
		if sum += l.AmountFen; l.Qty < 0 || l.PriceFen < 0 || l.AmountFen < 0 {
			t.Fatalf("%+v", rec)
		}
	}
	if r.layout.hasLines() && sum != rec.AmountFen {
		t.Fatalf("lines add up to %s: %+v", sum, rec)
	}
}

// FuzzRows compares the scanner with encoding/csv on all that the latter takes.
func FuzzRows(f *testing.F) {
	f.Add("a,b\n\"c\"\"\n,d\",e\n\nf")
	f.Add("\"\",\"\"\n,\n")
	f.Fuzz(func(t *testing.T, text string) {
		oracle := csv.NewReader(strings.NewReader(text))
		oracle.FieldsPerRecord = -1
		want, err := oracle.ReadAll()
		if err != nil || len(text) > maxField || strings.ContainsRune(text, '\r') || notText([]byte(text)) != nil {
			return
		}
		if got := scanAll(t, text); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %q, want %q", text, got, want)
		}
	})
}

func scanAll(t *testing.T, text string) (out [][]string) {
	t.Helper()
	rows := newRows(strings.NewReader(text), &charset{found: UTF8})
	rows.quote.delim = ','
	for {
		rw, err := rows.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(rw.data) == 0 {
			continue // encoding/csv passes over blank rows
		}
		cells, wrong := split(nil, rw.data, rw.class, ',')
		if wrong != nil {
			t.Fatalf("%q: %s", rw.data, wrong.Code)
		}
		var texts []string
		for _, c := range cells {
			texts = append(texts, string(c))
		}
		out = append(out, texts)
	}
}

func BenchmarkReader(b *testing.B) {
	var file bytes.Buffer
	file.WriteString("InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\n")
	const lines = 100_000
	for i := range lines {
		fmt.Fprintf(&file, "%d,8%04dA,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 %02d:%02d,2.55,%d\n", 536365+i/20, i%9999, i/6000%24, i/20%60, 17850+i/20%999)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		r, err := New(bytes.NewReader(file.Bytes()), 0, Options{RefundPrefix: "C"})
		if err != nil {
			b.Fatal(err)
		}
		if got, err := all(r); err != nil || len(got) != lines/20 {
			b.Fatal(len(got), err)
		}
	}
	b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
}
