package app

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/recognition"
)

func TestBadgesShowWhatWasEarnedAndHowToEarnTheRest(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	me := w.enter(m)
	me.get("/api/member/me/badges").want(200, "earned=0", "title=", "data.0.key=profile", "data.0.earned_at=", "data.0.how=完善全部个人资料", "data.8.key=tier_top", "data.9=")
	me.get("/api/member/me/home").want(200, "badges.earned=0", "badges.all=9", "badges.newest=[]", "badges.next.key=profile", "greetings=[]")
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(201)
	w.till.post("/api/partner/orders", w.order(m, "A1", 20000, `,"points_used":0`)).want(200, "again=true")
	order := w.till.get("/api/partner/orders?no=A1").at("id")
	me.get("/api/member/me/badges?lang=en").want(200, "earned=2", "title=New friend", "data.0.name=One step up", "data.0.why=tier:silver", "data.1.why=order:"+order, fmt.Sprint("data.1.earned_at=", noon), "data.2.earned_at=")
	me.get("/api/member/me/home").want(200, "badges.earned=2", "badges.title=新朋友", "badges.newest.0.key=tier_up", "badges.newest.1.name=第一单", "badges.newest.2=", "badges.next.key=profile")
	w.clock.Add(clock.Hour)
	w.till.send("PUT", "/api/partner/members/"+m+"/profile", "", `{"nickname":"李雷","phone":"13800138000","region":"杭州","gender":"male","birthday":"1990-07-02"}`).want(200)
	me.get("/api/member/me/badges").want(200, "earned=3", "data.0.key=profile", "data.0.why=profile")
	me.send("POST", "/api/member/me/exports", "", "").want(202)
	w.work()
	copied := me.get("/api/member/me/exports").want(200, "data.0.state=ready").at("data.0.id")
	if body := me.get("/api/member/me/exports/" + copied + "/content").want(200).body; !strings.Contains(body, "first_order") {
		t.Error("the copy of the data has no badges:", body)
	}
}

// back sets since when a member is one.
func (w *town) back(who string, joined int64) {
	w.t.Helper()
	n, _ := id.Parse(who)
	w.write(func(tx *db.Tx) error {
		m, _ := member.Members.Get(tx, n)
		m.JoinedAt = joined
		member.Members.Put(tx, m)
		return nil
	})
}

