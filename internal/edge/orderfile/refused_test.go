package orderfile

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"guanxi/internal/base/fault"
)

func gb18030(t *testing.T, text string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func utf16(t *testing.T, text string, mark unicode.BOMPolicy) string {
	t.Helper()
	out, err := unicode.UTF16(unicode.LittleEndian, mark).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFilesThatCantBeRead(t *testing.T) {
	t.Parallel()
	order := rowHead + "A,2026-01-02,m,1\n"
	cases := map[string]struct {
		text string
		o    Options
		want *fault.Kind
	}{
		"empty":                  {"", Options{}, ErrEmpty},
		"only a mark":            {"\xef\xbb\xbf", Options{}, ErrEmpty},
		"only blank rows":        {"\n\r\n,,\n", Options{}, ErrEmpty},
		"workbook":               {"PK\x03\x04rest", Options{}, ErrWorkbook},
		"old workbook":           {"\xd0\xcf\x11\xe0rest", Options{}, ErrWorkbook},
		"UTF-16 with a mark":     {utf16(t, order, unicode.UseBOM), Options{Encoding: Auto}, ErrUTF16},
		"UTF-16 without":         {utf16(t, order, unicode.IgnoreBOM), Options{}, ErrUTF16},
		"NUL in the header":      {"order,ti\x00me\n", Options{}, ErrBinary},
		"junk":                   {"\x01\x02\x90\xff\xfe\n", Options{}, ErrBinary},
		"GBK not to be guessed":  {gb18030(t, "订单号,时间\n"), Options{}, ErrEncoding},
		"Latin-1 header":         {"caf\xe9 noir,x\n", Options{Encoding: Auto}, ErrEncoding},
		"unknown encoding":       {order, Options{Encoding: "latin-1"}, ErrEncodingName},
		"header twice":           {"order,time,member,amount,amount\n", Options{}, ErrHeaderTwice},
		"no amount":              {"order,time,member,sku\n", Options{}, ErrColumnMissing},
		"price without quantity": {"order,time,member,price\n", Options{}, ErrColumnMissing},
		"no member":              {"order,time,amount\n", Options{}, ErrColumnMissing},
		"mapped but not there":   {order, Options{Mapping: Mapping{"order": "order", "time": "when"}}, ErrColumnMissing},
		"unknown field":          {order, Options{Mapping: Mapping{"weight": "order"}}, ErrMap},
		"quote in header":        {"order,\"ti\"me\n", Options{}, ErrQuote},
		"open quote in header":   {"order,\"time\n1,2\n", Options{}, ErrTruncated},
		"long header":            {strings.Repeat("a,", 40_000) + "\n", Options{}, ErrRowTooLong},
		"long header cell":       {strings.Repeat("a", 5_000) + ",b\n", Options{}, ErrFieldTooLong},
		"gzip of nothing":        {"\x1f\x8b", Options{}, ErrTruncated},
		"no gzip after all":      {"\x1f\x8b\xff" + strings.Repeat("x", 20), Options{}, ErrGzip},
	}
	for name, c := range cases {
		r, err := New(strings.NewReader(c.text), 0, c.o)
		if r != nil || !fault.Is(err, c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want.Code)
		}
	}
}

func TestMissingColumnListsWhatIsThere(t *testing.T) {
	t.Parallel()
	_, err := New(strings.NewReader("no,when\n"), 0, Options{Mapping: Mapping{"order": "InvoiceNo"}})
	want := "orderfile.column_missing: no column InvoiceNo for order; the file has: no, when (order)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestFilesThatBreakOff(t *testing.T) {
	t.Parallel()
	head := lineHead + "A,2026-01-02,m,s,n,1,1\nB,2026-01-02,m,s,n,1,1\n"
	tail := lineHead + "A,2026-01-02,m,s,n,1,1\n" + strings.Repeat("B,2026-01-02,m,s,n,1,1\n", 2_000)
	half := packed(tail)
	for name, text := range map[string]string{
		"open quote":                    head + "B,2026-01-02,m,s,\"n",
		"open quote in an endless cell": head + "B,2026-01-02,m,s,\"" + strings.Repeat("n\n", 500_000),
		"too few columns":               head + "B,2026-01-02,m",
		"half a gzip stream":            string(half[:len(half)*2/3]),
		"gzip without its sum":          string(half[:len(half)-8]),
	} {
		got, err := all(reader(t, text, Options{}))
		expect(t, brief(got), `order A by "m" 1.00 s/n:1*1.00=1.00 [2-2]`)
		expectCode(t, err, ErrTruncated)
		if err != nil && !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: %v", name, err)
		}
	}
	half[len(half)-6] ^= 1
	_, err := New(strings.NewReader(string(half)), 0, Options{})
	expectCode(t, err, ErrGzip)
}

