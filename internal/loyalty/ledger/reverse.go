package ledger

import (
	"fmt"
	"slices"

	"guanxi/internal/base/db"
)

// Reversal undoes an entry, wholly or in part (冲正): always by a new entry.
type Reversal struct {
	Member int64
	Asset  Asset
	Seq    int64
	Amount int64 // positive; 0 reverses all that is left
	Kind   string
	Source string
	Ref    string
	Reason string
	Short  int   // when a credit is reversed and its points are spent
	To     int64 // the member who has the account now, when the entry's was merged; 0 is the same
}

// Reverse books the opposite of an entry. What was taken goes back to its own lots; what was given is taken
// from its own lot first. All partial reversals together never pass the entry; a reversal can't be reversed.
func (l *Ledger) Reverse(tx *db.Tx, q Reversal) (Entry, error) {
	return whole(tx, func() (Entry, error) { return l.reverse(tx, q) })
}

func (l *Ledger) reverse(tx *db.Tx, q Reversal) (Entry, error) {
	if q.Kind == "" {
		q.Kind = KindReversal
	}
	if q.To == 0 {
		q.To = q.Member
	}
	if err := checkSource(q.Source); err != nil {
		return Entry{}, err
	}
	key := EntryKey{q.Member, q.Asset, q.Seq}
	orig, ok := Entries.Get(tx, key)
	if !ok {
		return Entry{}, ErrNoEntry.New()
	}
	if e, ok := bySource(tx, q.To, q.Asset, q.Source); ok {
		return replayed(e, q.made(e))
	}
	if !orig.reversible() {
		return Entry{}, ErrNotReversible.New()
	}
	done, _ := reversals.Get(tx, key)
	left := max(orig.Amount, -orig.Amount) - done.Amount
	if q.Amount == 0 {
		q.Amount = left
	}
	if q.Amount < 0 || q.Amount > left || left == 0 {
		return Entry{}, ErrReversed.With("left", left)
	}
	var e Entry
	var err error
	if orig.Amount < 0 {
		e, err = l.giveBack(tx, q, orig, done.Amount)
	} else {
		e, err = l.takeBack(tx, q, orig)
	}
	if err != nil || e.Seq == 0 {
		return Entry{}, err
	}
	reversals.Put(tx, reversed{q.Member, q.Asset, q.Seq, done.Amount + max(e.Amount, -e.Amount)})
	return e, nil
}

// made says whether an entry is what this reversal books.
func (q Reversal) made(e Entry) bool {
	d := e.Details()
	if d.Reverses != q.Seq || d.Other != q.other() {
		return false
	}
	return q.Amount == 0 || e.Amount == q.Amount || tookAsAsked(e, q.Amount, q.Short)
}

// other is the member whose entry is reversed, when it is not the account's own.
func (q Reversal) other() int64 {
	if q.To == q.Member {
		return 0
	}
	return q.Member
}

func (e *Entry) reversible() bool {
	switch e.Kind {
	case KindReversal, KindRestore, KindMerge, KindUnmerge, KindExpire, KindMature:
		return false
	}
	return e.Details().Reverses == 0
}

func (l *Ledger) takeBack(tx *db.Tx, q Reversal, orig Entry) (Entry, error) {
	d := orig.Details()
	prefer := []LotKey{{q.To, q.Asset, orig.Expires, orig.Lot}}
	for _, g := range d.Gives {
		prefer = append(prefer, LotKey{q.To, q.Asset, g.Expires, g.Lot})
	}
	return l.take(tx, Debit{Member: q.To, Asset: q.Asset, Amount: q.Amount, Kind: q.Kind, Source: q.Source,
		Ref: q.Ref, Reason: q.Reason, Prefer: prefer, Short: q.Short, Other: q.other(), Bearer: d.Bearer, reverses: orig.Seq})
}

