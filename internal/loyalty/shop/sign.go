package shop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"guanxi/internal/base/id"
)

// The profile GX1: how a partner signs a request. The signed text is
//
//	METHOD \n path \n query \n X-GX-Timestamp \n X-GX-Nonce \n Idempotency-Key or nothing \n hex(sha256(body)) \n
//
// with the path as it stands in the request line; the query's pairs decoded ("+" is a space), sorted by name and
// encoded again after RFC 3986, joined by "&" and each name followed by "="; no name twice. The time is in seconds;
// the nonce is 16 to 64 letters, digits, "-" and "_", and holds at least 96 bits of chance.
const (
	Algorithm       = "GX1-HMAC-SHA256"
	TimestampHeader = "X-GX-Timestamp"
	NonceHeader     = "X-GX-Nonce"
)

// Request is what a signature is about.
type Request struct {
	Method    string
	Path      string // escaped, as in the request line
	Query     string // as in the request line, without "?"
	Timestamp string
	Nonce     string
	Key       string // the idempotency key; may be empty
	Body      []byte
}

// requestOf takes the parts from an HTTP request; false when a header of the signature stands there twice.
func requestOf(r *http.Request, body []byte) (q Request, authorization string, ok bool) {
	q = Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Body: body}
	ok = true
	one := func(name string) string {
		values := r.Header.Values(name)
		ok = ok && len(values) <= 1
		return strings.Join(values, "")
	}
	q.Timestamp, q.Nonce, q.Key = one(TimestampHeader), one(NonceHeader), one("Idempotency-Key")
	return q, one("Authorization"), ok
}

// Canonical is the text that is signed; false for a request that has none. Requests that differ in any part give
// different texts: every part but the last, which has a fixed form, ends at the first line feed.
func (q *Request) Canonical() ([]byte, bool) {
	query, ok := canonicalQuery(q.Query)
	if !ok || !isNonce(q.Nonce) {
		return nil, false
	}
	parts := []string{q.Method, q.Path, query, q.Timestamp, q.Nonce, q.Key}
	text := make([]byte, 0, 256)
	for _, p := range parts {
		if strings.Contains(p, "\n") {
			return nil, false
		}
		text = append(append(text, p...), '\n')
	}
	sum := sha256.Sum256(q.Body)
	return append(hex.AppendEncode(text, sum[:]), '\n'), true
}

// canonicalQuery reads a query as the routes do. A name that stands there twice is refused: sorting would hide
// which value comes first.
func canonicalQuery(raw string) (string, bool) {
	if raw == "" {
		return "", true
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 {
			return "", false
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(name) + "=" + escape(values[name][0]))
	}
	return b.String(), true
}

// escape encodes all but RFC 3986's unreserved characters.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func isNonce(s string) bool {
	if len(s) < 16 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func mac(secret, text []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(text)
	return h.Sum(nil)
}

// Sign signs a request with a partner's key as its owner would: it sets the time, a fresh nonce and the signature.
// Set the idempotency key before.
func Sign(r *http.Request, body []byte, key, secret string, now int64) {
	r.Header.Set(TimestampHeader, strconv.FormatInt(now/1000, 10))
	r.Header.Set(NonceHeader, id.Token(16))
	q, _, _ := requestOf(r, body)
	text, _ := q.Canonical()
	r.Header.Set("Authorization", authorization(key, mac([]byte(secret), text)))
}

func authorization(key string, sum []byte) string {
	return Algorithm + ` key="` + key + `", signature="` + base64.StdEncoding.EncodeToString(sum) + `"`
}

// parseAuthorization reads the header; what is not of its form gives an empty key or signature.
func parseAuthorization(s string) (key string, sum []byte) {
	s, ok := strings.CutPrefix(s, Algorithm+` key="`)
	key, sig, found := strings.Cut(s, `", signature="`)
	sig, closed := strings.CutSuffix(sig, `"`)
	if !ok || !found || !closed {
		return "", nil
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(sig)
	if err != nil {
		return "", nil
	}
	return key, sum
}
