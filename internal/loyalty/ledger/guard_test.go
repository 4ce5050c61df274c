package ledger

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
)

// give adds never-expiring points to any member.
func (b *bundle) give(member int64, source string, n int64) {
	b.t.Helper()
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Add(tx, Credit{Member: member, Asset: Points, Amount: n, Kind: KindEarn, Source: source})
		return err
	})
}

// refused wants the write to be refused with a kind of fault and the ledger to stay true.
func (b *bundle) refused(want *fault.Kind, f func(*db.Tx) error) {
	b.t.Helper()
	if err := b.write(f); !fault.Is(err, want) {
		b.t.Errorf("got %v, want %s", err, want.Code)
	}
	b.sound()
}

func (b *bundle) sound() {
	b.t.Helper()
	b.view(func(v *db.View) {
		if r := Verify(v, nil); len(r.Wrong) > 0 {
			b.t.Errorf("verify: %+v", r.Wrong)
		}
	})
}

func (b *bundle) balance(member int64) (n int64) {
	b.t.Helper()
	b.view(func(v *db.View) { n = Now(v, member, Points).Balance })
	return n
}

func TestTransferOfOneSourceReachesOneReceiver(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(1, "a", 100)
	transfer := func(to, n int64) func(*db.Tx) error {
		return func(tx *db.Tx) error { _, _, err := b.l.Transfer(tx, 1, to, Points, n, "t", ""); return err }
	}
	b.must(transfer(2, 60))
	b.must(transfer(2, 60))
	b.refused(ErrReused, transfer(3, 60))
	b.refused(ErrReused, transfer(2, 40))
	b.give(4, "t", 60) // the same source and amount, but no transfer
	b.refused(ErrReused, transfer(4, 60))
	if one, two, three := b.balance(1), b.balance(2), b.balance(3); one != 40 || two != 60 || three != 0 {
		t.Errorf("balances %d, %d, %d", one, two, three)
	}
}

func TestReplayWithOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(1, "a", 100)
	b.give(1, "b", 100)
	take := func(n int64, short int) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: n, Kind: KindSpend, Source: "s", Short: short})
			return err
		}
	}
	b.must(take(30, ShortRefuse))
	b.must(take(30, ShortRefuse))
	b.refused(ErrReused, take(31, ShortRefuse))
	b.refused(ErrReused, take(29, ShortClip))
	b.must(take(50, ShortClip)) // a clipped debit may have taken less than was asked
	hold := func(source, kind string) (h Hold, err error) {
		err = b.write(func(tx *db.Tx) (err error) {
			h, err = b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: 10, Kind: kind, Source: source})
			return err
		})
		return h, err
	}
	h1, _ := hold("h1", HoldCheckout)
	h2, _ := hold("h2", HoldCheckout)
	if _, err := hold("h1", HoldFreeze); !fault.Is(err, ErrReused) {
		t.Errorf("the same source as a freeze: %v", err)
	}
	post := func(h Hold, source string, n int64) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			_, err := b.l.PostHold(tx, 1, h.ID, Spend{Kind: KindSpend, Source: source, Amount: n})
			return err
		}
	}
	b.must(post(h1, "p", 10))
	b.must(post(h1, "p", 0))
	b.refused(ErrReused, post(h1, "p", 9))
	b.refused(ErrReused, post(h2, "p", 10)) // h2 is still open: saying "done" would be a lie
	reverse := func(seq, n int64) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: seq, Amount: n, Source: "r"})
			return err
		}
	}
	b.must(reverse(1, 5))
	b.must(reverse(1, 5))
	b.refused(ErrReused, reverse(1, 6))
	b.refused(ErrReused, reverse(2, 5))
}

func TestEverySourceIsChecked(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(1, "a", 100)
	e, err := b.spend("s", 50)
	if err != nil {
		t.Fatal(err)
	}
	var h Hold
	b.must(func(tx *db.Tx) (err error) {
		h, err = b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: 10, Kind: HoldCheckout, Source: "h"})
		return err
	})
	for _, source := range []string{"", strings.Repeat("x", 191), "expire:7"} {
		b.refused(ErrSource, func(tx *db.Tx) error {
			_, err := b.l.PostHold(tx, 1, h.ID, Spend{Kind: KindSpend, Source: source})
			return err
		})
		b.refused(ErrSource, func(tx *db.Tx) error {
			_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: e.Seq, Source: source})
			return err
		})
		b.refused(ErrSource, func(tx *db.Tx) error { return b.l.Move(tx, 1, 2, Points, KindMerge, source) })
	}
}

