package ledger

import (
	"fmt"

	"guanxi/internal/base/db"
)

// maxTakes bounds the lots of one entry, so that an entry stays a line and not a book.
const maxTakes = 200

// Settle brings an account up to now: holds that ran out end, lots that expired are booked out, lots that
// matured count as available. Everything that touches an account settles it first, so the nightly sweep
// (Sweep) only visits accounts that nobody touched; running it twice or late changes nothing.
func (l *Ledger) Settle(tx *db.Tx, member int64, asset Asset) (Account, error) {
	a, ok := Accounts.Get(tx, AccountKey{member, asset})
	if !ok {
		return Account{Member: member, Asset: asset, Due: Never}, nil
	}
	if tx.Now() < a.Due {
		return a, nil
	}
	if err := l.endHolds(tx, &a); err != nil {
		return a, err
	}
	if err := l.expireLots(tx, &a); err != nil {
		return a, err
	}
	l.refresh(tx, &a)
	Accounts.Put(tx, a)
	return a, nil
}

// expireLots books out what is past its instant, an entry for each instant of expiry.
func (l *Ledger) expireLots(tx *db.Tx, a *Account) error {
	for {
		lots := Lots.Select(tx, db.Query[Lot]{
			Where: "member_id = ? AND asset = ? AND expires_at <= ? AND remaining > held", Args: []any{a.Member, a.Asset, tx.Now()},
			Order: "expires_at, lot_id", Limit: maxTakes, Owner: a.Member,
			Match: func(l *Lot) bool { return l.Asset == a.Asset && l.Expires <= tx.Now() && l.Remaining > l.Held },
			Less:  lotLess,
		})
		if len(lots) == 0 {
			return nil
		}
		if err := l.expireSome(tx, a, lots); err != nil {
			return err
		}
	}
}

func (l *Ledger) expireSome(tx *db.Tx, a *Account, lots []Lot) error {
	at := lots[0].Expires
	var d Detail
	var n int64
	for _, lot := range lots {
		if lot.Expires != at {
			break
		}
		n += l.takeLot(tx, a, &d, lot, lot.Remaining-lot.Held)
	}
	e := Entry{Member: a.Member, Asset: a.Asset, Amount: -n, Kind: KindExpire, Occurred: at,
		Source: fmt.Sprintf("expire:%d", a.Seq+1)}
	// The account in the cache must not look due while reactions to the entry read it.
	a.Due = Never
	if _, err := l.book(tx, *a, e, d); err != nil {
		return err
	}
	*a, _ = Accounts.Get(tx, AccountKey{a.Member, a.Asset})
	return nil
}

// refresh recomputes what depends on time: what is pending, and when time will next change something.
func (l *Ledger) refresh(tx *db.Tx, a *Account) {
	a.Pending, a.Due = 0, Never
	eachLot(tx, a.Member, a.Asset, Lot{}, func(lot Lot) bool {
		if lot.Remaining > lot.Held {
			a.Due = min(a.Due, lot.Expires)
		}
		if lot.Matures > tx.Now() {
			a.Pending += lot.Remaining
			a.Due = min(a.Due, lot.Matures)
		}
		return true
	})
	for _, h := range openHolds(tx, a.Member, a.Asset) {
		a.Due = min(a.Due, h.Until)
	}
}

// Sweep settles accounts that nobody touched since time changed them.
func (l *Ledger) Sweep(tx *db.Tx, due []AccountKey) error {
	for _, k := range due {
		if _, err := l.Settle(tx, k.Member, k.Asset); err != nil {
			return err
		}
	}
	return nil
}

// DueAfter lists up to n accounts that time has changed, in key order, beginning after one.
func DueAfter(v *db.View, after AccountKey, n int) []AccountKey {
	var out []AccountKey
	v.Rows("SELECT member_id, asset FROM ledger_account WHERE (member_id > ? OR member_id = ? AND asset > ?) AND due_at <= ? ORDER BY member_id, asset LIMIT ?",
		[]any{after.Member, after.Member, after.Asset, v.Now(), n}, func(scan func(...any)) {
			var k AccountKey
			scan(&k.Member, &k.Asset)
			out = append(out, k)
		})
	return out
}
