package model

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"guanxi/internal/loyalty/ledger"
)

// key names an account.
type key struct {
	member int64
	asset  int
}

// lot is points that expire together; as a part of one, n says how much.
type lot struct {
	id, expires, matures, n int64
	class                   int
	rule, granted           int64
	ref                     string
}

// row is one line of an account. Expiry writes none here: a paper ledger just strikes the points out.
type row struct {
	source, kind    string
	amount, balance int64
	owed            int64
	took            []lot // parts of lots, in the order taken
	gave            []lot // parts of lots that arrived, in order
	hold            int   // ordinal of the hold it spent, 0 when none
	other           int64
	undoes          string // source of the row it reverses, in the account of undoesOf
	undoesOf        int64
	undone          int64
}

// hold is an amount set apart.
type hold struct {
	n      int // ordinal, from 1
	member int64
	asset  int
	kind   string
	state  string
	amount int64
	until  int64
	source string
	parts  []lot
}

// Book is the model.
type Book struct {
	now   int64
	ids   int64
	promo bool          // points of campaigns and rewards are spent first
	lots  map[key][]lot // in spending order
	debt  map[key]int64
	rows  map[key][]row
	open  []hold
	ended []hold
}

// NewBook is an empty ledger at an instant.
func NewBook(now int64) *Book {
	return &Book{now: now, lots: map[key][]lot{}, debt: map[key]int64{}, rows: map[key][]row{}}
}

// clone copies what may still change; parts in rows and holds never do.
func (b *Book) clone() *Book {
	c := *b
	c.lots, c.rows, c.debt = map[key][]lot{}, map[key][]row{}, maps.Clone(b.debt)
	for k, v := range b.lots {
		c.lots[k] = slices.Clone(v)
	}
	for k, v := range b.rows {
		c.rows[k] = slices.Clone(v)
	}
	c.open, c.ended = slices.Clone(b.open), slices.Clone(b.ended)
	return &c
}

// at moves time on: holds run out, and what expired and is not held is struck out.
func (b *Book) at(now int64) {
	b.now = now
	for i := 0; i < len(b.open); {
		if b.open[i].until <= now {
			b.close(i, ledger.HoldExpired)
		} else {
			i++
		}
	}
	b.strike()
}

func (b *Book) strike() {
	for k, lots := range b.lots {
		for i := range lots {
			if lots[i].expires <= b.now {
				lots[i].n = b.heldOf(k, lots[i])
			}
		}
		b.lots[k] = slices.DeleteFunc(lots, func(l lot) bool { return l.n == 0 })
	}
}

func (b *Book) close(i int, state string) {
	h := b.open[i]
	h.state = state
	b.open = slices.Delete(b.open, i, i+1)
	b.ended = append(b.ended, h)
}

// heldOf sums what open holds keep of a lot.
func (b *Book) heldOf(k key, l lot) (n int64) {
	for _, h := range b.open {
		if h.member != k.member || h.asset != k.asset {
			continue
		}
		for _, p := range h.parts {
			if p.id == l.id && p.expires == l.expires {
				n += p.n
			}
		}
	}
	return n
}

func (b *Book) free(k key, l lot) int64 { return l.n - b.heldOf(k, l) }

// sums gives what an account shows.
func (b *Book) sums(k key) ledger.Balances {
	s := ledger.Balances{Asset: k.asset, Debt: b.debt[k]}
	for _, l := range b.lots[k] {
		s.Balance += l.n
		if l.matures > b.now {
			s.Pending += l.n
		}
	}
	for _, h := range b.open {
		switch {
		case h.member != k.member || h.asset != k.asset:
		case h.kind == ledger.HoldFreeze:
			s.Frozen += h.amount
		default:
			s.Held += h.amount
		}
	}
	s.Balance -= s.Debt
	s.Available = max(0, s.Balance-s.Pending-s.Held-s.Frozen)
	return s
}

func (b *Book) find(k key, source string) *row {
	for i := range b.rows[k] {
		if b.rows[k][i].source == source {
			return &b.rows[k][i]
		}
	}
	return nil
}

// write adds a row with the balance after it.
func (b *Book) write(k key, r row) *row {
	r.balance = b.sums(k).Balance
	b.rows[k] = append(b.rows[k], r)
	return &b.rows[k][len(b.rows[k])-1]
}

// put adds points to a lot, or opens it in its place.
func (b *Book) put(k key, l lot) {
	for i, was := range b.lots[k] {
		if was.id == l.id && was.expires == l.expires {
			b.lots[k][i].n += l.n
			return
		}
	}
	b.lots[k] = append(b.lots[k], l)
	slices.SortFunc(b.lots[k], func(x, y lot) int {
		return cmp.Or(cmp.Compare(x.expires, y.expires), cmp.Compare(x.id, y.id))
	})
}

// pull takes up to n of the free points of the lots that may be taken, in spending order.
func (b *Book) pull(k key, n int64, may func(lot) bool) (took []lot) {
	for i := range b.lots[k] {
		l := b.lots[k][i]
		part := min(n, b.free(k, l))
		if part <= 0 || !may(l) {
			continue
		}
		b.lots[k][i].n -= part
		n -= part
		l.n = part
		took = append(took, l)
	}
	b.lots[k] = slices.DeleteFunc(b.lots[k], func(l lot) bool { return l.n == 0 })
	return took
}

// receive lets parts arrive: what is owed is repaid from them first.
func (b *Book) receive(k key, parts []lot) (gave []lot) {
	for _, p := range parts {
		repaid := min(b.debt[k], p.n)
		b.debt[k] -= repaid
		if p.n -= repaid; p.n > 0 {
			b.put(k, p)
			gave = append(gave, p)
		}
	}
	return gave
}

func total(parts []lot) (n int64) {
	for _, p := range parts {
		n += p.n
	}
	return n
}

// inOrder walks the lots of an account in the order they are spent.
func (b *Book) inOrder(k key, f func(lot)) {
	for _, class := range [2]bool{true, false} {
		for _, l := range slices.Clone(b.lots[k]) {
			if promo := l.class > ledger.ClassConsumption; !b.promo || k.asset != ledger.Points {
				if class {
					f(l)
				}
			} else if promo == class {
				f(l)
			}
		}
	}
}

func (b *Book) newID() int64 {
	b.ids++
	return b.ids
}

func (b *Book) usable(l lot) bool { return l.expires > b.now && l.matures <= b.now }

var shanghai = func() *time.Location {
	l, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return l
}()

// graced is the expiry of points that come back: at least the end of the seventh day after today.
func (b *Book) graced(expires int64) int64 {
	if expires > b.now {
		return expires
	}
	y, m, d := time.UnixMilli(b.now).In(shanghai).Date()
	return time.Date(y, m, d+8, 0, 0, 0, 0, shanghai).UnixMilli()
}
