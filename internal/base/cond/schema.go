// Package cond is the one condition tree (条件) of the product: earn rules, segments, journeys and coupons all
// ask "is this true of that?" in the same JSON, and get the same answer in Go and in SQL.
//
//	{"all":[{"field":"order.amount_fen","op":"gte","value":10000},
//	        {"not":{"field":"order.channel","op":"in","value":["staff","test"]}}]}
//
// {}, null and {"all":[]} are always true.
//
// A missing value (NULL) satisfies no comparison, so it makes a leaf false, except the leaves that deny one:
// ne, nin and none_of are exactly the contrary of eq, in and any_of and hence true of a missing value. Every
// leaf is either true or false, in Go and in SQL alike; there is no third answer that AND, OR and NOT could spread.
//
// Texts compare byte by byte and are valid UTF-8.
package cond

import (
	"encoding/json"
	"fmt"
	"regexp"

	"guanxi/internal/base/form"
)

// Type says what values a field has and which questions may be asked of it.
type Type string

// The types of fields.
const (
	Int  Type = "int"
	Text Type = "text"
	Bool Type = "bool" // an integer in the source and in SQL: zero is false
	Set  Type = "set"  // several texts, such as tags; in Go only
)

// Option is one usual value of a field with its names.
type Option = form.Option

// Field is something a condition can ask about.
type Field struct {
	Name   string `json:"name"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
	Type   Type   `json:"type"`
	Column string `json:"-"`              // the SQL column; "" when it is not in SQL
	Unit   string `json:"unit,omitempty"` // "fen" is told in yuan

	// Options name values for people. Others stay allowed: a rule outlives the option it was made with.
	Options []Option `json:"options,omitempty"`
}

// Schema is an ordered list of fields. A field's place in it is what a Source is asked by.
type Schema struct {
	fields []Field
	places map[string]int
}

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$`)

// NewSchema checks and keeps the fields. A mistake in them is one of the program and panics.
func NewSchema(fields ...Field) *Schema {
	s := &Schema{fields: fields, places: make(map[string]int, len(fields))}
	for i, f := range fields {
		_, twice := s.places[f.Name]
		badColumn := f.Column != "" && (f.Type == Set || !columnName.MatchString(f.Column))
		if twice || badColumn || f.Name == "" || f.Zh == "" || f.En == "" || len(f.Type.Ops()) == 0 {
			panic(fmt.Sprintf("cond: field %q is repeated, incomplete or has a wrong type or column", f.Name))
		}
		s.places[f.Name] = i
	}
	return s
}

// Fields lists the fields in order; not to be changed.
func (s *Schema) Fields() []Field { return s.fields }

// Lookup gives the place of a field by name.
func (s *Schema) Lookup(name string) (place int, ok bool) {
	place, ok = s.places[name]
	return place, ok
}

// MarshalJSON writes the fields, each with the ops it allows, for the console to draw.
func (s *Schema) MarshalJSON() ([]byte, error) {
	type described struct {
		Field
		Ops []Op `json:"ops"`
	}
	out := make([]described, len(s.fields))
	for i, f := range s.fields {
		out[i] = described{Field: f, Ops: f.Type.Ops()}
	}
	return json.Marshal(out)
}
