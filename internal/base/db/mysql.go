package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
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

type mysqlEngine struct {
	cfgs []*mysql.Config // one a host, in the order in which they are tried
	tidb bool
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
		e.cfgs = append(e.cfgs, c)
	}
	return e, nil
}

// Connect tries the hosts in order; a node of a cluster that can't answer now is passed over.
func (e *mysqlEngine) Connect(ctx context.Context) (driver.Conn, error) {
	var first error
	for _, cfg := range e.cfgs {
		c, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		conn, err := c.Connect(ctx)
		if err == nil && len(e.cfgs) > 1 {
			if err = answers(ctx, conn); err != nil {
				_ = conn.Close()
			}
		}
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Driver makes the engine a connector.
func (e *mysqlEngine) Driver() driver.Driver { return mysql.MySQLDriver{} }

// answers finds out whether a node may be written to.
func answers(ctx context.Context, c driver.Conn) error {
	rows, err := c.(driver.QueryerContext).QueryContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'mysql' AND @@global.read_only = 0", nil)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	vals := make([]driver.Value, 1)
	var n int64
	if err := errors.Join(rows.Next(vals), scan(vals, []any{&n})); err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the node can only be read")
	}
	return nil
}

func (e *mysqlEngine) claim(d *DB) (func(), error) {
	return func() {}, os.MkdirAll(d.opt.Dir, 0o750) // any number of processes may write
}

func (e *mysqlEngine) pool(*DB, bool) (*sql.DB, error) { return sql.OpenDB(e), nil }

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

// begin waits for the turn and goes on where the last group ended, whoever ran it.
func (e *mysqlEngine) begin(d *DB) error {
	_, err := d.w.exec("START TRANSACTION")
	if err == nil && d.migrated {
		err = d.w.turn(func(name string, version int64) {
			switch name {
			case instantName:
				d.kept = max(d.kept, version)
				d.last = max(d.last, version)
			case turnName:
				d.ids.Past(version)
			}
		})
	}
	if err != nil {
		if _, rerr := d.w.exec("ROLLBACK"); rerr != nil {
			d.sick = true
		}
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

func (e *mysqlEngine) keep(d *DB, now int64) error {
	_, err := d.w.exec(turnKeep, instantName, max(now, d.kept), turnName, d.ids.Next(now))
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
	turnText = "SELECT name, version FROM db_version WHERE name IN (?, ?) ORDER BY name FOR UPDATE"
	turnKeep = "REPLACE INTO db_version (name, version) VALUES (?, ?), (?, ?)"
)

// migrate holds a lock by name, which the server takes back when the connection ends.
func (e *mysqlEngine) migrate(s *session, f func() error) error {
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
	if strings.HasPrefix(strings.ToUpper(s), "CREATE TABLE") {
		// A "text" of the family ends at 64 KiB.
		return []string{strings.ReplaceAll(s, " text ", " mediumtext ") + " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"}
	}
	return []string{s}
}

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

func (e *mysqlEngine) comesBack() bool { return true }

func (e *mysqlEngine) background(d *DB) error {
	close(d.cpDone)
	return nil
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
	for _, gone := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, mysql.ErrPktSync, io.EOF, io.ErrUnexpectedEOF, sql.ErrConnDone} {
		if errors.Is(err, gone) {
			return lost
		}
	}
	if errors.As(err, &n) {
		return lost
	}
	return broken
}

// untilBack waits a little before a lost connection is tried again: 50 ms, doubling.
func (d *DB) untilBack(try int) {
	d.opt.Log.Warn("the database does not answer; trying again", slog.Int("try", try))
	t := clock.Timer(50 << try)
	defer t.Stop()
	<-t.C
}
