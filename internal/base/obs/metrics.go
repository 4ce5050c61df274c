package obs

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "guanxi"

// Metrics is the registry of one process and the series that base packages feed.
// Labels take values from closed lists only (a route's pattern, never a path): each value is a series for ever.
type Metrics struct {
	registry *prometheus.Registry

	Requests *prometheus.HistogramVec // seconds of HTTP requests by route and status
	Batch    prometheus.Observer      // writes in one database transaction
	Commit   prometheus.Observer      // seconds of a COMMIT
	Queue    *prometheus.GaugeVec     // writes that wait, by lane
	Facts    *prometheus.CounterVec   // facts emitted, by kind
	Jobs     *prometheus.GaugeVec     // jobs by state
	WAL      prometheus.Gauge         // bytes of the write-ahead log
}

// Buckets of the ready-made histograms.
var (
	requestSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 10}
	commitSeconds  = []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, 1, 5}
	batchSizes     = []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}
)

// NewMetrics makes a registry with the ready-made series and those of the Go runtime.
func NewMetrics(version, commit string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.Requests = m.Histogram("http_request_seconds", "Duration of HTTP requests.", requestSeconds, "route", "status")
	m.Batch = m.Histogram("db_batch_size", "Writes in one database transaction.", batchSizes).WithLabelValues()
	m.Commit = m.Histogram("db_commit_seconds", "Duration of a commit.", commitSeconds).WithLabelValues()
	m.Queue = m.Gauge("db_queue_depth", "Writes that wait for their turn.", "lane")
	m.Facts = m.Counter("facts_total", "Facts emitted.", "kind")
	m.Jobs = m.Gauge("jobs", "Jobs by state.", "state")
	m.WAL = m.Gauge("db_wal_bytes", "Size of the write-ahead log.").WithLabelValues()
	m.Gauge("build_info", "Always 1; the labels tell the build.", "version", "commit", "go").
		WithLabelValues(version, commit, runtime.Version()).Set(1)
	return m
}

// Counter adds a series of one's own; the name gets the prefix guanxi_. A name taken twice panics.
func (m *Metrics) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

// Gauge adds a series that goes up and down.
func (m *Metrics) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

// Histogram adds a distribution over buckets.
func (m *Metrics) Histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// Request counts one answered HTTP request; route is the pattern it matched.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.Requests.WithLabelValues(route, strconv.Itoa(status)).Observe(took.Seconds())
}

// Committed counts one database transaction of so many writes.
func (m *Metrics) Committed(writes int, took time.Duration) {
	m.Batch.Observe(float64(writes))
	m.Commit.Observe(took.Seconds())
}

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
