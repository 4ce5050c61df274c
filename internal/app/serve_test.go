package app

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"guanxi/internal/base/conf"
)

func TestServeAnswersAndDrains(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.app.ServeOn(ctx, ln, conf.Config{}) }()
	base := "http://" + ln.Addr().String()
	for path, want := range map[string]string{"/healthz": `"writer":"ok"`, "/readyz": `"reader":"ok"`, "/metrics": `guanxi_jobs{state="dead"} 0`, "/": "<!doctype html>",
		"/docs/api": "<html", "/api/console/setup": `"needed":false`, "/nothing": "404"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(base + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

// Who sees that a process is ready may read its metrics: where their address is taken, nothing is answered at all.
func TestNothingIsAnsweredWithoutMetrics(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var lns [2]net.Listener
	for i := range lns {
		var err error
		if lns[i], err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		defer lns[i].Close()
	}
	early, err := net.Dial("tcp", lns[0].Addr().String()) // waits before anybody listens to it
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	if _, err := io.WriteString(early, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.app.ServeOn(t.Context(), lns[0], conf.Config{MetricsListen: lns[1].Addr().String()}); err == nil {
		t.Error("it served")
	}
	if said, _ := io.ReadAll(early); len(said) != 0 {
		t.Errorf("it answered %s", said)
	}
}

func (w *house) get(path, remote, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = remote
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, r)
	return rec
}

func TestMetricsAreForOperators(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 10_000)
	for _, c := range []struct {
		remote, login string
		status        int
	}{{"127.0.0.1:9", "", 200}, {"203.0.113.9:9", "", 403}, {"203.0.113.9:9", "care", 403}, {"203.0.113.9:9", "ops", 200}} {
		if rec := w.get("/metrics", c.remote, w.tokens[c.login]); rec.Code != c.status {
			t.Errorf("%+v: %d", c, rec.Code)
		}
	}
	rec := w.get("/metrics", "127.0.0.1:9", "")
	has(t, rec, `guanxi_facts_total{kind="order.paid"} 1`, `guanxi_db_queue_depth{lane="0"} 0`, "guanxi_db_wal_bytes")
	if again := w.get("/metrics", "127.0.0.1:9", ""); !strings.Contains(again.Body.String(), `guanxi_facts_total{kind="order.paid"} 1`) {
		t.Error("facts are counted twice")
	}
}

func TestMetricsBehindAProxyAreNotForEverybody(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.front = w.app.front([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr = "127.0.0.1:9"
	r.Header.Set("X-Forwarded-For", "127.0.0.1")
	rec := httptest.NewRecorder()
	if w.front.Handler().ServeHTTP(rec, r); rec.Code != 403 {
		t.Error(rec.Code)
	}
}

func TestTheAppsAreServedAndNothingElse(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	if rec := w.get("/", "203.0.113.9:9", ""); rec.Code != http.StatusFound || rec.Header().Get("Location") != "/console/" {
		t.Errorf("/: %d %v", rec.Code, rec.Header())
	}
	for _, at := range []string{"/console/", "/console/members", "/m/"} { // built, or saying how to build them
		rec := w.get(at, "203.0.113.9:9", "")
		if !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") || !strings.Contains(rec.Header().Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s: %d %v", at, rec.Code, rec.Header())
		}
	}
	for _, at := range []string{"/../app.go", "/console/../web.go", "/console/assets/none.js", "/other"} {
		if rec := w.get(at, "203.0.113.9:9", ""); rec.Code == 200 {
			t.Errorf("%s is served", at)
		}
	}
}
