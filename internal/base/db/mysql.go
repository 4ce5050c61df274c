package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"

	"github.com/go-sql-driver/mysql"
)

// The MySQL family: MySQL 8, MariaDB and TiDB, with any number of processes on one database.
//
// Groups take turns, also those of different processes: the first thing a group does is to lock the row that says how
// far the last one got. So everything a function reads is the last word, no two functions can lose each other's
// changes, nothing can deadlock, and ids, instants and chains grow in the order of the commits, as in the embedded engine.

const turnName = "db.turn" // beside db.instant: the last id given out

// lockWait is how long a turn is waited for, and how long a process that stopped answering may hold it, in seconds.
const lockWait = 10

// ErrServer refuses a server or a setting of it that would not keep what a commit promises.
var ErrServer = fault.Define("storage.server", fault.Down,
	"数据库服务器的设置不合要求：{what} 现为 {is}，请改为 {want}",
	"The database server must be set up otherwise: {what} is {is}; change it to {want}")

// ErrBehind refuses a server that does not have what this process knows to be committed: a replica that was not done, or
// the old master after a failover.
var ErrBehind = fault.Define("storage.behind", fault.Down,
	"这台数据库服务器缺少已提交的数据：没有任何改动，请改连最新的那台", "This database server lacks what was committed: nothing was changed; connect to the one that has it")

type mysqlEngine struct {
	hosts []*mysql.Config // in the order in which they are tried
	tidb  bool
	wsrep atomic.Bool  // a Galera cluster
	at    atomic.Int32 // which host is written to
	home  atomic.Bool  // an earlier one can be written to again
	token int64        // of the turn that is taken
	swift atomic.Bool  // the tables are up to date: a writer that waits long waits in vain
}

// newMySQL reads mysql://user:password@host:port/database. The query may name a unix "socket", further hosts to try
// in order ("hosts=b:3306,c:3306"), and "tls" (true, or skip-verify).
func newMySQL(text string) (*mysqlEngine, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "mysql" {
		return nil, ErrServer.With("what", "URL", "is", "unreadable", "want", "mysql://user:password@host:port/database")
	}
	q := u.Query()
	addrs := []string{u.Host}
	if more := q.Get("hosts"); more != "" {
		addrs = append(addrs, strings.Split(more, ",")...)
	}
	e := &mysqlEngine{}
	for _, addr := range addrs {
		c := mysql.NewConfig()
		c.User = u.User.Username()
		c.Passwd, _ = u.User.Password()
		c.Net, c.Addr = "tcp", addr
		if _, _, err := net.SplitHostPort(addr); err != nil {
			c.Addr = net.JoinHostPort(addr, "3306")
		}
		if s := q.Get("socket"); s != "" {
			c.Net, c.Addr = "unix", s
		}
		c.TLSConfig = q.Get("tls")
		c.DBName = strings.TrimPrefix(u.Path, "/")
		c.Collation = "utf8mb4_bin"
		c.Timeout, c.ReadTimeout, c.WriteTimeout = 5*time.Second, 5*time.Minute, time.Minute
		c.MaxAllowedPacket = 64 << 20
		c.Logger = mysql.Logger(&mysql.NopLogger{}) // what goes wrong comes back as an error
		e.hosts = append(e.hosts, c)
	}
	return e, nil
}

func (e *mysqlEngine) claim(d *DB) (func(), error) {
	return func() {}, os.MkdirAll(d.opt.Dir, 0o750) // any number of processes may write
}

func (e *mysqlEngine) pool(_ *DB, write bool) (*sql.DB, error) {
	return sql.OpenDB(&hosts{e, write}), nil
}

func (e *mysqlEngine) snapshot() string {
	return "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
}

