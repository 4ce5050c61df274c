package staff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

func (w *world) login(login, password string) (string, Who, error) {
	return w.s.Login(context.Background(), Attempt{Login: login, Password: vault.Hide(password), IP: "203.0.113.9", Agent: "Browser", Request: "r-1"})
}

func (w *world) who(token string) (Who, error) {
	return w.s.Who(context.Background(), web.TokenHash(token))
}

func TestLoginGivesASession(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.person("ann", Grant{Role: StoreManager, Store: 5})
	token, who, err := w.login("Ann", secret)
	if err != nil || len(token) != 43 || who.Operator != ann.Operator || !who.CanAt("redeem.coupons", 5) {
		t.Fatalf("%+v, %v", who, err)
	}
	again, err := w.who(token)
	if err != nil || again.Session != who.Session || again.Name != "ANN" || RolesText(again.Grants) != "store_manager@5" || again.Actor() != who.Actor() {
		t.Errorf("%+v, %v", again, err)
	}
	w.view(func(v *db.View) {
		rows := sessionsOf(v, ann.Operator)
		if len(rows) != 1 || strings.Contains(fmt.Sprint(rows), token) {
			t.Error("the token is readable in the database")
		}
		page := w.s.LogPage(v, 0, 10)
		if len(page) != 1 || page[0].Origin == "" || strings.Contains(fmt.Sprint(page), "203.0.113.9") || page[0].Roles != "store_manager@5" || page[0].Request != "r-1" {
			t.Errorf("log %+v", page)
		}
	})
	_, err = w.who("x" + token[1:])
	want(t, "another token", err, ErrNoSession)
}

func TestWrongNameAndWrongPasswordAnswerAlike(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person("ann")
	for _, c := range [][2]string{{"ann", "wrong"}, {"nobody", secret}, {"", secret}, {"no such name!", ""}} {
		_, _, err := w.login(c[0], c[1])
		want(t, c[0], err, ErrWrongLogin)
	}
}

func TestFiveTriesLockANameForFifteenMinutes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ann", "nobody"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.person("ann")
			for range 5 {
				_, _, err := w.login(name, "wrong")
				want(t, "a wrong try", err, ErrWrongLogin)
				w.clock.Add(clock.Minute)
			}
			_, _, err := w.login(name, secret)
			want(t, "the sixth try", err, ErrLocked)
			if got := fault.As(err).Text("en"); got != "Too many tries: try again in 14 minutes" {
				t.Error(got)
			}
			w.clock.Add(14*clock.Minute - 1)
			_, _, err = w.login(name, secret)
			want(t, "a moment early", err, ErrLocked)
			w.clock.Add(1)
			_, _, err = w.login(name, secret)
			if (err == nil) != (name == "ann") {
				t.Errorf("after the lock: %v", err)
			}
		})
	}
}

func TestSuccessForgetsTheTries(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person("ann")
	for range 3 {
		for range 4 {
			_, _, err := w.login("ann", "wrong")
			want(t, "a wrong try", err, ErrWrongLogin)
		}
		if _, _, err := w.login("ann", secret); err != nil {
			t.Fatal(err)
		}
	}
}

func TestManyTriesAtOnceGetNoMoreThanFive(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person("ann")
	looked := 0
	errs := make(chan error, 24)
	atOnce(24, func(int) error { _, _, err := w.login("ann", "wrong"); errs <- err; return err })
	for range 24 {
		if fault.Is(<-errs, ErrWrongLogin) {
			looked++
		}
	}
	if looked != 5 {
		t.Errorf("%d passwords were looked at", looked)
	}
}

