package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"guanxi/internal/base/id"
)

// The session cookie. The prefix makes browsers hold it to this host and to TLS; on a developer's own machine
// there is no TLS and the short name stands in.
const (
	secureCookie = "__Host-gx"
	plainCookie  = "gx"
	tokenBytes   = 32
)

// NewToken makes a session token: 256 random bits that mean nothing. Only its TokenHash is stored.
func NewToken() string { return id.Token(tokenBytes) }

// TokenHash is what is stored of a token. It needs no salt: nobody can try 2^256 tokens.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Session makes the Authenticate of a door whose callers bring a session token: browsers in the cookie, the mini
// program as "Authorization: Bearer …". Lookup finds whose session has the hash; a Caller without Kind is nobody.
func Session(lookup func(ctx context.Context, hash string) (Caller, error)) func(*http.Request, []byte) (Caller, error) {
	return func(r *http.Request, _ []byte) (Caller, error) {
		token := sessionToken(r)
		if token == "" {
			return Caller{}, nil
		}
		return lookup(r.Context(), TokenHash(token))
	}
}

func sessionToken(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	name := secureCookie
	if plainLocal(r) {
		name = plainCookie
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// HasSession says whether a browser brings a session, whatever that is worth.
func HasSession(r *http.Request) bool { return sessionToken(r) != "" }

// SessionHash is the TokenHash of the session the request came with, "" when none: what a logout ends.
func (c *Ctx) SessionHash() string {
	token := sessionToken(c.x.r)
	if token == "" {
		return ""
	}
	return TokenHash(token)
}

// SetSession gives the browser a session token for some seconds.
func (c *Ctx) SetSession(token string, seconds int) { c.setCookie(token, seconds) }

// EndSession takes the token from the browser and lets it forget what it keeps of us.
func (c *Ctx) EndSession() {
	c.setCookie("", -1)
	c.x.tap.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

func (c *Ctx) setCookie(token string, seconds int) {
	name, secure := secureCookie, true
	if plainLocal(c.x.r) {
		name, secure = plainCookie, false
	}
	//nolint:gosec // without Secure only on a developer's own machine, where there is no TLS
	http.SetCookie(&c.x.tap, &http.Cookie{Name: name, Value: token, Path: "/", MaxAge: seconds, Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
