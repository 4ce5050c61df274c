package cond

import (
	"slices"
	"strings"
)

// Source is what a condition is asked of. Fields are asked by their place in the schema; ok is false, or the
// set empty, where the value is missing. A bool is asked as an Int.
type Source interface {
	Int(field int) (value int64, ok bool)
	Text(field int) (value string, ok bool)
	Set(field int) []string
}

// Cond is a parsed condition. It never changes, so any number of goroutines may ask it. A nil Cond is always true.
type Cond struct {
	schema *Schema
	root   node
}

// kind says what a node is made of.
type kind int

const (
	all kind = iota // true when every kid is; hence also when there is none
	some
	not
	leaf
)

type node struct {
	kind  kind
	kids  []node
	field int // of a leaf, as are the rest
	typ   Type
	q     *question
	ints  []int64  // the values of an int or bool
	texts []string // the values of a text or set
}

// Eval answers the condition for src, without allocating.
func (c *Cond) Eval(src Source) bool {
	return c == nil || c.root.eval(src)
}

// Always reports whether the condition asks nothing.
func (c *Cond) Always() bool {
	return c == nil || (c.root.kind == all && len(c.root.kids) == 0)
}

func (n *node) eval(src Source) bool {
	switch n.kind {
	case not:
		return !n.kids[0].eval(src)
	case leaf:
		return n.holds(src) != n.q.deny
	}
	for i := range n.kids {
		if n.kids[i].eval(src) == (n.kind == some) {
			return n.kind == some
		}
	}
	return n.kind == all
}

// holds answers a leaf before denial.
func (n *node) holds(src Source) bool {
	switch n.typ {
	case Int:
		v, ok := src.Int(n.field)
		return ok && n.intHolds(v)
	case Bool:
		v, ok := src.Int(n.field)
		return ok && (v != 0) == (n.ints[0] != 0)
	case Text:
		v, ok := src.Text(n.field)
		return ok && n.textHolds(v)
	default:
		return n.setHolds(src.Set(n.field))
	}
}

func (n *node) intHolds(v int64) bool {
	switch n.q.ask {
	case Lt:
		return v < n.ints[0]
	case Lte:
		return v <= n.ints[0]
	case Gt:
		return v > n.ints[0]
	case Gte:
		return v >= n.ints[0]
	case Between:
		return n.ints[0] <= v && v <= n.ints[1]
	default:
		return slices.Contains(n.ints, v)
	}
}

func (n *node) textHolds(v string) bool {
	if n.q.ask == Prefix {
		return strings.HasPrefix(v, n.texts[0])
	}
	return slices.Contains(n.texts, v)
}

func (n *node) setHolds(set []string) bool {
	wantAll := n.q.ask == AllOf
	for _, text := range n.texts {
		if slices.Contains(set, text) != wantAll {
			return !wantAll
		}
	}
	return wantAll
}

// Possible says whether the condition can be true for src, when only the known fields are: any answer may come of the others.
func (c *Cond) Possible(src Source, known func(f Field) bool) bool {
	if c.Always() {
		return true
	}
	yes, _ := c.root.possible(src, func(field int) bool { return known(c.schema.fields[field]) })
	return yes
}

// possible says whether a node can be true, and whether it can be false.
func (n *node) possible(src Source, known func(field int) bool) (yes, no bool) {
	switch n.kind {
	case leaf:
		if !known(n.field) {
			return true, true
		}
		is := n.holds(src) != n.q.deny
		return is, !is
	case not:
		yes, no = n.kids[0].possible(src, known)
		return no, yes
	}
	yes, no = n.kind == all, n.kind == some
	for i := range n.kids {
		y, f := n.kids[i].possible(src, known)
		if n.kind == all {
			yes, no = yes && y, no || f
		} else {
			yes, no = yes || y, no && f
		}
	}
	return yes, no
}
