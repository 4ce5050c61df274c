package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Header values that are the same on every answer; kept as slices so that setting them costs nothing.
var (
	noSniff     = []string{"nosniff"}
	noStore     = []string{"no-store"}
	referrer    = []string{"strict-origin-when-cross-origin"}
	sameOrigin  = []string{"same-origin"}
	transport   = []string{"max-age=63072000; includeSubDomains"}
	nothingCSP  = []string{"default-src 'none'; frame-ancestors 'none'"}
	pageCSP     = []string{PagePolicy}
	revalidated = []string{"no-cache"}
)

// PagePolicy is the content security policy of pages: everything from ourselves, nothing inline.
const PagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// guardHeaders sets what every answer carries; whoever serves a page relaxes the policy for it.
func (x *exchange) guardHeaders() {
	h := x.tap.w.Header()
	h["X-Request-Id"] = []string{x.id}
	h["X-Content-Type-Options"] = noSniff
	h["Referrer-Policy"] = referrer
	h["Cross-Origin-Opener-Policy"] = sameOrigin
	h["Content-Security-Policy"] = nothingCSP
	h["Cache-Control"] = noStore
	if x.s.secure(x.r) {
		h["Strict-Transport-Security"] = transport
	}
}

// pageHeaders turns the headers of an answer into those of a page or its parts.
func pageHeaders(h http.Header) {
	h["Content-Security-Policy"] = pageCSP
	h["Cache-Control"] = revalidated
}

// secure says whether the caller came by TLS, directly or to a proxy we trust.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || len(s.opt.TrustedProxies) > 0 && r.Header.Get("X-Forwarded-Proto") == "https"
}

// clientAddress makes RemoteAddr the caller's. Behind proxies it is the last address of X-Forwarded-For that
// no proxy of ours has written; from anyone else these headers are lies and are dropped.
func (s *Server) clientAddress(r *http.Request) {
	if len(s.opt.TrustedProxies) == 0 {
		return
	}
	if !s.trusts(remote(r)) {
		r.Header.Del("X-Forwarded-For")
		r.Header.Del("X-Forwarded-Proto")
		return
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return
		}
		r.RemoteAddr = netip.AddrPortFrom(a, 0).String()
		if !s.trusts(a) {
			return
		}
	}
}

func (s *Server) trusts(a netip.Addr) bool {
	for _, p := range s.opt.TrustedProxies {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// remote is the address in RemoteAddr, the zero address when there is none.
func remote(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}

// plainLocal says whether the request came without TLS from a browser on this very machine: a developer's.
func plainLocal(r *http.Request) bool {
	if r.TLS != nil || !remote(r).Unmap().IsLoopback() || r.Header.Get("X-Forwarded-For") != "" {
		return false
	}
	host := r.Host
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// PlainLocal is for handlers that set a cookie by themselves: whether it must do without Secure, on a developer's own machine.
func PlainLocal(r *http.Request) bool { return plainLocal(r) }