// ready sets what a connection may set for itself and asks for what only the server's owner can change.
func (e *mysqlEngine) ready(s *session, write bool) error {
	s.direct = true
	version, err := s.text("SELECT VERSION()")
	if err != nil {
		return err
	}
	if write {
		e.tidb = isTiDB(version)
	}
	wsrep, err := s.clustered()
	if err != nil {
		return err
	}
	e.wsrep.Store(wsrep)
	level := "REPEATABLE READ" // what a snapshot needs
	if write {
		level = "READ COMMITTED"
	}
	sets := []string{
		"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
		"SET SESSION time_zone = '+00:00'",
		"SET SESSION TRANSACTION ISOLATION LEVEL " + level,
		fmt.Sprintf("SET SESSION innodb_lock_wait_timeout = %d", lockWait),
	}
	if isMariaDB(version) {
		// A process that hangs in the middle of its turn loses it: the server ends its connection.
		sets = append(sets, fmt.Sprintf("SET SESSION idle_transaction_timeout = %d", 2*lockWait))
	}
	if wsrep {
		sets = append(sets, "SET SESSION wsrep_sync_wait = 1") // no node answers from the past
	}
	for _, text := range sets {
		if _, err := s.exec(text); err != nil {
			return err
		}
	}
	if err := s.holds(version); err != nil || !write {
		return err
	}
	return s.durable(version)
}

func isMariaDB(version string) bool { return strings.Contains(version, "MariaDB") }
func isTiDB(version string) bool    { return strings.Contains(version, "TiDB") }

// text reads one value as text.
func (s *session) text(query string) (out string, err error) {
	err = s.query(query, nil, func(v []driver.Value) error {
		if n, ok := v[0].(int64); ok {
			out = fmt.Sprint(n)
			return nil
		}
		return assign(&out, v[0])
	})
	return out, err
}

// demand is a variable that must have a value.
type demand struct{ what, variable, want string }

func (s *session) demand(all ...demand) error {
	for _, w := range all {
		is, err := s.text("SELECT @@" + w.variable)
		if err != nil {
			return err
		}
		if !strings.Contains(","+strings.ToUpper(is)+",", ","+strings.ToUpper(w.want)+",") {
			return ErrServer.With("what", w.what, "is", is, "want", w.want)
		}
	}
	return nil
}

// holds reads back what was set for the connection: a proxy between may answer for a server that does otherwise.
func (s *session) holds(version string) error {
	if !isTiDB(version) && !newEnough(version) {
		return ErrServer.With("what", "version", "is", version, "want", "MySQL ≥ 8.0, MariaDB ≥ 10.11, TiDB")
	}
	return s.demand(
		demand{"character_set_connection", "character_set_connection", "utf8mb4"},
		demand{"collation_connection", "collation_connection", "utf8mb4_bin"},
		demand{"sql_mode", "sql_mode", "STRICT_ALL_TABLES"},
		demand{"time_zone", "time_zone", "+00:00"},
	)
}

// durable asks whether a commit that was acknowledged survives a power cut. TiDB answers these with constants.
func (s *session) durable(version string) error {
	isolation := "transaction_isolation"
	if isMariaDB(version) && strings.HasPrefix(version, "10.") {
		isolation = "tx_isolation"
	}
	err := s.demand(
		demand{"transaction isolation", isolation, "READ-COMMITTED"},
		demand{"innodb_flush_log_at_trx_commit", "global.innodb_flush_log_at_trx_commit", "1"},
		demand{"read_only", "global.read_only", "0"},
	)
	if err != nil || isTiDB(version) {
		return err
	}
	if err := s.demand(demand{"innodb_doublewrite", "global.innodb_doublewrite", "1"}); err != nil {
		if on := s.demand(demand{"innodb_doublewrite", "global.innodb_doublewrite", "ON"}); on != nil {
			return err
		}
	}
	binlog, err := s.text("SELECT @@global.log_bin")
	if err != nil || binlog == "0" {
		return err
	}
	return s.demand(demand{"sync_binlog", "global.sync_binlog", "1"})
}

func newEnough(version string) bool {
	var major, minor int
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	if isMariaDB(version) {
		return major > 10 || major == 10 && minor >= 11
	}
	return major >= 8
}

