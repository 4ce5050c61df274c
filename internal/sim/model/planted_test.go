package model

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
)

// faulty is a ledger with one fault. Each field stands in for the method of its name when it is set.
type faulty struct {
	*ledger.Ledger
	add      func(*db.Tx, ledger.Credit) (ledger.Entry, error)
	take     func(*db.Tx, ledger.Debit) (ledger.Entry, error)
	reserve  func(*db.Tx, ledger.HoldInput) (ledger.Hold, error)
	post     func(*db.Tx, int64, int64, ledger.Spend) (ledger.Entry, error)
	void     func(*db.Tx, int64, int64) (ledger.Hold, error)
	reverse  func(*db.Tx, ledger.Reversal) (ledger.Entry, error)
	transfer func(*db.Tx, int64, int64, int, int64, string) (ledger.Entry, ledger.Entry, error)
	move     func(*db.Tx, int64, int64, int, string) error
	unmove   func(*db.Tx, int64, int64, int, string, string) error
}

func (f *faulty) Add(tx *db.Tx, c ledger.Credit) (ledger.Entry, error) {
	if f.add != nil {
		return f.add(tx, c)
	}
	return f.Ledger.Add(tx, c)
}

func (f *faulty) Take(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
	if f.take != nil {
		return f.take(tx, q)
	}
	return f.Ledger.Take(tx, q)
}

func (f *faulty) Reserve(tx *db.Tx, q ledger.HoldInput) (ledger.Hold, error) {
	if f.reserve != nil {
		return f.reserve(tx, q)
	}
	return f.Ledger.Reserve(tx, q)
}

func (f *faulty) PostHold(tx *db.Tx, member, hold int64, s ledger.Spend) (ledger.Entry, error) {
	if f.post != nil {
		return f.post(tx, member, hold, s)
	}
	return f.Ledger.PostHold(tx, member, hold, s)
}

func (f *faulty) VoidHold(tx *db.Tx, member, hold int64) (ledger.Hold, error) {
	if f.void != nil {
		return f.void(tx, member, hold)
	}
	return f.Ledger.VoidHold(tx, member, hold)
}

func (f *faulty) Reverse(tx *db.Tx, q ledger.Reversal) (ledger.Entry, error) {
	if f.reverse != nil {
		return f.reverse(tx, q)
	}
	return f.Ledger.Reverse(tx, q)
}

func (f *faulty) Transfer(tx *db.Tx, from, to int64, asset ledger.Asset, n int64, source, reason string) (out, in ledger.Entry, err error) {
	if f.transfer != nil {
		return f.transfer(tx, from, to, asset, n, source)
	}
	return f.Ledger.Transfer(tx, from, to, asset, n, source, reason)
}

func (f *faulty) Move(tx *db.Tx, from, to int64, asset ledger.Asset, kind, source string) error {
	if f.move != nil {
		return f.move(tx, from, to, asset, source)
	}
	return f.Ledger.Move(tx, from, to, asset, kind, source)
}

func (f *faulty) Unmove(tx *db.Tx, from, to int64, asset ledger.Asset, moved, source string, extra func(ledger.Lot) bool) error {
	if f.unmove != nil {
		return f.unmove(tx, from, to, asset, moved, source)
	}
	return f.Ledger.Unmove(tx, from, to, asset, moved, source, extra)
}

