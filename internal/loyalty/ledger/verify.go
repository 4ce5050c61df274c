package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"

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
	Holds    int64   `json:"holds"` // open ones
	Seals    int64   `json:"seals"`
	Head     string  `json:"head"`
	Wrong    []Wrong `json:"wrong"`
}

const maxWrong = 20

type verifier struct {
	v        *db.View
	out      Verified
	sums     [][32]byte // by seal number
	counts   []int
	flows    map[string]Total // by asset and kind
	reversed map[EntryKey]int64
	keyed    fingerprint // of what the entries say, less what the keys say
	accts    *feed[Account]
	lots     *feed[Lot]
	holds    *feed[Hold]
	member   int64           // whose holds are in kept
	kept     map[Asset]*kept // of accounts not compared yet
	tick     func(entries int64)
	current  *story
}

// story is one account as its entries say it must be.
type story struct {
	key     AccountKey
	seq     int64
	at      int64
	balance int64
	debt    int64
	check   int64
	lots    map[LotKey]Lot
}

// Verify recomputes balances, debt, lots, holds, account chains, seals, reversals and totals from all entries and names
// what differs, the first wrong row first. It reads one snapshot, so it may run beside a working server. tick may be nil.
func Verify(v *db.View, tick func(entries int64)) Verified {
	n := countSeals(v)
	f := &verifier{v: v, flows: map[string]Total{}, reversed: map[EntryKey]int64{}, tick: tick,
		sums: make([][32]byte, n+1), counts: make([]int, n+1)}
	f.accts = newFeed(func(row func(*Account)) { Accounts.Each(v, db.Query[Account]{Order: "member_id, asset"}, row) })
	f.lots = newFeed(func(row func(*Lot)) {
		Lots.Each(v, db.Query[Lot]{Order: "member_id, asset, expires_at, lot_id"}, row)
	})
	f.holds = newFeed(func(row func(*Hold)) { Holds.Each(v, db.Query[Hold]{Order: "member_id, hold_id"}, row) })
	defer f.accts.stop()
	defer f.lots.stop()
	defer f.holds.stop()
	Entries.Each(v, db.Query[Entry]{Order: "member_id, asset, seq"}, f.entry)
	f.finish()
	f.strangers(AccountKey{Member: math.MaxInt64})
	f.holdsOf(math.MaxInt64)
	f.seals()
	f.head()
	f.reversals()
	f.totals()
	f.keys()
	return f.out
}

// A feed gives the rows of a streaming query one at a time.
type feed[R any] struct {
	row  *R // the next one, nil at the end
	pull func() (*R, bool)
	stop func()
}

func newFeed[R any](each func(func(*R))) *feed[R] {
	f := &feed[R]{}
	f.pull, f.stop = iter.Pull(func(yield func(*R) bool) {
		stopped := false
		each(func(r *R) { stopped = stopped || !yield(r) })
	})
	f.next()
	return f
}

func (f *feed[R]) next() { f.row, _ = f.pull() }

func (f *verifier) wrong(table, row, what string, args ...any) {
	if len(f.out.Wrong) < maxWrong {
		f.out.Wrong = append(f.out.Wrong, Wrong{table, row, fmt.Sprintf(what, args...)})
	}
}

func accountName(k AccountKey) string {
	return fmt.Sprintf("member %d %s", k.Member, AssetName(k.Asset))
}

func entryName(k EntryKey) string {
	return fmt.Sprintf("%s entry %d", accountName(AccountKey{k.Member, k.Asset}), k.Seq)
}

func lotName(l *Lot) string {
	return fmt.Sprintf("%s lot %d", accountName(AccountKey{l.Member, l.Asset}), l.ID)
}

func holdName(h *Hold) string { return fmt.Sprintf("member %d hold %d", h.Member, h.ID) }

