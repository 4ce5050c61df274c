package model

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// folder gives a folder in memory where there is one: the model tries rules, not disks.
func folder(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "guanxi-model-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func number(t testing.TB, name string) (n int, set bool) {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is not a number above 0", name, text)
	}
	return n, true
}

const perDatabase = 5000

// TestModel takes 20,000 steps, 500,000 with GUANXI_FULL=1, or GUANXI_STEPS, each 5,000 on a fresh database.
// GUANXI_SEED sets the seed of the first.
func TestModel(t *testing.T) {
	t.Parallel()
	steps := 20_000
	if os.Getenv("GUANXI_FULL") == "1" {
		steps = 500_000
	}
	if n, ok := number(t, "GUANXI_STEPS"); ok {
		steps = n
	}
	seed := 1
	if n, ok := number(t, "GUANXI_SEED"); ok {
		seed = n
	}
	var all tally
	t.Run("databases", func(t *testing.T) {
		for from := 0; from < steps; from += perDatabase {
			n, s := min(perDatabase, steps-from), uint64(seed+from/perDatabase)
			t.Run(fmt.Sprint("seed ", s), func(t *testing.T) {
				t.Parallel()
				r, err := Drive(context.Background(), Options{Dir: folder(t), Seed: s, Steps: n})
				if err != nil {
					t.Fatal(err)
				}
				all.add(r)
			})
		}
	})
	t.Logf("%d steps in %d functions and %d commits", all.Steps, all.Functions, all.Commits)
	if !t.Failed() && steps >= 20_000 {
		all.covers(t)
	}
}

type tally struct {
	mu sync.Mutex
	Report
}

func (a *tally) add(r Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Steps += r.Steps
	a.Functions += r.Functions
	a.Commits += r.Commits
	if a.Seen == nil {
		a.Seen = map[string]int{}
	}
	for k, n := range r.Seen {
		a.Seen[k] += n
	}
}

// covers wants every answer of every operation to have come up: what never happens is not tried.
func (a *tally) covers(t *testing.T) {
	t.Helper()
	for op, codes := range map[string]string{
		opAdd:      ",ledger.amount,ledger.source,ledger.source_reused,duplicate",
		opTake:     ",ledger.amount,ledger.source,ledger.source_reused,ledger.insufficient,ledger.debt_cap",
		opReserve:  ",ledger.amount,ledger.source,ledger.source_reused,ledger.insufficient",
		opPost:     ",ledger.amount,ledger.source,ledger.source_reused,ledger.no_hold,ledger.hold_ended",
		opVoid:     ",ledger.no_hold,ledger.hold_ended",
		opReverse:  ",ledger.source,ledger.source_reused,ledger.no_entry,ledger.not_reversible,ledger.reversed,ledger.insufficient",
		opTransfer: ",ledger.amount,ledger.source,ledger.source_reused,ledger.insufficient,ledger.same_member",
		opMove:     ",ledger.source,ledger.same_member",
		opUnmove:   ",ledger.same_member",
		opMature:   ",ledger.source,ledger.source_reused",
		opSweep:    "",
	} {
		for code := range strings.SplitSeq(codes, ",") {
			if n := a.Seen[op+" "+code]; n < 5 {
				t.Errorf("%s answered %q only %d times", op, code, n)
			}
		}
	}
}
