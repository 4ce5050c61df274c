package db

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"
)

// A table whose rows are read for a whole group, once two of it asked for the same row of another owner.
var besides = NewTable(Spec[acct, [2]int64]{
	Name: "beside", Cols: []string{"owner_id", "n", "total"}, Keys: 2,
	Row:   func(r *acct, p []any) []any { return append(p, &r.Owner, &r.N, &r.Sum) },
	Key:   func(r *acct) [2]int64 { return [2]int64{r.Owner, r.N} },
	Args:  func(k [2]int64, a []any) []any { return append(a, k[0], k[1]) },
	Owner: func(k [2]int64) int64 { return k[0] },
	Of:    func(k [2]int64, owner int64) [2]int64 { return [2]int64{owner, k[1]} },
})

func openBeside(t *testing.T) *DB {
	t.Helper()
	d := open(t)
	err := d.Migrate(t.Context(), Schema{Feature: "beside", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte(
		"CREATE TABLE beside (owner_id bigint NOT NULL, n bigint NOT NULL, total bigint NOT NULL, PRIMARY KEY (owner_id, n));")}}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ofOwners runs a function for each of some owners in one group.
func ofOwners(d *DB, owners []int64, fn func(tx *Tx, owner int64) error) []error {
	calls := make([]*call, len(owners))
	for i, o := range owners {
		calls[i] = &call{op: Op{Owner: o}, fn: func(tx *Tx) error { return fn(tx, o) }}
	}
	d.runGroup(calls, alone)
	out := make([]error, len(owners))
	for i, c := range calls {
		out[i] = c.err
	}
	return out
}

func TestARowAskedForTwiceIsReadForTheWholeGroup(t *testing.T) {
	t.Parallel()
	d := openBeside(t)
	var owners []int64
	for o := range int64(100) {
		owners = append(owners, o+1)
	}
	count := func(tx *Tx, owner int64) error {
		a, _ := besides.Get(tx, [2]int64{owner, owner % 2})
		besides.Put(tx, acct{owner, owner % 2, a.Sum + owner})
		return nil
	}
	for range 3 {
		before := d.w.seen.Statements
		if err := errors.Join(ofOwners(d, owners, count)...); err != nil {
			t.Fatal(err)
		}
		if n := d.w.seen.Statements - before; n > 20 {
			t.Errorf("%d statements for 100 owners", n)
		}
	}
	err := d.View(t.Context(), func(v *View) error {
		for _, o := range owners {
			if a, _ := besides.Get(v, [2]int64{o, o % 2}); a.Sum != 3*o {
				t.Errorf("owner %d has %d", o, a.Sum)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a group reads and writes is held against a map, with functions that are refused half-way, rows that are deleted, and
// owners that the group did not name.
func TestRowsOfAGroupAgainstAMap(t *testing.T) {
	t.Parallel()
	d := openBeside(t)
	rng := rand.New(rand.NewPCG(7, 7))
	model := map[[2]int64]int64{}
	refused := errors.New("refused")
	for range 300 {
		var owners []int64
		for range 1 + rng.IntN(12) {
			owners = append(owners, 1+rng.Int64N(9))
		}
		var wrong error
		ofOwners(d, owners, func(tx *Tx, owner int64) error {
			mine := map[[2]int64]int64{}
			for k, v := range model {
				mine[k] = v
			}
			for range 1 + rng.IntN(5) {
				k := [2]int64{owner, rng.Int64N(3)}
				if rng.IntN(8) == 0 {
					k[0] = 1 + rng.Int64N(9)
				}
				a, ok := besides.Get(tx, k)
				if was, there := mine[k]; was != a.Sum || there != ok {
					wrong = fmt.Errorf("%v is %d (%t), not %d (%t)", k, a.Sum, ok, was, there)
				}
				switch rng.IntN(4) {
				case 0:
					besides.Delete(tx, k)
					delete(mine, k)
				case 1:
				default:
					mine[k] = rng.Int64N(1000)
					besides.Put(tx, acct{k[0], k[1], mine[k]})
				}
			}
			if rng.IntN(4) == 0 {
				return refused
			}
			model = mine
			return nil
		})
		if wrong != nil {
			t.Fatal(wrong)
		}
	}
	if len(model) == 0 {
		t.Error("nothing was kept")
	}
}
