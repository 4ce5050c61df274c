package cond

import (
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/fault"
)

// ErrNotInSQL says that a field lives only in Go, such as a set.
var ErrNotInSQL = fault.Define("cond.not_in_sql", fault.Invalid, "字段“{field}”不能用于筛选人群", "the field {field} can't be used to select rows")

// SQL compiles the condition to an expression for WHERE, alike in SQLite and MySQL, that is true of a row
// exactly when Eval is. Each leaf is 0 or 1, never NULL.
func (c *Cond) SQL() (where string, args []any, err error) {
	if c.Always() {
		return "1 = 1", nil, nil
	}
	w := writer{schema: c.schema}
	if err := w.node(&c.root); err != nil {
		return "", nil, err
	}
	return w.text.String(), w.args, nil
}

type writer struct {
	schema *Schema
	text   strings.Builder
	args   []any
}

func (w *writer) node(n *node) error {
	switch n.kind {
	case leaf:
		return w.leaf(n)
	case not:
		w.text.WriteString("NOT ")
		return w.group(n.kids, "")
	case some:
		return w.group(n.kids, " OR ")
	}
	if len(n.kids) == 0 {
		w.text.WriteString("1 = 1")
		return nil
	}
	return w.group(n.kids, " AND ")
}

func (w *writer) group(kids []node, between string) error {
	w.text.WriteByte('(')
	for i := range kids {
		if i > 0 {
			w.text.WriteString(between)
		}
		if err := w.node(&kids[i]); err != nil {
			return err
		}
	}
	w.text.WriteByte(')')
	return nil
}

func (w *writer) leaf(n *node) error {
	field := w.schema.fields[n.field]
	if field.Column == "" {
		return ErrNotInSQL.With("field", field.Name)
	}
	if n.q.deny {
		w.text.WriteString("NOT ")
	}
	w.text.WriteString("(" + field.Column + " IS NOT NULL AND ")
	switch n.typ {
	case Bool:
		w.text.WriteString(field.Column + boolTests[n.ints[0]])
	case Int:
		w.ints(n, field.Column)
	default:
		w.texts(n, field.Column)
	}
	w.text.WriteByte(')')
	return nil
}

var boolTests = [2]string{" = 0", " <> 0"}

var comparisons = map[Op]string{Lt: " < ?", Lte: " <= ?", Gt: " > ?", Gte: " >= ?", Between: " BETWEEN ? AND ?"}

func (w *writer) ints(n *node, column string) {
	test, ok := comparisons[n.q.ask]
	if !ok {
		test = oneOf(len(n.ints))
	}
	w.text.WriteString(column + test)
	for _, v := range n.ints {
		w.args = append(w.args, v)
	}
}

// texts stays exact where MySQL ignores blanks at the end of a text. No value ends in one (Parse sees to
// it), so a column that does is none of them; and a beginning as long as the value can't be padded to it.
func (w *writer) texts(n *node, column string) {
	if n.q.ask == Prefix {
		w.text.WriteString("SUBSTR(" + column + ", 1, ?) = ?")
		w.args = append(w.args, int64(utf8.RuneCountInString(n.texts[0])), n.texts[0])
		return
	}
	w.text.WriteString(column + oneOf(len(n.texts)) + " AND LENGTH(" + column + ") = LENGTH(RTRIM(" + column + "))")
	for _, v := range n.texts {
		w.args = append(w.args, v)
	}
}

func oneOf(n int) string {
	if n == 1 {
		return " = ?"
	}
	return " IN (" + strings.Repeat("?, ", n-1) + "?)"
}
