package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"guanxi/internal/base/clock"

	"github.com/go-sql-driver/mysql"
)

// One node is written to, the first of the list that can be. So all processes agree on it without asking each other; and
// should two of them not agree for some seconds, the turn, which each group writes, lets a Galera cluster commit one of two.

// swiftly is how long the writer waits for an answer. It is more than a turn is waited for.
const swiftly = (lockWait + 5) * time.Second

// homecoming is how often an earlier host of the list is asked whether it can be written to again, in milliseconds.
const homecoming = 1000

// hosts makes connections for the writer, or for views.
type hosts struct {
	e     *mysqlEngine
	write bool
}

// Driver makes it a connector.
func (h *hosts) Driver() driver.Driver { return mysql.MySQLDriver{} }

// Connect tries the hosts in order; a node of a cluster that can't answer now is passed over.
func (h *hosts) Connect(ctx context.Context) (driver.Conn, error) {
	var all []error
	for i, cfg := range h.e.hosts {
		if h.write && h.e.swift.Load() {
			cfg = cfg.Clone()
			cfg.ReadTimeout, cfg.WriteTimeout = swiftly, swiftly
		}
		conn, err := dial(ctx, cfg, len(h.e.hosts) > 1)
		if err == nil {
			if h.write {
				h.e.at.Store(int32(i))
				h.e.home.Store(false)
			}
			return conn, nil
		}
		all = append(all, err)
	}
	return nil, errors.Join(all...)
}

// dial connects, and asks one node of several whether it may be written to.
func dial(ctx context.Context, cfg *mysql.Config, several bool) (driver.Conn, error) {
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	conn, err := c.Connect(ctx)
	if err != nil || !several {
		return conn, err
	}
	if err := answers(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

var errNotReady = errors.New("the node can't be written to now")

// answers finds out whether a node may be written to.
func answers(ctx context.Context, c driver.Conn) error {
	is, err := shown(ctx, c)
	if err != nil {
		return err
	}
	if is["read_only"] == "ON" || is["wsrep_on"] == "ON" && is["wsrep_ready"] != "ON" {
		return errNotReady
	}
	return nil
}

// shown reads what a server tells of its state, also while it answers nothing else.
func shown(ctx context.Context, c driver.Conn) (map[string]string, error) {
	is := map[string]string{}
	for _, text := range []string{
		"SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'wsrep_on')",
		"SHOW GLOBAL STATUS WHERE Variable_name = 'wsrep_ready'",
	} {
		rows, err := c.(driver.QueryerContext).QueryContext(ctx, text, nil)
		if err != nil {
			return nil, err
		}
		vals := make([]driver.Value, len(rows.Columns()))
		for err = rows.Next(vals); err == nil; err = rows.Next(vals) {
			var name, value string
			if err = scan(vals, []any{&name, &value}); err != nil {
				break
			}
			is[name] = value
		}
		if err = errors.Join(ended(err), rows.Close()); err != nil {
			return nil, err
		}
	}
	return is, nil
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// clustered tells whether the server is a node of a Galera cluster.
func (s *session) clustered() (yes bool, err error) {
	err = s.conn.Raw(func(c any) error {
		is, err := shown(s.ctx, c.(driver.Conn))
		yes = is["wsrep_on"] == "ON"
		return err
	})
	return yes, err
}

// background looks out for a host before the one that is written to; a replica of a cluster that comes back is up to
// date. Without a cluster nobody but its owner can tell, and who was left stays left.
func (e *mysqlEngine) background(d *DB) error {
	go func() {
		defer close(d.cpDone)
		for {
			t := clock.Timer(homecoming)
			select {
			case <-d.stop:
				t.Stop()
				return
			case <-t.C:
			}
			if !e.wsrep.Load() {
				continue
			}
			for _, cfg := range e.hosts[:e.at.Load()] {
				if conn, err := dial(context.Background(), cfg, true); err == nil {
					_ = conn.Close()
					e.home.Store(true)
				}
			}
		}
	}()
	return nil
}

func (e *mysqlEngine) better() bool { return e.home.Load() }
