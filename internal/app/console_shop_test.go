package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// signed asks the partner door with a key.
func (w *house) signed(key, secret, method, path, body string, status int) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w.keys++
	r.Header.Set("Idempotency-Key", fmt.Sprint("signed-", w.keys))
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
	w.ask("ada", "POST", "/stores", `{"code":"BJ-01","name_zh":"北京一店","name_en":"Beijing 1","region":"华北"}`, http.StatusCreated, nil)
	for query, code := range map[string]string{"status=closed": "SH-01", "region=%E5%8D%8E%E5%8C%97&brand=1": "BJ-01"} {
		if w.ask("ada", "GET", "/stores?"+query, "", http.StatusOK, &page); len(page.Data) != 1 || page.Data[0].Code != code {
			t.Errorf("%s: %+v", query, page.Data)
		}
	}
}

func TestATerminalWorksAtItsStoreAndNotWhileItIsStopped(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	w.hire("ada", staff.Grant{Role: staff.SystemAdmin})
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	var east, west storeOut
	w.ask("ada", "POST", "/stores", `{"code":"E-01","name_zh":"东店","name_en":"East"}`, http.StatusCreated, &east)
	w.ask("ada", "POST", "/stores", `{"code":"W-01","name_zh":"西店","name_en":"West"}`, http.StatusCreated, &west)
	var done staff.Done
	w.ask("ada", "POST", "/partners", `{"name":"tills","scopes":["members.write","members.read"],"reason":"new tills"}`, http.StatusOK, &done)
	var list partnersOut
	w.ask("ada", "GET", "/partners", "", http.StatusOK, &list)
	partner := list.Data[0].ID.String()
	body := func(code, name string, st storeOut, more string) string {
		return `{"code":"` + code + `","name":"` + name + `","store":"` + st.ID.String() + `"` + more + `}`
	}
	var till terminalOut
	w.ask("ada", "POST", "/terminals", body("T 1", "前台", east, ""), http.StatusUnprocessableEntity, nil)
	w.ask("ada", "POST", "/terminals", `{"code":"T1","name":"前台","store":"7"}`, http.StatusNotFound, nil)
	w.ask("ada", "POST", "/terminals", body("T1", "前台", east, ""), http.StatusCreated, &till)
	w.ask("ada", "POST", "/terminals", body("T1", "后台", west, ""), http.StatusConflict, nil)
	path := "/terminals/" + till.ID.String()
	w.ask("ada", "POST", path+"/keys", "", http.StatusConflict, nil) // no program runs on it yet
	mine := `,"partner":"` + partner + `"`
	w.ask("ada", "PUT", path, body("T1", "前台", east, mine), http.StatusOK, &till)
	var key newKeyOut
	w.ask("ada", "POST", path+"/keys", "", http.StatusCreated, &key)
	join := func(card, store string) string {
		return `{"identities":[{"kind":"card","issuer":"x","value":"` + card + `"}],"store":"` + store + `"}`
	}
	members := "/api/partner/members"
	w.signed(key.Name, key.Secret, "POST", members, join("1", "W-01"), http.StatusForbidden)
	w.signed(key.Name, key.Secret, "POST", members, join("1", "E-01"), http.StatusCreated)

	w.ask("ada", "PUT", path, body("T1", "前台二号", west, mine), http.StatusOK, &till)
	w.signed(key.Name, key.Secret, "POST", members, join("2", "E-01"), http.StatusForbidden)
	w.signed(key.Name, key.Secret, "POST", members, join("2", ""), http.StatusCreated)

	w.ask("ada", "PUT", path, body("T1", "前台二号", west, mine+`,"status":"stopped","reason":"lost"`), http.StatusOK, &till)
	w.signed(key.Name, key.Secret, "POST", members, join("3", ""), http.StatusUnauthorized)
	w.ask("ada", "POST", path+"/keys", "", http.StatusConflict, nil)
	w.ask("ada", "PUT", path, body("T1", "前台二号", west, mine), http.StatusOK, &till)
	w.signed(key.Name, key.Secret, "POST", members, join("3", ""), http.StatusCreated)

	w.ask("ada", "POST", "/terminals", body("T2", "后仓", east, ""), http.StatusCreated, nil)
	var page web.Page[terminalOut]
	w.ask("ada", "GET", "/terminals?limit=1", "", http.StatusOK, &page)
	if len(page.Data) != 1 || page.Next == "" || page.Data[0].Name != "前台二号" || page.Data[0].StoreCode != "W-01" || page.Data[0].Who != "tills" || len(page.Data[0].Keys) != 1 {
		t.Errorf("%+v", page)
	}
	w.ask("ada", "GET", "/terminals?store="+east.ID.String(), "", http.StatusOK, &page)
	if len(page.Data) != 1 || page.Data[0].Code != "T2" {
		t.Errorf("of the one store: %+v", page)
	}
	w.ask("ada", "GET", "/terminals?status=stopped", "", http.StatusOK, &page)
	if len(page.Data) != 0 {
		t.Errorf("stopped: %+v", page)
	}
	w.ask("ada", "GET", "/partners", "", http.StatusOK, &list)
	if len(list.Data[0].Keys) != 0 {
		t.Errorf("the terminal's key stands with the partner's own: %+v", list.Data[0].Keys)
	}
	w.ask("ada", "PUT", path, body("T1", "前台二号", west, ""), http.StatusOK, &till) // another program: the key goes
	w.ask("ada", "PUT", path, body("T1", "前台二号", west, mine), http.StatusOK, &till)
	w.signed(key.Name, key.Secret, "POST", members, join("4", ""), http.StatusUnauthorized)
}