// TestWrongRows puts each wrong row between two good orders, which must come through.
func TestWrongRows(t *testing.T) {
	t.Parallel()
	row := func(cells ...string) string { return strings.Join(cells, ",") }
	day, long := "2026-01-02", strings.Repeat("x", 5_000)
	cases := map[string]struct {
		row, code, field string
	}{
		"too few columns":     {row("X", day, "m", "s"), "columns", ""},
		"too many columns":    {row("X", day, "m", "s", "n", "1", "1", "1"), "columns", ""},
		"quote inside":        {row("X", day, "m", "s", `"a"b`, "1", "1"), "quote", ""},
		"NUL":                 {row("X", day, "m", "s", "a\x00b", "1", "1"), "binary", ""},
		"invalid UTF-8":       {row("X", day, "m", "s", "\xff", "1", "1"), "encoding", ""},
		"long cell":           {row("X", day, "m", "s", long, "1", "1"), "field_too_long", ""},
		"long row":            {row("X", day, "m", "s", strings.Repeat(long+",", 20), "1", "1"), "row_too_long", ""},
		"very long row":       {row("X", day, "m", "s", strings.Repeat(long+",", 200), "1", "1"), "row_too_long", ""},
		"long quoted row":     {row("X", day, "m", "s", `"`+strings.Repeat(long, 200)+`"`, "1", "1"), "row_too_long", ""},
		"no number":           {row("", day, "m", "s", "n", "1", "1"), "required", "order"},
		"formula as number":   {row("=X", day, "m", "s", "n", "1", "1"), "formula", "order"},
		"formula as member":   {row("X", day, "@SUM(1)", "s", "n", "1", "1"), "formula", "member"},
		"plus is no phone":    {row("X", day, "+1+1", "s", "n", "1", "1"), "formula", "member"},
		"formula as SKU":      {row("X", day, "m", "-1+1", "n", "1", "1"), "formula", "sku"},
		"tab as SKU":          {row("X", day, "m", "\t1", "n", "1", "1"), "formula", "sku"},
		"CR as SKU":           {row("X", day, "m", "\"\r1\"", "n", "1", "1"), "formula", "sku"},
		"blank before =":      {row("X", day, "m", " =1", "n", "1", "1"), "formula", "sku"},
		"tab in SKU":          {row("X", day, "m", "a\tb", "n", "1", "1"), "binary", "sku"},
		"scientific number":   {row("1.23457E+17", day, "m", "s", "n", "1", "1"), "mangled", "order"},
		"scientific member":   {row("X", day, "1e+10", "s", "n", "1", "1"), "mangled", "member"},
		"half a quantity":     {row("X", day, "m", "s", "n", "1.5", "1"), "quantity", "quantity"},
		"huge quantity":       {row("X", day, "m", "s", "n", "1000001", "1"), "quantity", "quantity"},
		"huger quantity":      {row("X", day, "m", "s", "n", "99999999999999999999", "1"), "quantity", "quantity"},
		"quantity in words":   {row("X", day, "m", "s", "n", "two", "1"), "quantity", "quantity"},
		"no quantity":         {row("X", day, "m", "s", "n", "", "1"), "quantity", "quantity"},
		"five decimals":       {row("X", day, "m", "s", "n", "1", "0.12345"), "price", "price"},
		"price NaN":           {row("X", day, "m", "s", "n", "1", "NaN"), "price", "price"},
		"price infinite":      {row("X", day, "m", "s", "n", "1", "Inf"), "price", "price"},
		"price in hex":        {row("X", day, "m", "s", "n", "1", "0x10"), "price", "price"},
		"price with exponent": {row("X", day, "m", "s", "n", "1", "1e3"), "price", "price"},
		"huge price":          {row("X", day, "m", "s", "n", "1000000", "1000000000"), "price", "price"},
		"no price":            {row("X", day, "m", "s", "n", "1", ""), "price", "price"},
		"UTF-8 cut short":     {row("X", day, "m", "s", "\xe9\xbe", "1", "1"), "encoding", ""},
		"no such day":         {row("X", "2026-02-30", "m", "s", "n", "1", "1"), "time", "time"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := lineHead + "A,2026-01-02,m,龙井,n,1,1\n" + "A,2026-01-02,m,s,n,1,1\nA2,2026-01-02,m,s,n,1,1\n" + c.row + "\nB,2026-01-02,m,s,n,1,1\n"
			got := readAll(t, text, Options{})
			refused, good := 0, 0
			for _, rec := range got {
				if rec.Kind != Refused {
					good++
					continue
				}
				refused++
				if rec.Refusal.Line != 5 || rec.Refusal.Code != "orderfile."+c.code || rec.Refusal.Field != c.field {
					t.Errorf("got %+v", rec.Refusal)
				}
				if rec.Refusal.Zh == "" || strings.ContainsAny(rec.Refusal.Zh+rec.Refusal.En, "{}") {
					t.Errorf("sentences %q %q", rec.Refusal.Zh, rec.Refusal.En)
				}
			}
			if last := got[len(got)-1]; refused != 1 || good < 2 || last.No != "B" || last.Kind != Order || last.FirstLine != got[len(got)-2].LastLine+1 {
				t.Errorf("got\n%s", brief(got))
			}
		})
	}
}

