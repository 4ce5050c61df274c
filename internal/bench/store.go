package bench

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/ledger"
)

// tally is what the books hold, or what was acknowledged.
type tally struct {
	Orders  int64
	Grants  int64 // entries of points given by postings
	Spends  int64 // entries of points taken by postings
	Awards  int64 // entries of points for the money of orders: one an order
	Entries int64 // of all kinds
}

func (t tally) minus(o tally) tally {
	return tally{t.Orders - o.Orders, t.Grants - o.Grants, t.Spends - o.Spends, t.Awards - o.Awards, t.Entries - o.Entries}
}

// lost compares what was acknowledged with what the books have gained. Nothing may be missing, and nothing may be there
// that nobody was told of.
func lost(acked, gained tally) (problems []string) {
	for _, c := range []struct {
		what       string
		told, have int64
	}{
		{"orders", acked.Orders, gained.Orders},
		{"awards of orders", acked.Orders, gained.Awards},
		{"postings that give", acked.Grants, gained.Grants},
		{"postings that take", acked.Spends, gained.Spends},
	} {
		switch {
		case c.have < c.told:
			problems = append(problems, fmt.Sprintf("%d %s are lost: %d acknowledged, %d in the books", c.told-c.have, c.what, c.told, c.have))
		case c.have > c.told:
			problems = append(problems, fmt.Sprintf("%d %s too many: %d acknowledged, %d in the books", c.have-c.told, c.what, c.told, c.have))
		}
	}
	return problems
}

// tallyOf counts rows, not the program's own counters.
func tallyOf(v *db.View) (t tally) {
	v.Row("SELECT COUNT(*) FROM orders", nil, &t.Orders)
	v.Rows("SELECT asset, kind, COUNT(*) FROM ledger_entry GROUP BY asset, kind", nil, func(scan func(...any)) {
		var asset, n int64
		var kind string
		scan(&asset, &kind, &n)
		t.Entries += n
		if asset != int64(ledger.Points) {
			return
		}
		switch kind {
		case ledger.KindGrant:
			t.Grants = n
		case ledger.KindSpend:
			t.Spends = n
		case ledger.KindEarn:
			t.Awards = n
		}
	})
	var buyers int64
	v.Row("SELECT COUNT(*) FROM order_stat", nil, &buyers)
	t.Awards -= buyers // each had one more for the first order
	return t
}

// hand writes postings as one would by hand: the same rows in the same tables, prepared multi-row statements, an fsync a
// group; no rules, no chain, no memory of what it has read. Its checks are wrong, so it comes after the books are closed.
type hand struct {
	mu    sync.Mutex
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	ids   *id.Source
	seal  int64
}

// line is one posting.
type line struct {
	key    string
	member int64
	points int64
}

// newHand opens a connection of its own beside an idle database, with the same settings.
func newHand(ctx context.Context, dir string) (*hand, func(), error) {
	opt := db.Options{Dir: dir, CacheMB: 16}
	pool, err := sql.Open("sqlite", opt.SQLiteDSN(dir+"/guanxi.db", true))
	if err != nil {
		return nil, nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close()
		return nil, nil, err
	}
	h := &hand{conn: conn, stmts: map[string]*sql.Stmt{}, ids: id.NewSource(1), seal: time.Now().UnixMicro()}
	return h, func() { _ = pool.Close() }, nil
}

func (h *hand) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := h.stmts[text]; s != nil {
		return s, nil
	}
	s, err := h.conn.PrepareContext(ctx, text)
	h.stmts[text] = s
	return s, err
}

