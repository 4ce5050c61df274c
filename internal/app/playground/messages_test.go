package playground

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/order"
)

// shown opens a place whose messages are set up as in the demonstration.
func shown(t *testing.T) *place {
	t.Helper()
	x := open(t)
	x.at.Set(x.a.Zone.EndOfDay(x.at.Now()) + 10*clock.Hour) // outside the quiet hours
	if err := x.a.Showcase(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

// follower makes a person a member who follows the account.
func (x *place) follower(person string) (*browser, int64) {
	x.t.Helper()
	x.p.Accounts.Subscribe(x.oa, person, "", "")
	x.work()
	b := x.joined(person)
	x.work()
	var found member.Found
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) (err error) {
		found, _, err = x.a.Members.Find(v, member.Identity{Kind: member.KindOpenID, Issuer: x.oa.ID, Value: vault.Hide(x.p.World.OpenID(x.oa.ID, person))})
		return err
	})
	if found.Member == 0 {
		x.t.Fatal("no such member")
	}
	return b, found.Member
}

func (x *place) write(f func(*db.Tx) error) {
	x.t.Helper()
	if err := x.a.DB.Write(x.t.Context(), db.Op{Actor: "system:test"}, f); err != nil {
		x.t.Fatal(err)
	}
}

// buy takes an order that was paid just now.
func (x *place) buy(id int64, no string, fen int64) {
	x.t.Helper()
	x.write(func(tx *db.Tx) error {
		_, _, err := x.a.Orders.Take(tx, order.In{Source: "pos", No: no, Member: id, Amount: fen, Channel: "store", Store: "S001", Occurred: tx.Now()})
		return err
	})
}

func (x *place) tell(id int64, occasion, dedupe string, values map[string]string) {
	x.t.Helper()
	x.write(func(tx *db.Tx) error {
		return x.a.Messages.Tell(tx, message.Note{Member: id, Occasion: occasion, Dedupe: dedupe, Values: values})
	})
	x.work()
}

// got lists the cards on a person's phone: kind, title and fields.
func (x *place) got(person string) (out []string) {
	for _, b := range x.p.World.Bubbles(person, 0) {
		if slices.Contains([]string{"template", "subscribe", "sms", "mail"}, b.Kind) {
			line := b.Kind + " " + b.Title + b.Text
			for _, f := range b.Fields {
				line += "|" + f.Value
			}
			out = append(out, line)
		}
	}
	return out
}

// log lists what became of the messages of a member, oldest first.
func (x *place) log(id int64) (out []string) {
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, s := range message.LogOf(v, id, 1<<62, 100) {
			out = append(out, strings.TrimSpace(s.Occasion+" "+s.Channel+" "+s.State+" "+s.Reason))
		}
		return nil
	})
	slices.Reverse(out)
	return out
}

