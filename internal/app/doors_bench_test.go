package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/shop"
)

// crowd makes members who have each bought something.
func (w *town) crowd(n int) []int64 {
	w.t.Helper()
	ids := make([]int64, n)
	for from := 0; from < n; from += 100 {
		w.write(func(tx *db.Tx) error {
			for i := from; i < min(from+100, n); i++ {
				m, _, err := w.a.Members.Join(tx, member.Join{Identities: []member.Identity{
					member.IdentityIn{Kind: "card", Value: fmt.Sprint("C", i)}.Identity(true)}})
				if err != nil {
					return err
				}
				ids[i] = m.ID
			}
			return nil
		})
		var list []string
		for _, m := range ids[from:min(from+100, n)] {
			list = append(list, w.order(id.String(m), "crowd-"+id.String(m), 20000, ""))
		}
		w.till.post("/api/partner/orders/batches", `{"orders":[`+strings.Join(list, ",")+`]}`).want(200, "applied="+fmt.Sprint(len(list)))
	}
	return ids
}

// sink takes an answer and keeps its status.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

// drive sends requests through the whole server from several goroutines; each is signed as its partner would.
func (w *town) drive(b *testing.B, want int, make func(i int) (method, path, body string)) {
	b.Helper()
	var next atomic.Int64
	before := w.a.DB.Counts()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1)
			method, path, body := make(int(i))
			r, err := http.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.RemoteAddr = "203.0.113.9:1"
			if body != "" {
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Idempotency-Key", fmt.Sprint("bench-", i))
			}
			shop.Sign(r, []byte(body), w.till.key, w.till.secret, w.clock.Now())
			s := sink{header: http.Header{}}
			w.srv.Handler().ServeHTTP(&s, r)
			if s.status != want {
				b.Errorf("%s %s: %d", method, path, s.status)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	after := w.a.DB.Counts()
	b.ReportMetric(float64(after.Statements-before.Statements)/float64(b.N), "writer-statements/op")
}

func BenchmarkSummary(b *testing.B) {
	w := open(b)
	ids := w.crowd(2000)
	w.drive(b, 200, func(i int) (string, string, string) {
		return "GET", "/api/partner/members/" + id.String(ids[i%len(ids)]) + "/summary", ""
	})
}

func BenchmarkOrder(b *testing.B) {
	w := open(b)
	ids := w.crowd(2000)
	b.SetParallelism(128)
	w.drive(b, 201, func(i int) (string, string, string) {
		return "POST", "/api/partner/orders", w.order(id.String(ids[i%len(ids)]), fmt.Sprint("bench-", i), 12345, "")
	})
}

func BenchmarkPosting(b *testing.B) {
	w := open(b)
	ids := w.crowd(2000)
	b.SetParallelism(128)
	w.drive(b, 201, func(i int) (string, string, string) {
		return "POST", "/api/partner/postings", fmt.Sprintf(`{"member_id":"%d","points":5,"reason":"bench"}`, ids[i%len(ids)])
	})
}
