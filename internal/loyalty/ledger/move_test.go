package ledger

import (
	"errors"
	"fmt"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

func (b *bundle) move(from, to int64, source string) func(*db.Tx) error {
	return func(tx *db.Tx) error { return b.l.Move(tx, from, to, Points, KindMerge, source) }
}

func (b *bundle) unmove(from, to int64, moved, source string) func(*db.Tx) error {
	return func(tx *db.Tx) error { return b.l.Unmove(tx, from, to, Points, moved, source, nil) }
}

func (b *bundle) hold(member int64, source string, n, until int64) (h Hold) {
	b.t.Helper()
	b.must(func(tx *db.Tx) (err error) {
		h, err = b.l.Reserve(tx, HoldInput{Member: member, Asset: Points, Amount: n, Kind: HoldCheckout, Source: source, Until: until})
		return err
	})
	return h
}

func TestMovingNothingLeavesNoAccounts(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.must(b.move(2, 1, "m"))
	b.must(b.unmove(2, 1, "m", "u"))
	b.view(func(v *db.View) {
		if rows := Accounts.Select(v, db.Query[Account]{}); len(rows) != 0 {
			t.Errorf("accounts %+v", rows)
		}
	})
	b.give(1, "a", 10)
	b.must(b.move(2, 1, "m2"))
	b.view(func(v *db.View) {
		if rows := Accounts.Select(v, db.Query[Account]{}); len(rows) != 1 || rows[0].Balance != 10 {
			t.Errorf("accounts %+v", rows)
		}
	})
}

func TestMoveHappensOnceAndNeverToItself(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(2, "a", 100)
	b.refused(ErrSelf, b.move(2, 2, "m"))
	b.must(b.move(2, 1, "m"))
	b.give(2, "late", 5)
	b.must(b.move(2, 1, "m")) // a replay moves nothing more
	if one, two := b.balance(1), b.balance(2); one != 100 || two != 5 {
		t.Errorf("balances %d and %d", one, two)
	}
	b.refused(ErrSelf, b.unmove(2, 2, "m", "u"))
	b.must(b.unmove(2, 1, "m", "u"))
	b.must(b.move(2, 1, "m2"))
	b.must(b.unmove(2, 1, "m", "u"))
	if one, two := b.balance(1), b.balance(2); one != 105 || two != 0 {
		t.Errorf("after the replayed split: %d and %d", one, two)
	}
	b.sound()
}

func TestMoveKeepsTheBalanceLimit(t *testing.T) {
	t.Parallel()
	b := open(t)
	for m := range int64(2) {
		b.must(func(tx *db.Tx) error {
			for i := range 600 {
				if _, err := b.l.Add(tx, Credit{Member: m + 1, Asset: Points, Amount: MaxAmount, Kind: KindEarn, Source: fmt.Sprint("a", i)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.refused(ErrBalance, b.move(2, 1, "m"))
}

// A split leaves the held part of a lot behind; merged again, the parts join and stay held.
func TestHeldPartsOfALotJoinAgain(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(2, "a", 100)
	h := b.hold(2, "h", 60, 0)
	b.must(b.move(2, 1, "m1"))
	b.must(b.unmove(2, 1, "m1", "u1"))
	b.hold(2, "h2", 30, 0)
	b.must(b.move(2, 1, "m2"))
	b.want(100, 10, 0, 90, 0)
	b.must(func(tx *db.Tx) error { _, err := b.l.VoidHold(tx, 1, h.ID); return err })
	b.want(100, 70, 0, 30, 0)
}

func TestHoldsOfOneSourceMeetInAMove(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.give(1, "a", 100)
	b.give(2, "a", 100)
	b.hold(1, "h", 20, 0)
	h := b.hold(2, "h", 30, 0)
	b.must(b.move(2, 1, "m"))
	b.want(200, 150, 0, 50, 0)
	b.must(func(tx *db.Tx) error { _, err := b.l.VoidHold(tx, 1, h.ID); return err })
	b.want(200, 180, 0, 20, 0)
}

// While an account moves it holds more than it has; who hears of the entries must meet it whole.
func TestReactionsToAMoveMeetWholeAccounts(t *testing.T) {
	t.Parallel()
	b := open(t)
	n := 0
	fact.On(fact.NewBus(b.d), func(tx *db.Tx, e fact.Event[Posted]) error {
		if e.Body.Kind != KindMerge {
			return nil
		}
		n++
		_, err := b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 10, Kind: KindSpend, Source: fmt.Sprint("x", n)})
		_, err2 := b.l.Reserve(tx, HoldInput{Member: 1, Asset: Points, Amount: 10, Kind: HoldFreeze, Source: fmt.Sprint("x", n)})
		return errors.Join(err, err2)
	})
	b.must(func(tx *db.Tx) error {
		for i := range int64(450) {
			if _, err := b.l.Add(tx, Credit{Member: 2, Asset: Points, Amount: 2, Kind: KindEarn, Source: fmt.Sprint("a", i), Expires: start + (2+i)*day}); err != nil {
				return err
			}
		}
		return nil
	})
	b.hold(2, "h", 300, start+day)
	b.must(b.move(2, 1, "m"))
	b.view(func(v *db.View) {
		want := Balances{Asset: Points, Balance: 840, Available: 840 - 300 - 60, Held: 300, Frozen: 60}
		if got := Now(v, 1, Points); got != want || n != 6 {
			t.Errorf("balances %+v after %d entries, want %+v", got, n, want)
		}
	})
	b.sound()
}
