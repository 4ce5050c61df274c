package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/app"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
)

// house is an installation that is written to from within the test.
type house struct {
	t    *testing.T
	a    *app.App
	data string
	keys string
	mu   sync.Mutex
	told []string // sources that were acknowledged, in that order
}

func newHouse(t *testing.T, data, url, keys string) *house {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Data: data, URL: url, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return &house{t: t, a: a, data: data, keys: keys}
}

const people = 20

func (h *house) settle() {
	h.t.Helper()
	err := h.a.DB.Write(context.Background(), db.Op{Actor: "test"}, func(tx *db.Tx) (err error) {
		for i := range people {
			_, _, jerr := h.a.Members.Join(tx, member.Join{Channel: "pos", Identities: []member.Identity{{Kind: "phone", Value: vault.Hide(fmt.Sprint(13800138000 + i)), Verified: true}}})
			err = errors.Join(err, jerr)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) post(source string, owner int64) error {
	err := h.a.DB.Write(context.Background(), db.Op{Owner: owner, Actor: "test"}, func(tx *db.Tx) error {
		_, err := h.a.Ledger.Add(tx, ledger.Credit{Member: owner, Asset: ledger.Points, Amount: 1, Kind: ledger.KindEarn, Source: source})
		return err
	})
	if err == nil {
		h.mu.Lock()
		h.told = append(h.told, source)
		h.mu.Unlock()
	}
	return err
}

func sourcesIn(t *testing.T, d *db.DB) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := d.View(context.Background(), func(v *db.View) error {
		ledger.Entries.Each(v, db.Query[ledger.Entry]{}, func(e *ledger.Entry) { out[e.Source]++ })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func guanxi(t *testing.T, bin string, args ...string) (string, error) {
	t.Helper()
	return guanxiOn(t, "", bin, args...)
}

// guanxiOn runs a command on a database; url may be empty.
func guanxiOn(t *testing.T, url, bin string, args ...string) (string, error) {
	t.Helper()
	return guanxiWithin(context.Background(), url, bin, args...)
}

// guanxiWithin kills it when the time is over.
func guanxiWithin(ctx context.Context, url, bin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, bin, args...) //nolint:gosec // our own program
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "GUANXI_") || strings.HasPrefix(s, "LC_") || strings.HasPrefix(s, "LANG")
	})
	if url != "" {
		cmd.Env = append(cmd.Env, "GUANXI_DB="+url)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestRestoreDrill backs an installation up while it is written to, restores it elsewhere, and finds there everything
// that was acknowledged before the backup was asked for, in books that verify. A damaged backup is refused, and so is
// one over an installation.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir(), db.Embedded, "")
	h.settle()
	bin, saved, keys := build(t), t.TempDir(), t.TempDir()
	stop := make(chan struct{})
	var load sync.WaitGroup
	for w := range 8 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := h.post(fmt.Sprintf("s-%d-%d", w, i), int64(1+w)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	enough := eventually(context.Background(), func() error {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.told) < 500 {
			return errors.New("too few")
		}
		return nil
	})
	h.mu.Lock()
	before := slices.Clone(h.told)
	h.mu.Unlock()
	out, err := guanxi(t, bin, "backup", "--data", h.data, "--to", saved, "--keys-to", keys)
	close(stop)
	load.Wait()
	if err != nil || enough != nil {
		t.Fatal(err, enough, out)
	}
	if out, err := guanxi(t, bin, "restore", "--data", h.data, "--from", saved); err == nil || !strings.Contains(out, "backup.there") {
		t.Errorf("over an installation: %v %s", err, out)
	}
	data := t.TempDir()
	if out, err := guanxi(t, bin, "restore", "--data", data, "--from", saved, "--keys-from", keys); err != nil {
		t.Fatal(err, out)
	}
	r := newHouse(t, data, db.Embedded, "")
	found := sourcesIn(t, r.a.DB)
	for _, s := range before {
		if found[s] != 1 {
			t.Fatalf("%s is there %d times", s, found[s])
		}
	}
	if err := r.post("after", 1); err != nil {
		t.Error("the restored installation does not go on:", err)
	}
	t.Logf("%d acknowledged before the backup, %d entries in it, %d acknowledged in all", len(before), len(found), len(h.told))
	damage(t, filepath.Join(saved, "guanxi.db"))
	if out, err := guanxi(t, bin, "restore", "--data", t.TempDir(), "--from", saved); err == nil || !strings.Contains(out, "backup.broken") {
		t.Errorf("a damaged backup: %v %s", err, out)
	}
}

func damage(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMovingUpAndBack copies an installation to a server with an interruption in between, goes on there, and moves
// back. A half copy is not served, and a source that was written to meanwhile is noticed.
func TestMovingUpAndBack(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	keys := t.TempDir()
	h := newHouse(t, t.TempDir(), db.Embedded, keys)
	h.settle()
	for i := range 1500 {
		if err := h.post(fmt.Sprint("s-", i), int64(100+i%people)); err != nil {
			t.Fatal(err)
		}
	}
	up := db.Options{Dir: t.TempDir(), URL: srv.url()}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := h.a.CopyTo(ctx, up, func(p db.Copied) {
		if p.Table == "ledger_entry" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted copy: %v", err)
	}
	if _, err := app.Open(context.Background(), app.Options{Data: t.TempDir(), URL: srv.url(), Keys: keys}); !fault.Is(err, db.ErrHalfCopy) {
		t.Fatalf("a half copy is opened: %v", err)
	}
	books, err := h.a.CopyTo(context.Background(), up, func(db.Copied) {})
	if err != nil || books.Entries != 1500 || books.Rows < 3000 {
		t.Fatalf("%+v %v", books, err)
	}
	if _, err := h.a.CopyTo(context.Background(), up, func(db.Copied) {}); !fault.Is(err, db.ErrCopyInto) {
		t.Errorf("a copy over another: %v", err)
	}
	s := newHouse(t, t.TempDir(), srv.url(), keys)
	if err := s.post("on the server", 100); err != nil {
		t.Fatal(err)
	}
	if err := s.post("s-7", 107); err != nil { // replayed: booked already, so nothing happens
		t.Fatal(err)
	}
	back := t.TempDir()
	if books, err = s.a.CopyTo(context.Background(), db.Options{Dir: back, URL: db.Embedded}, func(db.Copied) {}); err != nil || books.Entries != 1501 {
		t.Fatalf("%+v %v", books, err)
	}
	b := newHouse(t, back, db.Embedded, keys)
	if err := b.post("back again", 100); err != nil {
		t.Error(err)
	}
}

// TestCopyNoticesChanges is the control: rows of the source change between the two halves of a copy.
func TestCopyNoticesChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, t.TempDir(), db.Embedded, "")
	h.settle()
	if err := h.post("one", 1); err != nil {
		t.Fatal(err)
	}
	to := db.Options{Dir: t.TempDir(), URL: db.Embedded}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := h.a.CopyTo(ctx, to, func(p db.Copied) {
		if p.Comparing {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := h.post("two", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := h.a.CopyTo(context.Background(), to, func(db.Copied) {}); !fault.Is(err, db.ErrCopyDiffers) {
		t.Errorf("got %v", err)
	}
}
