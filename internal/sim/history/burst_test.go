package history

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

// burst releases n calls at once and counts those that were not refused; any refusal but the expected one is a failure.
func burst(t *testing.T, n int, refusal *fault.Kind, call func(i int) error) (passed int64) {
	t.Helper()
	var ready, done sync.WaitGroup
	var count atomic.Int64
	gate := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-gate
			switch err := call(i); {
			case err == nil:
				count.Add(1)
			case !fault.Is(err, refusal):
				t.Errorf("call %d: %v", i, err)
			}
		})
	}
	ready.Wait()
	close(gate)
	done.Wait()
	return count.Load()
}

// TestLinearBursts aims 64 calls at once at a limit, or 32 with one source, ten times each.
func TestLinearBursts(t *testing.T) {
	t.Parallel()
	b := open(t)
	for round := range int64(10) {
		spendTheLast(t, b, 100+round)
		reserveTheLast(t, b, 200+round)
		oneSource(t, b, 300+round)
		endOneHold(t, b, 400+round)
		undoOneEntry(t, b, 500+round)
		oneTransfer(t, b, 600+2*round)
	}
	err := b.DB.View(context.Background(), func(v *db.View) error {
		if out := ledger.Verify(v, nil); len(out.Wrong) > 0 || out.Entries == 0 {
			t.Errorf("verify: %+v", out)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *Real) want(t *testing.T, account int64, want Answer) {
	t.Helper()
	got, err := b.Read(account)
	if err != nil || got != want {
		t.Errorf("account %d shows %+v (%v), want %+v", account, got, err, want)
	}
}

// entries counts the lines of an account.
func (b *Real) entries(t *testing.T, account int64) (n int) {
	t.Helper()
	must(t, b.DB.View(context.Background(), func(v *db.View) error {
		n = len(ledger.Statement(v, account, ledger.Points, 0, 1000))
		return nil
	}))
	return n
}

func spendTheLast(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	must(t, b.Add(ctx, account, 10, "a"))
	passed := burst(t, 64, ledger.ErrInsufficient, func(i int) error { return b.Take(ctx, account, 1, fmt.Sprint("s", i)) })
	if passed != 10 || b.entries(t, account) != 11 {
		t.Errorf("%d of 64 spent the last 10, %d entries", passed, b.entries(t, account))
	}
	b.want(t, account, Answer{})
}

func reserveTheLast(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	must(t, b.Add(ctx, account, 10, "a"))
	passed := burst(t, 64, ledger.ErrInsufficient, func(i int) error { return b.Reserve(ctx, account, 3, fmt.Sprint("h", i)) })
	if passed != 3 {
		t.Errorf("%d of 64 reserved 3 of 10", passed)
	}
	b.want(t, account, Answer{Free: 1, Held: 9})
}

func oneSource(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	if passed := burst(t, 32, nil, func(int) error { return b.Add(ctx, account, 7, "order") }); passed != 32 {
		t.Errorf("%d of 32 replays were answered", passed)
	}
	if passed := burst(t, 32, nil, func(int) error { return b.Take(ctx, account, 2, "pay") }); passed != 32 {
		t.Errorf("%d of 32 replays were answered", passed)
	}
	if n := b.entries(t, account); n != 2 {
		t.Errorf("two sources booked %d entries", n)
	}
	b.want(t, account, Answer{Free: 5})
}

// endOneHold lets half of the calls post and half void one hold: one way wins, for all of its side.
func endOneHold(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	must(t, b.Add(ctx, account, 10, "a"))
	must(t, b.Reserve(ctx, account, 4, "h"))
	var posted, voided atomic.Int64
	burst(t, 64, ledger.ErrHoldEnded, func(i int) error {
		if i%2 == 0 {
			err := b.Void(ctx, account, "h")
			if err == nil {
				voided.Add(1)
			}
			return err
		}
		err := b.write(ctx, account, func(tx *db.Tx) error {
			h := ledger.HoldsOf(tx, account)[0]
			_, err := b.Ledger.PostHold(tx, account, h.ID, ledger.Spend{Kind: ledger.KindSpend, Source: "post"})
			return err
		})
		if err == nil {
			posted.Add(1)
		}
		return err
	})
	switch p, v := posted.Load(), voided.Load(); {
	case p == 32 && v == 0:
		b.want(t, account, Answer{Free: 6})
	case p == 0 && v == 32:
		b.want(t, account, Answer{Free: 10})
	default:
		t.Errorf("%d posts and %d voids of one hold passed", p, v)
	}
}

func undoOneEntry(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	must(t, b.Add(ctx, account, 10, "a"))
	must(t, b.Take(ctx, account, 6, "s"))
	passed := burst(t, 64, ledger.ErrReversed, func(i int) error {
		return b.write(ctx, account, func(tx *db.Tx) error {
			_, err := b.Ledger.Reverse(tx, ledger.Reversal{Member: account, Asset: ledger.Points, Seq: 2, Amount: 2, Source: fmt.Sprint("r", i)})
			return err
		})
	})
	if passed != 3 {
		t.Errorf("%d of 64 gave back 2 of 6", passed)
	}
	b.want(t, account, Answer{Free: 10})
}

func oneTransfer(t *testing.T, b *Real, account int64) {
	t.Helper()
	ctx := context.Background()
	must(t, b.Add(ctx, account, 10, "a"))
	passed := burst(t, 32, nil, func(int) error {
		return b.write(ctx, account, func(tx *db.Tx) error {
			_, _, err := b.Ledger.Transfer(tx, account, account+1, ledger.Points, 6, "gift", "")
			return err
		})
	})
	if passed != 32 {
		t.Errorf("%d of 32 replays were answered", passed)
	}
	b.want(t, account, Answer{Free: 4})
	b.want(t, account+1, Answer{Free: 6})
}
