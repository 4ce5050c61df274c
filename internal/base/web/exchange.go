package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/queryparam"

	"guanxi/internal/base/id"
)

// exchange is one request and its answer. It is what huma reads the request from; what huma would write is
// dropped, because every answer is written by send.
type exchange struct {
	s     *Server
	r     *http.Request
	tap   tap
	ctx   Ctx
	route *route // nil outside of doors
	id    string
	query string // without lang
	asked string // lang of the query
	start time.Time
	buf   *[]byte // pooled: what the idempotency hash covers, then the body
	body  []byte
}

// tap is the ResponseWriter below the routes; it remembers what was answered.
type tap struct {
	w      http.ResponseWriter
	x      *exchange
	status int
	bytes  int64
}

func (t *tap) Header() http.Header { return t.w.Header() }

func (t *tap) WriteHeader(status int) {
	if t.status == 0 && status >= http.StatusOK {
		t.status = status
	}
	t.w.WriteHeader(status)
}

func (t *tap) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	n, err := t.w.Write(b)
	t.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (t *tap) Unwrap() http.ResponseWriter { return t.w }

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, r: r, id: id.Token(12), start: time.Now()}
	x.tap = tap{w: w, x: x}
	x.ctx = Ctx{Context: r.Context(), x: x}
	x.query, x.asked = cutLang(r.URL.RawQuery)
	defer x.finish()
	s.clientAddress(r)
	x.guardHeaders()
	s.mux.ServeHTTP(&x.tap, r)
}

