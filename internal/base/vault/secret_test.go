package vault

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

const canary = "13812345678"

func TestSecretIsMaskedInEveryForm(t *testing.T) {
	t.Parallel()
	phone, err := Phone(canary)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s    Secret
		mask string
	}{
		{phone, "138****5678"},
		{Hide(canary).AsPhone(), "138****5678"},
		{Hide("张三丰").AsName(), "张*"},
		{Hide(canary), "***"},
		{Secret{}, ""},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%-5.2v"} {
			if got := fmt.Sprintf(verb, c.s); got != c.mask {
				t.Errorf("%s of %s: %s", verb, c.mask, got)
			}
			if got := fmt.Sprintf(verb, &c.s); got != c.mask {
				t.Errorf("%s of a pointer to %s: %s", verb, c.mask, got)
			}
		}
		if got := fmt.Sprint(c.s) + c.s.String(); got != c.mask+c.mask {
			t.Errorf("Sprint and String: %s", got)
		}
		if got, err := json.Marshal(c.s); err != nil || string(got) != `"`+c.mask+`"` {
			t.Errorf("JSON: %s %v", got, err)
		}
	}
}

type holder struct {
	Phone  Secret
	inner  Secret
	nested []Secret
	keyed  map[string]Secret
}

func TestSecretInsideOtherValuesStaysHidden(t *testing.T) {
	t.Parallel()
	s := Hide(canary).AsPhone()
	h := holder{Phone: s, inner: s, nested: []Secret{s}, keyed: map[string]Secret{"k": s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{h, &h, []any{h}, struct{ h holder }{h}, fmt.Errorf("bad: %v", h)} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T: %s", verb, v, got)
			}
		}
	}
	text, err := json.Marshal(h)
	if err != nil || string(text) != `{"Phone":"138****5678"}` {
		t.Errorf("JSON: %s %v", text, err)
	}
	doc, err := xml.Marshal(holder{Phone: s})
	if err != nil || !strings.Contains(string(doc), "<Phone>138****5678</Phone>") {
		t.Errorf("XML: %s %v", doc, err)
	}
}

func TestSecretIsMaskedBySlog(t *testing.T) {
	t.Parallel()
	s := Hide(canary).AsPhone()
	for _, make := range []func(*bytes.Buffer) slog.Handler{
		func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(make(&b))
		log.Info("joined", "who", s, "all", []Secret{s}, "holder", holder{Phone: s, inner: s}, slog.Group("g", "p", &s))
		if strings.Contains(b.String(), canary) || !strings.Contains(b.String(), "138****5678") {
			t.Errorf("logged %s", b.String())
		}
	}
}

func TestSecretDoesNotComeBackFromJSON(t *testing.T) {
	t.Parallel()
	var s Secret
	if err := json.Unmarshal([]byte(`"138****5678"`), &s); err == nil {
		t.Errorf("a mask became the text %q", s.Reveal())
	}
}

func TestSecretCompares(t *testing.T) {
	t.Parallel()
	a, b := Hide("x"), Hide("x").AsName()
	if !a.Equal(b) || a.Equal(Hide("y")) || a.Equal(Secret{}) || !Hide("").Equal(Secret{}) {
		t.Error("Equal is wrong")
	}
	if !Hide("").IsEmpty() || a.IsEmpty() || a.Reveal() != "x" || b.Reveal() != "x" {
		t.Error("the text is wrong")
	}
	if reflect.TypeFor[Secret]().Comparable() {
		t.Error("== would compare addresses")
	}
	if !reflect.DeepEqual(Hide("x"), a) {
		t.Error("tests can't compare structs that hold a secret")
	}
}

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mask     func(string) string
		in, want string
	}{
		{MaskPhone, "13812345678", "138****5678"},
		{MaskPhone, "+86 138-1234-5678", "138****5678"},
		{MaskPhone, "138****5678", "138****5678"},
		{MaskPhone, "021-12345678", "***"},
		{MaskPhone, "138****567x", "***"},
		{MaskPhone, "138****56789", "***"},
		{MaskPhone, "138****", "***"},
		{MaskPhone, "张三张三", "***"},
		{MaskPhone, "", ""},
		{MaskName, "张三", "张*"},
		{MaskName, "张三丰", "张*"},
		{MaskName, "张*", "张*"},
		{MaskName, "张", "*"},
		{MaskName, "John Smith", "J*"},
		{MaskName, "\xff\xfe", "*"},
		{MaskName, "", ""},
		{Mask, "o-openid", "***"},
		{Mask, "", ""},
	} {
		if got := c.mask(c.in); got != c.want {
			t.Errorf("mask of %q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFaultsAreDeclared(t *testing.T) {
	t.Parallel()
	if _, err := Phone("x"); !errors.Is(err, ErrPhone.New()) {
		t.Errorf("%v", err)
	}
}
