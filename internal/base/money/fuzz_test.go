package money

import (
	"math/big"
	"regexp"
	"testing"
)

var decimal = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// oracle reads s with math/big: the value in 10^-places and the code it must be refused with.
func oracle(s string, places int64) (int64, string) {
	if !decimal.MatchString(s) {
		return 0, "money.malformed"
	}
	x, _ := new(big.Rat).SetString(s)
	x.Mul(x, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(places), nil)))
	switch {
	case !x.IsInt():
		return 0, "money.malformed"
	case !x.Num().IsInt64():
		return 0, "money.out_of_range"
	}
	return x.Num().Int64(), ""
}

func seedDecimals(f *testing.F) {
	for _, s := range []string{
		"", "0", "12.34", "-0.01", "+1.000001", "1.0000001", "1e3", "１２", "1,000", "NaN", "1.", ".1",
		"92233720368547758.07", "92233720368547758.08", "-9223372036854.775808", "18446744073709551616", "1_0", "0b1", "1/3",
	} {
		f.Add(s)
	}
}

func FuzzParseFen(f *testing.F) {
	seedDecimals(f)
	f.Fuzz(func(t *testing.T, s string) {
		want, code := oracle(s, 2)
		got, err := ParseFen(s)
		if int64(got) != want || codeOf(err) != code {
			t.Fatalf("ParseFen(%q) = %d, %v; want %d %s", s, got, err, want, code)
		}
		if back, err := ParseFen(got.String()); back != got || err != nil {
			t.Fatalf("%d is written %s and read %d, %v", got, got, back, err)
		}
	})
}

func FuzzParseRate(f *testing.F) {
	seedDecimals(f)
	f.Fuzz(func(t *testing.T, s string) {
		want, code := oracle(s, 6)
		got, err := ParseRate(s)
		if int64(got) != want || codeOf(err) != code {
			t.Fatalf("ParseRate(%q) = %d, %v; want %d %s", s, got, err, want, code)
		}
		data, err := got.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Rate
		if err := back.UnmarshalJSON(data); back != got || err != nil {
			t.Fatalf("%d is written %s and read %d, %v", got, data, back, err)
		}
	})
}

// bigMulDiv is MulDiv by definition: round the exact magnitude, then give the sign back.
func bigMulDiv(a, b, c int64, round Rounding) *big.Int {
	num := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	den := big.NewInt(c)
	sign := int64(num.Sign() * den.Sign())
	num.Abs(num)
	den.Abs(den)
	switch round {
	case HalfUp: // ⌊(2n + d) / 2d⌋
		num.Add(num.Lsh(num, 1), den)
		den.Lsh(den, 1)
	case Ceil: // ⌊(n + d − 1) / d⌋
		num.Add(num, den)
		num.Sub(num, big.NewInt(1))
	}
	return num.Quo(num, den).Mul(num, big.NewInt(sign))
}

func FuzzMulDiv(f *testing.F) {
	f.Add(int64(7), int64(1), int64(2), uint8(1))
	f.Add(int64(-7), int64(3), int64(2), uint8(2))
	f.Add(int64(-1<<63), int64(-1<<63), int64(-1<<63), uint8(0))
	f.Add(int64(1<<63-1), int64(1<<62), int64(3), uint8(0))
	f.Add(int64(-1<<63), int64(1<<62), int64(1<<62+1), uint8(2))
	f.Fuzz(func(t *testing.T, a, b, c int64, mode uint8) {
		if c == 0 {
			t.Skip("a zero divisor has its own test")
		}
		round := Rounding(mode % 3)
		want := bigMulDiv(a, b, c, round)
		got, err := MulDiv(a, b, c, round)
		if want.IsInt64() != (err == nil) || (err == nil && got != want.Int64()) {
			t.Fatalf("%d×%d÷%d mode %d = %d, %v; want %s", a, b, c, round, got, err, want)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add(int64(100), uint32(1), uint32(1), uint32(1))
	f.Add(int64(-1), uint32(0), uint32(7), uint32(3))
	f.Fuzz(func(t *testing.T, total int64, a, b, c uint32) {
		weights := []int64{int64(a), int64(b), int64(c)}
		if flaw := splitFlaw(total, weights, Split(total, weights)); flaw != "" {
			t.Fatalf("Split(%d, %v) = %v: %s", total, weights, Split(total, weights), flaw)
		}
	})
}
