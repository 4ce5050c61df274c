package db

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
)

// Options of a database. The zero value of each is usable but Dir.
type Options struct {
	Dir      string // the installation's folder; holds guanxi.db
	URL      string // mysql://…: the database is there, not in the folder; empty or Embedded: SQLite
	Clock    clock.Clock
	Log      *slog.Logger
	Seed     uint64 // of Tx.Rand; 0 takes a random one
	Node     int    // number of this process, for ids
	Readers  int    // connections for views
	Queue    int    // how many writes may wait
	MaxGroup int    // how many writes share a commit; 1 is a transaction each, for comparing
	ReadOnly bool   // open beside a running server: views only
	Driver   string // SQL driver; tests bring a fault-injecting one
	DSN      func(path string, write bool) string
	OnCommit func(functions int, ms int64)
	// CacheMB is the page cache of the writer in MiB.
	CacheMB int
}

// DB is one open installation.
type DB struct {
	opt       Options
	eng       engine
	path      string
	unlock    func()
	wpool     *sql.DB
	rpool     *sql.DB
	w         *session
	cp        *session // for checkpoints
	readers   chan *session
	ids       *id.Source
	tx        *Tx
	queue     chan *call
	gate      sync.RWMutex
	closed    bool
	laneDone  chan struct{}
	stop      chan struct{}
	sick      bool
	last      int64        // instant of the last group
	told      atomic.Int64 // the same, for views
	kept      int64        // instant of the last commit, as the database has it
	sure      int64        // instant of the last commit of this process
	migrated  bool         // there is a place to keep it
	hooks     []func(*Tx)
	loaded    []prefetcher
	ownersBuf []int64
	cpDone    chan struct{}
	writing   sync.Mutex // held while a group runs, and while the log is begun anew
	walBytes  atomic.Int64
	values    map[any]any
	caches    sync.Map
}

func (o *Options) defaults() {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Seed == 0 {
		o.Seed = id.Seed()
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Queue == 0 {
		o.Queue = 4096
	}
	if o.MaxGroup == 0 {
		o.MaxGroup = maxGroup
	}
	if o.CacheMB == 0 {
		o.CacheMB = 16
	}
}

// Open opens (and creates) the database of an installation. Only one process may write to it.
func Open(ctx context.Context, opt Options) (*DB, error) {
	opt.defaults()
	eng, err := opt.engine()
	if err != nil {
		return nil, err
	}
	d := &DB{opt: opt, eng: eng, path: filepath.Join(opt.Dir, "guanxi.db"), ids: id.NewSource(opt.Node),
		queue: make(chan *call, opt.Queue), laneDone: make(chan struct{}), stop: make(chan struct{}),
		cpDone: make(chan struct{}), values: map[any]any{}}
	if err := d.openPools(ctx); err != nil {
		_ = d.release()
		return nil, outward(err)
	}
	return d, nil
}

func (d *DB) openPools(ctx context.Context) (err error) {
	if !d.opt.ReadOnly {
		if d.unlock, err = d.eng.claim(d); err != nil {
			return err
		}
		if d.wpool, err = d.eng.pool(d, true); err != nil {
			return err
		}
		if d.w, err = d.newSession(ctx, d.wpool, true); err != nil {
			return err
		}
		d.tx = newTx(d, d.w)
	}
	if d.rpool, err = d.eng.pool(d, false); err != nil {
		return err
	}
	d.rpool.SetMaxIdleConns(d.opt.Readers)
	d.readers = make(chan *session, d.opt.Readers)
	for range d.opt.Readers {
		s, err := d.newSession(ctx, d.rpool, false)
		if err != nil {
			return err
		}
		d.readers <- s
	}
	if d.opt.ReadOnly {
		return nil
	}
	if err := d.eng.background(d); err != nil {
		return err
	}
	go d.lane()
	return nil
}

// Load names tables whose rows are read for all owners of a group at once.
func Load[R any, K comparable](d *DB, t *Table[R, K]) { d.loaded = append(d.loaded, t) }

// BeforeCommit adds a hook that runs once a group, after its functions, and may change rows.
func (d *DB) BeforeCommit(f func(*Tx)) { d.hooks = append(d.hooks, f) }

// Set keeps a value with the database, such as the bus of reactions; call it while wiring.
func (d *DB) Set(key, v any) { d.values[key] = v }

// Value gives what Set kept.
func (d *DB) Value(key any) any { return d.values[key] }

// Clock is the injected clock.
func (d *DB) Clock() clock.Clock { return d.opt.Clock }

// Waiting tells how many writes wait in the queue.
func (d *DB) Waiting() int { return len(d.queue) }

// Path is the database file.
func (d *DB) Path() string { return d.path }

// Raw opens the database past every rule of this package, for tests that change rows behind its back.
func (d *DB) Raw() (*sql.DB, error) { return d.eng.pool(d, true) }

// Counts tells what the writer has done so far; read it while nothing is written.
func (d *DB) Counts() Counts { return *d.w.seen }

// Close refuses new writes, finishes those that wait, and closes the file cleanly.
func (d *DB) Close() error {
	d.gate.Lock()
	if d.closed {
		d.gate.Unlock()
		return nil
	}
	d.closed = true
	close(d.queue)
	d.gate.Unlock()
	if d.w != nil {
		<-d.laneDone
		close(d.stop)
		<-d.cpDone
	}
	return d.release()
}

func (d *DB) release() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if d.readers != nil {
		for range len(d.readers) {
			keep((<-d.readers).close())
		}
	}
	if d.rpool != nil {
		keep(d.rpool.Close())
	}
	if d.w != nil {
		keep(d.w.close())
	}
	if d.cp != nil {
		keep(d.cp.close())
	}
	if d.wpool != nil {
		keep(d.wpool.Close())
	}
	if d.unlock != nil {
		d.unlock()
	}
	return first
}
