package ledger

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

// Ledger is the service; Zone decides natural days.
type Ledger struct{ Zone clock.Zone }

// Credit adds to an account and opens a lot.
type Credit struct {
	Member   int64
	Asset    Asset
	Amount   int64
	Kind     string
	Source   string
	Occurred int64 // 0 is now
	Class    int
	Expires  int64 // 0 is never
	Matures  int64 // 0 is at once
	Rule     int64
	Ref      string
	Reason   string
	Bearer   string
	// Fresh says the source can't have been booked before, because it names a row made in this Tx.
	// The unique index still stands behind it.
	Fresh bool
}

// Add books a credit. A source booked before gives its entry back and changes nothing.
func (l *Ledger) Add(tx *db.Tx, c Credit) (Entry, error) {
	if err := checkInput(c.Amount, c.Source); err != nil {
		return Entry{}, err
	}
	if e, done, err := l.replay(tx, c.Fresh, c.Member, c.Asset, c.Source, c.Amount); done || err != nil {
		return e, err
	}
	a, err := l.Settle(tx, c.Member, c.Asset)
	if err != nil {
		return Entry{}, err
	}
	if a.Balance+c.Amount > MaxBalance {
		return Entry{}, ErrBalance.New()
	}
	if c.Expires == 0 {
		c.Expires = Never
	}
	e := Entry{Member: c.Member, Asset: c.Asset, Amount: c.Amount, Kind: c.Kind, Source: c.Source, Occurred: c.Occurred,
		Expires: c.Expires, Class: c.Class, Rule: c.Rule, Ref: c.Ref, Lot: tx.ID()}
	d := Detail{Repaid: min(a.Debt, c.Amount), Reason: c.Reason, Bearer: c.Bearer}
	if c.Matures > tx.Now() {
		d.Matures = c.Matures
	}
	a.Debt -= d.Repaid
	if left := c.Amount - d.Repaid; left > 0 {
		l.giveLot(tx, &a, Lot{Member: c.Member, Asset: c.Asset, Expires: c.Expires, ID: e.Lot, Remaining: left,
			Matures: d.Matures, Class: c.Class, Rule: c.Rule, Granted: c.Amount, Ref: c.Ref})
	}
	return l.book(tx, a, e, d)
}

// What a debit does when the account holds too little.
const (
	ShortRefuse = iota // refuse it
	ShortClip          // take what is there
	ShortDebt          // the rest becomes debt
)

// Debit takes from an account.
type Debit struct {
	Member   int64
	Asset    Asset
	Amount   int64
	Kind     string
	Source   string
	Occurred int64
	Rule     int64
	Ref      string
	Reason   string
	Prefer   []LotKey // taken first, even while pending: the lots a refund takes back
	Only     bool     // take from Prefer alone
	Short    int
	DebtCap  int64 // with ShortDebt: the debt may not pass it; 0 is no cap
	Reverses int64
	Other    int64
	Fresh    bool
}

// Take books a debit. The entry's amount tells how much was taken; with ShortClip it may be less than asked,
// and an entry of zero is not booked (its Seq is 0).
func (l *Ledger) Take(tx *db.Tx, q Debit) (Entry, error) {
	if err := checkInput(q.Amount, q.Source); err != nil {
		return Entry{}, err
	}
	if e, done, err := l.replay(tx, q.Fresh, q.Member, q.Asset, q.Source, 0); done || err != nil {
		return e, err
	}
	a, err := l.Settle(tx, q.Member, q.Asset)
	if err != nil {
		return Entry{}, err
	}
	d := Detail{Reverses: q.Reverses, Other: q.Other, Reason: q.Reason}
	left := q.Amount
	for _, k := range q.Prefer {
		k.Member = q.Member
		left -= l.takeFrom(tx, &a, &d, k, left)
	}
	if !q.Only {
		left -= l.takeInOrder(tx, &a, &d, min(left, a.Available()))
	}
	switch {
	case left == 0:
	case q.Short == ShortRefuse:
		return Entry{}, ErrInsufficient.With("available", q.Amount-left, "needed", q.Amount)
	case q.Short == ShortDebt:
		if q.DebtCap > 0 && a.Debt+left > q.DebtCap {
			return Entry{}, ErrDebtCap.With("cap", q.DebtCap)
		}
		a.Debt += left
		d.Owed, left = left, 0
	}
	if left == q.Amount {
		return Entry{}, nil
	}
	e := Entry{Member: q.Member, Asset: q.Asset, Amount: left - q.Amount, Kind: q.Kind, Source: q.Source,
		Occurred: q.Occurred, Rule: q.Rule, Ref: q.Ref}
	return l.book(tx, a, e, d)
}

func checkInput(amount int64, source string) error {
	if amount < 1 || amount > MaxAmount {
		return ErrAmount.With("max", MaxAmount)
	}
	if source == "" || len(source) > 190 {
		return ErrSource.New()
	}
	return nil
}

// replay finds what the source has booked before; another amount under the same source is refused.
func (l *Ledger) replay(tx *db.Tx, fresh bool, member int64, asset Asset, source string, amount int64) (Entry, bool, error) {
	if fresh {
		return Entry{}, false, nil
	}
	e, ok := bySource(tx, member, asset, source)
	if ok && amount != 0 && e.Amount != amount {
		return Entry{}, false, ErrReused.New()
	}
	return e, ok, nil
}

