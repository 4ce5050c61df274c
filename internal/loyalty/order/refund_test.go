package order

import (
	"context"
	"testing"

	"pgregory.net/rapid"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/member"
)

func open(t testing.TB) (*db.DB, *Service) {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: clock.NewFake(1_780_000_000_000), Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), fact.Schema, member.Schema, Schema); err != nil {
		t.Fatal(err)
	}
	s := &Service{Zone: clock.Shanghai}
	s.Wire(d)
	return d, s
}

func write(d *db.DB, f func(*db.Tx) error) error {
	return d.Write(context.Background(), db.Op{Actor: "test"}, f)
}

// Whatever refunds come, in whatever order: no line gives back more than it has, a refund too much is refused and changes
// nothing, and once everything is back the parts add up to the fen.
func TestRefundsAddUpToTheOrder(t *testing.T) {
	t.Parallel()
	d, s := open(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		in := In{Source: "pos", No: "A" + string(rune('0'+n%10)) + rapid.StringMatching(`[a-z0-9]{12}`).Draw(rt, "no"), Member: int64(n), Occurred: 1_779_000_000_000}
		for range rapid.IntRange(1, 5).Draw(rt, "lines") {
			l := Line{SKU: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "sku"), Qty: rapid.Int64Range(1, 7).Draw(rt, "qty"), Amount: rapid.Int64Range(0, 10_000).Draw(rt, "amount")}
			in.Lines, in.Amount = append(in.Lines, l), in.Amount+l.Amount
		}
		must(rt, write(d, func(tx *db.Tx) error { _, _, err := s.Take(tx, in); return err }))
		var back int64
		for i := range rapid.IntRange(0, 8).Draw(rt, "refunds") {
			r := RefundIn{Source: "pos", OrderNo: in.No, No: in.No + "r" + string(rune('a'+i)), Occurred: in.Occurred}
			if rapid.Bool().Draw(rt, "by line") {
				r.Lines = []RefundLine{{SKU: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "back sku"), Qty: rapid.Int64Range(1, 4).Draw(rt, "back qty")}}
			} else {
				r.Amount = rapid.Int64Range(1, 8000).Draw(rt, "back amount")
			}
			var out Outcome
			before := look(t, d, s, in.No)
			err := write(d, func(tx *db.Tx) (err error) { out, err = s.Refund(tx, r); return err })
			after := look(t, d, s, in.No)
			if err != nil {
				if !fault.Is(err, ErrTooMuch) && !fault.Is(err, ErrNoLine) {
					rt.Fatalf("refused with %v", err)
				}
				if before != after {
					rt.Fatalf("a refused refund changed the order: %+v → %+v", before, after)
				}
				continue
			}
			back += out.Refund.Amount
			checkOrder(rt, after, back)
		}
		if o := look(t, d, s, in.No); o.Status != Refunded {
			must(rt, write(d, func(tx *db.Tx) error {
				out, err := s.Refund(tx, RefundIn{Source: "pos", OrderNo: in.No, No: in.No + "rest", Occurred: in.Occurred})
				back += out.Refund.Amount
				return err
			}))
		}
		o := look(t, d, s, in.No)
		checkOrder(rt, o, back)
		if back != in.Amount || o.Status != Refunded {
			rt.Fatalf("all is back: %d of %d, %s", back, in.Amount, o.Status)
		}
	})
}

func must(rt *rapid.T, err error) {
	if err != nil {
		rt.Fatal(err)
	}
}

func look(t testing.TB, d *db.DB, _ *Service, no string) (o Order) {
	if err := d.View(context.Background(), func(v *db.View) error { o, _ = Find(v, "pos", no); return nil }); err != nil {
		t.Fatal(err)
	}
	return o
}

func checkOrder(rt *rapid.T, o Order, back int64) {
	var sum int64
	for _, l := range o.LinesOf() {
		if l.BackQty < 0 || l.BackQty > l.Qty || l.BackAmount < 0 || l.BackAmount > l.Amount {
			rt.Fatalf("a line gave back more than it has: %+v", l)
		}
		sum += l.BackAmount
	}
	if sum != o.Refunded || sum != back {
		rt.Fatalf("lines gave back %d, the order says %d, refunds say %d", sum, o.Refunded, back)
	}
}

func TestRefundBeforeItsOrderWaits(t *testing.T) {
	t.Parallel()
	d, s := open(t)
	refund := RefundIn{Source: "pos", OrderNo: "B1", No: "R1", Amount: 300, Occurred: 1_779_000_000_000}
	take := In{Source: "pos", No: "B1", Member: 9, Amount: 1000, Occurred: 1_778_000_000_000}
	for i := range 2 {
		err := write(d, func(tx *db.Tx) error {
			out, err := s.Refund(tx, refund)
			if !out.Waiting || out.Again != (i == 1) {
				t.Errorf("delivery %d: %+v", i, out)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		err := write(d, func(tx *db.Tx) error {
			o, again, err := s.Take(tx, take)
			if again != (i == 1) || o.Refunded != 300 || o.Status != PartiallyRefunded {
				t.Errorf("delivery %d: again %v, %+v", i, again, o)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	other := take
	other.Amount = 999
	if err := write(d, func(tx *db.Tx) error { _, _, err := s.Take(tx, other); return err }); !fault.Is(err, ErrConflict) {
		t.Errorf("same number, other content: %v", err)
	}
	if err := write(d, func(tx *db.Tx) error { out, err := s.Refund(tx, refund); _ = out; return err }); err != nil {
		t.Errorf("the refund delivered again: %v", err)
	}
	if o := look(t, d, s, "B1"); o.Refunded != 300 {
		t.Errorf("refunded %d", o.Refunded)
	}
}

func TestUnnamedRefundFindsTheNewestOrders(t *testing.T) {
	t.Parallel()
	d, s := open(t)
	day := clock.Day
	at := int64(1_779_000_000_000)
	for i, no := range []string{"C1", "C2", "C3"} {
		in := In{Source: "pos", No: no, Member: 5, Occurred: at + int64(i)*day, Amount: 600,
			Lines: []Line{{SKU: "tea", Qty: 2, Amount: 400}, {SKU: "cup", Qty: 1, Amount: 200}}}
		if err := write(d, func(tx *db.Tx) error { _, _, err := s.Take(tx, in); return err }); err != nil {
			t.Fatal(err)
		}
	}
	u := Unnamed{Source: "pos", No: "D1", Members: []int64{5}, Occurred: at + day + 1, Lines: []RefundLine{{SKU: "tea", Qty: 3}, {SKU: "pot", Qty: 1}}}
	for i := range 2 {
		err := write(d, func(tx *db.Tx) error {
			out, err := s.RefundUnnamed(tx, u)
			if i == 0 && (len(out.Refunds) != 2 || len(out.Left) != 1 || out.Left[0].SKU != "pot") || i == 1 && !out.Again {
				t.Errorf("delivery %d: %+v", i, out)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]int64{"C1": 200, "C2": 400, "C3": 0} // C3 came after the refund
	for no, n := range want {
		if o := look(t, d, s, no); o.Refunded != n {
			t.Errorf("%s gave back %d, want %d", no, o.Refunded, n)
		}
	}
}
