package channels

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Doer sends a request; an *http.Client is one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// NewClient makes the client for calls to the parties outside: with a time limit, no redirects, few connections.
func NewClient() *http.Client {
	return &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, MaxConnsPerHost: 64, IdleConnTimeout: 60 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second},
	}
}

// maxAnswer is the longest answer that is read.
const maxAnswer = 8 << 20

// ErrTooLong says that an answer is longer than any should be.
var ErrTooLong = errors.New("channels: the answer is too long")

// Answer is what a party said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send sends a request and reads the answer. An error tells nothing of the address: it may hold tokens.
func Send(ctx context.Context, d Doer, req *http.Request) (Answer, error) {
	res, err := d.Do(req.WithContext(ctx))
	if err != nil {
		return Answer{}, quiet(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return Answer{}, quiet(err)
	}
	if len(body) > maxAnswer {
		return Answer{}, ErrTooLong
	}
	return Answer{res.StatusCode, res.Header, body}, nil
}

// Unreached says that a request never left: nobody was there to take it.
func Unreached(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// quiet takes the address out of an error of net/http.
func quiet(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
