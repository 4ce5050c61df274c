package staff

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/password"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

const (
	start  = 1_700_000_000_000
	secret = "correct horse battery"
)

// hashed is made once: each hash takes its time.
var hashed = sync.OnceValue(func() password.Hash { return password.Of(secret) })

type world struct {
	t     testing.TB
	d     *db.DB
	clock *clock.Fake
	s     *Service
}

func open(t testing.TB) *world {
	t.Helper()
	c := clock.NewFake(start)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), Schema, job.Schema, setting.Schema); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(d, v, clock.Shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, d, c, s}
}

func (w *world) try(fn func(*db.Tx) error) error { return w.d.Write(context.Background(), db.Op{}, fn) }

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(*db.View)) {
	w.t.Helper()
	if err := w.d.View(context.Background(), func(v *db.View) error { fn(v); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// person makes an operator with roles, past the rules for granting them.
func (w *world) person(login string, grants ...Grant) (who Who) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		row, err := add(tx, NewOperator{login, strings.ToUpper(login), hashed()})
		if err != nil {
			return err
		}
		for _, g := range grants {
			if err := roles.Insert(tx, roleRow{row.ID, g.Role, g.Store}); err != nil {
				return err
			}
		}
		who = Who{Operator: row.ID, Name: row.Name, Grants: grants}
		return nil
	})
	return who
}

func all(role string) Grant { return Grant{Role: role} }

func want(t testing.TB, what string, err error, kind *fault.Kind) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: got %v, want %s", what, err, kind.Code)
	}
}

// sound holds that the log is whole and gives its acts.
func (w *world) sound() (acts []string) {
	w.t.Helper()
	w.view(func(v *db.View) {
		if n, wrong := VerifyLog(v); wrong != nil {
			w.t.Errorf("the log is wrong after %d rows: %+v", n, wrong)
		}
		for _, r := range w.s.LogPage(v, 0, 1000) {
			acts = append(acts, r.Act)
		}
	})
	slices.Reverse(acts)
	return acts
}

func TestRolesHoldOnlyPermissionsOfTheList(t *testing.T) {
	t.Parallel()
	seen, used := map[string]bool{}, map[string]bool{}
	for _, p := range Permissions {
		if verb, noun, ok := strings.Cut(p.Name, "."); seen[p.Name] || !ok || verb == "" || noun == "" || p.Zh == "" || p.En == "" {
			t.Errorf("permission %+v", p)
		}
		seen[p.Name] = true
	}
	for _, r := range Roles {
		if r.Zh == "" || r.En == "" {
			t.Errorf("role %+v", r)
		}
		for i, p := range r.Can {
			if !seen[p] || slices.Contains(r.Can[:i], p) {
				t.Errorf("role %s: %s is not in the list, or twice", r.Name, p)
			}
			used[p] = true
		}
	}
	for p := range seen {
		if !used[p] {
			t.Errorf("nobody can %s", p)
		}
	}
}

func TestNoRoleBothAsksAndAgrees(t *testing.T) {
	t.Parallel()
	for maker, checker := range map[string]string{"grant.points": "approve.points", "grant.coupons": "approve.coupons",
		"edit.rules": "approve.rules", "edit.campaigns": "approve.campaigns", "export.members": "approve.exports", "edit.partners": "approve.partners",
		"edit.settings": "approve.settings"} {
		for _, r := range Roles {
			if roleCan(r.Name, maker) && roleCan(r.Name, checker) {
				t.Errorf("%s can %s and %s", r.Name, maker, checker)
			}
		}
	}
}

func TestPermissionsHoldForTheStoresOfTheRole(t *testing.T) {
	t.Parallel()
	who := Who{Grants: []Grant{{Role: StoreManager, Store: 5}, {Role: StoreManager, Store: 6}, {Role: Finance}}}
	for _, c := range []struct {
		perm  string
		store int64
		can   bool
	}{
		{"redeem.coupons", 5, true}, {"redeem.coupons", 7, false}, {"redeem.coupons", 0, false},
		{"approve.points", 7, true}, {"approve.points", 0, true}, {"edit.settings", 5, false}, {"nonsense", 5, false},
	} {
		if who.CanAt(c.perm, c.store) != c.can {
			t.Errorf("%s at %d", c.perm, c.store)
		}
	}
	if !who.Can("redeem.coupons") || who.Can("edit.settings") || (Who{Grants: []Grant{{Role: "boss"}}}).Can("view.members") {
		t.Error("Can")
	}
	if stores, all := who.Stores("redeem.coupons"); all || fmt.Sprint(stores) != "[5 6]" {
		t.Errorf("stores %v %v", stores, all)
	}
	if _, all := who.Stores("view.orders"); !all {
		t.Error("a role for all stores is limited")
	}
}

func TestSetupTokenWorksOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	var old, token string
	w.write(func(tx *db.Tx) (err error) { old, err = w.s.NewSetupToken(tx); return err })
	w.write(func(tx *db.Tx) (err error) { token, err = w.s.NewSetupToken(tx); return err })
	in := NewOperator{"root", "Root", hashed()}
	setup := func(token string) error {
		return w.try(func(tx *db.Tx) error { _, err := w.s.Setup(tx, token, in); return err })
	}
	want(t, "an older token", setup(old), ErrSetupToken)
	want(t, "no token", setup(""), ErrSetupToken)
	w.view(func(v *db.View) {
		row, _ := setups.Get(v, theSetup)
		if !w.s.NeedsSetup(v) || !w.s.HasSetupToken(v) || row.Hash == token {
			t.Error("the set-up is not open, or its token is readable")
		}
	})
	if err := setup(token); err != nil {
		t.Fatal(err)
	}
	in.Login = "second"
	want(t, "the token again", setup(token), ErrSetupDone)
	want(t, "a new token", w.try(func(tx *db.Tx) error { _, err := w.s.NewSetupToken(tx); return err }), ErrSetupDone)
	w.view(func(v *db.View) {
		ops := w.s.Operators(v, OperatorFilter{}, 0, 10)
		if len(ops) != 1 || w.s.NeedsSetup(v) || w.s.HasSetupToken(v) || RolesText(ops[0].Grants) != "security_admin system_admin" {
			t.Errorf("operators %+v", ops)
		}
	})
	if got := fmt.Sprint(w.sound()); got != "[staff.setup]" {
		t.Error(got)
	}
}

func TestManyAtOnceSetUpOne(t *testing.T) {
	t.Parallel()
	w := open(t)
	var token string
	w.write(func(tx *db.Tx) (err error) { token, err = w.s.NewSetupToken(tx); return err })
	won := atOnce(16, func(i int) error {
		return w.try(func(tx *db.Tx) error {
			_, err := w.s.Setup(tx, token, NewOperator{fmt.Sprintf("root%d", i), "Root", hashed()})
			return err
		})
	})
	if won != 1 {
		t.Errorf("%d were set up", won)
	}
}

func TestOperatorsAreMadeBlockedAndLetInAgain(t *testing.T) {
	t.Parallel()
	w := open(t)
	boss := w.person("boss", all(SystemAdmin))
	var op Operator
	w.write(func(tx *db.Tx) (err error) {
		op, err = w.s.Add(tx, boss, NewOperator{"ann", " Ann ", hashed()})
		return err
	})
	for kind, in := range map[*fault.Kind]NewOperator{
		ErrLogin: {"Ann!", "A", hashed()}, ErrName: {"bob", "  ", hashed()}, password.ErrWeak: {"bob", "B", ""}, ErrLoginTaken: {"ann", "A", hashed()},
	} {
		want(t, in.Login, w.try(func(tx *db.Tx) error { _, err := w.s.Add(tx, boss, in); return err }), kind)
	}
	status := func(id int64, status string) error {
		return w.try(func(tx *db.Tx) error { return w.s.SetStatus(tx, boss, id, status, "left") })
	}
	want(t, "own status", status(boss.Operator, Blocked), ErrOwn)
	want(t, "nobody's status", status(9, Blocked), ErrNoOperator)
	want(t, "no status", status(op.ID, "gone"), ErrStatus)
	token, _, err := w.s.Login(context.Background(), Attempt{Login: "ann", Password: vault.Hide(secret)})
	if err != nil {
		t.Fatal(err)
	}
	if err := status(op.ID, Blocked); err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Who(context.Background(), web.TokenHash(token))
	want(t, "session of a blocked operator", err, ErrNoSession)
	_, _, err = w.s.Login(context.Background(), Attempt{Login: "ann", Password: vault.Hide(secret)})
	want(t, "login of a blocked operator", err, ErrWrongLogin)
	if err := status(op.ID, Active); err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Who(context.Background(), web.TokenHash(token))
	want(t, "the old session", err, ErrNoSession)
	if got := fmt.Sprint(w.sound()); got != "[operator.add session.begin operator.status operator.status]" {
		t.Error(got)
	}
}

