package vault

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

const hidden = "***"

// form says how much of a secret its mask shows.
type form int

const (
	formHidden form = iota
	formPhone
	formName
)

// Secret is a text that shows only its mask when printed, logged or written as JSON.
// The zero value is the empty text. Compare with Equal: == does not compile.
type Secret struct {
	_ [0]func() // not comparable
	// A pointer, because fmt prints unexported fields of an outer struct without asking their methods:
	// it then finds an address, not the text.
	text *string
	form form
}

// Hide wraps a text; its mask shows nothing of it.
func Hide(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// AsPhone gives the same secret with a phone's mask: 138****5678.
func (s Secret) AsPhone() Secret { s.form = formPhone; return s }

// AsName gives the same secret with a name's mask: 张*.
func (s Secret) AsName() Secret { s.form = formName; return s }

// Reveal gives the text. It is the only way to it; every call is a place to justify.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty reports whether there is no text.
func (s Secret) IsEmpty() bool { return s.text == nil }

// Equal compares the texts without telling by its duration where they differ.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String is the mask.
func (s Secret) String() string {
	switch s.form {
	case formPhone:
		return MaskPhone(s.Reveal())
	case formName:
		return MaskName(s.Reveal())
	default:
		return Mask(s.Reveal())
	}
}

// Format writes the mask for every verb, %#v and %x too.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON writes the mask. There is no way back from JSON, so a mask is never taken for a text.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText writes the mask, for XML, CSV and map keys.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue logs the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Mask hides a text wholly, its length too.
func Mask(text string) string {
	if text == "" {
		return ""
	}
	return hidden
}

// MaskPhone shows the first three and last four digits of a mainland mobile number and nothing of anything else.
// A masked number stays as it is.
func MaskPhone(text string) string {
	if isMaskedPhone(text) {
		return text
	}
	p, err := Phone(text)
	if err != nil {
		return Mask(text)
	}
	local := p.Reveal()[len(countryCode):]
	return local[:3] + "****" + local[7:]
}

func isMaskedPhone(text string) bool {
	return len(text) == localLen && text[3:7] == "****" && onlyDigits(text[:3]+text[7:])
}

// MaskEmail shows where letters go without telling it: l***@example.com. Of what is no address nothing is shown.
func MaskEmail(text string) string {
	name, host, ok := strings.Cut(text, "@")
	first, size := utf8.DecodeRuneInString(name)
	if !ok || size == 0 || first == utf8.RuneError {
		return Mask(text)
	}
	return name[:size] + "***@" + host
}

// MaskName shows the first character only, and not even that when it is the whole name.
func MaskName(text string) string {
	if text == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	if size == len(text) || first == utf8.RuneError {
		return "*"
	}
	return text[:size] + "*"
}