// at gives an instant of Shanghai.
func at(t testing.TB, text string) int64 {
	t.Helper()
	ms, err := clock.Shanghai.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

// TestMembersAreGreetedOnTheirDayOnce: birthday and anniversary on one day; who is frozen, closed or merged is not greeted; nor is anybody a day late.
func TestMembersAreGreetedOnTheirDayOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	names := map[string]string{}
	for i, name := range []string{"anna", "frozen", "closed", "merged", "other"} {
		names[name] = w.join(fmt.Sprint("1380013800", i))
		w.back(names[name], at(t, "2024-07-09 23:59"))
		w.till.send("PUT", "/api/partner/members/"+names[name]+"/profile", "", `{"birthday":"1990-07-09"}`).want(200)
	}
	w.back(names["other"], at(t, "2025-07-10 00:00"))
	w.till.send("PUT", "/api/partner/members/"+names["other"]+"/profile", "", `{"birthday":"1990-07-10"}`).want(200)
	w.work() // plans begin
	w.status(names["frozen"], "frozen")
	w.status(names["closed"], "cancelled")
	from, _ := id.Parse(names["merged"])
	into, _ := id.Parse(names["anna"])
	w.write(func(tx *db.Tx) error { _, err := w.a.Members.Merge(tx, from, into, "one person"); return err })
	letters := func(name, occasion string) (n int64) {
		who, _ := id.Parse(names[name])
		if err := w.a.DB.View(context.Background(), func(v *db.View) error { n = message.CountOf(v, who, occasion); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, now := range []string{"2026-07-09 00:10", "2026-07-09 00:20", "2026-07-09 12:00", "2026-07-09 23:59"} {
		w.clock.Set(at(t, now))
		w.work()
		want := int64(1)
		if now == "2026-07-09 00:10" {
			want = 0
		}
		for _, occasion := range []string{message.Birthday, message.Anniversary} {
			if n := letters("anna", occasion); n != want {
				t.Errorf("%s: %d letters of %s, want %d", now, n, occasion, want)
			}
			for _, name := range []string{"frozen", "closed", "merged", "other"} {
				if n := letters(name, occasion); n != 0 {
					t.Errorf("%s: %s has %d letters of %s", now, name, n, occasion)
				}
			}
		}
		w.enter(names["anna"]).get("/api/member/me/home").want(200, "greetings.0.kind=birthday", "greetings.0.title=生日快乐", "greetings.1.kind=anniversary", "greetings.1.title=相识 2 周年", "greetings.1.years=2", "greetings.2=")
		w.enter(names["frozen"]).get("/api/member/me/home").want(200, "greetings=[]")
	}
	w.enter(names["anna"]).get("/api/member/me/home?lang=en").want(200, "greetings.1.title=2 years together")
	w.enter(names["anna"]).get("/api/member/me/messages").want(200, "data.0.page=badges")
	// The service was away for the other's day: no greeting comes late, but the year counts.
	w.clock.Set(at(t, "2026-07-12 09:00"))
	w.work()
	if letters("other", message.Birthday)+letters("other", message.Anniversary) != 0 {
		t.Error("somebody was greeted days late")
	}
	w.enter(names["other"]).get("/api/member/me/badges").want(200, "earned=1", "data.0.key=year_1", "title=老朋友")
	w.enter(names["anna"]).get("/api/member/me/home").want(200, "greetings=[]")
}

// TestManyOfOneDayAreAllGreeted: an import gives hundreds the same instant of joining.
func TestManyOfOneDayAreAllGreeted(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.work()
	const many = 450
	joined := at(t, "2025-07-09 12:00")
	w.write(func(tx *db.Tx) error {
		for i := range many {
			if _, _, err := w.a.Members.Join(tx, member.Join{Identities: []member.Identity{{Kind: member.KindPhone, Value: vault.Hide(fmt.Sprintf("139%08d", i))}}, JoinedAt: joined}); err != nil {
				return err
			}
		}
		return nil
	})
	w.clock.Set(at(t, "2026-07-09 00:20"))
	w.work()
	greeted, honoured := 0, 0
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		v.Row("SELECT COUNT(DISTINCT member_id) FROM message_inbox WHERE occasion = 'anniversary'", nil, &greeted)
		v.Row("SELECT COUNT(*) FROM recognition_badge WHERE badge = 'year_1'", nil, &honoured)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if greeted != many || honoured != many {
		t.Errorf("%d greeted and %d honoured of %d", greeted, honoured, many)
	}
}

// TestWhoWasHereBeforeBadgesGetsThem: an installation that is older than badges gives at its next start what was earned before.
func TestWhoWasHereBeforeBadgesGetsThem(t *testing.T) {
	t.Parallel()
	folder, c := t.TempDir(), clock.NewFake(noon)
	start := func() *App {
		a, err := Open(context.Background(), Options{Data: folder, Clock: c, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := start()
	var m member.Member
	err := a.DB.Write(context.Background(), db.Op{Actor: "test"}, func(tx *db.Tx) (err error) {
		m, _, err = a.Members.Join(tx, member.Join{Identities: []member.Identity{{Kind: member.KindPhone, Value: vault.Hide("13800138000")}}, JoinedAt: noon - 4*366*clock.Day})
		if err != nil {
			return err
		}
		if n := len(recognition.Of(tx, m.ID)); n != 2 {
			t.Errorf("who joined four years ago has %d badges", n)
		}
		a.Honours.Forget(tx, m.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		a = start()
		for ran := 1; ran > 0; {
			if ran, err = a.Jobs.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.DB.View(context.Background(), func(v *db.View) error {
			if n := len(recognition.Of(v, m.ID)); n != 2 {
				t.Errorf("there are %d badges after the start", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}
