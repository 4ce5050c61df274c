package ledger

import (
	"context"
	"fmt"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
)

// bench is a ledger on a real database with a clock that tests move.
type bundle struct {
	t     testing.TB
	d     *db.DB
	l     *Ledger
	clock *clock.Fake
}

const day = clock.Day

var start = func() int64 { t, _ := clock.Shanghai.Parse("2006-01-02", "2026-01-01"); return t + 10*clock.Hour }()

func open(t testing.TB) *bundle {
	t.Helper()
	c := clock.NewFake(start)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), fact.Schema, Schema); err != nil {
		t.Fatal(err)
	}
	l := &Ledger{Zone: clock.Shanghai}
	l.Wire(d)
	return &bundle{t, d, l, c}
}

func (b *bundle) write(f func(*db.Tx) error) error {
	return b.d.Write(context.Background(), db.Op{Owner: 1, Actor: "test"}, f)
}

func (b *bundle) must(f func(*db.Tx) error) {
	b.t.Helper()
	if err := b.write(f); err != nil {
		b.t.Fatal(err)
	}
}

// earn gives member 1 points that live some days.
func (b *bundle) earn(source string, n int64, days int64) {
	b.t.Helper()
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: n, Kind: KindEarn, Source: source, Expires: tx.Now() + days*day, Class: ClassConsumption})
		return err
	})
}

func (b *bundle) spend(source string, n int64) (e Entry, err error) {
	err = b.write(func(tx *db.Tx) (err error) {
		e, err = b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: n, Kind: KindSpend, Source: source})
		return err
	})
	return e, err
}

// want checks what the member sees and that everything can be recomputed.
func (b *bundle) want(balance, available, pending, held, debt int64) {
	b.t.Helper()
	b.view(func(v *db.View) {
		got := Now(v, 1, Points)
		want := Balances{Asset: Points, Balance: balance, Available: available, Pending: pending, Held: held, Debt: debt}
		if got != want {
			b.t.Errorf("balances %+v, want %+v", got, want)
		}
		if r := Verify(v, nil); len(r.Wrong) > 0 {
			b.t.Errorf("verify: %+v", r.Wrong)
		}
		if _, _, wrong := CheckBalances(v); len(wrong) > 0 {
			b.t.Errorf("balance check: %+v", wrong)
		}
	})
}

func (b *bundle) view(f func(*db.View)) {
	b.t.Helper()
	if err := b.d.View(context.Background(), func(v *db.View) error { f(v); return nil }); err != nil {
		b.t.Fatal(err)
	}
}

func TestSoonestExpiringIsSpentFirst(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("late", 100, 300)
	b.earn("soon", 50, 10)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: 10, Kind: KindEarn, Source: "never"})
		return err
	})
	e, err := b.spend("s1", 120)
	if err != nil {
		t.Fatal(err)
	}
	takes := e.Details().Takes
	if len(takes) != 2 || takes[0].N != 50 || takes[1].N != 70 {
		t.Errorf("took %+v", takes)
	}
	b.want(40, 40, 0, 0, 0)
	if _, err := b.spend("s2", 41); !fault.Is(err, ErrInsufficient) {
		t.Errorf("overspending: %v", err)
	}
	b.want(40, 40, 0, 0, 0)
}

func TestSameSourceBooksOnce(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("order:1", 100, 30)
	b.earn("order:1", 100, 30)
	b.want(100, 100, 0, 0, 0)
	err := b.write(func(tx *db.Tx) error {
		_, err := b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: 99, Kind: KindEarn, Source: "order:1"})
		return err
	})
	if !fault.Is(err, ErrReused) {
		t.Errorf("same source, other amount: %v", err)
	}
}

