package db

import (
	"context"
	"database/sql/driver"
	"errors"
)

// View is a read-only snapshot of what was committed when it was opened.
type View struct {
	s    *session
	now  int64
	held map[any]any // what caches gave: as long as a view lasts, nothing it sees changes
}

func (v *View) session() *session { return v.s }

// Now is the instant the view was opened.
func (v *View) Now() int64 { return v.now }

// Rows runs a portable SELECT and hands each row to f, which copies the columns with scan.
func (v *View) Rows(text string, args []any, f func(scan func(ptrs ...any))) {
	err := v.s.query(text, args, func(vals []driver.Value) error {
		var err error
		f(func(ptrs ...any) { err = errors.Join(err, scan(vals, ptrs)) })
		return err
	})
	if err != nil {
		fail(err)
	}
}

// Row reads one row into ptrs; false when there is none.
func (v *View) Row(text string, args []any, ptrs ...any) bool {
	found := false
	v.Rows(text, args, func(scan func(...any)) {
		if !found {
			found = true
			scan(ptrs...)
		}
	})
	return found
}

// View opens a snapshot and runs f in it. It waits for a free connection.
func (d *DB) View(ctx context.Context, f func(*View) error) (err error) {
	var s *session
	select {
	case s = <-d.readers:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.readers <- s }()
	if s, err = d.beginView(ctx, s); err != nil {
		return outward(err)
	}
	defer func() {
		if p := recover(); p != nil {
			a, ok := p.(abort)
			if !ok {
				_, _ = s.exec("ROLLBACK")
				panic(p)
			}
			err = outward(a.err)
		}
		_, cerr := s.exec("ROLLBACK")
		if cerr != nil {
			s.discard()
		}
		if err == nil {
			err = outward(cerr)
		}
	}()
	return f(&View{s: s, now: d.viewed()})
}

// beginView opens the snapshot, once more on a fresh connection when the old one is gone: nothing was read yet.
func (d *DB) beginView(ctx context.Context, s *session) (*session, error) {
	for try := 0; ; try++ {
		if s.gone {
			fresh, err := d.newSession(ctx, d.rpool, false)
			if err != nil {
				return s, err
			}
			s = fresh
		}
		_, err := s.exec(d.eng.snapshot())
		if err == nil {
			return s, nil
		}
		s.discard()
		if try > 0 || troubleOf(err) != lost {
			return s, err
		}
	}
}
