package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

func TestSecondFactorIsAskedForAndNoCodeWorksTwice(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var begun struct{ Secret, URI string }
	w.ask("ops", "POST", "/second-factor", "", 201, &begun)
	code := func() string {
		c, err := totp.GenerateCode(begun.Secret, w.app.Zone.Time(w.clock.Now()))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%q", c)
	}
	login := func(code string, status int) string {
		body := fmt.Sprintf(`{"login":"ops","password":%q}`, secret)
		if code != "" {
			body = fmt.Sprintf(`{"login":"ops","password":%q,"code":%s}`, secret, code)
		}
		return w.ask("", "POST", "/session", body, status, nil).Body.String()
	}
	login("", 200) // not confirmed yet: nobody is locked out by closing the page
	w.ask("ops", "POST", "/second-factor/confirmation", `{"code":"000000"}`, 401, nil)
	var on struct {
		Codes []string `json:"recovery_codes"`
	}
	used := code()
	w.ask("ops", "POST", "/second-factor/confirmation", fmt.Sprintf(`{"code":%s}`, used), 200, &on)
	if len(on.Codes) != 10 {
		t.Fatal(on)
	}
	w.ask("ops", "POST", "/second-factor", "", 409, nil)
	w.clock.Add(clock.Minute)
	if got := login("", 401); !strings.Contains(got, "staff.code_needed") {
		t.Error(got)
	}
	if got := login(used, 401); !strings.Contains(got, "staff.wrong_code") {
		t.Error("a code of two steps ago is taken: ", got)
	}
	now := code()
	login(now, 200)
	login(now, 401)
	w.clock.Add(clock.Minute)
	login(fmt.Sprintf("%q", on.Codes[3]), 200)
	login(fmt.Sprintf("%q", on.Codes[3]), 401)
	w.enterWith("ops", on.Codes[4])
	has(t, w.ask("ops", "GET", "/second-factor", "", 200, nil), `"state":"on","codes_left":8`)

	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	var d done
	reset := fmt.Sprintf("/operators/%d/second-factor/reset", w.ids["ops"])
	w.ask("root", "POST", reset, `{"reason":"lost the phone"}`, 202, &d)
	has(t, w.ask("ops", "GET", "/second-factor", "", 200, nil), `"state":"on"`)
	w.agree("sec", d.Approval)
	has(t, w.ask("ops", "GET", "/second-factor", "", 200, nil), `"state":"none"`)
	w.ask("root", "POST", reset, `{"reason":"once more"}`, 404, nil)
}

// enterWith logs somebody in who has a second factor.
func (w *house) enterWith(login, code string) {
	w.t.Helper()
	rec := w.ask("", "POST", "/session", fmt.Sprintf(`{"login":%q,"password":%q,"code":%q}`, login, secret, code), 200, nil)
	w.tokens[login] = rec.Result().Cookies()[0].Value
}

func TestGuessedCodesLockTheName(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var begun struct{ Secret string }
	w.ask("ops", "POST", "/second-factor", "", 201, &begun)
	c, _ := totp.GenerateCode(begun.Secret, w.app.Zone.Time(w.clock.Now()))
	w.ask("ops", "POST", "/second-factor/confirmation", fmt.Sprintf(`{"code":%q}`, c), 200, nil)
	for range 5 {
		w.ask("", "POST", "/session", fmt.Sprintf(`{"login":"ops","password":%q,"code":"111111"}`, secret), 401, nil)
	}
	w.ask("", "POST", "/session", fmt.Sprintf(`{"login":"ops","password":%q,"code":"111111"}`, secret), 429, nil)
	w.ask("ops", "POST", "/second-factor/removal", fmt.Sprintf(`{"password":%q}`, secret), 429, nil)
	w.clock.Add(14 * clock.Minute)
	w.ask("ops", "GET", "/session", "", 200, nil)
	w.clock.Add(clock.Minute + clock.Second)
	w.ask("ops", "POST", "/second-factor/removal", `{"password":"not it"}`, 401, nil)
	w.ask("ops", "POST", "/second-factor/removal", fmt.Sprintf(`{"password":%q}`, secret), 200, nil)
	has(t, w.ask("ops", "GET", "/second-factor", "", 200, nil), `"state":"none"`)
}