// errEnded is what a group meets whose transaction is no longer the one it began.
var errEnded = errors.New("the server has ended the transaction and told nobody")

// begin waits for the turn and goes on where the last group ended, whoever ran it. It writes a token that keep looks for:
// a node of a cluster that loses a race rolls back by itself and has been seen to let the rest of the statements pass.
// They must not stand for themselves then, so nothing commits but a COMMIT.
func (e *mysqlEngine) begin(d *DB) error {
	if d.migrated && !d.w.strict {
		if _, err := d.w.exec("SET SESSION autocommit = 0"); err != nil {
			return err
		}
		d.w.strict = true
	}
	_, err := d.w.exec("START TRANSACTION")
	if err == nil && d.migrated {
		behind := false
		err = d.w.turn(func(name string, version int64) {
			switch name {
			case instantName:
				// What this process has committed is on the disk, and with it all that came before. What it only reads here
				// may not be: a server shows a commit before it has synced it.
				behind = version < d.sure
				d.last = max(d.last, version)
			case turnName:
				d.ids.Past(version)
			}
		})
		if behind && err == nil {
			err = ErrBehind.New()
		}
		if err == nil {
			e.token = d.ids.Next(d.tick())
			_, err = d.w.exec(turnTake, turnName, e.token)
		}
	}
	if err != nil {
		d.giveUp(err)
	}
	return err
}

func (s *session) turn(row func(name string, version int64)) error {
	return s.query(turnText, []any{instantName, turnName}, func(v []driver.Value) error {
		var name string
		var version int64
		err := scan(v, []any{&name, &version})
		row(name, version)
		return err
	})
}

// keep closes the turn, if it is still the one that begin took.
func (e *mysqlEngine) keep(d *DB, now int64) error {
	var token int64
	err := d.w.query(turnToken, []any{turnName}, func(v []driver.Value) error { return scan(v, []any{&token}) })
	if err == nil && token != e.token {
		d.opt.Log.Warn(errEnded.Error())
		err = errEnded
	}
	if err != nil {
		return err
	}
	_, err = d.w.exec(turnKeep, instantName, now, turnName, d.ids.Next(now))
	return err
}

// bury waits until the server has made up its mind about a commit whose answer was lost: the turn is free only then.
func (e *mysqlEngine) bury(s *session) error {
	if _, err := s.exec("START TRANSACTION"); err != nil {
		return err
	}
	if err := s.turn(func(string, int64) {}); err != nil {
		return err
	}
	_, err := s.exec("ROLLBACK")
	return err
}

const (
	turnText  = "SELECT name, version FROM db_version WHERE name IN (?, ?) ORDER BY name FOR UPDATE"
	turnTake  = "REPLACE INTO db_version (name, version) VALUES (?, ?)"
	turnToken = "SELECT version FROM db_version WHERE name = ?"
	turnKeep  = "REPLACE INTO db_version (name, version) VALUES (?, ?), (?, ?)"
)

// migrate holds a lock by name, which the server takes back when the connection ends. A Galera cluster has no such
// locks and needs none: it puts changes of tables in one order, and who comes second finds the step recorded.
func (e *mysqlEngine) migrate(s *session, f func() error) error {
	defer e.swift.Store(true)
	if e.wsrep.Load() {
		return f()
	}
	name, err := s.text("SELECT CONCAT('guanxi.', LEFT(DATABASE(), 40))")
	if err != nil {
		return err
	}
	var got int64
	err = s.query("SELECT GET_LOCK(?, 600)", []any{name}, func(v []driver.Value) error { return scan(v, []any{&got}) })
	if err != nil {
		return err
	}
	if got != 1 {
		return ErrBusy.New()
	}
	err = f()
	return errors.Join(err, s.query("SELECT RELEASE_LOCK(?)", []any{name}, func([]driver.Value) error { return nil }))
}

