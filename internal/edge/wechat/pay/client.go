package pay

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/wechat/crypt"
)

// Options of a client. The zero value of each takes the usual.
type Options struct {
	HTTP  *http.Client
	Clock clock.Clock
	Log   *slog.Logger
	Wait  func(ctx context.Context, ms int64) error // between two tries
}

// Client speaks for one merchant. It is safe for concurrent use.
type Client struct {
	Account
	http *http.Client
	now  clock.Clock
	log  *slog.Logger
	wait func(ctx context.Context, ms int64) error
	keys crypt.PayKeys

	fetching sync.Mutex // one fetch of certificates at a time
	fetched  int64
}

const (
	tries       = 3
	firstWait   = 400 // ms, doubled each time
	callTime    = 15 * time.Second
	maxAnswer   = 4 << 20
	maxBill     = 256 << 20
	userAgent   = "guanxi"
	jsonType    = "application/json"
	requestID   = "Request-Id"
	brandPrefix = "/brand/"
)

// New makes a client for an account that has its keys.
func New(a Account, o Options) *Client {
	c := &Client{Account: a, http: o.HTTP, now: o.Clock, log: o.Log, wait: o.Wait}
	if c.http == nil {
		c.http = &http.Client{Timeout: callTime, Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second}}
	}
	if c.now == nil {
		c.now = clock.System
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.wait == nil {
		c.wait = pause
	}
	c.keys.Set(a.known...)
	return c
}

func pause(ctx context.Context, ms int64) error {
	t := clock.Timer(ms)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// call is one request.
type call struct {
	method string
	path   string // with its values escaped
	query  url.Values
	in     any
	out    any                             // nil when the answer has no body
	raw    bool                            // the answer is no JSON and carries no signature: a bill
	trust  func(http.Header, []byte) error // judges the answer's signature instead of the known keys
	serial string                          // the platform's key that fields of the body are sealed with; else the one of the account
}

func (q *call) target() string {
	if len(q.query) == 0 {
		return q.path
	}
	return q.path + "?" + q.query.Encode()
}

// do sends a request, a few times where that helps, and gives the raw answer.
func (c *Client) do(ctx context.Context, q call) ([]byte, error) {
	var body []byte
	if q.in != nil {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		if err := e.Encode(q.in); err != nil {
			return nil, err
		}
		body = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	}
	host := c.Host
	for n := 1; ; n++ {
		b, err := c.once(ctx, host, q, body)
		if err == nil {
			return b, nil
		}
		class := ClassOf(err)
		c.log.Warn("wechat pay", "call", q.method+" "+label(q.path), "try", n, "class", class.String(), "err", err)
		if n == tries || !class.again() || ctx.Err() != nil {
			return nil, err
		}
		var e *Error
		if errors.As(err, &e) && e.HTTP == 0 && c.Backup != "" {
			host = c.other(host)
		}
		if werr := c.wait(ctx, firstWait<<(n-1)); werr != nil {
			return nil, err
		}
	}
}

func (c *Client) other(host string) string {
	if host == c.Host {
		return c.Backup
	}
	return c.Host
}

// label is a path without its numbers, for logs.
func label(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.ContainsAny(p, "0123456789") && p != "v3" {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// sender is in whose name a path is asked.
func (c *Client) sender(path string) (scheme, who, serial string, key *rsa.PrivateKey, err error) {
	if !strings.HasPrefix(path, brandPrefix) {
		return crypt.PayScheme, c.MchID, c.Serial, c.key, nil
	}
	if c.Card == nil {
		return "", "", "", nil, &Error{Class: Config, Code: "NO_CARD", Message: "the account has no brand"}
	}
	return crypt.BrandScheme, c.Card.BrandID, c.Card.Serial, c.brand, nil
}

func (c *Client) once(ctx context.Context, host string, q call, body []byte) ([]byte, error) {
	scheme, who, serial, key, err := c.sender(q.path)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.method, host+q.target(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	stamp, nonce := strconv.FormatInt(c.now.Now()/1000, 10), nonce()
	sig, err := crypt.PaySign(key, crypt.PayRequestMessage(q.method, r.URL.RequestURI(), stamp, nonce, body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", crypt.PayAuthorization(scheme, who, serial, stamp, nonce, sig))
	r.Header.Set("Accept", jsonType)
	r.Header.Set("User-Agent", userAgent)
	if body != nil {
		r.Header.Set("Content-Type", jsonType)
	}
	if s := orElse(q.serial, c.PlatformID); s != "" {
		r.Header.Set("Wechatpay-Serial", s)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, &Error{Class: Unknown, cause: bare(err)}
	}
	defer func() { _ = answer.Body.Close() }()
	limit := int64(maxAnswer)
	if q.raw {
		limit = maxBill
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil || int64(len(text)) > limit {
		return nil, &Error{Class: Unknown, HTTP: answer.StatusCode, cause: fmt.Errorf("the answer can't be read whole: %w", errors.Join(err))}
	}
	return text, c.judge(ctx, q, answer, text)
}

// bare takes the address out of a network error: it holds numbers of orders.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// nonce is 32 letters and digits.
func nonce() string {
	return strings.NewReplacer("-", "x", "_", "y").Replace(id.Token(24))
}

// judge believes an answer only with its signature.
func (c *Client) judge(ctx context.Context, q call, answer *http.Response, text []byte) error {
	status := answer.StatusCode
	if status < 200 || status > 299 || status == http.StatusAccepted {
		return c.refusal(ctx, answer, text)
	}
	if q.raw {
		return nil // its hash was told in a signed answer
	}
	trust := q.trust
	if trust == nil {
		trust = func(h http.Header, b []byte) error { return c.verify(ctx, h, b) }
	}
	if err := trust(answer.Header, text); err != nil {
		// The effect may have happened, only nobody can vouch for what it was.
		return &Error{Class: Unknown, HTTP: status, Code: "ANSWER_UNSIGNED", RequestID: answer.Header.Get(requestID), cause: err}
	}
	if q.out == nil {
		return nil
	}
	if err := json.Unmarshal(text, q.out); err != nil {
		return &Error{Class: Unknown, HTTP: status, Code: "ANSWER_UNREADABLE", RequestID: answer.Header.Get(requestID)}
	}
	return nil
}

func (c *Client) refusal(ctx context.Context, answer *http.Response, text []byte) error {
	e := &Error{HTTP: answer.StatusCode, RequestID: answer.Header.Get(requestID)}
	var doc struct{ Code, Message string }
	if json.Unmarshal(text, &doc) == nil {
		e.Code, e.Message = doc.Code, doc.Message
	}
	e.Class = classify(e.HTTP, e.Code)
	// Not every refusal is signed. One that is must be signed right; else we ask again. What people must look at anyhow they
	// should hear: a wrong clock, say, makes both signatures wrong.
	if e.Class != Config && answer.Header.Get("Wechatpay-Signature") != "" {
		if err := c.verify(ctx, answer.Header, text); err != nil {
			return &Error{Class: Unknown, HTTP: e.HTTP, Code: "ANSWER_UNSIGNED", RequestID: e.RequestID, cause: err}
		}
	}
	return e
}

// verify checks the signature of an answer; with an unknown serial number it asks for the certificates once.
func (c *Client) verify(ctx context.Context, h http.Header, body []byte) error {
	s, err := crypt.PaySignedOf(h)
	if err != nil {
		return err
	}
	if err := c.ready(ctx, s.Serial); err != nil {
		return err
	}
	return c.keys.Verify(s, body, c.now.Now())
}
