// Package bench measures this machine (测速): the product over HTTP beside what bounds it — a bare fsync, an empty handler,
// hand-written SQL in groups — and beside the naive form of the same work, one transaction a request.
//
// The server under test is a process of its own, so that its memory, CPU and allocations are its own. The client shares
// the machine with it and is lean: its own HTTP/1.1 over plain connections, nothing allocated a request. Every answer is checked, and
// at the end the books are recomputed and compared with what was acknowledged: a benchmark that loses something fails.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// Options of one benchmark.
type Options struct {
	Dir        string // where the data folder is made; it is removed at the end
	URL        string // mysql://…: an empty database on a server, which is filled; empty is SQLite in the folder
	Members    int
	Big        bool // 1 million members and 10 million entries before the measuring begins
	Run        time.Duration
	Runs       int
	Only       []string // names of figures; empty is all
	CPUProfile string   // of the server, while it is measured
	LogLevel   string   // of the server
	Launch     Launch
	Progress   func(what string, done, of int64) // may be nil
	Row        func(Row)                         // hears each row as soon as it is known; may be nil
}

// bench is one benchmark under way.
type bench struct {
	Options
	dir       string
	ids       []int64
	newcomers []int64       // who have not bought yet
	n         atomic.Uint64 // numbers every request of the whole benchmark
	acked     tally
	before    tally   // what the preload has left
	second    *server // half of the clients ask it
	report    Report
}

// measured is what the runs of one figure have given.
type measured struct {
	runs   []run
	server usage // what the server did in all runs
	client int64 // CPU of the client in all runs, in microseconds
}

const (
	bigMembers = 1_000_000
	bigEntries = 10 // a member
	entries    = 2  // a member, when it is not big: growth and points
)

func (o *Options) defaults() {
	if o.Big {
		o.Members = bigMembers
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	if o.Row == nil {
		o.Row = func(Row) {}
	}
}

// Run measures everything that was asked for. The error is for what kept it from measuring; what is lost or wrong stands
// in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	o.defaults()
	if err := o.check(); err != nil {
		return Report{}, err
	}
	fs := fileSystem(o.Dir)
	if fs == "tmpfs" {
		return Report{}, fmt.Errorf("bench: %s lies in memory (tmpfs), where an fsync costs nothing; take a folder on a disk", o.Dir)
	}
	dir, err := os.MkdirTemp(o.Dir, "guanxi-bench-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{Options: o, dir: dir}
	b.report = Report{FileSystem: fs, Members: o.Members, Big: o.Big, Seconds: o.Run.Seconds(), Runs: o.Runs}
	for _, phase := range []func(context.Context) error{b.preload, b.product, b.pair, b.naive, b.books, b.aging, b.handmade} {
		if err := phase(ctx); err != nil {
			return b.report, err
		}
	}
	b.derive()
	b.report.judge()
	return b.report, nil
}

func (o *Options) check() error {
	switch {
	case o.Members < 1 || o.Members > 20_000_000:
		return errors.New("bench: between 1 and 20,000,000 members")
	case o.Run < 10*time.Millisecond || o.Run > time.Hour:
		return errors.New("bench: a run lasts up to an hour")
	case o.Runs < 1 || o.Runs > 100:
		return errors.New("bench: between 1 and 100 runs")
	}
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("bench: there is no figure %q; there are %v", name, Names())
		}
	}
	return nil
}

func (b *bench) wants(name string) bool { return len(b.Only) == 0 || slices.Contains(b.Only, name) }

func (b *bench) wantsAny(names ...string) bool { return slices.ContainsFunc(names, b.wants) }

// row adds a row to the report.
func (b *bench) row(r Row) {
	r.judge()
	b.report.Rows = append(b.report.Rows, r)
	b.Row(r)
}

func (b *bench) fail(format string, args ...any) {
	b.report.Problems = append(b.report.Problems, fmt.Sprintf(format, args...))
}

// with runs f against a server process on the data folder.
func (b *bench) with(ctx context.Context, c Config, f func(*server) error) error {
	c.Dir, c.URL, c.LogLevel = filepath.Join(b.dir, "data"), b.URL, b.LogLevel
	s, err := start(ctx, b.Launch, c)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.stop())
}

// preload fills the folder in steps and looks at each step whether reads have grown with it.
func (b *bench) preload(ctx context.Context) error {
	return b.with(ctx, Config{}, func(s *server) error {
		if err := s.call("tally", nil, &b.before, nil); err != nil {
			return err
		}
		if b.before.Entries > 0 {
			return errors.New("bench: the database is in use; name an empty one, which can be thrown away")
		}
		each := entries
		if b.Big {
			each = bigEntries
		}
		for _, members := range steps(b.Members) {
			fill := fillIn{Members: members, Entries: each, IDs: b.idsFile(), Bought: true}
			if err := s.call("fill", fill, nil, func(done, of int64) { b.Progress("preload", done, of) }); err != nil {
				return err
			}
			if !b.wants("reads") {
				continue
			}
			var r readsOut
			if err := s.call("reads", readsIn{IDs: b.idsFile()}, &r, nil); err != nil {
				return err
			}
			b.report.Reads = append(b.report.Reads, r)
		}
		b.readRows()
		var err error
		if b.ids, err = readIDs(b.idsFile()); err != nil {
			return err
		}
		return s.call("tally", nil, &b.before, nil)
	})
}

