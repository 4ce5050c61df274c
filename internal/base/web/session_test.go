package web_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/web"
)

// visit sends a request from a place: its host, its peer, with or without TLS.
func (s *shop) visit(method, path, host, peer string, secure bool, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(""))
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader(`{"code":"1"}`))
	}
	r.Host, r.RemoteAddr, r.Header = host, peer, header
	r.Header.Set("Content-Type", "application/json")
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	w := httptest.NewRecorder()
	s.srv.Handler().ServeHTTP(w, r)
	return w
}

func TestTheSessionCookieFitsThePlace(t *testing.T) {
	t.Parallel()
	const short, long = "gx=" + secretToken + "; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax",
		"__Host-gx=" + secretToken + "; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	for _, c := range []struct {
		host, peer string
		secure     bool
		header     http.Header
		want       string
	}{
		{"vip.example.cn", "203.0.113.9:1", true, http.Header{}, long},
		{"vip.example.cn", "203.0.113.9:1", false, http.Header{}, long},
		{"localhost:8080", "127.0.0.1:1", false, http.Header{}, short},
		{"127.0.0.1:8080", "127.0.0.1:1", false, http.Header{}, short},
		{"[::1]:8080", "[::1]:1", false, http.Header{}, short},
		{"[::1]", "[::1]:1", false, http.Header{}, short},
		{"localhost:8080", "127.0.0.1:1", true, http.Header{}, long},
		{"localhost:8080", "203.0.113.9:1", false, http.Header{}, long},
		{"vip.example.cn", "127.0.0.1:1", false, http.Header{}, long},
		{"127.0.0.1:8080", "127.0.0.1:1", false, http.Header{"X-Forwarded-For": {"203.0.113.9"}}, long},
	} {
		w := newShop(t).visit("POST", "/api/site/login", c.host, c.peer, c.secure, c.header)
		if got := w.Header().Get("Set-Cookie"); got != c.want {
			t.Errorf("%s from %s: %d %s", c.host, c.peer, w.Code, got)
		}
		if hsts := w.Header().Get("Strict-Transport-Security"); (hsts != "") != c.secure {
			t.Errorf("%s: %q", c.host, hsts)
		}
	}
}

func TestTheSessionIsFoundWhereItMayStand(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, c := range []struct {
		name, host, peer string
		header           http.Header
		status           int
	}{
		{"cookie", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + secretToken}}, 200},
		{"short cookie here", "localhost", "127.0.0.1:1", http.Header{"Cookie": {"gx=" + secretToken}}, 200},
		{"short cookie from afar", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"gx=" + secretToken}}, 401},
		{"mini program", "vip.example.cn", "203.0.113.9:1", http.Header{"Authorization": {"Bearer " + secretToken}}, 200},
		{"another token", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + web.NewToken()}}, 401},
		{"its hash", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + web.TokenHash(secretToken)}}, 401},
		{"none", "vip.example.cn", "203.0.113.9:1", http.Header{}, 401},
		{"another site", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + secretToken}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		{"an old browser on another site", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + secretToken}, "Origin": {"https://evil.example"}}, 403},
		{"our own page", "vip.example.cn", "203.0.113.9:1", http.Header{"Cookie": {"__Host-gx=" + secretToken}, "Sec-Fetch-Site": {"same-origin"}}, 200},
	} {
		w := s.visit("DELETE", "/api/site/session", c.host, c.peer, c.host != "localhost", c.header)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if w.Code == 200 && (!strings.Contains(w.Header().Get("Set-Cookie"), "Max-Age=0") || w.Header().Get("Clear-Site-Data") == "") {
			t.Errorf("%s: %v", c.name, w.Header())
		}
	}
}

func TestTokensAreLongAndDifferent(t *testing.T) {
	t.Parallel()
	a, b := web.NewToken(), web.NewToken()
	if a == b || len(a) != 43 || web.TokenHash(a) == web.TokenHash(b) || len(web.TokenHash(a)) != 43 {
		t.Error(a, b)
	}
}
