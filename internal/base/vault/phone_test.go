package vault

import (
	"regexp"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

func TestPhoneNormalisation(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"13812345678":        "+8613812345678",
		"+86 138-1234-5678":  "+8613812345678",
		"+8613812345678":     "+8613812345678",
		"8613812345678":      "+8613812345678",
		"0086 138 1234 5678": "+8613812345678",
		"(+86)13812345678":   "+8613812345678",
		"１３８１２３４５６７８":        "+8613812345678",
		"＋８６　１９９００００００００":                     "+8619900000000",
		"\u202d138\u00a01234\u00a05678\u202c": "+8613812345678",
		"\ufeff13812345678\r\n":               "+8613812345678",
	} {
		got, err := Phone(in)
		if err != nil || got.Reveal() != want {
			t.Errorf("%q: %q, %v", in, got.Reveal(), err)
		}
	}
}

func TestMalformedPhones(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", "+", "1", "1381234567", "138123456789", "12812345678", "23812345678", "021-12345678",
		"+1 3812345678", "+85213812345678", "+0086 13812345678", "++8613812345678", "86+13812345678",
		"868613812345678", "+13812345678", "1381234567a", "138****5678", "٠١٢٣٤٥٦٧٨٩٠", "13812345678,13912345678",
		strings.Repeat(" ", 60) + "13812345678",
	} {
		got, err := Phone(in)
		if !fault.Is(err, ErrPhone) || !got.IsEmpty() {
			t.Errorf("%q: %q, %v", in, got.Reveal(), err)
		}
		if len(in) > 3 && strings.Contains(err.Error(), in) {
			t.Errorf("the fault repeats %q", in)
		}
	}
}

// asciiPhone is the oracle: the rule as one expression over what remains without separators.
var (
	asciiPhone = regexp.MustCompile(`^(?:\+86|0086|86)?(1[3-9][0-9]{9})$`)
	separators = regexp.MustCompile(`[\t-\r \x{85}\p{Z}\p{Cf}\-‐‑–—－().（）·]`)
	wide       = strings.NewReplacer("０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6",
		"７", "7", "８", "8", "９", "9", "＋", "+")
)

func oracle(typed string) string {
	if len(typed) > maxTyped {
		return ""
	}
	m := asciiPhone.FindStringSubmatch(wide.Replace(separators.ReplaceAllString(typed, "")))
	if m == nil {
		return ""
	}
	return "+86" + m[1]
}

func FuzzPhone(f *testing.F) {
	for _, seed := range []string{"13812345678", "+86 138-1234-5678", "0086１３８１２３４５６７８", "\u202d13812345678", "86861", "+", "\x8513812345678"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		got, err := Phone(typed)
		if want := oracle(typed); got.Reveal() != want || (err == nil) != (want != "") {
			t.Fatalf("%q: %q, %v; want %q", typed, got.Reveal(), err, want)
		}
		if err != nil {
			return
		}
		if again, err := Phone(got.Reveal()); err != nil || !again.Equal(got) {
			t.Fatalf("%q: not stable: %q", typed, again.Reveal())
		}
		e164 := got.Reveal()
		if want := e164[3:6] + "****" + e164[10:]; got.String() != want {
			t.Fatalf("mask %q, want %q", got, want)
		}
	})
}
