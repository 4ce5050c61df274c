package shop

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/shared/redistest"
)

// verifiers are those of two processes on one database and one Redis.
func (w *world) verifiers(url string) (all [2]*Verifier) {
	w.t.Helper()
	for i := range all {
		store, err := shared.Open(url, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(store.Close)
		s := New(w.d, w.vault, slog.New(slog.DiscardHandler))
		s.Shared = store
		all[i] = NewVerifier(s)
	}
	return all
}

// reached waits until both processes find Redis there, or away.
func (w *world) reached(all [2]*Verifier, there bool) {
	w.t.Helper()
	for _, v := range all {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if _, err := v.s.Shared.Counted(0); (err == nil) == there {
				break
			}
			if time.Now().After(end) {
				w.t.Fatal("Redis is not as it should be")
			}
		}
	}
}

// signer gives requests of one till, each with a nonce of its own.
func (w *world) signer() func() *http.Request {
	_, k, secret := w.till()
	return func() *http.Request {
		r := request("")
		Sign(r, nil, k.Name, secret, w.clock.Now())
		return r
	}
}

// both sends the same request to one process and then to the other.
func both(t *testing.T, what string, all [2]*Verifier, r *http.Request) {
	t.Helper()
	if _, err := all[0].VerifyHTTP(r, nil); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	for i, v := range all {
		if _, err := v.VerifyHTTP(r, nil); !fault.Is(err, ErrReplayed) {
			t.Errorf("%s: the same again to process %d: %v", what, i, err)
		}
	}
}

// TestAReplayToAnotherProcess is refused with Redis there, paused and back. After a wipe the process that took the
// request still refuses it.
func TestAReplayToAnotherProcess(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	w := open(t)
	signed := w.signer()
	all := w.verifiers(srv.URL())
	w.reached(all, true)
	both(t, "there", all, signed())
	r := signed()
	if _, err := all[0].VerifyHTTP(r, nil); err != nil {
		t.Error(err)
	}
	srv.Wipe()
	if _, err := all[0].VerifyHTTP(r, nil); !fault.Is(err, ErrReplayed) {
		t.Errorf("after a wipe: %v", err)
	}
	srv.Pause()
	w.reached(all, false)
	both(t, "paused", all, signed())
	srv.Resume()
	w.reached(all, true)
	both(t, "back", all, signed())
}

// TestNoncesGoToTheDatabaseWhileRedisIsAbsent, for as long as they count, and are then forgotten.
func TestNoncesGoToTheDatabaseWhileRedisIsAbsent(t *testing.T) {
	t.Parallel()
	w := open(t)
	signed := w.signer()
	all := w.verifiers("redis://127.0.0.1:1") // nothing listens there
	r := signed()
	both(t, "absent", all, r)
	w.clock.Add(window - clock.Second)
	if _, err := w.verifiers("redis://127.0.0.1:1")[1].VerifyHTTP(r, nil); !fault.Is(err, ErrReplayed) {
		t.Errorf("to a process that has just started: %v", err)
	}
	runner := job.NewRunner(w.d, job.Options{})
	w.s.RegisterJobs(runner)
	_, _ = runner.Step(context.Background())
	w.clock.Add(25 * clock.Hour)
	if _, err := runner.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.view(func(v *db.View) {
		if rows := noncesBefore(v, clock.Never, 10); len(rows) != 0 {
			t.Errorf("still there: %v", rows)
		}
	})
}
