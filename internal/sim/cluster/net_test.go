package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/shared/redistest"
	"guanxi/internal/sim/witness"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/collectors"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
)

// faults is how many faults the network has; GUANXI_FAULTS asks for more than usual.
func faults(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("GUANXI_FAULTS")); err == nil {
		return n
	}
	return usual
}

// wire is a network to a server that can be told to misbehave.
type wire struct {
	t *testing.T
	p *toxiproxy.Proxy
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	s := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	s.Metrics.ProxyMetrics = collectors.NewProxyMetricCollectors()
	w := &wire{t, toxiproxy.NewProxy(s, "wire", "127.0.0.1:0", to)}
	if err := w.p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.p.Stop)
	return w
}

// url leads through the wire to what stands at another URL.
func (w *wire) url(to string) string {
	u, _ := url.Parse(to)
	u.Host = w.p.Listen
	return u.String()
}

// poisons are faults that last, as toxiproxy describes them.
var poisons = []string{
	`{"type":"latency","attributes":{"latency":20,"jitter":20}}`,
	`{"type":"slicer","attributes":{"average_size":40,"size_variation":30,"delay":50}}`,
	`{"type":"reset_peer","attributes":{"timeout":0}}`,
	`{"type":"timeout","attributes":{"timeout":0}}`, // nothing comes through, and nobody is told
	`{"type":"limit_data","attributes":{"bytes":%d}}`,
	`{"type":"commit","stream":"upstream","attributes":{}}`,
	`{"type":"commit","stream":"upstream","attributes":{"lose":true}}`,
}

// atCommit cuts the connection at a commit: once it has passed, so that only its answer is lost, or before.
type atCommit struct {
	Lose bool `json:"lose"`
}

var register = sync.OnceFunc(func() { toxics.Register("commit", new(atCommit)) })

// Pipe passes on what comes, up to a commit.
func (a *atCommit) Pipe(stub *toxics.ToxicStub) {
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			now := bytes.Contains(c.Data, []byte("COMMIT"))
			if !now || !a.Lose {
				stub.Output <- c
			}
			if now {
				stub.Close()
				return
			}
		}
	}
}

// fault lets one thing go wrong, in one direction, for some time.
func (w *wire) fault(kind int, r *rand.Rand) {
	w.t.Helper()
	during := time.Duration(20+r.IntN(80)) * time.Millisecond
	if kind == len(poisons) { // every connection is cut, and none can be made
		w.p.Stop()
		time.Sleep(during)
		if err := w.p.Start(); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	text := poisons[kind]
	if strings.Contains(text, "%d") {
		text = fmt.Sprintf(text, 1+r.IntN(20_000)) // wherever in a group that is, also between a commit and its answer
	}
	if !strings.Contains(text, "stream") {
		text = fmt.Sprintf(`{"stream":%q,%s`, []string{"upstream", "downstream"}[r.IntN(2)], text[1:])
	}
	text = `{"name":"it","toxicity":1,` + text[1:]
	if _, err := w.p.Toxics.AddToxicJson(strings.NewReader(text)); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(during)
	if err := w.p.Toxics.RemoveToxic(context.Background(), "it"); err != nil {
		w.t.Fatal(err)
	}
}

var errNothing = errors.New("nothing was acknowledged since")

// TestNetworkFails puts a network between two writers and their server that delays, slices, cuts, resets and swallows
// what they say, while they write. Nothing acknowledged is lost, nothing is done twice, and what was unknown is settled
// by its key.
func TestNetworkFails(t *testing.T) {
	t.Parallel()
	register()
	many := faults(24)
	srv := newServer(t)
	wires := []*wire{newWire(t, srv.at()), newWire(t, srv.at())}
	var sites []*witness.Site
	for _, w := range wires {
		s, err := witness.Open(context.Background(), db.Options{Dir: t.TempDir(), URL: w.url(srv.url())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.DB.Close() })
		sites = append(sites, s)
	}
	log := witness.NewLog()
	r := rand.New(rand.NewPCG(20260131, 2))
	stop := make(chan struct{})
	var load sync.WaitGroup
	for w := range 12 {
		load.Go(func() {
			for key := w; ; key += 12 {
				select {
				case <-stop:
					return
				default:
				}
				log.Try(key)
				log.Answer(key, sites[w%2].Post(context.Background(), key))
			}
		})
	}
	for i := range many {
		had := log.Count(witness.Acked)
		wires[i%2].fault(i/2%(len(poisons)+1), r)
		if err := eventually(context.Background(), func() error {
			if log.Count(witness.Acked) == had {
				return errNothing
			}
			return nil
		}); err != nil {
			t.Fatalf("after fault %d: %v", i+1, err)
		}
	}
	close(stop)
	load.Wait()
	open := settle(t, log, sites)
	site := site(t, srv)
	if err := log.Check(site); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d faults, %d acknowledged; %d answers were unknown, %d told that nothing was changed; %d keys were asked again",
		many, log.Count(witness.Acked), log.Told(db.ErrUnknown), log.Told(db.ErrStorage), open)
	if log.Told(db.ErrUnknown) == 0 || log.Count(witness.Acked) < 5*many {
		t.Error("too tame to prove anything")
	}
}

// TestNetworkOfATownFails lets the same go wrong between callers and two processes, between these and their database, and
// between these and their Redis. Each request is asked for with its key until it is settled, and done exactly once.
func TestNetworkOfATownFails(t *testing.T) {
	t.Parallel()
	register()
	many := faults(12)
	srv, cache, keys := newServer(t), redistest.Start(t), t.TempDir()
	w := settleTown(t, srv.url(), keys, 50)
	w.client.Timeout = 5 * time.Second // a request that was swallowed is answered by nobody
	bin := build(t)
	at, err := url.Parse(cache.URL())
	if err != nil {
		t.Fatal(err)
	}
	var wires []*wire
	lay := func(to string) *wire {
		wires = append(wires, newWire(t, to))
		return wires[len(wires)-1]
	}
	for range 2 {
		n := newNode(t, bin, lay(srv.at()).url(srv.url()), keys, "GUANXI_REDIS="+lay(at.Host).url(cache.URL()))
		n.addr = lay(n.addr).p.Listen
		w.nodes = append(w.nodes, n)
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	p := &pulse{last: time.Now()}
	const clients = 12
	for c := range clients {
		load.Go(func() {
			for i := c; ; i += clients {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.one(i); err != nil {
					t.Error(err)
					return
				}
				p.beat(i)
			}
		})
	}
	r := rand.New(rand.NewPCG(20260131, 5))
	done := 0
	for i := 0; i < many || w.again.Load() == 0 && i < 30*many; i++ { // on a fast machine it takes more until a request is hit
		done++
		had := p.count()
		wires[i%len(wires)].fault(i/len(wires)%(len(poisons)+1), r)
		if err := eventually(context.Background(), func() error {
			if p.count() == had {
				return errNothing
			}
			return nil
		}); err != nil {
			t.Fatalf("after fault %d: %v", i+1, err)
		}
	}
	close(stop)
	load.Wait()
	lost, doubled := w.held(t, p.which)
	t.Logf("%d faults, %d acknowledged, %d lost, %d doubled; %d were asked for again", done, p.count(), lost, doubled, w.again.Load())
	if lost+doubled > 0 || w.again.Load() == 0 || p.count() < many {
		t.Error("not exactly once, or too tame to prove anything")
	}
}
