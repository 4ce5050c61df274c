package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"guanxi/internal/base/db"
)

type mark struct{ Batch, K int64 }

type total struct{ ID, N int64 }

var (
	marks = db.NewTable(db.Spec[mark, mark]{Name: "race_mark", Keys: 2, Cols: []string{"batch", "k"},
		Row:  func(r *mark, p []any) []any { return append(p, &r.Batch, &r.K) },
		Key:  func(r *mark) mark { return *r },
		Args: func(k mark, a []any) []any { return append(a, k.Batch, k.K) }})
	totals = db.NewTable(db.Spec[total, int64]{Name: "race_total", Keys: 1, Cols: []string{"id", "n"},
		Row: func(r *total, p []any) []any { return append(p, &r.ID, &r.N) },
		Key: func(r *total) int64 { return r.ID }})
	raceSchema = db.Schema{Feature: "race", Files: fstest.MapFS{"schema/0001.sql": {Data: []byte(`
		CREATE TABLE race_mark (batch bigint NOT NULL, k bigint NOT NULL, PRIMARY KEY (batch, k));
		CREATE TABLE race_total (id bigint NOT NULL, n bigint NOT NULL, PRIMARY KEY (id));`)}}}
)

// racer writes batches to one node: three marks each, and the number of batches there are. It takes a new connection every
// few writes, as a process does that goes from host to host: statements are prepared anew then, in the middle of a group.
func racer(t *testing.T, url string, who int64, until time.Time) (acked []int64) {
	const writes, each = 10, 3
	for n := int64(0); time.Now().Before(until); {
		d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), URL: url})
		if err == nil {
			err = d.Migrate(context.Background(), raceSchema)
		}
		if err != nil {
			t.Error(err)
			return acked
		}
		for range writes {
			batch := 2*n + who
			n++
			err := d.Write(context.Background(), db.Op{Actor: "race"}, func(tx *db.Tx) error {
				sum, _ := totals.Get(tx, 1)
				totals.Put(tx, total{1, sum.N + 1})
				for k := range int64(each) {
					if _, there := marks.Get(tx, mark{batch, k}); there {
						return fmt.Errorf("batch %d is there", batch)
					}
					marks.Put(tx, mark{batch, k})
				}
				return nil
			})
			if err == nil { // else too busy, or of unknown outcome: nothing is promised
				acked = append(acked, batch)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	return acked
}

// TestRacingNodesLoseNothing writes to two nodes of a cluster at once, which ends half of all transactions, and not always
// with a word: what is acknowledged is there, whole, and counted once.
func TestRacingNodesLoseNothing(t *testing.T) {
	if os.Getenv("GUANXI_HA") == "" {
		t.Skip("needs GUANXI_HA, galera-4 and rsync; make ha installs them and runs this")
	}
	g := newGalera(t)
	w := settleTown(t, g.url(), t.TempDir(), 1)
	if err := w.a.DB.Migrate(context.Background(), raceSchema); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Minute)
	var acked [2][]int64
	var racing sync.WaitGroup
	for i := range acked {
		racing.Go(func() { acked[i] = racer(t, g.nodes[i].url(), int64(i), until) })
	}
	racing.Wait()
	there := map[int64]int{}
	var counted total
	err := w.a.DB.View(context.Background(), func(v *db.View) error {
		marks.Each(v, db.Query[mark]{}, func(m *mark) { there[m.Batch]++ })
		counted, _ = totals.Get(v, 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lost, parts := 0, 0
	for _, batch := range append(acked[0], acked[1]...) {
		if there[batch] == 0 {
			lost++
		}
	}
	for _, n := range there {
		if n != 3 {
			parts++
		}
	}
	t.Logf("%d and %d batches acknowledged, %d lost; %d are there, %d of them in part; %d were counted", len(acked[0]), len(acked[1]), lost, len(there), parts, counted.N)
	if lost+parts > 0 || counted.N != int64(len(there)) || len(acked[0]) == 0 || len(acked[1]) == 0 {
		t.Error("not exactly once")
	}
}
