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
