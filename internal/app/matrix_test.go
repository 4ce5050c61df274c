package app

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// seats are the columns of the matrix: one operator each.
var seats = []struct {
	letter string
	role   string
}{
	{"y", staff.SystemAdmin}, {"a", staff.Auditor}, {"o", staff.Operations}, {"f", staff.Finance},
	{"c", staff.CustomerService}, {"m", staff.StoreManager}, {"5", staff.StoreManager}, // the "5" for one store only
	{"s", staff.SecurityAdmin}, // hired last: from then on it takes two to grant a role
}

// admitted says who gets through the door to each route of the console: "*" is everybody, "+" whoever is logged in,
// else the letters of seats. A route that is missing here fails the test, and so does a line without a route.
var admitted = map[string]string{
	"console.operation":                  "+",
	"staff.setup":                        "*",
	"staff.login":                        "*",
	"staff.me":                           "+",
	"staff.logout":                       "+",
	"approval.list":                      "+",
	"approval.decide":                    "+",
	"staff.log":                          "a",
	"staff.verify_log":                   "af",
	"console.session.setup":              "*",
	"console.session.list":               "+",
	"console.session.end":                "+",
	"console.session.password":           "+",
	"console.operator.list":              "ysa",
	"console.operator.get":               "ysa",
	"console.operator.add":               "y",
	"console.operator.status":            "y",
	"console.operator.password":          "y",
	"console.operator.password_approval": "y",
	"console.operator.end_session":       "s",
	"console.operator.grant":             "s",
	"console.operator.revoke":            "s",
	"console.security.roles":             "ysa",
	"console.security.approval":          "+",
	"console.session.passkeys":           "+",
	"console.session.begin_passkey":      "+",
	"console.session.add_passkey":        "+",
	"console.session.remove_passkey":     "+",
	"console.session.ask_passkey":        "*",
	"console.session.passkey":            "*",
	"console.session.prove_passkey":      "+",
	"console.session.prove":              "+",
	"console.security.sign_in":           "ysaof",
	"console.security.sign_in_set":       "s",
	"console.security.limits":            "ysaof",
	"console.security.set_limit":         "y",
	"console.security.checks":            "ysaof",
	"console.security.set_checks":        "y",
	"console.shop.stores":                "yaofcm",
	"console.shop.add_store":             "y",
	"console.shop.set_store":             "y",
	"console.shop.brands":                "yaofcm",
	"console.shop.add_brand":             "y",
	"console.shop.terminals":             "yaofcm",
	"console.shop.add_terminal":          "y",
	"console.shop.set_terminal":          "y",
	"console.shop.new_terminal_key":      "y",
	"console.shop.partners":              "ysa",
	"console.shop.add_partner":           "y",
	"console.shop.set_partner":           "y",
	"console.shop.new_key":               "y",
	"console.shop.revoke_key":            "y",
	"console.webhook.list":               "ysa",
	"console.webhook.add":                "y",
	"console.webhook.status":             "y",
	"console.webhook.replay":             "y",
	"console.webhook.remove":             "y",
	"console.channel.list":               "ysaof",
	"console.channel.check":              "ysaof",
	"console.channel.incidents":          "ysaof",
	"console.channel.menu":               "ysaof",
	"console.channel.menu_set":           "y",
	"console.channel.scenes":             "ysaof",
	"console.channel.add_scene":          "y",
	"console.channel.templates":          "ysaof",
	"console.channel.contacts":           "yocm5",
	"console.member.total":               "yocm",
	"console.member.list":                "yocm5",
	"console.member.lookup":              "yocm5",
	"console.member.get":                 "yocm5",
	"console.member.unmask":              "c",
	"console.member.status":              "oc",
	"console.member.cancel":              "c",
	"console.member.merge_preview":       "o",
	"console.member.merge":               "o",
	"console.member.unmerge":             "o",
	"console.member.unmerge_preview":     "o",
	"console.member.suspects":            "o",
	"console.member.dismiss":             "o",
	"console.order.of_member":            "yaofcm5",
	"console.order.latest":               "yaofcm",
	"console.order.list":                 "yaofcm5",
	"console.order.find":                 "yaofcm5",
	"console.order.by_day":               "yaofm",
	"console.order.waiting":              "yaofcm",
	"console.payment.list":               "yaofcm",
	"console.payment.get":                "yaofcm",
	"console.payment.refund":             "o",
	"console.payment.incidents":          "yaofcm",
	"console.payment.close_incident":     "o",
	"console.ledger.balances":            "yaofcm5",
	"console.ledger.statement":           "yaofcm5",
	"console.ledger.lots":                "yaofcm5",
	"console.ledger.holds":               "yaofcm5",
	"console.ledger.expiries":            "yaofcm5",
	"console.ledger.flows":               "yaofm",
	"console.ledger.verify":              "af",
	"console.ledger.heads":               "af",
	"console.points.adjust":              "ocm5",
	"console.points.freeze":              "oc",
	"console.points.release":             "oc",
	"console.points.seize":               "ocm5",
	"console.points.policy":              "yaof",
	"console.points.set_policy":          "o",
	"console.points.rate":                "yaof",
	"console.points.set_rate":            "o",
	"console.points.liability":           "yaofm",
	"console.insight.overview":           "yaofm",
	"console.insight.verify":             "af",
	"console.insight.verifications":      "af",
	"console.import.list":                "yaofcm",
	"console.import.fields":              "yaofcm",
	"console.import.get":                 "yaofcm",
	"console.import.create":              "o",
	"console.import.part":                "o",
	"console.import.head":                "o",
	"console.import.check":               "o",
	"console.import.run":                 "o",
	"console.import.remove":              "o",
	"console.export.lists":               "+",
	"console.export.mine":                "+",
	"console.export.start":               "+",
	"console.export.file":                "+",
	"console.session.factor":             "+",
	"console.session.begin_factor":       "+",
	"console.session.confirm_factor":     "+",
	"console.session.remove_factor":      "+",
	"console.operator.reset_factor":      "y",
	"console.filter.list":                "+",
	"console.filter.save":                "+",
	"console.filter.remove":              "+",
	"console.task.list":                  "+",
	"console.task.get":                   "+",
	"console.task.cancel":                "+",
	"console.insight.search":             "yocm5",
	"console.insight.timeline":           "yocm5",
	"console.insight.expiries":           "yaofm",
	"console.insight.expiring":           "yaofm",
	"console.insight.demotions":          "yaofm",
	"console.insight.demotion_members":   "yaofm",
	"console.tier.of_member":             "yaofcm5",
	"console.tier.ladder":                "yaof",
	"console.tier.preview":               "yaof",
	"console.tier.set":                   "o",
	"console.tier.mix":                   "yaofm",
	"console.rule.kinds":                 "yaof",
	"console.rule.list":                  "yaof",
	"console.rule.get":                   "yaof",
	"console.rule.create":                "o",
	"console.rule.draft":                 "o",
	"console.rule.edit":                  "o",
	"console.rule.publish":               "o",
	"console.rule.retire":                "o",
	"console.rule.preview":               "yaof",
	"console.rule.reach":                 "yaof",
	"console.order.refund_preview":       "yaofcm5",
	"console.rule.trial":                 "o",
	"console.rule.trial_result":          "yaof",
	"console.rule.why":                   "yaofcm5",
	"console.message.policy":             "yaofs",
	"console.message.policy_set":         "o",
	"console.message.templates":          "yaofs",
	"console.message.templates_set":      "o",
	"console.message.of_member":          "yocm5",
	"console.message.report":             "yaofm",
	"console.campaign.kinds":             "aof",
	"console.campaign.list":              "aof",
	"console.campaign.create":            "o",
	"console.campaign.draft":             "o",
	"console.campaign.edit":              "o",
	"console.campaign.publish":           "o",
	"console.campaign.retire":            "o",
	"console.campaign.days":              "aof",
	"console.link.list":                  "aof",
	"console.link.add":                   "o",
	"console.link.set":                   "o",
	"console.track.policy":               "yaofs",
	"console.track.policy_set":           "y",
	"console.track.report":               "yaofm",
	"console.privacy.policy":             "yaofs",
	"console.privacy.policy_set":         "y",
	"console.privacy.agreements":         "yaofs",
	"console.privacy.agreements_set":     "y",
	"console.privacy.erase":              "c",
	"console.centre.theme":               "yaofs",
	"console.centre.theme_set":           "y",
	"console.centre.add_image":           "y",
	"console.status.now":                 "+",
	"console.status.jobs":                "yo",
	"console.status.queue":               "yo",
	"console.status.job":                 "yo",
	"console.status.retry":               "y",
	"console.status.discard":             "y",
}