func (x *place) same(what string, got []string, want ...string) {
	x.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		x.t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func TestAPurchaseIsToldOnThePhone(t *testing.T) {
	t.Parallel()
	x := shown(t)
	_, id := x.follower("lin")
	x.buy(id, "A-1", 6_850)
	x.work()
	at := x.a.Zone.Format("2006-01-02 15:04", x.at.Now())
	x.same("on the phone", x.got("lin"), "template 积分变动提醒|消费或活动获得|68|68|"+at, "template 积分变动提醒|消费或活动获得|50|118|"+at, "template 消费成功通知|¥68.50|S001|A-1|"+at)
	x.write(func(tx *db.Tx) error {
		_, err := x.a.Orders.Refund(tx, order.RefundIn{Source: "pos", No: "R-1", OrderNo: "A-1", Amount: 6_850, Occurred: tx.Now()})
		return err
	})
	x.work()
	if got := x.got("lin"); len(got) != 6 || !slices.Contains(got, "template 退款成功通知|¥68.50|S001|A-1|"+at) || !slices.Contains(got, "template 积分变动提醒|订单退款扣回|-50|0|"+at) {
		t.Errorf("after the refund: %q", got)
	}
	for _, line := range x.log(id) {
		if !strings.HasSuffix(line, " official sent") {
			t.Error(line)
		}
	}
	x.p.Accounts.Unsubscribe(x.oa, "lin") // who left hears nothing there, and nobody asks the platform
	x.work()
	n := x.p.World.Record.Count()
	x.buy(id, "A-2", 100)
	x.work()
	if log := x.log(id); !slices.Contains(log, "order_paid official failed message.no_address") || len(x.got("lin")) != 6 {
		t.Errorf("%q", log)
	}
	for _, e := range x.p.World.Record.Since(n, "/cgi-bin/message/template/send") {
		t.Errorf("the platform was asked: %+v", e)
	}
}

func TestWhatThePlatformAnswersDecides(t *testing.T) {
	t.Parallel()
	x := shown(t)
	_, id := x.follower("chen")
	const send = "/cgi-bin/message/template/send"
	n := 0
	tell := func(f world.Fault) {
		t.Helper()
		n++
		f.Path = send
		x.p.World.Faults.Add(f)
		x.tell(id, message.TierUp, fmt.Sprint("t", n), map[string]string{"tier": "tier.1"})
	}
	arrived := func(want int) {
		t.Helper()
		if got := x.got("chen"); len(got) != want {
			t.Errorf("%d messages, want %d: %q %q", len(got), want, got, x.log(id))
		}
	}
	tell(world.Fault{ErrCode: 40001}) // the token is replaced, once
	arrived(1)
	tell(world.Fault{Lost: true}) // it took effect and the answer was lost: the same number again is the same message
	x.at.Add(clock.Minute)
	x.work()
	arrived(2)
	tell(world.Fault{Status: 502, Times: 2})
	x.at.Add(clock.Minute)
	x.work()
	x.at.Add(clock.Minute)
	x.work()
	arrived(3)
	tell(world.Fault{ErrCode: 40037}) // the template is gone: told to an operator, and not tried again
	x.noted("channel.template")
	arrived(3)
	tell(world.Fault{ErrCode: 43004}) // does not follow
	arrived(3)
	x.p.Accounts.Unsubscribe(x.oa, "chen")
	x.at.Add(clock.Minute)
	x.p.Accounts.Subscribe(x.oa, "chen", "", "")
	x.work()
	tell(world.Fault{ErrCode: 45009, Times: -1}) // the quota of the day: it waits for the next, and for the end of the quiet hours
	x.noted("channel.quota")
	asked := x.p.World.Record.Count()
	for range 6 {
		x.at.Add(20 * clock.Minute)
		x.work()
	}
	if again := x.p.World.Record.Since(asked, send); len(again) != 0 {
		t.Errorf("a storm: %d tries while the quota was used up", len(again))
	}
	x.p.World.Faults.Clear()
	x.at.Set(x.a.Zone.EndOfDay(x.at.Now()) + 8*clock.Hour + clock.Minute)
	x.work()
	arrived(4)
	x.at.Add(clock.Day)
	tell(world.Fault{ErrCode: 40001, Times: 2}) // the fresh token is refused as well: trouble, and tried again later
	x.noted("channel.token")
	x.at.Add(clock.Minute)
	x.work()
	arrived(5)
	if log := x.log(id); !slices.Contains(log, "tier_up official failed message.no_address") || !slices.Contains(log, "tier_up official failed message.refused") {
		t.Errorf("%q", log)
	}
}

// credits is what is left of a mini program's template.
func (x *place) credits(b *browser, occasion string) float64 {
	x.t.Helper()
	for _, one := range b.get("/api/member/me/subscriptions").want(200).doc["data"].([]any) {
		if m := one.(map[string]any); m["occasion"] == occasion {
			return m["left"].(float64)
		}
	}
	x.t.Fatal("no subscription for ", occasion)
	return 0
}

func TestSubscriptionsAreSpentAndCorrected(t *testing.T) {
	t.Parallel()
	x := shown(t)
	b, id := x.follower("wang") // the unionid makes the mini program's openid hers
	x.mini("wang", "").want(200, "state=in")
	x.p.Accounts.Unsubscribe(x.oa, "wang")
	x.work()
	var template string
	for _, tpl := range x.p.Accounts.Templates(x.mp.ID) {
		if tpl.Title == "会员等级变更通知" {
			template = tpl.ID
		}
	}
	up := map[string]string{"tier": "tier.1"}
	x.tell(id, message.TierUp, "0", up)
	x.same("without a yes", x.log(id), "tier_up official failed message.no_address")
	x.p.Accounts.Accept(x.mp, "wang", []string{template}, true)
	b.post("/api/member/me/subscriptions", `{"accepted":["`+template+`"]}`).want(201) // the app tells of the same tap
	x.work()
	if n := x.credits(b, message.TierUp); n != 1 {
		t.Fatalf("one tap told twice counts %v", n)
	}
	x.p.Accounts.Accept(x.mp, "wang", []string{template}, false) // a no to one question takes nothing away
	x.at.Add(clock.Second)
	x.p.Accounts.Accept(x.mp, "wang", []string{template}, true)
	x.work()
	if n := x.credits(b, message.TierUp); n != 2 {
		t.Fatalf("two yeses count %v", n)
	}
	x.tell(id, message.TierUp, "1", up)
	if got := x.got("wang"); len(got) != 1 || !strings.HasPrefix(got[0], "subscribe 会员等级变更通知|银卡会员|新的权益已经生效|") || x.credits(b, message.TierUp) != 1 {
		t.Errorf("%q, %v left", got, x.credits(b, message.TierUp))
	}
	x.p.World.Faults.Add(world.Fault{Path: "/cgi-bin/message/subscribe/send", ErrCode: 43101})
	x.tell(id, message.TierUp, "2", up) // the platform knows better: nothing is left
	if x.credits(b, message.TierUp) != 0 {
		t.Error("a refusal left credits")
	}
	x.at.Add(clock.Second)
	x.p.Accounts.Accept(x.mp, "wang", []string{template}, true)
	x.work()
	x.p.World.Faults.Add(world.Fault{Path: "/cgi-bin/message/subscribe/send", Lost: true})
	x.tell(id, message.TierUp, "3", up) // nobody knows: spent, not repeated
	x.at.Add(clock.Hour)
	x.work()
	if log := x.log(id); !slices.Contains(log, "tier_up mini unknown message.maybe") || len(x.got("wang")) != 2 {
		t.Errorf("%q %q", log, x.got("wang"))
	}
	x.p.Accounts.Accept(x.mp, "wang", []string{template}, true)
	x.work()
	x.at.Add(clock.Second)
	x.p.Accounts.Withdraw(x.mp, "wang", []string{template})
	x.work()
	if x.credits(b, message.TierUp) != 0 {
		t.Error("what was turned off is still there")
	}
}

func TestTextsAndLettersAreTheLastResort(t *testing.T) {
	t.Parallel()
	x := shown(t)
	b, id := x.follower("zhao")
	sms := x.code(b, "zhao", "13800138004")
	b.post("/api/member/me/phone", `{"phone":"13800138004","code":"`+sms+`"}`).want(200)
	x.p.Accounts.Unsubscribe(x.oa, "zhao")
	x.at.Add(2 * clock.Minute)
	x.work()
	soon := map[string]string{"points": "120", "day": "2026-10-31"}
	x.tell(id, message.PointsExpiring, "1", soon)
	got := x.got("zhao")
	if len(got) != 2 || got[1] != "sms 【关系生活馆】您有120积分将于2026-10-31到期，到期后失效。" {
		t.Errorf("%q", got)
	}
	x.p.World.Faults.Add(world.Fault{Path: "/aliyun/", Lost: true})
	x.at.Add(2 * clock.Minute)
	x.tell(id, message.PointsExpiring, "2", soon) // perhaps it arrived: not sent again
	x.at.Add(clock.Minute)
	x.work()
	x.same("log", x.log(id), "points_expiring official failed message.no_address", "points_expiring sms sent", "points_expiring official failed message.no_address", "points_expiring sms unknown message.maybe")

	x.write(func(tx *db.Tx) error {
		words := message.Templates.At(tx, tx.Now()).Value
		words.Templates = slices.Clone(words.Templates)
		for i := range words.Templates {
			words.Templates[i].Channels = []string{"mail"}
		}
		if _, err := message.Templates.Set(tx, words, 0, "test"); err != nil {
			return err
		}
		if err := x.a.Members.Bind(tx, id, member.Identity{Kind: member.KindEmail, Value: vault.Hide("Zhao@Example.com")}); err != nil {
			return err
		}
		return x.a.Members.SetConsent(tx, id, member.ForMarketing, true, -1, "test")
	})
	offer := map[string]string{"title": "周末双倍积分", "body": "本周六、日到店消费，积分翻倍。"}
	x.tell(id, message.Announcement, "1", offer)
	got = x.got("zhao")
	if len(got) != 4 || !strings.HasPrefix(got[3], "mail 周末双倍积分本周六、日到店消费，积分翻倍。") {
		t.Fatalf("%q", got)
	}
	link := regexp.MustCompile(`http\S+/hooks/mail/leave\S+`).FindString(got[3])
	out := x.browser("zhao")
	out.get(link).want(200)
	out.get(link[:len(link)-1] + "_").want(404)
	out.post(link, "").want(200)
	x.at.Add(2 * clock.Day)
	x.tell(id, message.Announcement, "2", offer)
	if n := len(x.got("zhao")); n != 4 {
		t.Error("an offer came after the one tap that ends them")
	}
}
