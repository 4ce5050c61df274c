package shop

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
)

func request(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/partner/orders/a%2Fb?z=1&a=x+y", strings.NewReader(body))
	r.Header.Set("Idempotency-Key", "order-1")
	return r
}

// The text and the signature were computed with other tools: partners build upon them.
func TestSignatureHasAFixedForm(t *testing.T) {
	t.Parallel()
	q := Request{"POST", "/api/partner/orders", "b=2&a=1%2F+%e5%ba%97", "1700000000", "nonce-of-16-chars", "order-1", []byte(`{"no":1}`)}
	text, ok := q.Canonical()
	want := "POST\n/api/partner/orders\na=1%2F%20%E5%BA%97&b=2\n1700000000\nnonce-of-16-chars\norder-1\n" +
		"74e68d30da1f0cb7712dceaae8d9f62027cf6819f9d19312a1cd9a908d7a3633\n"
	if !ok || string(text) != want {
		t.Errorf("canonical text:\n%s", text)
	}
	if got := authorization("ak_live_x", mac([]byte("sk_live_y"), text)); got != `GX1-HMAC-SHA256 key="ak_live_x", signature="OjjrZq3jv6Od/ffpVSzMlyGsjWJ9jJ1U0NNAuDDT4P4="` {
		t.Errorf("signature: %s", got)
	}
}

func TestSignedRequestIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	p, k, secret := w.till("points.read")
	v := NewVerifier(w.s)
	r := request("{}")
	Sign(r, []byte("{}"), k.Name, secret, start)
	c, err := v.VerifyHTTP(r, []byte("{}"))
	if err != nil || c.Partner != p.ID || c.Key != k.ID || !c.Can("points.read") || c.Can("points.write") || !c.At(77) {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := v.VerifyHTTP(r, []byte("{}")); !fault.Is(err, ErrReplayed) {
		t.Errorf("the same request again: %v", err)
	}
}

func TestEveryChangeOfASignedRequestIsRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, k, secret := w.till()
	_, other, _ := w.till()
	v := NewVerifier(w.s)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	changes := map[string]func(*http.Request){
		"method":         func(r *http.Request) { r.Method = "PUT" },
		"path":           func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/api/partner/orders/a/b", "" },
		"query value":    func(r *http.Request) { r.URL.RawQuery = "z=2&a=x+y" },
		"query more":     func(r *http.Request) { r.URL.RawQuery += "&b=1" },
		"query twice":    func(r *http.Request) { r.URL.RawQuery += "&z=1" },
		"query plus":     func(r *http.Request) { r.URL.RawQuery = "z=1&a=x%2By" },
		"query broken":   func(r *http.Request) { r.URL.RawQuery += "%" },
		"time":           set(TimestampHeader, fmt.Sprint(start/1000+1)),
		"no time":        set(TimestampHeader, ""),
		"nonce":          set(NonceHeader, "another-nonce-16"),
		"no nonce":       set(NonceHeader, ""),
		"two nonces":     func(r *http.Request) { r.Header.Add(NonceHeader, "another-nonce-16") },
		"idempotency":    set("Idempotency-Key", "order-2"),
		"no idempotency": func(r *http.Request) { r.Header.Del("Idempotency-Key") },
		"key":            func(r *http.Request) { replace(r, k.Name, other.Name) },
		"unknown key":    func(r *http.Request) { replace(r, k.Name, "ak_live_unknown") },
		"algorithm":      func(r *http.Request) { replace(r, "SHA256", "MD5") },
		"no signature":   func(r *http.Request) { r.Header.Del("Authorization") },
		"end cut off":    func(r *http.Request) { replace(r, `="`, ``) },
	}
	for name, change := range changes {
		r := request("{}")
		Sign(r, []byte("{}"), k.Name, secret, start)
		change(r)
		_, err := v.VerifyHTTP(r, []byte("{}"))
		if !fault.Is(err, ErrRefused) || fault.As(err).Text("en") != "The signature was refused (server time 1700000000)" {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := request("{}")
	Sign(r, []byte("{}"), k.Name, secret, start)
	if _, err := v.VerifyHTTP(r, []byte("{ }")); !fault.Is(err, ErrRefused) {
		t.Errorf("body: %v", err)
	}
	r.URL.RawQuery = "a=x%20y&z=1" // the same query, written otherwise
	if _, err := v.VerifyHTTP(r, []byte("{}")); err != nil {
		t.Errorf("the request itself: %v", err)
	}
}

func replace(r *http.Request, from, to string) {
	r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), from, to))
}

