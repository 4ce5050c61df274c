package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"guanxi/internal/base/db"
)

// The chain. Each entry's check covers the check of the entry before it in its account. Each group of entries that
// commits together gets a seal, whose hash covers the seal before it and every entry of the group in key order.
// A changed, removed, inserted or reordered entry breaks its account's chain; one that is recomputed with its
// account still breaks its seal; one that recomputes the seals changes the head, which is printed and kept elsewhere.

const lane0 = 0

// Wire adds the sealing of entries to a database; call it once.
func (l *Ledger) Wire(d *db.DB) {
	db.Load(d, Accounts)
	d.BeforeCommit(sealGroup)
}

func sealGroup(tx *db.Tx) {
	added := Entries.Added(tx)
	if len(added) == 0 {
		return
	}
	slices.SortFunc(added, entryOrder)
	h, _ := heads.Get(tx, lane0)
	h.Lane = lane0
	h.Seq++
	var digest [32]byte
	for _, e := range added {
		e.Seal = sealID(h.Lane, h.Seq)
		a, _ := Accounts.Get(tx, AccountKey{e.Member, e.Asset})
		sum := e.hash(a.Check)
		e.Check, a.Check = checkOf(sum), checkOf(sum)
		putAccount(tx, a)
		digest = fold(digest, sum)
	}
	s := seal{Lane: h.Lane, Seq: h.Seq, At: tx.Now(), Entries: len(added), Digest: hex.EncodeToString(digest[:])}
	s.Hash = s.hash(h.Hash)
	h.Hash = s.Hash
	heads.Put(tx, h)
	_ = seals.Insert(tx, s) // the head says this number is new; the primary key stands behind it
}

func entryOrder(a, b *Entry) int {
	for _, d := range [3]int64{a.Member - b.Member, int64(a.Asset - b.Asset), a.Seq - b.Seq} {
		if d < 0 {
			return -1
		}
		if d > 0 {
			return 1
		}
	}
	return 0
}

func sealID(lane int, seq int64) int64 { return int64(lane)<<48 | seq }

// checkOf keeps 63 bits of a hash in the row.
func checkOf(sum [32]byte) int64 { return int64(binary.BigEndian.Uint64(sum[:8]) >> 1) }

func fold(digest, sum [32]byte) [32]byte {
	var b [64]byte
	copy(b[:32], digest[:])
	copy(b[32:], sum[:])
	return sha256.Sum256(b[:])
}

// hash covers every column of the entry but the check itself, and the check before it.
func (e *Entry) hash(prev int64) [32]byte {
	b := make([]byte, 0, 256+len(e.Detail))
	for _, n := range [...]int64{prev, e.Member, int64(e.Asset), e.Seq, e.At, e.Occurred, e.Amount, e.Balance, e.Lot, e.Expires, int64(e.Class), e.Rule, e.Seal} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, s := range [...]string{e.Kind, e.Source, e.Ref, e.Detail} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}

func (s *seal) hash(prev string) string {
	b := append([]byte("guanxi-seal-1"), prev...)
	for _, n := range [...]int64{int64(s.Lane), s.Seq, s.At, int64(s.Entries)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	sum := sha256.Sum256(append(b, s.Digest...))
	return hex.EncodeToString(sum[:])
}

// A mark covers one row that may change: what no entry tells, such as when an account is due, or a hold that ended.

func (a Account) mark() int64 {
	return markOf(a.Member, int64(a.Asset), a.Balance, a.Pending, a.Held, a.Frozen, a.Debt, a.Seq, a.Check, a.Due, a.Holds)
}

func (h Hold) mark() int64 {
	texts := []byte(fmt.Sprintf("%q %q %q %q %q", h.Kind, h.State, h.Source, h.Ref, h.Takes))
	return markOf(h.Member, h.ID, int64(h.Asset), h.Amount, h.Posted, h.Until, h.At, h.Ended, checkOf(sha256.Sum256(texts)))
}

func markOf(values ...int64) int64 {
	b := make([]byte, 0, 96)
	for _, n := range values {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return checkOf(sha256.Sum256(b))
}

// putAccount is the one way to write an account.
func putAccount(tx *db.Tx, a Account) {
	a.Mark = a.mark()
	Accounts.Put(tx, a)
}

// marked gives a new or changed hold its mark and enters it in its account, in the place of what it was.
func (a *Account) marked(was, h Hold) Hold {
	h.Mark = h.mark()
	a.Holds ^= was.Mark ^ h.Mark
	return h
}

// Head is the last seal's hash of a lane: print it, mail it, keep it where the database's owner can't reach.
func Head(r db.Reader) (seq int64, hash string) {
	h, _ := heads.Get(r, lane0)
	return h.Seq, h.Hash
}
