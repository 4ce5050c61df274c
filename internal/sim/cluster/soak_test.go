package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/obs"
	"guanxi/internal/base/testport"
)

// soaking is how long it is; GUANXI_SOAK=30m asks for more.
func soaking(t *testing.T) time.Duration {
	text := os.Getenv("GUANXI_SOAK")
	if text == "" {
		return 2 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("GUANXI_SOAK=%s is no time", text)
	}
	return d
}

// limit is a series that must stay flat, and how much more of it than before is chance.
type limit struct {
	series string
	part   float64 // of what there was
	chance float64
}

var flat = []limit{
	{"go_goroutines", 0.05, 16},
	{"go_memstats_next_gc_bytes", 0.20, 8 << 20}, // twice what lived through the last collection
	{"process_resident_memory_bytes", 0.15, 24 << 20},
}

// gauge is what one process told of itself over time.
type gauge map[string][]float64

// read asks a process for its figures.
func (g gauge) read(url string) error {
	resp, err := http.Get(url) //nolint:noctx,gosec // a process of the test's own, which answers or the test ends
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		var v float64
		name, text, _ := strings.Cut(lines.Text(), " ")
		if !slices.ContainsFunc(flat, func(f limit) bool { return f.series == name }) {
			continue
		}
		if _, err := fmt.Sscan(text, &v); err != nil {
			return err
		}
		g[name] = append(g[name], v)
	}
	return lines.Err()
}

var errGrows = errors.New("it grows")

// grows compares the last quarter with the second one: in the first, caches fill.
func (g gauge) grows() (told string, err error) {
	for _, f := range flat {
		all := g[f.series]
		n := len(all) / 4
		if n == 0 {
			return told, fmt.Errorf("%w: too few figures of %s", errGrows, f.series)
		}
		before, after := middle(all[n:2*n]), middle(all[3*n:])
		told += fmt.Sprintf("%s %.4g → %.4g; ", f.series, before, after)
		if after > before*(1+f.part)+f.chance {
			err = errors.Join(err, fmt.Errorf("%w: %s from %.4g to %.4g", errGrows, f.series, before, after))
		}
	}
	return told, err
}

func middle(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

// soak drives load through the processes of a town and looks at them twice a second.
func (w *town) soak(t *testing.T, metrics []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), soaking(t))
	defer cancel()
	var load sync.WaitGroup
	p := &pulse{last: time.Now()}
	const clients = 8
	for c := range clients {
		load.Go(func() {
			for i := c; ctx.Err() == nil; i += clients {
				if err := w.one(i); err != nil {
					t.Error(err)
					return
				}
				p.beat(i)
				time.Sleep(20 * time.Millisecond) // it is to last, not to be fast
			}
		})
	}
	gauges := make([]gauge, len(metrics))
	for i := range gauges {
		gauges[i] = gauge{}
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for i, url := range metrics {
			if err := gauges[i].read(url); err != nil {
				t.Error(err)
				cancel()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	load.Wait()
	for i, g := range gauges {
		told, err := g.grows()
		if err != nil {
			t.Errorf("process %d: %v", i+1, err)
		}
		t.Logf("process %d, %d requests in all: %s", i+1, p.count(), told)
	}
}

// served is a process with a place where it tells its figures.
func served(t *testing.T, bin, url, keys string, more ...string) (*node, string) {
	t.Helper()
	at := fmt.Sprintf("127.0.0.1:%d", testport.Free(t))
	return newNode(t, bin, url, keys, append(more, "GUANXI_METRICS_LISTEN="+at)...), "http://" + at + "/metrics"
}

// TestSoak lets a process on SQLite, and two on one MariaDB, work for a while: neither memory nor goroutines grow.
func TestSoak(t *testing.T) {
	t.Parallel()
	bin := build(t)
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		data, keys := t.TempDir(), t.TempDir()
		w := settleTownIn(t, data, db.Embedded, keys, 200)
		if err := w.a.Close(); err != nil {
			t.Fatal(err)
		}
		n, at := served(t, bin, "", keys, "GUANXI_DATA="+data)
		w.nodes = []*node{n}
		w.soak(t, []string{at})
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		srv, keys := newServer(t), t.TempDir()
		w := settleTown(t, srv.url(), keys, 200)
		first, one := served(t, bin, srv.url(), keys)
		second, two := served(t, bin, srv.url(), keys)
		w.nodes = []*node{first, second}
		w.soak(t, []string{one, two})
	})
}

// TestLeakIsNoticed is the control: memory and goroutines that are kept are found, each for itself.
func TestLeakIsNoticed(t *testing.T) {
	m := httptest.NewServer(obs.NewMetrics("leak", "").Handler())
	t.Cleanup(m.Close)
	measure := func(leak func()) error {
		g := gauge{}
		for range 12 {
			leak()
			runtime.GC()
			if err := g.read(m.URL); err != nil {
				t.Fatal(err)
			}
		}
		_, err := g.grows()
		return err
	}
	var kept [][]byte
	if err := measure(func() { kept = append(kept, make([]byte, 8<<20)) }); err == nil || !strings.Contains(err.Error(), "next_gc") {
		t.Errorf("memory that is kept: %v", err)
	}
	runtime.KeepAlive(kept)
	end := make(chan struct{})
	defer close(end)
	err := measure(func() {
		for range 20 {
			go func() { <-end }()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "goroutines") {
		t.Errorf("goroutines that are kept: %v", err)
	}
}