func TestSessionEndsWhenIdle(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.person("ann")
	token, _, _ := w.login("ann", secret)
	for range 10 { // each use carries it on
		w.clock.Add(14 * clock.Minute)
		if _, err := w.who(token); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Add(15*clock.Minute - 1)
	if _, err := w.who(token); err != nil {
		t.Fatal(err)
	}
	w.clock.Add(15 * clock.Minute)
	_, err := w.who(token)
	want(t, "idle for 15 minutes", err, ErrNoSession)
	w.view(func(v *db.View) {
		if got := w.s.Sessions(v, ann.Operator); len(got) != 0 {
			t.Errorf("listed: %+v", got)
		}
	})
}

func TestSessionEndsAfterEightHours(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person("ann")
	token, _, _ := w.login("ann", secret)
	for range 47 {
		w.clock.Add(10 * clock.Minute)
		if _, err := w.who(token); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Add(10*clock.Minute - 1)
	if _, err := w.who(token); err != nil {
		t.Fatal(err)
	}
	w.clock.Add(1)
	_, err := w.who(token)
	want(t, "eight hours old", err, ErrNoSession)
}

func TestUseIsWrittenAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.person("ann")
	token, _, _ := w.login("ann", secret)
	before := w.d.Counts().Commits
	for range 600 { // ten minutes
		w.clock.Add(clock.Second)
		if _, err := w.who(token); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.d.Counts().Commits - before; n != 10 {
		t.Errorf("%d writes in ten minutes", n)
	}
}

func TestLogoutAndRevocation(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.person("ann"), w.person("bob")
	chief := w.person("chief", all(SecurityAdmin))
	tokens := make([]string, 3)
	for i := range tokens {
		tokens[i], _, _ = w.login("ann", secret)
	}
	var list []Session
	w.view(func(v *db.View) { list = w.s.Sessions(v, ann.Operator) })
	if len(list) != 3 || list[0].Agent != "Browser" || list[0].CreatedAt != start {
		t.Fatalf("sessions %+v", list)
	}
	w.write(func(tx *db.Tx) error { return w.s.Logout(tx, ann, web.TokenHash(tokens[0])) })
	end := func(who Who, i int) error {
		return w.try(func(tx *db.Tx) error { return w.s.EndSession(tx, who, ann.Operator, list[i].ID) })
	}
	want(t, "another's session", end(bob, 1), ErrDenied)
	if end(ann, 1) != nil || end(chief, 2) != nil || end(chief, 2) != nil {
		t.Error("a session was not ended")
	}
	for i, token := range tokens {
		_, err := w.who(token)
		want(t, fmt.Sprint("session ", i), err, ErrNoSession)
	}
	w.sound()
}

func TestNewPasswordEndsSessions(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.person("ann")
	token, _, _ := w.login("ann", secret)
	ctx := context.Background()
	want(t, "wrong old password", w.s.CheckPassword(ctx, ann, vault.Hide("wrong")), ErrWrongLogin)
	if err := w.s.CheckPassword(ctx, ann, vault.Hide(secret)); err != nil {
		t.Fatal(err)
	}
	_, err := w.s.HashPassword(ctx, "ann", vault.Hide("short"))
	want(t, "weak", err, password.ErrWeak)
	p, err := w.s.HashPassword(ctx, "ann", vault.Hide("another good one"))
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(tx *db.Tx) error { return w.s.SetPassword(tx, ann, ann.Operator, p, 0) })
	_, err = w.who(token)
	want(t, "old session", err, ErrNoSession)
	_, _, err = w.login("ann", secret)
	want(t, "old password", err, ErrWrongLogin)
	if _, _, err = w.login("ann", "another good one"); err != nil {
		t.Error(err)
	}
}

func TestNobodyBecomesAnAdministratorByResettingTheirPassword(t *testing.T) {
	t.Parallel()
	w := open(t)
	sys, ann := w.person("sys", all(SystemAdmin)), w.person("ann", all(Operations))
	audit, chief := w.person("audit", all(Auditor)), w.person("chief", all(SecurityAdmin))
	reset := func(of Who, ticket int64) error {
		return w.try(func(tx *db.Tx) error { return w.s.SetPassword(tx, sys, of.Operator, hashed(), ticket) })
	}
	if err := reset(ann, 0); err != nil {
		t.Errorf("an ordinary operator's: %v", err)
	}
	want(t, "the auditor's", reset(audit, 0), ErrSecond)
	var a Approval
	w.write(func(tx *db.Tx) (err error) {
		a, err = Request(w.s, tx, sys, PasswordReset, 0, audit.Operator, "lost phone")
		return err
	})
	want(t, "before it is approved", reset(audit, a.ID), ErrDecided)
	w.write(func(tx *db.Tx) error { _, err := w.s.Approve(tx, chief, a.ID, a.Digest, ""); return err })
	w.person("audit2", all(Auditor))
	if err := reset(audit, a.ID); err != nil {
		t.Errorf("with a ticket: %v", err)
	}
	want(t, "with the ticket again", reset(audit, a.ID), ErrDecided)
}