func TestWrongAmounts(t *testing.T) {
	t.Parallel()
	for _, amount := range []string{"", "1.001", "NaN", "-Inf", "1e5", "¥1", "100000000000.01", "99999999999999999999", "1 2", "--1", "."} {
		got := readAll(t, rowHead+"X,2026-01-02,m,"+amount+"\nA,2026-01-02,m,100000000000.00\n", Options{})
		expect(t, brief(got), "refused \"X\" line 2 orderfile.amount amount [2-2]\norder A by \"m\" 100000000000.00 [3-3]")
	}
}

func TestOneWrongRowRefusesTheOrder(t *testing.T) {
	t.Parallel()
	good, bad := ",2026-01-02,m,s,n,1,1\n", ",2026-01-02,m,s,n,1,x\n"
	cases := map[string]struct{ text, want string }{
		"in the middle, one report": {"A" + good + "A" + bad + "A" + good + "A" + bad + "B" + good, `
			refused "A" line 3 orderfile.price price [2-5]
			order B by "m" 1.00 s/n:1*1.00=1.00 [6-6]`},
		"without a number it stays with the order before": {"A" + good + good + "A" + good + "B" + good, `
			refused "A" line 3 orderfile.required order [2-4]
			order B by "m" 1.00 s/n:1*1.00=1.00 [5-5]`},
		"without a number, first": {good + good + "B" + good, `
			refused "" line 2 orderfile.required order [2-2]
			refused "" line 3 orderfile.required order [3-3]
			order B by "m" 1.00 s/n:1*1.00=1.00 [4-4]`},
		"comes back": {"A" + good + "B" + good + "A" + bad + "A" + good + "B" + good, `
			order A by "m" 1.00 s/n:1*1.00=1.00 [2-2]
			order B by "m" 1.00 s/n:1*1.00=1.00 [3-3]
			refused "A" line 4 orderfile.price price [4-5]
			order B by "m" 1.00 s/n:1*1.00=1.00 [6-6]`},
		"comes back with other content": {"A" + good + "B" + good + "A,2026-01-02,m,s,n,2,1\n", `
			order A by "m" 1.00 s/n:1*1.00=1.00 [2-2]
			order B by "m" 1.00 s/n:1*1.00=1.00 [3-3]
			refused "A" line 4 orderfile.split_order order [4-4]`},
		"comes back after it was refused": {"A" + bad + "B" + good + "A" + good, `
			refused "A" line 2 orderfile.price price [2-2]
			order B by "m" 1.00 s/n:1*1.00=1.00 [3-3]
			refused "A" line 4 orderfile.split_order order [4-4]`},
		"its made number is taken": {"A#r" + good + "A" + good + "A,2026-01-02,m,s,n,-1,1\n", `
			order A#r by "m" 1.00 s/n:1*1.00=1.00 [2-2]
			refused "A" line 3 orderfile.split_order order [3-4]`},
		"two members": {"A" + good + "A,2026-01-02,m2,s,n,1,1\n", `
			refused "A" line 3 orderfile.member_mixed member [2-3]`},
		"a refund of both signs": {"C1" + good + "C1,2026-01-02,m,s,n,-1,1\n", `
			refused "C1" line 2 orderfile.refund_mixed order [2-3]`},
		"too much in all": {strings.Repeat("A,2026-01-02,m,s,n,1,60000000000\n", 2), `
			refused "A" line 2 orderfile.total amount [2-3]`},
		"too many rows": {strings.Repeat("A"+good, 10_001) + "B" + good, `
			refused "A" line 10002 orderfile.order_too_long  [2-10002]
			order B by "m" 1.00 s/n:1*1.00=1.00 [10003-10003]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, brief(readAll(t, lineHead+c.text, Options{RefundPrefix: "C"})), strings.ReplaceAll(c.want, "\t", ""))
		})
	}
}

func TestOneRowAnOrder(t *testing.T) {
	t.Parallel()
	text := "order,time,member,amount,original\n" +
		"A,2026-01-02,m,1,\nA,2026-01-02,m,1,\n" + // twice
		"B,2026-01-02,m,1,A\n" + // order or refund?
		",2026-01-02,m,1,\nE,2026-01-02,m,1,\n,2026-01-02,m,1,\n" // without a number it stands alone
	expect(t, brief(readAll(t, text, Options{})), strings.ReplaceAll(`
		refused "A" line 3 orderfile.order_twice order [2-3]
		refused "B" line 4 orderfile.original original [4-4]
		refused "" line 5 orderfile.required order [5-5]
		order E by "m" 1.00 [6-6]
		refused "" line 7 orderfile.required order [7-7]`, "\t", ""))
}

func TestEveryReferenceIsChecked(t *testing.T) {
	t.Parallel()
	head := "order,time,member,amount,store,channel,original\n"
	for i, name := range []string{"store", "channel", "original"} {
		row := []string{"A", "2026-01-02", "m", "-1", "", "", ""}
		row[4+i] = "=1"
		got := readAll(t, head+strings.Join(row, ",")+"\n", Options{})
		expect(t, brief(got), `refused "A" line 2 orderfile.formula `+name+` [2-2]`)
	}
}

func TestDamagedUTF8IsNotTakenForGB18030(t *testing.T) {
	t.Parallel()
	text := "订单号,时间,会员,金额\nA,2026-01-02,张三,1\nB,2026-01-02,张\xe4\xb8,1\nD,2026-01-02,李四,1\n"
	r := reader(t, text, Options{Encoding: Auto})
	got, err := all(r)
	if err != nil || r.Encoding() != UTF8 {
		t.Fatalf("%v, %s", err, r.Encoding())
	}
	expect(t, brief(got), strings.ReplaceAll(`
		order A by "张三" 1.00 [2-2]
		refused "" line 3 orderfile.encoding  [3-3]
		order D by "李四" 1.00 [4-4]`, "\t", ""))
}

func TestDamagedGB18030Row(t *testing.T) {
	t.Parallel()
	text := gb18030(t, "订单号,时间,会员,金额\nA,2026-01-02,张三,1\n") + "B,2026-01-02,\xd5\xc5\xff,1\n"
	expect(t, brief(readAll(t, text, Options{Encoding: Auto})), strings.ReplaceAll(`
		order A by "张三" 1.00 [2-2]
		refused "" line 3 orderfile.encoding  [3-3]`, "\t", ""))
}

func TestParseMap(t *testing.T) {
	t.Parallel()
	m, err := ParseMap("order=No, time=At,member=Who ,amount=Paid")
	if err != nil || fmt.Sprint(m) != "map[amount:Paid member:Who order:No time:At]" {
		t.Errorf("%v %v", m, err)
	}
	r := reader(t, "WHO,at,No,PAID,Paid,amount\nm,2026-01-02,A,7,1,9\n", Options{Mapping: m})
	got, err := all(r)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, brief(got), `order A by "m" 1.00 [2-2]`)
	if fmt.Sprint(r.Mapping()) != "map[amount:Paid member:WHO order:No time:at]" {
		t.Errorf("used %v", r.Mapping())
	}
	for _, bad := range []string{"", "order", "order=", "=x", "weight=x", "order=a,order=b", "order=a,"} {
		if _, err := ParseMap(bad); !fault.Is(err, ErrMap) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
