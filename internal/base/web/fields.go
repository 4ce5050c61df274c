package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"guanxi/internal/base/fault"
)

// teachHuma sets huma's package variables once. Its messages become "code rest", so that no English text has to be
// understood to know what is wrong, and its errors are answered by us, without the value that was sent.
var teachHuma = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false // else every list is "or null" in generated types
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError { return &Problem{Status: status} }
	huma.NewErrorWithContext = func(c huma.Context, status int, _ string, errs ...error) huma.StatusError {
		if x, ok := c.(*exchange); ok {
			x.refuse(fromHuma(x.route, status, errs))
		}
		return &Problem{Status: status}
	}
	for message, code := range codeOfMessage() {
		*message = code
	}
})

func codeOfMessage() map[*string]string {
	m := map[*string]string{
		&validation.MsgUnexpectedProperty:                ErrFieldUnknown.Code,
		&validation.MsgExpectedRequiredProperty:          ErrFieldRequired.Code + " %s",
		&validation.MsgExpectedDependentRequiredProperty: ErrFieldRequired.Code + " %s",
		&validation.MsgExpectedPropertyNameInObject:      ErrFieldRequired.Code,
		&validation.MsgExpectedBoolean:                   ErrFieldType.Code + " boolean",
		&validation.MsgExpectedNumber:                    ErrFieldType.Code + " number",
		&validation.MsgExpectedInteger:                   ErrFieldType.Code + " integer",
		&validation.MsgExpectedString:                    ErrFieldType.Code + " string",
		&validation.MsgExpectedArray:                     ErrFieldType.Code + " array",
		&validation.MsgExpectedObject:                    ErrFieldType.Code + " object",
		&validation.MsgExpectedOneOf:                     ErrFieldOption.Code + " %s",
		&validation.MsgExpectedConst:                     ErrFieldOption.Code + " %v",
		&validation.MsgExpectedMinimumNumber:             ErrFieldRange.Code + " ≥ %.15g",
		&validation.MsgExpectedExclusiveMinimumNumber:    ErrFieldRange.Code + " > %.15g",
		&validation.MsgExpectedMaximumNumber:             ErrFieldRange.Code + " ≤ %.15g",
		&validation.MsgExpectedExclusiveMaximumNumber:    ErrFieldRange.Code + " < %.15g",
		&validation.MsgExpectedNumberBeMultipleOf:        ErrFieldRange.Code + " = n × %.15g",
		&validation.MsgExpectedMinLength:                 ErrFieldLength.Code + " ≥ %d",
		&validation.MsgExpectedMaxLength:                 ErrFieldLength.Code + " ≤ %d",
		&validation.MsgExpectedMinItems:                  ErrFieldLength.Code + " ≥ %d",
		&validation.MsgExpectedMaxItems:                  ErrFieldLength.Code + " ≤ %d",
		&validation.MsgExpectedMinProperties:             ErrFieldLength.Code + " ≥ %d",
		&validation.MsgExpectedMaxProperties:             ErrFieldLength.Code + " ≤ %d",
		&validation.MsgExpectedArrayItemsUnique:          ErrFieldTwice.Code,
		&validation.MsgExpectedMatchAtLeastOneSchema:     ErrFieldInvalid.Code,
		&validation.MsgExpectedMatchExactlyOneSchema:     ErrFieldInvalid.Code,
		&validation.MsgExpectedNotMatchSchema:            ErrFieldInvalid.Code,
	}
	for _, format := range []*string{
		&validation.MsgExpectedRFC3339DateTime, &validation.MsgExpectedRFC1123DateTime, &validation.MsgExpectedRFC3339Date,
		&validation.MsgExpectedRFC3339Time, &validation.MsgExpectedRFC5322Email, &validation.MsgExpectedRFC5890Hostname,
		&validation.MsgExpectedRFC2673IPv4, &validation.MsgExpectedRFC2373IPv6, &validation.MsgExpectedRFCIPAddr,
		&validation.MsgExpectedRFC3986URI, &validation.MsgExpectedRFC4122UUID, &validation.MsgExpectedRFC6570URITemplate,
		&validation.MsgExpectedRFC6901JSONPointer, &validation.MsgExpectedRFC6901RelativeJSONPointer, &validation.MsgExpectedRegexp,
		&validation.MsgExpectedDuration, &validation.MsgExpectedBase64String, &validation.MsgExpectedBePattern, &validation.MsgExpectedMatchPattern,
	} {
		m[format] = ErrFieldMalformed.Code
	}
	return m
}

