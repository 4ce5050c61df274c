package db

import "strings"

// A load is what one group changed in one table, lifted off its sheet to be stored.
type load interface {
	size() int
	store(w *loader) error
}

type rows[R any, K comparable] struct {
	t     *Table[R, K]
	fresh []R
	old   []R
	gone  []K
}

// loader is what storing needs beside the connection; its buffers are used again.
type loader struct {
	s     *session
	texts map[shape]string
	args  []any
	ptrs  []any
}

type shape struct {
	table, rows int
	verb        byte
}

func newLoader(s *session) *loader { return &loader{s: s, texts: map[shape]string{}} }

func (l *rows[R, K]) size() int { return len(l.fresh) + len(l.old) + len(l.gone) }

// store writes what changed: deletions by key, new rows multi-row, changed rows multi-row or one by one.
func (l *rows[R, K]) store(w *loader) error {
	for _, k := range l.gone {
		if err := l.remove(w, k); err != nil {
			return err
		}
	}
	if l.t.Indexed {
		for i := range l.old {
			if err := l.update(w, &l.old[i]); err != nil {
				return err
			}
		}
		return l.multi(w, "INSERT INTO ", l.fresh)
	}
	if err := l.multi(w, "INSERT INTO ", l.fresh); err != nil {
		return err
	}
	return l.multi(w, "REPLACE INTO ", l.old)
}

const maxParams = 8000

func (l *rows[R, K]) multi(w *loader, verb string, rows []R) error {
	for len(rows) > 0 {
		n := 1
		for n*2 <= len(rows) && n*2*len(l.t.Cols) <= maxParams {
			n *= 2
		}
		if err := l.multiN(w, verb, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func (l *rows[R, K]) multiN(w *loader, verb string, rows []R) error {
	w.args = w.args[:0]
	for i := range rows {
		w.ptrs = l.t.Row(&rows[i], w.ptrs[:0])
		for _, p := range w.ptrs {
			w.args = append(w.args, value(p))
		}
	}
	key := shape{l.t.id, len(rows), verb[0]}
	text := w.texts[key]
	if text == "" {
		one := "(" + marks(len(l.t.Cols)) + ")"
		text = verb + l.t.Name + " (" + strings.Join(l.t.Cols, ", ") + ") VALUES " +
			strings.TrimSuffix(strings.Repeat(one+", ", len(rows)), ", ")
		w.texts[key] = text
	}
	_, err := w.s.exec(text, w.args...)
	w.s.seen.Rows += int64(len(rows))
	return err
}

func (l *rows[R, K]) update(w *loader, r *R) error {
	t := l.t
	ptrs := t.Row(r, nil)
	args := make([]any, 0, len(ptrs))
	for _, p := range ptrs[t.Keys:] {
		args = append(args, value(p))
	}
	for _, p := range ptrs[:t.Keys] {
		args = append(args, value(p))
	}
	text := "UPDATE " + t.Name + " SET " + strings.Join(t.Cols[t.Keys:], " = ?, ") + " = ? WHERE " +
		strings.Join(t.Cols[:t.Keys], " = ? AND ") + " = ?"
	w.s.seen.Rows++
	_, err := w.s.exec(text, args...)
	return err
}

func (l *rows[R, K]) remove(w *loader, k K) error {
	t := l.t
	text := "DELETE FROM " + t.Name + " WHERE " + strings.Join(t.Cols[:t.Keys], " = ? AND ") + " = ?"
	w.s.seen.Rows++
	_, err := w.s.exec(text, t.args(k, nil)...)
	return err
}
