package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

func TestCheckInFollowsTheLadder(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	me := w.enter(m)
	me.get("/api/member/me/checkin").want(200, "checked_today=false", "streak=0", "next.n=1", "next.points=5", "ladder.6.points=20", "ladder.6.bonus=10", "days=[]", "today=20260701", "month=202607")
	me.send("POST", "/api/member/me/checkins", "a", "").want(201, "streak=1", "points=5", "again=false", "day=20260701")
	me.send("POST", "/api/member/me/checkins", "a", "").want(201, "again=false") // the same request
	me.send("POST", "/api/member/me/checkins", "b", "").want(200, "points=5", "again=true")
	me.get("/api/member/me/statement").want(200, "data.0.amount=10", "data.0.title=新人任务", "data.1.amount=5", "data.1.title=每日签到", "data.1.kind=grant")
	me.get("/api/member/me/home").want(200, "tasks.2.key=checkin", "tasks.2.done=true", "tasks.3.key=browse", "tasks.3.done=false")
	me.send("POST", "/api/member/me/tasks/browse", "", "").want(201, "points=10")
	me.send("POST", "/api/member/me/tasks/browse", "", "").want(200, "points=10", "again=true")
	me.send("POST", "/api/member/me/tasks/checkin", "", "").want(422)
	want := []int{6, 8, 10, 12, 15, 30, 5}
	for i, n := range want {
		w.clock.Add(clock.Day)
		w.enter(m).send("POST", "/api/member/me/checkins", "", "").want(201, fmt.Sprint("points=", n), fmt.Sprint("streak=", i+2))
	}
	me = w.enter(m)
	me.get("/api/member/me/checkin").want(200, "streak=8", "ladder.0.n=8", "ladder.0.done=true", "ladder.1.done=false", "next.points=6", "days.6.points=30", "days.6.bonus=10", "month_points=91")
	w.clock.Add(2 * clock.Day) // a day is left out
	me = w.enter(m)
	me.get("/api/member/me/checkin").want(200, "streak=0", "next.points=5")
	me.send("POST", "/api/member/me/checkins", "", "").want(201, "streak=1", "points=5")
	me.get("/api/member/me/checkin?month=202608").want(200, "days=[]", "month=202608")
	w.status(m, "blacklisted")
	w.clock.Add(clock.Day)
	w.enter(m).send("POST", "/api/member/me/checkins", "", "").want(409, "code=member.blocked")
	late := w.enter(w.join("13900139000"))
	w.clock.Add(3 * clock.Day)
	late.send("POST", "/api/member/me/tasks/browse", "", "").want(409, "code=campaign.task")
}

// TestManyAtOnceCheckInOnce: also at the turn of the day, each day gives once.
func TestManyAtOnceCheckInOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	me := w.enter(w.join("13800138000"))
	for round := range 4 {
		var fresh, again, other atomic.Int64
		var all sync.WaitGroup
		if round == 2 { // around midnight the clock moves while they ask
			w.clock.Set(w.a.Zone.EndOfDay(w.clock.Now()) - 1)
		}
		for i := range 32 {
			all.Go(func() {
				if round == 2 && i == 16 {
					w.clock.Add(1)
				}
				switch me.send("POST", "/api/member/me/checkins", "", "").status {
				case 201:
					fresh.Add(1)
				case 200:
					again.Add(1)
				default:
					other.Add(1)
				}
			})
		}
		all.Wait()
		days := int64(1)
		if round == 2 && fresh.Load() == 2 {
			days = 2
		}
		if fresh.Load() != days || again.Load() != 32-days || other.Load() != 0 {
			t.Fatalf("round %d: %d checked in, %d had, %d else", round, fresh.Load(), again.Load(), other.Load())
		}
		w.clock.Add(clock.Day)
	}
}

