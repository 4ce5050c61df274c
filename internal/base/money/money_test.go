package money

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

func TestParseFen(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in   string
		want Fen
		code string
	}{
		{in: "12.34", want: 1234},
		{in: "-12.3", want: -1230},
		{in: "+0.05", want: 5},
		{in: "7", want: 700},
		{in: "007.10", want: 710},
		{in: "-0.00", want: 0},
		{in: "1.2300", want: 123},
		{in: "92233720368547758.07", want: math.MaxInt64},
		{in: "-92233720368547758.08", want: math.MinInt64},
		{in: "92233720368547758.08", code: "money.out_of_range"},
		{in: "-92233720368547758.09", code: "money.out_of_range"},
		{in: strings.Repeat("9", 400), code: "money.out_of_range"},
		{in: "1.234", code: "money.malformed"},
		{in: "", code: "money.malformed"},
		{in: "-", code: "money.malformed"},
		{in: "--1", code: "money.malformed"},
		{in: "1.", code: "money.malformed"},
		{in: ".5", code: "money.malformed"},
		{in: "1.2.3", code: "money.malformed"},
		{in: "1e3", code: "money.malformed"},
		{in: "NaN", code: "money.malformed"},
		{in: "0x10", code: "money.malformed"},
		{in: "１２", code: "money.malformed"},
		{in: "1,000", code: "money.malformed"},
		{in: " 1", code: "money.malformed"},
		{in: "1\x00", code: "money.malformed"},
	}
	for _, c := range cases {
		got, err := ParseFen(c.in)
		if got != c.want || codeOf(err) != c.code {
			t.Errorf("ParseFen(%q) = %d, %v; want %d %s", c.in, got, err, c.want, c.code)
		}
	}
}

func TestFenString(t *testing.T) {
	t.Parallel()
	cases := map[Fen]string{
		0: "0.00", 5: "0.05", -5: "-0.05", 1234: "12.34", -1230: "-12.30",
		math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	}
	for in, want := range cases {
		if got := in.String(); got != want {
			t.Errorf("Fen(%d) = %q, want %q", int64(in), got, want)
		}
	}
}

func TestCheckAmount(t *testing.T) {
	t.Parallel()
	for f, code := range map[Fen]string{0: "", Max: "", -1: "money.out_of_range", Max + 1: "money.out_of_range"} {
		if got := codeOf(f.CheckAmount()); got != code {
			t.Errorf("CheckAmount(%d) = %q, want %q", int64(f), got, code)
		}
	}
}

func TestRateText(t *testing.T) {
	t.Parallel()
	cases := map[string]Rate{
		"1.5": 1_500_000, "2": 2 * One, "0": 0, "-0.000001": -1, "0.1": 100_000, "9223372036854.775807": math.MaxInt64,
	}
	for text, rate := range cases {
		if got, err := ParseRate(text); got != rate || err != nil {
			t.Errorf("ParseRate(%q) = %d, %v", text, got, err)
		}
		if got := rate.String(); got != text {
			t.Errorf("Rate(%d) = %q, want %q", int64(rate), got, text)
		}
	}
	if _, err := ParseRate("0.0000001"); codeOf(err) != "money.malformed" {
		t.Errorf("a seventh decimal: %v", err)
	}
	if _, err := ParseRate("9223372036854.775808"); codeOf(err) != "money.out_of_range" {
		t.Errorf("too large: %v", err)
	}
}

func TestRateJSON(t *testing.T) {
	t.Parallel()
	var in struct{ A, B, C, D Rate }
	in.D = 7
	err := json.Unmarshal([]byte(`{"A":"1.5","B":0.1,"C":"\u0032","D":null}`), &in)
	if err != nil || in.A != 1_500_000 || in.B != 100_000 || in.C != 2*One || in.D != 7 {
		t.Fatalf("%+v, %v", in, err)
	}
	out, err := json.Marshal(in)
	if want := `{"A":"1.5","B":"0.1","C":"2","D":"0.000007"}`; string(out) != want || err != nil {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
	for _, bad := range []string{`1e1`, `"1e1"`, `true`, `""`, `{}`, `[1]`, `1.0000001`} {
		var r Rate
		if err := json.Unmarshal([]byte(bad), &r); codeOf(err) != "money.malformed" {
			t.Errorf("%s read as %v, %v", bad, r, err)
		}
	}
}

func TestRateMul(t *testing.T) {
	t.Parallel()
	if got, err := Rate(1_500_000).Mul(333); got != 499 || err != nil {
		t.Errorf("1.5 × 333 = %d, %v", got, err)
	}
	if got, err := Rate(1_500_000).Mul(-333); got != -499 || err != nil {
		t.Errorf("1.5 × -333 = %d, %v", got, err)
	}
	if _, err := (2 * One).Mul(math.MaxInt64); codeOf(err) != "money.out_of_range" {
		t.Errorf("overflow: %v", err)
	}
	if got, err := One.Mul(math.MinInt64); got != math.MinInt64 || err != nil {
		t.Errorf("1 × min = %d, %v", got, err)
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.CodeOf(err)
}
