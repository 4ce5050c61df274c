package world

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Exchange is one request and its answer, either way.
type Exchange struct {
	N      int64  `json:"n"`
	At     int64  `json:"at"`
	Out    bool   `json:"out,omitempty"` // sent by the platform: a callback
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"` // without secrets
	Body   string `json:"body,omitempty"`
	Status int    `json:"status"`
	Answer string `json:"answer,omitempty"`
}

// Record keeps the last exchanges.
type Record struct {
	clock *Clock
	mu    sync.Mutex
	n     int64
	list  []Exchange
}

const (
	keptExchanges = 2000
	keptBody      = 8 << 10
)

// Add keeps one.
func (r *Record) Add(x Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	x.N, x.At = r.n, r.clock.Now()
	x.Body, x.Answer = short(x.Body), short(x.Answer)
	r.list = append(r.list, x)
	r.list = r.list[max(0, len(r.list)-keptExchanges):]
}

func short(s string) string {
	if len(s) > keptBody {
		return s[:keptBody]
	}
	return s
}

// Since lists the exchanges after number n whose path begins with a prefix.
func (r *Record) Since(n int64, prefix string) []Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []Exchange{}
	for _, x := range r.list {
		if x.N > n && strings.HasPrefix(x.Path, prefix) {
			out = append(out, x)
		}
	}
	return out
}

// Around keeps what a handler is asked and answers.
func (r *Record) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 4<<20))
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		keep := &keeper{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(keep, q)
		r.Add(Exchange{Method: q.Method, Path: q.URL.Path, Query: Tidied(q.URL.Query()), Body: string(body), Status: keep.status, Answer: keep.text.String()})
	})
}

// Tidied is a query without what must not lie around.
func Tidied(q url.Values) string {
	for _, k := range []string{"secret", "access_token", "corpsecret", "js_code", "code"} {
		if q.Has(k) {
			q.Set(k, "-")
		}
	}
	return q.Encode()
}

// keeper remembers an answer.
type keeper struct {
	http.ResponseWriter
	status int
	text   bytes.Buffer
}

func (k *keeper) WriteHeader(status int) { k.status = status; k.ResponseWriter.WriteHeader(status) }

func (k *keeper) Write(p []byte) (int, error) {
	if k.text.Len() < keptBody {
		k.text.Write(p)
	}
	return k.ResponseWriter.Write(p)
}

// Unwrap lets the connection be taken over.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// Count is how many exchanges there were.
func (r *Record) Count() int64 { r.mu.Lock(); defer r.mu.Unlock(); return r.n }