// proves are the routes that ask for the password: what is no proof is answered as at the sign-in.
var proves = map[string]bool{"console.session.password": true, "console.session.prove": true}

var hole = regexp.MustCompile(`\{[^}]*\}`)

// knock sends a request that is well-formed for the door and means nothing to the route.
func (w *house) knock(r web.RouteInfo, token string) *httptest.ResponseRecorder {
	path := strings.ReplaceAll(r.Path, "{day}", "20260101")
	path = strings.ReplaceAll(hole.ReplaceAllString(path, "1"), "/roles/1", "/roles/finance")
	body := "{}"
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		body = ""
	}
	q := httptest.NewRequest(r.Method, path, strings.NewReader(body))
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Idempotency-Key", r.ID)
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	rec := httptest.NewRecorder()
	w.front.Handler().ServeHTTP(rec, q)
	return rec
}

func openMatrix(t *testing.T) *house {
	w := openHouse(t)
	for _, s := range seats {
		g := staff.Grant{Role: s.role}
		if s.letter == "5" {
			g.Store = w.store.ID
		}
		w.hire("seat"+s.letter, g)
	}
	return w
}

// isOut reads an answer: turned away at the door, or let through to whatever the route says.
func isOut(rec *httptest.ResponseRecorder) bool {
	b := rec.Body.String()
	return rec.Code == http.StatusForbidden && (strings.Contains(b, `"permission.denied"`) || strings.Contains(b, `"staff.denied"`))
}

