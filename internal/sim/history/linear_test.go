package history

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/loyalty/ledger"

	"github.com/anishathalye/porcupine"
)

func open(t *testing.T) *Real {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "guanxi-history-")
	if err != nil {
		dir = t.TempDir()
	}
	d, err := db.Open(context.Background(), db.Options{Dir: dir, Seed: 1, Readers: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = d.Close(), os.RemoveAll(dir) })
	if err := d.Migrate(context.Background(), fact.Schema, ledger.Schema); err != nil {
		t.Fatal(err)
	}
	l := &ledger.Ledger{Zone: clock.Shanghai}
	l.Wire(d)
	return &Real{d, l}
}

// ordered looks for an order of a round's history.
func ordered(t *testing.T, books Books, q Round, patience time.Duration) (ops int, found porcupine.CheckResult) {
	t.Helper()
	history, err := q.Run(context.Background(), books)
	if err != nil {
		t.Fatal(err)
	}
	return len(history), porcupine.CheckOperationsTimeout(account, history, patience)
}

// TestLinear records 10,000 operations, 100,000 with GUANXI_FULL=1, of 16 to 64 clients at once.
func TestLinear(t *testing.T) {
	t.Parallel()
	const perRound = 600
	want := 10_000
	if os.Getenv("GUANXI_FULL") == "1" {
		want = 100_000
	}
	b := open(t)
	ops := 0
	for i := 0; ops < want; i++ {
		q := Round{Seed: uint64(i), Clients: 16 << (i % 3), Ops: perRound, Accounts: 8, First: int64(1 + 8*i), Holds: true, Unknown: 5}
		n, found := ordered(t, b, q, time.Minute)
		if found != porcupine.Ok {
			t.Fatalf("round %d: an order of its %d operations that explains the answers: %s", i, n, found)
		}
		ops += n
	}
	err := b.DB.View(context.Background(), func(v *db.View) error {
		if out := ledger.Verify(v, nil); len(out.Wrong) > 0 {
			t.Errorf("verify: %+v", out.Wrong)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	t.Logf("%d operations", ops)
}

// lostUpdate reads the balance in a view and writes what it computed in a write of its own.
type lostUpdate struct{ *Real }

func (b lostUpdate) set(ctx context.Context, account, by int64) error {
	a, err := b.Read(account)
	if err != nil {
		return err
	}
	if a.Free+by < 0 {
		return ledger.ErrInsufficient.New()
	}
	return b.write(ctx, account, func(tx *db.Tx) error {
		row, _ := ledger.Accounts.Get(tx, ledger.AccountKey{Member: account, Asset: ledger.Points})
		row.Member, row.Asset, row.Due, row.Balance = account, ledger.Points, ledger.Never, a.Free+by
		ledger.Accounts.Put(tx, row)
		return nil
	})
}

func (b lostUpdate) Add(ctx context.Context, account, n int64, _ string) error {
	return b.set(ctx, account, n)
}

func (b lostUpdate) Take(ctx context.Context, account, n int64, _ string) error {
	return b.set(ctx, account, -n)
}

// checkThenAct looks in a view whether there is enough and takes it in a write of its own.
type checkThenAct struct{ *Real }

func (b checkThenAct) Take(ctx context.Context, account, n int64, source string) error {
	a, err := b.Read(account)
	if err != nil || a.Free < n {
		return ledger.ErrInsufficient.New()
	}
	return b.write(ctx, account, func(tx *db.Tx) error {
		_, err := b.Ledger.Take(tx, ledger.Debit{Member: account, Asset: ledger.Points, Amount: n, Kind: ledger.KindSpend, Source: source, Short: ledger.ShortDebt})
		return err
	})
}

// staleRead answers every other read from what it read before.
type staleRead struct {
	*Real
	mu   sync.Mutex
	kept map[int64]Answer
}

func (b *staleRead) Read(account int64) (Answer, error) {
	b.mu.Lock()
	old, ok := b.kept[account]
	delete(b.kept, account)
	b.mu.Unlock()
	if ok {
		return old, nil
	}
	a, err := b.Real.Read(account)
	b.mu.Lock()
	b.kept[account] = a
	b.mu.Unlock()
	return a, err
}

// earlyAnswer says done before the commit.
type earlyAnswer struct{ *Real }

func (b earlyAnswer) Add(_ context.Context, account, n int64, source string) error {
	return b.DB.WriteAsync(db.Op{Owner: account}, func(tx *db.Tx) error {
		_, err := b.Ledger.Add(tx, ledger.Credit{Member: account, Asset: ledger.Points, Amount: n, Kind: ledger.KindEarn, Source: source})
		return err
	}, func(error) {})
}

// TestLinearFindsPlantedFaults proves the checker: each of these breaks in a few rounds.
func TestLinearFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*Real) Books{
		"lost update":      func(b *Real) Books { return lostUpdate{b} },
		"check, then act":  func(b *Real) Books { return checkThenAct{b} },
		"stale read":       func(b *Real) Books { return &staleRead{Real: b, kept: map[int64]Answer{}} },
		"answer too early": func(b *Real) Books { return earlyAnswer{b} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			books := plant(open(t))
			ops := 0
			for i := range 100 { // rounds are short: that there is no order takes long to show
				n, found := ordered(t, books, Round{Seed: uint64(i), Clients: 16, Ops: 120, Accounts: 2, First: int64(1 + 2*i)}, 2*time.Second)
				ops += n
				if found == porcupine.Illegal {
					t.Logf("found in %d operations", ops)
					return
				}
			}
			t.Errorf("not found in %d operations", ops)
		})
	}
}