// giveLot adds to a lot, or opens it.
func (l *Ledger) giveLot(tx *db.Tx, a *Account, n Lot) {
	lot, ok := Lots.Get(tx, LotKey{n.Member, n.Asset, n.Expires, n.ID})
	if ok {
		lot.Remaining += n.Remaining
	} else {
		lot = n
	}
	Lots.Put(tx, lot)
	a.Due = min(a.Due, n.Expires)
	if n.Matures > tx.Now() {
		a.Pending += n.Remaining
		a.Due = min(a.Due, n.Matures)
	}
}

// takeFrom takes up to n of what is free in one lot.
func (l *Ledger) takeFrom(tx *db.Tx, a *Account, d *Detail, k LotKey, n int64) int64 {
	lot, ok := findLot(tx, k)
	if !ok {
		return 0
	}
	return l.takeLot(tx, a, d, lot, n)
}

// findLot finds an open lot by id, even when a restore has given it a later expiry.
func findLot(r db.Reader, k LotKey) (Lot, bool) {
	if lot, ok := Lots.Get(r, k); ok {
		return lot, true
	}
	rows := Lots.Select(r, db.Query[Lot]{
		Where: "member_id = ? AND asset = ? AND lot_id = ?", Args: []any{k.Member, k.Asset, k.Lot},
		Order: "expires_at", Owner: k.Member,
		Match: func(l *Lot) bool { return l.Asset == k.Asset && l.ID == k.Lot }, Less: lotLess,
	})
	if len(rows) == 0 {
		return Lot{}, false
	}
	return rows[0], true
}

func (l *Ledger) takeLot(tx *db.Tx, a *Account, d *Detail, lot Lot, n int64) int64 {
	n = min(n, lot.Remaining-lot.Held)
	if n <= 0 {
		return 0
	}
	lot.Remaining -= n
	if lot.Matures > tx.Now() {
		a.Pending -= n
	}
	putLot(tx, lot)
	d.Takes = append(d.Takes, takeOf(lot, n))
	return n
}

func takeOf(lot Lot, n int64) Take {
	return Take{Lot: lot.ID, N: n, Expires: lot.Expires, Matures: lot.Matures, Class: lot.Class, Rule: lot.Rule, Granted: lot.Granted, Ref: lot.Ref}
}

// putLot writes a lot, or removes it when nothing is left.
func putLot(tx *db.Tx, lot Lot) {
	if lot.Remaining == 0 {
		Lots.Delete(tx, LotKey{lot.Member, lot.Asset, lot.Expires, lot.ID})
		return
	}
	Lots.Put(tx, lot)
}

// takeInOrder takes n from matured lots, soonest-expiring first.
func (l *Ledger) takeInOrder(tx *db.Tx, a *Account, d *Detail, n int64) int64 {
	if n <= 0 {
		return 0
	}
	left := n
	eachLot(tx, a.Member, a.Asset, Lot{Expires: tx.Now()}, func(lot Lot) bool {
		if lot.Matures <= tx.Now() {
			left -= l.takeLot(tx, a, d, lot, left)
		}
		return left > 0
	})
	return n - left
}

// book appends the entry, checks the account and tells the world.
func (l *Ledger) book(tx *db.Tx, a Account, e Entry, d Detail) (Entry, error) {
	probe := a
	probe.Balance += e.Amount
	if err := probe.check(); err != nil {
		return Entry{}, err
	}
	return l.append(tx, a, e, d)
}

func (l *Ledger) append(tx *db.Tx, a Account, e Entry, d Detail) (Entry, error) {
	a.Seq++
	a.Balance += e.Amount
	d.Debt, d.Actor = a.Debt, tx.Actor()
	e.Seq, e.At, e.Balance = a.Seq, tx.Now(), a.Balance
	if e.Occurred == 0 {
		e.Occurred = e.At
	}
	e.Detail = d.text()
	Accounts.Put(tx, a)
	if err := Entries.Insert(tx, e); err != nil {
		return Entry{}, err
	}
	l.count(tx, e, d)
	_, err := fact.Emit(tx, e.Member, Posted{e.Asset, e.Seq, e.Kind, e.Amount, e.Balance, e.Occurred, e.Ref})
	return e, err
}

// check refuses to write an account that can't be true: better no booking than a wrong one.
func (a Account) check() error {
	if a.Pending < 0 || a.Held < 0 || a.Frozen < 0 || a.Debt < 0 || a.Balance+a.Debt < a.Pending+a.Held+a.Frozen || a.Balance > MaxBalance {
		return errBroken.With("account", a)
	}
	return nil
}

func (l *Ledger) count(tx *db.Tx, e Entry, d Detail) {
	day := l.Zone.LocalDay(tx.Now())
	bump(tx, TotalKey{e.Asset, day, e.Kind}, e.Amount)
	if delta := d.Owed - d.Repaid; delta != 0 {
		bump(tx, TotalKey{e.Asset, day, "debt"}, delta)
	}
}

func bump(tx *db.Tx, k TotalKey, by int64) {
	t, _ := Totals.Get(tx, k)
	t.Asset, t.Day, t.Kind = k.Asset, k.Day, k.Kind
	t.Amount += by
	t.Entries++
	Totals.Put(tx, t)
}
