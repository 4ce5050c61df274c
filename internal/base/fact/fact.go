// Package fact records what happened, typed, in the transaction of its effects, and runs the reactions to it.
//
// Calls go down, facts go up: a lower feature emits a fact and does not know who reacts. A fact caused
// by a reaction carries the id of the fact that caused it, so that every effect can be traced to its root.
package fact

import (
	"embed"
	"encoding/json"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of facts.
var Schema = db.Schema{Feature: "fact", Files: files}

// Body is a typed fact, such as order.Paid.
type Body interface {
	// FactKind is the stable name, such as "order.paid".
	FactKind() string
}

// Event is a fact as its reactions see it.
type Event[T Body] struct {
	ID     int64 // 0 when it was told, not emitted
	Member int64
	Body   T
}

// Row is a stored fact.
type Row struct {
	ID     int64
	Kind   string
	Member int64
	Cause  int64
	At     int64
	Body   string
}

// Table holds all facts, oldest first.
var Table = db.NewTable(db.Spec[Row, int64]{
	Name: "fact", Cols: []string{"id", "kind", "member_id", "cause_id", "at", "body"}, Keys: 1,
	Row: func(r *Row, p []any) []any {
		return append(p, &r.ID, &r.Kind, &r.Member, &r.Cause, &r.At, &r.Body)
	},
	Key: func(r *Row) int64 { return r.ID },
})

// Limits of one cascade: a reaction loop is an error, never a hang.
const maxDepth = 8

// ErrCascade stops facts that cause each other without end.
var ErrCascade = fault.Define("fact.cascade", fault.Internal, "事件级联过深", "Facts caused each other too deeply")

type reaction func(tx *db.Tx, id, member int64, body any) error

// Bus holds the reactions; app wires them, in order, in one file.
type Bus struct{ on map[string][]reaction }

type busKey struct{}

// NewBus makes the bus of a database.
func NewBus(d *db.DB) *Bus {
	b := &Bus{on: map[string][]reaction{}}
	d.Set(busKey{}, b)
	return b
}

// On runs f whenever a fact of type T is emitted, in the same Tx, in the order of the calls to On.
func On[T Body](b *Bus, f func(*db.Tx, Event[T]) error) {
	var zero T
	b.on[zero.FactKind()] = append(b.on[zero.FactKind()], func(tx *db.Tx, id, member int64, body any) error {
		return f(tx, Event[T]{id, member, body.(T)})
	})
}

// Emit records a fact about a member (0 when about none) and runs its reactions. A reaction's error refuses the whole write.
func Emit(tx *db.Tx, member int64, body Body) (int64, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	row := Row{ID: tx.ID(), Kind: body.FactKind(), Member: member, Cause: tx.Cause(), At: tx.Now(), Body: string(text)}
	if err := Table.Insert(tx, row); err != nil {
		return 0, err
	}
	return row.ID, react(tx, row.ID, row.ID, member, body)
}

// Tell runs the reactions to something that a row of its own already records for ever, such as an entry of the ledger:
// a second row saying the same would only cost. What the reactions cause carries the cause in force.
func Tell(tx *db.Tx, member int64, body Body) error { return react(tx, 0, tx.Cause(), member, body) }

func react(tx *db.Tx, id, cause, member int64, body Body) error {
	b, _ := tx.DB().Value(busKey{}).(*Bus)
	if b == nil {
		return nil
	}
	depth, leave := tx.Enter(cause)
	defer leave()
	kind := body.FactKind()
	if depth > maxDepth {
		return ErrCascade.With("kind", kind)
	}
	for _, r := range b.on[kind] {
		if err := r(tx, id, member, body); err != nil {
			return err
		}
	}
	return nil
}
