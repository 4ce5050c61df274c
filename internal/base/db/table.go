package db

import (
	"database/sql/driver"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Spec describes a table to the row cache: names in order, key columns first.
type Spec[R any, K comparable] struct {
	Name    string
	Cols    []string // all columns; the first Keys of them are the primary key
	Keys    int
	Row     func(r *R, p []any) []any // appends pointers to all fields, in the order of Cols
	Key     func(r *R) K
	Args    func(k K, a []any) []any // key as arguments; may be nil for a single int64 or string key
	Owner   func(k K) int64          // the member (or other owner) the table is clustered under; nil when it has none
	Of      func(k K, owner int64) K // the same key of another owner: what a group asks for twice is read for all its owners at once
	Load    bool                     // all rows of an owner are read together at the start of a group
	Indexed bool                     // has unique secondary indexes: changes are UPDATEs, since REPLACE would take the row it meets there
}

// Table reads and writes the rows of one SQL table, through the row cache in a Tx.
type Table[R any, K comparable] struct {
	Spec[R, K]
	id      int
	selKey  string
	selAll  string
	byOwner string
}

var tableCount atomic.Int32

// NewTable declares a table; call it once, as a package variable.
func NewTable[R any, K comparable](s Spec[R, K]) *Table[R, K] {
	t := &Table[R, K]{Spec: s, id: int(tableCount.Add(1) - 1)}
	t.selAll = "SELECT " + strings.Join(s.Cols, ", ") + " FROM " + s.Name
	t.selKey = t.selAll + " WHERE " + strings.Join(s.Cols[:s.Keys], " = ? AND ") + " = ?"
	t.byOwner = t.selAll + " WHERE " + s.Cols[0] + " IN ("
	made.Lock()
	defer made.Unlock()
	made.tables = append(made.tables, Layout{s.Name, s.Cols, s.Keys})
	return t
}

// Layout is the form of a table: its columns, the first Keys of which are its primary key.
type Layout struct {
	Name string
	Cols []string
	Keys int
}

var made struct {
	sync.Mutex
	tables []Layout
}

// Layouts lists every table that the program declares.
func Layouts() []Layout {
	made.Lock()
	defer made.Unlock()
	return slices.Clone(made.tables)
}

// Texts are the statements a table is read and written with, as the row cache makes them.
func (l *Layout) Texts() []string {
	cols, key := strings.Join(l.Cols, ", "), strings.Join(l.Cols[:l.Keys], " = ? AND ")+" = ?"
	all := "SELECT " + cols + " FROM " + l.Name
	rows := " INTO " + l.Name + " (" + cols + ") VALUES (" + marks(len(l.Cols)) + "), (" + marks(len(l.Cols)) + ")"
	after, _ := keysAfter(l.Cols[:l.Keys], make([]any, l.Keys))
	out := []string{all + " WHERE " + key, all + " WHERE " + l.Cols[0] + " IN (?, ?)", all + " WHERE " + l.Cols[0] + " IN (?, ?)" + strings.TrimPrefix(key, l.Cols[0]+" = ?"), all + " WHERE " + after + " LIMIT 64",
		"INSERT" + rows, "REPLACE" + rows, "DELETE FROM " + l.Name + " WHERE " + key}
	if l.Keys < len(l.Cols) {
		out = append(out, "UPDATE "+l.Name+" SET "+strings.Join(l.Cols[l.Keys:], " = ?, ")+" = ? WHERE "+key)
	}
	return out
}

// Reader is a Tx or a View.
type Reader interface {
	// Now is the instant of the transaction or of the view's opening.
	Now() int64
	session() *session
}

func (t *Table[R, K]) args(k K, a []any) []any {
	if t.Args != nil {
		return t.Args(k, a)
	}
	return append(a, any(k))
}

// Get reads one row by key.
func (t *Table[R, K]) Get(r Reader, k K) (R, bool) {
	if tx, ok := r.(*Tx); ok {
		if c := sheetOf(tx, t).get(k); c.exists {
			return c.row, true
		}
		var none R // not what a row deleted in this group was
		return none, false
	}
	return t.fetch(r.session(), k)
}

func (t *Table[R, K]) fetch(s *session, k K) (row R, ok bool) {
	var buf [4]any
	err := s.query(t.selKey, t.args(k, buf[:0]), func(v []driver.Value) error {
		ok = true
		return scan(v, t.Row(&row, nil))
	})
	if err != nil {
		fail(err)
	}
	return row, ok
}

// Insert adds a row that must not exist yet. A row known to exist is refused at once with
// ErrDuplicate; one that turns out to exist at the commit refuses this function alone.
func (t *Table[R, K]) Insert(tx *Tx, r R) error {
	s := sheetOf(tx, t)
	c := s.peek(t.Key(&r))
	if c != nil && c.exists {
		return ErrDuplicate.New()
	}
	s.change(t.Key(&r), c, r, true)
	return nil
}

// Put writes a row whole: a change when the row was read before, else a new row.
// Read it (Get, Select) first in the same function unless it is surely new.
func (t *Table[R, K]) Put(tx *Tx, r R) {
	s := sheetOf(tx, t)
	k := t.Key(&r)
	s.change(k, s.peek(k), r, true)
}

// Delete removes a row by key; a missing row is fine.
func (t *Table[R, K]) Delete(tx *Tx, k K) {
	s := sheetOf(tx, t)
	if c := s.get(k); c.exists {
		s.change(k, c, c.row, false)
	}
}

// Query selects rows. Match and Less repeat Where and Order in Go: in a Tx the rows that the
// group has changed but not yet written are judged by them.
type Query[R any] struct {
	Where string // with ? marks; empty for all
	Args  []any
	Order string
	Limit int
	Owner int64 // set it when all rows wanted belong to one owner: fewer rows are judged
	Match func(*R) bool
	Less  func(a, b *R) bool
}

// rounded is the next power of two. A limit stands in the text, since the embedded engine would plan a statement anew each
// time a limit is bound; rounded, there are few texts.
func rounded(limit int) int {
	n := 1
	for n < limit {
		n *= 2
	}
	return n
}

func (t *Table[R, K]) text(q *Query[R], limit int) string {
	var b strings.Builder
	b.WriteString(t.selAll)
	if q.Where != "" {
		b.WriteString(" WHERE " + q.Where)
	}
	if q.Order != "" {
		b.WriteString(" ORDER BY " + q.Order)
	}
	if limit > 0 {
		b.WriteString(" LIMIT " + strconv.Itoa(rounded(limit)))
	}
	return b.String()
}

// Select reads rows by condition.
func (t *Table[R, K]) Select(r Reader, q Query[R]) []R {
	if tx, ok := r.(*Tx); ok {
		return sheetOf(tx, t).sel(&q)
	}
	var out []R
	t.run(r.session(), &q, q.Limit, func(row *R) { out = append(out, *row) })
	return out
}

// Each streams rows of a view without keeping them.
func (t *Table[R, K]) Each(v *View, q Query[R], row func(*R)) {
	if v.s.direct && q.Limit == 0 && q.Order == strings.Join(t.Cols[:t.Keys], ", ") {
		t.pages(v, q, row)
		return
	}
	t.run(v.session(), &q, q.Limit, row)
}

const pageRows = 2000

// pages reads a long result in key order piece by piece: a connection that has one result at a time would else have to
// keep all of it when row asks for something too.
func (t *Table[R, K]) pages(v *View, q Query[R], row func(*R)) {
	page := q
	for {
		var got []R
		t.run(v.s, &page, pageRows, func(r *R) { got = append(got, *r) })
		for i := range got {
			row(&got[i])
		}
		if len(got) < pageRows {
			return
		}
		page = q
		last := t.Row(&got[len(got)-1], nil)[:t.Keys]
		after, args := t.after(last)
		if q.Where != "" {
			after = "(" + q.Where + ") AND " + after
		}
		page.Where, page.Args = after, append(slices.Clone(q.Args), args...)
	}
}

func (t *Table[R, K]) after(key []any) (string, []any) {
	vals := make([]any, t.Keys)
	for i := range vals {
		vals[i] = value(key[i])
	}
	return keysAfter(t.Cols[:t.Keys], vals)
}

// keysAfter is the condition for keys beyond one, in a form that both engines walk the index for.
func keysAfter(cols []string, key []any) (string, []any) {
	last := len(cols) - 1
	text, args := cols[last]+" > ?", []any{key[last]}
	for i := last - 1; i >= 0; i-- {
		c := cols[i]
		text = c + " >= ? AND (" + c + " > ? OR (" + text + "))"
		args = append([]any{key[i], key[i]}, args...)
	}
	return text, args
}

func (t *Table[R, K]) run(s *session, q *Query[R], limit int, row func(*R)) {
	n := 0
	err := s.query(t.text(q, limit), q.Args, func(v []driver.Value) error {
		if n++; limit > 0 && n > limit {
			return nil
		}
		var r R
		if err := scan(v, t.Row(&r, nil)); err != nil {
			return err
		}
		row(&r)
		return nil
	})
	if err != nil {
		fail(err)
	}
}

// OfOwner reads all rows of an owner, in key order.
func (t *Table[R, K]) OfOwner(r Reader, owner int64) []R {
	if tx, ok := r.(*Tx); ok {
		if s := sheetOf(tx, t); s.owners[owner] != nil && s.owners[owner].loaded {
			return s.known(owner)
		}
	}
	return t.Select(r, Query[R]{
		Where: t.Cols[0] + " = ?", Args: []any{owner}, Owner: owner,
		Order: strings.Join(t.Cols[:t.Keys], ", "),
		Match: func(*R) bool { return true },
		Less:  func(a, b *R) bool { return t.keyLess(a, b) },
	})
}

// keyLess orders rows by their key columns.
func (t *Table[R, K]) keyLess(a, b *R) bool {
	pa, pb := t.Row(a, nil), t.Row(b, nil)
	for i := range t.Keys {
		switch x := value(pa[i]).(type) {
		case int64:
			if y := value(pb[i]).(int64); x != y {
				return x < y
			}
		case string:
			if y := value(pb[i]).(string); x != y {
				return x < y
			}
		}
	}
	return false
}

// Added gives the rows this group adds, for hooks that run before the commit; they may set fields that are not keys.
func (t *Table[R, K]) Added(tx *Tx) []*R {
	var out []*R
	for _, c := range sheetOf(tx, t).dirty {
		if c.changed && c.exists && !c.stored {
			out = append(out, &c.row)
		}
	}
	return out
}

// Want names a row that a function will read, so that the lane can read it for the whole group at once.
type Want struct {
	t   prefetcher
	key any
}

type prefetcher interface {
	prefetch(tx *Tx, keys []any)
	prefetchOwners(tx *Tx, owners []int64)
}

// Want declares a coming read by key.
func (t *Table[R, K]) Want(k K) Want { return Want{t, k} }

// GetNear is Get for counters that a group asks for one after the other: when the row is not known yet, those near it
// are read with it, in one statement.
func (t *Table[R, K]) GetNear(tx *Tx, k K, near func() []any) (R, bool) {
	if sheetOf(tx, t).cells[k] == nil {
		t.prefetch(tx, near())
	}
	return t.Get(tx, k)
}

func (t *Table[R, K]) prefetch(tx *Tx, keys []any) {
	if t.Keys != 1 {
		return
	}
	s := sheetOf(tx, t)
	fresh := keys[:0]
	for _, k := range keys {
		if s.cells[k.(K)] == nil {
			s.keep(k.(K), &cell[R]{known: true})
			fresh = append(fresh, k)
		}
	}
	t.in(tx, fresh, nil, func(r *R) { s.learn(t.Key(r), *r, true) })
}

// prefetchBeside reads the row of a key for every owner of the group.
func (t *Table[R, K]) prefetchBeside(tx *Tx, k K) {
	s := sheetOf(tx, t)
	keys := make([]any, 0, len(tx.owners))
	for _, o := range tx.owners {
		if other := t.Of(k, o); s.cells[other] == nil && !s.surelyAbsent(other) {
			s.keep(other, &cell[R]{known: true})
			keys = append(keys, o)
		}
	}
	t.in(tx, keys, t.args(k, nil)[1:], func(r *R) { s.learn(t.Key(r), *r, true) })
}

func (t *Table[R, K]) prefetchOwners(tx *Tx, owners []int64) {
	if !t.Load || t.Owner == nil {
		return
	}
	s := sheetOf(tx, t)
	keys := make([]any, 0, len(owners))
	for _, o := range owners {
		if set := s.ownerSet(o); !set.loaded {
			set.loaded = true
			keys = append(keys, o)
		}
	}
	t.in(tx, keys, nil, func(r *R) {
		if k := t.Key(r); s.cells[k] == nil {
			s.learn(k, *r, true)
		}
	})
}

// in reads rows whose first column is in a list, and whose next columns are rest; lists are padded to powers of two so that few
// texts are prepared.
func (t *Table[R, K]) in(tx *Tx, keys, rest []any, row func(*R)) {
	more := ")"
	for i := range rest {
		more += " AND " + t.Cols[1+i] + " = ?"
	}
	for len(keys) > 0 {
		n := min(len(keys), 256)
		size := 1
		for size < n {
			size *= 2
		}
		args := append(make([]any, 0, size+len(rest)), keys[:n]...)
		for len(args) < size {
			args = append(args, keys[n-1])
		}
		args = append(args, rest...)
		text := t.byOwner + marks(size) + more
		err := tx.s.query(text, args, func(v []driver.Value) error {
			var r R
			if err := scan(v, t.Row(&r, nil)); err != nil {
				return err
			}
			row(&r)
			return nil
		})
		if err != nil {
			fail(err)
		}
		keys = keys[n:]
	}
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }
