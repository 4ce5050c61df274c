package cond

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
)

// What can be wrong with a condition.
var (
	ErrMalformed    = fault.Define("cond.malformed", fault.Invalid, "条件的写法不对", "the condition is malformed")
	ErrUnknownKey   = fault.Define("cond.unknown_key", fault.Invalid, "条件中有不认识的键", "the condition has an unknown key")
	ErrUnknownField = fault.Define("cond.unknown_field", fault.Invalid, "没有这个条件字段", "there is no such field to ask about")
	ErrUnknownOp    = fault.Define("cond.unknown_op", fault.Invalid, "该字段不支持此比较", "the field can't be compared that way")
	ErrWrongValue   = fault.Define("cond.wrong_value", fault.Invalid, "比较值不对", "the value can't be compared with the field")
	ErrTooDeep      = fault.Define("cond.too_deep", fault.Invalid, "条件嵌套超过 {max} 层", "the condition is nested deeper than {max}")
	ErrTooLarge     = fault.Define("cond.too_large", fault.Invalid, "条件超过 {max} 个节点", "the condition has more than {max} nodes")
	ErrTooMany      = fault.Define("cond.too_many", fault.Invalid, "列表超过 {max} 项", "the lists have more than {max} values")
)

// The limits of one condition. MaxValues keeps a query's placeholders within what both engines accept.
const (
	MaxDepth  = 8
	MaxNodes  = 200
	MaxList   = 500  // values of one leaf
	MaxValues = 5000 // values of all leaves
	MaxText   = 200  // characters of one value
)

// Parse reads a condition strictly. A fault's field is the dotted path to what is wrong, such as all[1].value.
func Parse(schema *Schema, data []byte) (*Cond, error) {
	if !utf8.Valid(data) || (len(data) > 0 && !json.Valid(data)) {
		return nil, ErrMalformed.New()
	}
	p := parser{schema: schema}
	root, err := p.node(data, "", 1)
	if err != nil {
		return nil, err
	}
	return &Cond{schema: schema, root: root}, nil
}

type parser struct {
	schema        *Schema
	nodes, values int
}

func (p *parser) node(raw []byte, path string, depth int) (node, error) {
	p.nodes++
	switch {
	case depth > MaxDepth:
		return node{}, ErrTooDeep.With("max", MaxDepth).At(path)
	case p.nodes > MaxNodes:
		return node{}, ErrTooLarge.With("max", MaxNodes).At(path)
	case len(raw) == 0 || string(raw) == "null":
		return node{kind: all}, nil
	}
	members, err := form.Members(raw)
	if err != nil {
		return node{}, ErrMalformed.New().At(path)
	}
	if len(members) == 0 {
		return node{kind: all}, nil
	}
	switch first := members[0]; first.Key {
	case "all", "any", "not":
		if len(members) > 1 {
			return node{}, ErrUnknownKey.New().At(join(path, members[1].Key))
		}
		return p.branch(first, join(path, first.Key), depth)
	default:
		return p.leaf(members, path)
	}
}

func (p *parser) branch(m form.Member, path string, depth int) (node, error) {
	if m.Key == "not" {
		kid, err := p.node(m.Value, path, depth+1)
		return node{kind: not, kids: []node{kid}}, err
	}
	n := node{kind: all}
	if m.Key == "any" {
		n.kind = some
	}
	items, ok := list(m.Value)
	// "Any of nothing" is never true: surely not what was meant.
	if !ok || (n.kind == some && len(items) == 0) {
		return node{}, ErrMalformed.New().At(path)
	}
	for i, item := range items {
		kid, err := p.node(item, path+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return node{}, err
		}
		n.kids = append(n.kids, kid)
	}
	return n, nil
}

func (p *parser) leaf(members []form.Member, path string) (node, error) {
	given := map[string]json.RawMessage{}
	for _, m := range members {
		if m.Key != "field" && m.Key != "op" && m.Key != "value" {
			return node{}, ErrUnknownKey.New().At(join(path, m.Key))
		}
		if given[m.Key] != nil {
			return node{}, ErrMalformed.New().At(join(path, m.Key))
		}
		given[m.Key] = m.Value
	}
	n := node{kind: leaf}
	name, _ := textOf(given["field"])
	place, known := p.schema.Lookup(name)
	if !known {
		return node{}, ErrUnknownField.New().At(join(path, "field"))
	}
	n.field, n.typ = place, p.schema.fields[place].Type
	op, _ := textOf(given["op"])
	if n.q = questionOf(Op(op), n.typ); n.q == nil {
		return node{}, ErrUnknownOp.New().At(join(path, "op"))
	}
	return n, p.setValues(&n, given["value"], join(path, "value"))
}

// setValues reads the value in the shape the op asks for.
func (p *parser) setValues(n *node, raw json.RawMessage, path string) error {
	items := []json.RawMessage{raw}
	if n.q.shape != one {
		var ok bool
		if items, ok = list(raw); !ok || len(items) == 0 || (n.q.shape == pair && len(items) != 2) {
			return ErrWrongValue.New().At(path)
		}
	}
	if len(items) > MaxList {
		return ErrTooMany.With("max", MaxList).At(path)
	}
	if p.values += len(items); p.values > MaxValues {
		return ErrTooMany.With("max", MaxValues).At(path)
	}
	for i, item := range items {
		if !n.add(item) {
			if n.q.shape != one {
				path += "[" + strconv.Itoa(i) + "]"
			}
			return ErrWrongValue.New().At(path)
		}
	}
	return nil
}

// add reads one value of the field's type.
func (n *node) add(raw json.RawMessage) bool {
	switch n.typ {
	case Int:
		v, err := strconv.ParseInt(string(raw), 10, 64)
		n.ints = append(n.ints, v)
		return err == nil
	case Bool:
		v := int64(0)
		if string(raw) == "true" {
			v = 1
		}
		n.ints = append(n.ints, v)
		return v == 1 || string(raw) == "false"
	default:
		v, ok := textOf(raw)
		n.texts = append(n.texts, v)
		return ok && plainText(v) && (n.q.ask != Prefix || v != "")
	}
}

// plainText refuses what the engines disagree on: MySQL ignores blanks at the end of a text, and SQLite
// reads a text only up to a NUL.
func plainText(s string) bool {
	return utf8.RuneCountInString(s) <= MaxText && !strings.HasSuffix(s, " ") && !strings.Contains(s, "\x00")
}

func list(raw json.RawMessage) (items []json.RawMessage, ok bool) {
	err := json.Unmarshal(raw, &items)
	return items, err == nil && items != nil
}

func textOf(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