func TestTimeWindow(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, k, secret := w.till()
	v := NewVerifier(w.s)
	for off, ok := range map[int64]bool{0: true, 300: true, -300: true, 301: false, -301: false, 1 << 40: false} {
		r := request("")
		Sign(r, nil, k.Name, secret, start+off*1000)
		if _, err := v.VerifyHTTP(r, nil); (err == nil) != ok {
			t.Errorf("%d s off: %v", off, err)
		}
	}
}

func TestNonceIsRememberedForTheWindowAndThenForgotten(t *testing.T) {
	t.Parallel()
	s := nonceSet{most: 100, seed: NewVerifier(&Service{}).nonces.seed}
	// Taken at any moment of a generation, it is refused ten minutes long.
	for i, at := range []int64{0, 1, 599_999, 600_000, 1_111_111} {
		nonce := fmt.Sprint(i)
		if err := s.take(1, nonce, at); err != nil {
			t.Fatal(err)
		}
		if err := s.take(1, nonce, at+1); !fault.Is(err, ErrReplayed) {
			t.Errorf("taken at %d: %v", at, err)
		}
	}
	for _, early := range []int64{0, 300_000, 599_999} {
		s := nonceSet{most: 100, seed: s.seed}
		_ = s.take(1, "first", 0)
		_ = s.take(1, "n", early)
		if err := s.take(1, "n", early+remember); !fault.Is(err, ErrReplayed) {
			t.Errorf("taken at %d, forgotten after ten minutes: %v", early, err)
		}
		if err := s.take(2, "n", early+remember); err != nil {
			t.Errorf("another key's nonce: %v", err)
		}
		if err := s.take(1, "n", 3*remember); err != nil || len(s.old)+len(s.cur) > 3 {
			t.Errorf("never forgotten: %v", err)
		}
	}
}

