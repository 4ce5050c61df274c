package money

import (
	"math"
	"strings"
)

// parseDecimal reads [sign]digits[.digits] as a whole number of 10^-places.
// Only ASCII digits count; no exponent, grouping, blank or bare point.
func parseDecimal(s string, places int) (int64, error) {
	digits, negative := cutSign(s)
	whole, frac, pointed := strings.Cut(digits, ".")
	if !allDigits(whole) || (pointed && !allDigits(frac)) {
		return 0, ErrMalformed.New()
	}
	if len(frac) > places {
		if strings.Trim(frac[places:], "0") != "" {
			return 0, ErrMalformed.New()
		}
		frac = frac[:places]
	}
	mag, ok := parseUint(whole + frac + strings.Repeat("0", places-len(frac)))
	if !ok {
		return 0, ErrOutOfRange.New()
	}
	return signed(mag, negative)
}

func cutSign(s string) (rest string, negative bool) {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return rest, true
	}
	return strings.TrimPrefix(s, "+"), false
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func parseUint(digits string) (n uint64, ok bool) {
	for i := range len(digits) {
		d := uint64(digits[i] - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
