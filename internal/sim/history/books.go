package history

import (
	"context"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
)

// Real is the ledger as the doors use it: changes through Write, reads through View.
type Real struct {
	DB     *db.DB
	Ledger *ledger.Ledger
}

func (b *Real) write(ctx context.Context, account int64, f func(*db.Tx) error) error {
	return b.DB.Write(ctx, db.Op{Owner: account, Actor: "history"}, f)
}

// Add gives points.
func (b *Real) Add(ctx context.Context, account, n int64, source string) error {
	return b.write(ctx, account, func(tx *db.Tx) error {
		_, err := b.Ledger.Add(tx, ledger.Credit{Member: account, Asset: ledger.Points, Amount: n, Kind: ledger.KindEarn, Source: source})
		return err
	})
}

// Take spends points.
func (b *Real) Take(ctx context.Context, account, n int64, source string) error {
	return b.write(ctx, account, func(tx *db.Tx) error {
		_, err := b.Ledger.Take(tx, ledger.Debit{Member: account, Asset: ledger.Points, Amount: n, Kind: ledger.KindSpend, Source: source})
		return err
	})
}

// Reserve sets points apart.
func (b *Real) Reserve(ctx context.Context, account, n int64, source string) error {
	return b.write(ctx, account, func(tx *db.Tx) error {
		_, err := b.Ledger.Reserve(tx, ledger.HoldInput{Member: account, Asset: ledger.Points, Amount: n, Kind: ledger.HoldCheckout, Source: source})
		return err
	})
}

// Void sets them free.
func (b *Real) Void(ctx context.Context, account int64, source string) error {
	return b.write(ctx, account, func(tx *db.Tx) error {
		for _, h := range ledger.HoldsOf(tx, account) {
			if h.Source == source {
				_, err := b.Ledger.VoidHold(tx, account, h.ID)
				return err
			}
		}
		return ledger.ErrNoHold.New()
	})
}

// Read gives what can be spent and what is held.
func (b *Real) Read(account int64) (a Answer, err error) {
	err = b.DB.View(context.Background(), func(v *db.View) error {
		now := ledger.Now(v, account, ledger.Points)
		a = Answer{Free: now.Available, Held: now.Held}
		return nil
	})
	return a, err
}

// Done waits for what is queued, which a write of its own comes after, and looks for what the source did.
func (b *Real) Done(op int, account int64, source string) (done bool, err error) {
	err = b.write(context.Background(), account, func(tx *db.Tx) error {
		done = false
		if op != reserve {
			_, done = ledger.EntryBySource(tx, account, ledger.Points, source)
			return nil
		}
		for _, h := range ledger.HoldsOf(tx, account) {
			done = done || h.Source == source
		}
		return nil
	})
	return done, err
}
