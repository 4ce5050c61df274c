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
	if q.Kind == "" {
		q.Kind = KindReversal
	}
	if q.To == 0 {
		q.To = q.Member
	}
	orig, ok := Entries.Get(tx, EntryKey{q.Member, q.Asset, q.Seq})
	if !ok {
		return Entry{}, ErrNoEntry.New()
	}
	if e, done := bySource(tx, q.To, q.Asset, q.Source); done {
		return e, nil
	}
	if !reversible(orig.Kind) {
		return Entry{}, ErrNotReversible.New()
	}
	key := EntryKey{q.Member, q.Asset, q.Seq}
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
	if err != nil {
		return Entry{}, err
	}
	reversals.Put(tx, reversed{q.Member, q.Asset, q.Seq, done.Amount + max(e.Amount, -e.Amount)})
	return e, nil
}

func reversible(kind string) bool {
	switch kind {
	case KindReversal, KindRestore, KindMerge, KindUnmerge, KindExpire:
		return false
	}
	return true
}

func (l *Ledger) takeBack(tx *db.Tx, q Reversal, orig Entry) (Entry, error) {
	d := orig.Details()
	prefer := []LotKey{{q.To, q.Asset, orig.Expires, orig.Lot}}
	for _, g := range d.Gives {
		prefer = append(prefer, LotKey{q.To, q.Asset, g.Expires, g.Lot})
	}
	return l.Take(tx, Debit{Member: q.To, Asset: q.Asset, Amount: q.Amount, Kind: q.Kind, Source: q.Source,
		Ref: q.Ref, Reason: q.Reason, Prefer: prefer, Short: q.Short, Reverses: orig.Seq})
}

// giveBack restores points to the lots they were taken from, the longest-lived first; skip is what went back before.
func (l *Ledger) giveBack(tx *db.Tx, q Reversal, orig Entry, skip int64) (Entry, error) {
	a, err := l.Settle(tx, q.To, q.Asset)
	if err != nil {
		return Entry{}, err
	}
	if a.Balance+q.Amount > MaxBalance {
		return Entry{}, ErrBalance.New()
	}
	was := orig.Details()
	d := Detail{Reverses: orig.Seq, Reason: q.Reason}
	left := q.Amount
	if was.Owed > 0 { // the part that had become debt is forgiven first
		owed := min(left, max(0, was.Owed-skip), a.Debt)
		skip = max(0, skip-was.Owed)
		a.Debt -= owed
		left -= owed
		d.Repaid += owed
	}
	gives := backwards(was.Takes, skip, left)
	for _, g := range gives {
		left -= g.N
	}
	if left > 0 { // the debt was repaid meanwhile by later points: they come back as a new lot
		gives = append(gives, Take{Lot: tx.ID(), N: left, Expires: l.grace(tx, 0), Class: ClassReward, Granted: left})
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
	if from == to {
		return out, in, ErrSelf.New()
	}
	if e, ok := bySource(tx, to, asset, source); ok {
		if e.Amount != amount {
			return out, in, ErrReused.New()
		}
		out, _ = bySource(tx, from, asset, source)
		return out, e, nil
	}
	out, err = l.Take(tx, Debit{Member: from, Asset: asset, Amount: amount, Kind: KindTransfer, Source: source, Reason: reason, Other: to})
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
