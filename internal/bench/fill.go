package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"guanxi/internal/app/importer"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/tier"
)

// source is the system that the members of the benchmark, and the orders of its file, come from.
const source = "bench"

type fillIn struct {
	Members int    // how many there shall be
	Entries int    // of each: one of growth, the others of points
	IDs     string // the file of their ids
	First   int    // the number of the first
	Bought  bool   // each has an order of long ago
}

// A write of the preload makes so many members; it counts as more than they are postings, so that few share a commit.
const (
	atOnce     = 100
	fillWeight = 512
	inFlight   = 32
)

// fill makes members, with growth and points, until there are enough.
func (h *host) fill(ctx context.Context, in fillIn, progress func(done, of int64)) error {
	ids, err := readIDs(in.IDs)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	made := make([][]int64, (in.Members-len(ids)+atOnce-1)/atOnce)
	var mu sync.Mutex // guards failed, which the writer sets
	var failed error
	var group sync.WaitGroup
	free := make(chan struct{}, inFlight)
	for i := range made {
		from := len(ids) + i*atOnce
		to := min(from+atOnce, in.Members)
		free <- struct{}{}
		group.Add(1)
		err := h.app.DB.WriteAsync(db.Op{Actor: "bench", Weight: fillWeight}, func(tx *db.Tx) (err error) {
			made[i], err = h.some(tx, in, in.First+from, in.First+to)
			return err
		}, func(err error) {
			mu.Lock()
			if failed == nil {
				failed = err
			}
			mu.Unlock()
			<-free
			group.Done()
		})
		if err != nil {
			return err
		}
		if i%100 == 0 {
			progress(int64(from), int64(in.Members))
		}
		if ctx.Err() != nil {
			break
		}
	}
	group.Wait()
	if err := errors.Join(ctx.Err(), failed); err != nil {
		return err
	}
	return writeIDs(in.IDs, append(ids, slices.Concat(made...)...))
}

// some makes the members numbered from … to-1.
func (h *host) some(tx *db.Tx, in fillIn, from, to int) ([]int64, error) {
	ids := make([]int64, 0, to-from)
	for n := from; n < to; n++ {
		who := member.Identity{Kind: member.KindExternal, Issuer: source, Value: vault.Hide(reference(n))}
		m, _, err := h.app.Members.Join(tx, member.Join{Identities: []member.Identity{who}, Channel: "bench", Source: source})
		if err != nil {
			return nil, err
		}
		for e := range in.Entries {
			if err := h.give(tx, m.ID, n, e); err != nil {
				return nil, err
			}
		}
		if in.Bought {
			if err := h.sell(tx, m.ID, n); err != nil {
				return nil, err
			}
		}
		ids = append(ids, m.ID)
	}
	return ids, nil
}

// give books the e-th entry of a member: first growth, which spreads members over all tiers, then points that last.
func (h *host) give(tx *db.Tx, id int64, n, e int) error {
	c := ledger.Credit{Member: id, Asset: ledger.Points, Amount: 1_000_000, Kind: ledger.KindAdjust, Source: fmt.Sprint("bench:", e),
		Class: ledger.ClassReward, Expires: tx.Now() + int64(300+e)*clock.Day, Reason: "bench", Fresh: true}
	if e == 0 {
		c.Asset, c.Amount, c.Class = ledger.Growth, int64(1+mix(uint64(n))%3000), 0
	}
	_, err := h.app.Ledger.Add(tx, c)
	return err
}

// sell books the order that a member had before the measuring begins.
func (h *host) sell(tx *db.Tx, id int64, n int) error {
	_, _, err := h.app.Orders.Take(tx, order.In{Source: source, No: fmt.Sprintf("A%09d", n), Member: id, Amount: int64(100 + mix(uint64(n))%50_000),
		Channel: "pos", Store: "S01", Occurred: tx.Now() - clock.Day})
	return err
}

// reference is what the outside calls a member.
func reference(n int) string { return fmt.Sprintf("m%07d", n) }

func readIDs(path string) ([]int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(b)/8)
	for i := range ids {
		ids[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return ids, nil
}

func writeIDs(path string, ids []int64) error {
	b := make([]byte, 0, 8*len(ids))
	for _, n := range ids {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return os.WriteFile(path, b, 0o600)
}

type readsIn struct{ IDs string }

// readsOut is how long reads take that must not grow with the programme.
type readsOut struct {
	Members   int
	AheadUS   float64 // "ahead of N %", read anew
	BalanceUS float64 // the balance of a member
}

const samples = 2000

func (h *host) reads(ctx context.Context, in readsIn) (out readsOut, err error) {
	ids, err := readIDs(in.IDs)
	if err != nil {
		return out, err
	}
	out.Members = len(ids)
	ahead, balance := make([]int64, 0, samples), make([]int64, 0, samples)
	for i := range uint64(samples) {
		err := h.app.DB.View(ctx, func(v *db.View) error {
			began := time.Now()
			_ = tier.StandingNow(v).Ahead(int64(i % 3000))
			ahead = append(ahead, int64(time.Since(began)))
			began = time.Now()
			_ = ledger.Now(v, ids[mix(i)%uint64(len(ids))], ledger.Points)
			balance = append(balance, int64(time.Since(began)))
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	out.AheadUS, out.BalanceUS = median(ahead)/1000, median(balance)/1000
	return out, nil
}

// writeOrders makes a file of orders of members that are there.
func writeOrders(path string, orders, members int, first uint64, now time.Time) error {
	f, err := os.Create(filepath.Clean(path))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = io.WriteString(w, "order,time,member,amount\n") // a bufio.Writer keeps its first error for Flush
	for i := range orders {
		n := first + uint64(i)
		at := clock.Shanghai.Format("2006-01-02 15:04:05", now.Add(-time.Duration(orders-i)*time.Second/10).UnixMilli())
		cents := 100 + mix(n)%50_000
		_, _ = fmt.Fprintf(w, "F%d,%s,%s,%d.%02d\n", n, at, reference(int(mix(n)%uint64(members))), cents/100, cents%100)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

type importIn struct{ Path string }

type importOut struct {
	Orders int64
	Others int64 // records that were anything but a new order
	MS     int64
}

func (h *host) importFile(ctx context.Context, in importIn) (importOut, error) {
	began := time.Now()
	r, err := h.app.Importer.Run(ctx, in.Path, orderfile.Options{Zone: h.app.Zone}, importer.Options{Source: source, Channel: "import"})
	return importOut{r.Orders, r.Records() - r.Orders + r.Guests + r.Joined, time.Since(began).Milliseconds()}, err
}