// giveBack restores points to the lots they were taken from, the longest-lived first; skip is what went back before.
// What had become debt comes first: it is forgiven or, repaid meanwhile by later points, given as a new lot.
func (l *Ledger) giveBack(tx *db.Tx, q Reversal, orig Entry, skip int64) (Entry, error) {
	a, err := l.Settle(tx, q.To, q.Asset)
	if err != nil {
		return Entry{}, err
	}
	if a.Balance+q.Amount > MaxBalance {
		return Entry{}, ErrBalance.New()
	}
	was := orig.Details()
	d := Detail{Reverses: orig.Seq, Other: q.other(), Reason: q.Reason}
	owed := min(q.Amount, max(0, was.Owed-skip))
	gives := backwards(was.Takes, max(0, skip-was.Owed), q.Amount-owed)
	if owed > 0 {
		fresh := Take{Lot: tx.ID(), N: owed, Expires: l.grace(tx, 0), Class: ClassReward, Granted: owed}
		gives = slices.Insert(gives, 0, fresh)
	}
	l.giveAll(tx, &a, &d, gives)
	return l.book(tx, a, Entry{Member: q.To, Asset: q.Asset, Amount: q.Amount, Kind: q.Kind, Source: q.Source, Ref: q.Ref}, d)
}

// backwards walks takes from the last, skips what went back before, and gives the parts that make up n.
func backwards(takes []Take, skip, n int64) []Take {
	var out []Take
	for _, t := range slices.Backward(takes) {
		s := min(skip, t.N)
		skip -= s
		t.N = min(n, t.N-s)
		n -= t.N
		if t.N > 0 {
			out = append(out, t)
		}
	}
	return out
}

// giveAll opens or refills lots; open debt is repaid from them first.
func (l *Ledger) giveAll(tx *db.Tx, a *Account, d *Detail, gives []Take) {
	for _, g := range gives {
		g.Expires = l.grace(tx, g.Expires)
		if g.Matures <= tx.Now() {
			g.Matures = 0
		}
		repaid := min(a.Debt, g.N)
		a.Debt -= repaid
		d.Repaid += repaid
		if g.N -= repaid; g.N > 0 {
			d.Gives = append(d.Gives, g)
			l.giveLot(tx, a, lotOf(a.Member, a.Asset, g))
		}
	}
}

func lotOf(member int64, asset Asset, t Take) Lot {
	return Lot{Member: member, Asset: asset, Expires: t.Expires, ID: t.Lot, Remaining: t.N, Matures: t.Matures,
		Class: t.Class, Rule: t.Rule, Granted: t.Granted, Ref: t.Ref}
}

// grace is the expiry of points given back: their own, but at least some days from now.
func (l *Ledger) grace(tx *db.Tx, expires int64) int64 {
	if expires > tx.Now() {
		return expires
	}
	z := l.Zone
	return z.StartOfDay(z.AddDays(z.LocalDay(tx.Now()), restoreGraceDays+1))
}

// Transfer moves points to another member (转赠); each lot keeps its expiry.
func (l *Ledger) Transfer(tx *db.Tx, from, to int64, asset Asset, amount int64, source, reason string) (out, in Entry, err error) {
	err = tx.Try(func(tx *db.Tx) (err error) {
		out, in, err = l.transfer(tx, from, to, asset, amount, source, reason)
		return err
	})
	if err != nil {
		return Entry{}, Entry{}, err
	}
	return out, in, nil
}

func (l *Ledger) transfer(tx *db.Tx, from, to int64, asset Asset, amount int64, source, reason string) (out, in Entry, err error) {
	if from == to {
		return out, in, ErrSelf.New()
	}
	if err := checkInput(amount, source); err != nil {
		return out, in, err
	}
	out, sent := bySource(tx, from, asset, source)
	in, came := bySource(tx, to, asset, source)
	if sent || came {
		same := out.Kind == KindTransfer && out.Amount == -amount && out.Details().Other == to &&
			in.Kind == KindTransfer && in.Amount == amount && in.Details().Other == from
		in, err = replayed(in, same)
		return out, in, err
	}
	out, err = l.take(tx, Debit{Member: from, Asset: asset, Amount: amount, Kind: KindTransfer, Source: source, Reason: reason, Other: to, Fresh: true})
	if err != nil {
		return out, in, err
	}
	a, err := l.Settle(tx, to, asset)
	if err != nil {
		return out, in, err
	}
	if a.Balance+amount > MaxBalance {
		return out, in, ErrBalance.New()
	}
	d := Detail{Other: from, Reason: reason}
	gives := out.Details().Takes
	for i := range gives {
		gives[i].Lot, gives[i].Ref = tx.ID(), fmt.Sprintf("transfer:%d", from)
	}
	l.giveAll(tx, &a, &d, gives)
	in, err = l.book(tx, a, Entry{Member: to, Asset: asset, Amount: amount, Kind: KindTransfer, Source: source}, d)
	return out, in, err
}
