package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"guanxi/internal/base/clock"

	_ "modernc.org/sqlite" // the embedded engine, registered as "sqlite"
)

// The embedded engine: WAL, an fsync at every commit (synchronous=FULL), one writer,
// checkpoints from a second connection so that the writer never waits for them.

const (
	checkpointEvery = 250      // ms
	checkpointFrom  = 4 << 20  // bytes of log worth a checkpoint
	walWrap         = 48 << 20 // bytes of log at which it is begun anew: overwriting a file is cheaper than growing it
	pageSize        = 4096
)

type sqliteEngine struct{}

func (sqliteEngine) claim(d *DB) (func(), error) { return lockFolder(d.opt.Dir) }

func (sqliteEngine) pool(d *DB, write bool) (*sql.DB, error) {
	name, dsn := d.opt.Driver, d.opt.DSN
	if name == "" {
		name, dsn = "sqlite", d.opt.gatheredDSN
	}
	return sql.Open(name, dsn(d.path, write))
}

func (sqliteEngine) ready(*session, bool) error { return nil } // the name of the connection says it all

func (sqliteEngine) begin(d *DB) error {
	_, err := d.w.exec("BEGIN IMMEDIATE")
	return err
}

func (sqliteEngine) keep(d *DB, now int64) error {
	if now <= d.kept {
		return nil
	}
	_, err := d.w.exec("UPDATE db_version SET version = ? WHERE name = ?", now, instantName)
	return err
}

func (sqliteEngine) patience() int64                          { return 0 }
func (sqliteEngine) better() bool                             { return false }
func (sqliteEngine) snapshot() string                         { return "BEGIN" }
func (sqliteEngine) migrate(_ *session, f func() error) error { return f() }
func (sqliteEngine) insert() string                           { return "INSERT OR FAIL INTO " }
func (sqliteEngine) values() int                              { return 1200 }
func (sqliteEngine) ddl(stmt string) []string                 { return sqliteDDL(stmt) }
func (sqliteEngine) there(error) bool                         { return false } // a step and its record are one transaction

// refused: the engine finds no room before the commit is whole, and what it left is overwritten.
func (sqliteEngine) refused(err error) bool { return isFull(err) }

// sqliteTrouble reads the errors of the embedded engine.
func sqliteTrouble(err error) trouble {
	s := err.Error()
	for _, known := range []struct {
		text string
		is   trouble
	}{
		{"UNIQUE constraint failed", duplicate}, {"SQLITE_BUSY", conflict}, {"database is locked", conflict},
		{"disk is full", full}, {"SQLITE_FULL", full}, {"ENOSPC", full},
	} {
		if strings.Contains(s, known.text) {
			return known.is
		}
	}
	return broken
}

// gatheredDSN is the DSN of production: the writer's log goes through the gathering layer.
func (o *Options) gatheredDSN(path string, write bool) string {
	if !write {
		return o.sqliteDSN(path, write)
	}
	registerGather()
	return o.sqliteDSN(path, write) + "&vfs=" + gatherVFS
}

// SQLiteDSN names an embedded database with the settings it is run with; a test that brings a driver adds to it.
func (o *Options) SQLiteDSN(path string, write bool) string { return o.sqliteDSN(path, write) }

func (o *Options) sqliteDSN(path string, write bool) string {
	q := url.Values{}
	add := func(p string) { q.Add("_pragma", p) }
	add("busy_timeout(5000)")
	if write {
		add("journal_mode(WAL)")
		add("synchronous(FULL)")
		add("foreign_keys(ON)")
		add("wal_autocheckpoint(0)")
		add(fmt.Sprintf("cache_size(-%d)", o.CacheMB<<10))
	} else {
		q.Set("mode", "ro")
		add("query_only(ON)")
		add("cache_size(-1024)")
	}
	add("temp_store(MEMORY)")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// lockFolder takes the folder for this process; the kernel gives it back when the process ends.
func lockFolder(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "guanxi.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, ErrLocked.With("path", dir).Because(err)
	}
	return func() {
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) // closing alone keeps it while a process being forked has the file too
		_ = f.Close()
	}, nil
}

// background moves the WAL into the file in small steps from its own connection.
func (sqliteEngine) background(d *DB) (err error) {
	if d.cp, err = d.newSession(context.Background(), d.wpool, true); err == nil {
		go d.checkpoints()
	}
	return err
}

func (d *DB) checkpoints() {
	defer close(d.cpDone)
	for {
		t := clock.Timer(checkpointEvery)
		select {
		case <-d.stop:
			t.Stop()
			return
		case <-t.C:
			d.checkpoint()
		}
	}
}

