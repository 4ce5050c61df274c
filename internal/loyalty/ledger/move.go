package ledger

import (
	"fmt"
	"slices"

	"guanxi/internal/base/db"
)

// Move carries everything an account holds to another member's account, when two members become one.
// Lots keep their id, expiry and origin; open holds move with them; debt stays debt. Each side books entries of
// at most 200 lots, all under the given source, so that Unmove can find them.
func (l *Ledger) Move(tx *db.Tx, from, to int64, asset Asset, kind, source string) error {
	a, err := l.Settle(tx, from, asset)
	if err != nil {
		return err
	}
	if _, err := l.Settle(tx, to, asset); err != nil {
		return err
	}
	lots := l.lotsOf(tx, from, asset)
	held := map[LotKey]int64{}
	for _, lot := range lots {
		held[LotKey{to, asset, lot.Expires, lot.ID}] = lot.Held
	}
	l.moveHolds(tx, from, to, asset)
	for i := 0; len(lots) > 0; i++ {
		n := min(len(lots), maxTakes)
		var part []Take
		for _, lot := range lots[:n] {
			part = append(part, takeOf(lot, lot.Remaining))
		}
		if err := l.movePart(tx, from, to, asset, kind, fmt.Sprintf("%s:%d", source, i), part, held); err != nil {
			return err
		}
		lots = lots[n:]
	}
	if err := l.moveDebt(tx, from, to, asset, kind, source+":debt", a.Debt); err != nil {
		return err
	}
	if err := l.resettle(tx, from, asset); err != nil {
		return err
	}
	return l.resettle(tx, to, asset)
}

func (l *Ledger) lotsOf(r db.Reader, member int64, asset Asset) []Lot {
	var out []Lot
	eachLot(r, member, asset, Lot{}, func(lot Lot) bool { out = append(out, lot); return true })
	return out
}

// moveHolds hands open holds over; the held part of each lot follows with the lot.
func (l *Ledger) moveHolds(tx *db.Tx, from, to int64, asset Asset) {
	src, _ := Accounts.Get(tx, AccountKey{from, asset})
	dst, _ := Accounts.Get(tx, AccountKey{to, asset})
	dst.Member, dst.Asset = to, asset
	for _, h := range openHolds(tx, from, asset) {
		Holds.Delete(tx, holdKey{from, h.ID})
		*src.bucket(h.Kind) -= h.Amount
		*dst.bucket(h.Kind) += h.Amount
		h.Member = to
		Holds.Put(tx, h)
	}
	for _, lot := range l.lotsOf(tx, from, asset) {
		lot.Held = 0
		Lots.Put(tx, lot)
	}
	Accounts.Put(tx, src)
	Accounts.Put(tx, dst)
}

// movePart moves some lots; the account may for a moment hold more than it has, so the check comes at the end of Move.
func (l *Ledger) movePart(tx *db.Tx, from, to int64, asset Asset, kind, source string, part []Take, held map[LotKey]int64) error {
	src, _ := Accounts.Get(tx, AccountKey{from, asset})
	dst, _ := Accounts.Get(tx, AccountKey{to, asset})
	dst.Member, dst.Asset = to, asset
	out, in := Detail{Other: to}, Detail{Other: from, Gives: part}
	var n int64
	for _, t := range part {
		lot, _ := Lots.Get(tx, LotKey{from, asset, t.Expires, t.Lot})
		n += l.takeLot(tx, &src, &out, lot, t.N)
		arriving := lotOf(to, asset, t)
		arriving.Held = held[LotKey{to, asset, t.Expires, t.Lot}]
		l.giveLot(tx, &dst, arriving)
	}
	e := Entry{Member: from, Asset: asset, Amount: -n, Kind: kind, Source: source}
	if _, err := l.bookLoose(tx, src, e, out); err != nil {
		return err
	}
	_, err := l.bookLoose(tx, dst, Entry{Member: to, Asset: asset, Amount: n, Kind: kind, Source: source}, in)
	return err
}

// bookLoose books while holds and lots of a move are still on their way.
func (l *Ledger) bookLoose(tx *db.Tx, a Account, e Entry, d Detail) (Entry, error) {
	a.Due = Never
	return l.append(tx, a, e, d)
}

func (l *Ledger) moveDebt(tx *db.Tx, from, to int64, asset Asset, kind, source string, debt int64) error {
	if debt == 0 {
		return nil
	}
	src, _ := Accounts.Get(tx, AccountKey{from, asset})
	dst, _ := Accounts.Get(tx, AccountKey{to, asset})
	dst.Member, dst.Asset = to, asset
	src.Debt -= debt
	dst.Debt += debt
	if _, err := l.bookLoose(tx, src, Entry{Member: from, Asset: asset, Amount: debt, Kind: kind, Source: source}, Detail{Repaid: debt, Other: to}); err != nil {
		return err
	}
	_, err := l.bookLoose(tx, dst, Entry{Member: to, Asset: asset, Amount: -debt, Kind: kind, Source: source}, Detail{Owed: debt, Other: from})
	return err
}

// Unmove gives back what a Move carried, as far as it is still there: the lots of that move that are left on
// the receiver, further lots named by extra (earned since, through the leaving member's identity), and debt.
// Points spent meanwhile stay spent: what both hold together does not change.
func (l *Ledger) Unmove(tx *db.Tx, from, to int64, asset Asset, moveSource, source string, extra func(Lot) bool) error {
	if _, err := l.Settle(tx, to, asset); err != nil {
		return err
	}
	if _, err := l.Settle(tx, from, asset); err != nil {
		return err
	}
	moved, debt := movedBy(tx, to, asset, moveSource)
	var part []Take
	for _, lot := range l.lotsOf(tx, to, asset) {
		free := lot.Remaining - lot.Held
		limit, isMoved := moved[lot.ID]
		if !isMoved && extra != nil && extra(lot) {
			limit = free
		}
		if n := min(free, limit); n > 0 {
			part = append(part, takeOf(lot, n))
		}
	}
	for i, chunk := range slices.Collect(slices.Chunk(part, maxTakes)) {
		if err := l.movePart(tx, to, from, asset, KindUnmerge, fmt.Sprintf("%s:%d", source, i), chunk, nil); err != nil {
			return err
		}
	}
	a, _ := Accounts.Get(tx, AccountKey{to, asset})
	if err := l.moveDebt(tx, to, from, asset, KindUnmerge, source+":debt", min(debt, a.Debt)); err != nil {
		return err
	}
	if err := l.resettle(tx, from, asset); err != nil {
		return err
	}
	return l.resettle(tx, to, asset)
}

// movedBy reads from the receiver's entries which lots and how much debt a move brought.
func movedBy(r db.Reader, to int64, asset Asset, source string) (lots map[int64]int64, debt int64) {
	lots = map[int64]int64{}
	for i := 0; ; i++ {
		e, ok := bySource(r, to, asset, fmt.Sprintf("%s:%d", source, i))
		if !ok {
			break
		}
		for _, g := range e.Details().Gives {
			lots[g.Lot] += g.N
		}
	}
	if e, ok := bySource(r, to, asset, source+":debt"); ok {
		debt = -e.Amount
	}
	return lots, debt
}
