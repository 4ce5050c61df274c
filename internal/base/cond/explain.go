package cond

import (
	"strconv"
	"strings"

	"guanxi/internal/base/money"
)

// words are the joints of a sentence in one language.
type words struct {
	always, and, or, not, comma, to, more, yes, no string
}

var (
	zhWords = words{"无条件", " 且 ", " 或 ", "并非", "、", " 至 ", " 等 {n} 项", "是", "否"}
	enWords = words{"always", " and ", " or ", "not ", ", ", " and ", " … ({n} in all)", "yes", "no"}
)

// shown is how many values of a list a sentence tells before it only counts.
const shown = 10

// Explain tells the condition as a sentence in "zh" or "en".
func (c *Cond) Explain(lang string) string {
	if c.Always() {
		return wordsOf(lang).always
	}
	return c.speaker(lang).node(&c.root)
}

// Why tells what src fails: the first leaf that does, or the whole of an "any" or "not" around it, for there a
// single leaf would mislead. It is "" when src satisfies the condition.
func (c *Cond) Why(src Source, lang string) string {
	if c.Eval(src) {
		return ""
	}
	return c.speaker(lang).node(c.root.culprit(src))
}

// culprit is the smallest part of a failing node that alone explains the failure.
func (n *node) culprit(src Source) *node {
	if n.kind == all || (n.kind == some && len(n.kids) == 1) {
		for i := range n.kids {
			if kid := &n.kids[i]; !kid.eval(src) {
				return kid.culprit(src)
			}
		}
	}
	return n
}

// speaker tells the parts of a condition in one language.
type speaker struct {
	words
	schema *Schema
	zh     bool
}

func (c *Cond) speaker(lang string) speaker {
	return speaker{words: wordsOf(lang), schema: c.schema, zh: lang != "en"}
}

func wordsOf(lang string) words {
	if lang == "en" {
		return enWords
	}
	return zhWords
}

func (s speaker) node(n *node) string {
	switch {
	case n.kind == leaf:
		return s.leaf(n)
	case n.kind == not:
		return s.words.not + "(" + s.node(&n.kids[0]) + ")"
	case len(n.kids) == 0:
		return s.always
	case n.kind == some:
		return s.join(n.kids, s.or)
	default:
		return s.join(n.kids, s.and)
	}
}

func (s speaker) join(kids []node, between string) string {
	if len(kids) == 1 {
		return s.node(&kids[0])
	}
	parts := make([]string, len(kids))
	for i := range kids {
		parts[i] = s.node(&kids[i])
		if k := &kids[i]; k.kind != leaf && k.kind != not && len(k.kids) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, between)
}

func (s speaker) leaf(n *node) string {
	field := &s.schema.fields[n.field]
	if s.zh {
		return field.Zh + " " + n.q.zh + " " + s.values(n, field)
	}
	return field.En + " " + n.q.en + " " + s.values(n, field)
}

func (s speaker) values(n *node, field *Field) string {
	var told []string
	for _, v := range n.ints[:min(len(n.ints), shown)] {
		told = append(told, s.number(v, field))
	}
	for _, v := range n.texts[:min(len(n.texts), shown)] {
		told = append(told, s.option(v, field))
	}
	if n.q.shape == pair {
		return strings.Join(told, s.to)
	}
	count := len(n.ints) + len(n.texts)
	if count > shown {
		return strings.Join(told, s.comma) + strings.Replace(s.more, "{n}", strconv.Itoa(count), 1)
	}
	return strings.Join(told, s.comma)
}

func (s speaker) number(v int64, field *Field) string {
	switch {
	case field.Type == Bool && v != 0:
		return s.yes
	case field.Type == Bool:
		return s.no
	case field.Unit == "fen":
		return "¥" + money.Fen(v).String()
	default:
		return s.option(strconv.FormatInt(v, 10), field)
	}
}

// option tells a value by its name where it has one.
func (s speaker) option(value string, field *Field) string {
	for _, o := range field.Options {
		if o.Value == value && s.zh {
			return o.Zh
		}
		if o.Value == value {
			return o.En
		}
	}
	return value
}
