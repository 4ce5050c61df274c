package db

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What was acknowledged stands in the files, not in a buffer: a copy of them taken at that moment has it.
func TestAcknowledgedIsInTheFiles(t *testing.T) {
	t.Parallel()
	d := openOn(t, Embedded)
	long := strings.Repeat("x", 39)
	for round := range int64(12) {
		n := int64(1) << round // from one row to many times what the log gathers
		write(t, d, func(tx *Tx) error {
			for i := range n {
				add(tx, round+1, i, i+1)
			}
			return notes.Insert(tx, note{long + string(rune('a'+round)), round, n})
		})
		dir := t.TempDir()
		for _, f := range []string{"guanxi.db", "guanxi.db-wal"} {
			copyFile(t, filepath.Join(d.opt.Dir, f), filepath.Join(dir, f))
		}
		c, err := Open(context.Background(), Options{Dir: dir, URL: Embedded})
		if err != nil {
			t.Fatal(err)
		}
		for r := range round + 1 {
			want := int64(1) << r
			if got, _ := sum(t, c, r+1, want-1); got != want {
				t.Errorf("round %d: a copy has %d for %d", round, got, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	dst, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
}

// The control: a copy without the log does not have what was acknowledged.
func TestAcknowledgedIsInTheFilesCanFail(t *testing.T) {
	t.Parallel()
	d := openOn(t, Embedded)
	write(t, d, func(tx *Tx) error { add(tx, 1, 0, 7); return nil })
	dir := t.TempDir()
	copyFile(t, d.path, filepath.Join(dir, "guanxi.db")) // without the log, where the row is
	c, err := Open(context.Background(), Options{Dir: dir, URL: Embedded})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	err = c.View(context.Background(), func(v *View) error { accts.Get(v, [2]int64{1, 0}); return nil })
	if err == nil {
		if got, _ := sum(t, c, 1, 0); got == 7 {
			t.Error("a copy without the log has the row: the test above proves nothing")
		}
	}
}
