package ledger

import (
	"embed"
	"math"
	"strconv"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of the ledger.
var Schema = db.Schema{Feature: "ledger", Files: files}

// AccountKey names an account.
type AccountKey struct {
	Member int64
	Asset  Asset
}

// Account is the projection of an account's entries.
type Account struct {
	Member  int64
	Asset   Asset
	Balance int64
	Pending int64 // in lots that have not matured
	Held    int64 // in open holds (预占)
	Frozen  int64 // in freezes (冻结)
	Debt    int64 // 欠分
	Seq     int64
	Check   int64 // of the last entry
	Due     int64 // when time alone will next change something here; it may be early, never late
	Holds   int64 // the marks of all its holds ever, as one
	Mark    int64 // covers the row
}

// Available is what can be spent, as of the last settling.
func (a Account) Available() int64 { return max(0, a.Balance-a.Pending-a.Held-a.Frozen) }

// Accounts holds a row a member and asset.
var Accounts = db.NewTable(db.Spec[Account, AccountKey]{
	Name: "ledger_account", Keys: 2, Load: true,
	Cols: []string{"member_id", "asset", "balance", "pending", "held", "frozen", "debt", "seq", "chk", "due_at", "holds", "mark"},
	Row: func(r *Account, p []any) []any {
		return append(p, &r.Member, &r.Asset, &r.Balance, &r.Pending, &r.Held, &r.Frozen, &r.Debt, &r.Seq, &r.Check, &r.Due, &r.Holds, &r.Mark)
	},
	Key:   func(r *Account) AccountKey { return AccountKey{r.Member, r.Asset} },
	Args:  func(k AccountKey, a []any) []any { return append(a, k.Member, k.Asset) },
	Owner: func(k AccountKey) int64 { return k.Member },
})

// EntryKey names an entry.
type EntryKey struct {
	Member int64
	Asset  Asset
	Seq    int64
}

// Entry is one line of the ledger (流水).
type Entry struct {
	Member   int64
	Asset    Asset
	Seq      int64 // dense per account, from 1
	At       int64 // when booked
	Occurred int64 // when it happened in business
	Amount   int64
	Balance  int64 // after this entry
	Kind     string
	Source   string // the cause; unique per account
	Lot      int64  // the lot a credit made
	Expires  int64
	Class    int
	Rule     int64 // rule version that gave it
	Ref      string
	Detail   string
	Seal     int64
	Check    int64
}

// Entries holds every entry ever made.
var Entries = db.NewTable(db.Spec[Entry, EntryKey]{
	Name: "ledger_entry", Keys: 3,
	Cols: []string{"member_id", "asset", "seq", "at", "occurred_at", "amount", "balance", "kind", "source",
		"lot_id", "expires_at", "class", "rule_id", "ref", "detail", "seal", "chk"},
	Row: func(r *Entry, p []any) []any {
		return append(p, &r.Member, &r.Asset, &r.Seq, &r.At, &r.Occurred, &r.Amount, &r.Balance, &r.Kind, &r.Source,
			&r.Lot, &r.Expires, &r.Class, &r.Rule, &r.Ref, &r.Detail, &r.Seal, &r.Check)
	},
	Key:   func(r *Entry) EntryKey { return EntryKey{r.Member, r.Asset, r.Seq} },
	Args:  func(k EntryKey, a []any) []any { return append(a, k.Member, k.Asset, k.Seq) },
	Owner: func(k EntryKey) int64 { return k.Member },
})

// LotKey names an open lot; its order is the order of spending.
type LotKey struct {
	Member  int64
	Asset   Asset
	Expires int64
	Lot     int64
}

// Lot is points earned together and expiring together (批次), while some of it is left.
type Lot struct {
	Member    int64
	Asset     Asset
	Expires   int64
	ID        int64
	Remaining int64
	Held      int64 // by holds and freezes
	Matures   int64
	Class     int
	Rule      int64
	Granted   int64
	Ref       string
}

// Lots holds the open lots.
var Lots = db.NewTable(db.Spec[Lot, LotKey]{
	Name: "ledger_lot", Keys: 4,
	Cols: []string{"member_id", "asset", "expires_at", "lot_id", "remaining", "held", "matures_at", "class", "rule_id", "granted", "ref"},
	Row: func(r *Lot, p []any) []any {
		return append(p, &r.Member, &r.Asset, &r.Expires, &r.ID, &r.Remaining, &r.Held, &r.Matures, &r.Class, &r.Rule, &r.Granted, &r.Ref)
	},
	Key:   func(r *Lot) LotKey { return LotKey{r.Member, r.Asset, r.Expires, r.ID} },
	Args:  func(k LotKey, a []any) []any { return append(a, k.Member, k.Asset, k.Expires, k.Lot) },
	Owner: func(k LotKey) int64 { return k.Member },
})

// Hold is an amount set apart: by an open checkout (预占) or by a freeze (冻结).
type Hold struct {
	Member int64
	ID     int64
	Asset  Asset
	Kind   string // checkout, freeze
	State  string // open, posted, voided, expired
	Amount int64
	Posted int64
	Until  int64
	Source string
	Ref    string
	Takes  string
	At     int64
	Ended  int64
	Mark   int64 // covers the row
}

type holdKey struct{ Member, ID int64 }

// Holds holds every hold; ended ones stay as history.
var Holds = db.NewTable(db.Spec[Hold, holdKey]{
	Name: "ledger_hold", Keys: 2, Indexed: true,
	Cols: []string{"member_id", "hold_id", "asset", "kind", "state", "amount", "posted", "until_at", "source", "ref", "takes", "at", "ended_at", "mark"},
	Row: func(r *Hold, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Asset, &r.Kind, &r.State, &r.Amount, &r.Posted, &r.Until, &r.Source, &r.Ref, &r.Takes, &r.At, &r.Ended, &r.Mark)
	},
	Key:   func(r *Hold) holdKey { return holdKey{r.Member, r.ID} },
	Args:  func(k holdKey, a []any) []any { return append(a, k.Member, k.ID) },
	Owner: func(k holdKey) int64 { return k.Member },
})