// TestStreaksAreCountedFromTheDays holds random check-ins of months against a plain count, and the points against the ledger.
func TestStreaksAreCountedFromTheDays(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	ladder := []int64{5, 6, 8, 10, 12, 15, 20}
	r := rand.New(rand.NewPCG(5, 5))
	w.clock.Add(10 * clock.Day) // no newcomer any more
	var streak, total int64
	last := 0
	for range 200 {
		w.clock.Add(clock.Day + r.Int64N(9)*clock.Hour - 4*clock.Hour)
		day := w.a.Zone.LocalDay(w.clock.Now())
		if r.IntN(9) == 0 {
			w.clock.Set(w.a.Zone.StartOfDay(w.a.Zone.AddDays(day, 1)) + 12*clock.Hour)
		} else {
			w.clock.Set(w.a.Zone.StartOfDay(day) + r.Int64N(clock.Day))
		}
		var got int
		var points int64
		w.write(func(tx *db.Tx) error {
			res, err := w.a.Campaign.CheckInNow(tx, n)
			got, points = res.Streak, res.Points+res.Bonus
			if res.Again {
				got = 0
			}
			return err
		})
		if got == 0 { // the same day as before
			continue
		}
		day = w.a.Zone.LocalDay(w.clock.Now())
		if w.a.Zone.AddDays(last, 1) != day {
			streak = 0
		}
		streak++
		last = day
		want := ladder[(streak-1)%7]
		if streak%7 == 0 {
			want += 10
		}
		if int64(got) != streak || points != want {
			t.Fatalf("day %d: streak %d and %d points, want %d and %d", day, got, points, streak, want)
		}
		total += points
	}
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		var sum int64
		for _, e := range ledger.Statement(v, n, ledger.Points, 0, 1000) {
			if e.Kind == ledger.KindGrant {
				sum += e.Amount
			}
		}
		if sum != total {
			t.Errorf("the ledger has %d, the days gave %d", sum, total)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestACampaignIsVersionedCappedAndTakesTwo(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.hire("ops", staff.Grant{Role: staff.Operations})
	list := func() (v struct {
		Data []struct{ ID, Campaign_id, State, Kind string }
	}) {
		w.ask("ops", "GET", "/campaigns", "", 200, &v)
		return v
	}
	var made struct{ ID string }
	w.ask("ops", "POST", "/campaigns", `{"kind":"check_in","zh":"二","en":"Two"}`, 201, &made)
	has(t, w.ask("ops", "POST", "/campaign-versions/"+made.ID+"/publication", `{"reason":"x"}`, 409, nil), "campaign.another")
	old := list().Data
	campaign := ""
	for _, v := range old {
		if v.Kind == "check_in" && v.State == "published" {
			campaign = v.Campaign_id
		}
	}
	for body, code := range map[string]string{
		`{"kind":"check_in","zh":"签","en":"C","settings":{"daily":[]}}`:                                                                  "campaign.ladder",
		`{"kind":"check_in","zh":"签","en":"C","settings":{"daily":[1],"steps":[{"days":7,"points":1},{"days":7,"points":1}]}}`:           "campaign.ladder",
		`{"kind":"check_in","zh":"签","en":"C","settings":{"daily":[1],"more":1}}`:                                                        "form.invalid",
		`{"kind":"newcomer","zh":"签","en":"C"}`:                                                                                          "campaign.kind",
		`{"kind":"check_in","zh":"签","en":"C","caps":{"per_grant":0,"per_day":-1,"per_member":0,"rule_day":0,"budget":0,"over":"clip"}}`: "reward.caps",
	} {
		has(t, w.ask("ops", "POST", "/campaigns/"+campaign+"/versions", body, 422, nil), code)
	}
	w.ask("ops", "POST", "/campaigns/"+campaign+"/versions", `{"kind":"check_in","zh":"签到","en":"C","settings":{"daily":[50]},"caps":{"per_grant":0,"per_day":0,"per_member":0,"rule_day":120,"budget":0,"over":"clip"}}`, 201, &made)
	w.ask("ops", "POST", "/campaign-versions/"+made.ID+"/publication", `{"reason":"a better one"}`, 200, nil)
	given := int64(0)
	for i := range 4 { // 50 + 50 + 20 + 0: the day of all members is capped
		m := w.join(fmt.Sprintf("1380013800%d", i), "")
		w.clock.Add(4 * clock.Day * int64(1-min(i, 1))) // only the first moves the clock
		w.write(func(tx *db.Tx) error {
			r, err := w.app.Campaign.CheckInNow(tx, m)
			given += r.Points + r.Bonus
			return err
		})
	}
	if given != 120 {
		t.Errorf("%d given, 120 is the cap of a day", given)
	}
	w.enter("ops")
	w.hire("money", staff.Grant{Role: staff.Finance})
	has(t, w.ask("ops", "POST", "/campaign-versions/"+made.ID+"/retirement", `{"reason":"over"}`, 202, nil), `"state":"waiting"`)

	has(t, w.ask("ops", "PUT", "/campaign-versions/"+made.ID, `{"kind":"check_in","zh":"签到","en":"C"}`, 409, nil), "campaign.state") // it is published
	w.ask("ops", "POST", "/campaigns/"+campaign+"/versions", `{"kind":"check_in","zh":"签到","en":"C","settings":{"daily":[1]}}`, 201, &made)
	has(t, w.ask("ops", "PUT", "/campaign-versions/"+made.ID, `{"kind":"check_in","zh":"签到","en":"C","settings":{"daily":[]}}`, 422, nil), "campaign.ladder")
	var done staff.Done
	w.ask("ops", "POST", "/campaign-versions/"+made.ID+"/publication", `{"reason":"one a day"}`, 202, &done)
	w.ask("ops", "PUT", "/campaign-versions/"+made.ID, `{"kind":"check_in","zh":"签到","en":"C","settings":{"daily":[9000]}}`, 200, nil)
	var a struct{ Digest string }
	path := fmt.Sprintf("/approvals/%s", *done.Approval)
	w.ask("money", "GET", path, "", 200, &a)
	has(t, w.ask("money", "POST", path+"/decision", fmt.Sprintf(`{"approve":true,"digest":%q}`, a.Digest), 409, nil), "approval.altered") // what was agreed to is not what it says now
}
