package orderfile

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
)

const (
	lineHead = "order,time,member,sku,name,quantity,price\n"
	rowHead  = "order,time,member,amount\n"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"one row an order": {rowHead + "A,2026-01-02,m1,12.50\nB,2026-01-02,,0\nC9,2026-01-02,m1,3\nD,2026-01-02,m1,-4.00\n", `
			order A by "m1" 12.50 [2-2]
			order B by "" 0.00 [3-3]
			refund C9 of "" by "m1" 3.00 [4-4]
			refund D of "" by "m1" 4.00 [5-5]`},
		"lines of one order": {lineHead + "A,2026-01-02,m1,s1,甲,2,1.5\nA,2026-01-02,m1,s2,乙,1,0\nB,2026-01-02,m2,s1,甲,1,1.5\n", `
			order A by "m1" 3.00 s1/甲:2*1.50=3.00 s2/乙:1*0.00=0.00 [2-3]
			order B by "m2" 1.50 s1/甲:1*1.50=1.50 [4-4]`},
		"four decimals are rounded once, on the total": {lineHead + "A,2026-01-02,m,s,n,3,0.0050\nA,2026-01-02,m,s,n,1,0.0049\nA,2026-01-02,m,s,n,7,0.3333\n", `
			order A by "m" 2.35 s/n:3*0.01=0.02 s/n:1*0.00=0.00 s/n:7*0.33=2.33 [2-4]`},
		"a member in the first row only": {lineHead + "A,2026-01-02,m,s,n,1,1\nA,2026-01-02,,s,n,1,1\n", `
			order A by "m" 2.00 s/n:1*1.00=1.00 s/n:1*1.00=1.00 [2-3]`},
		"both signs": {lineHead + "A,2026-01-02,m,s,n,2,1\nA,2026-01-02,m,s,n,-1,1\nA,2026-01-02,m,d,rebate,1,-0.5\n", `
			order A by "m" 2.00 s/n:2*1.00=2.00 [2-4]
			refund A#r of "A" by "m" 1.50 s/n:1*1.00=1.00 d/rebate:1*0.50=0.50 [2-4]`},
		"both signs, one row an order": {rowHead + "A,2026-01-02,m,5\nA,2026-01-02,m,-2\n", `
			order A by "m" 5.00 [2-3]
			refund A#r of "A" by "m" 2.00 [2-3]`},
		"a refund with its prefix and either sign": {lineHead + "C1,2026-01-02,m,s,n,-2,1\nC2,2026-01-02,m,s,n,2,1\n", `
			refund C1 of "" by "m" 2.00 s/n:2*1.00=2.00 [2-2]
			refund C2 of "" by "m" 2.00 s/n:2*1.00=2.00 [3-3]`},
		"zeros say neither order nor refund": {lineHead + "A,2026-01-02,m,s,n,0,1\nB,2026-01-02,m,s,n,0,1\nB,2026-01-02,m,s,n,-1,1\nE,2026-01-02,m,s,n,-1,0\n", `
			order A by "m" 0.00 s/n:0*1.00=0.00 [2-2]
			refund B of "" by "m" 1.00 s/n:1*1.00=1.00 s/n:0*1.00=0.00 [3-4]
			refund E of "" by "m" 0.00 s/n:1*0.00=0.00 [5-5]`},
		"names are kept, with quotes, line ends and formulas": {lineHead + "A,2026-01-02,m,s,\"a \"\"b\"\",\nc\",1,1\nB,2026-01-02,m,s,=1+1,1,1\nD,2026-01-02,m,s,5\" pipe,1,1\n", `
			order A by "m" 1.00 s/a "b",` + "\nc" + `:1*1.00=1.00 [2-3]
			order B by "m" 1.00 s/=1+1:1*1.00=1.00 [4-4]
			order D by "m" 1.00 s/5" pipe:1*1.00=1.00 [5-5]`},
		"blank rows are no rows": {"\n" + rowHead + "\n,,,\nA,2026-01-02,m,1\n \n", `
			order A by "m" 1.00 [5-5]`},
		"a telephone number is no formula": {rowHead + "A,2026-01-02,+8613800000000,1", `
			order A by "+8613800000000" 1.00 [2-2]`},
		"the same order again": {lineHead + "A,2026-01-02,m,s,n,1,1\nB,2026-01-02,m,s,n,1,1\nA,2026-01-02,m,s,n,1,1\n", `
			order A by "m" 1.00 s/n:1*1.00=1.00 [2-2]
			order B by "m" 1.00 s/n:1*1.00=1.00 [3-3]
			order A by "m" 1.00 s/n:1*1.00=1.00 [4-4]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := brief(readAll(t, c.text, Options{RefundPrefix: "C"}))
			expect(t, got, strings.ReplaceAll(c.want, "\t", ""))
		})
	}
}

func TestAmountBesidePrice(t *testing.T) {
	t.Parallel()
	head := "订单号,下单时间,会员号,商品编码,商品名称,数量,单价,实付金额,原订单号,门店,渠道\n"
	text := head +
		"A,2026-01-02 10:00,m,s,茶,2,10,18.5,,S1,pos\n" + // paid less than the price
		"B,2026-01-02 10:00,m,s,茶,-1,10,10,A,,\n" + // only the quantity is negative
		"F,2026-01-02 10:00,m,s,茶,1,-10,10,,,\n" + // only the price is
		"D,2026-01-02 10:00,m,s,茶,1,10,10,D,,\n" + // an order that names itself
		"E,2026-01-02 10:00,m,s,茶,1,10,30,,,\nE,2026-01-02 10:00,m,s,茶,2,10,30,,,\n" // the total on each row
	got := readAll(t, text, Options{})
	expect(t, brief(got), strings.ReplaceAll(`
		order A by "m" 18.50 s/茶:2*10.00=18.50 [2-2]
		refund B of "A" by "m" 10.00 s/茶:1*10.00=10.00 [3-3]
		refund F of "" by "m" 10.00 s/茶:1*10.00=10.00 [4-4]
		order D by "m" 10.00 s/茶:1*10.00=10.00 [5-5]
		refused "E" line 6 orderfile.amount_mismatch amount [6-7]`, "\t", ""))
	if got[0].Store != "S1" || got[0].Channel != "pos" {
		t.Errorf("store %q, channel %q", got[0].Store, got[0].Channel)
	}
}

func TestDelimitersAndLineEnds(t *testing.T) {
	t.Parallel()
	plain := "order,time,member,name,amount\nA,2026-01-02,m,n,1.00\nB,2026-01-02,m,\"x\",2.00\n"
	want := brief(readAll(t, plain, Options{}))
	if strings.Count(want, "order") != 2 {
		t.Fatal(want)
	}
	for _, delim := range []string{",", ";", "\t"} {
		for _, end := range []string{"\n", "\r\n"} {
			for _, mark := range []string{"", "\xef\xbb\xbf"} {
				text := mark + strings.NewReplacer(",", delim, "\n", end).Replace(plain)
				expect(t, brief(readAll(t, text, Options{})), want)
				expect(t, brief(readAll(t, string(packed(text)), Options{})), want)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := func(s string) int64 {
		ms, err := clock.Shanghai.Parse("2006-01-02 15:04:05.000", s)
		if err != nil {
			t.Fatal(err)
		}
		return ms
	}
	full, minute, day := at("2026-03-04 05:06:07.000"), at("2026-03-04 05:06:00.000"), at("2026-03-04 00:00:00.000")
	good := map[string]int64{
		"2026-03-04T05:06:07+08:00": full, "2026-03-03T21:06:07Z": full, "2026-03-04T05:06:07": full,
		"2026-03-04 05:06:07": full, "2026-03-04 05:06": minute, "2026-03-04": day, "2026-3-4": day,
		"2026/3/4 5:06:07": full, "2026/03/04 05:06": minute, "2026/3/4": day,
		"20260304050607": full, "20260304": day, "1772571967": full, "1772571967123": full + 123,
		"2026-03-04 05:06:07.5": full + 500, " 2026-03-04 ": day,
		"1990-01-01": at("1990-01-01 00:00:00.000"), "2100-12-31": at("2100-12-31 00:00:00.000"),
	}
	for text, want := range good {
		got := readAll(t, rowHead+"A,"+text+",m,1\n", Options{})
		if got[0].Kind != Order || got[0].TimeMs != want {
			t.Errorf("%s: got %+v, want %d", text, got[0], want)
		}
	}
	bad := map[string]string{
		"2026-02-29": "orderfile.time", "2026-13-01": "orderfile.time", "2026-01-01 24:00": "orderfile.time",
		"2026-01-01 10:60": "orderfile.time", "3/4/2026": "orderfile.time", "45291.5": "orderfile.time",
		"yesterday": "orderfile.time", "20260230": "orderfile.time", "123": "orderfile.time",
		"1989-12-31": "orderfile.time_range", "2101-01-01": "orderfile.time_range", "0001-01-01": "orderfile.time_range",
		"9999999999999": "orderfile.time_range", "": "orderfile.required",
	}
	for text, want := range bad {
		got := readAll(t, rowHead+"A,"+text+",m,1\n", Options{})
		if got[0].Refusal.Code != want || got[0].Refusal.Field != "time" {
			t.Errorf("%q: got %+v, want %s", text, got[0], want)
		}
	}
	utc := readAll(t, rowHead+"A,2026-03-03 21:06:07,m,1\n", Options{Zone: clock.MustZone("UTC")})
	if utc[0].TimeMs != full {
		t.Errorf("in UTC: %d, want %d", utc[0].TimeMs, full)
	}
}

func TestResumeGivesTheRest(t *testing.T) {
	t.Parallel()
	text := lineHead + "A,2026-01-02,m,s,n,1,1\nB,2026-01-02,m,s,n,1,1\nB,2026-01-02,m,s,n,1,1\nE,2026-01-02,m,s,n,1,x\nA,2026-01-02,m,s,n,2,1\n"
	whole := readAll(t, text, Options{})
	for i, rec := range whole {
		rest := readAll(t, text, Options{SkipLines: rec.LastLine})
		expect(t, brief(rest), brief(whole[i+1:]))
	}
	expect(t, brief(readAll(t, text, Options{SkipLines: 3})), brief(whole[1:])) // inside B: the whole of B
}

func TestOpen(t *testing.T) {
	t.Parallel()
	text := rowHead + strings.Repeat("A,2026-01-02,m,1\n", 1)
	for name, data := range map[string][]byte{"o.csv": []byte(text), "o.csv.gz": packed(text), "misnamed.csv": packed(text)} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(r)
		if err != nil || len(got) != 1 || got[0].AmountFen != 100 {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if r.Offset() != int64(len(data)) || r.Size() != int64(len(data)) {
			t.Errorf("%s: offset %d, size %d of %d", name, r.Offset(), r.Size(), len(data))
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.csv"), Options{}); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestOffsetMovesWithTheRows(t *testing.T) {
	t.Parallel()
	r := reader(t, rowHead+"A,2026-01-02,m,1\nB,2026-01-02,m,1\nD,2026-01-02,m,1\n", Options{})
	if r.Offset() != int64(len(rowHead)) {
		t.Errorf("after the header: %d", r.Offset())
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	// A is known to be whole when B was seen.
	if want := int64(len(rowHead) + 2*len("A,2026-01-02,m,1\n")); r.Offset() != want {
		t.Errorf("after A: %d, want %d", r.Offset(), want)
	}
}

func TestGB18030(t *testing.T) {
	t.Parallel()
	text := "订单号,下单时间,会员号,商品名称,数量,单价\nA,2026-01-02,张三,\"龙井, 镕𠀀\",1,5\n"
	raw := gb18030(t, text)
	r := reader(t, raw, Options{Encoding: Auto})
	got, err := all(r)
	if err != nil || r.Encoding() != GB18030 {
		t.Fatalf("%v, encoding %s", err, r.Encoding())
	}
	expect(t, brief(got), `order A by "张三" 5.00 /龙井, 镕𠀀:1*5.00=5.00 [2-2]`)
	expect(t, brief(readAll(t, raw, Options{Encoding: GB18030})), brief(got))
	expect(t, brief(readAll(t, text, Options{Encoding: Auto})), brief(got))

	late := rowHead + strings.Repeat("A,2026-01-02,m,1\n", 40_000) + gb18030(t, "B,2026-01-02,张三,1\n")
	r = reader(t, late, Options{Encoding: Auto})
	if r.Encoding() != UTF8 {
		t.Errorf("before: %s", r.Encoding())
	}
	records, err := all(r)
	if err != nil || r.Encoding() != GB18030 || records[len(records)-1].MemberRef != "张三" {
		t.Errorf("%v, encoding %s, last %+v", err, r.Encoding(), records[len(records)-1])
	}
}

func TestBlocksMayEndInsideACharacter(t *testing.T) {
	t.Parallel()
	for pad := range 4 {
		text := "order,time,member,name,amount\n" + strings.Repeat("A,2026-01-02,m,龙井茶,1\n", 9_000) +
			"B" + strings.Repeat("x", pad) + ",2026-01-02,m,\"" + strings.Repeat("茶", 900) + "\",1\n"
		text = strings.Replace(text, "order", strings.Repeat(" ", pad)+"order", 1)
		for encoding, raw := range map[string]string{UTF8: text, GB18030: gb18030(t, text)} {
			r := reader(t, raw, Options{Encoding: Auto})
			got, err := all(r)
			if err != nil || r.Encoding() != encoding || len(got) != 2 || got[0].Lines[8_999].Name != "龙井茶" {
				t.Errorf("%s, pad %d: %v, read as %s, %d records", encoding, pad, err, r.Encoding(), len(got))
			}
		}
	}
}

func TestLastRowTooLongWithoutLineEnd(t *testing.T) {
	t.Parallel()
	text := rowHead + "A,2026-01-02,m,1\n"
	for _, size := range []int{maxRow + 1, 10 * maxRow} {
		got := readAll(t, text+strings.Repeat("x", size), Options{})
		expect(t, brief(got), "order A by \"m\" 1.00 [2-2]\nrefused \"\" line 3 orderfile.row_too_long  [3-3]")
	}
}

func TestRowsAcrossWindows(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString("order,time,member,name,amount\n")
	for i := range 2_000 {
		b.WriteString(strings.Repeat("x", i%7) + "N" + strings.Repeat("y", i) + ",2026-01-02,m,\"a\n\nb\",1\n")
	}
	r := reader(t, b.String(), Options{})
	got, err := all(r)
	if err != nil || len(got) != 2_000 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, rec := range got {
		if rec.Kind != Order || rec.FirstLine != 2+3*i || rec.LastLine != 4+3*i || rec.Lines[0].Name != "a\n\nb" {
			t.Fatalf("record %d: %+v", i, rec)
		}
	}
}
