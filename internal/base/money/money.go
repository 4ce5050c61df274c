// Package money holds exact amounts (金额) and factors (倍率): fen, decimal rates, and the few
// ways a whole number may be scaled, split and prorated without losing or inventing a fen.
//
// Invariants:
//   - No value passes through a float.
//   - What does not fit 64 bits is an error, never a wrapped or cut number.
//   - Rounding is symmetric: f(-a) = -f(a), so a refund takes back exactly what was given.
package money

import (
	"strconv"

	"guanxi/internal/base/fault"
)

// What can be wrong with an amount or a rate.
var (
	ErrMalformed  = fault.Define("money.malformed", fault.Invalid, "不是有效的十进制数", "not a valid decimal number")
	ErrOutOfRange = fault.Define("money.out_of_range", fault.Invalid, "数值超出允许范围", "the number is out of range")
)

// Fen (分) is an amount of money in hundredths of a yuan. In JSON it is a plain integer.
type Fen int64

// Max is the largest amount one order may have: a hundred billion yuan.
const Max Fen = 10_000_000_000_000

const fenDecimals = 2

// ParseFen reads yuan such as "12.34", "-5" or "+0.5". Digits after the second decimal must be zeros.
func ParseFen(s string) (Fen, error) {
	n, err := parseDecimal(s, fenDecimals)
	return Fen(n), err
}

// String writes the amount in yuan with two decimals, such as "12.34".
func (f Fen) String() string {
	sign, mag := "", magnitude(int64(f))
	if f < 0 {
		sign = "-"
	}
	cents := strconv.FormatUint(100+mag%100, 10)[1:]
	return sign + strconv.FormatUint(mag/100, 10) + "." + cents
}

// CheckAmount refuses what can't be the amount of an order: below zero or above Max.
func (f Fen) CheckAmount() error {
	if f < 0 || f > Max {
		return ErrOutOfRange.New()
	}
	return nil
}

// magnitude is |n|, also of the smallest int64, whose negation does not fit int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// signed gives mag its sign back, and refuses what int64 can't hold.
func signed(mag uint64, negative bool) (int64, error) {
	limit := uint64(1) << 63
	if negative && mag <= limit {
		return -int64(mag), nil
	}
	if mag >= limit {
		return 0, ErrOutOfRange.New()
	}
	return int64(mag), nil
}