func TestRolesAreGrantedAndRevoked(t *testing.T) {
	t.Parallel()
	w := open(t)
	chief := w.person("chief", all(SecurityAdmin))
	ann, eve := w.person("ann"), w.person("eve", all(Auditor))
	grant := func(to Who, g Grant) error {
		return w.try(func(tx *db.Tx) error { return w.s.GrantRole(tx, chief, to.Operator, g) })
	}
	for range 2 {
		if err := grant(ann, Grant{Role: StoreManager, Store: 5}); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "own role", grant(chief, all(SystemAdmin)), ErrOwn)
	want(t, "unknown role", grant(ann, all("boss")), ErrNoRole)
	want(t, "unknown operator", grant(Who{Operator: 9}, all(Finance)), ErrNoOperator)
	want(t, "auditor with a role", grant(ann, all(Auditor)), ErrRolesMix)
	want(t, "role for an auditor", grant(eve, all(Finance)), ErrRolesMix)
	w.write(func(tx *db.Tx) error {
		if err := w.s.RevokeRole(tx, chief, ann.Operator, all(StoreManager)); err != nil { // not the one they have
			return err
		}
		return w.s.RevokeRole(tx, chief, ann.Operator, Grant{Role: StoreManager, Store: 5})
	})
	w.view(func(v *db.View) {
		if op, err := w.s.Operator(v, ann.Operator); err != nil || len(op.Grants) != 0 {
			t.Errorf("%+v, %v", op, err)
		}
		if _, err := w.s.Operator(v, 9); !fault.Is(err, ErrNoOperator) {
			t.Error(err)
		}
	})
	if got := fmt.Sprint(w.sound()); got != "[role.grant role.revoke]" {
		t.Error(got)
	}
}

func TestWhereThereIsASecondAdministratorRolesTakeTwo(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, b, ann := w.person("aa", all(SecurityAdmin)), w.person("bb", all(SecurityAdmin)), w.person("ann")
	want(t, "alone", w.try(func(tx *db.Tx) error { return w.s.GrantRole(tx, a, ann.Operator, all(Finance)) }), ErrSecond)
	var forAnn, forB Approval
	w.write(func(tx *db.Tx) (err error) {
		forAnn, err = Request(w.s, tx, a, RoleGrant, 0, NewRole{ann.Operator, all(Finance)}, "joins finance")
		if err == nil {
			forB, err = Request(w.s, tx, a, RoleGrant, 0, NewRole{b.Operator, all(Finance)}, "helps finance")
		}
		return err
	})
	approve := func(ap Approval) error {
		return w.try(func(tx *db.Tx) error { _, err := w.s.Approve(tx, b, ap.ID, ap.Digest, ""); return err })
	}
	if err := approve(forAnn); err != nil {
		t.Fatal(err)
	}
	want(t, "a role for the checker", approve(forB), ErrOwn)
	w.view(func(v *db.View) {
		if op, _ := w.s.Operator(v, ann.Operator); RolesText(op.Grants) != "finance" {
			t.Errorf("%+v", op)
		}
	})
	w.sound()
}

func TestSweepRemovesWhatTimeHasEnded(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.person("ann", all(Operations))
	_, _, err := w.s.Login(context.Background(), Attempt{Login: "ann", Password: vault.Hide(secret)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = w.s.Login(context.Background(), Attempt{Login: "nobody", Password: vault.Hide("x")})
	var a Approval
	w.write(func(tx *db.Tx) (err error) {
		a, err = Request(w.s, tx, ann, RoleGrant, 0, NewRole{1, all(Finance)}, "x")
		return err
	})
	r := job.NewRunner(w.d, job.Options{})
	w.s.RegisterJobs(r)
	_, _ = r.Step(context.Background())
	w.clock.Add(25 * clock.Hour)
	if ran, err := r.Step(context.Background()); ran != 1 || err != nil {
		t.Fatal(ran, err)
	}
	w.view(func(v *db.View) {
		_, tried := tries.Get(v, "nobody")
		row, _ := approvals.Get(v, a.ID)
		if len(sessionsOf(v, ann.Operator)) != 0 || tried || row.State != Expired {
			t.Errorf("left: tries %v, approval %+v", tried, row)
		}
	})
}

// atOnce runs n functions together and tells how many succeeded.
func atOnce(n int, f func(i int) error) (won int) {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err == nil {
			won++
		}
	}
	return won
}
