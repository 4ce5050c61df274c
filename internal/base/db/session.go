package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// session is one connection used at driver level: statements are prepared once per text,
// and values pass without database/sql's conversions, which cost a fifth of a posting.
type session struct {
	conn  *sql.Conn
	stmts map[string]driver.Stmt
	named []driver.NamedValue
	ctx   context.Context
	seen  *Counts

	reading *cursor   // the innermost result that is being read
	direct  bool      // statements without arguments are not prepared: not all can be
	gone    bool      // the connection is of no more use
	strict  bool      // nothing commits but a COMMIT
	caches  *sync.Map // what each Cache holds of this database
}

// Counts tells what the database was asked to do; bench and metrics read it.
type Counts struct {
	Statements, Rows, Commits, Functions int64
}

func (d *DB) newSession(ctx context.Context, pool *sql.DB, write bool) (*session, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: c, stmts: map[string]driver.Stmt{}, ctx: context.Background(), seen: &Counts{}, caches: &d.caches}
	if err := d.eng.ready(s, write); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

func (s *session) close() error {
	if s.gone {
		return nil
	}
	for _, st := range s.stmts {
		_ = st.Close()
	}
	s.stmts = map[string]driver.Stmt{}
	return s.conn.Close()
}

// discard closes the connection itself: close would only lend it to the pool, with whatever state it is in.
func (s *session) discard() {
	s.gone = true
	for _, st := range s.stmts {
		_ = st.Close()
	}
	s.stmts = map[string]driver.Stmt{}
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
}

func (s *session) prepared(text string) (driver.Stmt, error) {
	if st := s.stmts[text]; st != nil {
		return st, nil
	}
	var st driver.Stmt
	err := s.conn.Raw(func(dc any) error {
		var err error
		st, err = dc.(driver.Conn).Prepare(text)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	s.stmts[text] = st
	return st, nil
}

func (s *session) bind(args []any) []driver.NamedValue {
	s.named = s.named[:0]
	for i, a := range args {
		s.named = append(s.named, driver.NamedValue{Ordinal: i + 1, Value: plain(a)})
	}
	return s.named
}

// plain gives the driver's own types.
func plain(a any) driver.Value {
	switch v := a.(type) {
	case int64, string, nil, []byte:
		return v
	case int:
		return int64(v)
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	}
	panic(fmt.Sprintf("db: unsupported argument type %T", a))
}

func (s *session) exec(text string, args ...any) (int64, error) {
	s.makeRoom()
	if s.direct && len(args) == 0 {
		s.seen.Statements++
		return 0, s.conn.Raw(func(dc any) error {
			_, err := dc.(driver.ExecerContext).ExecContext(s.ctx, text, nil)
			return err
		})
	}
	st, err := s.prepared(text)
	if err != nil {
		return 0, err
	}
	s.seen.Statements++
	res, err := st.(driver.StmtExecContext).ExecContext(s.ctx, s.bind(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// cursor is a result that is being read.
type cursor struct {
	rows  driver.Rows
	vals  []driver.Value
	ahead [][]driver.Value // read ahead of their use, since another statement needed the connection
	err   error
}

// next gives the values of the next row; io.EOF after the last one.
func (c *cursor) next() ([]driver.Value, error) {
	if len(c.ahead) > 0 {
		v := c.ahead[0]
		c.ahead = c.ahead[1:]
		return v, nil
	}
	if c.err == nil {
		c.err = c.rows.Next(c.vals)
	}
	return c.vals, c.err
}

// drain reads what is left: a connection of the MySQL family has one result at a time.
func (c *cursor) drain() {
	for c.err == nil {
		if c.err = c.rows.Next(c.vals); c.err == nil {
			row := slices.Clone(c.vals)
			for i, v := range row {
				if b, ok := v.([]byte); ok {
					row[i] = string(b) // the driver uses its buffer again
				}
			}
			c.ahead = append(c.ahead, row)
		}
	}
}

// makeRoom frees the connection for another statement.
func (s *session) makeRoom() {
	if s.direct && s.reading != nil {
		s.reading.drain()
	}
}

// query calls row for each result row with the column values; the slice is reused. Queries may stand within each other.
func (s *session) query(text string, args []any, row func([]driver.Value) error) error {
	s.makeRoom()
	st, err := s.prepared(text)
	if err != nil {
		return err
	}
	s.seen.Statements++
	rows, err := st.(driver.StmtQueryContext).QueryContext(s.ctx, s.bind(args))
	if err != nil {
		return err
	}
	c := &cursor{rows: rows, vals: make([]driver.Value, len(rows.Columns()))}
	outer := s.reading
	s.reading = c
	defer func() {
		if s.reading == c {
			s.reading = outer
		}
		_ = rows.Close()
		c.err = io.EOF
	}()
	for {
		v, err := c.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = row(v)
		}
		if err != nil {
			return err
		}
	}
}

// scan copies driver values into pointers of a row struct.
func scan(vals []driver.Value, ptrs []any) error {
	for i, p := range ptrs {
		if err := assign(p, vals[i]); err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return nil
}

func assign(p any, v driver.Value) error {
	switch d := p.(type) {
	case *int64:
		return assignInt(d, v)
	case *int:
		var n int64
		err := assignInt(&n, v)
		*d = int(n)
		return err
	case *bool:
		var n int64
		err := assignInt(&n, v)
		*d = n != 0
		return err
	case *string:
		switch x := v.(type) {
		case string:
			*d = x
		case []byte:
			*d = string(x)
		case nil:
			*d = ""
		default:
			return fmt.Errorf("%T is not text", v)
		}
		return nil
	}
	return fmt.Errorf("can't scan into %T", p)
}

func assignInt(d *int64, v driver.Value) error {
	switch x := v.(type) {
	case int64:
		*d = x
	case nil:
		*d = 0
	case []byte:
		return parseInt(d, string(x))
	case string:
		return parseInt(d, x)
	default:
		return fmt.Errorf("%T is not a whole number", v)
	}
	return nil
}

func parseInt(d *int64, s string) error {
	_, err := fmt.Sscan(s, d)
	return err
}

// value reads the field behind a pointer of a row struct.
func value(p any) any {
	switch d := p.(type) {
	case *int64:
		return *d
	case *int:
		return int64(*d)
	case *bool:
		if *d {
			return int64(1)
		}
		return int64(0)
	case *string:
		return *d
	}
	panic(fmt.Sprintf("db: unsupported column type %T", p))
}
