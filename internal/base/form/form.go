// Package form draws an operator's form (设置表单) from a settings struct and reads the filled-in form
// strictly. The struct is the one place that says what a setting is called, what it means and what it may be:
//
//	type Settings struct {
//		Points int64           `json:"points" zh:"每元积分" en:"Points per yuan" min:"0" max:"1000" required:"true"`
//		Over   string          `json:"over" zh:"超出时" en:"When over" options:"clip=截断/Clip,reject=拒绝/Reject"`
//		When   json.RawMessage `json:"when" zh:"条件" en:"Condition" kind:"cond"`
//	}
//
// Invariants:
//   - A struct the form can't draw is a mistake of the program: Of and Decode panic, so that any test finds it.
//   - Decode reports every wrong field at once and leaves the target untouched unless all are right.
//   - What Decode accepts into a zero target is accepted again after re-encoding, with an equal result.
package form

import (
	"encoding/json"
	"reflect"
	"strconv"
	"sync"

	"guanxi/internal/base/money"
)

// Form describes a settings struct; as JSON it is what the console draws.
type Form struct {
	Fields []Field `json:"fields"`
}

// Type says how a field is drawn and what its JSON looks like.
type Type string

// The types of fields.
const (
	Int    Type = "int"    // int64, int and types made of them: a number
	Text   Type = "text"   // string
	Bool   Type = "bool"   // bool
	Rate   Type = "rate"   // money.Rate: a decimal string or number
	Ints   Type = "ints"   // []int64
	Texts  Type = "texts"  // []string
	Rates  Type = "rates"  // map[string]money.Rate; its options are the allowed keys
	Object Type = "object" // nested struct
	List   Type = "list"   // slice of structs
	Cond   Type = "cond"   // json.RawMessage with kind:"cond": a condition, parsed by whoever owns its schema
)

// The limits that hold where a struct sets none.
const (
	MaxItems  = 500  // entries of a list or map
	MaxText   = 2000 // characters of a text
	maxNested = 8    // structs inside structs
	maxErrors = 100  // wrong fields reported at once
)

// Field describes one setting. Min and Max bound a number's value (of each number in a list or map),
// a text's characters (of each text in a list), or the entries of a list of structs.
type Field struct {
	Name     string      `json:"name"`
	Type     Type        `json:"type"`
	Zh       string      `json:"zh"`
	En       string      `json:"en"`
	Help     string      `json:"help,omitempty"`
	HelpEn   string      `json:"help_en,omitempty"`
	Required bool        `json:"required,omitempty"`
	Unit     string      `json:"unit,omitempty"`
	Min      json.Number `json:"min,omitempty"`
	Max      json.Number `json:"max,omitempty"`
	Options  []Option    `json:"options,omitempty"`
	Fields   []Field     `json:"fields,omitempty"`

	index  int   // place in the struct
	lo, hi int64 // bounds; of a rate in millionths
}

// Option is one allowed value with its names.
type Option struct {
	Value string `json:"value"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

// drawn keeps the fields of each struct type, which never change.
var drawn sync.Map // reflect.Type → []Field

// Of describes the struct v, or the struct v points to.
func Of(v any) Form {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return Form{Fields: fieldsOf(t)}
}

func fieldsOf(t reflect.Type) []Field {
	if fields, ok := drawn.Load(t); ok {
		return fields.([]Field)
	}
	fields := draw(t, 1)
	drawn.Store(t, fields)
	return fields
}

// show writes a bound the way people read the field.
func (f *Field) show(n int64) string {
	switch {
	case f.Type == Rate || f.Type == Rates:
		return money.Rate(n).String()
	case f.Unit == "fen":
		return "¥" + money.Fen(n).String()
	default:
		return strconv.FormatInt(n, 10)
	}
}