func (f *verifier) entry(e *Entry) {
	f.out.Entries++
	if f.tick != nil && f.out.Entries%10_000 == 0 {
		f.tick(f.out.Entries)
	}
	key := AccountKey{e.Member, e.Asset}
	if f.current == nil || f.current.key != key {
		f.finish()
		f.current = &story{key: key, lots: map[LotKey]Lot{}}
	}
	r := f.current
	d := e.Details()
	name := entryName(EntryKey{e.Member, e.Asset, e.Seq})
	r.seq++
	r.balance += e.Amount
	switch {
	case e.Seq != r.seq:
		f.wrong("ledger_entry", name, "expected entry %d: one is missing or added", r.seq)
		r.seq = e.Seq
	case e.Balance != r.balance:
		f.wrong("ledger_entry", name, "balance after it is %d, the entries say %d", e.Balance, r.balance)
		r.balance = e.Balance
	case e.At < r.at:
		f.wrong("ledger_entry", name, "booked before the entry before it")
	}
	r.at = e.At
	f.chain(r, e, name)
	f.replay(r, e, d, name)
	f.flow(e.Asset, e.Kind, e.Amount, 1)
	if keyed(e.Source) {
		f.keyed.add(keyID(e.Member, e.Asset, e.Source), e.Seq)
	}
	if by := d.Owed - d.Repaid; by != 0 {
		f.flow(e.Asset, "debt", by, 1)
	}
	if d.Reverses != 0 {
		member := e.Member
		if d.Other != 0 {
			member = d.Other
		}
		f.reversed[EntryKey{member, e.Asset, d.Reverses}] += max(e.Amount, -e.Amount)
	}
}

func (f *verifier) flow(asset Asset, kind string, amount, entries int64) {
	name := AssetName(asset) + " " + kind
	t := f.flows[name]
	t.Amount += amount
	t.Entries += entries
	f.flows[name] = t
}

// chain checks the hash of an entry and folds it into its seal.
func (f *verifier) chain(r *story, e *Entry, name string) {
	sum := e.hash(r.check)
	if checkOf(sum) != e.Check {
		f.wrong("ledger_entry", name, "its content does not match its check")
	}
	r.check = e.Check
	n := e.Seal & (1<<48 - 1)
	if n <= 0 || n >= int64(len(f.sums)) {
		f.wrong("ledger_entry", name, "its seal %d is missing", n)
		return
	}
	f.sums[n] = fold(f.sums[n], sum)
	f.counts[n]++
}

