package bench

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"guanxi/internal/loyalty/shop"
)

func reading(text string) *client {
	return &client{r: bufio.NewReader(strings.NewReader(text))}
}

func TestClientReadsAnswersOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := reading("HTTP/1.1 201 Created\r\nContent-Type: a/b\r\ncontent-length:  5 \r\n\r\nhello" +
		"HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n" +
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc")
	for _, want := range []struct {
		status int
		body   string
	}{{201, "hello"}, {204, ""}, {200, "abc"}} {
		status, body, err := c.answer()
		if err != nil || status != want.status || string(body) != want.body {
			t.Fatalf("%d %q %v, want %v", status, body, err, want)
		}
	}
	if _, _, err := c.answer(); err == nil {
		t.Error("an answer where there is none")
	}
}

func TestClientRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"other protocol":   "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"no status":        "HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
		"status too long":  "HTTP/1.1 2000\r\nContent-Length: 0\r\n\r\n",
		"status too small": "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
		"short line":       "HTTP\r\n\r\n",
		"no length":        "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
		"chunks":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"negative length":  "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"endless length":   "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
		"huge length":      "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
		"header of none":   "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"half a body":      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
		"half a header":    "HTTP/1.1 200 OK\r\nContent-Len",
		"endless header":   "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 5000),
	} {
		if status, body, err := reading(text).answer(); err == nil {
			t.Errorf("%s: read as %d %q", name, status, body)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := &client{r: bufio.NewReader(bytes.NewReader(text))}
		status, body, err := c.answer()
		if err != nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
		if err != nil {
			return // the standard library is stricter in places that our server never goes to
		}
		defer func() { _ = theirs.Body.Close() }()
		if theirs.StatusCode != status || status >= 200 && status != 204 && status != 304 && theirs.ContentLength != int64(len(body)) {
			t.Errorf("%q: %d with %d bytes, the standard library says %d with %d", text, status, len(body), theirs.StatusCode, theirs.ContentLength)
		}
	})
}

func TestRequestsAreSignedAsPartnersSign(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_782_878_400_000)
	s := newSigner("ak_live_x", "sk_live_y")
	for _, body := range []string{`{"points":5}`, ""} {
		q := &request{path: []byte("/api/partner/postings"), body: []byte(body), key: []byte("k1")}
		method := http.MethodPost
		if body == "" {
			method, q.key = http.MethodGet, nil
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(q.write(method, s, now))))
		if err != nil {
			t.Fatal(err)
		}
		sent := r.Header.Get("Authorization")
		signed := &shop.Request{Method: r.Method, Path: r.URL.EscapedPath(), Timestamp: r.Header.Get(shop.TimestampHeader),
			Nonce: r.Header.Get(shop.NonceHeader), Key: r.Header.Get("Idempotency-Key"), Body: []byte(body)}
		text, ok := signed.Canonical()
		if !ok || !bytes.Equal(text, q.text) {
			t.Errorf("signed %q, the server reads %q", q.text, text)
		}
		if !strings.HasPrefix(sent, shop.Algorithm+` key="ak_live_x", signature="`) || signed.Timestamp != "1782878400" {
			t.Errorf("headers %v", r.Header)
		}
	}
}

// answering is a server that gives the n-th request of all connections what f says, and hangs up when that is nothing.
func answering(t *testing.T, f func(n int64) string) string {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	var n atomic.Int64
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				r := bufio.NewReader(c)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					text := f(n.Add(1))
					if text == "" {
						return
					}
					_, _ = c.Write([]byte(text))
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func TestLoadCountsWrongAnswersAsErrors(t *testing.T) {
	t.Parallel()
	good := "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"applied\":100}"
	for name, wrong := range map[string]string{
		"refused":     "HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n\r\n{}",
		"other 2xx":   strings.Replace(good, "200", "202", 1),
		"one refused": strings.Replace(good, "100}", " 99}", 1),
		"hung up":     "",
		"half":        strings.Replace(good, "15", "16", 1) + "HTTP",
	} {
		addr := answering(t, func(n int64) string {
			if n == 20 {
				return wrong
			}
			return good
		})
		w := emptyWork
		w.suffix, w.items = `"applied":100}`, 100
		l := &load{work: w, addr: addr, conns: 3, length: 40 * time.Millisecond, ids: []int64{1}, next: new(atomic.Uint64)}
		out, err := l.do(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if out.Errors != 1 || out.First == "" || out.Requests < 19 || out.Hist.Count() != out.Requests {
			t.Errorf("%s: %d errors (%s), %d requests, %d measured", name, out.Errors, out.First, out.Requests, out.Hist.Count())
		}
		b := &bench{}
		row := b.loadRow(figure{name: "x", work: &w, least: 0.001}, measured{runs: []run{out}})
		row.judge()
		if row.Verdict != Fail {
			t.Errorf("%s: the figure is %q", name, row.Verdict)
		}
	}
}
