package ledger

import (
	"encoding/json"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

// Kinds of holds.
const (
	HoldCheckout = "checkout" // 预占: by an open checkout, ends by post, void or time-out
	HoldFreeze   = "freeze"   // 冻结: by risk or staff, lifted or confiscated
)

// States of a hold; every hold ends exactly once.
const (
	HoldOpen    = "open"
	HoldPosted  = "posted"
	HoldVoided  = "voided"
	HoldExpired = "expired"
)

// HoldInput asks to set an amount apart.
type HoldInput struct {
	Member int64
	Asset  Asset
	Amount int64
	Kind   string
	Source string
	Ref    string
	Until  int64 // 0 is without end, for freezes
}

// Reserve sets an amount apart on its lots: it can't be spent or expire until the hold ends.
func (l *Ledger) Reserve(tx *db.Tx, q HoldInput) (Hold, error) {
	if err := checkInput(q.Amount, q.Source); err != nil {
		return Hold{}, err
	}
	if h, ok := holdBySource(tx, q.Member, q.Source); ok {
		if h.Amount != q.Amount || h.Asset != q.Asset {
			return Hold{}, ErrReused.New()
		}
		return h, nil
	}
	a, err := l.Settle(tx, q.Member, q.Asset)
	if err != nil {
		return Hold{}, err
	}
	if a.Available() < q.Amount {
		return Hold{}, ErrInsufficient.With("available", a.Available(), "needed", q.Amount)
	}
	takes, short := l.holdLots(tx, &a, q.Amount)
	if short != 0 {
		return Hold{}, errBroken.With("account", a)
	}
	if q.Until == 0 {
		q.Until = Never
	}
	text, err := json.Marshal(takes)
	if err != nil {
		return Hold{}, err
	}
	h := Hold{Member: q.Member, ID: tx.ID(), Asset: q.Asset, Kind: q.Kind, State: HoldOpen, Amount: q.Amount,
		Until: q.Until, Source: q.Source, Ref: q.Ref, Takes: string(text), At: tx.Now()}
	*a.bucket(h.Kind) += q.Amount
	a.Due = min(a.Due, h.Until)
	if err := a.check(); err != nil {
		return Hold{}, err
	}
	Accounts.Put(tx, a)
	return h, Holds.Insert(tx, h)
}

// bucket is the part of the account a kind of hold counts in.
func (a *Account) bucket(kind string) *int64 {
	if kind == HoldFreeze {
		return &a.Frozen
	}
	return &a.Held
}

func (l *Ledger) holdLots(tx *db.Tx, a *Account, n int64) (takes []Take, short int64) {
	eachLot(tx, a.Member, a.Asset, Lot{Expires: tx.Now()}, func(lot Lot) bool {
		part := min(n, lot.Remaining-lot.Held)
		if lot.Matures > tx.Now() || part == 0 {
			return true
		}
		lot.Held += part
		Lots.Put(tx, lot)
		takes = append(takes, takeOf(lot, part))
		n -= part
		return n > 0
	})
	return takes, n
}

// Spend says what a posted hold is booked as.
type Spend struct {
	Kind   string
	Source string
	Ref    string
	Reason string
	Amount int64 // at most the hold's; 0 takes all; the rest is set free
}

// PostHold spends what a hold set apart. Posting it again under the same source gives the same entry.
func (l *Ledger) PostHold(tx *db.Tx, member, holdID int64, s Spend) (Entry, error) {
	h, ok := Holds.Get(tx, holdKey{member, holdID})
	if !ok {
		return Entry{}, ErrNoHold.New()
	}
	if e, ok := bySource(tx, member, h.Asset, s.Source); ok {
		return e, nil
	}
	a, err := l.Settle(tx, member, h.Asset)
	if err != nil {
		return Entry{}, err
	}
	if h, _ = Holds.Get(tx, holdKey{member, holdID}); h.State != HoldOpen {
		return Entry{}, ErrHoldEnded.With("state", h.State)
	}
	if s.Amount == 0 {
		s.Amount = h.Amount
	}
	if s.Amount < 0 || s.Amount > h.Amount {
		return Entry{}, ErrAmount.With("max", h.Amount)
	}
	d := Detail{Hold: h.ID, Reason: s.Reason}
	l.releaseLots(tx, &a, h, s.Amount, &d)
	l.endHold(tx, &a, h, HoldPosted, s.Amount)
	e, err := l.book(tx, a, Entry{Member: member, Asset: h.Asset, Amount: -s.Amount, Kind: s.Kind, Source: s.Source, Ref: s.Ref}, d)
	if err != nil {
		return Entry{}, err
	}
	if err := l.resettle(tx, member, h.Asset); err != nil {
		return Entry{}, err
	}
	_, err = fact.Emit(tx, member, HoldEnded{h.ID, HoldPosted, s.Amount})
	return e, err
}

// VoidHold sets free what a hold kept. Voiding a voided hold is a no-op.
func (l *Ledger) VoidHold(tx *db.Tx, member, holdID int64) (Hold, error) {
	a, h, err := l.openHold(tx, member, holdID)
	if err != nil || h.State == HoldVoided {
		return h, err
	}
	l.releaseLots(tx, &a, h, 0, nil)
	h = l.endHold(tx, &a, h, HoldVoided, 0)
	Accounts.Put(tx, a)
	if err := l.resettle(tx, member, h.Asset); err != nil {
		return h, err
	}
	_, err = fact.Emit(tx, member, HoldEnded{h.ID, HoldVoided, 0})
	return h, err
}

func (l *Ledger) openHold(tx *db.Tx, member, holdID int64) (Account, Hold, error) {
	h, ok := Holds.Get(tx, holdKey{member, holdID})
	if !ok {
		return Account{}, h, ErrNoHold.New()
	}
	a, err := l.Settle(tx, member, h.Asset)
	if err != nil {
		return a, h, err
	}
	h, _ = Holds.Get(tx, holdKey{member, holdID})
	if h.State != HoldOpen && h.State != HoldVoided {
		return a, h, ErrHoldEnded.With("state", h.State)
	}
	return a, h, nil
}

// releaseLots takes n from the hold's lots for good and sets the rest free.
func (l *Ledger) releaseLots(tx *db.Tx, a *Account, h Hold, n int64, d *Detail) {
	*a.bucket(h.Kind) -= h.Amount
	for _, t := range h.takes() {
		lot, ok := Lots.Get(tx, LotKey{h.Member, h.Asset, t.Expires, t.Lot})
		if !ok {
			panic("ledger: a held lot is gone") // the write is refused whole
		}
		lot.Held -= t.N
		if part := min(n, t.N); part > 0 {
			lot.Remaining -= part
			n -= part
			d.Takes = append(d.Takes, takeOf(lot, part))
		}
		putLot(tx, lot)
	}
}

func (h Hold) takes() []Take {
	var out []Take
	if err := json.Unmarshal([]byte(h.Takes), &out); err != nil {
		panic("ledger: a hold's lots can't be read")
	}
	return out
}

func (l *Ledger) endHold(tx *db.Tx, a *Account, h Hold, state string, posted int64) Hold {
	h.State, h.Posted, h.Ended = state, posted, tx.Now()
	Holds.Put(tx, h)
	return h
}

// resettle looks at the account again: a lot that expired while it was held is booked out now.
func (l *Ledger) resettle(tx *db.Tx, member int64, asset Asset) error {
	a, _ := Accounts.Get(tx, AccountKey{member, asset})
	a.Due = 0
	Accounts.Put(tx, a)
	_, err := l.Settle(tx, member, asset)
	return err
}

// endHolds voids the account's holds whose time is over.
func (l *Ledger) endHolds(tx *db.Tx, a *Account) error {
	for _, h := range openHolds(tx, a.Member, a.Asset) {
		if h.Until > tx.Now() {
			continue
		}
		l.releaseLots(tx, a, h, 0, nil)
		l.endHold(tx, a, h, HoldExpired, 0)
		if _, err := fact.Emit(tx, a.Member, HoldEnded{h.ID, HoldExpired, 0}); err != nil {
			return err
		}
	}
	return nil
}

// openHolds lists the open holds of an account, oldest first.
func openHolds(r db.Reader, member int64, asset Asset) []Hold {
	return Holds.Select(r, db.Query[Hold]{
		Where: "member_id = ? AND asset = ? AND state = ?", Args: []any{member, asset, HoldOpen}, Order: "hold_id", Owner: member,
		Match: func(h *Hold) bool { return h.Asset == asset && h.State == HoldOpen },
		Less:  func(a, b *Hold) bool { return a.ID < b.ID },
	})
}

func holdBySource(r db.Reader, member int64, source string) (Hold, bool) {
	rows := Holds.Select(r, db.Query[Hold]{
		Where: "member_id = ? AND source = ?", Args: []any{member, source}, Owner: member,
		Match: func(h *Hold) bool { return h.Source == source },
	})
	if len(rows) == 0 {
		return Hold{}, false
	}
	return rows[0], true
}

// FindHold reads a hold.
func FindHold(r db.Reader, member, holdID int64) (Hold, bool) {
	return Holds.Get(r, holdKey{member, holdID})
}

// HoldsOf lists a member's holds, newest first.
func HoldsOf(r db.Reader, member int64) []Hold {
	rows := Holds.OfOwner(r, member)
	slices.Reverse(rows)
	return rows
}