func TestExpiredPointsAreUnusableBeforeAndAfterTheSweep(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 1)
	b.earn("b", 30, 5)
	b.clock.Add(day - 1)
	b.want(130, 130, 0, 0, 0)
	b.clock.Add(1)
	b.want(30, 30, 0, 0, 0) // not swept yet
	if _, err := b.spend("s", 31); !fault.Is(err, ErrInsufficient) {
		t.Errorf("spent expired points: %v", err)
	}
	// A sweep stops at its limit of entries, here after the first of two accounts; once settled there is none to make.
	for _, want := range []int{1, 2} {
		b.view(func(v *db.View) {
			if due := DueAfter(v, AccountKey{}, 100); len(due) != 2-want {
				t.Errorf("%d accounts are due", len(due))
			}
		})
		b.must(func(tx *db.Tx) error {
			done, err := b.l.Sweep(tx, []AccountKey{{1, Points}, {1, Points}}, 1)
			if done != want {
				t.Errorf("%d are done, not %d", done, want)
			}
			return err
		})
	}
	sweep := func() {
		var due []AccountKey
		b.view(func(v *db.View) { due = DueAfter(v, AccountKey{}, 100) })
		b.must(func(tx *db.Tx) error {
			done, err := b.l.Sweep(tx, due, 1000)
			if done != len(due) {
				t.Errorf("%d of %d accounts are swept", done, len(due))
			}
			return err
		})
	}
	sweep()
	sweep()
	b.want(30, 30, 0, 0, 0)
	b.view(func(v *db.View) {
		if flow := Flow(v, Points, 0, 99999999); flow[KindExpire].Amount != -100 || flow[KindExpire].Entries != 1 {
			t.Errorf("flow %+v", flow)
		}
	})
}

func TestHoldKeepsPointsUntilItEnds(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 1)
	var h Hold
	hold := func(source string, n, until int64) error {
		return b.write(func(tx *db.Tx) (err error) {
			h, err = b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: n, Kind: HoldCheckout, Source: source, Until: until})
			return err
		})
	}
	if err := hold("h1", 60, start+2*day); err != nil {
		t.Fatal(err)
	}
	b.want(100, 40, 0, 60, 0)
	if _, err := b.spend("s", 41); !fault.Is(err, ErrInsufficient) {
		t.Errorf("spent held points: %v", err)
	}
	b.clock.Add(day) // the free part expires, the held part waits
	b.want(60, 0, 0, 60, 0)
	post := func() (e Entry, err error) {
		err = b.write(func(tx *db.Tx) (err error) {
			e, err = b.l.PostHold(tx, 1, h.ID, Spend{Kind: KindSpend, Source: "pay:1", Amount: 50})
			return err
		})
		return e, err
	}
	e1, err := post()
	if err != nil {
		t.Fatal(err)
	}
	e2, err := post()
	if err != nil || e1.Seq != e2.Seq {
		t.Errorf("posting twice: %v, entries %d and %d", err, e1.Seq, e2.Seq)
	}
	b.want(0, 0, 0, 0, 0) // 50 spent, 10 set free and expired at once
	err = b.write(func(tx *db.Tx) error { _, err := b.l.VoidHold(tx, 1, h.ID); return err })
	if !fault.Is(err, ErrHoldEnded) {
		t.Errorf("voiding a posted hold: %v", err)
	}
}

func TestHoldRunsOut(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 100)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: 60, Kind: HoldCheckout, Source: "h", Until: tx.Now() + 1000})
		return err
	})
	b.clock.Add(1000)
	b.want(100, 100, 0, 0, 0)
	if _, err := b.spend("s", 100); err != nil {
		t.Error(err)
	}
	b.want(0, 0, 0, 0, 0)
}

func TestPendingMatures(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: 100, Kind: KindEarn, Source: "a", Matures: tx.Now() + 7*day})
		return err
	})
	b.want(100, 0, 100, 0, 0)
	if _, err := b.spend("s", 1); !fault.Is(err, ErrInsufficient) {
		t.Errorf("spent pending points: %v", err)
	}
	b.clock.Add(7 * day)
	b.want(100, 100, 0, 0, 0)
	if _, err := b.spend("s", 100); err != nil {
		t.Error(err)
	}
}

func TestClawbackTakesOwnLotThenOthersThenDebt(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("order:1", 100, 300)
	b.earn("order:2", 30, 400)
	if _, err := b.spend("s", 80); err != nil {
		t.Fatal(err)
	}
	b.must(func(tx *db.Tx) error {
		e, _ := EntryBySource(tx, 1, Points, "order:1")
		_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: e.Seq, Kind: KindClawback, Source: "refund:1", Short: ShortDebt})
		return err
	})
	b.want(-50, 0, 0, 0, 50)
	b.earn("order:3", 70, 100)
	b.want(20, 20, 0, 0, 0)
	err := b.write(func(tx *db.Tx) error {
		_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: 1, Amount: 1, Source: "refund:2", Short: ShortDebt})
		return err
	})
	if !fault.Is(err, ErrReversed) {
		t.Errorf("reversed more than there was: %v", err)
	}
}

