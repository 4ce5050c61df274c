package form

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"unicode/utf8"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
)

// What can be wrong with a filled-in form. ErrInvalid carries the others, one for each wrong field.
var (
	ErrMalformed      = fault.Define("form.malformed", fault.Malformed, "不是有效的 JSON 对象", "not a valid JSON object")
	ErrInvalid        = fault.Define("form.invalid", fault.Invalid, "有字段填写有误", "some fields are wrong")
	ErrUnknownField   = fault.Define("form.unknown_field", fault.Invalid, "没有这个字段", "there is no such field")
	ErrDuplicateField = fault.Define("form.duplicate_field", fault.Invalid, "字段重复出现", "the field is given twice")
	ErrWrongType      = fault.Define("form.wrong_type", fault.Invalid, "值的类型不对", "the value has the wrong type")
	ErrOutOfRange     = fault.Define("form.out_of_range", fault.Invalid, "超出允许范围（{min} 至 {max}）", "out of range ({min} to {max})")
	ErrTooMany        = fault.Define("form.too_many", fault.Invalid, "最多 {max} 项", "at most {max} entries")
	ErrRequired       = fault.Define("form.required", fault.Invalid, "必填", "required")
	ErrNotAnOption    = fault.Define("form.not_an_option", fault.Invalid, "不在可选项中", "not one of the options")
)

// Decode reads data into the struct that into points to. What into already holds are the defaults: a field
// that is left out or null keeps its default, which must satisfy the field's bounds too; an empty text
// of an optional field always may stay empty. A failure is one ErrInvalid whose Fields name every
// wrong field by its dotted path (the first hundred), and into is left as it was.
func Decode(data []byte, into any) error {
	target := reflect.ValueOf(into).Elem()
	fields := fieldsOf(target.Type())
	members, err := Members(data)
	if err != nil || !utf8.Valid(data) {
		return ErrMalformed.New()
	}
	filled := reflect.New(target.Type()).Elem()
	filled.Set(target)
	var d decoder
	d.members(filled, fields, "", members)
	if len(d.wrong) > 0 {
		fail := ErrInvalid.New()
		fail.Fields = d.wrong
		return fail
	}
	target.Set(filled)
	return nil
}

// decoder collects what is wrong while it fills the struct.
type decoder struct {
	wrong []fault.FieldError
}

// fail always says false, which reads well where a value is refused.
func (d *decoder) fail(path string, e *fault.Error) bool {
	if len(d.wrong) < maxErrors {
		d.wrong = append(d.wrong, fault.FieldError{Field: path, Code: e.Kind.Code, Zh: e.Text("zh"), En: e.Text("en")})
	}
	return false
}

func (d *decoder) members(v reflect.Value, fields []Field, path string, members []Member) {
	given := make(map[string]json.RawMessage, len(members))
	for _, m := range members {
		switch _, twice := given[m.Key]; {
		case twice:
			d.fail(path+m.Key, ErrDuplicateField.New())
		case !known(fields, m.Key):
			d.fail(path+m.Key, ErrUnknownField.New())
		}
		given[m.Key] = m.Value
	}
	for i := range fields {
		f := &fields[i]
		d.field(v.Field(f.index), f, path+f.Name, given[f.Name])
	}
}

func known(fields []Field, name string) bool {
	for i := range fields {
		if fields[i].Name == name {
			return true
		}
	}
	return false
}

// field fills one setting, then asks its rules: of the default too, for the result must be right as a whole.
func (d *decoder) field(v reflect.Value, f *Field, path string, raw json.RawMessage) {
	absent := len(raw) == 0 || string(raw) == "null"
	switch {
	case absent && f.Required:
		d.fail(path, ErrRequired.New())
	case absent && f.Type == Object:
		d.members(v, f.Fields, path+".", nil)
	case absent || d.read(v, f, path, raw):
		d.check(v, f, path)
	}
}

// read sets v from raw and reports whether it could.
func (d *decoder) read(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	switch f.Type {
	case Int:
		return d.readInt(v, f, path, raw)
	case Rate:
		return d.readRate(v, f, path, raw)
	case Text:
		return d.readText(v, path, raw)
	case Bool:
		v.SetBool(string(raw) == "true")
		return v.Bool() || string(raw) == "false" || d.fail(path, ErrWrongType.New())
	case Rates:
		return d.readRates(v, f, path, raw)
	case Object:
		return d.readObject(v, f, path, raw)
	case Cond:
		return d.readCond(v, path, raw)
	default:
		return d.readSlice(v, f, path, raw)
	}
}

func (d *decoder) readInt(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return d.fail(path, f.outOfRange())
	case err != nil:
		return d.fail(path, ErrWrongType.New())
	}
	v.SetInt(n)
	return true
}

func (d *decoder) readRate(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	var r money.Rate
	err := json.Unmarshal(raw, &r)
	switch {
	case fault.Is(err, money.ErrOutOfRange):
		return d.fail(path, f.outOfRange())
	case err != nil || string(raw) == "null":
		return d.fail(path, ErrWrongType.New())
	}
	v.SetInt(int64(r))
	return true
}

func (d *decoder) readText(v reflect.Value, path string, raw json.RawMessage) bool {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return d.fail(path, ErrWrongType.New())
	}
	v.SetString(*s)
	return true
}

func (d *decoder) readRates(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	members, err := Members(raw)
	if err != nil {
		return d.fail(path, ErrWrongType.New())
	}
	if len(members) > MaxItems {
		return d.fail(path, ErrTooMany.With("max", MaxItems))
	}
	rates, ok := reflect.MakeMapWithSize(v.Type(), len(members)), true
	for _, m := range members {
		key, rate := reflect.ValueOf(m.Key).Convert(v.Type().Key()), reflect.New(rateType).Elem()
		if rates.MapIndex(key).IsValid() {
			ok = d.fail(path+"."+m.Key, ErrDuplicateField.New())
		}
		ok = d.readRate(rate, f, path+"."+m.Key, m.Value) && ok
		rates.SetMapIndex(key, rate)
	}
	v.Set(rates)
	return ok
}

// readObject asks no rules of the object itself: each of its fields was asked.
func (d *decoder) readObject(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	members, err := Members(raw)
	if err != nil {
		return d.fail(path, ErrWrongType.New())
	}
	d.members(v, f.Fields, path+".", members)
	return true
}

// readCond keeps the condition the way encoding/json writes it, so that re-encoding changes nothing.
func (d *decoder) readCond(v reflect.Value, path string, raw json.RawMessage) bool {
	canonical, err := json.Marshal(raw)
	if err != nil || canonical[0] != '{' {
		return d.fail(path, ErrWrongType.New())
	}
	v.SetBytes(canonical)
	return true
}

func (d *decoder) readSlice(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return d.fail(path, ErrWrongType.New())
	}
	if len(items) > MaxItems {
		return d.fail(path, ErrTooMany.With("max", MaxItems))
	}
	slice, ok := reflect.MakeSlice(v.Type(), len(items), len(items)), true
	for i, item := range items {
		ok = d.readItem(slice.Index(i), f, at(path, i), item) && ok
	}
	v.Set(slice)
	return ok
}

func (d *decoder) readItem(v reflect.Value, f *Field, path string, raw json.RawMessage) bool {
	switch f.Type {
	case Ints:
		return d.readInt(v, f, path, raw)
	case Texts:
		return d.readText(v, path, raw)
	default:
		return d.readObject(v, f, path, raw)
	}
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
