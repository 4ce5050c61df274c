package playground

import (
	"encoding/json"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/emulator/staff"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
)

// task says of a newcomer's task whether it is shown and done, and how many points the member has.
func (x *place) task(id int64, key string) (shown, done bool, points int64) {
	x.t.Helper()
	if err := x.a.DB.View(x.t.Context(), func(v *db.View) error {
		m, err := member.Resolve(v, id)
		if err != nil {
			return err
		}
		for _, one := range campaign.TasksOf(v, x.a.Zone, m.ID, m.JoinedAt) {
			if one.Key == key {
				shown, done = true, one.Done
			}
		}
		points = ledger.Now(v, m.ID, ledger.Points).Balance
		return nil
	}); err != nil {
		x.t.Fatal(err)
	}
	return shown, done, points
}

// tasking is a demonstration with the tasks of following the account and joining the group.
func tasking(t *testing.T) *place {
	t.Helper()
	x := shown(t)
	if err := x.a.ShowTasks(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.work()
	return x
}

func (x *place) tasked(id int64, key string, done bool, points int64) {
	x.t.Helper()
	if shown, was, has := x.task(id, key); !shown || was != done || has != points {
		x.t.Errorf("%s: shown %v, done %v with %d points; want done %v with %d", key, shown, was, has, done, points)
	}
}

// TestWhoFollowsDoesTheTaskOnce: before joining, after it, again and again, pushed twice, or known by the unionid alone.
func TestWhoFollowsDoesTheTaskOnce(t *testing.T) {
	t.Parallel()
	x := tasking(t)
	var code string
	_ = x.a.DB.View(t.Context(), func(v *db.View) error { code = x.a.Entry.CentreCode(v); return nil })
	if code == "" {
		t.Fatal("the member centre has no code to show")
	}
	_, lin := x.follower("lin") // followed, then joined
	x.tasked(lin, campaign.TaskFollow, true, 20)

	b := x.joined("chen") // joins without following
	x.links(b, code, staff.GroupURL+staff.DemoChat)
	b.post("/api/member/me/tasks/follow", "{}").want(422) // nobody says so of themselves
	chen := x.whoIs("chen")
	x.tasked(chen, campaign.TaskFollow, false, 0)
	for range 3 {
		x.p.Accounts.Subscribe(x.oa, "chen", "h=centre", "")
		x.work()
		x.tasked(chen, campaign.TaskFollow, true, 20)
		x.at.Add(clock.Minute)
		x.p.Accounts.Unsubscribe(x.oa, "chen")
		x.work()
		x.tasked(chen, campaign.TaskFollow, true, 20)
		x.at.Add(clock.Minute)
	}
	// A member of the mini program is known by the unionid.
	wang := x.mini("wang", `,"agreement":{"version":"0"}`)
	wang.want(200, "is_new=true")
	x.p.Accounts.Subscribe(x.oa, "wang", "", "")
	x.work()
	x.tasked(x.whoIsBy("wang", member.KindUnionID), campaign.TaskFollow, true, 20)

	// Who comes after the days gets nothing, and nothing breaks.
	x.joined("zhao")
	zhao := x.whoIs("zhao")
	x.at.Add(3 * clock.Day)
	x.p.Accounts.Subscribe(x.oa, "zhao", "", "")
	x.work()
	if shown, _, points := x.task(zhao, campaign.TaskFollow); shown || points != 0 {
		t.Errorf("an old member was given %d", points)
	}
}

// TestAMissedFollowIsFoundAtNight: pushes that never came are made up for by the night's comparison.
func TestAMissedFollowIsFoundAtNight(t *testing.T) {
	t.Parallel()
	x := tasking(t)
	x.joined("chen")
	chen := x.whoIs("chen")
	x.write(func(tx *db.Tx) error { return x.a.Members.SetStatus(tx, chen, member.Frozen, "test") })
	x.p.World.SetDisorder(world.Disorder{Lost: 100})
	x.p.Accounts.Subscribe(x.oa, "chen", "", "")
	x.work()
	x.p.World.SetDisorder(world.Disorder{})
	x.tasked(chen, campaign.TaskFollow, false, 0)
	x.at.Add(clock.Day)
	x.work()
	x.tasked(chen, campaign.TaskFollow, true, 20) // frozen members earn
}

// TestWhoComesIntoTheGroupDoesTheTaskOnce: by the contact of a clerk, by the unionid alone, and strangers change nothing.
func TestWhoComesIntoTheGroupDoesTheTaskOnce(t *testing.T) {
	t.Parallel()
	x := tasking(t)
	x.joined("chen")
	chen := x.whoIs("chen")
	x.mini("wang", `,"agreement":{"version":"0"}`).want(200, "is_new=true")
	wang := x.whoIsBy("wang", member.KindUnionID)
	x.p.Company.Scan("chen", x.clerkCode().URL)
	x.work()
	for _, person := range []string{"chen", "wang", "lin"} {
		if !x.p.Company.EnterChat(person, staff.DemoChat) {
			t.Fatal(person)
		}
		x.work()
	}
	x.tasked(wang, campaign.TaskGroup, true, 20)
	x.tasked(chen, campaign.TaskGroup, false, 0) // the account's login tells no unionid of who does not follow: chen is a stranger to WeCom
	if x.p.Company.EnterChat("wang", staff.DemoChat) {
		t.Fatal("twice in a group")
	}
	x.at.Add(clock.Second)
	other := x.p.Company.OpenChat()
	x.p.Company.EnterChat("wang", other)
	x.work()
	x.tasked(wang, campaign.TaskGroup, true, 20)
}

func (x *place) whoIs(person string) int64 {
	return x.whoIsBy(person, member.KindOpenID)
}

func (x *place) whoIsBy(person, kind string) (id int64) {
	x.t.Helper()
	i := member.Identity{Kind: kind, Issuer: x.oa.ID, Value: vault.Hide(x.p.World.OpenID(x.oa.ID, person))}
	if kind == member.KindUnionID {
		i.Issuer, i.Value = x.oa.Owner, vault.Hide(x.p.World.UnionID(&x.oa, person))
	}
	if err := x.a.DB.View(x.t.Context(), func(v *db.View) error {
		f, _, err := x.a.Members.Find(v, i)
		id = f.Member
		return err
	}); err != nil || id == 0 {
		x.t.Fatalf("%s is no member: %v", person, err)
	}
	return id
}

// links says what the codes of the two tasks say on the home page.
func (x *place) links(b *browser, want ...string) {
	x.t.Helper()
	var home struct {
		Tasks []struct{ Key, Link string }
	}
	if err := json.Unmarshal([]byte(b.get("/api/member/me/home").want(200).body), &home); err != nil {
		x.t.Fatal(err)
	}
	var got []string
	for _, one := range home.Tasks {
		if one.Key == campaign.TaskFollow || one.Key == campaign.TaskGroup {
			got = append(got, one.Link)
		}
	}
	x.same("links", got, want...)
}
