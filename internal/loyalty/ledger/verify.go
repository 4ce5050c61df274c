package ledger

import (
	"encoding/hex"
	"fmt"
	"iter"

	"guanxi/internal/base/db"
)

// Wrong is one row that can't be true.
type Wrong struct {
	Table string `json:"table"`
	Row   string `json:"row"`
	What  string `json:"what"`
}

// Verified is the result of recomputing the ledger from its first entry.
type Verified struct {
	Entries  int64   `json:"entries"`
	Accounts int64   `json:"accounts"`
	Lots     int64   `json:"lots"`
	Holds    int64   `json:"holds"`
	Seals    int64   `json:"seals"`
	Head     string  `json:"head"`
	Wrong    []Wrong `json:"wrong"`
}

const maxWrong = 20

type verifier struct {
	v       *db.View
	out     Verified
	sums    [][32]byte // by seal number
	counts  []int
	kinds   map[TotalKey]int64
	lots    func() (*Lot, bool)
	accts   func() (*Account, bool)
	holds   func() (*Hold, bool)
	lot     *Lot
	acct    *Account
	hold    *Hold
	tick    func(entries int64)
	current *replayed
}

// replayed is one account as its entries say it must be.
type replayed struct {
	key     AccountKey
	seq     int64
	at      int64
	balance int64
	debt    int64
	check   int64
	lots    map[LotKey]int64
}

// Verify recomputes balances, debt, lots, holds, account chains, seals and totals from all entries and names what differs,
// the first wrong row first. It reads one snapshot, so it may run beside a working server. tick may be nil.
func Verify(v *db.View, tick func(entries int64)) Verified {
	f := &verifier{v: v, kinds: map[TotalKey]int64{}, tick: tick}
	var stops [3]func()
	f.accts, stops[0] = pull(func(row func(*Account)) { Accounts.Each(v, db.Query[Account]{Order: "member_id, asset"}, row) })
	f.lots, stops[1] = pull(func(row func(*Lot)) {
		Lots.Each(v, db.Query[Lot]{Order: "member_id, asset, expires_at, lot_id"}, row)
	})
	f.holds, stops[2] = pull(func(row func(*Hold)) {
		Holds.Each(v, db.Query[Hold]{Where: "state = ?", Args: []any{HoldOpen}, Order: "member_id, asset, hold_id"}, row)
	})
	for _, stop := range stops {
		defer stop()
	}
	f.acct, _ = f.accts()
	f.lot, _ = f.lots()
	f.hold, _ = f.holds()
	Entries.Each(v, db.Query[Entry]{Order: "member_id, asset, seq"}, f.entry)
	f.finish()
	for f.acct != nil {
		f.account(&replayed{key: AccountKey{f.acct.Member, f.acct.Asset}})
	}
	if f.lot != nil {
		f.wrong("ledger_lot", lotName(f.lot), "a lot without an account")
	}
	f.seals()
	f.totals()
	return f.out
}

// pull turns a streaming query into a function that gives the next row.
func pull[R any](each func(func(*R))) (func() (*R, bool), func()) {
	return iter.Pull(func(yield func(*R) bool) {
		stopped := false
		each(func(r *R) {
			if !stopped {
				stopped = !yield(r)
			}
		})
	})
}

func (f *verifier) wrong(table, row, what string, args ...any) {
	if len(f.out.Wrong) < maxWrong {
		f.out.Wrong = append(f.out.Wrong, Wrong{table, row, fmt.Sprintf(what, args...)})
	}
}

func entryName(e *Entry) string {
	return fmt.Sprintf("member %d %s entry %d", e.Member, AssetName(e.Asset), e.Seq)
}

func lotName(l *Lot) string {
	return fmt.Sprintf("member %d %s lot %d", l.Member, AssetName(l.Asset), l.ID)
}

func (f *verifier) entry(e *Entry) {
	f.out.Entries++
	if f.tick != nil && f.out.Entries%10_000 == 0 {
		f.tick(f.out.Entries)
	}
	key := AccountKey{e.Member, e.Asset}
	if f.current == nil || f.current.key != key {
		f.finish()
		f.current = &replayed{key: key, lots: map[LotKey]int64{}}
	}
	r := f.current
	d := e.Details()
	r.seq++
	r.balance += e.Amount
	switch {
	case e.Seq != r.seq:
		f.wrong("ledger_entry", entryName(e), "expected entry %d: one is missing or added", r.seq)
		r.seq = e.Seq
	case e.Balance != r.balance:
		f.wrong("ledger_entry", entryName(e), "balance after it is %d, the entries say %d", e.Balance, r.balance)
		r.balance = e.Balance
	case e.At < r.at:
		f.wrong("ledger_entry", entryName(e), "booked before the entry before it")
	}
	r.at = e.At
	f.chain(r, e)
	f.replay(r, e, d)
	f.kinds[TotalKey{e.Asset, 0, e.Kind}] += e.Amount
	f.kinds[TotalKey{e.Asset, 0, "debt"}] += d.Owed - d.Repaid
}

