package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// line is a channel as the outside world is: it answers what it was told to, and keeps what it was handed.
type line struct {
	mu   sync.Mutex
	got  []message.Sent
	fail []error // the answers to come; when they are used up, all is well
}

func (l *line) send(_ context.Context, m message.Sent) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, m)
	if len(l.fail) == 0 {
		return fmt.Sprint("p", len(l.got)), nil
	}
	err := l.fail[0]
	l.fail = l.fail[1:]
	return "", err
}

func (l *line) titles() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.got {
		out = append(out, m.Title)
	}
	return out
}

// states lists what the send log says of a member, oldest first.
func (w *town) states(of string) (out []string) {
	w.t.Helper()
	n, _ := id.Parse(of)
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		log := message.LogOf(v, n, 1<<62, 200)
		for i := len(log) - 1; i >= 0; i-- {
			out = append(out, log[i].Channel+" "+log[i].State+" "+log[i].Reason)
		}
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) || len(got) != len(want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestTheInboxIsToldInTheTxOfTheCause(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	me := w.enter(m)
	me.get("/api/member/me/messages").want(200, "data.0.occasion=welcome", "data.0.title=欢迎加入", "data.1=")
	body := w.order(m, "A1", 20000, `,"points_used":0`)
	w.till.post("/api/partner/orders", body).want(201)
	w.till.post("/api/partner/orders", body).want(200) // delivered again: told once
	me.get("/api/member/me/messages").want(200, "data.0.occasion=tier_up", "data.0.title=恭喜升级银卡会员", "data.0.page=tiers", "data.0.read=false", "data.1.occasion=welcome", "data.2=")
	me.get("/api/member/me/messages?lang=en").want(200, "data.0.title=You are now Silver")
	me.get("/api/member/me/home").want(200, "unread=2")
	w.till.post("/api/partner/orders/refunds", `{"no":"R","order_no":"A1","full":true,"occurred_at":1782878400000}`).want(201)
	a := me.get("/api/member/me/messages").want(200, "data.0.occasion=tier_down", "data.4.occasion=welcome", "data.5=")
	if a.at("data.2.body") != "订单退款扣回，当前积分 0。" && a.at("data.1.body") != "订单退款扣回，当前积分 0。" {
		t.Error(a.body)
	}
	one := me.get("/api/member/me/messages?limit=3").want(200)
	me.get("/api/member/me/messages?limit=3&cursor="+one.at("next")).want(200, "data.1.occasion=welcome", "data.2=", "next=")
	me.send("PUT", "/api/member/me/messages/read", "", `{"ids":["`+a.at("data.0.id")+`"]}`).want(200, "unread=4")
	her := w.enter(w.join("13900139000"))
	her.send("PUT", "/api/member/me/messages/read", "", `{"ids":["`+a.at("data.1.id")+`"]}`).want(404, "code=message.not_found")
	me.send("PUT", "/api/member/me/messages/read", "", `{"up_to":"`+a.at("data.1.id")+`"}`).want(200, "unread=0")
	me.get("/api/member/me/messages?unread=true").want(200, "data=[]")
	her.get("/api/member/me/unread").want(200, "unread=1")
}

func TestPointsThatExpireAreAnnouncedTwice(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	w.give(m, 40) // of a reward: a month
	w.work()
	count := func() int {
		n := 0
		a := w.enter(m).get("/api/member/me/messages")
		for i := range 20 {
			if a.at(fmt.Sprintf("data.%d.occasion", i)) == "points_expiring" {
				n++
			}
		}
		return n
	}
	expires, _ := id.Parse(w.enter(m).get("/api/member/me/expiring?days=400").want(200).at("data.0.expires_at"))
	w.clock.Set(expires - 40*clock.Day)
	w.work()
	if n := count(); n != 0 {
		t.Error(n, "told too early")
	}
	for d := int64(29); d > 4; d -= 5 {
		w.clock.Set(expires - d*clock.Day)
		w.work()
	}
	if n := count(); n != 1 {
		t.Error(n, "told within the days of reminding")
	}
	w.clock.Set(expires - 2*clock.Day)
	w.work()
	w.clock.Set(expires - clock.Day)
	w.work()
	if n := count(); n != 2 {
		t.Error(n, "told in the end")
	}
	w.enter(m).get("/api/member/me/messages").want(200, "data.0.title=40 积分将于 "+w.a.Zone.Format("2006-01-02", expires-1)+" 到期")
	w.clock.Set(expires + clock.Day)
	w.work()
	w.enter(m).get("/api/member/me/messages").want(200, "data.0.occasion=points_changed", "data.0.title=积分变动 -40", "data.0.body=积分到期，当前积分 0。")
}

// official gives the town a channel that upgrades are told over.
func (w *town) official(l *line, credited bool) {
	w.a.Messages.Transports = []message.Transport{{Channel: "official", Credited: credited, Send: l.send}}
}

func (w *town) announce(of string, n int) {
	w.t.Helper()
	m, _ := id.Parse(of)
	w.write(func(tx *db.Tx) error {
		return w.a.Messages.Tell(tx, message.Note{Member: m, Occasion: message.Announcement, Dedupe: fmt.Sprint("a", n),
			Values: map[string]string{"title": fmt.Sprint("offer ", n), "body": "{title}"}})
	})
}

func TestConsentQuietHoursAndCapsAreAskedWhenSent(t *testing.T) {
	t.Parallel()
	w := open(t)
	var l line
	w.official(&l, false)
	m := w.join("13800138000")
	me := w.enter(m)
	agree := func(yes string) {
		me.send("PUT", "/api/member/me/consents/marketing", "", `{"given":`+yes+`}`).want(200)
	}
	w.announce(m, 1) // no consent: not even a letter
	w.work()
	me.get("/api/member/me/messages").want(200, "data.1=")
	agree("true")
	w.announce(m, 2)
	w.announce(m, 2)
	w.work()
	same(t, "sent", l.titles(), "offer 2")
	if l.got[0].Body != "{title}" {
		t.Error("a value was read as words:", l.got[0].Body)
	}
	w.announce(m, 3) // the second of the day
	w.work()
	same(t, "log", w.states(m), "official sent ", " skipped cap_day")
	w.clock.Add(clock.Day + 11*clock.Hour) // 23:00: quiet
	w.announce(m, 4)
	w.work()
	same(t, "sent at night", l.titles(), "offer 2")
	agree("false") // taken back while the message waits (ruling 29)
	w.clock.Add(8*clock.Hour + 59*clock.Minute)
	w.work()
	same(t, "before eight", w.states(m), "official sent ", " skipped cap_day")
	w.clock.Add(clock.Minute)
	w.work()
	same(t, "after consent was withdrawn", w.states(m), "official sent ", " skipped cap_day", " skipped no_consent")
	me = w.enter(m)
	agree("true")
	for n := 5; n < 10; n++ {
		w.clock.Add(clock.Day)
		w.announce(m, n)
		w.work()
	}
	same(t, "sent in July", l.titles(), "offer 2", "offer 5", "offer 6", "offer 7")
	w.clock.Add(30 * clock.Day)
	w.announce(m, 20)
	w.work()
	same(t, "sent in August", l.titles(), "offer 2", "offer 5", "offer 6", "offer 7", "offer 20")
	w.clock.Set(w.a.Zone.StartOfDay(20260910) + 23*clock.Hour)
	w.till.post("/api/partner/orders", w.order(m, "N1", 50000, `,"points_used":0`)).want(201)
	w.work()
	if n := len(l.titles()); n != 5 {
		t.Error("a service notice broke the quiet of the night")
	}
	w.clock.Add(9 * clock.Hour)
	w.work()
	if n := len(l.titles()); n <= 5 {
		t.Error("a service notice was lost in the night")
	}
}

func TestASubscriptionIsSpentBySendingOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	l := line{fail: []error{nil, message.ErrNoCredit.New(), errors.New("network down"), message.ErrRefused.With("code", 40037), message.ErrMaybe.New()}}
	w.official(&l, true)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	agree := func(times int) {
		w.write(func(tx *db.Tx) error {
			for i := range times {
				if err := w.a.Messages.Subscribe(tx, n, "", message.ByApp, fmt.Sprintf("t:%d:%d", tx.ID(), i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	left := func() (c int64) {
		_ = w.a.DB.View(context.Background(), func(v *db.View) error { c = message.CreditsLeft(v, n, ""); return nil })
		return c
	}
	w.write(func(tx *db.Tx) error {
		return w.a.Members.SetConsent(tx, n, member.ForMarketing, true, -1, "test")
	})
	next := 0
	tell := func() {
		next++
		w.clock.Add(clock.Day * 8) // below the caps
		w.announce(m, next)
		w.work()
	}
	tell()
	same(t, "without a subscription", w.states(m))
	agree(3)
	tell() // sent
	if left() != 2 {
		t.Error("left", left())
	}
	tell() // the provider says that there is none: it knows better
	if left() != 0 {
		t.Error("after 43101 left", left())
	}
	agree(2)
	tell() // the network is down: given back, and later refused for good
	w.clock.Add(clock.Minute)
	w.work()
	if left() != 2 {
		t.Error("after a refusal left", left())
	}
	tell() // nobody knows: spent, and never sent again
	w.clock.Add(clock.Hour)
	w.work()
	if left() != 1 {
		t.Error("after an unknown end left", left())
	}
	same(t, "log", w.states(m), "official sent ", "official failed message.no_credit", "official failed message.refused", "official unknown message.maybe")
	if got := len(l.titles()); got != 5 {
		t.Error(got, "sends were made")
	}
}

func TestASendThatWasInterruptedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	w := open(t)
	m := w.join("13800138000")
	n, _ := id.Parse(m)
	var l line
	died := false
	w.a.Messages.Transports = []message.Transport{{Channel: "official", Send: func(ctx context.Context, s message.Sent) (string, error) {
		if !died {
			died = true
			panic("the process dies here, after the message went out")
		}
		return l.send(ctx, s)
	}}}
	w.write(func(tx *db.Tx) error {
		return w.a.Messages.Tell(tx, message.Note{Member: n, Occasion: message.TierUp, Dedupe: "x", Values: map[string]string{"tier": "tier.1"}})
	})
	w.work()
	w.clock.Add(clock.Hour)
	w.work()
	same(t, "log", w.states(m), "official unknown interrupted")
	same(t, "sent again", l.titles())
	if err := w.a.DB.View(context.Background(), func(v *db.View) error {
		if d := job.DeadLetters(v, 5); len(d) > 0 {
			t.Error("dead letters", d)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
