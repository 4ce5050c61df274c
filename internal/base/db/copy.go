package db

import (
	"context"
	"database/sql/driver"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
)

// What a copy may meet.
var (
	ErrCopyInto = fault.Define("copy.into", fault.Conflict,
		"目标数据库已有数据（{table}），不会覆盖", "The database to copy into has rows already ({table}); nothing is overwritten")
	ErrCopyDiffers = fault.Define("copy.differs", fault.Conflict,
		"复制后的 {table} 与来源不一致（键 {key}）：请停止来源上的服务，清空目标后重来",
		"After the copy {table} differs from the source (key {key}): stop what writes to the source, empty the target and begin anew")
	ErrHalfCopy = fault.Define("copy.half", fault.Down,
		"这个数据库的复制尚未完成：请先用 guanxi copy 继续", "The copy into this database is not finished: go on with guanxi copy first")
)

const (
	copyName = "db.copy" // stands among the versions while a copy is not finished
	copyRows = 1000
)

var (
	tableName = regexp.MustCompile(`(?i)^CREATE TABLE (\w+)`)
	seedName  = regexp.MustCompile(`(?i)^INSERT INTO (\w+)`)
)

// tablesOf finds the form of every table of the schemas, in their order, and which of them a migration puts rows into.
func tablesOf(schemas []Schema) (out []Layout, seeded map[string]bool, err error) {
	known := Layouts()
	seeded = map[string]bool{}
	for _, sc := range schemas {
		texts, err := sc.statements()
		if err != nil {
			return nil, nil, err
		}
		for _, stmt := range texts {
			if m := seedName.FindStringSubmatch(stmt); m != nil {
				seeded[m[1]] = true
			}
			m := tableName.FindStringSubmatch(stmt)
			if m == nil {
				continue
			}
			i := slices.IndexFunc(known, func(l Layout) bool { return l.Name == m[1] })
			if i < 0 {
				return nil, nil, fmt.Errorf("table %s of %s is not declared", m[1], sc.Feature)
			}
			out = append(out, known[i])
		}
	}
	return out, seeded, nil
}

// Copied tells how far a copy has come.
type Copied struct {
	Table      string
	Tables, Of int   // tables done, tables in all
	Rows       int64 // copied or compared in this table
	Comparing  bool
}

// CopyTo copies every row into another database of the same schemas, in batches that a copy begun anew goes on from,
// and then compares both row by row. Nobody may write to either meanwhile.
func (d *DB) CopyTo(ctx context.Context, to *DB, schemas []Schema, progress func(Copied)) (rows int64, err error) {
	tables, seeded, err := tablesOf(schemas)
	if err != nil {
		return 0, err
	}
	err = d.View(ctx, func(v *View) error {
		to.writing.Lock()
		defer to.writing.Unlock()
		if err := to.beginCopy(tables, seeded); err != nil {
			return err
		}
		for n, t := range tables {
			if err := copyTable(ctx, v.s, to, t, Copied{Table: t.Name, Tables: n, Of: len(tables)}, progress); err != nil {
				return err
			}
		}
		for n, t := range tables {
			k, err := compareTable(ctx, v.s, to.w, t, Copied{Table: t.Name, Tables: n, Of: len(tables), Comparing: true}, progress)
			if rows += k; err != nil {
				return err
			}
		}
		return to.endCopy(v.s)
	})
	return rows, err
}

// beginCopy empties what the migration has put in, unless a copy that was cut off has begun already.
func (d *DB) beginCopy(tables []Layout, seeded map[string]bool) error {
	begun, err := d.w.has("SELECT version FROM db_version WHERE name = ?", copyName)
	if err != nil || begun {
		return err
	}
	for _, t := range tables {
		if seeded[t.Name] {
			continue
		}
		filled, err := d.w.has("SELECT " + t.Cols[0] + " FROM " + t.Name + " LIMIT 1")
		if err != nil {
			return err
		}
		if filled {
			return ErrCopyInto.With("table", t.Name)
		}
	}
	return d.inTx(func() error {
		for _, t := range tables {
			if _, err := d.w.exec("DELETE FROM " + t.Name); err != nil {
				return err
			}
		}
		_, err := d.w.exec("INSERT INTO db_version (name, version) VALUES (?, ?)", copyName, 1)
		return err
	})
}

func (s *session) has(text string, args ...any) (found bool, err error) {
	err = s.query(text, args, func([]driver.Value) error { found = true; return nil })
	return found, err
}

// inTx runs f in a transaction of the writer's connection, outside of any lane.
func (d *DB) inTx(f func() error) error {
	if err := d.eng.begin(d); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = d.w.exec("COMMIT")
	}
	if err != nil {
		_, _ = d.w.exec("ROLLBACK")
	}
	return err
}

