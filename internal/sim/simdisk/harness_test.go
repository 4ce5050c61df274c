package simdisk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3"
	_ "github.com/ncruces/go-sqlite3/embed"  // its engine

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/sim/witness"
)

// full says that the long form of a test is wanted.
func full() bool { return os.Getenv("GUANXI_FULL") == "1" }

// seedOf gives the seed to run: a fixed one, or that of GUANXI_SEED to replay a failure.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("GUANXI_SEED")
	if text == "" {
		return 20260131
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func replay(t *testing.T, seed uint64) string {
	s := fmt.Sprintf("replay: GUANXI_SEED=%d go test ./internal/sim/simdisk -run '^%s$'", seed, t.Name())
	if full() {
		s = strings.Replace(s, "GUANXI_SEED", "GUANXI_FULL=1 GUANXI_SEED", 1)
	}
	return s
}

// machine is one computer: a disk, a clock that goes on through power cuts, and what its users were told.
type machine struct {
	dir   string
	disk  *Disk
	clock *clock.Fake
	rng   *rand.Rand
	log   *witness.Log
	alter func(dsn string) string // the production settings, made worse by a control
	next  int                     // key
}

func newMachine(t *testing.T, seed uint64) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{dir: dir, disk: New(dir, seed), clock: clock.NewFake(1_700_000_000_000), rng: rand.New(rand.NewPCG(seed, 3)),
		log: witness.NewLog(), alter: func(dsn string) string { return dsn }}
	t.Cleanup(func() { m.disk.Remove() })
	return m
}

func (m *machine) options() db.Options {
	opt := db.Options{Dir: m.dir, Clock: m.clock, Seed: 1, Readers: 1, CacheMB: 1, Driver: "sqlite3"}
	opt.DSN = func(_ string, write bool) string {
		return m.alter(opt.SQLiteDSN("/guanxi.db", write)) + "&vfs=" + m.disk.Name()
	}
	return opt
}

func (m *machine) open() (*witness.Site, error) {
	m.clock.Add(1)
	s, err := witness.Open(context.Background(), m.options())
	if cause := errors.Unwrap(err); cause != nil {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return s, err
}

// burst posts the keys as one group.
func (m *machine) burst(s *witness.Site, keys []int) error {
	m.clock.Add(1)
	for _, k := range keys {
		m.log.Try(k)
	}
	return s.Burst(keys, m.log.Answer)
}

func (m *machine) newKeys(n int) []int {
	keys := make([]int, n)
	for i := range keys {
		keys[i] = m.next
		m.next++
	}
	return keys
}

// checkpoint moves the log into the file from a connection of its own, as the running program does.
func (m *machine) checkpoint(mode string) error {
	opt := m.options()
	pool, err := sql.Open(opt.Driver, opt.DSN("", true))
	if err != nil {
		return err
	}
	_, err = pool.Exec("PRAGMA wal_checkpoint(" + mode + ")")
	return errors.Join(err, pool.Close())
}

// check holds the database to the log and asks again for all that is open.
func (m *machine) check(s *witness.Site) error {
	if err := m.log.Check(s); err != nil {
		return err
	}
	return m.burst(s, m.log.Unsettled())
}