// plants are the faults the model must find, each by name.
var plants = map[string]func(l *ledger.Ledger, f *faulty){
	"drops a restore": func(l *ledger.Ledger, f *faulty) {
		f.reverse = func(tx *db.Tx, q ledger.Reversal) (e ledger.Entry, err error) {
			_ = tx.Try(func(tx *db.Tx) error {
				if e, err = l.Reverse(tx, q); e.Amount > 0 {
					return errDoomed // it says what it booked, but has not
				}
				return err
			})
			return e, err
		}
	},
	"restores as new points": func(l *ledger.Ledger, f *faulty) {
		f.reverse = func(tx *db.Tx, q ledger.Reversal) (ledger.Entry, error) {
			e, err := l.Reverse(tx, q)
			for _, g := range e.Details().Gives {
				to := ledger.LotKey{Member: e.Member, Asset: e.Asset, Expires: g.Expires, Lot: g.Lot}
				if lot, ok := ledger.Lots.Get(tx, to); ok && lot.Remaining == g.N && lot.Held == 0 {
					ledger.Lots.Delete(tx, to)
					lot.Expires = ledger.Never
					ledger.Lots.Put(tx, lot)
				}
			}
			return e, err
		}
	},
	"posts a hold twice": func(l *ledger.Ledger, f *faulty) {
		f.post = func(tx *db.Tx, member, hold int64, s ledger.Spend) (ledger.Entry, error) {
			e, err := l.PostHold(tx, member, hold, s)
			if err == nil {
				_, _ = l.Take(tx, ledger.Debit{Member: member, Asset: e.Asset, Amount: -e.Amount, Kind: e.Kind, Source: e.Source + "'", Short: ledger.ShortClip})
			}
			return e, err
		}
	},
	"posts the whole hold for a part": func(l *ledger.Ledger, f *faulty) {
		f.post = func(tx *db.Tx, member, hold int64, s ledger.Spend) (ledger.Entry, error) {
			if h, ok := ledger.FindHold(tx, member, hold); ok && s.Amount < h.Amount {
				s.Amount = 0
			}
			return l.PostHold(tx, member, hold, s)
		}
	},
	"spends the latest-expiring first": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
			if lots := ledger.OpenLots(tx, q.Member, q.Asset, ledger.LotKey{Expires: tx.Now()}, 1000); len(q.Prefer) == 0 && len(lots) > 1 {
				for _, lot := range slices.Backward(lots) {
					if lot.Matures <= tx.Now() {
						q.Prefer = append(q.Prefer, ledger.LotKey{Asset: q.Asset, Expires: lot.Expires, Lot: lot.ID})
					}
				}
			}
			return l.Take(tx, q)
		}
	},
	"forgets to repay debt": func(l *ledger.Ledger, f *faulty) {
		f.add = func(tx *db.Tx, c ledger.Credit) (ledger.Entry, error) {
			e, err := l.Add(tx, c)
			if n := e.Details().Repaid; n > 0 && e.At == tx.Now() {
				a, _ := ledger.Accounts.Get(tx, ledger.AccountKey{Member: c.Member, Asset: c.Asset})
				a.Debt += n
				ledger.Accounts.Put(tx, a)
			}
			return e, err
		}
	},
	"lets points live a millisecond longer": func(l *ledger.Ledger, f *faulty) {
		f.add = func(tx *db.Tx, c ledger.Credit) (ledger.Entry, error) {
			if c.Expires > 0 {
				c.Expires++
			}
			return l.Add(tx, c)
		}
	},
	"lets pending points be spent": func(l *ledger.Ledger, f *faulty) {
		f.add = func(tx *db.Tx, c ledger.Credit) (ledger.Entry, error) { c.Matures = 0; return l.Add(tx, c) }
	},
	"books a replay again": func(l *ledger.Ledger, f *faulty) {
		f.add = func(tx *db.Tx, c ledger.Credit) (ledger.Entry, error) {
			if e, ok := ledger.EntryBySource(tx, c.Member, c.Asset, c.Source); ok && e.Amount == c.Amount && !c.Fresh {
				c.Source += fmt.Sprint("/", e.Seq, tx.ID())
			}
			return l.Add(tx, c)
		}
	},
	"takes another amount for a replay": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
			e, err := l.Take(tx, q)
			if fault.Is(err, ledger.ErrReused) {
				e, _ = ledger.EntryBySource(tx, q.Member, q.Asset, q.Source)
				return e, nil
			}
			return e, err
		}
	},
	"ignores the cap of debt": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) { q.DebtCap = 0; return l.Take(tx, q) }
	},
	"makes debt where it should clip": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
			if q.Short == ledger.ShortClip {
				q.Short = ledger.ShortDebt
			}
			return l.Take(tx, q)
		}
	},
	"leaves half of what it refused": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
			e, err := l.Take(tx, q)
			if fault.Is(err, ledger.ErrInsufficient) {
				q.Short = ledger.ShortClip
				_, _ = l.Take(tx, q)
			}
			return e, err
		}
	},
	"ends a hold a millisecond early": func(l *ledger.Ledger, f *faulty) {
		f.reserve = func(tx *db.Tx, q ledger.HoldInput) (ledger.Hold, error) {
			if q.Until > 0 {
				q.Until--
			}
			return l.Reserve(tx, q)
		}
	},
	"counts a freeze as a checkout": func(l *ledger.Ledger, f *faulty) {
		f.reserve = func(tx *db.Tx, q ledger.HoldInput) (ledger.Hold, error) {
			q.Kind = ledger.HoldCheckout
			return l.Reserve(tx, q)
		}
	},
	"says a hold is void and keeps it": func(l *ledger.Ledger, f *faulty) {
		f.void = func(tx *db.Tx, member, hold int64) (h ledger.Hold, err error) {
			_ = tx.Try(func(tx *db.Tx) error { h, err = l.VoidHold(tx, member, hold); return errDoomed })
			return h, err
		}
	},
	"refunds from other lots than its own": func(l *ledger.Ledger, f *faulty) {
		f.take = func(tx *db.Tx, q ledger.Debit) (ledger.Entry, error) {
			if q.Prefer = nil; q.Only {
				q.Only = false
			}
			return l.Take(tx, q)
		}
	},
	"makes a point in a transfer": func(l *ledger.Ledger, f *faulty) {
		f.transfer = func(tx *db.Tx, from, to int64, asset int, n int64, source string) (out, in ledger.Entry, err error) {
			if out, in, err = l.Transfer(tx, from, to, asset, n, source, ""); err == nil {
				_, err = l.Add(tx, ledger.Credit{Member: to, Asset: asset, Amount: 1, Kind: ledger.KindTransfer, Source: source + "'"})
			}
			return out, in, err
		}
	},
	"loses holds in a move": func(l *ledger.Ledger, f *faulty) {
		f.move = func(tx *db.Tx, from, to int64, asset int, source string) error {
			for _, h := range ledger.HoldsOf(tx, from) {
				if h.Asset == asset && h.State == ledger.HoldOpen {
					_, _ = l.VoidHold(tx, from, h.ID)
				}
			}
			return l.Move(tx, from, to, asset, ledger.KindMerge, source)
		}
	},
	"splits off what never came over": func(l *ledger.Ledger, f *faulty) {
		f.unmove = func(tx *db.Tx, from, to int64, asset int, moved, source string) error {
			return l.Unmove(tx, from, to, asset, moved, source, func(ledger.Lot) bool { return true })
		}
	},
}

// TestModelFindsPlantedFaults proves the checker: a ledger with a fault must not pass, the same one without it must.
func TestModelFindsPlantedFaults(t *testing.T) {
	t.Parallel()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		o := Options{Dir: folder(t), Seed: 42, Steps: perDatabase, Wrap: func(l *ledger.Ledger) Ledger { return &faulty{Ledger: l} }}
		if _, err := Drive(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	})
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Dir: folder(t), Seed: 42, Steps: perDatabase, Wrap: func(l *ledger.Ledger) Ledger {
				f := &faulty{Ledger: l}
				plant(l, f)
				return f
			}}
			r, err := Drive(context.Background(), o)
			if err == nil {
				t.Fatalf("not found in %d steps", r.Steps)
			}
			t.Logf("found after %d steps: %v", r.Steps, err)
		})
	}
}