func TestFiltersAreSavedByOperator(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var one struct{ ID web.ID }
	w.ask("ops", "PUT", "/filters", `{"page":"members","name":"冻结","value":{"status":"frozen"}}`, 200, &one)
	w.ask("ops", "PUT", "/filters", `{"page":"members","name":"冻结","value":{"status":"frozen","columns":["phone"]}}`, 200, nil)
	w.ask("ops", "PUT", "/filters", `{"page":"orders","name":"today","value":{}}`, 200, nil)
	w.ask("ops", "PUT", "/filters", `{"page":"orders","name":"x","value":[1]}`, 422, nil)
	if got := w.ask("ops", "GET", "/filters?page=members", "", 200, nil).Body.String(); !strings.Contains(got, `"columns":["phone"]`) || strings.Contains(got, "today") {
		t.Error(got)
	}
	if got := w.ask("care", "GET", "/filters", "", 200, nil).Body.String(); got != `{"data":[]}` {
		t.Error(got)
	}
	w.ask("care", "DELETE", fmt.Sprintf("/filters/%s", one.ID), "", 404, nil)
	w.ask("ops", "DELETE", fmt.Sprintf("/filters/%s", one.ID), "", 200, nil)
	if got := w.ask("ops", "GET", "/filters", "", 200, nil).Body.String(); strings.Contains(got, "冻结") {
		t.Error(got)
	}
}

func TestWithoutASecondFactorAnAdministratorMayOnlySetOneUp(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	w.hire("sec", staff.Grant{Role: staff.SecurityAdmin})
	due := struct {
		FactorDue   int64 `json:"factor_due"`
		Permissions []string
	}{}
	w.ask("sec", "GET", "/session", "", 200, &due)
	if left := due.FactorDue - w.clock.Now(); left <= 6*clock.Day || left > 7*clock.Day {
		t.Error("the days of grace end in", left)
	}
	w.clock.Add(7 * clock.Day)
	w.enter("sec")
	w.enter("ops")
	w.ask("ops", "GET", "/members", "", 200, nil) // this role needs none
	w.ask("sec", "GET", "/operators", "", 403, nil)
	w.ask("sec", "GET", "/session", "", 200, &due)
	if len(due.Permissions) != 0 {
		t.Error(due)
	}
	var begun struct{ Secret string }
	w.ask("sec", "POST", "/second-factor", "", 201, &begun)
	w.ask("sec", "GET", "/operators", "", 403, nil)
	c, _ := totp.GenerateCode(begun.Secret, w.app.Zone.Time(w.clock.Now()))
	w.ask("sec", "POST", "/second-factor/confirmation", fmt.Sprintf(`{"code":%q}`, c), 200, nil)
	w.ask("sec", "GET", "/operators", "", 200, nil)
	has(t, w.ask("sec", "GET", "/session", "", 200, nil), `"factor_due":0`)

	w.ask("sec", "PUT", "/settings/sign-in", `{"value":{"everyone":true,"days":0},"reason":"all of us"}`, 200, nil)
	w.ask("ops", "GET", "/members", "", 403, nil)
	w.ask("sec", "PUT", "/settings/sign-in", `{"value":{"everyone":false,"days":31},"reason":"too long"}`, 422, nil)
	w.ask("sec", "PUT", "/settings/sign-in", `{"value":{"everyone":false},"reason":"not yet"}`, 200, nil)
	w.ask("ops", "GET", "/members", "", 200, nil)
}

func TestDangerousActsTakeAFreshProof(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	add := func(login string, status int) string {
		return w.ask("root", "POST", "/operators", fmt.Sprintf(`{"login":%q,"name":"New","password":%q}`, login, secret), status, nil).Body.String()
	}
	add("new1", 201)
	w.clock.Add(5 * clock.Minute)
	if got := add("new2", 403); !strings.Contains(got, "login.stale") {
		t.Error(got)
	}
	w.ask("root", "GET", "/operators", "", 200, nil)
	w.ask("root", "POST", "/session/proof", `{"password":"not it"}`, 401, nil)
	add("new2", 403)
	w.ask("root", "POST", "/session/proof", fmt.Sprintf(`{"password":%q}`, secret), 200, nil)
	add("new2", 201)
	w.clock.Add(5*clock.Minute - 1)
	add("new3", 201)
	w.clock.Add(1)
	add("new4", 403)
	// Who has a second factor proves both.
	var begun struct{ Secret string }
	w.ask("ops", "POST", "/second-factor", "", 403, nil)
	w.enter("ops")
	w.ask("ops", "POST", "/second-factor", "", 201, &begun)
	code := func() string {
		c, _ := totp.GenerateCode(begun.Secret, w.app.Zone.Time(w.clock.Now()))
		return c
	}
	w.ask("ops", "POST", "/second-factor/confirmation", fmt.Sprintf(`{"code":%q}`, code()), 200, nil)
	w.clock.Add(clock.Minute)
	has(t, w.ask("ops", "POST", "/session/proof", fmt.Sprintf(`{"password":%q}`, secret), 401, nil), "staff.code_needed")
	w.ask("ops", "POST", "/session/proof", fmt.Sprintf(`{"password":%q,"code":%q}`, secret, code()), 200, nil)
}
