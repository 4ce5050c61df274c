package cluster

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"guanxi/internal/base/db"
)

// TestPointInTimeOnTheServer restores a server from a dump and its binary log, up to just before a mistake.
func TestPointInTimeOnTheServer(t *testing.T) {
	t.Parallel()
	srv := newServer(t, "--log-bin=log-bin", "--server-id=1", "--binlog-format=ROW", "--sync-binlog=1", "--log-bin-trust-function-creators=1")
	keys := t.TempDir()
	h := newHouse(t, t.TempDir(), srv.url(), keys)
	h.settle()
	post := func(what string) {
		for i := range 40 {
			if err := h.post(fmt.Sprint(what, "-", i), int64(100+i%people)); err != nil {
				t.Fatal(err)
			}
		}
	}
	post("before the dump")
	saved := filepath.Join(t.TempDir(), "dump.sql")
	dump := exec.Command("mariadb-dump", "--no-defaults", "-u", "root", "--socket="+srv.dir+"/socket", "--single-transaction", "--master-data=2", "--result-file="+saved, "guanxi") //nolint:gosec // a folder of the test's own
	if out, err := dump.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	post("after the dump")
	status, err := srv.sql("SHOW MASTER STATUS")
	if err != nil {
		t.Fatal(err)
	}
	post("the mistake")
	text, err := os.ReadFile(filepath.Clean(saved))
	if err != nil {
		t.Fatal(err)
	}
	from := regexp.MustCompile(`MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+)`).FindSubmatch(text)
	to := strings.Fields(status)
	if from == nil || len(to) < 2 || to[0] != string(from[1]) {
		t.Fatalf("the dump is at %q, the log at %q", from, to)
	}
	fresh := newServer(t)
	log := exec.Command("mariadb-binlog", "--no-defaults", "--start-position="+string(from[2]), "--stop-position="+to[1], srv.dir+"/data/"+to[0]) //nolint:gosec // a folder of the test's own
	since, err := log.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{text, since} {
		load := exec.Command("mariadb", "--no-defaults", "-u", "root", "--socket="+fresh.dir+"/socket", "guanxi") //nolint:gosec // a folder of the test's own
		load.Stdin = bytes.NewReader(part)
		if out, err := load.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	bin := build(t)
	if said, err := guanxiOn(t, fresh.url(), bin, "verify", "--data", t.TempDir(), "--keys-dir", keys); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	r := newHouse(t, t.TempDir(), fresh.url(), keys)
	found := sourcesIn(t, r.a.DB)
	for i := range 40 {
		for what, want := range map[string]int{"before the dump": 1, "after the dump": 1, "the mistake": 0} {
			if n := found[fmt.Sprint(what, "-", i)]; n != want {
				t.Fatalf("%s, %d: there %d times", what, i, n)
			}
		}
	}
	if err := r.post("goes on", 100); err != nil {
		t.Error(err)
	}
}

// TestMigrationIsKilled starts the program on an empty database and kills it while it makes its tables, again and again,
// a little later each time, until it comes to the end. The tables are those of a migration that nobody disturbed.
func TestMigrationIsKilled(t *testing.T) {
	t.Parallel()
	bin := build(t)
	srv, calm := newServer(t), newServer(t)
	folder, quiet := t.TempDir(), t.TempDir()
	for _, c := range []struct {
		name, url, data     string
		calmURL, calmData   string
		tables, undisturbed func() string
	}{
		{"server", srv.url(), t.TempDir(), calm.url(), t.TempDir(), srv.tables, calm.tables},
		{"embedded", "", folder, "", quiet, func() string { return embedded(t, folder) }, func() string { return embedded(t, quiet) }},
	} {
		keys, kills := t.TempDir(), 0
		for wait := 20 * time.Millisecond; ; wait += 4 * time.Millisecond {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			said, err := guanxiWithin(ctx, c.url, bin, "verify", "--data", c.data, "--keys-dir", keys)
			killed := ctx.Err() != nil
			cancel()
			if !killed && strings.Contains(said, "vault.keys_busy") {
				// It died while it made its keys, and the next asks for what only a person can know: that nobody else is at it.
				if err := os.Remove(filepath.Join(keys, "fields.json.next")); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if !killed && err != nil {
				t.Fatalf("%s, after %d kills: %v %s", c.name, kills, err, said)
			}
			if !killed {
				break
			}
			kills++
		}
		if said, err := guanxiOn(t, c.calmURL, bin, "verify", "--data", c.calmData); err != nil {
			t.Fatalf("%v %s", err, said)
		}
		if got, want := c.tables(), c.undisturbed(); got != want || len(got) < 1000 {
			t.Errorf("%s: after %d kills the tables are\n%s\nbut should be\n%s", c.name, kills, got, want)
		}
		t.Logf("%s: %d kills", c.name, kills)
	}
}

// tables are all columns, keys and triggers, and what is recorded of the migration.
func (s *server) tables() string {
	s.t.Helper()
	out, err := s.sql(`SELECT table_name, ordinal_position, column_name, column_type, is_nullable FROM information_schema.columns WHERE table_schema = 'guanxi' ORDER BY 1, 2;
SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics WHERE table_schema = 'guanxi' ORDER BY 1, 2, 3;
SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = 'guanxi' ORDER BY 1;
SELECT feature, step FROM guanxi.db_migration ORDER BY 1, 2`)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// embedded is the same of an installation in a folder.
func embedded(t *testing.T, data string) (out string) {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{Dir: data, URL: db.Embedded, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.View(context.Background(), func(v *db.View) error {
		for _, text := range []string{"SELECT name, COALESCE(sql, '') FROM sqlite_master ORDER BY 1", "SELECT feature, step FROM db_migration ORDER BY 1, 2"} {
			v.Rows(text, nil, func(scan func(...any)) {
				var name, what string
				scan(&name, &what)
				out += name + " " + what + "\n"
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
