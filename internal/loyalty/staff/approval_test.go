package staff

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

type adjust struct {
	Member int64 `json:"member"`
	Points int64 `json:"points"`
}

const (
	grantPoints   Needs[adjust] = "points.grant"
	exportMembers Needs[string] = "members.export"
)

var errRule = errors.New("a rule says no")

// desk is a world with people who ask and people who agree, and what was given in it.
type desk struct {
	*world
	maker, checker Who
	given          int64
	fails          bool
}

func openDesk(t *testing.T) *desk {
	w := open(t)
	d := &desk{world: w, maker: w.person("maker", all(CustomerService)), checker: w.person("checker", all(Finance))}
	err := errors.Join(
		On(w.s, grantPoints, ApprovalSpec{Zh: "手工发分", En: "Points by hand", Perm: "approve.points"}, func(_ *db.Tx, a Approval, c adjust) error {
			if d.fails {
				return errRule
			}
			if a.Maker != d.maker.Operator || a.Checker != d.checker.Operator || a.State != Executed {
				t.Errorf("approval %+v", a)
			}
			d.given += c.Points
			return nil
		}),
		Ticket(w.s, exportMembers, ApprovalSpec{Zh: "导出会员", En: "Export members", Perm: "approve.exports"}))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) ask(points int64) (a Approval) {
	d.t.Helper()
	d.write(func(tx *db.Tx) (err error) {
		a, err = Request(d.s, tx, d.maker, grantPoints, 0, adjust{7, points}, "goodwill")
		return err
	})
	return a
}

func (d *desk) approve(who Who, a Approval) error {
	return d.try(func(tx *db.Tx) error { _, err := d.s.Approve(tx, who, a.ID, a.Digest, "fine"); return err })
}

func (d *desk) state(id int64) (state string) {
	d.view(func(v *db.View) {
		a, _ := d.s.Approval(v, id)
		state = a.State
	})
	return state
}

func TestApprovedActHappensOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(2000)
	d.view(func(v *db.View) {
		if list := d.s.WaitingApprovals(v, 10); len(list) != 1 || list[0].Payload != `{"member":7,"points":2000}` || list[0].Digest != a.Digest {
			t.Errorf("waiting %+v", list)
		}
	})
	if err := d.approve(d.checker, a); err != nil || d.given != 2000 || d.state(a.ID) != Executed {
		t.Fatalf("%v, given %d, %s", err, d.given, d.state(a.ID))
	}
	want(t, "a second time", d.approve(d.checker, a), ErrDecided)
	if got := fmt.Sprint(d.sound()); d.given != 2000 || got != "[approval.request approval.approve approval.execute]" {
		t.Errorf("given %d, %s", d.given, got)
	}
}

func TestManyCheckersAtOnceExecuteOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(5)
	if won := atOnce(32, func(int) error { return d.approve(d.checker, a) }); won != 1 || d.given != 5 {
		t.Errorf("%d approvals, given %d", won, d.given)
	}
}

func TestWhoMayNotApprove(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(5)
	both := d.maker
	both.Grants = []Grant{all(CustomerService), all(Finance)}
	want(t, "the maker", d.approve(both, a), ErrOwnApproval)
	want(t, "without the permission", d.approve(d.person("ann", all(Operations)), a), ErrDenied)
	want(t, "for one store only", d.approve(d.person("eve", Grant{Role: Finance, Store: 5}), a), ErrDenied)
	want(t, "an unknown one", d.approve(d.checker, Approval{ID: 9}), ErrNoApproval)
	var forStore Approval
	d.write(func(tx *db.Tx) (err error) {
		forStore, err = Request(d.s, tx, d.maker, grantPoints, 5, adjust{7, 1}, "goodwill")
		return err
	})
	d.checker = d.person("shop", Grant{Role: Finance, Store: 5})
	if err := d.approve(d.checker, forStore); err != nil {
		t.Errorf("for its store: %v", err)
	}
	want(t, "its maker refuses", d.try(func(tx *db.Tx) error { _, err := d.s.Refuse(tx, both, a.ID, "no"); return err }), ErrOwnApproval)
}