func TestFullNonceSetRefusesRatherThanForgets(t *testing.T) {
	t.Parallel()
	s := nonceSet{most: 3, seed: NewVerifier(&Service{}).nonces.seed}
	for i := range 3 {
		if err := s.take(1, fmt.Sprint(i), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.take(1, "3", 0); !fault.Is(err, ErrFlood) {
		t.Errorf("one too many: %v", err)
	}
	if err := s.take(1, "0", 0); !fault.Is(err, ErrReplayed) {
		t.Errorf("forgotten: %v", err)
	}
}

func TestRevokedKeyIsRefusedAtOnceHereAndSoonElsewhere(t *testing.T) {
	t.Parallel()
	w := open(t)
	p, k, secret := w.till()
	here, there := NewVerifier(w.s), NewVerifier(New(w.d, w.vault, w.s.log)) // there stands for another process
	ask := func(v *Verifier) error {
		r := request("")
		Sign(r, nil, k.Name, secret, w.clock.Now())
		_, err := v.VerifyHTTP(r, nil)
		return err
	}
	if err := ask(here); err != nil {
		t.Fatal(err)
	}
	if err := ask(there); err != nil {
		t.Fatal(err)
	}
	p.Status = Blocked
	save := func(tx *db.Tx) error { _, err := w.s.SavePartner(tx, p); return err }
	w.write(save)
	if err := ask(here); !fault.Is(err, ErrRefused) {
		t.Errorf("a blocked partner: %v", err)
	}
	w.clock.Add(clock.Second)
	if err := ask(there); !fault.Is(err, ErrRefused) {
		t.Errorf("a blocked partner elsewhere: %v", err)
	}
	p.Status = Active
	w.write(save)
	if err := ask(here); err != nil {
		t.Errorf("an active partner: %v", err)
	}
	w.write(func(tx *db.Tx) error { return w.s.RevokeKey(tx, k.ID) })
	if err := ask(here); !fault.Is(err, ErrRefused) {
		t.Errorf("a revoked key: %v", err)
	}
}

func TestStoreScopeAndLastUse(t *testing.T) {
	t.Parallel()
	w := open(t)
	p, k, secret := w.till()
	w.write(func(tx *db.Tx) error {
		st, err := w.s.SaveStore(tx, west())
		if err != nil {
			return err
		}
		p.Store = st.ID
		_, err = w.s.SavePartner(tx, p)
		return err
	})
	runner := job.NewRunner(w.d, job.Options{})
	w.s.RegisterJobs(runner)
	_, _ = runner.Step(context.Background())
	r := request("")
	Sign(r, nil, k.Name, secret, start)
	c, err := NewVerifier(w.s).VerifyHTTP(r, nil)
	if err != nil || !c.At(p.Store) || c.At(p.Store+1) {
		t.Errorf("%+v, %v", c, err)
	}
	w.clock.Add(20 * clock.Minute)
	if ran, err := runner.Step(context.Background()); ran != 1 || err != nil {
		t.Fatal(ran, err)
	}
	w.view(func(v *db.View) {
		if got := w.s.Keys(v, p.ID); got[0].UsedAt != start {
			t.Errorf("keys %+v", got)
		}
	})
}

func TestOneOfManyReplaysAtOncePasses(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, k, secret := w.till()
	v := NewVerifier(w.s)
	r := request("")
	Sign(r, nil, k.Name, secret, start)
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if _, err := v.VerifyHTTP(r, nil); err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 1 {
		t.Errorf("%d passed", passed.Load())
	}
}

// FuzzCanonical looks for two different requests with one text: each input makes two requests that share their
// parts but for one cut moved between neighbours.
func FuzzCanonical(f *testing.F) {
	f.Add("POST", "/a", "b=1&c=2", "17", "nonce-of-16-chars", "k", "body", "GET", "/a\nb", "b=1%26c=2", "17", "nonce-of-16-chars", "", "")
	f.Add("A", "/", "a=+", "1", "nonce-of-16-chars", "", "", "A", "/", "a=%2B", "1", "nonce-of-16-chars", "", "")
	f.Add("A", "/", "a=1&a=2", "1", "nonce-of-16-chars", "", "", "A", "/", "a=2&a=1", "1", "nonce-of-16-chars", "", "")
	f.Add("A", "/", "a", "1", "nonce-of-16-chars", "", "", "A", "/", "a=", "1", "nonce-of-16-chars", "", "")
	f.Add("A", "/a\n", "", "1", "nonce-of-16-chars", "", "", "A", "/a", "\n", "1", "nonce-of-16-chars", "", "")
	f.Fuzz(func(t *testing.T, m1, p1, q1, t1, n1, k1, b1, m2, p2, q2, t2, n2, k2, b2 string) {
		a := Request{m1, p1, q1, t1, n1, k1, []byte(b1)}
		mixed := []Request{
			{m2, p2, q2, t2, n2, k2, []byte(b2)},
			{m2, p1, q1, t1, n1, k1, []byte(b1)},
			{m1, p2, q1, t1, n1, k1, []byte(b1)},
			{m1, p1, q2, t1, n1, k1, []byte(b1)},
			{m1, p1, q1, t2, n1, k1, []byte(b1)},
			{m1, p1, q1, t1, n1, k2, []byte(b1)},
			{m1, p1, q1, t1, n1, k1, []byte(b2)},
			{m1 + p1, "", q1, t1, n1, k1, []byte(b1)},
			{m1, p1 + q1, "", t1, n1, k1, []byte(b1)},
			{m1, p1, q1, t1, n1, k1 + b1, nil},
		}
		for _, b := range mixed {
			ta, oka := a.Canonical()
			tb, okb := b.Canonical()
			if oka && okb && bytes.Equal(ta, tb) != sameMeaning(a, b) {
				t.Fatalf("%q and %q: %q, %q", a, b, ta, tb)
			}
		}
	})
}

// sameMeaning compares requests as a route sees them.
func sameMeaning(a, b Request) bool {
	return a.Method == b.Method && a.Path == b.Path && slices.Equal(pairs(a.Query), pairs(b.Query)) &&
		a.Timestamp == b.Timestamp && a.Nonce == b.Nonce && a.Key == b.Key && bytes.Equal(a.Body, b.Body)
}

func pairs(query string) (out []string) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.RawQuery = query
	for name, values := range r.URL.Query() {
		out = append(out, fmt.Sprintf("%q %q", name, values))
	}
	slices.Sort(out)
	return out
}

func BenchmarkVerify(b *testing.B) {
	w := open(b)
	_, k, secret := w.till("orders.write")
	v := NewVerifier(w.s)
	body := bytes.Repeat([]byte("x"), 500)
	q := Request{Method: "POST", Path: "/api/partner/orders", Timestamp: fmt.Sprint(start / 1000), Key: "order-1", Body: body}
	sign := func(i int) string {
		q.Nonce = fmt.Sprintf("nonce-%022d", i)
		text, _ := q.Canonical()
		return authorization(k.Name, mac([]byte(secret), text))
	}
	nonces, signed := make([]string, b.N), make([]string, b.N)
	for i := range b.N {
		signed[i] = sign(i)
		nonces[i] = q.Nonce
	}
	b.ResetTimer()
	for i := range b.N {
		q.Nonce = nonces[i]
		if _, err := v.Verify(context.Background(), q, signed[i]); err != nil {
			b.Fatal(err)
		}
	}
}
