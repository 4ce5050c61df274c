package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
)

// Caller calls the API of one account. One value serves all goroutines: they share the token.
type Caller struct {
	Base  string // without a slash at the end
	HTTP  channels.Doer
	Clock clock.Clock
	// Fetch asks the platform for a token and how many seconds it lives.
	Fetch func(ctx context.Context) (token string, seconds int64, err error)

	mu     sync.Mutex
	token  string
	until  int64
	flight *flight
	paused map[string]int64 // by path: until when its quota is used up
}

// flight is one request for a token that everybody waits for.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// early is how long before its end a token is renewed: the platform lets the old and the new live side by side for that time.
const early = 5 * clock.Minute

// Token gives the token of the account; of those who ask at the same time, one goes and the others wait.
func (c *Caller) Token(ctx context.Context) (string, error) {
	c.mu.Lock()
	if c.token != "" && c.Clock.Now() < c.until {
		defer c.mu.Unlock()
		return c.token, nil
	}
	f := c.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		c.flight = f
		go c.fly(context.WithoutCancel(ctx), f) // the others must not fail because the first one gave up
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *Caller) fly(ctx context.Context, f *flight) {
	var seconds int64
	f.token, seconds, f.err = c.Fetch(ctx)
	c.mu.Lock()
	if f.err == nil {
		c.token, c.until = f.token, c.Clock.Now()+max(seconds*clock.Second-early, clock.Second)
	}
	c.flight = nil
	c.mu.Unlock()
	close(f.done)
}

// drop forgets a token that was refused, unless somebody has fetched another since.
func (c *Caller) drop(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

// Get asks with the token; reading twice does no harm, so it is tried again when the platform is busy.
func (c *Caller) Get(ctx context.Context, path string, query url.Values, out any) error {
	return c.again(ctx, func() error { return c.withToken(ctx, http.MethodGet, path, query, nil, out) })
}

// Ask is a POST that changes nothing, or the same when done twice.
func (c *Caller) Ask(ctx context.Context, path string, in, out any) error {
	return c.again(ctx, func() error { return c.withToken(ctx, http.MethodPost, path, nil, in, out) })
}

// Do is a POST that must not be repeated without knowing: when its outcome is unknown the error is Busy, and the caller decides.
func (c *Caller) Do(ctx context.Context, path string, in, out any) error {
	return c.withToken(ctx, http.MethodPost, path, nil, in, out)
}

// Open asks without the token: the calls that carry the secret or a code themselves.
func (c *Caller) Open(ctx context.Context, method, path string, query url.Values, in, out any) error {
	_, err := c.call(ctx, method, path, query, in, out)
	return err
}

// Bytes asks for something that is no JSON, such as a picture.
func (c *Caller) Bytes(ctx context.Context, path string, in any) (b []byte, err error) {
	err = c.again(ctx, func() error {
		return c.withToken(ctx, http.MethodPost, path, nil, in, &b)
	})
	return b, err
}

// withToken calls with the token; one that is refused is replaced once, never by force.
func (c *Caller) withToken(ctx context.Context, method, path string, query url.Values, in, out any) error {
	for try := 0; ; try++ {
		token, err := c.Token(ctx)
		if err != nil {
			return err
		}
		q := url.Values{}
		for k, v := range query {
			q[k] = v
		}
		q.Set("access_token", token)
		_, err = c.call(ctx, method, path, q, in, out)
		if ClassOf(err) != Token || try > 0 {
			return err
		}
		c.drop(token)
	}
}

const (
	tries     = 3
	firstWait = 100 // ms, doubled each time
)

// again repeats what failed because the platform was busy.
func (c *Caller) again(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if err == nil || ClassOf(err) != Busy || try == tries || ctx.Err() != nil {
			return err
		}
		t := clock.Timer(firstWait<<try + int64(len(err.Error())%50))
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}

// envelope is what every answer may hold.
type envelope struct {
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// call sends one request. Success is an absent or zero errcode, whatever the HTTP status of a failure says.
func (c *Caller) call(ctx context.Context, method, path string, query url.Values, in, out any) (http.Header, error) {
	if until := c.pausedUntil(path); until > c.Clock.Now() {
		return nil, &Error{API: path, Code: 45009, Msg: "paused until the quota begins anew", Class: Quota, Until: until}
	}
	body, err := encode(in)
	if err != nil {
		return nil, err
	}
	target := c.Base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: malformed address", path)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	ans, err := channels.Send(ctx, c.HTTP, req)
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: %w", path, err)
	}
	if ans.Status >= http.StatusInternalServerError {
		return nil, &Error{API: path, Code: -1, Msg: fmt.Sprintf("HTTP %d", ans.Status), Class: Busy, Lost: true}
	}
	return ans.Header, c.read(path, ans, out)
}

func (c *Caller) read(path string, ans channels.Answer, out any) error {
	if raw, ok := out.(*[]byte); ok && !bytes.HasPrefix(bytes.TrimLeft(ans.Body, " \n"), []byte("{")) {
		*raw = ans.Body
		return nil
	}
	var e envelope
	if err := json.Unmarshal(ans.Body, &e); err != nil {
		return &Error{API: path, Code: -1, Msg: "the answer is no JSON", Class: Busy, Lost: true}
	}
	if e.ErrCode != 0 {
		return &Error{API: path, Code: e.ErrCode, Msg: e.ErrMsg, Class: classOf(path, e.ErrCode), Until: c.note(path, e.ErrCode)}
	}
	if _, raw := out.(*[]byte); out == nil || raw {
		return nil
	}
	if err := json.Unmarshal(ans.Body, out); err != nil {
		return &Error{API: path, Code: -1, Msg: "the answer has another form", Class: Permanent}
	}
	return nil
}

// note pauses a path whose quota is used up: of the day until midnight in Shanghai, of the minute until the next one.
func (c *Caller) note(path string, code int) (until int64) {
	now := c.Clock.Now()
	switch code {
	case 45009:
		until = clock.Shanghai.EndOfDay(now)
	case 45011, 44990:
		until = (now/clock.Minute + 1) * clock.Minute
	default:
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == nil {
		c.paused = map[string]int64{}
	}
	c.paused[path] = until
	return until
}

// Paused lists the calls whose quota is used up, and until when.
func (c *Caller) Paused() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int64{}
	for path, until := range c.paused {
		if until > c.Clock.Now() {
			out[path] = until
		}
	}
	return out
}

func (c *Caller) pausedUntil(path string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused[path]
}

// encode writes JSON as the platform wants it: UTF-8, no \u for what is no control character.
func encode(in any) ([]byte, error) {
	if in == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(in); err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// StableToken is the Fetch of 服务号 and 小程序, in the mode in which nobody else's token ends.
func StableToken(c *Caller, app channels.App) func(context.Context) (string, int64, error) {
	return func(ctx context.Context) (string, int64, error) {
		var out struct {
			Token   string `json:"access_token"`
			Expires int64  `json:"expires_in"`
		}
		err := c.again(ctx, func() error {
			return c.Open(ctx, http.MethodPost, "/cgi-bin/stable_token", nil, map[string]any{
				"grant_type": "client_credential", "appid": app.AppID, "secret": app.Secret.Reveal()}, &out)
		})
		if err == nil && strings.TrimSpace(out.Token) == "" {
			err = &Error{API: "/cgi-bin/stable_token", Code: -1, Msg: "no token in the answer", Class: Busy}
		}
		return out.Token, out.Expires, err
	}
}
