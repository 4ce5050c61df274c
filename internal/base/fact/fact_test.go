package fact

import (
	"context"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

type ping struct{ N int }

func (ping) FactKind() string { return "test.ping" }

type pong struct{ N int }

func (pong) FactKind() string { return "test.pong" }

func open(t *testing.T) (*db.DB, *Bus) {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), Schema); err != nil {
		t.Fatal(err)
	}
	return d, NewBus(d)
}

func TestReactionsRunInOrderAndCarryTheirCause(t *testing.T) {
	t.Parallel()
	d, bus := open(t)
	var order string
	On(bus, func(tx *db.Tx, e Event[ping]) error {
		order += "a"
		_, err := Emit(tx, e.Member, pong{e.Body.N + 1})
		return err
	})
	On(bus, func(*db.Tx, Event[ping]) error { order += "b"; return nil })
	var root int64
	err := d.Write(context.Background(), db.Op{}, func(tx *db.Tx) (err error) {
		root, err = Emit(tx, 7, ping{1})
		if tx.Cause() != 0 {
			t.Error("the cause leaks out of the reaction")
		}
		return err
	})
	if err != nil || order != "ab" {
		t.Fatal(err, order)
	}
	_ = d.View(context.Background(), func(v *db.View) error {
		rows := Table.Select(v, db.Query[Row]{Order: "id"})
		if len(rows) != 2 || rows[0].ID != root || rows[1].Cause != root || rows[1].Member != 7 || rows[1].Body != `{"N":2}` {
			t.Errorf("rows %+v", rows)
		}
		return nil
	})
}

func TestEndlessCascadeIsRefusedWhole(t *testing.T) {
	t.Parallel()
	d, bus := open(t)
	On(bus, func(tx *db.Tx, e Event[ping]) error { _, err := Emit(tx, 0, pong(e.Body)); return err })
	On(bus, func(tx *db.Tx, e Event[pong]) error { _, err := Emit(tx, 0, ping(e.Body)); return err })
	err := d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error { _, err := Emit(tx, 0, ping{}); return err })
	if !fault.Is(err, ErrCascade) {
		t.Fatal(err)
	}
	_ = d.View(context.Background(), func(v *db.View) error {
		if n := len(Table.Select(v, db.Query[Row]{})); n != 0 {
			t.Errorf("%d facts of a refused write", n)
		}
		return nil
	})
}

func TestWhatIsToldIsNotStoredAgain(t *testing.T) {
	t.Parallel()
	d, bus := open(t)
	var seen, cause int64
	On(bus, func(tx *db.Tx, e Event[ping]) error { return Tell(tx, e.Member, pong(e.Body)) })
	On(bus, func(tx *db.Tx, e Event[pong]) error { seen, cause = e.Member+e.ID, tx.Cause(); return nil })
	var root int64
	err := d.Write(context.Background(), db.Op{}, func(tx *db.Tx) (err error) { root, err = Emit(tx, 7, ping{1}); return err })
	if err != nil || seen != 7 || cause != root {
		t.Fatalf("%v: seen %d, cause %d of %d", err, seen, cause, root)
	}
	_ = d.View(context.Background(), func(v *db.View) error {
		if n := len(Table.Select(v, db.Query[Row]{})); n != 1 {
			t.Errorf("%d rows", n)
		}
		return nil
	})
	On(bus, func(tx *db.Tx, e Event[pong]) error { return Tell(tx, e.Member, ping(e.Body)) })
	On(bus, func(tx *db.Tx, e Event[ping]) error { return Tell(tx, e.Member, pong(e.Body)) })
	if err := d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error { return Tell(tx, 7, ping{1}) }); !fault.Is(err, ErrCascade) {
		t.Errorf("an endless telling: %v", err)
	}
}
