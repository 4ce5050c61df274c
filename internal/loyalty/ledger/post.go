package ledger

import (
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

// Ledger is the service; Zone decides natural days. PromoFirst says whether points of campaigns and rewards are spent before
// those of purchases (活动积分优先); without it, and among equals, what expires soonest goes first.
type Ledger struct {
	Zone       clock.Zone
	PromoFirst func(db.Reader) bool
}

// eachUsable walks the lots that live in the order they are spent; f stops it with false.
func (l *Ledger) eachUsable(r db.Reader, member int64, asset Asset, f func(Lot) bool) {
	if asset != Points || l.PromoFirst == nil || !l.PromoFirst(r) {
		eachLot(r, member, asset, expired(r.Now()), f)
		return
	}
	more := true
	for _, promo := range [2]bool{true, false} {
		if !more {
			return
		}
		eachLot(r, member, asset, expired(r.Now()), func(lot Lot) bool {
			if promo == (lot.Class > ClassConsumption) {
				more = f(lot)
			}
			return more
		})
	}
}

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
	// Its key still stands behind it, unless it is an award of an order: see AwardSource.
	Fresh bool
}

// whole runs a posting so that a refusal leaves nothing of it, even when the caller meets it and goes on.
func whole[T any](tx *db.Tx, f func() (T, error)) (T, error) {
	var out, none T
	err := tx.Try(func(*db.Tx) (err error) {
		out, err = f()
		return err
	})
	if err != nil {
		return none, err
	}
	return out, nil
}

// Add books a credit. A source booked before gives its entry back and changes nothing.
func (l *Ledger) Add(tx *db.Tx, c Credit) (Entry, error) {
	return whole(tx, func() (Entry, error) { return l.add(tx, c) })
}

func (l *Ledger) add(tx *db.Tx, c Credit) (Entry, error) {
	if err := c.check(); err != nil {
		return Entry{}, err
	}
	if !c.Fresh {
		if e, ok := bySource(tx, c.Member, c.Asset, c.Source); ok {
			return replayed(e, e.Amount == c.Amount)
		}
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
		l.openLot(tx, &a, Lot{Member: c.Member, Asset: c.Asset, Expires: c.Expires, ID: e.Lot, Remaining: left,
			Matures: d.Matures, Class: c.Class, Rule: c.Rule, Granted: c.Amount, Ref: c.Ref})
	}
	if e, err = l.book(tx, a, e, d); err != nil {
		return Entry{}, err
	}
	if c.Expires <= tx.Now() { // it came too late to live: the next who looks shall not see it
		_, err = l.Settle(tx, c.Member, c.Asset)
	}
	return e, err
}

// What a debit does when the account holds too little.
const (
	ShortRefuse   = iota // refuse it
	ShortClip            // take what is there
	ShortDebt            // the rest becomes debt, or is refused when the debt would pass its cap
	ShortDebtClip        // the rest becomes debt up to the cap; what is beyond is not taken
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
	DebtCap  int64 // with ShortDebt: the debt may not pass it; 0 is no cap but MaxBalance
	Other    int64
	Bearer   string // who is relieved of the cost, when it takes back what he bore
	Fresh    bool
	reverses int64
}

// Take books a debit. The entry's amount tells how much was taken; with ShortClip it may be less than asked,
// and an entry of zero is not booked (its Seq is 0).
func (l *Ledger) Take(tx *db.Tx, q Debit) (Entry, error) {
	return whole(tx, func() (Entry, error) { return l.take(tx, q) })
}

func (l *Ledger) take(tx *db.Tx, q Debit) (Entry, error) {
	if err := checkInput(q.Amount, q.Source); err != nil {
		return Entry{}, err
	}
	if !q.Fresh {
		if e, ok := bySource(tx, q.Member, q.Asset, q.Source); ok {
			return replayed(e, tookAsAsked(e, q.Amount, q.Short))
		}
	}
	a, err := l.Settle(tx, q.Member, q.Asset)
	if err != nil {
		return Entry{}, err
	}
	d := Detail{Reverses: q.reverses, Other: q.Other, Reason: q.Reason, Bearer: q.Bearer}
	left := q.Amount
	for _, k := range q.Prefer {
		k.Member = q.Member
		left -= l.takeFrom(tx, &a, &d, k, left)
	}
	if !q.Only {
		now := a
		now.Balance -= q.Amount - left // what was preferred is gone
		left -= l.takeInOrder(tx, &a, &d, min(left, now.Available()))
	}
	switch {
	case left == 0:
	case q.Short == ShortRefuse:
		return Entry{}, ErrInsufficient.With("available", q.Amount-left, "needed", q.Amount)
	case q.Short == ShortDebt:
		if limit := debtCap(q); a.Debt+left > limit {
			return Entry{}, ErrDebtCap.With("cap", limit)
		}
		a.Debt += left
		d.Owed, left = left, 0
	case q.Short == ShortDebtClip:
		d.Owed = min(left, max(0, q.DebtCap-a.Debt))
		a.Debt += d.Owed
		left -= d.Owed
	}
	if left == q.Amount {
		return Entry{}, nil
	}
	e := Entry{Member: q.Member, Asset: q.Asset, Amount: left - q.Amount, Kind: q.Kind, Source: q.Source,
		Occurred: q.Occurred, Rule: q.Rule, Ref: q.Ref}
	return l.book(tx, a, e, d)
}