func (d *DB) checkpoint() {
	size := d.walPragma("NOOP")
	if size >= checkpointFrom {
		size = d.walPragma("PASSIVE")
	}
	if size >= walWrap {
		// What PASSIVE left is little. The lane stands still for it: under load it would never let go of the
		// file by itself, and the log would grow without end.
		d.writing.Lock()
		size = d.walPragma("RESTART")
		d.writing.Unlock()
	}
	d.walBytes.Store(size)
}

// walPragma runs a checkpoint of a mode and gives the bytes in use of the log.
func (d *DB) walPragma(mode string) int64 {
	var busy, frames, done int64
	err := d.cp.query("PRAGMA wal_checkpoint("+mode+")", nil, func(v []driver.Value) error { return scan(v, []any{&busy, &frames, &done}) })
	if err != nil && !isRetryable(err) {
		d.opt.Log.Error("checkpoint failed", "err", err)
	}
	return max(0, frames) * (pageSize + 24)
}

// WALBytes is how much of the write-ahead log is in use.
func (d *DB) WALBytes() int64 { return d.walBytes.Load() }

// heal replaces a connection whose state is in doubt, and with it what a failed commit left in doubt.
func (d *DB) heal() error {
	if !d.sick && !d.eng.better() {
		return nil
	}
	d.sick = true
	d.w.discard()
	s, err := d.newSession(context.Background(), d.wpool, true)
	if err != nil {
		return err
	}
	if err := d.eng.bury(s); err != nil {
		s.discard()
		return err
	}
	s.seen = d.w.seen
	d.w, d.sick = s, false
	rng := d.tx.rng // begun anew it would repeat its draws
	d.tx = newTx(d, s)
	d.tx.rng = rng
	return nil
}

// bury overwrites, with a commit of its own, what a failed commit may have left beyond the end of the log. Nobody sees
// that while the program runs, but recovery after a kill would: a reader would have been told "not there" too early.
func (sqliteEngine) bury(s *session) error {
	var n int64
	err := s.query("PRAGMA user_version", nil, func(v []driver.Value) error { return scan(v, []any{&n}) })
	if err == nil {
		_, err = s.exec(fmt.Sprintf("PRAGMA user_version = %d", (n+1)%(1<<31)))
	}
	return err
}

// columnType is a column that must hold something, as the portable statements spell it.
var columnType = regexp.MustCompile(`(?m)^(\s*\w+ (?:(bigint|integer)|varchar\(\d+\)|text) NOT NULL)(,?)$`)

// withDefaults gives such columns the empty value. No row relies on it, since every statement names all columns; but where a
// value could be missing, REPLACE would have to be able to undo itself, and the engine would copy each page it changes.
func withDefaults(create string) string {
	return columnType.ReplaceAllStringFunc(create, func(line string) string {
		m := columnType.FindStringSubmatch(line)
		if m[2] != "" {
			return m[1] + " DEFAULT 0" + m[3]
		}
		return m[1] + " DEFAULT ''" + m[3]
	})
}

var (
	idKey   = regexp.MustCompile(`\n\s*PRIMARY KEY \((\w+)\)\s*\)$`)
	idTable = `(?m)^(\s*%s) bigint NOT NULL,$`
)

// withRowid makes a table whose key is one number a table by that number: the engine appends to it without splitting pages,
// and keeps rows of a kilobyte whole.
func withRowid(create string) (string, bool) {
	m := idKey.FindStringSubmatch(create)
	if m == nil {
		return "", false
	}
	id := regexp.MustCompile(fmt.Sprintf(idTable, m[1]))
	if !id.MatchString(create) {
		return "", false
	}
	return withDefaults(id.ReplaceAllString(create, "$1 INTEGER NOT NULL,")), true
}

// sqliteDDL turns a portable statement into SQLite's: tables are clustered by their primary key,
// WIDEN is nothing, and "-- append-only NAME" becomes triggers that refuse every update and delete.
func sqliteDDL(stmt string) []string {
	s := strings.TrimSpace(stmt)
	if name, ok := strings.CutPrefix(s, "APPEND ONLY "); ok {
		var out []string
		for _, act := range []string{"UPDATE", "DELETE"} {
			out = append(out, fmt.Sprintf("CREATE TRIGGER %s_no_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s is append-only'); END",
				name, strings.ToLower(act), act, name, name))
		}
		return out
	}
	if strings.HasPrefix(s, "WIDEN ") {
		return nil // a column here has no width
	}
	if !strings.HasPrefix(s, "CREATE TABLE") {
		return []string{s}
	}
	if table, ok := withRowid(s); ok {
		return []string{table}
	}
	return []string{withDefaults(s) + " WITHOUT ROWID"}
}
