package tamper

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/app/heads"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/sim/model"
)

// table is a table of the ledger and its columns.
type table struct {
	name string
	keys int // so many of the columns are the primary key
	cols []string
}

var tables = []table{
	{"ledger_entry", 3, strings.Fields("member_id asset seq at occurred_at amount balance kind source lot_id expires_at class rule_id ref detail seal chk")},
	{"ledger_account", 2, strings.Fields("member_id asset balance pending held frozen debt seq chk due_at holds mark")},
	{"ledger_lot", 4, strings.Fields("member_id asset expires_at lot_id remaining held matures_at class rule_id granted ref")},
	{"ledger_hold", 2, strings.Fields("member_id hold_id asset kind state amount posted until_at source ref takes at ended_at mark")},
	{"ledger_seal", 2, strings.Fields("lane seq at entries digest hash")},
	{"ledger_head", 1, strings.Fields("lane seq hash")},
	{"ledger_key", 1, strings.Fields("id seq")},
	{"ledger_reversed", 3, strings.Fields("member_id asset seq amount")},
}

// bench is a database with a copy of how it was.
type bench struct {
	t   *testing.T
	raw *sql.DB
	d   *db.DB
	r   *rand.Rand
}

// lay lets the model fill a ledger and opens it twice: for edits, and for the ledger to look at.
func lay(t *testing.T) *bench {
	t.Helper()
	dir := folder(t)
	if _, err := model.Drive(context.Background(), model.Options{Dir: dir, URL: db.Embedded, Seed: 7, Steps: 4000}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "guanxi.db")
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	raw.SetMaxOpenConns(1)
	b := &bench{t: t, raw: raw, r: rand.New(rand.NewPCG(3, 5))}
	b.exec("VACUUM INTO ?", path+".true")
	b.exec("ATTACH ? AS truth", path+".true")
	for _, name := range []string{"ledger_entry", "ledger_key", "ledger_seal"} {
		b.exec("DROP TRIGGER " + name + "_no_update")
		b.exec("DROP TRIGGER " + name + "_no_delete")
	}
	if b.d, err = db.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded, ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = b.d.Close(), raw.Close() })
	return b
}

