package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"guanxi/internal/base/testport"
)

const patience = 90 * time.Second // for what a loaded machine does in a second

// server is a MariaDB of a test's own.
type server struct {
	t    *testing.T
	dir  string
	port int
	more []string
	cmd  *exec.Cmd
	gone chan struct{}
}

func newServer(t *testing.T, more ...string) *server {
	t.Helper()
	s := installed(t, more...)
	s.start()
	return s
}

// installed is a server that was not started yet.
func installed(t *testing.T, more ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("mariadbd"); err != nil {
		if os.Getenv("GUANXI_TEST_DB") != "" {
			t.Fatal(err)
		}
		t.Skip("needs mariadbd; make test-mariadb installs it and runs this")
	}
	s := &server{t: t, dir: t.TempDir(), port: testport.Free(t), more: more}
	// Its temporary tables go into a folder of its own too: in a shared one, two installations at a time take each other's.
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+s.dir+"/data", "--skip-test-db", //nolint:gosec // a folder of the test's own
		"--auth-root-authentication-method=normal", "--user="+me(t), "--tmpdir="+tmp).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(s.kill)
	return s
}

func me(t *testing.T) string {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return u.Username
}

func (s *server) args() []string {
	return append([]string{"--no-defaults", "--user=" + me(s.t), "--datadir=" + s.dir + "/data", "--socket=" + s.dir + "/socket",
		"--pid-file=" + s.dir + "/pid", "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", s.port), "--log-error=" + s.dir + "/log.err",
		"--tmpdir=" + s.dir + "/tmp", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--performance-schema=0"}, s.more...)
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("mariadbd", s.args()...) //nolint:gosec // arguments of the test's own
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	gone := make(chan struct{})
	s.gone = gone
	go func(c *exec.Cmd) { _ = c.Wait(); close(gone) }(s.cmd)
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if _, err := s.sql("CREATE DATABASE IF NOT EXISTS guanxi"); err == nil {
			return
		}
		select {
		case <-s.gone:
			log, _ := os.ReadFile(filepath.Clean(s.dir + "/log.err"))
			s.t.Fatalf("MariaDB ended:\n%s", log)
		default:
		}
	}
	s.t.Fatal("MariaDB does not start")
}

// sql runs statements with Debian's own client, past all of our code.
func (s *server) sql(text string) (string, error) {
	cmd := exec.Command("mariadb", "--no-defaults", "-u", "root", "--socket="+s.dir+"/socket", "-N", "-e", text) //nolint:gosec // a folder of the test's own
	out, err := cmd.Output()
	return string(out), err
}

// kill ends the server as a power switch ends a process.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.gone
	}
}

func (s *server) at() string  { return fmt.Sprintf("127.0.0.1:%d", s.port) }
func (s *server) url() string { return "mysql://root@" + s.at() + "/guanxi" }

// eventually asks until there is no error.
func eventually(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
