package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
)

// failing is SQLite with commits that fail while the switch is on, before or after they were done.
type failing struct {
	before, after atomic.Bool
	unready       atomic.Bool // it begins nothing, as a node that has left its cluster
	opened        atomic.Int32
}

func (f *failing) Open(name string) (driver.Conn, error) {
	c, err := (&sqlite.Driver{}).Open(name)
	if err != nil {
		return nil, err
	}
	f.opened.Add(1)
	return &failingConn{c, f}, nil
}

type failingConn struct {
	driver.Conn
	f *failing
}

func (c *failingConn) Prepare(text string) (driver.Stmt, error) {
	s, err := c.Conn.Prepare(text)
	if err == nil && text == "COMMIT" {
		return &failingCommit{s, s.(driver.StmtExecContext), c.f}, nil
	}
	if err == nil && strings.HasPrefix(text, "BEGIN IMMEDIATE") {
		return &failingBegin{s, s.(driver.StmtExecContext), c.f}, nil
	}
	return s, err
}

type failingBegin struct {
	driver.Stmt
	real driver.StmtExecContext
	f    *failing
}

func (b *failingBegin) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if b.f.unready.Load() {
		return nil, &mysql.MySQLError{Number: 1047, Message: "WSREP has not yet prepared node for application use"}
	}
	return b.real.ExecContext(ctx, args)
}

type failingCommit struct {
	driver.Stmt
	real driver.StmtExecContext
	f    *failing
}

var errDisk = errors.New("disk I/O error")

func (c *failingCommit) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if c.f.before.Load() {
		return nil, errDisk
	}
	res, err := c.real.ExecContext(ctx, args)
	if c.f.after.Load() {
		return nil, errDisk
	}
	return res, err
}

// openFailing opens a database whose driver, registered under the given name, can be told to fail.
func openFailing(t *testing.T, name string) (*DB, *failing) {
	t.Helper()
	f := &failing{}
	sql.Register(name, f)
	var opt Options
	opt.defaults()
	d, err := Open(context.Background(), Options{Dir: t.TempDir(), Clock: clock.NewFake(1_700_000_000_000), Seed: 7, Driver: name, DSN: opt.SQLiteDSN})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), testSchema); err != nil {
		t.Fatal(err)
	}
	return d, f
}

func TestWriterWorksAgainAfterACommitFailed(t *testing.T) {
	t.Parallel()
	d, f := openFailing(t, "failing-heal")
	plus := func(by int64) error {
		return d.Write(context.Background(), Op{Owner: 1}, func(tx *Tx) error { add(tx, 1, 1, by); return nil })
	}
	if err := plus(1); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.before.Store(true)
		if err := plus(10); !fault.Is(err, ErrUnknown) {
			t.Fatalf("a commit that failed says %v", err)
		}
		f.before.Store(false)
		if err := plus(100); err != nil {
			t.Fatalf("the write after it: %v", err)
		}
		f.after.Store(true)
		if err := plus(1000); !fault.Is(err, ErrUnknown) {
			t.Fatalf("a commit that was done but failed says %v", err)
		}
		f.after.Store(false)
	}
	if s, _ := sum(t, d, 1, 1); s != 3301 {
		t.Errorf("sum = %d, want 3301: what failed before the commit is gone, what failed after it is there", s)
	}
}

// TestServerThatIsNotReadyIsLeft holds that a connection which answers, but only that its server can't be written to, is not
// asked again: the next one may lead to another host.
func TestServerThatIsNotReadyIsLeft(t *testing.T) {
	t.Parallel()
	d, f := openFailing(t, "failing-unready")
	had := f.opened.Load()
	f.unready.Store(true)
	if err := d.Write(context.Background(), Op{Owner: 1}, func(tx *Tx) error { add(tx, 1, 1, 1); return nil }); !fault.Is(err, ErrStorage) {
		t.Fatalf("got %v", err)
	}
	f.unready.Store(false)
	write(t, d, func(tx *Tx) error { add(tx, 1, 1, 1); return nil })
	if f.opened.Load() == had {
		t.Error("the old connection was asked again")
	}
}

func TestChanceGoesOnAfterACommitFailed(t *testing.T) {
	t.Parallel()
	d, f := openFailing(t, "failing-chance")
	seen := map[uint64]bool{}
	for i := range 20 {
		f.before.Store(i%3 == 2)
		_ = d.Write(context.Background(), Op{Owner: 1}, func(tx *Tx) error {
			n := tx.Rand().Uint64()
			if seen[n] {
				t.Errorf("draw %d repeats an earlier one", i)
			}
			seen[n] = true
			add(tx, 1, 1, 1)
			return nil
		})
	}
}

func TestRefusedBlindInsertDoesNotHideTheStoredRow(t *testing.T) {
	t.Parallel()
	d := open(t)
	write(t, d, func(tx *Tx) error { return notes.Insert(tx, note{"a", 1, 9}) })
	errs := group(d,
		func(tx *Tx) error { _ = notes.Insert(tx, note{"a", 2, 2}); return errNo.New() },
		func(tx *Tx) error {
			if n, ok := notes.Get(tx, "a"); !ok || n.Owner != 9 {
				t.Errorf("after a refused insert the stored row reads as %+v, %v", n, ok)
			}
			return nil
		})
	if errs[1] != nil {
		t.Fatal(errs)
	}
}