// A caller may meet a refusal and go on, say with a smaller amount: nothing of what was refused may stay.
// An award needs no key, since its order is new; so its form of source is nobody else's, and its amount is checked all the same.
func TestOnlyAFreshOrderNamesAnAward(t *testing.T) {
	t.Parallel()
	b := open(t)
	source := AwardSource(7, 3)
	add := func(n int64, fresh bool) func(*db.Tx) error {
		return func(tx *db.Tx) error {
			_, err := b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: n, Kind: KindEarn, Source: source, Fresh: fresh})
			return err
		}
	}
	b.refused(ErrSource, add(50, false))
	b.refused(ErrAmount, add(0, true))
	b.refused(ErrAmount, add(MaxAmount+1, true))
	b.must(add(50, true))
	b.refused(ErrSource, func(tx *db.Tx) error {
		_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 5, Kind: KindSpend, Source: source, Fresh: true})
		return err
	})
	if n := b.balance(1); n != 50 {
		t.Errorf("the balance is %d", n)
	}
}

func TestRefusedPostingLeavesNothingThoughTheCallerGoesOn(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 50, 10)
	b.earn("b", 50, 20)
	b.must(func(tx *db.Tx) error {
		if _, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 101, Kind: KindSpend, Source: "s"}); !fault.Is(err, ErrInsufficient) {
			t.Errorf("took too much: %v", err)
		}
		if _, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 120, Kind: KindSpend, Source: "s", Short: ShortDebt, DebtCap: 5}); !fault.Is(err, ErrDebtCap) {
			t.Errorf("took too much debt: %v", err)
		}
		if _, _, err := b.l.Transfer(tx, 1, 2, Points, 101, "t", ""); !fault.Is(err, ErrInsufficient) {
			t.Errorf("transferred too much: %v", err)
		}
		return nil
	})
	b.want(100, 100, 0, 0, 0)
}

func TestDebtHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	b := open(t)
	err := b.write(func(tx *db.Tx) error {
		for i := range 1001 {
			_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: MaxAmount, Kind: KindSpend, Source: fmt.Sprint("s", i), Short: ShortDebt})
			if err != nil {
				return fmt.Errorf("after %d: %w", i, err)
			}
		}
		return nil
	})
	if !fault.Is(err, ErrDebtCap) || !strings.HasPrefix(err.Error(), "after 1000:") {
		t.Errorf("debt without end: %v", err)
	}
}

func TestExpiringLeavesOutWhatExpiredThisInstant(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 1)
	b.earn("b", 7, 2)
	b.clock.Add(day)
	b.view(func(v *db.View) {
		got := ExpiringBefore(v, 1, Points, start+10*day)
		if len(got) != 1 || got[0] != (Expiring{start + 2*day, 7}) {
			t.Errorf("expiring %+v", got)
		}
	})
}

// A reaction to what time did to an account posts on the same account.
func TestReactionsToSettlingMeetASettledAccount(t *testing.T) {
	t.Parallel()
	b := open(t)
	bus := fact.NewBus(b.d)
	n := 0
	spend := func(tx *db.Tx, amount int64) error {
		n++
		_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: amount, Kind: KindSpend, Source: fmt.Sprint("reaction:", n)})
		return err
	}
	fact.On(bus, func(tx *db.Tx, e fact.Event[HoldEnded]) error {
		_, err := b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: 1, Kind: HoldFreeze, Source: fmt.Sprint("again:", e.Body.Hold)})
		return errors.Join(err, spend(tx, 1))
	})
	fact.On(bus, func(tx *db.Tx, e fact.Event[Posted]) error {
		if e.Body.Kind == KindExpire {
			return spend(tx, 10)
		}
		return nil
	})
	for i := range int64(12) { // more instants of expiry than a cascade may be deep
		b.earn(fmt.Sprint("short", i), 100, 1+i)
	}
	b.earn("long", 1000, 300)
	b.must(func(tx *db.Tx) error {
		for i := range 5 {
			h := HoldInput{Member: 1, Asset: Points, Amount: 30, Kind: HoldCheckout, Source: fmt.Sprint("h", i), Until: tx.Now() + day}
			if _, err := b.l.Reserve(tx, h); err != nil {
				return err
			}
		}
		return nil
	})
	b.clock.Add(20 * day)
	b.must(func(tx *db.Tx) error { _, err := b.l.Settle(tx, 1, Points); return err })
	b.view(func(v *db.View) {
		got := Now(v, 1, Points)
		// 12 lots expired at 12 instants, each answered by a spend of 10; 5 holds ran out, each by a spend of 1 and a freeze of 1
		if want := (Balances{Asset: Points, Balance: 1000 - 120 - 5, Available: 1000 - 120 - 10, Frozen: 5}); got != want {
			t.Errorf("balances %+v, want %+v", got, want)
		}
	})
	b.sound()
}

