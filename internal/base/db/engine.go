package db

import (
	"database/sql"
	"slices"
)

// engine is what differs between the two databases below a Tx; all of it stands in sqlite.go and mysql.go.
type engine interface {
	// claim takes what only one process may hold.
	claim(d *DB) (release func(), err error)
	// pool opens connections, for the writer or for views.
	pool(d *DB, write bool) (*sql.DB, error)
	// ready sets a new connection up, and refuses one that would not keep what a commit promises.
	ready(s *session, write bool) error
	// begin opens the transaction of a group. Where others write too, it waits its turn and learns how far they got.
	begin(d *DB) error
	// patience is how long a group is tried again while the database is away, in milliseconds: a server is started again, a
	// cluster takes some seconds to agree that a node is gone, a broken disk is told at once.
	patience() int64
	// better tells that another connection of the writer would be better than the one it has.
	better() bool
	// keep puts the instant of the group into its commit.
	keep(d *DB, now int64) error
	// snapshot is how a view begins.
	snapshot() string
	// bury waits out, or writes over, what a failed commit may have left behind.
	bury(s *session) error
	// migrate runs f while no other process changes tables.
	migrate(s *session, f func() error) error
	// ddl says a portable statement in the engine's words.
	ddl(stmt string) []string
	// insert is how new rows are written. A group that fails is rolled back whole, so that no statement need be undone alone.
	insert() string
	// values is how many a statement that writes rows may carry: a server waits for its next statement over the wire, the
	// embedded engine keeps a program as long as the statement.
	values() int
	// there tells that a statement failed because it had been run before, by somebody who died before recording it.
	there(err error) bool
	// refused tells that a commit that failed so was surely not done; any other failure leaves it unknown.
	refused(err error) bool
	// background starts what the engine needs done beside the lane; it ends when stop is closed, and closes cpDone.
	background(d *DB) error
}

// trouble is what an error of a database means for a group.
type trouble int

const (
	broken    trouble = iota // none of those below
	duplicate                // a unique key is taken
	conflict                 // others were in the way: the same again may do
	lost                     // the connection is gone, and with it what was not committed
	full                     // no room to write
)

// troubleOf asks both engines; they know only their own errors.
func troubleOf(err error) trouble {
	if err == nil {
		return broken
	}
	for _, f := range []func(error) trouble{sqliteTrouble, mysqlTrouble} {
		if t := f(err); t != broken {
			return t
		}
	}
	return broken
}

// IsDuplicate reports whether err is a unique-key violation of either engine.
func IsDuplicate(err error) bool { return troubleOf(err) == duplicate }

// isRetryable reports what goes away when the group is run again.
func isRetryable(err error) bool {
	return slices.Contains([]trouble{conflict, lost}, troubleOf(err))
}

// isFull reports that there was no room to write.
func isFull(err error) bool { return troubleOf(err) == full }

// Embedded as URL is the embedded engine, also where the tests run on a server.
const Embedded = "sqlite"

func (o *Options) engine() (engine, error) {
	if o.Driver == "" && o.URL == "" {
		o.URL = testURL(o.Dir)
	}
	if o.URL != "" && o.URL != Embedded {
		return newMySQL(o.URL)
	}
	return sqliteEngine{}, nil
}
