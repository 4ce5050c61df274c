package ledger

import "guanxi/internal/base/db"

// Mature makes pending lots spendable before their day (提前生效): what they waited for has happened. The entry moves what is
// left of them onto themselves, without the wait, so that the balance stays and the entries still tell the whole story. Lots that
// have matured, or of which nothing is left, are passed over; when that is all of them, nothing is booked (Seq is 0).
func (l *Ledger) Mature(tx *db.Tx, member int64, asset Asset, lots []LotKey, source, ref string) (Entry, error) {
	return whole(tx, func() (Entry, error) { return l.mature(tx, member, asset, lots, source, ref) })
}

func (l *Ledger) mature(tx *db.Tx, member int64, asset Asset, lots []LotKey, source, ref string) (Entry, error) {
	if err := checkSource(source); err != nil {
		return Entry{}, err
	}
	if e, ok := bySource(tx, member, asset, source); ok {
		return replayed(e, e.Kind == KindMature)
	}
	a, err := l.Settle(tx, member, asset)
	if err != nil {
		return Entry{}, err
	}
	var d Detail
	for _, k := range lots {
		k.Member, k.Asset = member, asset
		for _, lot := range lotParts(tx, k) {
			if lot.Matures <= tx.Now() {
				continue
			}
			d.Takes = append(d.Takes, takeOf(lot, lot.Remaining))
			a.Pending -= lot.Remaining
			lot.Matures = 0
			d.Gives = append(d.Gives, takeOf(lot, lot.Remaining))
			Lots.Put(tx, lot)
		}
	}
	if len(d.Takes) == 0 {
		return Entry{}, nil
	}
	return l.book(tx, a, Entry{Member: member, Asset: asset, Kind: KindMature, Source: source, Ref: ref}, d)
}