// MySQLDDL turns a portable statement into that of the MySQL family; a test parses what comes out.
func MySQLDDL(stmt string) []string {
	s := strings.TrimSpace(stmt)
	if name, ok := strings.CutPrefix(s, "APPEND ONLY "); ok {
		var out []string
		for _, act := range []string{"UPDATE", "DELETE"} {
			out = append(out, fmt.Sprintf("CREATE TRIGGER %s_no_%s BEFORE %s ON %s FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '%s is append-only'",
				name, strings.ToLower(act), act, name, name))
		}
		return out
	}
	if column, ok := strings.CutPrefix(s, "WIDEN "); ok {
		return []string{"ALTER TABLE " + strings.Replace(column, " ", " MODIFY ", 1)}
	}
	if strings.HasPrefix(strings.ToUpper(s), "CREATE TABLE") {
		// A "text" of the family ends at 64 KiB.
		return []string{strings.ReplaceAll(s, " text ", " mediumtext ") + " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"}
	}
	return []string{s}
}

func (e *mysqlEngine) insert() string { return "INSERT INTO " }
func (e *mysqlEngine) values() int    { return 16 << 10 }

func (e *mysqlEngine) ddl(stmt string) []string {
	if e.tidb {
		return TiDBDDL(stmt)
	}
	return MySQLDDL(stmt)
}

// TiDBDDL is MySQLDDL for TiDB. It has no triggers: there the chain over the rows is what shows a change behind the
// program's back. And a table whose only key is an id would be written at its end alone, by one store of many: its
// rows are spread instead.
func TiDBDDL(stmt string) []string {
	out := MySQLDDL(stmt)
	if strings.HasPrefix(out[0], "CREATE TRIGGER") {
		return nil
	}
	if loneID.MatchString(out[0]) {
		out[0] = loneID.ReplaceAllString(out[0], "$0 /*T![clustered_index] NONCLUSTERED */") + " /*T! SHARD_ROW_ID_BITS=4 PRE_SPLIT_REGIONS=4 */"
	}
	return out
}

// loneID is a table whose key is one id made by the program; a member's own row is clustered by member as all its rows are.
var loneID = regexp.MustCompile(`(?s)CREATE TABLE .*\n\s*PRIMARY KEY \((id|rule_id|version_id|cause_id|merge_id)\)`)

// there knows the errors of a CREATE or DROP that was done already: here such a statement commits by itself.
func (e *mysqlEngine) there(err error) bool {
	var m *mysql.MySQLError
	if !errors.As(err, &m) {
		return false
	}
	switch m.Number {
	case 1050, 1060, 1061, 1091, 1359: // table, column, key exists; nothing to drop; trigger exists
		return true
	}
	return false
}

// refused: a server that says so has rolled back; a cluster settles at the commit who was first.
func (e *mysqlEngine) refused(err error) bool { return troubleOf(err) == conflict }

func (e *mysqlEngine) patience() int64 {
	if len(e.hosts) > 1 {
		return 12 * clock.Second
	}
	return 1500
}

// mysqlTrouble reads the errors of the family and of its connections.
func mysqlTrouble(err error) trouble {
	var m *mysql.MySQLError
	if errors.As(err, &m) {
		switch m.Number {
		case 1062:
			return duplicate
		case 1205, 1213, 1020, 8002, 8022, 9007: // lock wait, deadlock, changed meanwhile; TiDB: retry, write conflict
			return conflict
		case 3, 1021, 1114, 1041: // no room on the disk or in the table
			return full
		case 1053, 1047, 1927, 1317, 1290, 1836, 2006, 2013, 4031, 9001, 9002, 9005: // stopping, node not ready, killed, read only after a failover; TiDB: no answer
			return lost
		}
		return broken
	}
	var n net.Error
	for _, gone := range []error{errEnded, driver.ErrBadConn, mysql.ErrInvalidConn, mysql.ErrPktSync, io.EOF, io.ErrUnexpectedEOF, sql.ErrConnDone} {
		if errors.Is(err, gone) {
			return lost
		}
	}
	if errors.As(err, &n) {
		return lost
	}
	return broken
}