func TestAlteredContentIsRefused(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(5)
	seen := a
	seen.Digest = strings.Repeat("0", 64)
	want(t, "another content was looked at", d.approve(d.checker, seen), ErrAltered)
	alter := func(edit func(*Approval)) {
		d.write(func(tx *db.Tx) error {
			row, _ := approvals.Get(tx, a.ID)
			edit(&row)
			approvals.Put(tx, row)
			return nil
		})
	}
	alter(func(r *Approval) { r.Payload = `{"member":7,"points":500000}` })
	want(t, "the row's payload was changed", d.approve(d.checker, a), ErrAltered)
	alter(func(r *Approval) { r.Digest = r.digest() })
	want(t, "the row's digest, too", d.approve(d.checker, a), ErrAltered)
	alter(func(r *Approval) { r.Payload, r.Digest, r.Kind = a.Payload, a.Digest, string(RoleGrant) })
	d.checker.Grants = append(d.checker.Grants, all(SecurityAdmin))
	want(t, "the row's kind", d.approve(d.checker, a), ErrAltered)
	if d.given != 0 {
		t.Errorf("given %d", d.given)
	}
}

func TestApprovalExpiresAfterADay(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	early, late := d.ask(5), d.ask(6)
	d.clock.Add(clock.Day - 1)
	if err := d.approve(d.checker, early); err != nil {
		t.Fatal(err)
	}
	d.clock.Add(1)
	want(t, "a day later", d.approve(d.checker, late), ErrExpired)
	if d.given != 5 || d.state(late.ID) != Expired || d.state(early.ID) != Executed {
		t.Errorf("given %d, %s", d.given, d.state(late.ID))
	}
	d.view(func(v *db.View) {
		if list := d.s.WaitingApprovals(v, 10); len(list) != 0 {
			t.Errorf("still listed: %+v", list)
		}
	})
}

func TestFailingActLeavesTheApprovalWaiting(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(5)
	d.fails = true
	if err := d.approve(d.checker, a); !errors.Is(err, errRule) || d.state(a.ID) != Waiting {
		t.Errorf("%v, %s", err, d.state(a.ID))
	}
	d.fails = false
	if err := d.approve(d.checker, a); err != nil || d.given != 5 {
		t.Errorf("%v, given %d", err, d.given)
	}
	if got := len(d.sound()); got != 3 {
		t.Errorf("%d rows in the log", got)
	}
}

func TestRefusedIsRefused(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	a := d.ask(5)
	refuse := func(note string) error {
		return d.try(func(tx *db.Tx) error { _, err := d.s.Refuse(tx, d.checker, a.ID, note); return err })
	}
	want(t, "without a word", refuse(" "), ErrReason)
	if err := refuse("too much"); err != nil || d.state(a.ID) != Refused {
		t.Fatal(err)
	}
	want(t, "approved after all", d.approve(d.checker, a), ErrDecided)
}

func TestTicketIsUsedOnceByItsMakerAsApproved(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	guard := d.person("guard", all(SecurityAdmin))
	var a Approval
	d.write(func(tx *db.Tx) (err error) {
		a, err = Request(d.s, tx, d.maker, exportMembers, 0, "tier=3", "audit 2026-7")
		return err
	})
	use := func(who Who, content string) error {
		return d.try(func(tx *db.Tx) error { return Use(d.s, tx, who, exportMembers, a.ID, content) })
	}
	want(t, "before it is approved", use(d.maker, "tier=3"), ErrDecided)
	if err := d.approve(guard, a); err != nil || d.state(a.ID) != Approved {
		t.Fatal(err)
	}
	want(t, "by another", use(guard, "tier=3"), ErrNotYours)
	want(t, "for more", use(d.maker, "tier=*"), ErrAltered)
	if won := atOnce(16, func(int) error { return use(d.maker, "tier=3") }); won != 1 || d.state(a.ID) != Executed {
		t.Errorf("used %d times", won)
	}
	d.write(func(tx *db.Tx) (err error) {
		a, err = Request(d.s, tx, d.maker, exportMembers, 0, "tier=3", "again")
		return err
	})
	if err := d.approve(guard, a); err != nil {
		t.Fatal(err)
	}
	d.clock.Add(clock.Day)
	want(t, "a day later", use(d.maker, "tier=3"), ErrExpired)
}