// finish ends every request, also one whose handler panicked.
func (x *exchange) finish() {
	p := recover()
	err, _ := p.(error)
	begun, aborted := x.tap.status != 0, errors.Is(err, http.ErrAbortHandler)
	if p != nil && !aborted {
		x.s.opt.Log.LogAttrs(x.r.Context(), slog.LevelError, "panic in a request", slog.String("request", x.id),
			slog.String("route", x.label()), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		if !begun {
			x.refuse(ErrInternal.New())
		}
	}
	x.releaseBody()
	x.record()
	if p != nil && (begun || aborted) {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
}

// record tells the metrics and the log.
func (x *exchange) record() {
	took := time.Since(x.start)
	if x.s.opt.Metrics != nil {
		x.s.opt.Metrics(x.label(), x.tap.status, took.Seconds())
	}
	level := x.level(took)
	if !x.s.opt.Log.Enabled(x.r.Context(), level) {
		return
	}
	x.s.opt.Log.LogAttrs(x.r.Context(), level, "request", slog.String("request", x.id), slog.String("route", x.label()),
		slog.Int("status", x.tap.status), slog.Int64("us", took.Microseconds()), slog.Int64("bytes", x.tap.bytes),
		slog.String("by", x.ctx.Caller.logName()))
}

// slow is from when on a request that went well is worth a line.
const slow = time.Second

// level keeps the log to what somebody will read: what failed, what was refused, what was slow. The figures of all
// others are in the metrics; --log-level debug shows each.
func (x *exchange) level(took time.Duration) slog.Level {
	switch {
	case x.tap.status >= http.StatusInternalServerError:
		return slog.LevelError
	case x.tap.status >= http.StatusBadRequest || took >= slow:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// label names the route in logs and metrics: its pattern, because a path holds ids.
func (x *exchange) label() string {
	if x.r.Pattern == "" || x.r.Pattern == "/" {
		return "other"
	}
	return x.r.Pattern
}

func (x *exchange) lang() string { return language(x.asked, x.r.Header.Get("Accept-Language")) }

// The largest buffer that is kept for the next request.
const keptBuffer = 64 << 10

var bodies = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// readBody reads the whole body once, behind the bytes that the idempotency hash covers with it.
func (x *exchange) readBody(limit int64) error {
	if x.r.ContentLength > limit {
		return ErrTooLarge.With("limit", limit)
	}
	x.buf = bodies.Get().(*[]byte)
	b := append((*x.buf)[:0], x.r.Method...)
	b = append(append(b, ' '), x.r.URL.EscapedPath()...)
	b = append(append(append(b, '?'), x.query...), '\n')
	head := len(b)
	rest := io.LimitReader(x.r.Body, limit+1)
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := rest.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return ErrUnread.New()
		}
	}
	*x.buf, x.body = b, b[head:]
	if int64(len(x.body)) > limit {
		return ErrTooLarge.With("limit", limit)
	}
	return nil
}

func (x *exchange) releaseBody() {
	if x.buf != nil && cap(*x.buf) <= keptBuffer {
		bodies.Put(x.buf)
	}
	x.buf, x.body = nil, nil
}

// coder writes JSON into a buffer that is used again.
type coder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var coders = sync.Pool{New: func() any {
	c := &coder{}
	c.enc = json.NewEncoder(&c.buf)
	c.enc.SetEscapeHTML(false)
	return c
}}

// encode writes v as JSON and hands the bytes to use; they are valid until it returns.
func encode(v any, use func([]byte)) error {
	c := coders.Get().(*coder)
	c.buf.Reset()
	err := c.enc.Encode(v)
	if err == nil {
		use(bytes.TrimSuffix(c.buf.Bytes(), []byte("\n")))
	}
	if c.buf.Cap() <= keptBuffer {
		coders.Put(c)
	}
	return err
}

const jsonMedia = "application/json"

// send answers with a JSON value.
func (x *exchange) send(status int, contentType string, v any) {
	if err := encode(v, func(b []byte) { x.sendBytes(status, contentType, b) }); err != nil {
		x.refuse(err)
	}
}

func (x *exchange) sendBytes(status int, contentType string, b []byte) {
	h := x.tap.Header()
	h["Content-Type"] = []string{contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	x.tap.WriteHeader(status)
	_, _ = x.tap.Write(b)
}

// What follows is huma.Context.

func (x *exchange) Operation() *huma.Operation { return x.route.op }
func (x *exchange) Context() context.Context   { return &x.ctx }
func (x *exchange) TLS() *tls.ConnectionState  { return x.r.TLS }
func (x *exchange) Method() string             { return x.r.Method }
func (x *exchange) Host() string               { return x.r.Host }
func (x *exchange) RemoteAddr() string         { return x.r.RemoteAddr }
func (x *exchange) Param(name string) string   { return x.r.PathValue(name) }
func (x *exchange) Query(name string) string   { return queryparam.Get(x.query, name) }
func (x *exchange) Header(name string) string  { return x.r.Header.Get(name) }
func (x *exchange) BodyReader() io.Reader      { return bytes.NewReader(x.body) }
func (x *exchange) Status() int                { return x.tap.status }

func (x *exchange) URL() url.URL {
	u := *x.r.URL
	u.RawQuery = x.query
	return u
}

func (x *exchange) Version() huma.ProtoVersion {
	return huma.ProtoVersion{Proto: x.r.Proto, ProtoMajor: x.r.ProtoMajor, ProtoMinor: x.r.ProtoMinor}
}

func (x *exchange) EachHeader(f func(name, value string)) {
	for name, values := range x.r.Header {
		for _, v := range values {
			f(name, v)
		}
	}
}

func (x *exchange) GetMultipartForm() (*multipart.Form, error) {
	x.r.Body = io.NopCloser(bytes.NewReader(x.body))
	err := x.r.ParseMultipartForm(keptBuffer)
	return x.r.MultipartForm, err
}

// The body has been read and the answer is written by send, so nothing is left to do for these.

func (x *exchange) SetReadDeadline(time.Time) error { return nil }
func (x *exchange) SetStatus(int)                   {}
func (x *exchange) SetHeader(string, string)        {}
func (x *exchange) AppendHeader(string, string)     {}
func (x *exchange) BodyWriter() io.Writer           { return io.Discard }
