package ledger

import "guanxi/internal/base/db"

// HoldBySource finds the hold a cause has made.
func HoldBySource(r db.Reader, member int64, source string) (Hold, bool) {
	return holdBySource(r, member, source)
}

// ReversedOf tells how much of an entry was reversed.
func ReversedOf(r db.Reader, e Entry) int64 {
	row, _ := reversals.Get(r, EntryKey{e.Member, e.Asset, e.Seq})
	return row.Amount
}

// SealHash is the hash of a link of the chain.
func SealHash(r db.Reader, seq int64) (string, bool) {
	s, ok := seals.Get(r, sealKey{lane0, seq})
	return s.Hash, ok
}