func TestWrongKindsAndReasons(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	ask := func(kind Needs[adjust], reason string) error {
		return d.try(func(tx *db.Tx) error {
			_, err := Request(d.s, tx, d.maker, kind, 0, adjust{}, reason)
			return err
		})
	}
	want(t, "unknown kind", ask("nonsense", "x"), ErrApprovalKind)
	want(t, "no reason", ask(grantPoints, " "), ErrReason)
	want(t, "long reason", ask(grantPoints, strings.Repeat("因", 501)), ErrReason)
	if Ticket(d.s, exportMembers, ApprovalSpec{Perm: "approve.exports"}) == nil || Ticket(d.s, Needs[int]("new"), ApprovalSpec{Perm: "nonsense"}) == nil {
		t.Error("a wrong kind was registered")
	}
}

func TestPointsByHandHaveLimitsPerActAndDay(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann, bob := w.person("ann"), w.person("bob")
	allow := func(who Who, points int64) error {
		return w.try(func(tx *db.Tx) error { return w.s.AllowPoints(tx, who, points) })
	}
	want(t, "over the act", allow(ann, 1001), ErrNeedsApproval)
	want(t, "taking over the act", allow(ann, -1001), ErrNeedsApproval)
	for i := range int64(5) {
		if err := allow(ann, 1000-2000*(i%2)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "over the day", allow(ann, 1), ErrNeedsApproval)
	if err := allow(bob, 1); err != nil {
		t.Errorf("another person: %v", err)
	}
	w.clock.Set(clock.Shanghai.EndOfDay(start) - 1)
	want(t, "the last moment of the day", allow(ann, 1), ErrNeedsApproval)
	w.clock.Add(1)
	if err := allow(ann, 1); err != nil {
		t.Errorf("the next day: %v", err)
	}
	for _, absurd := range []int64{0, -1 << 63, 1<<63 - 1} {
		want(t, "absurd", allow(ann, absurd), ErrAmount)
	}
}

func TestLimitsAreSettings(t *testing.T) {
	t.Parallel()
	w := open(t)
	boss := w.person("boss")
	set := func(name string, amount int64) error {
		return w.try(func(tx *db.Tx) error { return w.s.SetLimit(tx, boss, name, amount, "peak season") })
	}
	want(t, "unknown", set("nonsense", 1), ErrNoLimit)
	want(t, "negative", set(PointsPerAct, -1), ErrAmount)
	if err := set(PointsPerAct, 10); err != nil {
		t.Fatal(err)
	}
	err := w.try(func(tx *db.Tx) error { return w.s.AllowPoints(tx, boss, 11) })
	want(t, "over the new limit", err, ErrNeedsApproval)
	w.view(func(v *db.View) {
		if got := w.s.Limits(v); got[0].Amount != 10 || got[1].Amount != 5000 {
			t.Errorf("limits %+v", got)
		}
		if row := w.s.LogPage(v, 0, 1)[0]; row.Old != `{"Name":"points.per_act","Amount":1000}` || row.New != `{"Name":"points.per_act","Amount":10}` {
			t.Errorf("log %+v", row)
		}
	})
}

func TestManyActsAtOnceStayWithinTheDay(t *testing.T) {
	t.Parallel()
	w := open(t)
	ann := w.person("ann")
	won := atOnce(32, func(int) error {
		return w.try(func(tx *db.Tx) error { return w.s.AllowPoints(tx, ann, 700) })
	})
	if won != 7 {
		t.Errorf("%d acts of 700 within 5000", won)
	}
}