// chain checks the hash of an entry and folds it into its seal.
func (f *verifier) chain(r *replayed, e *Entry) {
	sum := e.hash(r.check)
	if checkOf(sum) != e.Check {
		f.wrong("ledger_entry", entryName(e), "its content does not match its check")
	}
	r.check = e.Check
	n := int(e.Seal & (1<<48 - 1))
	if n <= 0 || n > 1<<40 {
		f.wrong("ledger_entry", entryName(e), "it belongs to no seal")
		return
	}
	for len(f.sums) <= n {
		f.sums = append(f.sums, [32]byte{})
		f.counts = append(f.counts, 0)
	}
	f.sums[n] = fold(f.sums[n], sum)
	f.counts[n]++
}

// replay applies the entry to lots and debt, which must come out even with its amount.
func (f *verifier) replay(r *replayed, e *Entry, d Detail) {
	delta := d.Repaid - d.Owed
	r.debt += d.Owed - d.Repaid
	give := func(expires, id, n int64) {
		r.lots[LotKey{Expires: expires, Lot: id}] += n
		delta += n
	}
	if e.Lot != 0 && e.Amount > d.Repaid {
		give(e.Expires, e.Lot, e.Amount-d.Repaid)
	}
	for _, g := range d.Gives {
		give(g.Expires, g.Lot, g.N)
	}
	for _, t := range d.Takes {
		k := LotKey{Expires: t.Expires, Lot: t.Lot}
		if r.lots[k] < t.N {
			f.wrong("ledger_entry", entryName(e), "takes %d from lot %d, which holds %d", t.N, t.Lot, r.lots[k])
		}
		give(t.Expires, t.Lot, -t.N)
		if r.lots[k] == 0 {
			delete(r.lots, k)
		}
	}
	if delta != e.Amount {
		f.wrong("ledger_entry", entryName(e), "amount %d, but lots and debt changed by %d", e.Amount, delta)
	}
	if r.debt != d.Debt {
		f.wrong("ledger_entry", entryName(e), "debt after it is %d, the entries say %d", d.Debt, r.debt)
		r.debt = d.Debt
	}
}

func (f *verifier) finish() {
	if f.current != nil {
		f.account(f.current)
	}
	f.current = nil
}

func keyLess(a, b AccountKey) bool {
	return a.Member < b.Member || a.Member == b.Member && a.Asset < b.Asset
}

// account compares the projections of one account with its entries.
func (f *verifier) account(r *replayed) {
	for f.acct != nil && keyLess(AccountKey{f.acct.Member, f.acct.Asset}, r.key) {
		f.account(&replayed{key: AccountKey{f.acct.Member, f.acct.Asset}})
	}
	name := fmt.Sprintf("member %d %s", r.key.Member, AssetName(r.key.Asset))
	held := f.accountHolds(r.key)
	inLots, lotHeld := f.accountLots(r)
	if f.acct == nil || (AccountKey{f.acct.Member, f.acct.Asset}) != r.key {
		f.wrong("ledger_account", name, "the account row is missing")
		return
	}
	a := *f.acct
	f.acct, _ = f.accts()
	f.out.Accounts++
	switch {
	case a.Balance != r.balance:
		f.wrong("ledger_account", name, "balance %d, the entries say %d", a.Balance, r.balance)
	case a.Seq != r.seq:
		f.wrong("ledger_account", name, "last entry %d, found %d", a.Seq, r.seq)
	case a.Debt != r.debt:
		f.wrong("ledger_account", name, "debt %d, the entries say %d", a.Debt, r.debt)
	case a.Check != r.check:
		f.wrong("ledger_account", name, "its check is not that of its last entry")
	case inLots-a.Debt != a.Balance:
		f.wrong("ledger_account", name, "balance %d, but lots %d − debt %d", a.Balance, inLots, a.Debt)
	case a.Held+a.Frozen != held || lotHeld != held:
		f.wrong("ledger_account", name, "held %d and frozen %d, but open holds are %d and lots keep %d", a.Held, a.Frozen, held, lotHeld)
	case a.Pending < 0 || a.Pending > inLots:
		f.wrong("ledger_account", name, "pending %d of %d", a.Pending, inLots)
	}
}

func (f *verifier) accountHolds(k AccountKey) (held int64) {
	for f.hold != nil && !keyLess(k, AccountKey{f.hold.Member, f.hold.Asset}) {
		if (AccountKey{f.hold.Member, f.hold.Asset}) == k {
			held += f.hold.Amount
		} else {
			f.wrong("ledger_hold", fmt.Sprintf("member %d hold %d", f.hold.Member, f.hold.ID), "a hold without an account")
		}
		f.out.Holds++
		f.hold, _ = f.holds()
	}
	return held
}

func (f *verifier) accountLots(r *replayed) (sum, held int64) {
	for f.lot != nil && !keyLess(r.key, AccountKey{f.lot.Member, f.lot.Asset}) {
		l := f.lot
		k := LotKey{Expires: l.Expires, Lot: l.ID}
		switch {
		case (AccountKey{l.Member, l.Asset}) != r.key:
			f.wrong("ledger_lot", lotName(l), "a lot without an account")
		case l.Remaining != r.lots[k] || l.Held < 0 || l.Held > l.Remaining:
			f.wrong("ledger_lot", lotName(l), "holds %d (%d held), the entries say %d", l.Remaining, l.Held, r.lots[k])
		}
		sum += l.Remaining
		held += l.Held
		delete(r.lots, k)
		f.out.Lots++
		f.lot, _ = f.lots()
	}
	for k, n := range r.lots {
		f.wrong("ledger_lot", fmt.Sprintf("member %d %s lot %d", r.key.Member, AssetName(r.key.Asset), k.Lot), "the lot is missing; the entries say it holds %d", n)
	}
	return sum, held
}

func (f *verifier) seals() {
	prev := ""
	seals.Each(f.v, db.Query[seal]{Order: "lane, seq"}, func(s *seal) {
		f.out.Seals++
		name := fmt.Sprintf("seal %d", s.Seq)
		n := int(s.Seq)
		switch {
		case s.Seq != f.out.Seals:
			f.wrong("ledger_seal", name, "expected seal %d: one is missing or added", f.out.Seals)
		case n >= len(f.sums) || f.counts[n] != s.Entries || hex.EncodeToString(f.sums[n][:]) != s.Digest:
			f.wrong("ledger_seal", name, "its entries are not those that were sealed")
		case s.hash(prev) != s.Hash:
			f.wrong("ledger_seal", name, "it does not follow the seal before it")
		}
		if n < len(f.counts) {
			f.counts[n] = 0
		}
		prev = s.Hash
	})
	for n, left := range f.counts {
		if left != 0 {
			f.wrong("ledger_seal", fmt.Sprintf("seal %d", n), "the seal of %d entries is missing", left)
		}
	}
	h, _ := heads.Get(f.v, lane0)
	if h.Seq != f.out.Seals || h.Hash != prev {
		f.wrong("ledger_head", "lane 0", "the head is not the last seal")
	}
	f.out.Head = h.Hash
}

func (f *verifier) totals() {
	Totals.Each(f.v, db.Query[Total]{Order: "asset, day, kind"}, func(t *Total) {
		f.kinds[TotalKey{t.Asset, 0, t.Kind}] -= t.Amount
	})
	for k, diff := range f.kinds {
		if diff != 0 {
			f.wrong("ledger_total", AssetName(k.Asset)+" "+k.Kind, "the daily totals are off by %d", -diff)
		}
	}
}

// CheckBalances is the quick check: each account's balance against the sum of its entries.
func CheckBalances(v *db.View) (accounts, entries int64, wrong []Wrong) {
	v.Rows(`SELECT e.member_id, e.asset, e.s, e.n, COALESCE(a.balance, 0), COALESCE(a.seq, 0)
		FROM (SELECT member_id, asset, SUM(amount) AS s, COUNT(*) AS n FROM ledger_entry GROUP BY member_id, asset) e
		LEFT JOIN ledger_account a ON a.member_id = e.member_id AND a.asset = e.asset`, nil, func(scan func(...any)) {
		var member, asset, sum, n, balance, seq int64
		scan(&member, &asset, &sum, &n, &balance, &seq)
		accounts++
		entries += n
		if (sum != balance || n != seq) && len(wrong) < maxWrong {
			wrong = append(wrong, Wrong{"ledger_account", fmt.Sprintf("member %d %s", member, AssetName(int(asset))),
				fmt.Sprintf("balance %d after %d entries, the entries sum to %d in %d", balance, seq, sum, n)})
		}
	})
	return accounts, entries, wrong
}