// replay applies the entry to lots and debt, which must come out even with its amount.
func (f *verifier) replay(r *story, e *Entry, d Detail, name string) {
	delta := d.Repaid - d.Owed
	r.debt += d.Owed - d.Repaid
	give := func(l Lot) {
		k := LotKey{Expires: l.Expires, Lot: l.ID}
		if was, ok := r.lots[k]; ok {
			was.Remaining += l.Remaining
			l = was
		}
		r.lots[k] = l
	}
	if n := e.Amount - d.Repaid; e.Lot != 0 && n > 0 {
		give(Lot{Member: e.Member, Asset: e.Asset, Expires: e.Expires, ID: e.Lot, Remaining: n, Matures: d.Matures,
			Class: e.Class, Rule: e.Rule, Granted: e.Amount, Ref: e.Ref})
		delta += n
	}
	for _, t := range d.Takes {
		k := LotKey{Expires: t.Expires, Lot: t.Lot}
		lot := r.lots[k]
		if lot.Remaining < t.N || t.N <= 0 {
			f.wrong("ledger_entry", name, "takes %d from lot %d, which holds %d", t.N, t.Lot, lot.Remaining)
		}
		lot.Remaining -= t.N
		r.lots[k] = lot
		if lot.Remaining == 0 {
			delete(r.lots, k)
		}
		delta -= t.N
	}
	for _, g := range d.Gives { // after the takes: what matures early goes back to the lot it came from
		give(lotOf(e.Member, e.Asset, g))
		delta += g.N
	}
	if delta != e.Amount {
		f.wrong("ledger_entry", name, "amount %d, but lots and debt changed by %d", e.Amount, delta)
	}
	if r.debt != d.Debt {
		f.wrong("ledger_entry", name, "debt after it is %d, the entries say %d", d.Debt, r.debt)
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

// strangers names accounts and lots before a key: nothing else led to them.
func (f *verifier) strangers(before AccountKey) {
	for ; f.accts.row != nil && keyLess(AccountKey{f.accts.row.Member, f.accts.row.Asset}, before); f.accts.next() {
		f.wrong("ledger_account", accountName(AccountKey{f.accts.row.Member, f.accts.row.Asset}), "an account without entries")
	}
	for ; f.lots.row != nil && keyLess(AccountKey{f.lots.row.Member, f.lots.row.Asset}, before); f.lots.next() {
		f.wrong("ledger_lot", lotName(f.lots.row), "a lot without an account")
	}
}

// kept is what the holds of an account say.
type kept struct {
	name   string // of one of them
	held   int64
	frozen int64
	marks  int64
	lots   map[LotKey]int64
}

// holdsOf reads the holds of a member, and names those before it that belong to no account.
func (f *verifier) holdsOf(member int64) {
	if f.member == member {
		return
	}
	for _, k := range f.kept {
		f.wrong("ledger_hold", k.name, "a hold without an account")
	}
	f.member, f.kept = member, map[Asset]*kept{}
	for ; f.holds.row != nil && f.holds.row.Member < member; f.holds.next() {
		f.wrong("ledger_hold", holdName(f.holds.row), "a hold without an account")
	}
	for ; f.holds.row != nil && f.holds.row.Member == member; f.holds.next() {
		f.hold(f.holds.row)
	}
}

func (f *verifier) hold(h *Hold) {
	k := f.kept[h.Asset]
	if k == nil {
		k = &kept{name: holdName(h), lots: map[LotKey]int64{}}
		f.kept[h.Asset] = k
	}
	if h.Mark != h.mark() {
		f.wrong("ledger_hold", holdName(h), "its content does not match its mark")
	}
	k.marks ^= h.Mark
	if h.State != HoldOpen {
		return
	}
	f.out.Holds++
	*k.bucket(h.Kind) += h.Amount
	takes, err := h.takes()
	left := h.Amount
	for _, t := range takes {
		k.lots[LotKey{Expires: t.Expires, Lot: t.Lot}] += t.N
		left -= t.N
	}
	if err != nil || left != 0 {
		f.wrong("ledger_hold", holdName(h), "it keeps %d, but %d less in lots", h.Amount, left)
	}
}

func (k *kept) bucket(kind string) *int64 {
	if kind == HoldFreeze {
		return &k.frozen
	}
	return &k.held
}

// keptBy takes out what the holds of an account say.
func (f *verifier) keptBy(key AccountKey) kept {
	f.holdsOf(key.Member)
	k := f.kept[key.Asset]
	if k == nil {
		return kept{}
	}
	delete(f.kept, key.Asset)
	return *k
}

// account compares the projections of one account with its entries.
func (f *verifier) account(r *story) {
	f.strangers(r.key)
	k := f.keptBy(r.key)
	inLots := f.accountLots(r, k)
	name := accountName(r.key)
	a := f.accts.row
	if a == nil || (AccountKey{a.Member, a.Asset}) != r.key {
		f.wrong("ledger_account", name, "the account row is missing")
		return
	}
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
	case a.Held != k.held || a.Frozen != k.frozen:
		f.wrong("ledger_account", name, "held %d and frozen %d, the open holds say %d and %d", a.Held, a.Frozen, k.held, k.frozen)
	case a.Holds != k.marks:
		f.wrong("ledger_account", name, "a hold is missing or added")
	case a.Pending < 0 || a.Pending > inLots:
		f.wrong("ledger_account", name, "pending %d of %d", a.Pending, inLots)
	case a.Mark != a.mark():
		f.wrong("ledger_account", name, "its content does not match its mark")
	}
	f.accts.next()
}

func (f *verifier) accountLots(r *story, k kept) (sum int64) {
	for ; f.lots.row != nil && (AccountKey{f.lots.row.Member, f.lots.row.Asset}) == r.key; f.lots.next() {
		l := f.lots.row
		at := LotKey{Expires: l.Expires, Lot: l.ID}
		want, ok := r.lots[at]
		want.Held = k.lots[at]
		switch {
		case !ok:
			f.wrong("ledger_lot", lotName(l), "no entry gave it, or all of it was taken")
		case *l != want:
			f.wrong("ledger_lot", lotName(l), "it is %+v, the entries and holds say %+v", *l, want)
		case l.Held > l.Remaining:
			f.wrong("ledger_lot", lotName(l), "%d are held of %d", l.Held, l.Remaining)
		}
		sum += l.Remaining
		delete(r.lots, at)
		f.out.Lots++
	}
	for at, l := range r.lots {
		f.wrong("ledger_lot", fmt.Sprintf("%s lot %d", accountName(r.key), at.Lot), "the lot is missing; the entries say it holds %d", l.Remaining)
	}
	return sum
}

func (f *verifier) seals() {
	prev := ""
	seals.Each(f.v, db.Query[seal]{Order: "lane, seq"}, func(s *seal) {
		f.out.Seals++
		name := fmt.Sprintf("seal %d", s.Seq)
		n := f.out.Seals
		switch {
		case s.Lane != lane0 || s.Seq != n:
			f.wrong("ledger_seal", name, "expected seal %d: one is missing or added", n)
		case f.counts[n] != s.Entries || hex.EncodeToString(f.sums[n][:]) != s.Digest:
			f.wrong("ledger_seal", name, "its entries are not those that were sealed")
		case s.hash(prev) != s.Hash:
			f.wrong("ledger_seal", name, "it does not follow the seal before it")
		}
		prev = s.Hash
	})
	f.out.Head = prev
}

// head looks that the kept head is the last seal.
func (f *verifier) head() {
	rows := heads.Select(f.v, db.Query[head]{Order: "lane"})
	if want := (head{lane0, f.out.Seals, f.out.Head}); len(rows) > 1 || len(rows) == 1 && rows[0] != want || len(rows) == 0 && f.out.Seals > 0 {
		f.wrong("ledger_head", "lane 0", "the head is not the last seal")
	}
}

func (f *verifier) reversals() {
	reversals.Each(f.v, db.Query[reversed]{Order: "member_id, asset, seq"}, func(r *reversed) {
		k := EntryKey{r.Member, r.Asset, r.Seq}
		if n, ok := f.reversed[k]; !ok || n != r.Amount {
			f.wrong("ledger_reversed", entryName(k), "%d were reversed, the entries say %d", r.Amount, n)
		}
		delete(f.reversed, k)
	})
	for k, n := range f.reversed {
		f.wrong("ledger_reversed", entryName(k), "%d were reversed, which is not remembered", n)
	}
}

func (f *verifier) totals() {
	Totals.Each(f.v, db.Query[Total]{Order: "asset, day, kind"}, func(t *Total) { f.flow(t.Asset, t.Kind, -t.Amount, -t.Entries) })
	for name, off := range f.flows {
		if off.Amount != 0 || off.Entries != 0 {
			f.wrong("ledger_total", name, "the daily totals are off by %d in %d entries", -off.Amount, -off.Entries)
		}
	}
}

// CheckBalances is the quick check: each account's balance against the sum of its entries.
func CheckBalances(v *db.View) (accounts, entries int64, wrong []Wrong) {
	return checkBalances(v, everyone)
}

func checkBalances(v *db.View, of span) (accounts, entries int64, wrong []Wrong) {
	eachSum(v, of, func(k AccountKey, sum, n, balance, seq int64) {
		accounts++
		entries += n
		if (sum != balance || n != seq) && len(wrong) < maxWrong {
			wrong = append(wrong, Wrong{"ledger_account", accountName(k),
				fmt.Sprintf("balance %d after %d entries, the entries sum to %d in %d", balance, seq, sum, n)})
		}
	})
	return accounts, entries, wrong
}

// Checked is what a check of all balances found.
type Checked struct {
	Accounts, Entries int64
	Wrong             []Wrong
}

// CheckAll is CheckBalances with two halves of the members side by side, each in a snapshot of its own: an account and its entries
// are always seen together.
func CheckAll(ctx context.Context, d *db.DB) (out Checked, err error) {
	var parts []span
	if err = d.View(ctx, func(v *db.View) error { parts = halves(v); return nil }); err != nil {
		return out, err
	}
	found, failed := make([]Checked, len(parts)), make([]error, len(parts))
	var all sync.WaitGroup
	for n, of := range parts {
		all.Go(func() {
			failed[n] = d.View(ctx, func(v *db.View) error {
				c := &found[n]
				c.Accounts, c.Entries, c.Wrong = checkBalances(v, of)
				return nil
			})
		})
	}
	all.Wait()
	for _, c := range found {
		out.Accounts += c.Accounts
		out.Entries += c.Entries
		out.Wrong = append(out.Wrong, c.Wrong...)
	}
	return out, errors.Join(failed...)
}