func TestSpentPointsGoBackToTheirOwnLots(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 50, 10)
	b.earn("b", 50, 300)
	e, err := b.spend("s", 80)
	if err != nil {
		t.Fatal(err)
	}
	back := func(source string, n int64) {
		t.Helper()
		b.must(func(tx *db.Tx) error {
			_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: e.Seq, Amount: n, Kind: KindRestore, Source: source})
			return err
		})
	}
	back("r1", 40) // 30 to lot b, 10 to lot a
	b.view(func(v *db.View) {
		lots := OpenLots(v, 1, Points, LotKey{}, 10)
		if len(lots) != 2 || lots[0].Remaining != 10 || lots[1].Remaining != 50 {
			t.Errorf("lots %+v", lots)
		}
	})
	b.clock.Add(20 * day) // lot a has expired: the rest comes back with a grace
	back("r2", 40)
	b.want(90, 90, 0, 0, 0)
	b.view(func(v *db.View) {
		lots := OpenLots(v, 1, Points, LotKey{}, 10)
		if len(lots) != 2 || lots[0].Remaining != 40 || lots[0].Expires != clock.Shanghai.StartOfDay(20260129) {
			t.Errorf("lots %+v", lots)
		}
	})
}

func TestMoveAndUnmoveLoseNothing(t *testing.T) {
	t.Parallel()
	b := open(t)
	add := func(tx *db.Tx, m int64, source string, n, days int64) error {
		_, err := b.l.Add(tx, Credit{Member: m, Asset: Points, Amount: n, Kind: KindEarn, Source: source, Expires: tx.Now() + days*day})
		return err
	}
	b.earn("a", 100, 50)
	b.must(func(tx *db.Tx) error {
		for i := range int64(450) {
			if err := add(tx, 2, fmt.Sprint("x", i), 2, 10+i); err != nil {
				return err
			}
		}
		_, err := b.l.Reserve(tx, HoldInput{Member: 2, Asset: Points, Amount: 300, Kind: HoldCheckout, Source: "h", Until: tx.Now() + day})
		return err
	})
	b.must(func(tx *db.Tx) error { return b.l.Move(tx, 2, 1, Points, KindMerge, "merge:9") })
	b.want(1000, 700, 0, 300, 0)
	b.view(func(v *db.View) {
		if got := Now(v, 2, Points); got != (Balances{Asset: Points}) {
			t.Errorf("the merged member still has %+v", got)
		}
	})
	b.clock.Add(day) // the hold ends on its new owner
	b.want(1000, 1000, 0, 0, 0)
	if _, err := b.spend("s", 500); err != nil {
		t.Fatal(err)
	}
	b.must(func(tx *db.Tx) error { return b.l.Unmove(tx, 2, 1, Points, "merge:9", "unmerge:9", nil) })
	b.view(func(v *db.View) {
		one, two := Now(v, 1, Points).Balance, Now(v, 2, Points).Balance
		if one+two != 500 || two == 0 {
			t.Errorf("after the split: %d and %d", one, two)
		}
		if r := Verify(v, nil); len(r.Wrong) > 0 {
			t.Errorf("verify: %+v", r.Wrong)
		}
	})
}

func TestTransferKeepsExpiry(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 50)
	for range 2 {
		b.must(func(tx *db.Tx) error { _, _, err := b.l.Transfer(tx, 1, 2, Points, 60, "t1", "gift"); return err })
	}
	b.want(40, 40, 0, 0, 0)
	b.view(func(v *db.View) {
		lots := OpenLots(v, 2, Points, LotKey{}, 10)
		if len(lots) != 1 || lots[0].Remaining != 60 || lots[0].Expires != start+50*day {
			t.Errorf("lots %+v", lots)
		}
	})
}

func TestBalanceAsOf(t *testing.T) {
	t.Parallel()
	b := open(t)
	for i := range int64(20) {
		b.earn(fmt.Sprint("e", i), 10, 300)
		b.clock.Add(day)
	}
	b.view(func(v *db.View) {
		for i := range int64(20) {
			if got := AsOf(v, 1, Points, start+i*day+5); got != (i+1)*10 {
				t.Errorf("as of day %d: %d", i, got)
			}
		}
		if got := AsOf(v, 1, Points, start-1); got != 0 {
			t.Errorf("before the first entry: %d", got)
		}
	})
}
