package db

import (
	"slices"
	"strings"
)

// A sheet is what one group of functions knows of one table: rows read, rows changed, and how to undo.
type sheet[R any, K comparable] struct {
	t      *Table[R, K]
	tx     *Tx
	cells  map[K]*cell[R]
	owners map[int64]*ownerSet[R]
	asked  map[K]bool // by the key of owner 0: what the database was asked for one by one
	dirty  []*cell[R]
	undo   []undoRec[R]
}

type cell[R any] struct {
	row     R
	exists  bool // the row is there now
	stored  bool // the row is there in the database
	changed bool
	known   bool // the database was asked; a row put blindly and then undone is not known
	listed  bool // stands in dirty
}

type ownerSet[R any] struct {
	loaded bool
	cells  []*cell[R]
}

type undoRec[R any] struct {
	c   *cell[R]
	was cell[R]
}

type anySheet interface {
	undoLast()
	flush() error
	reset()
	pending() int
}

func sheetOf[R any, K comparable](tx *Tx, t *Table[R, K]) *sheet[R, K] {
	for len(tx.sheets) <= t.id {
		tx.sheets = append(tx.sheets, nil)
	}
	if s := tx.sheets[t.id]; s != nil {
		return s.(*sheet[R, K])
	}
	s := &sheet[R, K]{t: t, tx: tx, cells: map[K]*cell[R]{}, owners: map[int64]*ownerSet[R]{}, asked: map[K]bool{}}
	tx.sheets[t.id] = s
	tx.order = append(tx.order, s)
	return s
}

func (s *sheet[R, K]) ownerSet(owner int64) *ownerSet[R] {
	set := s.owners[owner]
	if set == nil {
		set = &ownerSet[R]{loaded: s.tx.fresh[owner]}
		s.owners[owner] = set
	}
	return set
}

// keep files a cell under its key and owner.
func (s *sheet[R, K]) keep(k K, c *cell[R]) {
	s.cells[k] = c
	if s.t.Owner != nil {
		set := s.ownerSet(s.t.Owner(k))
		set.cells = append(set.cells, c)
	}
}

// peek finds a cell without asking the database; it may be nil.
func (s *sheet[R, K]) peek(k K) *cell[R] { return s.cells[k] }

// get finds a cell, reading the database when the group has not met the row yet.
func (s *sheet[R, K]) get(k K) *cell[R] {
	if c := s.cells[k]; c != nil && (c.known || c.changed) {
		return c
	}
	var row R
	var ok bool
	if s.again(k) {
		s.t.prefetchBeside(s.tx, k)
		if c := s.cells[k]; c.known {
			return c
		}
	}
	if !s.surelyAbsent(k) {
		row, ok = s.t.fetch(s.tx.s, k)
	}
	return s.learn(k, row, ok)
}

// again tells whether the group asks once more for the row that it asked of another owner: then others will too.
func (s *sheet[R, K]) again(k K) bool {
	if s.t.Of == nil || len(s.tx.owners) < 2 || s.surelyAbsent(k) {
		return false
	}
	if _, ok := slices.BinarySearch(s.tx.owners, s.t.Owner(k)); !ok {
		return false
	}
	anybodys := s.t.Of(k, 0)
	asked := s.asked[anybodys]
	s.asked[anybodys] = true
	return asked
}

// learn files what the database says about a row that the group did not know.
func (s *sheet[R, K]) learn(k K, row R, exists bool) *cell[R] {
	c := s.cells[k]
	if c == nil {
		c = &cell[R]{}
		s.keep(k, c)
	}
	c.row, c.exists, c.stored, c.known = row, exists, exists, true
	return c
}

func (s *sheet[R, K]) surelyAbsent(k K) bool {
	if s.t.Owner == nil {
		return false
	}
	o := s.t.Owner(k)
	set := s.owners[o]
	return s.tx.fresh[o] || set != nil && set.loaded
}

func (s *sheet[R, K]) change(k K, c *cell[R], r R, exists bool) {
	if c == nil {
		c = &cell[R]{}
		s.keep(k, c)
	}
	s.undo = append(s.undo, undoRec[R]{c, *c})
	s.tx.journal = append(s.tx.journal, s)
	c.row, c.exists, c.changed = r, exists, true
	if !c.listed {
		c.listed = true
		s.dirty = append(s.dirty, c)
	}
}

func (s *sheet[R, K]) undoLast() {
	u := s.undo[len(s.undo)-1]
	s.undo = s.undo[:len(s.undo)-1]
	listed := u.c.listed
	*u.c = u.was
	u.c.listed = listed
}

