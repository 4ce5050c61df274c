package app

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	door "guanxi/internal/base/web"
	"guanxi/web"
)

// langCookie is where the members' pages leave the language that was chosen, for the request ahead of them.
const langCookie = "gx_lang"

// ahead has the browser of a member ask for what the home page shows while it still fetches the page's program: a round trip less on a
// poor network.
func ahead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == web.MemberPath && door.HasSession(r) {
			lang := "zh"
			if c, err := r.Cookie(langCookie); err == nil && c.Value == "en" {
				lang = "en"
			}
			w.Header().Set("Link", `</api/member/me/home?early=true&lang=`+lang+`>; rel=preload; as=fetch; crossorigin`)
		}
		next.ServeHTTP(w, r)
	})
}

// inWeChat lets the members' pages take the JS-SDK from where the configuration says, and be shown by the phone of the emulator.
// No other page is relaxed.
func (a *App) inWeChat(next http.Handler) http.Handler {
	script := ""
	if u, err := url.Parse(a.Channels.Hosts.JSSDK); err == nil && u.Host != "" && len(a.Channels.OA) > 0 {
		script = u.Scheme + "://" + u.Host
	}
	if script == "" && a.framer == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, web.MemberPath) {
			w = &relaxed{ResponseWriter: w, script: script, framer: a.framer}
			if a.framer != "" && r.URL.Path == web.MemberPath && r.Header.Get("Sec-Fetch-Dest") == "iframe" {
				a.inWebview(next, w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// inWebview gives a page what WeChat's own browser would: the phone of the emulator can't do it from outside.
func (a *App) inWebview(next http.Handler, w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Accept-Encoding")
	r.Header.Del("If-None-Match")
	page := &kept{ResponseWriter: w, status: http.StatusOK}
	next.ServeHTTP(page, r)
	text := strings.Replace(page.text.String(), "<head>", `<head><script src="`+a.framer+`/open/js/webview.js"></script>`, 1)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.Header().Del("Etag")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(page.status)
	_, _ = io.WriteString(w, text)
}

// kept holds a page back until it is changed.
type kept struct {
	http.ResponseWriter
	status int
	text   bytes.Buffer
}

// WriteHeader remembers the status.
func (k *kept) WriteHeader(status int) { k.status = status }

// Write remembers a part of the page.
func (k *kept) Write(b []byte) (int, error) { return k.text.Write(b) }

// relaxed changes the policy of a page just before its headers go out.
type relaxed struct {
	http.ResponseWriter
	script, framer string
	begun          bool
}

func (x *relaxed) begin() {
	if x.begun {
		return
	}
	x.begun = true
	policy := x.Header().Get("Content-Security-Policy")
	if x.script != "" {
		policy = strings.Replace(policy, "script-src 'self'", "script-src 'self' "+x.script, 1)
	}
	if x.framer != "" {
		policy = strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors "+x.framer, 1)
	}
	x.Header().Set("Content-Security-Policy", policy)
}

// WriteHeader sends the status with the changed policy.
func (x *relaxed) WriteHeader(status int) { x.begin(); x.ResponseWriter.WriteHeader(status) }

// Write sends a part of the page.
func (x *relaxed) Write(b []byte) (int, error) { x.begin(); return x.ResponseWriter.Write(b) }
