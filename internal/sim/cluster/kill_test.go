package cluster

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/sim/witness"
)

func kills() int {
	if n, err := strconv.Atoi(os.Getenv("GUANXI_KILLS")); err == nil {
		return n
	}
	return 8
}

// storm is two writers, each with connections of its own, that post under numbered keys.
type storm struct {
	log   *witness.Log
	sites []*witness.Site
	next  int
	r     *rand.Rand
}

func newStorm(t *testing.T, srv *server) *storm {
	t.Helper()
	return &storm{log: witness.NewLog(), sites: []*witness.Site{site(t, srv), site(t, srv)}, r: rand.New(rand.NewPCG(20260131, 1))}
}

// blow lets twelve callers post until end has been called, at a random moment after the first acknowledgement.
func (s *storm) blow(t *testing.T, end func()) {
	t.Helper()
	var stop, began = make(chan struct{}), make(chan struct{}, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for w := range 12 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				key := s.next
				s.next++
				mu.Unlock()
				s.log.Try(key)
				err := s.sites[w%len(s.sites)].Post(context.Background(), key)
				s.log.Answer(key, err)
				if err == nil {
					select {
					case began <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	select {
	case <-began:
	case <-time.After(patience):
		t.Fatal("nothing is acknowledged")
	}
	time.Sleep(time.Duration(5+s.r.IntN(60)) * time.Millisecond)
	end()
	close(stop)
	wg.Wait()
}

// TestServerIsKilled kills the database server under the load of two writers, each with connections of its own, again
// and again: nothing acknowledged is lost, nothing is done twice, and what was unknown is settled by its key.
func TestServerIsKilled(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	s := newStorm(t, srv)
	unknown := 0
	for round := range kills() {
		s.blow(t, srv.kill)
		srv.start()
		unknown += settle(t, s.log, s.sites)
		if err := s.log.Check(s.sites[round%2]); err != nil {
			t.Fatalf("kill %d: %v", round+1, err)
		}
	}
	t.Logf("%d kills, %d acknowledged, %d of them after their outcome was unknown", kills(), s.log.Count(witness.Acked), unknown)
	if s.log.Count(witness.Acked) < 10*kills() || unknown == 0 {
		t.Error("too tame to prove anything")
	}
}

// settle asks again, by the other writer, for every key that is open.
func settle(t *testing.T, log *witness.Log, sites []*witness.Site) (n int) {
	t.Helper()
	for _, k := range log.Unsettled() {
		n++
		err := eventually(context.Background(), func() error {
			log.Try(k)
			err := sites[k%2].Post(context.Background(), k)
			log.Answer(k, err)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func site(t *testing.T, srv *server) *witness.Site {
	t.Helper()
	s, err := witness.Open(context.Background(), db.Options{Dir: t.TempDir(), URL: srv.url()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.DB.Close() })
	return s
}

// TestForgetfulServersAreRefused is the control: a server that acknowledges before it has written, or that can't be
// written to, is not taken, and the refusal names what to change.
func TestForgetfulServersAreRefused(t *testing.T) {
	t.Parallel()
	srv := newServer(t, "--log-bin", "--innodb-flush-log-at-trx-commit=2", "--sync-binlog=0", "--read-only=1")
	raw, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), URL: srv.url(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	pool, err := raw.Raw()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	for _, mend := range []struct{ what, set string }{
		{"innodb_flush_log_at_trx_commit", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"},
		{"read_only", "SET GLOBAL read_only = 0"},
		{"sync_binlog", "SET GLOBAL sync_binlog = 1"},
	} {
		_, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), URL: srv.url()})
		if !fault.Is(err, db.ErrServer) || !strings.Contains(fault.As(err).Text("en"), mend.what) {
			t.Errorf("%s: got %v", mend.what, err)
		}
		if _, err := pool.Exec(mend.set); err != nil {
			t.Fatal(err)
		}
	}
	site(t, srv)
}