// page reads the next rows in key order; after is the last key read, nil at the start.
func (l *Layout) page(s *session, after []any) (rows [][]any, err error) {
	text, args := "SELECT "+strings.Join(l.Cols, ", ")+" FROM "+l.Name, []any(nil)
	if after != nil {
		where, more := keysAfter(l.Cols[:l.Keys], after)
		text, args = text+" WHERE "+where, more
	}
	text += " ORDER BY " + strings.Join(l.Cols[:l.Keys], ", ") + " LIMIT ?"
	err = s.query(text, append(args, int64(copyRows)), func(v []driver.Value) error {
		row := make([]any, len(v))
		for i, x := range v {
			if b, ok := x.([]byte); ok {
				x = string(b)
			}
			row[i] = x
		}
		rows = append(rows, row)
		return nil
	})
	return rows, err
}

func (l *Layout) keyOf(row []any) []any { return row[:l.Keys] }

// lastKey is the greatest key in a table, nil when it is empty: rows come in key order, so a copy goes on from there.
func (l *Layout) lastKey(s *session) (key []any, err error) {
	order := strings.Join(l.Cols[:l.Keys], " DESC, ") + " DESC"
	err = s.query("SELECT "+strings.Join(l.Cols[:l.Keys], ", ")+" FROM "+l.Name+" ORDER BY "+order+" LIMIT 1", nil, func(v []driver.Value) error {
		for _, x := range v {
			if b, ok := x.([]byte); ok {
				x = string(b)
			}
			key = append(key, x)
		}
		return nil
	})
	return key, err
}

func copyTable(ctx context.Context, from *session, to *DB, l Layout, at Copied, progress func(Copied)) error {
	after, err := l.lastKey(to.w)
	for err == nil {
		if err = ctx.Err(); err != nil {
			return err
		}
		var rows [][]any
		if rows, err = l.page(from, after); err != nil || len(rows) == 0 {
			return err
		}
		after = l.keyOf(rows[len(rows)-1])
		if err = to.inTx(func() error { return to.insertRows(l, rows) }); err == nil {
			at.Rows += int64(len(rows))
			progress(at)
		}
	}
	return err
}

func (d *DB) insertRows(l Layout, rows [][]any) error {
	one := "(" + marks(len(l.Cols)) + ")"
	for len(rows) > 0 {
		n := 1
		for n*2 <= len(rows) && n*2*len(l.Cols) <= 300 {
			n *= 2
		}
		args := make([]any, 0, n*len(l.Cols))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		text := "INSERT INTO " + l.Name + " (" + strings.Join(l.Cols, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
		if _, err := d.w.exec(text, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// compareTable reads both sides in key order and holds each row to the other's.
func compareTable(ctx context.Context, a, b *session, l Layout, at Copied, progress func(Copied)) (int64, error) {
	var after []any
	for {
		if err := ctx.Err(); err != nil {
			return at.Rows, err
		}
		mine, err := l.page(a, after)
		if err != nil {
			return at.Rows, err
		}
		theirs, err := l.page(b, after)
		if err != nil {
			return at.Rows, err
		}
		for i := range max(len(mine), len(theirs)) {
			if i >= len(mine) || i >= len(theirs) || !slices.Equal(mine[i], theirs[i]) {
				longer := mine
				if i >= len(mine) {
					longer = theirs
				}
				return at.Rows, ErrCopyDiffers.With("table", l.Name, "key", fmt.Sprint(l.keyOf(longer[i])...))
			}
		}
		if len(mine) == 0 {
			return at.Rows, nil
		}
		at.Rows += int64(len(mine))
		progress(at)
		after = l.keyOf(mine[len(mine)-1])
	}
}

// endCopy takes over what stands beside the tables: versions, how far time and ids had got; and opens the database.
func (d *DB) endCopy(from *session) error {
	type named struct {
		name    string
		version int64
	}
	var all []named
	err := from.query("SELECT name, version FROM db_version", nil, func(v []driver.Value) error {
		var n named
		err := scan(v, []any{&n.name, &n.version})
		if n.name != turnName && n.name != copyName {
			all = append(all, n)
		}
		if n.name == instantName {
			all = append(all, named{turnName, id.Floor(n.version + 2)})
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.inTx(func() error {
		if _, err := d.w.exec("DELETE FROM db_version"); err != nil {
			return err
		}
		for _, n := range all {
			if _, err := d.w.exec("INSERT INTO db_version (name, version) VALUES (?, ?)", n.name, n.version); err != nil {
				return err
			}
		}
		return nil
	})
}

// WholeCopy refuses a database that a copy was begun into and not finished.
func (d *DB) WholeCopy(ctx context.Context) error {
	return d.View(ctx, func(v *View) error {
		half, err := v.s.has("SELECT version FROM db_version WHERE name = ?", copyName)
		if half {
			return ErrHalfCopy.New()
		}
		return err
	})
}
