package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
)

const one = `{"no":"1","fen":250}`

func TestSameKeySameReplyOneEffect(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first, again := s.post("k1", one), s.post("k1", one)
	if first.Code != 200 || !strings.Contains(first.Body.String(), `"points":2`) || first.Header().Get("Idempotent-Replayed") != "" {
		t.Fatal(first.Code, first.Body, first.Header())
	}
	if again.Code != 200 || again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Error(again.Code, again.Body, again.Header())
	}
	if n := s.countSales(t); n != 1 {
		t.Errorf("%d sales", n)
	}
}

func TestTheLanguageAskedForIsNoOtherRequest(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.post("k", one)
	again := s.ask("POST", "/api/partner/sales?lang=en", keyed, one)
	if again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Error(again.Code, again.Body)
	}
}

func TestSameKeyOtherContentIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.post("k", one)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"body":  s.post("k", `{"no":"2","fen":250}`),
		"space": s.post("k", one+" "),
	} {
		if w.Code != 409 || !strings.Contains(w.Body.String(), `"code":"idempotency.mismatch"`) {
			t.Error(name, w.Code, w.Body)
		}
	}
	if n := s.countSales(t); n != 1 {
		t.Errorf("%d sales", n)
	}
}

func TestKeysOfOtherCallersAreOtherKeys(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	mine := s.post("k", one)
	other := s.ask("POST", "/api/partner/sales", []string{"X-Key: eight", "Content-Type: application/json", "Idempotency-Key: k"}, one)
	if other.Code != 200 || other.Body.String() == mine.Body.String() || s.countSales(t) != 2 {
		t.Error(other.Code, other.Body, mine.Body)
	}
}

func TestARefusalStoresNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for range 2 {
		if w := s.post("k", `{"no":"sold","fen":1}`); w.Code != 409 || !strings.Contains(w.Body.String(), `"title":"已售出：sold"`) {
			t.Fatal(w.Code, w.Body)
		}
	}
	if w := s.post("k", one); w.Code != 200 {
		t.Error("the key is burnt", w.Code, w.Body)
	}
	if n := s.countSales(t); n != 1 {
		t.Errorf("%d sales", n)
	}
}

func TestTheStatusIsStoredWithTheReply(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first, again := s.post("k", `{"no":"later","fen":1}`), s.post("k", `{"no":"later","fen":1}`)
	if first.Code != 202 || again.Code != 202 || first.Body.String() != again.Body.String() {
		t.Error(first.Code, again.Code, again.Body)
	}
}

func TestManyEqualRequestsAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	const many = 32
	bodies, replayed := make([]string, many), make([]string, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			w := s.post("k", one)
			bodies[i], replayed[i] = fmt.Sprint(w.Code, w.Body), w.Header().Get("Idempotent-Replayed")
		})
	}
	wg.Wait()
	fresh := 0
	for i := range many {
		if bodies[i] != bodies[0] || !strings.HasPrefix(bodies[i], "200") {
			t.Errorf("%s and %s", bodies[i], bodies[0])
		}
		if replayed[i] == "" {
			fresh++
		}
	}
	if n := s.countSales(t); n != 1 || fresh != 1 {
		t.Errorf("%d sales, %d fresh answers", n, fresh)
	}
}

func TestManyDifferentRequestsShareCommits(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			body := fmt.Sprintf(`{"no":"n%d","fen":100}`, i/2)
			want := fmt.Sprintf(`"no":"n%d"`, i/2)
			if w := s.post(fmt.Sprintf("k%d", i/2), body); w.Code != 200 || !strings.Contains(w.Body.String(), want) {
				t.Error(w.Code, w.Body)
			}
		})
	}
	wg.Wait()
	if n := s.countSales(t); n != 32 {
		t.Errorf("%d sales", n)
	}
}

func TestOperationsTellWhatBecame(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	sent := s.post("till 7", one)
	w := s.ask("GET", "/api/partner/operations/till%207", seven, "")
	for _, want := range []string{`"state":"done"`, `"route":"sale.add"`, `"status":200`, `"reply":` + sent.Body.String()} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
	s.post("refused", `{"no":"sold","fen":1}`)
	for _, w := range []*httptest.ResponseRecorder{
		s.ask("GET", "/api/partner/operations/refused", seven, ""),
		s.ask("GET", "/api/partner/operations/till%207", []string{"X-Key: eight"}, ""),
	} {
		if w.Code != 200 || w.Body.String() != `{"state":"not_applied"}` {
			t.Error(w.Code, w.Body)
		}
	}
}

