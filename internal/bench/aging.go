package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/tier"
)

// What time does by itself: lots expire while members go on earning, and a new ladder is held against all of them. The nightly
// jobs do it as they are; the server's clock is set ahead, so that they find everything due at once.

const (
	agedLots    = 1_000_000 // that expire, with as many members as it takes
	lotsAMember = 10
	agedDays    = 10
	perMillion  = 60 // seconds
	lotsAtOnce  = 50 // members in a write
)

// ahead is a clock that is ahead of the machine's.
type ahead struct{ ms int64 }

func (a ahead) Now() int64 { return clock.System.Now() + a.ms }

type lotsIn struct {
	IDs  string
	Lots int
}

// lots gives points that expire in some days, each at an instant of its own.
func (h *host) lots(ctx context.Context, in lotsIn, progress func(done, of int64)) error {
	ids, err := readIDs(in.IDs)
	if err != nil {
		return err
	}
	each := (in.Lots + len(ids) - 1) / len(ids)
	until := clock.System.Now() + agedDays*clock.Day
	for from := 0; from < len(ids); from += lotsAtOnce {
		some := ids[from:min(from+lotsAtOnce, len(ids))]
		err := h.app.DB.Write(ctx, db.Op{Owners: some, Actor: "bench"}, func(tx *db.Tx) error {
			for _, id := range some {
				for n := range each {
					_, err := h.app.Ledger.Add(tx, ledger.Credit{Member: id, Asset: ledger.Points, Amount: 10, Kind: ledger.KindAdjust, Source: fmt.Sprint("lot:", n),
						Class: ledger.ClassReward, Expires: until + int64(n)*clock.Second, Reason: "bench"})
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		progress(int64(from*each), int64(in.Lots))
	}
	return nil
}

// ladder sets all thresholds a tenth lower from now on, which lifts some members and leaves the others.
func (h *host) ladder(ctx context.Context) error {
	return h.app.DB.Write(ctx, db.Op{Actor: "bench"}, func(tx *db.Tx) error {
		next := tier.Policy.At(tx, tx.Now()).Value
		next.Levels = append([]tier.Level(nil), next.Levels...)
		for i := range next.Levels {
			next.Levels[i].Growth -= next.Levels[i].Growth / 10
			next.Levels[i].Keep -= next.Levels[i].Keep / 10
		}
		_, err := tier.SetPolicy(tx, next, tx.Now(), "bench")
		return err
	})
}

type agedOut struct {
	Done int64 // jobs of the kind that have ended well
	Dead int64
	Lots int64 // expired, but still open
}

// aged tells how many jobs of a kind have ended; with the last of them, what they left undone.
func (h *host) aged(ctx context.Context, kind string) (out agedOut, err error) {
	err = h.app.DB.View(ctx, func(v *db.View) error {
		v.Row("SELECT COUNT(*) FROM job WHERE kind = ? AND state = 'done'", []any{kind}, &out.Done)
		v.Row("SELECT COUNT(*) FROM job WHERE kind = ? AND state = 'dead'", []any{kind}, &out.Dead)
		if out.Done > 0 && kind == app.SweepPoints {
			v.Row("SELECT COUNT(*) FROM ledger_lot WHERE expires_at <= ?", []any{v.Now()}, &out.Lots)
		}
		return nil
	})
	return out, err
}

// aging measures what time does.
func (b *bench) aging(ctx context.Context) error {
	if !b.wantsAny("expiry", "tiers") {
		return nil
	}
	lots := min(agedLots, lotsAMember*len(b.ids))
	var alone float64
	err := b.with(ctx, Config{CPUProfile: b.CPUProfile}, func(s *server) error {
		if b.wants("tiers") {
			if err := b.tiers(ctx, s); err != nil {
				return err
			}
		}
		if !b.wants("expiry") {
			return nil
		}
		if err := s.call("lots", lotsIn{IDs: b.idsFile(), Lots: lots}, nil, func(done, of int64) { b.Progress("expiry", done, of) }); err != nil {
			return err
		}
		var runs []float64
		for range b.Runs {
			r, err := b.earning(s, 0, b.Run).do(ctx)
			if err != nil {
				return err
			}
			runs = append(runs, r.rate(1))
		}
		alone = median(runs)
		return nil
	})
	if err != nil || !b.wants("expiry") {
		return err
	}
	return b.with(ctx, Config{AheadMS: (agedDays + 1) * clock.Day, CPUProfile: b.CPUProfile}, func(s *server) error { return b.expiry(ctx, s, lots, alone) })
}

func (b *bench) earning(s *server, ahead int64, length time.Duration) *load {
	return &load{work: earnWork, addr: s.Addr, key: s.Key, secret: s.Secret, conns: 256, length: length, ids: b.ids, next: &b.n, ahead: time.Duration(ahead) * time.Millisecond}
}

// until asks until a job of a kind has ended.
func (b *bench) until(ctx context.Context, s *server, kind string) (out agedOut, took time.Duration, err error) {
	began := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = s.call("aged", kind, &out, nil); err != nil {
			return out, 0, err
		}
		if out.Dead > 0 {
			b.fail("%s: the job gave up", kind)
		}
		if out.Done+out.Dead > 0 {
			return out, time.Since(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return out, 0, ctx.Err()
		}
	}
}

// expiry lets members earn while the nightly job books out what has expired.
func (b *bench) expiry(ctx context.Context, s *server, lots int, alone float64) error {
	var ended atomic.Bool
	var load sync.WaitGroup
	var beside run
	var failed error
	load.Go(func() {
		for !ended.Load() {
			r, err := b.earning(s, (agedDays+1)*clock.Day, min(b.Run, time.Second)).do(ctx)
			if failed = err; err != nil {
				return
			}
			if !ended.Load() || beside.Took == 0 {
				beside.add(&r)
				beside.Took += r.Took
			}
		}
	})
	out, took, err := b.until(ctx, s, app.SweepPoints)
	ended.Store(true)
	load.Wait()
	if err != nil || failed != nil {
		return fmt.Errorf("bench: expiry: %w", firstOf(err, failed))
	}
	if out.Lots > 0 {
		b.fail("expiry: %d lots are open past their end", out.Lots)
	}
	b.row(Row{Name: "expiry", Zh: fmt.Sprintf("%d 个批次到期，发放照常", lots), En: fmt.Sprintf("the expiry of %d lots while members earn", lots),
		Value: took.Seconds(), Unit: "s", target: target{most: perMillion * float64(lots) / 1e6}})
	r := Row{Name: "expiry_earn", Zh: "到期处理期间的发放速率 ÷ 平时", En: "postings while lots expire ÷ without", Value: beside.rate(1) / max(alone, 1), Unit: times, Runs: []float64{alone, beside.rate(1)}, target: target{least: 0.8}}
	if beside.Errors > 0 {
		r.Error = beside.First
	}
	b.row(r)
	var c checkOut
	if err := s.call("check", nil, &c, nil); err != nil {
		return err
	}
	if len(c.Wrong) > 0 {
		b.fail("after the expiry the books are wrong: %s", strings.Join(c.Wrong[:min(3, len(c.Wrong))], "; "))
	}
	return nil
}

func firstOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// tiers holds a new ladder against all members.
func (b *bench) tiers(ctx context.Context, s *server) error {
	if err := s.call("ladder", nil, nil, nil); err != nil {
		return err
	}
	_, took, err := b.until(ctx, s, string(tier.Reassess))
	if err == nil {
		b.row(Row{Name: "tiers", Zh: fmt.Sprintf("按新规则重评 %d 名会员的等级", len(b.ids)), En: fmt.Sprintf("holding a new ladder against %d members", len(b.ids)),
			Value: took.Seconds(), Unit: "s", target: target{most: perMillion * float64(len(b.ids)) / 1e6}})
	}
	return err
}