func TestAnOrderKeepsTheTerminalThatToldOfIt(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var at shop.Terminal
	var key [2]struct{ name, secret string }
	w.write(func(tx *db.Tx) error {
		p, err := w.app.Shop.SavePartner(tx, shop.Partner{Name: "tills", Scopes: []string{"orders.write"}, Status: shop.Active})
		if err != nil {
			return err
		}
		if at, err = w.app.Shop.SaveTerminal(tx, shop.Terminal{Code: "T1", Name: "前台", Store: w.store.ID, Partner: p.ID, Status: shop.Active}); err != nil {
			return err
		}
		mine, secret, err := w.app.Shop.NewTerminalKey(tx, at.ID)
		if err != nil {
			return err
		}
		key[0].name, key[0].secret = mine.Name, secret.Reveal()
		mine, secret, err = w.app.Shop.NewKey(tx, p.ID)
		key[1].name, key[1].secret = mine.Name, secret.Reveal()
		return err
	})
	tell := func(n int, no string, status int) {
		t.Helper()
		w.signed(key[n].name, key[n].secret, "POST", "/api/partner/orders", fmt.Sprintf(`{"no":%q,"amount_fen":100,"store":%q,"occurred_at":%d}`, no, w.store.Code, w.clock.Now()), status)
	}
	tell(0, "a", http.StatusCreated)
	tell(1, "b", http.StatusCreated)
	tell(1, "a", http.StatusOK) // the same order, told by the partner's own system too: it stands as it was
	var page struct {
		Data []struct {
			Source, No string
			Terminal   *tillOf
		}
	}
	w.ask("ops", "GET", "/orders/list", "", http.StatusOK, &page)
	if len(page.Data) != 2 || page.Data[0].No != "b" || page.Data[0].Terminal != nil || page.Data[1].Terminal == nil || *page.Data[1].Terminal != (tillOf{"T1", "前台", w.store.Code}) {
		t.Fatalf("%+v", page.Data)
	}
	one := fmt.Sprintf("/orders?source=%s&no=a", url.QueryEscape(page.Data[1].Source))
	has(t, w.ask("ops", "GET", one, "", http.StatusOK, nil), `"terminal":{"id":"`+id.String(at.ID)+`","code":"T1"`)
	if got := w.listed("terminal="+id.String(at.ID), 10) + w.listed("terminal=7", 10); got != "a " {
		t.Errorf("of the terminal: %s", got)
	}
	lines := string(w.export("ops", `{"list":"orders","format":"csv","filter":[{"name":"terminal","value":"`+id.String(at.ID)+`"}]}`))
	if strings.Count(lines, "\n") != 2 || !strings.Contains(lines, ",T1,前台") {
		t.Errorf("%s", lines)
	}
}

type tillOf struct {
	Code, Name string
	StoreCode  string `json:"store_code"`
}

func TestPeopleAndImportsAreListedByStateAndText(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("ada", staff.Grant{Role: staff.SystemAdmin})
	w.write(func(tx *db.Tx) error {
		return w.app.Staff.SetStatus(tx, staff.Who{Operator: w.ids["root"]}, w.ids["care"], staff.Blocked, "left")
	})
	for query, want := range map[string]string{"status=blocked": "care", "text=CAR": "care", "text=car&status=active": "", "text=SHOP": "shop5", "text=nobody": ""} {
		var page struct{ Data []struct{ Login string } }
		w.ask("ada", "GET", "/operators?"+query, "", http.StatusOK, &page)
		got := ""
		for _, o := range page.Data {
			got += o.Login
		}
		if got != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	whole := w.uploaded()
	w.ask("ops", "POST", "/imports", `{"name":"Old-Orders.csv","size":10}`, http.StatusCreated, nil)
	for query, want := range map[string]int{"": 2, "state=uploading": 1, "text=old-o": 1, "text=old-o&state=ready": 0, "state=done": 0} {
		var page struct{ Data []struct{ Name, ID string } }
		if w.ask("ops", "GET", "/imports?"+query, "", http.StatusOK, &page); len(page.Data) != want {
			t.Errorf("%s: %+v", query, page.Data)
		}
		if query == "" && page.Data[1].ID != whole {
			t.Errorf("%+v", page.Data)
		}
	}
}

func TestAWebhookIsAddedAndItsSecretIsShownOnce(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	w.hire("ada", staff.Grant{Role: staff.SystemAdmin})
	since := w.logged()
	var hook newWebhookOut
	has(t, w.ask("ada", "POST", "/webhooks", `{"url":"ftp://x"}`, http.StatusUnprocessableEntity, nil), `"field":"url"`)
	w.ask("ada", "POST", "/webhooks", `{"url":"https://example.com/hook","kinds":["order.paid"]}`, http.StatusCreated, &hook)
	list := w.ask("ada", "GET", "/webhooks", "", http.StatusOK, nil)
	has(t, list, `"url":"https://example.com/hook"`)
	if !strings.HasPrefix(hook.Secret, "whsec_") || strings.Contains(list.Body.String(), hook.Secret) {
		t.Errorf("%+v", hook)
	}
	if got := fmt.Sprint(w.acts(since)); got != "[webhook.add]" {
		t.Error(got)
	}
}
