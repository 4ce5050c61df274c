package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"guanxi/internal/base/db"
)

// A fingerprint is a sum over pairs of key and entry: equal sets give equal sums, in whatever order they are met.
type fingerprint [2]uint64

func (p *fingerprint) of(id string, seq int64) (a, b uint64) {
	var buf [264]byte
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(buf[:0], uint64(seq)), id...)) //nolint:gosec // the bits, not the number
	return binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])
}

func (p *fingerprint) add(id string, seq int64) {
	a, b := p.of(id, seq)
	p[0] += a
	p[1] += b
}

func (p *fingerprint) take(id string, seq int64) {
	a, b := p.of(id, seq)
	p[0] -= a
	p[1] -= b
}

// keys looks that each cause has its one entry and each entry its cause. The sums tell whether all is well in one pass
// over each table; only when they differ are the two laid side by side, to name the first that is wrong.
func (f *verifier) keys() {
	keys.Each(f.v, db.Query[key]{}, func(k *key) { f.keyed.take(k.ID, k.Seq) })
	if f.keyed == (fingerprint{}) {
		return
	}
	found := len(f.out.Wrong)
	Entries.Each(f.v, db.Query[Entry]{Order: "member_id, asset, seq"}, func(e *Entry) {
		if !keyed(e.Source) || len(f.out.Wrong) >= maxWrong {
			return
		}
		switch k, ok := keys.Get(f.v, keyID(e.Member, e.Asset, e.Source)); {
		case !ok:
			f.wrong("ledger_key", entryName(EntryKey{e.Member, e.Asset, e.Seq}), "its cause has no key")
		case k.Seq != e.Seq:
			f.wrong("ledger_key", entryName(EntryKey{e.Member, e.Asset, e.Seq}), "its cause is said to have made entry %d", k.Seq)
		}
	})
	keys.Each(f.v, db.Query[key]{Order: "id"}, func(k *key) {
		if len(f.out.Wrong) < maxWrong && !f.made(k) {
			f.wrong("ledger_key", k.ID, "no entry %d comes from it", k.Seq)
		}
	})
	if len(f.out.Wrong) == found {
		f.wrong("ledger_key", "", "keys and entries differ")
	}
}

func (f *verifier) made(k *key) bool {
	var member int64
	var asset Asset
	if _, err := fmt.Sscanf(k.ID, "%d:%d:", &member, &asset); err != nil {
		return false
	}
	e, ok := Entries.Get(f.v, EntryKey{member, asset, k.Seq})
	return ok && keyID(member, asset, e.Source) == k.ID
}