// Messages that huma does not let us replace, by how they begin.
var otherMessages = []struct{ begins, means string }{
	{"required ", ErrFieldRequired.Code},
	{"unknown query parameter", ErrFieldUnknown.Code},
	{"invalid integer", ErrFieldType.Code + " integer"},
	{"invalid boolean", ErrFieldType.Code + " boolean"},
	{"invalid float", ErrFieldType.Code + " number"},
	{"invalid ", ErrFieldMalformed.Code},
}

var fieldKinds = func() map[string]*fault.Kind {
	m := map[string]*fault.Kind{}
	for _, k := range []*fault.Kind{ErrFieldRequired, ErrFieldUnknown, ErrFieldType, ErrFieldRange, ErrFieldLength,
		ErrFieldOption, ErrFieldMalformed, ErrFieldTwice, ErrFieldInvalid} {
		m[k.Code] = k
	}
	return m
}()

const maxFieldErrors = 50

// fromHuma turns what huma found into one failure that names all wrong fields.
func fromHuma(rt *route, status int, errs []error) *fault.Error {
	if status == http.StatusUnsupportedMediaType {
		return ErrMedia.With("want", rt.media())
	}
	f := ErrInput.New()
	for _, err := range errs {
		var d *huma.ErrorDetail
		if !errors.As(err, &d) {
			continue
		}
		if offset, ok := strings.CutPrefix(d.Message, ErrMalformed.Code+" "); ok {
			return ErrMalformed.With("offset", offset)
		}
		f.Fields = append(f.Fields, fieldError(d.Location, d.Message))
	}
	if len(errs) == 0 { // huma says so without details when there is no body
		f.Fields = append(f.Fields, fieldError("body", ErrFieldRequired.Code))
	}
	slices.SortFunc(f.Fields, func(a, b fault.FieldError) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Code, b.Code))
	})
	f.Fields = f.Fields[:min(len(f.Fields), maxFieldErrors)]
	return f
}

func fieldError(location, message string) fault.FieldError {
	for _, o := range otherMessages {
		if strings.HasPrefix(message, o.begins) {
			message = o.means
			break
		}
	}
	code, rest, _ := strings.Cut(message, " ")
	kind := fieldKinds[code]
	if kind == nil {
		kind = ErrFieldInvalid
	}
	switch kind {
	case ErrFieldRequired:
		if rest != "" {
			name, _, _ := strings.Cut(rest, " ")
			location += "." + name
		}
	case ErrFieldType:
		want, path, _ := strings.Cut(rest, " ")
		rest = want
		if path != "" {
			location += "." + path
		}
	}
	e := kind.With("want", rest)
	return fault.FieldError{Field: fieldName(location), Code: kind.Code, Zh: e.Text("zh"), En: e.Text("en")}
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}(\[\d+\])*$`)

// fieldName gives the path as the caller wrote it: without the place of the request it stands in, and without
// names that are no names, because a caller may have sent a value where a name belongs.
func fieldName(location string) string {
	parts := strings.Split(location, ".")
	for i, p := range parts {
		if !plainName.MatchString(p) {
			parts[i] = "?"
		}
	}
	if len(parts) > 1 {
		parts = parts[1:]
	}
	return strings.Join(parts, ".")
}

// jsonFormat reads and writes bodies; the errors of reading are worded as "code rest" like huma's messages.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
	Unmarshal: func(data []byte, v any) error {
		if _, first := v.(*any); first && !utf8.Valid(data) {
			return fmt.Errorf("%s %d", ErrMalformed.Code, firstInvalid(data))
		}
		return wordJSON(json.Unmarshal(data, v))
	},
}

func wordJSON(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return fmt.Errorf("%s %d", ErrMalformed.Code, syntax.Offset)
	case errors.As(err, &wrong):
		return fmt.Errorf("%s %s %s", ErrFieldType.Code, jsonType(wrong.Type), wrong.Field)
	}
	return errors.New(ErrFieldMalformed.Code)
}

func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	default:
		return "integer"
	}
}

func firstInvalid(data []byte) int {
	at := 0
	for at < len(data) {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}
