package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/testport"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/order"
)

// galera is a cluster of three nodes, of which the first that can be is written to.
type galera struct {
	t     *testing.T
	nodes []*server
	args  [][]string
}

const provider = "/usr/lib/galera/libgalera_smm.so"

func newGalera(t *testing.T) *galera {
	t.Helper()
	if _, err := os.Stat(provider); err != nil {
		t.Fatalf("needs Debian's galera-4 and rsync: %v", err)
	}
	g := &galera{t: t}
	var all []string
	var at []int
	for range 3 {
		at = append(at, testport.Free(t))
		all = append(all, fmt.Sprintf("127.0.0.1:%d", at[len(at)-1]))
	}
	for i := range all {
		g.nodes = append(g.nodes, installed(t))
		g.yield(g.nodes[i].dir)
		g.args = append(g.args, []string{"--wsrep-on=ON", "--wsrep-provider=" + provider, "--wsrep-cluster-address=gcomm://" + strings.Join(all, ","),
			fmt.Sprintf("--wsrep-provider-options=gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=512M", all[i], testport.Free(t)),
			"--wsrep-node-address=" + all[i], fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", testport.Free(t)),
			fmt.Sprintf("--wsrep-node-name=node%d", i+1), "--wsrep-sst-method=rsync", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2"})
		g.nodes[i].more = g.args[i]
		if i == 0 {
			g.nodes[i].more = append([]string{"--wsrep-new-cluster"}, g.args[i]...)
		}
		t.Cleanup(func() {
			if said, err := os.ReadFile(filepath.Clean(g.nodes[i].dir + "/log.err")); err == nil && t.Failed() {
				t.Logf("node %d:\n%s", i+1, said[max(0, len(said)-8000):])
			}
		})
		g.nodes[i].start()
	}
	return g
}

// yield gives a folder to nobody: the rsync that brings a new node its data runs as that where a test runs as root.
func (g *galera) yield(dir string) {
	g.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	const nobody = 65534
	err := filepath.WalkDir(dir+"/data", func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	})
	for _, d := range []string{filepath.Dir(dir), dir} {
		err = errors.Join(err, os.Chmod(d, 0o755)) //nolint:gosec // others may pass through
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *galera) url() string {
	return fmt.Sprintf("%s?hosts=127.0.0.1:%d,127.0.0.1:%d", g.nodes[0].url(), g.nodes[1].port, g.nodes[2].port)
}

var recovered = regexp.MustCompile(`Recovered position:? *([0-9a-f-]+:[0-9]+)`)

// rejoin starts a node that was killed: first it looks up how far it got, as Debian's galera_recovery does.
func (g *galera) rejoin(i int) {
	g.t.Helper()
	n := g.nodes[i]
	n.more = g.args[i]
	ask := exec.Command("mariadbd", append(n.args(), "--wsrep-recover", "--log-error="+n.dir+"/recovery.err")...) //nolint:gosec // arguments of the test's own
	out, err := ask.CombinedOutput()
	said, rerr := os.ReadFile(filepath.Clean(n.dir + "/recovery.err"))
	if err = errors.Join(err, rerr); err != nil {
		g.t.Fatalf("%v\n%s", err, out)
	}
	if at := recovered.FindSubmatch(said); at != nil {
		n.more = append([]string{"--wsrep-start-position=" + string(at[1])}, n.more...)
	}
	n.start()
}

// isolate cuts a node off from the others, though not from who writes to it, or lets it back and waits until it is one of them.
func (g *galera) isolate(i int, off bool) {
	g.t.Helper()
	set := "SET GLOBAL wsrep_provider_options = 'gmcast.isolate=" + map[bool]string{true: "1", false: "0"}[off] + "'"
	if _, err := g.nodes[i].sql(set); err != nil {
		g.t.Fatal(err)
	}
	err := eventually(context.Background(), func() error {
		said, err := g.nodes[i].sql("SHOW GLOBAL STATUS LIKE 'wsrep_ready'")
		if err == nil && strings.Contains(said, "ON") == off {
			err = errNothing
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// equal compares a checksum of every table over all nodes, and gives how many tables there are.
func (g *galera) equal() (tables int) {
	g.t.Helper()
	const wait = "SET wsrep_sync_wait = 15; "
	var first string
	for i, n := range g.nodes {
		list, err := n.sql(wait + "SELECT CONCAT('guanxi.', table_name) FROM information_schema.tables WHERE table_schema = 'guanxi' ORDER BY table_name")
		if err != nil {
			g.t.Fatal(err)
		}
		names := strings.Fields(list)
		sums, err := n.sql(wait + "SELECT COUNT(*) FROM guanxi.db_version; CHECKSUM TABLE " + strings.Join(names, ", "))
		if err != nil {
			g.t.Fatal(err)
		}
		if i == 0 {
			first, tables = sums, len(names)
		}
		if sums != first {
			g.t.Errorf("node %d differs from node 1:\n%s\n%s", i+1, sums, first)
		}
	}
	return tables
}

// pulse knows when something was acknowledged, and the longest time in which nothing was.
type pulse struct {
	sync.Mutex
	acked   int
	which   []int
	last    time.Time
	longest time.Duration
}

func (p *pulse) beat(i int) {
	p.Lock()
	defer p.Unlock()
	p.acked++
	p.which = append(p.which, i)
	p.longest = max(p.longest, time.Since(p.last))
	p.last = time.Now()
}

// begin forgets the pauses until now.
func (p *pulse) begin() {
	p.Lock()
	defer p.Unlock()
	p.last, p.longest = time.Now(), 0
}

func (p *pulse) outage() time.Duration {
	p.Lock()
	defer p.Unlock()
	return p.longest
}

func (p *pulse) count() int {
	p.Lock()
	defer p.Unlock()
	return p.acked
}

// TestGaleraWriterIsKilled is the drill of high availability: three nodes, two processes, clients that retry with the
// same key. The node that is written to is killed, or cut off from the others, under load and comes back. GUANXI_HA says how many requests are to
// be acknowledged; `make ha` runs it.
func TestGaleraWriterIsKilled(t *testing.T) {
	total, _ := strconv.Atoi(os.Getenv("GUANXI_HA"))
	if total == 0 {
		t.Skip("needs GUANXI_HA, galera-4 and rsync; make ha installs them and runs this")
	}
	g := newGalera(t)
	keys := t.TempDir()
	w := settleTown(t, g.url(), keys, 500)
	bin := build(t)
	w.nodes = []*node{newNode(t, bin, g.url(), keys), newNode(t, bin, g.url(), keys)}
	p := &pulse{last: time.Now()}
	began := time.Now()
	var load sync.WaitGroup
	const clients = 64
	for c := range clients {
		load.Go(func() {
			for i := c; i < total; i += clients {
				if err := w.one(i); err != nil {
					t.Error(err)
					return
				}
				p.beat(i)
			}
		})
	}
	w.trouble(t, g, p, total)
	load.Wait()
	took := time.Since(began)
	for _, n := range w.nodes {
		if err := n.stop(); err != nil {
			t.Error(err)
		}
	}
	for i, n := range w.nodes {
		said, err := os.ReadFile(n.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("process %d: %d times the server had ended a transaction and told nobody", i+1, strings.Count(string(said), "told nobody"))
	}
	lost, doubled := w.held(t, p.which)
	t.Logf("%d acknowledged, %d lost, %d doubled; %d were asked for again; %.0f/s", p.count(), lost, doubled, w.again.Load(), float64(total)/took.Seconds())
	if p.count() != total || lost+doubled > 0 {
		t.Error("not exactly once")
	}
	t.Logf("%d tables are equal on all nodes", g.equal())
	for i, n := range g.nodes {
		if said, err := guanxiOn(t, n.url(), bin, "verify", "--data", t.TempDir(), "--keys-dir", keys); err != nil {
			t.Errorf("node %d: %v %s", i+1, err, said)
		}
	}
}

// trouble kills the node that is written to, three times, and cuts it off from the others once, and lets it come back.
func (w *town) trouble(t *testing.T, g *galera, p *pulse, total int) {
	t.Helper()
	reached := func(n int) bool {
		for p.count() < min(n, total) && !t.Failed() {
			time.Sleep(10 * time.Millisecond)
		}
		return !t.Failed()
	}
	kill := func() { g.nodes[0].kill() }
	rejoin := func() { g.rejoin(0) }
	cut := func() { g.isolate(0, true) }
	mend := func() { g.isolate(0, false) }
	steps := []struct {
		what       string
		hurt, heal func()
	}{{"kill", kill, rejoin}, {"cut off", cut, mend}, {"kill", kill, rejoin}, {"kill", kill, rejoin}}
	for k, step := range steps {
		at := total * (2*k + 1) / (2*len(steps) + 1)
		if !reached(at) {
			return
		}
		p.begin()
		had := p.count()
		step.hurt()
		reached(p.count() + total/(4*len(steps)))
		if out := p.outage(); out > 10*time.Second {
			t.Errorf("an outage of %v", out)
		}
		t.Logf("%s, after %d were acknowledged: nothing was for %.1f s", step.what, had, p.outage().Seconds())
		back := time.Now()
		p.begin()
		step.heal()
		t.Logf("it is back after %.1f s; the longest pause meanwhile is %.1f s", time.Since(back).Seconds(), p.outage().Seconds())
	}
}

// one is the i-th request: every fourth an order, else a posting.
func (w *town) one(i int) error {
	m := w.members[i*31%len(w.members)]
	path, body := "/api/partner/postings", fmt.Sprintf(`{"member_id":"%d","points":1,"reason":"x"}`, m)
	if i%4 == 0 {
		path, body = "/api/partner/orders", fmt.Sprintf(`{"no":"o-%d","member_id":"%d","amount_fen":10000,"occurred_at":%d}`, i, m, clock.System.Now()-1000)
	}
	return w.post(context.Background(), i, path, fmt.Sprintf("k-%d", i), body)
}

// held counts which of the requests that were acknowledged are not in the database, and which are there more than once.
func (w *town) held(t *testing.T, acked []int) (lost, doubled int) {
	t.Helper()
	postings, orders, earned := map[string]int{}, map[string]int{}, map[string]int{} // a rule gives once an order
	err := w.a.DB.View(context.Background(), func(v *db.View) error {
		byID := map[string]string{}
		order.Orders.Each(v, db.Query[order.Order]{}, func(o *order.Order) {
			orders[o.No]++
			byID[fmt.Sprintf("order:%d", o.ID)] = o.No
		})
		ledger.Entries.Each(v, db.Query[ledger.Entry]{}, func(e *ledger.Entry) {
			if e.Asset != ledger.Points {
				return
			}
			if no := byID[e.Ref]; no != "" {
				earned[no] = max(earned[no], 1)
				rule := fmt.Sprint(no, " by ", e.Rule)
				if earned[rule]++; earned[rule] > 1 {
					earned[no] = earned[rule]
				}
			} else {
				postings[e.Source[strings.LastIndex(e.Source, ":")+1:]]++
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range acked {
		n := postings[fmt.Sprintf("k-%d", i)]
		if no := fmt.Sprintf("o-%d", i); i%4 == 0 {
			n = min(orders[no], earned[no])
			doubled += max(0, max(orders[no], earned[no])-1)
		} else {
			doubled += max(0, n-1)
		}
		if n == 0 {
			lost++
		}
	}
	return lost, doubled
}
