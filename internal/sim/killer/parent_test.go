package killer

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/sim/witness"
)

func full() bool { return os.Getenv("GUANXI_FULL") == "1" }

// seedOf gives the seed that decides when children die: a fixed one, or that of GUANXI_SEED.
// What they are doing at that moment no seed decides.
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
	s := fmt.Sprintf("replay: GUANXI_SEED=%d go test ./internal/sim/killer -run '^%s$'", seed, t.Name())
	if full() {
		s = "replay: GUANXI_FULL=1 " + strings.TrimPrefix(s, "replay: ")
	}
	return s
}

// child starts this binary in a role; its lines go to hear until it ends.
type child struct {
	cmd   *exec.Cmd
	heard chan struct{} // closed when the last line was heard
}

func start(role, dir string, first int, hear func(words []string)) (*child, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir, envFirst+"="+strconv.Itoa(first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd, make(chan struct{})}
	go func() {
		defer close(c.heard)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			hear(strings.Fields(lines.Text()))
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	return c, nil
}

// end waits for the child, which must end by itself within a minute.
func (c *child) end() error {
	late := time.AfterFunc(time.Minute, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	<-c.heard
	return c.cmd.Wait()
}

// kill ends the child by its process id, and hears what it had said.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.heard
	_ = c.cmd.Wait()
}

// house is one database that children post to, and what they were told.
type house struct {
	dir   string
	log   *witness.Log
	next  int
	retry func(s *witness.Site, key int) error

	mu    sync.Mutex
	words []string // of the last child, apart from postings
	first chan struct{}
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return &house{dir: t.TempDir(), log: witness.NewLog(),
		retry: func(s *witness.Site, key int) error { return s.Post(context.Background(), key) }}
}

// hear puts a line of a child into the log.
func (h *house) hear(w []string) {
	if len(w) < 2 || w[0] == "FAIL" {
		h.mu.Lock()
		h.words = append(h.words, strings.Join(w, " "))
		h.mu.Unlock()
		return
	}
	key, _ := strconv.Atoi(w[1])
	switch w[0] {
	case "TRY":
		h.log.Try(key)
		h.next = max(h.next, key+1)
	case "ACK":
		h.log.Answer(key, nil)
		select {
		case h.first <- struct{}{}:
		default:
		}
	case "NO":
		h.log.Answer(key, kindOf(w[2]).New())
	}
}

func kindOf(code string) *fault.Kind {
	for _, k := range fault.All() {
		if k.Code == code {
			return k
		}
	}
	return &fault.Kind{Code: code}
}

// life runs a child and kills it at a random moment: counted from its first acknowledgement when it is to be at work,
// else from its start, so that it may be opening, recovering or migrating.
func (h *house) life(rng *rand.Rand, atWork bool) error {
	h.first, h.words = make(chan struct{}, 1), nil
	c, err := start("post", h.dir, h.next, h.hear)
	if err != nil {
		return err
	}
	if atWork {
		select {
		case <-h.first:
		case <-c.heard:
		case <-time.After(30 * time.Second):
			c.kill()
			return fmt.Errorf("the child does not start: %v", h.words)
		}
	}
	<-time.After(time.Duration(5000+rng.IntN(55_000)) * time.Microsecond)
	c.kill()
	if len(h.words) > 0 {
		return fmt.Errorf("the child says: %v", h.words)
	}
	return nil
}

// check opens the database as the next process would, holds it to the log, asks again for all that is open, and checks again.
func (h *house) check() error {
	s, err := witness.Open(context.Background(), db.Options{Dir: h.dir, URL: db.Embedded})
	if err != nil {
		return err
	}
	defer func() { _ = s.DB.Close() }()
	if err := h.log.Check(s); err != nil {
		return err
	}
	for _, k := range h.log.Unsettled() {
		h.log.Try(k)
		h.log.Answer(k, h.retry(s, k))
	}
	if open := h.log.Unsettled(); len(open) > 0 {
		return fmt.Errorf("keys %v can't be settled", open)
	}
	return h.log.Check(s)
}

// kills ends n lives; after two of three the database is checked, after the third the next child finds it as it is.
func (h *house) kills(n int, rng *rand.Rand) error {
	for i := range n {
		if err := h.life(rng, rng.IntN(4) > 0); err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		if i == n-1 || rng.IntN(3) > 0 {
			if err := h.check(); err != nil {
				return fmt.Errorf("kill %d: %w", i+1, err)
			}
		}
	}
	return nil
}