func (h *hand) exec(ctx context.Context, text string, args ...any) error {
	s, err := h.prepared(ctx, text) //nolint:sqlclosecheck // kept for the next group, closed with the pool
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

// account is what a posting must know of an account.
type account struct{ balance, seq int64 }

// accounts reads the accounts of a group in one statement.
func (h *hand) accounts(ctx context.Context, asset int, group []line) (map[int64]*account, error) {
	out := map[int64]*account{}
	text := fmt.Sprintf("SELECT member_id, balance, seq FROM ledger_account WHERE asset = %d AND member_id IN (", asset)
	err := h.read(ctx, text, group, func(scan func(...any) error) error {
		var member int64
		a := &account{}
		err := scan(&member, &a.balance, &a.seq)
		out[member] = a
		return err
	})
	return out, err
}

// read gives each row of the members of a group.
func (h *hand) read(ctx context.Context, text string, group []line, each func(scan func(...any) error) error) error {
	args := make([]any, len(group))
	for i, l := range group {
		args[i] = l.member
	}
	s, err := h.prepared(ctx, text+marks(len(group))+")") //nolint:sqlclosecheck // kept for the next group, closed with the pool
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// known refuses a group that holds a key booked before.
func (h *hand) known(ctx context.Context, group []line) error {
	args := make([]any, len(group))
	for i, l := range group {
		args[i] = l.key
	}
	s, err := h.prepared(ctx, "SELECT COUNT(*) FROM idempotency WHERE id IN ("+marks(len(group))+")") //nolint:sqlclosecheck // kept for the next group, closed with the pool
	if err != nil {
		return err
	}
	var n int64
	if err := s.QueryRowContext(ctx, args...).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("bench: %d keys were booked before", n)
	}
	return nil
}

// inOne runs write for a group in one transaction.
func (h *hand) inOne(ctx context.Context, group []line, write func(context.Context, []line) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := write(ctx, group); err != nil {
		_, _ = h.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}
	_, err := h.conn.ExecContext(ctx, "COMMIT")
	return err
}

const (
	reply  = `{"member_id":"0000000000000000000","seq":1,"points":5,"balance":1000000,"available":1000000,"booked_at":1700000000000}`
	hash43 = "0123456789012345678901234567890123456789012"
	hash64 = "0123456789012345678901234567890123456789012345678901234567890123"
)

// The statements that postings and orders share.
const (
	insertEntries   = "INSERT INTO ledger_entry (member_id, asset, seq, at, occurred_at, amount, balance, kind, source, lot_id, expires_at, class, rule_id, ref, detail, seal, chk) VALUES "
	insertLots      = "INSERT INTO ledger_lot (member_id, asset, expires_at, lot_id, remaining, held, matures_at, class, rule_id, granted, ref) VALUES "
	replaceAccounts = "REPLACE INTO ledger_account (member_id, asset, balance, pending, held, frozen, debt, seq, chk, due_at, holds, mark) VALUES "
)

// statement is one that writes rows.
type statement struct {
	text string
	*multi
}

// post writes a group of postings.
func (h *hand) post(ctx context.Context, group []line) error {
	if err := h.known(ctx, group); err != nil {
		return err
	}
	accts, err := h.accounts(ctx, 1, group)
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	var keys, entries, lots, accounts multi
	h.seal++
	for _, l := range group {
		a := accts[l.member]
		if a == nil {
			return fmt.Errorf("bench: member %d has no account", l.member)
		}
		a.seq++
		a.balance += l.points
		lot := h.ids.Next(now)
		keys.add(l.key, "points.post", hash43, 201, reply, now)
		entries.add(l.member, 1, a.seq, now, now, l.points, a.balance, "grant", "hand:"+l.key, lot, clock.Never, 3, 0, "", `{"reason":"bench","actor":"partner:1"}`, h.seal, lot)
		lots.add(l.member, 1, clock.Never, lot, l.points, 0, 0, 3, 0, l.points, "")
	}
	for m, a := range accts {
		accounts.add(m, 1, a.balance, 0, 0, 0, 0, a.seq, now, now, 0, now)
	}
	return h.writeAll(ctx, len(group), []statement{
		{"INSERT INTO idempotency (id, route, hash, status, reply, at) VALUES ", &keys},
		{insertEntries, &entries}, {insertLots, &lots}, {replaceAccounts, &accounts},
	})
}

// writeAll writes the rows of a group, and its seal.
func (h *hand) writeAll(ctx context.Context, n int, all []statement) error {
	for _, w := range all {
		if err := h.exec(ctx, w.text+w.marks(), w.args...); err != nil {
			return err
		}
	}
	return h.exec(ctx, "INSERT INTO ledger_seal (lane, seq, at, entries, digest, hash) VALUES (?, ?, ?, ?, ?, ?)", 9, h.seal, time.Now().UnixMilli(), n, hash64, hash64)
}

// multi is the rows of one statement.
type multi struct {
	n, cols int
	args    []any
}

func (m *multi) add(values ...any) {
	m.n++
	m.cols = len(values)
	m.args = append(m.args, values...)
}

func (m *multi) marks() string {
	one := "(" + marks(m.cols) + ")"
	return strings.TrimSuffix(strings.Repeat(one+", ", m.n), ", ")
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
