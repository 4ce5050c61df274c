package ledger

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
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
	return whole(tx, func() (Account, error) { return l.settle(tx, a) })
}

// settle brings everything up to now before it tells anybody: a reaction may post on the same account.
func (l *Ledger) settle(tx *db.Tx, a Account) (Account, error) {
	ended, err := l.endHolds(tx, &a)
	if err != nil {
		return a, err
	}
	booked, err := l.expireLots(tx, &a)
	if err != nil {
		return a, err
	}
	l.refresh(tx, &a)
	putAccount(tx, a)
	for _, h := range ended {
		if _, err := fact.Emit(tx, a.Member, HoldEnded{h.ID, HoldExpired, 0}); err != nil {
			return a, err
		}
	}
	for _, e := range booked {
		if err := tell(tx, e); err != nil {
			return a, err
		}
	}
	a, _ = Accounts.Get(tx, AccountKey{a.Member, a.Asset})
	return a, nil
}

// expireLots books out what is past its instant, an entry for each instant of expiry.
func (l *Ledger) expireLots(tx *db.Tx, a *Account) (booked []Entry, err error) {
	for {
		lots := lapsed(tx, a.Member, a.Asset, maxTakes)
		all := len(lots) < maxTakes
		for len(lots) > 0 {
			same := 1
			for same < len(lots) && lots[same].Expires == lots[0].Expires {
				same++
			}
			e, err := l.expireSome(tx, a, lots[:same])
			if err != nil {
				return nil, err
			}
			booked, lots = append(booked, e), lots[same:]
		}
		if all {
			return booked, nil
		}
	}
}

// expireSome books out lots of one instant.
func (l *Ledger) expireSome(tx *db.Tx, a *Account, lots []Lot) (Entry, error) {
	at := lots[0].Expires
	var d Detail
	var n int64
	for _, lot := range lots {
		n += l.takeLot(tx, a, &d, lot, lot.Remaining-lot.Held)
	}
	return l.record(tx, a, Entry{Member: a.Member, Asset: a.Asset, Amount: -n, Kind: KindExpire, Occurred: at,
		Source: fmt.Sprint(expirePrefix, a.Seq+1)}, d)
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

// Sweep settles accounts that nobody touched since time changed them. It stops once that has made so many entries, and tells
// how many accounts are done: a payment that comes waits for one sweep at most.
func (l *Ledger) Sweep(tx *db.Tx, due []AccountKey, entries int64) (done int, err error) {
	for i, k := range due {
		before, _ := Accounts.Get(tx, k)
		after, err := l.Settle(tx, k.Member, k.Asset)
		if err != nil {
			return i, err
		}
		if entries -= after.Seq - before.Seq; entries <= 0 {
			return i + 1, nil
		}
	}
	return len(due), nil
}
