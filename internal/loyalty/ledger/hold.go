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
	return whole(tx, func() (Hold, error) { return l.reserve(tx, q) })
}

func (l *Ledger) reserve(tx *db.Tx, q HoldInput) (Hold, error) {
	if err := checkInput(q.Amount, q.Source); err != nil {
		return Hold{}, err
	}
	if h, ok := holdBySource(tx, q.Member, q.Source); ok {
		if h.Amount != q.Amount || h.Asset != q.Asset || h.Kind != q.Kind {
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
	h = a.marked(Hold{}, h)
	putAccount(tx, a)
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
	l.eachUsable(tx, a.Member, a.Asset, func(lot Lot) bool {
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
	return whole(tx, func() (Entry, error) { return l.postHold(tx, member, holdID, s) })
}

func (l *Ledger) postHold(tx *db.Tx, member, holdID int64, s Spend) (Entry, error) {
	if err := checkSource(s.Source); err != nil {
		return Entry{}, err
	}
	h, ok := Holds.Get(tx, holdKey{member, holdID})
	if !ok {
		return Entry{}, ErrNoHold.New()
	}
	if s.Amount == 0 {
		s.Amount = h.Amount
	}
	if e, ok := bySource(tx, member, h.Asset, s.Source); ok {
		return replayed(e, e.Details().Hold == holdID && -e.Amount == s.Amount)
	}
	a, h, err := l.openHold(tx, h)
	if err != nil {
		return Entry{}, err
	}
	if s.Amount < 0 || s.Amount > h.Amount {
		return Entry{}, ErrAmount.With("max", h.Amount)
	}
	d := Detail{Hold: h.ID, Reason: s.Reason}
	if err := l.releaseLots(tx, &a, h, s.Amount, &d); err != nil {
		return Entry{}, err
	}
	l.endHold(tx, &a, h, HoldPosted, s.Amount)
	e, err := l.book(tx, a, Entry{Member: member, Asset: h.Asset, Amount: -s.Amount, Kind: s.Kind, Source: s.Source, Ref: s.Ref}, d)
	if err != nil {
		return Entry{}, err
	}
	return e, l.afterHold(tx, h, HoldEnded{h.ID, HoldPosted, s.Amount})
}

// VoidHold sets free what a hold kept. Voiding a voided hold is a no-op.
func (l *Ledger) VoidHold(tx *db.Tx, member, holdID int64) (Hold, error) {
	return whole(tx, func() (Hold, error) { return l.voidHold(tx, member, holdID) })
}

func (l *Ledger) voidHold(tx *db.Tx, member, holdID int64) (Hold, error) {
	h, ok := Holds.Get(tx, holdKey{member, holdID})
	if !ok {
		return Hold{}, ErrNoHold.New()
	}
	if h.State == HoldVoided {
		return h, nil
	}
	a, h, err := l.openHold(tx, h)
	if err != nil {
		return Hold{}, err
	}
	if err := l.releaseLots(tx, &a, h, 0, nil); err != nil {
		return Hold{}, err
	}
	h = l.endHold(tx, &a, h, HoldVoided, 0)
	putAccount(tx, a)
	return h, l.afterHold(tx, h, HoldEnded{h.ID, HoldVoided, 0})
}

// openHold settles the hold's account and refuses when the hold has ended, perhaps by that.
func (l *Ledger) openHold(tx *db.Tx, h Hold) (Account, Hold, error) {
	a, err := l.Settle(tx, h.Member, h.Asset)
	if err != nil {
		return a, h, err
	}
	if h, _ = Holds.Get(tx, holdKey{h.Member, h.ID}); h.State != HoldOpen {
		return a, h, ErrHoldEnded.With("state", h.State)
	}
	return a, h, nil
}

// afterHold tells that a hold ended; a lot that expired while it was held is booked out now.
func (l *Ledger) afterHold(tx *db.Tx, h Hold, ended HoldEnded) error {
	if _, err := fact.Emit(tx, h.Member, ended); err != nil {
		return err
	}
	_, err := l.Settle(tx, h.Member, h.Asset)
	return err
}

// releaseLots takes n from the hold's lots for good and sets the rest free.
func (l *Ledger) releaseLots(tx *db.Tx, a *Account, h Hold, n int64, d *Detail) error {
	takes, err := h.takes()
	if err != nil {
		return err
	}
	for _, t := range takes {
		lot, ok := Lots.Get(tx, LotKey{h.Member, h.Asset, t.Expires, t.Lot})
		if !ok || lot.Held < t.N {
			return errBroken.With("hold", h.ID)
		}
		lot.Held -= t.N
		if part := min(n, t.N); part > 0 {
			lot.Remaining -= part
			n -= part
			d.Takes = append(d.Takes, takeOf(lot, part))
		}
		putLot(tx, lot)
	}
	return nil
}

func (h Hold) takes() ([]Take, error) {
	var out []Take
	if err := json.Unmarshal([]byte(h.Takes), &out); err != nil {
		return nil, errBroken.With("hold", h.ID).Because(err)
	}
	return out, nil
}

// endHold closes the hold; what it set free may have expired, so its account is due at once.
func (l *Ledger) endHold(tx *db.Tx, a *Account, h Hold, state string, posted int64) Hold {
	was := h
	h.State, h.Posted, h.Ended = state, posted, tx.Now()
	h = a.marked(was, h)
	*a.bucket(h.Kind) -= h.Amount
	a.Due = 0
	Holds.Put(tx, h)
	return h
}

// endHolds ends the account's holds whose time is over.
func (l *Ledger) endHolds(tx *db.Tx, a *Account) (ended []Hold, err error) {
	for _, h := range openHolds(tx, a.Member, a.Asset) {
		if h.Until > tx.Now() {
			continue
		}
		if err := l.releaseLots(tx, a, h, 0, nil); err != nil {
			return nil, err
		}
		ended = append(ended, l.endHold(tx, a, h, HoldExpired, 0))
	}
	return ended, nil
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