type reversed struct {
	Member int64
	Asset  Asset
	Seq    int64
	Amount int64
}

var reversals = db.NewTable(db.Spec[reversed, EntryKey]{
	Name: "ledger_reversed", Keys: 3, Cols: []string{"member_id", "asset", "seq", "amount"},
	Row:   func(r *reversed, p []any) []any { return append(p, &r.Member, &r.Asset, &r.Seq, &r.Amount) },
	Key:   func(r *reversed) EntryKey { return EntryKey{r.Member, r.Asset, r.Seq} },
	Args:  func(k EntryKey, a []any) []any { return append(a, k.Member, k.Asset, k.Seq) },
	Owner: func(k EntryKey) int64 { return k.Member },
})

type sealKey struct {
	Lane int
	Seq  int64
}

type seal struct {
	Lane    int
	Seq     int64
	At      int64
	Entries int
	Digest  string
	Hash    string
}

var seals = db.NewTable(db.Spec[seal, sealKey]{
	Name: "ledger_seal", Keys: 2, Cols: []string{"lane", "seq", "at", "entries", "digest", "hash"},
	Row:  func(r *seal, p []any) []any { return append(p, &r.Lane, &r.Seq, &r.At, &r.Entries, &r.Digest, &r.Hash) },
	Key:  func(r *seal) sealKey { return sealKey{r.Lane, r.Seq} },
	Args: func(k sealKey, a []any) []any { return append(a, k.Lane, k.Seq) },
})

type head struct {
	Lane int
	Seq  int64
	Hash string
}

var heads = db.NewTable(db.Spec[head, int]{
	Name: "ledger_head", Keys: 1, Cols: []string{"lane", "seq", "hash"},
	Row: func(r *head, p []any) []any { return append(p, &r.Lane, &r.Seq, &r.Hash) },
	Key: func(r *head) int { return r.Lane },
})

// TotalKey names a day's flow of one kind.
type TotalKey struct {
	Asset Asset
	Day   int
	Kind  string
}

// Total is a day's flow of one kind; the kind "debt" counts how debt changed.
type Total struct {
	Asset   Asset
	Day     int
	Kind    string
	Amount  int64
	Entries int64
}

// Totals holds the flows by local day.
var Totals = db.NewTable(db.Spec[Total, TotalKey]{
	Name: "ledger_total", Keys: 3, Cols: []string{"asset", "day", "kind", "amount", "entries"},
	Row:  func(r *Total, p []any) []any { return append(p, &r.Asset, &r.Day, &r.Kind, &r.Amount, &r.Entries) },
	Key:  func(r *Total) TotalKey { return TotalKey{r.Asset, r.Day, r.Kind} },
	Args: func(k TotalKey, a []any) []any { return append(a, k.Asset, k.Day, k.Kind) },
})

// key is which entry a cause has made.
type key struct {
	ID  string
	Seq int64
}

var keys = db.NewTable(db.Spec[key, string]{
	Name: "ledger_key", Keys: 1, Cols: []string{"id", "seq"},
	Row: func(r *key, p []any) []any { return append(p, &r.ID, &r.Seq) },
	Key: func(r *key) string { return r.ID },
})

func keyID(member int64, asset Asset, source string) string {
	b := make([]byte, 0, 24+len(source))
	b = append(strconv.AppendInt(b, member, 10), ':')
	b = append(strconv.AppendInt(b, int64(asset), 10), ':')
	return string(append(b, source...))
}

// Want declares that a write will look for what a cause has booked.
func Want(member int64, asset Asset, source string) db.Want {
	return keys.Want(keyID(member, asset, source))
}

// bySource finds the entry a cause has already made.
func bySource(r db.Reader, member int64, asset Asset, source string) (Entry, bool) {
	k, ok := keys.Get(r, keyID(member, asset, source))
	if !ok {
		return Entry{}, false
	}
	return Entries.Get(r, EntryKey{member, asset, k.Seq})
}