// sel merges rows of the database with rows the group has changed.
func (s *sheet[R, K]) sel(q *Query[R]) []R {
	mine := s.dirty
	if q.Owner != 0 {
		mine = nil
		if set := s.owners[q.Owner]; set != nil {
			mine = set.cells
		}
	}
	limit := q.Limit
	if limit > 0 {
		limit += len(mine)
	}
	var out []R
	if q.Owner == 0 || !s.tx.fresh[q.Owner] {
		s.t.run(s.tx.s, q, limit, func(r *R) {
			k := s.t.Key(r)
			c := s.cells[k]
			if c == nil || !c.changed && !c.known {
				c = s.learn(k, *r, true)
			}
			if !c.changed {
				out = append(out, c.row)
			}
		})
	}
	merged := false
	for _, c := range mine {
		if c.changed && c.exists && q.Match(&c.row) {
			out = append(out, c.row)
			merged = true
		}
	}
	if merged && q.Less != nil {
		slices.SortFunc(out, func(a, b R) int {
			if q.Less(&a, &b) {
				return -1
			}
			return 1
		})
	}
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out
}

// known lists the rows of a loaded owner in key order.
func (s *sheet[R, K]) known(owner int64) []R {
	var out []R
	for _, c := range s.owners[owner].cells {
		if c.exists {
			out = append(out, c.row)
		}
	}
	slices.SortFunc(out, func(a, b R) int {
		if s.t.keyLess(&a, &b) {
			return -1
		}
		return 1
	})
	return out
}

func (s *sheet[R, K]) pending() int {
	n := 0
	for _, c := range s.dirty {
		if c.changed && (c.exists || c.stored) {
			n++
		}
	}
	return n
}

func (s *sheet[R, K]) reset() {
	clear(s.cells)
	clear(s.owners)
	clear(s.asked)
	clear(s.dirty)
	clear(s.undo)
	s.dirty, s.undo = s.dirty[:0], s.undo[:0]
}

// flush writes what changed: new rows multi-row, changed rows multi-row or one by one, deletions by key.
func (s *sheet[R, K]) flush() error {
	var fresh, old []*cell[R]
	for _, c := range s.dirty {
		switch {
		case !c.changed:
		case c.exists && !c.stored:
			fresh = append(fresh, c)
		case c.exists && s.t.Indexed:
			if err := s.update(c); err != nil {
				return err
			}
		case c.exists:
			old = append(old, c)
		case c.stored:
			if err := s.remove(c); err != nil {
				return err
			}
		}
	}
	if err := s.multi(s.tx.db.eng.insert(), fresh); err != nil {
		return err
	}
	return s.multi("REPLACE INTO ", old)
}

func (s *sheet[R, K]) multi(verb string, cells []*cell[R]) error {
	most := s.tx.db.eng.values() / len(s.t.Cols)
	for len(cells) > 0 {
		n := 1
		for n*2 <= min(len(cells), most) {
			n *= 2
		}
		if err := s.multiN(verb, cells[:n]); err != nil {
			return err
		}
		cells = cells[n:]
	}
	return nil
}

func (s *sheet[R, K]) multiN(verb string, cells []*cell[R]) error {
	tx := s.tx
	tx.args = tx.args[:0]
	for _, c := range cells {
		tx.ptrs = s.t.Row(&c.row, tx.ptrs[:0])
		for _, p := range tx.ptrs {
			tx.args = append(tx.args, value(p))
		}
	}
	key := shape{s.t.id, len(cells), verb[0]}
	text := tx.texts[key]
	if text == "" {
		one := "(" + marks(len(s.t.Cols)) + ")"
		text = verb + s.t.Name + " (" + strings.Join(s.t.Cols, ", ") + ") VALUES " +
			strings.TrimSuffix(strings.Repeat(one+", ", len(cells)), ", ")
		tx.texts[key] = text
	}
	tx.s.seen.Rows += int64(len(cells))
	_, err := tx.s.exec(text, tx.args...)
	return err
}

func (s *sheet[R, K]) update(c *cell[R]) error {
	t := s.t
	ptrs := t.Row(&c.row, nil)
	args := make([]any, 0, len(ptrs))
	for _, p := range ptrs[t.Keys:] {
		args = append(args, value(p))
	}
	for _, p := range ptrs[:t.Keys] {
		args = append(args, value(p))
	}
	text := "UPDATE " + t.Name + " SET " + strings.Join(t.Cols[t.Keys:], " = ?, ") + " = ? WHERE " +
		strings.Join(t.Cols[:t.Keys], " = ? AND ") + " = ?"
	s.tx.s.seen.Rows++
	_, err := s.tx.s.exec(text, args...)
	return err
}

func (s *sheet[R, K]) remove(c *cell[R]) error {
	t := s.t
	text := "DELETE FROM " + t.Name + " WHERE " + strings.Join(t.Cols[:t.Keys], " = ? AND ") + " = ?"
	s.tx.s.seen.Rows++
	_, err := s.tx.s.exec(text, t.args(t.Key(&c.row), nil)...)
	return err
}