func folder(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "guanxi-tamper-"); err == nil {
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

func (b *bench) exec(text string, args ...any) {
	b.t.Helper()
	if _, err := b.raw.Exec(text, args...); err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
}

// restore makes a table true again.
func (b *bench) restore(name string) {
	b.t.Helper()
	b.exec("DELETE FROM main." + name)
	b.exec("INSERT INTO main." + name + " SELECT * FROM truth." + name)
}

func (b *bench) verify() (v ledger.Verified) {
	b.t.Helper()
	err := b.d.View(context.Background(), func(view *db.View) error { v = ledger.Verify(view, nil); return nil })
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// row is one row as it stands; values are int64 or string.
type row struct {
	t    table
	vals []any
}

func (b *bench) pick(t table) row {
	b.t.Helper()
	var n int
	if err := b.raw.QueryRow("SELECT COUNT(*) FROM " + t.name).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return b.rows(t, "LIMIT 1 OFFSET ?", b.r.IntN(n))[0]
}

func (b *bench) rows(t table, rest string, args ...any) (out []row) {
	b.t.Helper()
	rows, err := b.raw.Query("SELECT "+strings.Join(t.cols, ", ")+" FROM "+t.name+" "+rest, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		vals, ptrs := make([]any, len(t.cols)), make([]any, len(t.cols))
		for i := range vals {
			ptrs[i] = &vals[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, row{t, vals})
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (r row) where() (string, []any) {
	return " WHERE " + strings.Join(r.t.cols[:r.t.keys], " = ? AND ") + " = ?", r.vals[:r.t.keys]
}

func (r row) at(col string) int { return slices.Index(r.t.cols, col) }

func (r row) n(col string) int64 { return r.vals[r.at(col)].(int64) }

func (r row) s(col string) string { return r.vals[r.at(col)].(string) }

// tries runs a statement that the database may refuse, for a key that is taken.
func (b *bench) tries(text string, args []any) bool {
	_, err := b.raw.Exec(text, args...)
	return err == nil
}

func (b *bench) set(r row, col string, v any) bool {
	where, key := r.where()
	return b.tries("UPDATE "+r.t.name+" SET "+col+" = ?"+where, append([]any{v}, key...))
}

func (b *bench) insert(t table, vals []any) bool {
	return b.tries("INSERT INTO "+t.name+" VALUES ("+strings.TrimSuffix(strings.Repeat("?, ", len(vals)), ", ")+")", vals)
}

func (b *bench) remove(r row) bool {
	where, key := r.where()
	return b.tries("DELETE FROM "+r.t.name+where, key)
}

// other gives a value of the same type that is not the same.
func (b *bench) other(v any) any {
	if s, ok := v.(string); ok {
		switch b.r.IntN(4) {
		case 0:
			return s + "1"
		case 1:
			if s != "" {
				return ""
			}
		case 2:
			if i := strings.IndexAny(s, "123456789"); i >= 0 {
				return s[:i] + string(s[i]-1) + s[i+1:]
			}
		}
		return "x" + s
	}
	n := v.(int64)
	for {
		m := []int64{n + 1, n - 1, 0, -n, n + b.r.Int64N(1000), b.r.Int64(), 1 << 50, n ^ 1<<40}[b.r.IntN(8)]
		if m != n {
			return m
		}
	}
}

// edit makes one random edit. It gives the table it was made in, what it was, and whether it could be made.
func (b *bench) edit() (t table, what string, ok bool) {
	t = tables[b.r.IntN(5)] // the head and what was reversed are small: seldom
	if b.r.IntN(10) == 0 {
		t = tables[5+b.r.IntN(2)]
	}
	r := b.pick(t)
	switch p := b.r.IntN(10); {
	case p < 6:
		col := t.cols[b.r.IntN(len(t.cols))]
		v := b.other(r.vals[r.at(col)])
		return t, fmt.Sprintf("%s of %v becomes %v", col, r.vals, v), b.set(r, col, v)
	case p < 7:
		return t, fmt.Sprintf("%v is removed", r.vals), b.remove(r)
	case p < 8:
		i := b.r.IntN(t.keys)
		r.vals[i] = b.other(r.vals[i])
		if t.name == "ledger_entry" {
			r.vals[r.at("source")] = "new"
		}
		if t.name == "ledger_hold" {
			r.vals[r.at("source")] = "new"
		}
		return t, fmt.Sprintf("%v is added", r.vals), b.insert(t, r.vals)
	}
	q := b.pick(t)
	if slices.Equal(r.vals[t.keys:], q.vals[t.keys:]) {
		return t, "", false
	}
	return t, fmt.Sprintf("%v and %v change places", r.vals, q.vals), b.swap(r, q)
}

// swap lets two rows keep their keys and exchange the rest.
func (b *bench) swap(r, q row) bool {
	keys := func(x row) []any { return slices.Clone(x.vals[:x.t.keys]) }
	return b.remove(r) && b.remove(q) &&
		b.insert(r.t, append(keys(r), q.vals[q.t.keys:]...)) && b.insert(q.t, append(keys(q), r.vals[r.t.keys:]...))
}

// TestTamperIsNamed makes 500 edits one at a time, 100 with -short. Each must be named.
func TestTamperIsNamed(t *testing.T) {
	t.Parallel()
	edits := 500
	if testing.Short() {
		edits = 100
	}
	b := lay(t)
	first := b.verify()
	if len(first.Wrong) > 0 || first.Entries < 1000 || first.Seals < 100 {
		t.Fatalf("before any edit: %+v", first)
	}
	made, inItsTable := map[string]int{}, 0
	for i := 0; i < edits; {
		tab, what, ok := b.edit()
		if ok {
			i++
			made[tab.name]++
			wrong := b.verify().Wrong
			if len(wrong) == 0 {
				t.Errorf("%s: %s: not seen", tab.name, what)
			}
			if slices.ContainsFunc(wrong, func(w ledger.Wrong) bool { return w.Table == tab.name }) {
				inItsTable++
			}
		}
		b.restore(tab.name)
	}
	if v := b.verify(); len(v.Wrong) > 0 {
		t.Errorf("after all was restored: %+v", v.Wrong)
	}
	t.Logf("%d edits of a ledger of %d entries: %v; %d named in the very table", edits, first.Entries, made, inItsTable)
	if inItsTable < edits*8/10 {
		t.Errorf("only %d of %d were named in the very table", inItsTable, edits)
	}
}

// Every column of every row is covered: each is changed at least once, and each change is seen.
func TestTamperSeesEveryColumn(t *testing.T) {
	t.Parallel()
	b := lay(t)
	for _, tab := range tables {
		for _, col := range tab.cols {
			for done := 0; done < 2; {
				r := b.pick(tab)
				v := b.other(r.vals[r.at(col)])
				if b.set(r, col, v) {
					done++
					if len(b.verify().Wrong) == 0 {
						t.Errorf("%s.%s of %v becomes %v: not seen", tab.name, col, r.vals, v)
					}
				}
				b.restore(tab.name)
			}
		}
	}
}

// Somebody who knows how the chain is made rewrites an entry, all checks after it and the account. The seal still tells.
func TestTamperWithAWholeAccountBreaksTheSeal(t *testing.T) {
	t.Parallel()
	b := lay(t)
	for range 40 {
		r := b.pick(tables[0])
		col := []string{"occurred_at", "source", "ref"}[b.r.IntN(3)]
		if r.s("kind") == ledger.KindEarn && col == "ref" {
			col = "source" // the ref of a lot stands in the lot too
		}
		if !b.set(r, col, b.other(r.vals[r.at(col)])) {
			continue
		}
		b.rechain(r.n("member_id"), r.n("asset"))
		wrong := b.verify().Wrong
		// Entries after it in the account hash otherwise too, so later seals may be named; another source has no key, either.
		own := fmt.Sprintf("seal %d", r.n("seal")&(1<<48-1))
		if len(wrong) == 0 || wrong[0].Row != own || slices.ContainsFunc(wrong, func(w ledger.Wrong) bool {
			return w.Table != "ledger_seal" && (w.Table != "ledger_key" || col != "source")
		}) {
			t.Errorf("%s of %v, sealed by %s: %+v", col, r.vals, own, wrong)
		}
		b.restore("ledger_entry")
		b.restore("ledger_account")
	}
}

// rechain recomputes the checks of an account as the ledger does.
func (b *bench) rechain(member, asset int64) {
	b.t.Helper()
	var prev int64
	for _, e := range b.rows(tables[0], "WHERE member_id = ? AND asset = ? ORDER BY seq", member, asset) {
		prev = chain(e, prev)
		if !b.set(e, "chk", prev) {
			b.t.Fatal("a check can't be set")
		}
	}
	a := b.rows(tables[1], "WHERE member_id = ? AND asset = ?", member, asset)[0]
	var mark []byte
	for _, col := range strings.Fields("member_id asset balance pending held frozen debt seq chk due_at holds") {
		v := a.n(col)
		if col == "chk" {
			v = prev
		}
		mark = binary.BigEndian.AppendUint64(mark, uint64(v))
	}
	if !b.set(a, "chk", prev) || !b.set(a, "mark", short(mark)) {
		b.t.Fatal("an account can't be set")
	}
}

func chain(e row, prev int64) int64 {
	sum := entrySum(e, prev)
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

func entrySum(e row, prev int64) [32]byte {
	buf := binary.BigEndian.AppendUint64(nil, uint64(prev))
	for _, col := range strings.Fields("member_id asset seq at occurred_at amount balance lot_id expires_at class rule_id seal") {
		buf = binary.BigEndian.AppendUint64(buf, uint64(e.n(col)))
	}
	for _, col := range strings.Fields("kind source ref detail") {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(e.s(col))))
		buf = append(buf, e.s(col)...)
	}
	return sha256.Sum256(buf)
}

func short(b []byte) int64 {
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

// Somebody who knows all of it and has the database alone rewrites an entry and everything after it: the ledger is sound in
// itself, and only what was signed of it tells. What is signed anew without the key tells no less.
func TestTamperWithTheWholeChainBreaksASignedHead(t *testing.T) {
	t.Parallel()
	b := lay(t)
	keys, err := vault.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := vault.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	was := b.verify()
	at := func(_ string, seq int64) (hash string, ok bool) {
		if err := b.d.View(context.Background(), func(v *db.View) error { hash, ok = ledger.SealHash(v, seq); return nil }); err != nil {
			t.Fatal(err)
		}
		return hash, ok
	}
	hash, _ := at("", was.Seals/2)
	signed := []heads.Signed{heads.Sign(keys, heads.ChainLedger, was.Seals/2, hash, 1), heads.Sign(keys, heads.ChainLedger, was.Seals, was.Head, 2)}
	if wrong := heads.Check(keys.PublicKey(), signed, at); len(wrong) > 0 {
		t.Fatalf("before any edit: %+v", wrong)
	}
	e := b.rows(tables[0], "ORDER BY seal, member_id, asset, seq LIMIT 1")[0]
	if !b.set(e, "occurred_at", e.n("occurred_at")+1) {
		t.Fatal("an entry can't be set")
	}
	b.rechain(e.n("member_id"), e.n("asset"))
	b.reseal()
	now := b.verify()
	if len(now.Wrong) > 0 || now.Head == was.Head {
		t.Fatalf("the forgery is not whole: %+v", now)
	}
	if wrong := heads.Check(keys.PublicKey(), signed, at); len(wrong) != 2 {
		t.Errorf("of two signed heads these tell: %+v", wrong)
	}
	forged := []heads.Signed{heads.Sign(stranger, heads.ChainLedger, now.Seals, now.Head, 3)}
	moved := signed[1]
	moved.Hash = now.Head
	missing := heads.Sign(keys, heads.ChainLedger, now.Seals+1, now.Head, 4)
	if wrong := heads.Check(keys.PublicKey(), append(forged, moved, missing), at); len(wrong) != 3 {
		t.Errorf("of a foreign, a changed and a lost head these tell: %+v", wrong)
	}
}

// reseal recomputes the seals and the head as the ledger does.
func (b *bench) reseal() {
	b.t.Helper()
	digests, prev, account := map[int64][32]byte{}, int64(0), ""
	for _, e := range b.rows(tables[0], "ORDER BY member_id, asset, seq") {
		if of := fmt.Sprint(e.n("member_id"), e.n("asset")); of != account {
			account, prev = of, 0
		}
		sum := entrySum(e, prev)
		prev = e.n("chk")
		n := e.n("seal") & (1<<48 - 1)
		d := digests[n]
		digests[n] = sha256.Sum256(append(d[:], sum[:]...))
	}
	hash := ""
	for _, s := range b.rows(tables[4], "ORDER BY seq") {
		d := digests[s.n("seq")]
		digest := hex.EncodeToString(d[:])
		buf := append([]byte("guanxi-seal-1"), hash...)
		for _, col := range strings.Fields("lane seq at entries") {
			buf = binary.BigEndian.AppendUint64(buf, uint64(s.n(col)))
		}
		sum := sha256.Sum256(append(buf, digest...))
		hash = hex.EncodeToString(sum[:])
		if !b.set(s, "digest", digest) || !b.set(s, "hash", hash) {
			b.t.Fatal("a seal can't be set")
		}
	}
	if !b.set(b.rows(tables[5], "")[0], "hash", hash) {
		b.t.Fatal("the head can't be set")
	}
}