func (b *bench) idsFile() string { return filepath.Join(b.dir, "members") }

// maxNewcomers bounds the members who have not bought yet: there are as many as others, up to so many.
const maxNewcomers = 200_000

// newcomersFill makes those who have not bought yet, in no order, once they are asked for.
func (b *bench) newcomersFill(s *server) error {
	if len(b.newcomers) > 0 {
		return nil
	}
	fill := fillIn{Members: min(b.Members, maxNewcomers), Entries: entries, IDs: filepath.Join(b.dir, "newcomers"), First: b.Members}
	if err := s.call("fill", fill, nil, func(done, of int64) { b.Progress("newcomers", done, of) }); err != nil {
		return err
	}
	var err error
	b.newcomers, err = readIDs(fill.IDs)
	slices.SortFunc(b.newcomers, func(x, y int64) int { return cmp.Compare(mix(uint64(x)), mix(uint64(y))) })
	return err
}

// steps are the sizes at which reads are compared.
func steps(members int) (out []int) {
	for _, n := range []int{10_000, 100_000} {
		if n < members {
			out = append(out, n)
		}
	}
	return append(out, members)
}

// product measures the product as it is.
func (b *bench) product(ctx context.Context) error {
	return b.with(ctx, Config{CPUProfile: b.CPUProfile}, func(s *server) error {
		for _, f := range figures {
			if f.group != product || !b.wants(f.name) {
				continue
			}
			if err := b.measure(ctx, s, f); err != nil {
				return err
			}
		}
		if err := b.events(ctx, s); err != nil {
			return err
		}
		if b.wants("import") {
			if err := b.imports(s); err != nil {
				return err
			}
		}
		var u usage
		if err := s.call("usage", nil, &u, nil); err != nil {
			return err
		}
		b.row(memoryRow(u))
		return nil
	})
}

// pair measures two processes on one database.
func (b *bench) pair(ctx context.Context) error {
	if b.URL == "" || !b.wantsAny("pair_orders", "pair_postings") {
		return nil
	}
	return b.with(ctx, Config{}, func(s *server) error {
		return b.with(ctx, Config{}, func(second *server) error {
			b.second = second
			defer func() { b.second = nil }()
			for _, f := range figures {
				if f.group == pair && b.wants(f.name) {
					if err := b.measure(ctx, s, f); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

// naive measures the same requests on the same server with one transaction each.
func (b *bench) naive(ctx context.Context) error {
	if !b.wantsAny("naive_orders", "naive_postings") {
		return nil
	}
	return b.with(ctx, Config{MaxGroup: 1}, func(s *server) error {
		for _, f := range figures {
			if f.group == naive && b.wants(f.name) {
				if err := b.measure(ctx, s, f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// books recomputes everything and compares it with what was acknowledged.
func (b *bench) books(ctx context.Context) error {
	return b.with(ctx, Config{}, func(s *server) error {
		var c checkOut
		if err := s.call("check", nil, &c, nil); err != nil {
			return err
		}
		b.row(checkRow(c, b.Big))
		var now tally
		if err := s.call("tally", nil, &now, nil); err != nil {
			return err
		}
		var v verifyOut
		progress := func(done, of int64) { b.Progress("verify", done, of) }
		if err := s.call("verify", verifyIn{Entries: c.Entries}, &v, progress); err != nil {
			return err
		}
		b.report.Entries = v.Entries
		for _, w := range append(c.Wrong, v.Wrong...) {
			b.fail("the books are wrong: %s", w)
		}
		for _, p := range lost(b.acked, now.minus(b.before)) {
			b.fail("%s", p)
		}
		if v.Entries != now.Entries || c.Entries != now.Entries {
			b.fail("%d entries are counted, the check found %d and the verification %d", now.Entries, c.Entries, v.Entries)
		}
		return nil
	})
}

// handmade measures the same rows written by hand. It leaves the books in disorder, so it comes last.
func (b *bench) handmade(ctx context.Context) error {
	if b.URL != "" || !b.wantsAny("raw", "raw_orders", "plain_sql") {
		return nil
	}
	return b.with(ctx, Config{}, func(s *server) error {
		for _, name := range []string{"raw", "raw_orders"} {
			if !b.wants(name) {
				continue
			}
			if err := b.raw(s, name); err != nil {
				return err
			}
		}
		for _, f := range figures {
			if f.group == handmade && b.wants(f.name) {
				if err := b.measure(ctx, s, f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
