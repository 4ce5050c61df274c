package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/testport"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// node is one `guanxi serve`.
type node struct {
	t    *testing.T
	bin  string
	env  []string
	addr string
	cmd  *exec.Cmd
	gone chan struct{}
	log  *os.File
}

func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "guanxi")
	out, err := exec.Command("go", "build", "-o", bin, "guanxi/cmd/guanxi").CombinedOutput() //nolint:gosec // our own program
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func newNode(t *testing.T, bin, url, keys string, more ...string) *node {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", testport.Free(t))
	n := &node{t: t, bin: bin, addr: addr, log: log,
		env: append(append(os.Environ(), "GUANXI_DB="+url, "GUANXI_KEYS_DIR="+keys, "GUANXI_DATA="+t.TempDir(), "GUANXI_LISTEN="+addr), more...)}
	t.Cleanup(func() {
		n.kill()
		_ = log.Close()
		if said, err := os.ReadFile(filepath.Clean(log.Name())); err == nil && t.Failed() {
			t.Logf("%s:\n%s", addr, said[max(0, len(said)-6000):])
		}
	})
	n.start()
	return n
}

func (n *node) start() {
	n.t.Helper()
	n.cmd = exec.Command(n.bin, "serve") //nolint:gosec // our own program
	n.cmd.Env, n.cmd.Stdout, n.cmd.Stderr = n.env, n.log, n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	gone := make(chan struct{})
	n.gone = gone
	go func(c *exec.Cmd) { _ = c.Wait(); close(gone) }(n.cmd)
	err := eventually(context.Background(), func() error {
		resp, err := http.Get("http://" + n.addr + "/readyz") //nolint:noctx // bounded by eventually
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
	if err != nil {
		said, _ := os.ReadFile(n.log.Name())
		n.t.Fatalf("%v\n%s", err, said)
	}
}

func (n *node) kill() {
	_ = n.cmd.Process.Kill()
	<-n.gone
}

// stop asks the process to end, as a rolling upgrade does, and gives how it ended.
func (n *node) stop() error {
	_ = n.cmd.Process.Signal(os.Interrupt)
	<-n.gone
	if !n.cmd.ProcessState.Success() {
		said, _ := os.ReadFile(n.log.Name())
		return fmt.Errorf("%v\n%s", n.cmd.ProcessState, said)
	}
	return nil
}

// town is the installation as the test holds it: a third process on the same database.
type town struct {
	a       *app.App
	key     string
	secret  string
	members []int64
	nodes   []*node
	client  http.Client
	again   atomic.Int64 // requests whose first answer told nothing
}

func settleTown(t *testing.T, url, keys string, members int) *town {
	t.Helper()
	return settleTownIn(t, t.TempDir(), url, keys, members)
}

func settleTownIn(t *testing.T, data, url, keys string, members int) *town {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Data: data, URL: url, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &town{a: a, client: http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	err = a.DB.Write(context.Background(), db.Op{Actor: "test"}, func(tx *db.Tx) error {
		w.members = nil
		p, err := a.Shop.SavePartner(tx, shop.Partner{Name: "till", Scopes: scopes(), Status: shop.Active})
		if err != nil {
			return err
		}
		k, secret, err := a.Shop.NewKey(tx, p.ID)
		w.key, w.secret = k.Name, secret.Reveal()
		for i := range members {
			m, _, jerr := a.Members.Join(tx, member.Join{Channel: "pos", Identities: []member.Identity{{Kind: "card", Value: vault.Hide(fmt.Sprint("C-", i)), Verified: true}}})
			if err = errors.Join(err, jerr); err != nil {
				return err
			}
			w.members = append(w.members, m.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func scopes() (all []string) {
	for _, s := range shop.Scopes {
		all = append(all, s.Name)
	}
	return all
}

// post asks one node after the other, with the same key, until one gives an answer that settles it.
func (w *town) post(ctx context.Context, first int, path, key, body string) error {
	tries := 0
	return eventually(ctx, func() error {
		n := w.nodes[(first+tries)%len(w.nodes)]
		if tries++; tries == 2 {
			w.again.Add(1)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.addr+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", key)
		shop.Sign(r, []byte(body), w.key, w.secret, clock.System.Now())
		resp, err := w.client.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		said, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode/100 != 2 {
			err = fmt.Errorf("%s %s", resp.Status, bytes.TrimSpace(said))
		}
		return err
	})
}

// TestOtherKeysAreRefused starts a process with keys of its own on a database that has its keys.
func TestOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for _, open := range []struct {
		keys string
		want *fault.Kind
	}{{"a", nil}, {"b", app.ErrOtherKeys}, {"a", nil}} {
		a, err := app.Open(context.Background(), app.Options{Data: data, Keys: filepath.Join(data, open.keys)})
		if open.want == nil && err != nil || open.want != nil && !fault.Is(err, open.want) {
			t.Fatalf("keys %s: %v", open.keys, err)
		}
		if err == nil {
			_ = a.Close()
		}
	}
}

// TestTwoProcessesShareADatabase drives postings and orders for the same few members through two processes, kills one
// in the middle, lets it come back, and stops the other in order. Each request is asked for until it is settled, at
// either process. In the end every one was done exactly once, and the books are right.
func TestTwoProcessesShareADatabase(t *testing.T) {
	t.Parallel()
	srv := newServer(t)
	keys := t.TempDir()
	w := settleTown(t, srv.url(), keys, 6)
	bin := build(t)
	w.nodes = []*node{newNode(t, bin, srv.url(), keys), newNode(t, bin, srv.url(), keys)}
	const clients, each = 16, 60
	var done atomic.Int64
	var load sync.WaitGroup
	for c := range clients {
		load.Go(func() {
			for i := range each {
				m := w.members[(c+i)%len(w.members)]
				path, body := "/api/partner/postings", fmt.Sprintf(`{"member_id":"%d","points":1,"reason":"x"}`, m)
				if i%3 == 0 {
					path, body = "/api/partner/orders", fmt.Sprintf(`{"no":"o-%d-%d","member_id":"%d","amount_fen":10000,"occurred_at":%d}`, c, i, m, clock.System.Now()-1000)
				}
				if err := w.post(context.Background(), c+i, path, fmt.Sprintf("k-%d-%d", c, i), body); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	wait := func(n int64) {
		_ = eventually(context.Background(), func() error {
			if done.Load() < n {
				return errors.New("not yet")
			}
			return nil
		})
	}
	wait(clients * each / 4)
	w.nodes[0].kill()
	wait(clients * each / 2)
	w.nodes[0].start()
	wait(clients * each * 3 / 4)
	if err := w.nodes[1].stop(); err != nil {
		t.Error("the process that was stopped in order:", err)
	}
	w.nodes[1].start()
	load.Wait()
	w.check(t, clients*each)
}

// check counts what was done by what the ledger says, and verifies all of it.
func (w *town) check(t *testing.T, total int) {
	t.Helper()
	orders, earned := 0, 0
	postings := map[string]int{}
	err := w.a.DB.View(context.Background(), func(v *db.View) error {
		ledger.Entries.Each(v, db.Query[ledger.Entry]{}, func(e *ledger.Entry) {
			if e.Asset != ledger.Points {
				return
			}
			if e.Amount == 1 {
				postings[e.Source]++
			}
			if e.Amount >= 100 { // a higher tier earns more
				earned++
			}
		})
		order.Orders.Each(v, db.Query[order.Order]{}, func(*order.Order) { orders++ })
		out := ledger.Verify(v, nil)
		rows, wrong := staff.VerifyLog(v)
		if len(out.Wrong) > 0 || wrong != nil {
			t.Errorf("the books are wrong: %+v; log of %d rows: %+v", out.Wrong, rows, wrong)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, k := range postings {
		n += k
	}
	if orders*3 != total || earned != orders || n+orders != total {
		t.Errorf("%d postings and %d orders were done, %d of them earned; %d were asked for", n, orders, earned, total)
	}
	t.Logf("%d postings and %d orders, each once; %d were asked for again", n, orders, w.again.Load())
}
