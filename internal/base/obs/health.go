package obs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"guanxi/internal/base/fault"
)

// checkTime is how long all checks of one answer may take together; probes give up after a few seconds.
const checkTime = 2 * time.Second

// Check reports what is wrong, nil when nothing is. It must give up when its context does.
type Check func(context.Context) error

type namedCheck struct {
	name string
	run  Check
}

// Health answers whether the process lives (restart it if not) and is ready (send it requests or not).
type Health struct {
	mu       sync.Mutex
	live     []namedCheck
	ready    []namedCheck
	draining atomic.Bool
}

// AddLive adds a check of what only a restart can mend.
func (h *Health) AddLive(name string, c Check) { h.add(&h.live, name, c) }

// AddReady adds a check of what requests need, such as the database.
func (h *Health) AddReady(name string, c Check) { h.add(&h.ready, name, c) }

func (h *Health) add(list *[]namedCheck, name string, c Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*list = append(*list, namedCheck{name, c})
}

// Drain makes the process not ready from now on, so that a balancer turns away before it stops.
func (h *Health) Drain() { h.draining.Store(true) }

// Live answers /healthz: 200, or 503 when a check fails.
func (h *Health) Live() http.Handler { return h.handler(&h.live, false) }

// Ready answers /readyz: 200, or 503 when a check of either kind fails or the process is draining.
func (h *Health) Ready() http.Handler { return h.handler(&h.ready, true) }

// report is the answer's body. A check tells its fault code only: the text is for the log.
type report struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

func (h *Health) handler(list *[]namedCheck, ready bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		checks := append([]namedCheck(nil), *list...)
		if ready {
			checks = append(checks, h.live...)
		}
		h.mu.Unlock()
		out := run(r.Context(), checks)
		if ready && h.draining.Load() {
			out.Status = "draining"
		}
		write(w, out)
	})
}

func run(ctx context.Context, checks []namedCheck) report {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	out := report{Status: "ok", Checks: map[string]string{}}
	for _, c := range checks {
		out.Checks[c.name] = "ok"
		if err := c.run(ctx); err != nil {
			out.Status, out.Checks[c.name] = "failing", fault.CodeOf(err)
		}
	}
	return out
}

func write(w http.ResponseWriter, out report) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if out.Status != "ok" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(out) // a probe that has gone needs no answer
}
