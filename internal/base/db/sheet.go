package db

import (
	"slices"
)

// A sheet is what one group of functions knows of one table: rows read, rows changed, and how to undo.
type sheet[R any, K comparable] struct {
	t      *Table[R, K]
	tx     *Tx
	cells  map[K]*cell[R]
	owners map[int64]*ownerSet[R]
	dirty  []*cell[R]
	undo   []undoRec[R]
	flying []*cell[R]
}

type cell[R any] struct {
	row     R
	exists  bool // the row is there now
	stored  bool // the row is there in the database, or will be before this group is written
	changed bool
	known   bool // the database was asked; a row put blindly and then undone is not known
	listed  bool // stands in dirty
	flying  bool // as the group before leaves it, which is being stored: the database may not say so yet
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
	lift() load
	reset()
}

func sheetOf[R any, K comparable](tx *Tx, t *Table[R, K]) *sheet[R, K] {
	for len(tx.sheets) <= t.id {
		tx.sheets = append(tx.sheets, nil)
	}
	if s := tx.sheets[t.id]; s != nil {
		return s.(*sheet[R, K])
	}
	s := &sheet[R, K]{t: t, tx: tx, cells: map[K]*cell[R]{}, owners: map[int64]*ownerSet[R]{}}
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
	if !s.surelyAbsent(k) {
		row, ok = s.t.fetch(s.tx.s, k)
	}
	return s.learn(k, row, ok)
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
	mine := s.changed(q.Owner)
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
			if !c.changed && !c.flying {
				out = append(out, c.row)
			}
		})
	}
	merged := false
	for _, c := range mine {
		if (c.changed || c.flying) && c.exists && q.Match(&c.row) {
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

// changed lists the cells that may know better than the database: of an owner, or of all.
func (s *sheet[R, K]) changed(owner int64) []*cell[R] {
	if owner != 0 {
		if set := s.owners[owner]; set != nil {
			return set.cells
		}
		return nil
	}
	if len(s.flying) == 0 {
		return s.dirty
	}
	out := slices.Clone(s.dirty)
	for _, c := range s.flying {
		if !c.listed {
			out = append(out, c)
		}
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

func (s *sheet[R, K]) reset() {
	clear(s.cells)
	clear(s.owners)
	clear(s.dirty)
	clear(s.undo)
	clear(s.flying)
	s.dirty, s.undo, s.flying = s.dirty[:0], s.undo[:0], s.flying[:0]
}

// lift takes what the group changed off the sheet, to be stored. Until it is, the sheet keeps those rows and nothing else:
// the next group goes on from them, and everything that the group before that one left is in the database by now.
func (s *sheet[R, K]) lift() load {
	l := &rows[R, K]{t: s.t}
	left := s.dirty
	s.dirty = nil
	s.reset()
	for _, c := range left {
		if !c.changed {
			continue
		}
		switch {
		case c.exists && !c.stored:
			l.fresh = append(l.fresh, c.row)
		case c.exists:
			l.old = append(l.old, c.row)
		case c.stored:
			l.gone = append(l.gone, s.t.Key(&c.row))
		}
		*c = cell[R]{row: c.row, exists: c.exists, stored: c.exists, known: true, flying: true}
		s.keep(s.t.Key(&c.row), c)
		s.flying = append(s.flying, c)
	}
	return l
}