func checkInput(amount int64, source string) error {
	if err := checkAmount(amount); err != nil {
		return err
	}
	return checkSource(source)
}

// check lets an award of an order through, which no caller can name: it has to be fresh.
func (c Credit) check() error {
	if c.Fresh && strings.HasPrefix(c.Source, awardPrefix) {
		return checkAmount(c.Amount)
	}
	return checkInput(c.Amount, c.Source)
}

func checkAmount(amount int64) error {
	if amount < 1 || amount > MaxAmount {
		return ErrAmount.With("max", MaxAmount)
	}
	return nil
}

// checkSource keeps apart what callers name, what time names and what orders earned.
func checkSource(source string) error {
	if source == "" || len(source) > maxSource || !keyed(source) {
		return ErrSource.With("max", maxSource)
	}
	return nil
}

func debtCap(q Debit) int64 {
	if q.DebtCap > 0 {
		return min(q.DebtCap, MaxBalance)
	}
	return MaxBalance
}

// replayed answers a source that was booked before: with its entry when that says the same, else with a refusal.
func replayed(e Entry, same bool) (Entry, error) {
	if !same {
		return Entry{}, ErrReused.New()
	}
	return e, nil
}

// tookAsAsked says whether an entry is what a debit of n books; one that clips may have taken less.
func tookAsAsked(e Entry, n int64, short int) bool {
	return -e.Amount == n || short == ShortClip && e.Amount < 0 && -e.Amount < n
}

// giveLot adds to a lot, or opens it. What comes back to a lot that was freed before its day is free with it.
func (l *Ledger) giveLot(tx *db.Tx, a *Account, n Lot) {
	lot, ok := Lots.Get(tx, LotKey{n.Member, n.Asset, n.Expires, n.ID})
	if ok {
		lot.Remaining += n.Remaining
		lot.Held += n.Held
		n.Matures = lot.Matures
	} else {
		lot = n
	}
	Lots.Put(tx, lot)
	a.received(tx, n)
}

// openLot opens a lot that was just made, so it need not be looked for.
func (l *Ledger) openLot(tx *db.Tx, a *Account, n Lot) {
	Lots.Put(tx, n)
	a.received(tx, n)
}

// received counts what came in and when time will change it.
func (a *Account) received(tx *db.Tx, n Lot) {
	a.Due = min(a.Due, n.Expires)
	if n.Matures > tx.Now() {
		a.Pending += n.Remaining
		a.Due = min(a.Due, n.Matures)
	}
}

// takeFrom takes up to n of what is free in one lot, in all its parts: a restore may have given some a later expiry.
func (l *Ledger) takeFrom(tx *db.Tx, a *Account, d *Detail, k LotKey, n int64) int64 {
	left := n
	for _, lot := range lotParts(tx, k) {
		left -= l.takeLot(tx, a, d, lot, left)
	}
	return n - left
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
	l.eachUsable(tx, a.Member, a.Asset, func(lot Lot) bool {
		if lot.Matures <= tx.Now() {
			left -= l.takeLot(tx, a, d, lot, left)
		}
		return left > 0
	})
	return n - left
}

// book appends the entry, checks the account and tells the world.
func (l *Ledger) book(tx *db.Tx, a Account, e Entry, d Detail) (Entry, error) {
	e, err := l.record(tx, &a, e, d)
	if err != nil {
		return Entry{}, err
	}
	if err := a.check(); err != nil {
		return Entry{}, err
	}
	return e, tell(tx, e)
}

// record appends the entry and writes its account; the caller checks the account and tells.
func (l *Ledger) record(tx *db.Tx, a *Account, e Entry, d Detail) (Entry, error) {
	a.Seq++
	a.Balance += e.Amount
	d.Debt, d.Actor = a.Debt, tx.Actor()
	e.Seq, e.At, e.Balance = a.Seq, tx.Now(), a.Balance
	if e.Occurred == 0 {
		e.Occurred = e.At
	}
	e.Detail = d.text()
	putAccount(tx, *a)
	l.count(tx, e, d)
	if keyed(e.Source) {
		if err := keys.Insert(tx, key{keyID(e.Member, e.Asset, e.Source), e.Seq}); err != nil {
			return e, err
		}
	}
	return e, Entries.Insert(tx, e)
}

func tell(tx *db.Tx, e Entry) error {
	return fact.Tell(tx, e.Member, Posted{e.Asset, e.Seq, e.Kind, e.Amount, e.Balance, e.Occurred, e.Ref})
}

// check refuses to write an account that can't be true: better no booking than a wrong one.
func (a Account) check() error {
	if a.Pending < 0 || a.Held < 0 || a.Frozen < 0 || a.Debt < 0 || a.Balance+a.Debt < a.Pending+a.Held+a.Frozen || a.Balance > MaxBalance || a.Debt > MaxBalance {
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
