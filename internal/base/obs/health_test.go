package obs

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"guanxi/internal/base/fault"
)

var errFull = fault.Define("obs_test.full", fault.Down, "满", "full")

func fine(context.Context) error { return nil }

func wantAnswer(t *testing.T, h http.Handler, status int, body string) {
	t.Helper()
	w := get(h)
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != body {
		t.Errorf("answer %d %s, want %d %s", w.Code, got, status, body)
	}
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestHealthAnswers(t *testing.T) {
	t.Parallel()
	var h Health
	live, ready := h.Live(), h.Ready()
	wantAnswer(t, live, 200, `{"status":"ok","checks":{}}`)

	var disk, db error
	h.AddLive("disk", func(context.Context) error { return disk })
	h.AddReady("db", func(context.Context) error { return db })
	h.AddReady("jobs", fine)
	wantAnswer(t, live, 200, `{"status":"ok","checks":{"disk":"ok"}}`)
	wantAnswer(t, ready, 200, `{"status":"ok","checks":{"db":"ok","disk":"ok","jobs":"ok"}}`)

	db = errors.New("dial mysql://user:geheim@host")
	wantAnswer(t, live, 200, `{"status":"ok","checks":{"disk":"ok"}}`)
	wantAnswer(t, ready, 503, `{"status":"failing","checks":{"db":"internal","disk":"ok","jobs":"ok"}}`)

	db, disk = nil, errFull.New()
	wantAnswer(t, live, 503, `{"status":"failing","checks":{"disk":"obs_test.full"}}`)
	wantAnswer(t, ready, 503, `{"status":"failing","checks":{"db":"ok","disk":"obs_test.full","jobs":"ok"}}`)
}

func TestDrainingIsAliveButNotReady(t *testing.T) {
	t.Parallel()
	var h Health
	h.Drain()
	wantAnswer(t, h.Live(), 200, `{"status":"ok","checks":{}}`)
	wantAnswer(t, h.Ready(), 503, `{"status":"draining","checks":{}}`)
}

func TestChecksAreGivenADeadline(t *testing.T) {
	t.Parallel()
	var h Health
	h.AddLive("deadline", func(ctx context.Context) error {
		if _, ok := ctx.Deadline(); !ok {
			return errors.New("none")
		}
		return nil
	})
	wantAnswer(t, h.Live(), 200, `{"status":"ok","checks":{"deadline":"ok"}}`)
}
