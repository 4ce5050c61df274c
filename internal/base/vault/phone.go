package vault

import (
	"strings"
	"unicode"

	"guanxi/internal/base/fault"
)

// ErrPhone says that a text is not a mainland mobile number.
var ErrPhone = fault.Define("phone.malformed", fault.Invalid,
	"手机号格式不正确，请输入 11 位中国大陆手机号",
	"the phone number is not an 11-digit mainland mobile number")

const (
	countryCode = "+86"
	localLen    = 11
	maxTyped    = 64 // longer is not a number that someone typed
)

// Phone brings a mainland mobile number, as people type and paste it, to E.164: +8613812345678.
func Phone(typed string) (Secret, error) {
	if digits, ok := phoneDigits(typed); ok {
		for _, prefix := range []string{"", "86", countryCode, "0086"} {
			if local, ok := strings.CutPrefix(digits, prefix); ok && isMobile(local) {
				return Hide(countryCode + local).AsPhone(), nil
			}
		}
	}
	return Secret{}, ErrPhone.New()
}

// isMobile knows the numbering plan: 11 digits, 13… to 19….
func isMobile(s string) bool {
	return len(s) == localLen && s[0] == '1' && s[1] >= '3' && onlyDigits(s)
}

func onlyDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// phoneDigits keeps the digits and a leading plus, and drops what people and address books put between them.
func phoneDigits(typed string) (string, bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var b strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= '０' && r <= '９': // full width
			b.WriteRune(r - '０' + '0')
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case !isSeparator(r):
			return "", false
		}
	}
	return b.String(), true
}

// isSeparator includes the invisible marks that copying from an address book adds.
func isSeparator(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("-‐‑–—－().（）·", r)
}