// spendable reads open lots, what expires soonest first, beginning after a key, a page at a time.
func spendable(r db.Reader, member int64, asset Asset, after Lot, page int) []Lot {
	return Lots.Select(r, db.Query[Lot]{
		Where: "member_id = ? AND asset = ? AND (expires_at > ? OR expires_at = ? AND lot_id > ?)",
		Args:  []any{member, asset, after.Expires, after.Expires, after.ID}, Order: "expires_at, lot_id", Limit: page, Owner: member,
		Match: func(l *Lot) bool { return l.Asset == asset && lotLess(&after, l) },
		Less:  lotLess,
	})
}

// lotParts finds the open parts of a lot in spending order: each restore after its expiry opened another.
func lotParts(r db.Reader, k LotKey) []Lot {
	return Lots.Select(r, db.Query[Lot]{
		Where: "member_id = ? AND asset = ? AND lot_id = ?", Args: []any{k.Member, k.Asset, k.Lot},
		Order: "expires_at", Owner: k.Member,
		Match: func(l *Lot) bool { return l.Asset == k.Asset && l.ID == k.Lot }, Less: lotLess,
	})
}

// lapsed finds open lots past their instant that are not wholly held.
func lapsed(r db.Reader, member int64, asset Asset, n int) []Lot {
	return Lots.Select(r, db.Query[Lot]{
		Where: "member_id = ? AND asset = ? AND expires_at <= ? AND remaining > held", Args: []any{member, asset, r.Now()},
		Order: "expires_at, lot_id", Limit: n, Owner: member,
		Match: func(l *Lot) bool { return l.Asset == asset && l.Expires <= r.Now() && l.Remaining > l.Held },
		Less:  lotLess,
	})
}

// expired is where the walk over lots that still live begins: after all whose instant has come.
func expired(now int64) Lot { return Lot{Expires: now, ID: math.MaxInt64} }

func lotLess(a, b *Lot) bool {
	if a.Expires != b.Expires {
		return a.Expires < b.Expires
	}
	return a.ID < b.ID
}

// eachLot walks all open lots of an account, what expires soonest first; f stops it with false.
func eachLot(r db.Reader, member int64, asset Asset, from Lot, f func(Lot) bool) {
	const page = 64
	for after := from; ; {
		lots := spendable(r, member, asset, after, page)
		for _, l := range lots {
			if !f(l) {
				return
			}
		}
		if len(lots) < page {
			return
		}
		after = lots[len(lots)-1]
	}
}

// ExpiringTotal is what lapses at one instant over all members.
type ExpiringTotal struct {
	At      int64
	Amount  int64
	Members int64
}

// ExpiringAll sums what lapses in (from, until] over all members, soonest first. It reads every open lot.
func ExpiringAll(v *db.View, asset Asset, from, until int64) []ExpiringTotal {
	var out []ExpiringTotal
	v.Rows(`SELECT expires_at, SUM(remaining), COUNT(DISTINCT member_id) FROM ledger_lot
		WHERE asset = ? AND expires_at > ? AND expires_at <= ? GROUP BY expires_at ORDER BY expires_at`,
		[]any{asset, from, until}, func(scan func(...any)) {
			var e ExpiringTotal
			scan(&e.At, &e.Amount, &e.Members)
			out = append(out, e)
		})
	return out
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

// span is members from one number on and below another; math.MaxInt64 is no bound.
type span struct{ from, below int64 }

var everyone = span{math.MinInt64, math.MaxInt64}

// halves cuts everyone in two by the number of accounts.
func halves(v *db.View) []span {
	var n, mid int64
	v.Row("SELECT COUNT(*) FROM ledger_account", nil, &n)
	if !v.Row("SELECT member_id FROM ledger_account ORDER BY member_id, asset LIMIT 1 OFFSET ?", []any{n / 2}, &mid) {
		return []span{everyone}
	}
	return []span{{everyone.from, mid}, {mid, everyone.below}}
}

// eachSum gives, for each account of these members with entries, their sum and number beside what its row says.
func eachSum(v *db.View, of span, f func(k AccountKey, sum, n, balance, seq int64)) {
	v.Rows(`SELECT e.member_id, e.asset, e.s, e.n, COALESCE(a.balance, 0), COALESCE(a.seq, 0)
		FROM (SELECT member_id, asset, SUM(amount) AS s, COUNT(*) AS n FROM ledger_entry
			WHERE member_id >= ? AND member_id < ? GROUP BY member_id, asset) e
		LEFT JOIN ledger_account a ON a.member_id = e.member_id AND a.asset = e.asset`, []any{of.from, of.below}, func(scan func(...any)) {
		var k AccountKey
		var sum, n, balance, seq int64
		scan(&k.Member, &k.Asset, &sum, &n, &balance, &seq)
		f(k, sum, n, balance, seq)
	})
}

func countSeals(v *db.View) (n int64) {
	v.Row("SELECT COUNT(*) FROM ledger_seal", nil, &n)
	return n
}
