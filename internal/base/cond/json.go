package cond

import "encoding/json"

// MarshalJSON writes the condition in the form Parse reads; an always true one is {}.
func (c *Cond) MarshalJSON() ([]byte, error) {
	if c.Always() {
		return []byte("{}"), nil
	}
	return json.Marshal(c.tree(&c.root))
}

// written is a leaf in JSON, its keys in the order people write them.
type written struct {
	Field string `json:"field"`
	Op    Op     `json:"op"`
	Value any    `json:"value"`
}

func (c *Cond) tree(n *node) any {
	switch n.kind {
	case leaf:
		return written{c.schema.fields[n.field].Name, n.q.op, n.value()}
	case not:
		return map[string]any{"not": c.tree(&n.kids[0])}
	}
	kids := make([]any, len(n.kids))
	for i := range n.kids {
		kids[i] = c.tree(&n.kids[i])
	}
	if n.kind == some {
		return map[string]any{"any": kids}
	}
	return map[string]any{"all": kids}
}

func (n *node) value() any {
	switch {
	case n.typ == Bool:
		return n.ints[0] != 0
	case n.typ == Int && n.q.shape == one:
		return n.ints[0]
	case n.typ == Int:
		return n.ints
	case n.q.shape == one:
		return n.texts[0]
	default:
		return n.texts
	}
}
