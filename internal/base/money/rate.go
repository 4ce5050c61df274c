package money

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Rate (倍率) is an exact decimal factor in millionths: 1.5 is 1_500_000.
type Rate int64

// One is the factor that changes nothing.
const One Rate = 1_000_000

const rateDecimals = 6

// ParseRate reads a factor such as "1.5". Digits after the sixth decimal must be zeros.
func ParseRate(s string) (Rate, error) {
	n, err := parseDecimal(s, rateDecimals)
	return Rate(n), err
}

// String writes the factor without needless zeros: "1.5", "2", "-0.000001".
func (r Rate) String() string {
	sign, mag := "", magnitude(int64(r))
	if r < 0 {
		sign = "-"
	}
	whole := strconv.FormatUint(mag/uint64(One), 10)
	frac := strconv.FormatUint(uint64(One)+mag%uint64(One), 10)[1:]
	if frac = strings.TrimRight(frac, "0"); frac == "" {
		return sign + whole
	}
	return sign + whole + "." + frac
}

// MarshalJSON writes the factor as a decimal string, which no reader turns into a float.
func (r Rate) MarshalJSON() ([]byte, error) {
	return []byte(`"` + r.String() + `"`), nil
}

// UnmarshalJSON reads a decimal string or a number literal, digit by digit; null changes nothing.
func (r *Rate) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return ErrMalformed.New().Because(err)
		}
	}
	parsed, err := ParseRate(text)
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// Mul scales n by the rate; a remainder is dropped (see Floor).
func (r Rate) Mul(n int64) (floor int64, err error) {
	return MulDiv(n, int64(r), int64(One), Floor)
}
