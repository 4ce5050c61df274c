package ledger

import (
	"fmt"
	"slices"

	"guanxi/internal/base/db"
)

// Move carries everything an account holds to another member's account, when two members become one.
// Lots keep their id, expiry and origin; open holds move with them; debt stays debt. Each side books entries of
// at most 200 lots, all under the given source, so that Unmove can find them. A source that moved before moves nothing.
func (l *Ledger) Move(tx *db.Tx, from, to int64, asset Asset, kind, source string) error {
	return l.moving(tx, from, to, asset, kind, source, func(m *move) error {
		m.holds()
		return m.carry(lotsOf(tx, from, asset), m.src.Debt)
	})
}

// Unmove gives back what a Move carried, as far as it is still there: the lots of that move that are left on
// the receiver, further lots named by extra (earned since, through the leaving member's identity), and debt.
// Points spent meanwhile stay spent: what both hold together does not change. Held parts stay until their hold ends.
func (l *Ledger) Unmove(tx *db.Tx, from, to int64, asset Asset, moveSource, source string, extra func(Lot) bool) error {
	return l.moving(tx, to, from, asset, KindUnmerge, source, func(m *move) error {
		moved, debt := movedBy(tx, to, asset, moveSource)
		var back []Lot
		for _, lot := range lotsOf(tx, to, asset) {
			free := lot.Remaining - lot.Held
			left, isMoved := moved[lot.ID]
			switch {
			case isMoved:
				free = min(free, left)
				moved[lot.ID] -= free
			case extra == nil || !extra(lot):
				continue
			}
			if lot.Remaining, lot.Held = free, 0; free > 0 {
				back = append(back, lot)
			}
		}
		return m.carry(back, min(debt, m.src.Debt))
	})
}

// A move is under way between two accounts. Meanwhile they hold more or less than their entries say, so they are
// checked, and what was booked is told, only at its end.
type move struct {
	l        *Ledger
	tx       *db.Tx
	src, dst Account
	kind     string
	source   string
	booked   []Entry
}

// moving runs f between two settled accounts, once a source.
func (l *Ledger) moving(tx *db.Tx, from, to int64, asset Asset, kind, source string, f func(*move) error) error {
	if from == to {
		return ErrSelf.New()
	}
	if err := checkSource(partSource(source, "000000")); source == "" || err != nil {
		return ErrSource.With("max", maxSource)
	}
	return tx.Try(func(tx *db.Tx) error {
		if hasMoved(tx, from, asset, source) {
			return nil
		}
		src, err := l.Settle(tx, from, asset)
		if err != nil {
			return err
		}
		dst, err := l.Settle(tx, to, asset)
		if err != nil {
			return err
		}
		m := &move{l: l, tx: tx, src: src, dst: dst, kind: kind, source: source}
		if err := f(m); err != nil {
			return err
		}
		return m.finish()
	})
}

// partSource names one of the entries of a move: "0", "1" … for lots, "debt".
func partSource(source string, part any) string { return fmt.Sprint(source, ":", part) }

func hasMoved(r db.Reader, member int64, asset Asset, source string) bool {
	_, lots := bySource(r, member, asset, partSource(source, 0))
	_, debt := bySource(r, member, asset, partSource(source, "debt"))
	return lots || debt
}

func lotsOf(r db.Reader, member int64, asset Asset) []Lot {
	var out []Lot
	eachLot(r, member, asset, Lot{}, func(lot Lot) bool { out = append(out, lot); return true })
	return out
}

// holds hands open holds over; their parts of the lots follow with the lots.
func (m *move) holds() {
	for _, h := range openHolds(m.tx, m.src.Member, m.src.Asset) {
		Holds.Delete(m.tx, holdKey{h.Member, h.ID})
		m.src.Holds ^= h.Mark
		*m.src.bucket(h.Kind) -= h.Amount
		*m.dst.bucket(h.Kind) += h.Amount
		h.Member = m.dst.Member
		if _, taken := holdBySource(m.tx, h.Member, h.Source); taken {
			h.Source = fmt.Sprint("moved:", h.ID)
		}
		Holds.Put(m.tx, m.dst.marked(Hold{}, h))
	}
}

// carry books over the given parts of lots and a debt.
func (m *move) carry(lots []Lot, debt int64) error {
	for i, some := range slices.Collect(slices.Chunk(lots, maxTakes)) {
		if err := m.lots(some, partSource(m.source, i)); err != nil {
			return err
		}
	}
	if debt == 0 {
		return nil
	}
	m.src.Debt -= debt
	m.dst.Debt += debt
	return m.record(debt, partSource(m.source, "debt"), Detail{Repaid: debt}, Detail{Owed: debt})
}

func (m *move) lots(lots []Lot, source string) error {
	var out, in Detail
	var n int64
	for _, part := range lots {
		lot, _ := Lots.Get(m.tx, LotKey{part.Member, part.Asset, part.Expires, part.ID})
		lot.Held -= part.Held
		n += m.l.takeLot(m.tx, &m.src, &out, lot, part.Remaining)
		in.Gives = append(in.Gives, takeOf(part, part.Remaining))
		part.Member = m.dst.Member
		m.l.giveLot(m.tx, &m.dst, part)
	}
	return m.record(-n, source, out, in)
}

// record books n on the side that is left and its opposite on the other.
func (m *move) record(n int64, source string, out, in Detail) error {
	out.Other, in.Other = m.dst.Member, m.src.Member
	e, err := m.l.record(m.tx, &m.src, Entry{Member: m.src.Member, Asset: m.src.Asset, Amount: n, Kind: m.kind, Source: source}, out)
	if err != nil {
		return err
	}
	m.booked = append(m.booked, e)
	e, err = m.l.record(m.tx, &m.dst, Entry{Member: m.dst.Member, Asset: m.dst.Asset, Amount: -n, Kind: m.kind, Source: source}, in)
	m.booked = append(m.booked, e)
	return err
}

// finish checks both accounts, lets time work on what came together, and tells.
func (m *move) finish() error {
	if len(m.booked) == 0 {
		return nil
	}
	for _, a := range []Account{m.src, m.dst} {
		if a.Balance > MaxBalance {
			return ErrBalance.New()
		}
		if err := a.check(); err != nil {
			return err
		}
		a.Due = 0
		putAccount(m.tx, a)
	}
	for _, a := range []Account{m.src, m.dst} {
		if _, err := m.l.Settle(m.tx, a.Member, a.Asset); err != nil {
			return err
		}
	}
	for _, e := range m.booked {
		if err := tell(m.tx, e); err != nil {
			return err
		}
	}
	return nil
}

// movedBy reads from the receiver's entries which lots and how much debt a move brought.
func movedBy(r db.Reader, to int64, asset Asset, source string) (lots map[int64]int64, debt int64) {
	lots = map[int64]int64{}
	for i := 0; ; i++ {
		e, ok := bySource(r, to, asset, partSource(source, i))
		if !ok {
			break
		}
		for _, g := range e.Details().Gives {
			lots[g.Lot] += g.N
		}
	}
	if e, ok := bySource(r, to, asset, partSource(source, "debt")); ok {
		debt = -e.Amount
	}
	return lots, debt
}
