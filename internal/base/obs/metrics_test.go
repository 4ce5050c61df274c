package obs

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

func TestMetricsPage(t *testing.T) {
	t.Parallel()
	m := NewMetrics("1.2.3", "abc")
	m.Request("GET /api/member/me", 200, 30*time.Millisecond)
	m.Request("GET /api/member/me", 200, 70*time.Millisecond)
	m.Request("GET /api/member/me", 429, time.Millisecond)
	m.Committed(3, 4*time.Millisecond)
	m.Committed(256, 40*time.Millisecond)
	m.Queue.WithLabelValues("0").Set(17)
	m.Facts.WithLabelValues("order.paid").Inc()
	m.Jobs.WithLabelValues("due").Set(5)
	m.WAL.Set(4096)
	m.Counter("own_total", "One's own.", "kind").WithLabelValues("x").Add(2)

	page := get(m.Handler()).Body.String()
	for _, line := range []string{
		`guanxi_http_request_seconds_bucket{route="GET /api/member/me",status="200",le="0.025"} 0`,
		`guanxi_http_request_seconds_bucket{route="GET /api/member/me",status="200",le="0.05"} 1`,
		`guanxi_http_request_seconds_count{route="GET /api/member/me",status="200"} 2`,
		`guanxi_http_request_seconds_sum{route="GET /api/member/me",status="200"} 0.1`,
		`guanxi_http_request_seconds_count{route="GET /api/member/me",status="429"} 1`,
		`guanxi_db_batch_size_bucket{le="4"} 1`,
		`guanxi_db_batch_size_bucket{le="256"} 2`,
		`guanxi_db_batch_size_sum 259`,
		`guanxi_db_commit_seconds_bucket{le="0.005"} 1`,
		`guanxi_db_commit_seconds_count 2`,
		`guanxi_db_queue_depth{lane="0"} 17`,
		`guanxi_facts_total{kind="order.paid"} 1`,
		`guanxi_jobs{state="due"} 5`,
		`guanxi_db_wal_bytes 4096`,
		`guanxi_own_total{kind="x"} 2`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if !strings.Contains(page, `guanxi_build_info{commit="abc",go="go1.`) || !strings.Contains(page, "\ngo_goroutines ") {
		t.Error("build or runtime is missing")
	}
}

func TestProcessesDoNotShareSeries(t *testing.T) {
	t.Parallel()
	a, b := NewMetrics("a", ""), NewMetrics("b", "")
	a.Facts.WithLabelValues("x").Inc()
	if page := get(b.Handler()).Body.String(); strings.Contains(page, "guanxi_facts_total{") {
		t.Error("a series leaked into another registry")
	}
	defer func() {
		if recover() == nil {
			t.Error("a name was taken twice")
		}
	}()
	a.Gauge("jobs", "again")
}
