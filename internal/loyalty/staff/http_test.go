package staff

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/web"
)

// console is the routes of staff as browsers reach them.
type console struct {
	*desk
	srv *web.Server
}

func openConsole(t *testing.T) *console {
	d := openDesk(t)
	if err := d.d.Migrate(t.Context(), web.Schema); err != nil {
		t.Fatal(err)
	}
	srv := web.New(web.Options{DB: d.d, Clock: d.clock, Title: "t", Version: "1"})
	d.s.OpenDoor(srv)
	d.s.Routes(srv)
	return &console{d, srv}
}

// ask sends a request with a session token, and reads the answer into out.
func (c *console) ask(method, path, token, body string, status int, out any) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, "/api/console"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", method+path+body)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	c.srv.Handler().ServeHTTP(w, r)
	if w.Code != status {
		c.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			c.t.Fatal(err)
		}
	}
	return w
}

// enter logs somebody in and gives the token of the cookie.
func (c *console) enter(login string) string {
	c.t.Helper()
	w := c.ask(http.MethodPost, "/session", "", fmt.Sprintf(`{"login":%q,"password":%q}`, login, secret), 200, nil)
	_, rest, _ := strings.Cut(w.Header().Get("Set-Cookie"), "=")
	token, _, _ := strings.Cut(rest, ";")
	return token
}

func TestConsoleLogsInAndOut(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	c.ask(http.MethodGet, "/session", "", "", 401, nil)
	c.ask(http.MethodPost, "/session", "", `{"login":"maker","password":"wrong"}`, 401, nil)
	token := c.enter("maker")
	var me meOut
	c.ask(http.MethodGet, "/session", token, "", 200, &me)
	if int64(me.ID) != c.maker.Operator || me.Name != "MAKER" || len(me.Permissions) != len(Roles[5].Can) || me.Grants[0].Role != CustomerService {
		t.Errorf("%+v", me)
	}
	c.ask(http.MethodGet, "/log", token, "", 403, nil)
	c.ask(http.MethodDelete, "/session", token, "", 200, nil)
	c.ask(http.MethodGet, "/session", token, "", 401, nil)
}

func TestConsoleSetsUp(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	body := fmt.Sprintf(`{"token":"x","login":"root","name":"Root","password":%q}`, secret)
	c.ask(http.MethodPost, "/setup", "", body, 409, nil) // there are operators in this world
	c.ask(http.MethodPost, "/setup", "", strings.Replace(body, secret, "aaaaaaaaaaaa", 1), 422, nil)
}

func TestAddressIsLimitedWhateverTheNames(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	try := func(i, status int) {
		t.Helper()
		c.ask(http.MethodPost, "/session", "", fmt.Sprintf(`{"login":"name%d","password":"x"}`, i), status, nil)
	}
	for i := range 10 {
		try(i, http.StatusUnauthorized)
	}
	try(10, http.StatusTooManyRequests)
}

func TestConsoleDecidesOnce(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	a := c.desk.ask(5)
	token, own := c.enter("checker"), c.enter("maker")
	var list web.Page[approvalOut]
	c.ask(http.MethodGet, "/approvals", own, "", 200, &list)
	if len(list.Data) != 0 {
		t.Errorf("the maker sees %+v", list)
	}
	// The content is shown as it is, so it is read back as any JSON here.
	var seen struct {
		Data []struct {
			ID      web.ID
			Content adjust
			Digest  string
		}
	}
	c.ask(http.MethodGet, "/approvals", token, "", 200, &seen)
	if len(seen.Data) != 1 || int64(seen.Data[0].ID) != a.ID || seen.Data[0].Content != (adjust{7, 5}) {
		t.Fatalf("%+v", seen)
	}
	path := fmt.Sprintf("/approvals/%d/decision", a.ID)
	yes := fmt.Sprintf(`{"approve":true,"digest":%q}`, seen.Data[0].Digest)
	c.ask(http.MethodPost, path, own, yes, 403, nil)
	c.ask(http.MethodPost, path, token, `{"approve":true,"digest":"x"}`, 409, nil)
	for range 2 { // the same request again is answered alike and does nothing
		var out struct{ State string }
		c.ask(http.MethodPost, path, token, yes, 200, &out)
		if out.State != Executed || c.given != 5 {
			t.Errorf("%+v, given %d", out, c.given)
		}
	}
	c.ask(http.MethodPost, path, token, `{"approve":false,"digest":"","note":"no"}`, 409, nil)
}

func TestAuditorReadsAndVerifiesTheLog(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	c.person("audit", all(Auditor))
	for range 5 {
		c.desk.ask(1)
	}
	token := c.enter("audit")
	var seqs []int64
	next := ""
	for {
		var page web.Page[logOut]
		c.ask(http.MethodGet, "/log?limit=4&cursor="+next, token, "", 200, &page)
		for _, r := range page.Data {
			seqs = append(seqs, r.Seq)
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if fmt.Sprint(seqs) != "[6 5 4 3 2 1]" {
		t.Errorf("rows %v", seqs)
	}
	var v verificationOut
	c.ask(http.MethodGet, "/log/verification", token, "", 200, &v)
	if v.Rows != 6 || v.Wrong != nil || len(v.Head) != 64 {
		t.Errorf("%+v", v)
	}
}
