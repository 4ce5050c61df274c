// Package redistest starts a real Redis for a test: own folder, own port, ended with the test. It can be wiped, paused
// and killed.
package redistest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/redis/rueidis"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/testport"
)

// Server is a Redis of a test's own.
type Server struct {
	t    *testing.T
	port int
	dir  string
	cmd  *exec.Cmd
}

// Program finds the server's program. Where it is not installed the test is left out, but not in CI, which installs it.
func Program(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("GUANXI_TEST_REDIS") != "" {
			t.Fatal(err)
		}
		t.Skip("needs redis-server; make test-redis installs it and runs this")
	}
	return program
}

// Reserve takes a port and starts nothing there yet.
func Reserve(t *testing.T) *Server {
	t.Helper()
	Program(t)
	s := &Server{t: t, port: testport.Free(t), dir: t.TempDir()}
	t.Cleanup(s.Kill)
	return s
}

// Start starts one and waits until it answers.
func Start(t *testing.T) *Server {
	t.Helper()
	s := Reserve(t)
	s.Start()
	return s
}

// URL is where it is.
func (s *Server) URL() string { return "redis://127.0.0.1:" + strconv.Itoa(s.port) }

// Start starts it, empty.
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = exec.CommandContext(context.Background(), Program(s.t), "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no", "--loglevel", "warning") //nolint:gosec // arguments of the test's own
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 3000 { // half a minute
		if s.Do("PING") == nil {
			return
		}
		<-clock.Timer(10).C
	}
	s.t.Fatal("redis-server does not start")
}

// Do sends a command past our own code.
func (s *Server) Do(words ...string) error {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{fmt.Sprint("127.0.0.1:", s.port)}, ForceSingleClient: true, DisableCache: true, DisableRetry: true})
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Do(context.Background(), c.B().Arbitrary(words...).Build()).Error()
}

// Wipe takes everything out, the scripts too.
func (s *Server) Wipe() {
	s.t.Helper()
	for _, command := range [][]string{{"FLUSHALL"}, {"SCRIPT", "FLUSH"}} {
		if err := s.Do(command...); err != nil {
			s.t.Fatal(err)
		}
	}
}

// Pause stops it in the middle of what it does: connections stay and nothing answers.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Kill ends it as a power switch does.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}
