package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built() *app {
	return mustApp(fstest.MapFS{
		"dist/console/index.html":          {Data: []byte("<!doctype html>plain")},
		"dist/console/index.html.gz":       {Data: []byte("zipped page")},
		"dist/console/assets/a-1f.js":      {Data: []byte("let a")},
		"dist/console/assets/a-1f.js.gz":   {Data: []byte("zipped script")},
		"dist/console/assets/a-1f.js.br":   {Data: []byte("dense script")},
		"dist/console/icon.svg":            {Data: []byte("<svg/>")},
		"dist/console/assets/font-2.woff2": {Data: []byte("font")},
	}, "dist/console", ConsolePath, consolePolicy)
}

func ask(h http.Handler, method, at string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, at, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestAnAppIsServed(t *testing.T) {
	t.Parallel()
	const forEver, ask0 = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		at, encoding, body, media, cache string
		status                           int
	}{
		{"/console/", "", "<!doctype html>plain", "text/html; charset=utf-8", ask0, 200},
		{"/console/", "br, gzip", "zipped page", "text/html; charset=utf-8", ask0, 200},
		{"/console/", "gzip;q=0", "<!doctype html>plain", "text/html; charset=utf-8", ask0, 200},
		{"/console/", "gzip;q=0.5", "zipped page", "text/html; charset=utf-8", ask0, 200},
		{"/console/members/12", "", "<!doctype html>plain", "text/html; charset=utf-8", ask0, 200},
		{"/console/assets/a-1f.js", "gzip", "zipped script", "text/javascript; charset=utf-8", forEver, 200},
		{"/console/assets/a-1f.js", "gzip, br", "dense script", "text/javascript; charset=utf-8", forEver, 200},
		{"/console/assets/a-1f.js", "gzip, br;q=0", "zipped script", "text/javascript; charset=utf-8", forEver, 200},
		{"/console/assets/a-1f.js.br", "br", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
		{"/console/assets/a-1f.js", "", "let a", "text/javascript; charset=utf-8", forEver, 200},
		{"/console/assets/font-2.woff2", "gzip", "font", "font/woff2", forEver, 200},
		{"/console/icon.svg", "", "<svg/>", "image/svg+xml", ask0, 200},
		{"/console/assets/old-1.js", "", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
		{"/console/index.html.gz", "", "404 page not found\n", "text/plain; charset=utf-8", "", 404},
	} {
		rec := ask(built(), http.MethodGet, c.at, "Accept-Encoding", c.encoding)
		h := rec.Header()
		if rec.Code != c.status || rec.Body.String() != c.body || h.Get("Content-Type") != c.media || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s %q: %d %q %v", c.at, c.encoding, rec.Code, rec.Body, h)
		}
		if zipped := strings.HasPrefix(rec.Body.String(), "zipped"); zipped != (h.Get("Content-Encoding") == "gzip") {
			t.Errorf("%s %q: says %q", c.at, c.encoding, h.Get("Content-Encoding"))
		}
		if dense := strings.HasPrefix(rec.Body.String(), "dense"); dense != (h.Get("Content-Encoding") == "br") {
			t.Errorf("%s %q: says %q", c.at, c.encoding, h.Get("Content-Encoding"))
		}
		if c.status == 200 && h.Get("Content-Security-Policy") != consolePolicy {
			t.Errorf("%s: policy %q", c.at, h.Get("Content-Security-Policy"))
		}
	}
}

func TestWhatIsUnchangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"", "gzip"} {
		first := ask(built(), http.MethodGet, "/console/", "Accept-Encoding", encoding)
		again := ask(built(), http.MethodGet, "/console/", "Accept-Encoding", encoding, "If-None-Match", first.Header().Get("ETag"))
		if again.Code != http.StatusNotModified {
			t.Errorf("%q: %d", encoding, again.Code)
		}
	}
	plain, zipped := ask(built(), http.MethodGet, "/console/"), ask(built(), http.MethodGet, "/console/", "Accept-Encoding", "gzip")
	if plain.Header().Get("ETag") == zipped.Header().Get("ETag") {
		t.Error("one tag for two contents")
	}
}

func TestAppsOnlyRead(t *testing.T) {
	t.Parallel()
	if rec := ask(built(), http.MethodPost, "/console/"); rec.Code != http.StatusMethodNotAllowed {
		t.Error(rec.Code)
	}
	if rec := ask(built(), http.MethodHead, "/console/"); rec.Code != 200 || rec.Body.Len() != 0 {
		t.Error(rec.Code, rec.Body)
	}
}

func TestABinaryWithoutAppsSaysHowToGetThem(t *testing.T) {
	t.Parallel()
	empty := mustApp(fstest.MapFS{"dist/README.md": {}}, "dist/console", ConsolePath, consolePolicy)
	rec := ask(empty, http.MethodGet, "/console/members")
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "make web") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestTheRootLeadsToTheConsole(t *testing.T) {
	t.Parallel()
	for at, to := range map[string]string{"/": ConsolePath, "/console": ConsolePath, "/m": MemberPath} {
		rec := ask(Handler(), http.MethodGet, at)
		if rec.Code < 300 || rec.Code > 399 || rec.Header().Get("Location") != to {
			t.Errorf("%s: %d %q", at, rec.Code, rec.Header().Get("Location"))
		}
	}
	if rec := ask(Handler(), http.MethodGet, "/other"); rec.Code != 404 {
		t.Error(rec.Code)
	}
}
