package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// follow asks for an entry link as a browser does.
func (w *house) follow(method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, httptest.NewRequest(method, path, nil))
	return rec
}

func TestEntryLinksArePutUpAndStopped(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	w.hire("ops", staff.Grant{Role: staff.Operations})
	add := func(body string, status int) (out linkOut) {
		t.Helper()
		w.ask("ops", "POST", "/links", body, status, &out)
		return out
	}
	zone := add(`{"code":"brand-zone","name":"微信品牌专区","page":"checkin","opens":"h5","channel":"search","store":"S5","source":"wechat","medium":"brand_zone","campaign":"2026-spring"}`, 201)
	if !strings.HasSuffix(zone.URL, "/l/brand-zone") || zone.State != "on" || zone.Store != "S5" || zone.Medium != "brand_zone" || zone.By != "OPS" {
		t.Errorf("%+v", zone)
	}
	made := add(`{"name":"首页浮层","page":"home","opens":"mini"}`, 201)
	if len(made.Code) < 8 || made.Mini {
		t.Errorf("%+v", made)
	}
	for _, bad := range []string{`{"code":"brand-zone","name":"x","page":"home","opens":"h5"}`} {
		add(bad, 409)
	}
	for _, bad := range []string{`{"code":"A b","name":"x","page":"home","opens":"h5"}`, `{"name":" ","page":"home","opens":"h5"}`, `{"name":"x","page":"//evil.example","opens":"h5"}`,
		`{"name":"x","page":"home","opens":"https://evil.example"}`} {
		add(bad, 422)
	}
	add(`{"name":"x","page":"home","opens":"h5","store":"nowhere"}`, 404)

	got := w.follow(http.MethodGet, "/l/brand-zone?next=https://evil.example")
	if to := got.Header().Get("Location"); got.Code != http.StatusFound || to != "/m/?l=brand-zone#/more/checkin/checkin" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d to %s %v", got.Code, to, got.Header())
	}
	if to := w.follow(http.MethodGet, "/l/"+made.Code).Header().Get("Location"); to != "/m/?l="+made.Code+"#/pages/home/home" { // there is no mini program
		t.Error(to)
	}
	_ = w.follow(http.MethodHead, "/l/brand-zone") // what only looks is no visit
	var one linkOut
	body := `{"name":"品牌专区","page":"home","opens":"h5","state":%q}`
	w.ask("ops", "PUT", "/links/brand-zone", fmt.Sprintf(body, "stopped"), 200, &one)
	if one.Visits != 1 || one.State != "stopped" || one.Channel != "" || one.Name != "品牌专区" {
		t.Errorf("%+v", one)
	}
	w.ask("ops", "PUT", "/links/nothing", fmt.Sprintf(body, "on"), 404, nil)
	for path, status := range map[string]int{"/l/brand-zone": 410, "/l/nothing": 404, "/l/..%2f..%2fetc": 404, "/l/%3Cscript%3E": 404} {
		rec := w.follow(http.MethodGet, path)
		if page := rec.Body.String(); rec.Code != status || !strings.Contains(page, `href="/m/"`) || strings.Contains(page, "script") || rec.Header().Get("Location") != "" {
			t.Errorf("%s: %d %s", path, rec.Code, page)
		}
	}
	w.ask("ops", "PUT", "/links/brand-zone", fmt.Sprintf(body, "on"), 200, nil)
	if got := w.follow(http.MethodGet, "/l/brand-zone"); got.Header().Get("Location") != "/m/?l=brand-zone#/pages/home/home" {
		t.Error(got.Header())
	}

	var page web.Page[linkOut]
	w.ask("ops", "GET", "/links?limit=1", "", 200, &page)
	if len(page.Data) != 1 || page.Data[0].Code != made.Code || page.Next == "" {
		t.Fatalf("%+v", page)
	}
	w.ask("ops", "GET", "/links?limit=1&cursor="+page.Next, "", 200, &page)
	if len(page.Data) != 1 || page.Data[0].Code != "brand-zone" || page.Data[0].Visits != 2 {
		t.Errorf("%+v", page)
	}
	w.ask("ops", "GET", "/links?cursor=x", "", 422, nil)
}
