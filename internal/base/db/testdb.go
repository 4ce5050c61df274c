package db

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"guanxi/internal/base/id"
)

// Every test opens a database in a folder of its own. With GUANXI_TEST_DB=mysql://user@host:port each such folder
// stands for a database of its own on that server, so that the same tests hold on either engine.

const (
	testEnv  = "GUANXI_TEST_DB"
	testNote = "guanxi.schema" // in the folder: which database it stands for
)

var testDBs = struct {
	sync.Mutex
	dirs map[string]string // folder → database
}{dirs: map[string]string{}}

// testURL names the database of a folder; empty outside of tests, and where they are run on the embedded engine.
func testURL(dir string) string {
	server := os.Getenv(testEnv)
	if server == "" || flag.Lookup("test.v") == nil {
		return ""
	}
	u, err := url.Parse(server)
	if err != nil {
		panic(err)
	}
	testDBs.Lock()
	defer testDBs.Unlock()
	note := filepath.Join(dir, testNote)
	name, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		name = fmt.Appendf(nil, "t_%d_%x", os.Getpid(), id.Seed())
		if err = makeTestDB(u, dir, string(name)); err == nil {
			err = errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(note, name, 0o600))
		}
	}
	if err != nil {
		panic(err)
	}
	u.Path = "/" + string(name)
	return u.String()
}

// makeTestDB makes a database, and removes those whose folders are gone.
func makeTestDB(server *url.URL, dir, name string) error {
	e, err := newMySQL(server.JoinPath("mysql").String())
	if err != nil {
		return err
	}
	pool, err := e.pool(&DB{}, true)
	if err != nil {
		return err
	}
	defer func() { _ = pool.Close() }()
	dropTestDBs(pool)
	if err := runTestDB(pool, "CREATE DATABASE "+name); err != nil {
		return err
	}
	testDBs.dirs[dir] = name
	return nil
}

func runTestDB(pool *sql.DB, text string) error {
	_, err := pool.ExecContext(context.Background(), text)
	return err
}

// dropTestDBs keeps the server small. One that can't be dropped (a connection that was cut off may still be making a
// table there) is tried again at the next test's database.
func dropTestDBs(pool *sql.DB) {
	for dir, name := range testDBs.dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && runTestDB(pool, "DROP DATABASE IF EXISTS "+name) == nil {
			delete(testDBs.dirs, dir)
		}
	}
}