func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx := context.Background()
	var replies []string
	for range 2 {
		d, err := db.Open(ctx, db.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(ctx, web.Schema, saleSchema); err != nil {
			t.Fatal(err)
		}
		s := &shop{db: d, clock: clock.NewFake(0), srv: web.New(web.Options{DB: d})}
		s.wire()
		replies = append(replies, s.post("k", one).Body.String())
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if replies[0] != replies[1] || !strings.Contains(replies[0], `"points":2`) {
		t.Error(replies)
	}
}

func TestForgetDropsOldKeysOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	now := clock.NewFake(1_700_000_000_000)
	d, err := db.Open(ctx, db.Options{Dir: t.TempDir(), Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(ctx, web.Schema, saleSchema); err != nil {
		t.Fatal(err)
	}
	s := &shop{db: d, clock: now, srv: web.New(web.Options{DB: d})}
	s.wire()
	s.post("old", one)
	s.post("long", long)
	now.Add(web.KeysLive - 1)
	s.post("new", one)
	forget := func() {
		t.Helper()
		if err := d.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			if next := web.Forget(tx, ""); next != "" {
				t.Error("there is more", next)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	forget()
	if s.post("old", one).Header().Get("Idempotent-Replayed") != "true" || s.longReplies(t) != 1 {
		t.Error("a key was forgotten too early")
	}
	now.Add(1)
	forget()
	if n := s.longReplies(t); n != 0 {
		t.Errorf("%d replies without a key", n)
	}
	if s.post("old", one).Header().Get("Idempotent-Replayed") != "" || s.post("new", one).Header().Get("Idempotent-Replayed") != "true" {
		t.Error("the wrong keys are known")
	}
}

// long is a sale whose reply says more than fits beside a key.
const long = `{"no":"long","fen":1}`

var longNote = strings.Repeat("9", 200)

func (s *shop) longReplies(t *testing.T) (n int) {
	t.Helper()
	if err := s.db.View(context.Background(), func(v *db.View) error {
		v.Row("SELECT COUNT(*) FROM idempotency_reply", nil, &n)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestALongReplyIsKeptWhole(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := s.post("k", long)
	again := s.post("k", long)
	if first.Code != 200 || first.Body.Len() < 200 || again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Error(first.Code, first.Body, again.Body)
	}
	if n := s.longReplies(t); n != 1 {
		t.Errorf("%d long replies", n)
	}
	said := s.ask("GET", "/api/partner/operations/k", seven, "")
	if !strings.Contains(said.Body.String(), longNote) {
		t.Error(said.Code, said.Body)
	}
}

// A drain is a ResponseWriter that keeps the status: what a benchmark measures should be ours, not the recorder's.
type drain struct {
	header http.Header
	status int
}

func (d *drain) Header() http.Header         { return d.header }
func (d *drain) WriteHeader(status int)      { d.status = status }
func (d *drain) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkWriteRoute is a signed-in write from the first header to the committed reply, 128 callers at once.
func BenchmarkWriteRoute(b *testing.B) {
	s := newShop(b, func(o *web.Options) { o.Log, o.Metrics = nil, nil })
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		body := strings.NewReader(one)
		r := httptest.NewRequest(http.MethodPost, "/api/partner/sales", body)
		r.Header = http.Header{"X-Key": {"seven"}, "Content-Type": {"application/json"}}
		for pb.Next() {
			body.Reset(one)
			r.Header["Idempotency-Key"] = []string{strconv.FormatInt(n.Add(1), 10)}
			w := &drain{header: make(http.Header, 10)}
			if s.srv.ServeHTTP(w, r); w.status != 200 {
				b.Error(w.status)
			}
		}
	})
}

// BenchmarkReadRoute is the way through the wrapper and huma with nothing behind it.
func BenchmarkReadRoute(b *testing.B) {
	s := newShop(b, func(o *web.Options) { o.Log, o.Metrics = nil, nil })
	r := httptest.NewRequest(http.MethodGet, "/api/partner/sales/17", nil)
	r.Header.Set("X-Key", "seven")
	b.ReportAllocs()
	for b.Loop() {
		w := &drain{header: make(http.Header, 10)}
		if s.srv.ServeHTTP(w, r); w.status != 200 {
			b.Fatal(w.status)
		}
	}
}
