package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// signed asks the partner door with a key.
func (w *house) signed(key, secret, method, path, body string, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", "signed-"+key+path)
	shop.Sign(r, []byte(body), key, secret, w.clock.Now())
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, r)
	if rec.Code != status {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, rec.Code, status, rec.Body)
	}
	return rec
}

func TestAPartnerIsMadeGetsAKeyAndLosesIt(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	w.hire("ada", staff.Grant{Role: staff.SystemAdmin})
	w.enter("ada")
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	w.enter("sec")
	partner := `{"name":"tills","scopes":["members.write","orders.write"],"reason":"new tills"}`
	var done staff.Done
	w.ask("ada", "POST", "/partners", partner, http.StatusAccepted, &done) // scopes that move value take two
	w.agree("sec", *done.Approval)
	var list partnersOut
	w.ask("ada", "GET", "/partners", "", http.StatusOK, &list)
	if len(list.Data) != 1 || list.Data[0].Name != "tills" {
		t.Fatalf("partners %+v", list.Data)
	}
	path := "/partners/" + list.Data[0].ID.String() + "/keys"
	var key newKeyOut
	rec := w.ask("ada", "POST", path, "", http.StatusCreated, &key)
	has(t, rec, `"secret":"`)
	w.signed(key.Name, key.Secret, "POST", "/api/partner/members", `{"identities":[{"kind":"card","issuer":"x","value":"1"}]}`, http.StatusCreated)
	again := w.ask("ada", "GET", "/partners", "", http.StatusOK, nil)
	if strings.Contains(again.Body.String(), key.Secret) {
		t.Error("the list shows a secret")
	}
	w.ask("ada", "DELETE", "/keys/"+key.ID.String(), "", http.StatusOK, nil)
	w.signed(key.Name, key.Secret, "POST", "/api/partner/member-lookups", `{"kind":"card","issuer":"x","value":"1"}`, http.StatusUnauthorized)
	w.view(func(v *db.View) {
		if n, wrong := staff.VerifyLog(v); wrong != nil || n < 4 {
			t.Errorf("log of %d rows: %+v", n, wrong)
		}
	})
}

func TestStoresAreKept(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	w.hire("ada", staff.Grant{Role: staff.SystemAdmin})
	w.enter("ada")
	var st storeOut
	w.ask("ada", "POST", "/stores", `{"code":"SH-01","name_zh":"上海一店","name_en":"Shanghai 1"}`, http.StatusCreated, &st)
	w.ask("ada", "POST", "/stores", `{"code":"SH-01","name_zh":"重复","name_en":"Twice"}`, http.StatusConflict, nil)
	w.ask("ada", "POST", "/stores", `{"code":"no spaces","name_zh":"坏","name_en":"Bad"}`, http.StatusUnprocessableEntity, nil)
	w.ask("ada", "PUT", "/stores/"+st.ID.String(), `{"code":"SH-01","name_zh":"上海一店","name_en":"Shanghai 1","status":"closed"}`, http.StatusOK, &st)
	var page web.Page[storeOut]
	w.ask("ada", "GET", "/stores?limit=1", "", http.StatusOK, &page)
	if len(page.Data) != 1 || page.Next == "" || st.Status != "closed" {
		t.Errorf("page %+v, store %+v", page, st)
	}
}