func TestReversalIsNotReversedWhateverItsKind(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(1, "a", 100)
	var e Entry
	b.must(func(tx *db.Tx) (err error) {
		e, err = b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: 1, Amount: 60, Kind: KindClawback, Source: "refund"})
		return err
	})
	b.refused(ErrNotReversible, func(tx *db.Tx) error {
		_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: e.Seq, Source: "again"})
		return err
	})
	b.want(40, 40, 0, 0, 0)
}

// A debit took 50 from a lot and owed 50; later points repaid the debt. Given back in two parts, the lot
// gets 50, not more, and what had been debt comes back as a new lot.
func TestWhatWasOwedComesBackAsItself(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 50, 300)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 100, Kind: KindSpend, Source: "s", Short: ShortDebt})
		return err
	})
	b.earn("b", 50, 200) // repays the debt
	for i, n := range []int64{60, 40} {
		b.must(func(tx *db.Tx) error {
			_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: 2, Amount: n, Kind: KindRestore, Source: fmt.Sprint("r", i)})
			return err
		})
	}
	b.want(100, 100, 0, 0, 0)
	b.view(func(v *db.View) {
		lots := OpenLots(v, 1, Points, LotKey{}, 10)
		if len(lots) != 2 || lots[0].Remaining != 50 || lots[1].Remaining != 50 || lots[1].Expires != start+300*day {
			t.Errorf("lots %+v", lots)
		}
	})
}

// A lot restored twice after its expiry lies in two parts with one id; a refund finds both before it touches other lots.
func TestRefundFindsEveryPartOfItsLot(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("a", 100, 1)
	if _, err := b.spend("s", 100); err != nil {
		t.Fatal(err)
	}
	b.earn("other", 70, 2) // would be spent first
	for i := range int64(2) {
		b.clock.Add(day)
		b.must(func(tx *db.Tx) error {
			_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: 2, Amount: 50, Kind: KindRestore, Source: fmt.Sprint("r", i)})
			return err
		})
	}
	b.must(func(tx *db.Tx) error {
		e, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: 1, Kind: KindClawback, Source: "refund", Short: ShortDebt})
		if d := e.Details(); len(d.Takes) != 2 || d.Takes[0].N != 50 || d.Takes[1].N != 50 || d.Takes[0].Lot != d.Takes[1].Lot {
			t.Errorf("took %+v", d.Takes)
		}
		return err
	})
	b.sound()
}

// A refund takes its own lot though there is debt; what it takes besides is what is truly free, not the debt's cover.
func TestPreferredLotsAreNoLongerAvailable(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.earn("own", 83, 300)
	b.earn("other", 13, 200)
	b.must(func(tx *db.Tx) error { // a debt of 1 comes over by a merge, so it stands beside the lots
		_, err := b.l.Take(tx, Debit{Member: 2, Asset: Points, Amount: 1, Kind: KindSpend, Source: "s", Short: ShortDebt})
		return err
	})
	b.must(b.move(2, 1, "m"))
	b.want(95, 95, 0, 0, 1)
	b.refused(ErrInsufficient, func(tx *db.Tx) error {
		own, _ := EntryBySource(tx, 1, Points, "own")
		_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 96, Kind: KindClawback, Source: "refund",
			Prefer: []LotKey{{1, Points, own.Expires, own.Lot}}})
		return err
	})
	b.want(95, 95, 0, 0, 1)
}
