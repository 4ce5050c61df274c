package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyAMembersBrowserAsksAhead(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	for _, c := range []struct {
		at, cookie, want string
	}{
		{"/m/", "__Host-gx=x", "zh"}, {"/m/", "", ""}, {"/m/assets/a.js", "__Host-gx=x", ""}, {"/console/", "__Host-gx=x", ""},
		{"/m/", "__Host-gx=x; gx_lang=en", "en"}, {"/m/", "gx_lang=en", ""}, {"/m/", `__Host-gx=x; gx_lang="></x>"`, "zh"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.at, nil)
		r.Header.Set("Cookie", c.cookie)
		rec := httptest.NewRecorder()
		w.front.Handler().ServeHTTP(rec, r)
		want := ""
		if c.want != "" {
			want = "</api/member/me/home?early=true&lang=" + c.want + ">; rel=preload; as=fetch; crossorigin"
		}
		if rec.Header().Get("Link") != want {
			t.Errorf("%s %q: %v", c.at, c.cookie, rec.Header())
		}
	}
}