func TestMatrixOfRoutesAndRoles(t *testing.T) {
	t.Parallel()
	w := openMatrix(t)
	cells := 0
	for _, r := range w.front.Routes() {
		want, known := admitted[r.ID]
		if r.Door != staff.Door {
			cells += w.strangers(t, r)
			continue
		}
		if !known {
			t.Errorf("%s %s (%s) has no line in the matrix", r.Method, r.Path, r.ID)
			continue
		}
		if rec := w.knock(r, ""); (want == "*") == (rec.Code == http.StatusUnauthorized && strings.Contains(rec.Body.String(), "login.required")) {
			t.Errorf("%s: nobody is answered %d %s", r.ID, rec.Code, rec.Body)
		}
		for _, s := range seats {
			rec := w.knock(r, w.tokens["seat"+s.letter])
			in := want == "*" || want == "+" || strings.Contains(want, s.letter)
			if isOut(rec) == in || rec.Code >= 500 || rec.Code == http.StatusUnauthorized && want != "*" && !proves[r.ID] {
				t.Errorf("%s: %s (%s) is answered %d %s", r.ID, s.role, s.letter, rec.Code, rec.Body)
			}
			if r.ID == "staff.logout" {
				w.enter("seat" + s.letter)
			}
			cells++
		}
		cells++
	}
	w.allRoutesAreThere(t)
	t.Logf("%d cells", cells)
}

func (w *house) allRoutesAreThere(t *testing.T) {
	there := map[string]bool{}
	for _, r := range w.front.Routes() {
		there[r.ID] = true
	}
	for id := range admitted {
		if !there[id] {
			t.Errorf("%s stands in the matrix but is no route", id)
		}
	}
}

// strangers knocks at a route of another door with sessions of staff: they are nobody there.
func (w *house) strangers(t *testing.T, r web.RouteInfo) (cells int) {
	if r.Public {
		return 0
	}
	for _, s := range seats {
		if rec := w.knock(r, w.tokens["seat"+s.letter]); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: staff (%s) is answered %d %s at the door %s", r.ID, s.letter, rec.Code, rec.Body, r.Door)
		}
		cells++
	}
	return cells
}

func TestMatrixOfRoutesAndExpiredSessions(t *testing.T) {
	t.Parallel()
	w := openMatrix(t)
	w.clock.Add(15 * clock.Minute)
	for _, r := range w.front.Routes() {
		if r.Door != staff.Door || r.Public {
			continue
		}
		for _, s := range seats {
			if rec := w.knock(r, w.tokens["seat"+s.letter]); rec.Code != http.StatusUnauthorized {
				t.Errorf("%s: an expired %s is answered %d %s", r.ID, s.letter, rec.Code, rec.Body)
			}
		}
		if rec := w.knock(r, "forged"); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: a forged session is answered %d", r.ID, rec.Code)
		}
	}
}
