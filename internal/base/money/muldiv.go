package money

import (
	"errors"
	"math/bits"
)

// Rounding says what becomes of a remainder. All modes look at the magnitude and give the sign
// back afterwards, so that taking away mirrors giving: MulDiv(-a,…) = -MulDiv(a,…).
type Rounding int

// The modes: toward zero, to the nearest with halves away from zero, away from zero.
const (
	Floor Rounding = iota
	HalfUp
	Ceil
)

// ErrZeroDivisor is a mistake of the program, not of a caller.
var ErrZeroDivisor = errors.New("money: division by zero")

// MulDiv is a×b÷c, exact through 128 bits and rounded once.
func MulDiv(a, b, c int64, round Rounding) (int64, error) {
	if c == 0 {
		return 0, ErrZeroDivisor
	}
	divisor := magnitude(c)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if hi >= divisor {
		return 0, ErrOutOfRange.New()
	}
	mag, rem := bits.Div64(hi, lo, divisor)
	if roundsUp(rem, divisor, round) {
		if mag++; mag == 0 {
			return 0, ErrOutOfRange.New()
		}
	}
	return signed(mag, (a < 0) != (b < 0) != (c < 0))
}

func roundsUp(rem, divisor uint64, round Rounding) bool {
	switch round {
	case HalfUp:
		return rem >= divisor-rem
	case Ceil:
		return rem > 0
	default:
		return false
	}
}
