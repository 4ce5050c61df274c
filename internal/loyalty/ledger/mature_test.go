package ledger

import (
	"testing"

	"guanxi/internal/base/db"
)

// What was taken from a lot while it was pending comes back to it after it was freed: it is free too, and not counted as pending.
func TestWhatComesBackToAFreedLotIsFree(t *testing.T) {
	t.Parallel()
	b := open(t)
	var given, taken Entry
	b.must(func(tx *db.Tx) (err error) {
		given, err = b.l.Add(tx, Credit{Member: 1, Asset: Points, Amount: 100, Kind: KindEarn, Source: "a", Matures: tx.Now() + 7*day})
		return err
	})
	lot := LotKey{Member: 1, Asset: Points, Expires: given.Expires, Lot: given.Lot}
	b.must(func(tx *db.Tx) (err error) {
		taken, err = b.l.Take(tx, Debit{Member: 1, Asset: Points, Amount: 40, Kind: KindAdjust, Source: "b", Prefer: []LotKey{lot}})
		return err
	})
	b.want(60, 0, 60, 0, 0)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Mature(tx, 1, Points, []LotKey{lot}, "c", "")
		return err
	})
	b.want(60, 60, 0, 0, 0)
	b.must(func(tx *db.Tx) error {
		_, err := b.l.Reverse(tx, Reversal{Member: 1, Asset: Points, Seq: taken.Seq, Kind: KindReversal, Source: "d"})
		return err
	})
	b.want(100, 100, 0, 0, 0)
	b.sound()
}
