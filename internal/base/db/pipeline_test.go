package db

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// A group may be full by weight long before it is by number, with more waiting behind it.
func TestHeavyFunctionsAreStoredToo(t *testing.T) {
	t.Parallel()
	d := open(t)
	var done sync.WaitGroup
	for i := range 200 {
		done.Add(1)
		err := d.WriteAsync(Op{Weight: maxWeight}, func(tx *Tx) error { return accts.Insert(tx, acct{1, int64(i), 1}) },
			func(err error) {
				if err != nil {
					t.Error(err)
				}
				done.Done()
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	if _, ok := sum(t, d, 1, 199); !ok {
		t.Error("the last row is missing")
	}
}

// What a function reads is what all functions before it left, whether that is stored, being stored or only decided.
// Functions run in the order they are queued, so each compares what it sees with a map that they all keep.
func TestAFunctionSeesAllBeforeIt(t *testing.T) {
	t.Parallel()
	d := open(t)
	h := &history{t: t, r: rand.New(rand.NewPCG(11, 3)), rows: map[[2]int64]int64{}}
	var done sync.WaitGroup
	for range 6000 {
		done.Add(1)
		owner := h.r.Int64N(5) + 1
		op := Op{Owner: owner}
		if h.r.IntN(3) == 0 {
			op = Op{} // its rows are not read ahead
		}
		what, n, by := h.r.IntN(8), h.r.Int64N(12), h.r.Int64N(100)+1
		err := d.WriteAsync(op, func(tx *Tx) error { return h.do(tx, what, owner, n, by) }, func(err error) {
			if (err != nil) != (what == 0) {
				t.Errorf("deed %d: %v", what, err)
			}
			done.Done()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	for k, want := range h.rows {
		if got, ok := sum(t, d, k[0], k[1]); !ok || got != want {
			t.Errorf("row %v is %d, %v; want %d", k, got, ok, want)
		}
	}
	if len(h.rows) == 0 || d.Counts().Commits < 10 || d.Counts().Commits > 3000 {
		t.Errorf("%d rows in %d commits prove nothing", len(h.rows), d.Counts().Commits)
	}
}

type history struct {
	t    *testing.T
	r    *rand.Rand
	rows map[[2]int64]int64
}

func (h *history) do(tx *Tx, what int, owner, n, by int64) error {
	k := [2]int64{owner, n}
	a, ok := accts.Get(tx, k)
	want, there := h.rows[k]
	if ok != there || a.Sum != want {
		h.t.Errorf("row %v reads %d, %v; it was left as %d, %v", k, a.Sum, ok, want, there)
	}
	switch what {
	case 0: // refused, with all it changed
		accts.Put(tx, acct{owner, n, -1})
		accts.Delete(tx, [2]int64{owner, (n + 1) % 12})
		return errNo.New()
	case 1, 2:
		accts.Delete(tx, k)
		delete(h.rows, k)
	case 3:
		h.list(accts.OfOwner(tx, owner), owner, 0, 1000)
	case 4:
		h.list(h.largest(tx, owner, by), owner, by, 3)
	case 5:
		h.list(h.largest(tx, 0, by), 0, by, 3)
	default:
		accts.Put(tx, acct{owner, n, want + by})
		h.rows[k] = want + by
	}
	return nil
}

func (h *history) largest(tx *Tx, owner, over int64) []acct {
	q := Query[acct]{Where: "total > ?", Args: []any{over}, Order: "owner_id, n", Limit: 3, Owner: owner,
		Match: func(a *acct) bool { return a.Sum > over && (owner == 0 || a.Owner == owner) },
		Less:  func(a, b *acct) bool { return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.N, b.N)) < 0 }}
	if owner != 0 {
		q.Where, q.Args = "owner_id = ? AND total > ?", []any{owner, over}
	}
	return accts.Select(tx, q)
}

// list compares rows that were read with those of the map that are over a sum.
func (h *history) list(got []acct, owner, over int64, limit int) {
	keys := slices.SortedFunc(maps.Keys(h.rows), func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) })
	var want []acct
	for _, k := range keys {
		if (owner == 0 || k[0] == owner) && h.rows[k] > over && len(want) < limit {
			want = append(want, acct{k[0], k[1], h.rows[k]})
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Errorf("owner %d over %d reads %v; it was left as %v", owner, over, got, want)
	}
}
