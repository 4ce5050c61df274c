package work

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/emulator"
	"guanxi/internal/emulator/staff"
	"guanxi/internal/emulator/world"
)

func start(t *testing.T) (*Client, *staff.Company) {
	t.Helper()
	w := world.New("seed", clock.NewFake(1_790_000_000_000))
	e := emulator.New(w)
	c := staff.New(w, "wwcorp", "s3cret", 7, "open-platform-1", "zhang", "li")
	e.Mount("/qyapi/", http.StripPrefix("/qyapi", c))
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	emulator.Demo(w, "http://127.0.0.1:1", "127.0.0.1:1")
	return New(channels.Corp{CorpID: "wwcorp", AgentID: 7, Secret: channels.Hide("s3cret")}, channels.Hosts{Work: srv.URL + "/qyapi"}, srv.Client(), w.Clock), c
}

func want(t *testing.T, what string, err error, class wechat.Class, code int) {
	t.Helper()
	if wechat.ClassOf(err) != class || wechat.CodeOf(err) != code || err != nil && strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%s: got %v (class %d), want class %d code %d", what, err, wechat.ClassOf(err), class, code)
	}
}

func TestContactsAndTags(t *testing.T) {
	t.Parallel()
	c, corp := start(t)
	ctx := context.Background()
	if users, err := c.Staff(ctx); err != nil || len(users) != 2 {
		t.Error(users, err)
	}
	_, err := c.Customers(ctx, "zhang")
	want(t, "no customer yet", err, wechat.Permanent, 84061)
	code := corp.Meet("lin", "zhang", "S001")
	lin := corp.External("lin")
	if err := c.Welcome(ctx, code, "您好，我是您的专属导购"); err != nil {
		t.Error(err)
	}
	want(t, "greeted twice", c.Welcome(ctx, code, "x"), wechat.Permanent, 41050)
	late := corp.Meet("chen", "li", "")
	corp.W.Travel(20 * clock.Second)
	want(t, "greeted too late", c.Welcome(ctx, late, "x"), wechat.Permanent, 41050)
	if ids, err := c.Customers(ctx, "zhang"); err != nil || len(ids) != 1 || ids[0] != lin {
		t.Error(ids, err)
	}
	g, err := c.AddTags(ctx, "会员等级", "金卡", "银卡")
	if err != nil || len(g.Tags) != 2 {
		t.Fatal(g, err)
	}
	if err := c.Mark(ctx, "zhang", lin, []string{g.Tags[0].ID, g.Tags[1].ID}, nil); err != nil {
		t.Error(err)
	}
	if err := c.Mark(ctx, "zhang", lin, nil, []string{g.Tags[1].ID}); err != nil {
		t.Error(err)
	}
	want(t, "of another", c.Mark(ctx, "li", lin, nil, nil), wechat.Permanent, 84061)
	want(t, "an unknown tag", c.Mark(ctx, "zhang", lin, []string{"et0"}, nil), wechat.Permanent, 40068)
	x, err := c.Customer(ctx, lin)
	if err != nil || x.Contact.UnionID != corp.W.UnionID(&world.App{Owner: "open-platform-1"}, "lin") || x.Follow[0].State != "S001" || len(x.Follow[0].Tags) != 1 || x.Follow[0].Tags[0].Name != "金卡" {
		t.Errorf("%+v %v", x, err)
	}
	if err := c.Remark(ctx, "zhang", lin, "林女士 · 金卡"); err != nil {
		t.Error(err)
	}
	want(t, "a long remark", c.Remark(ctx, "zhang", lin, strings.Repeat("长", 21)), wechat.Permanent, 40058)
	if all, err := c.Tags(ctx); err != nil || len(all) != 1 || all[0].Name != "会员等级" {
		t.Error(all, err)
	}
	if way, err := c.AddWay(ctx, "store=S001", "zhang"); err != nil || way.ID == "" || way.QR == "" {
		t.Error(way, err)
	}
	_, err = c.AddWay(ctx, strings.Repeat("x", 31), "zhang")
	want(t, "a long state", err, wechat.Permanent, 41054)
	if err := c.Tell(ctx, "zhang", "您有一位会员升级"); err != nil {
		t.Error(err)
	}
	want(t, "nobody", c.Tell(ctx, "wang", "x"), wechat.Permanent, 81013)
}

func TestMessagesWaitForTheEmployee(t *testing.T) {
	t.Parallel()
	c, corp := start(t)
	ctx := context.Background()
	corp.Meet("lin", "zhang", "")
	corp.Meet("chen", "zhang", "")
	lin, chen := corp.External("lin"), corp.External("chen")
	task, err := c.Send(ctx, "zhang", []string{lin, chen, "wmnobody"}, "会员日双倍积分")
	if err != nil || len(task.Failed) != 1 {
		t.Fatal(task, err)
	}
	states := func() (n [4]int) {
		list, err := c.Results(ctx, task.ID, "zhang")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			n[r.State]++
		}
		return n
	}
	if got := states(); got != [4]int{Waiting: 2} || len(corp.W.Bubbles("lin", 0)) != 0 {
		t.Errorf("before the employee confirmed: %v", got)
	}
	for range 3 {
		if err := c.Remind(ctx, task.ID); err != nil {
			t.Error(err)
		}
	}
	want(t, "a fourth reminder", c.Remind(ctx, task.ID), wechat.Quota, 45033)
	corp.Part("chen")
	if !corp.Confirm(task.ID) || corp.Confirm(task.ID) {
		t.Error("confirmed wrongly")
	}
	if got := states(); got != [4]int{Went: 1, NoMore: 1} || len(corp.W.Bubbles("lin", 0)) != 1 {
		t.Errorf("after: %v", got)
	}
	want(t, "taken back too late", c.Cancel(ctx, task.ID), wechat.Permanent, 41063)
	for range 29 { // September 2026 has 30 days
		x, err := c.Send(ctx, "zhang", []string{lin}, "x")
		if err != nil || !corp.Confirm(x.ID) {
			t.Fatal(err)
		}
	}
	task, _ = c.Send(ctx, "zhang", []string{lin}, "x")
	corp.Confirm(task.ID)
	if got := states(); got != [4]int{TooMany: 1} {
		t.Errorf("over the month's number: %v", got)
	}
	_, err = c.Send(ctx, "zhang", []string{chen}, "x")
	want(t, "nobody left", err, wechat.Permanent, 41048)
	chat := corp.OpenChat()
	if ids, err := c.Groups(ctx); err != nil || len(ids) != 1 || ids[0] != chat {
		t.Error(ids, err)
	}
	task, err = c.SendToGroups(ctx, "zhang", []string{chat}, "群公告")
	if err != nil || c.Cancel(ctx, task.ID) != nil || corp.Confirm(task.ID) {
		t.Error("a task that was taken back was confirmed", err)
	}
}

func TestCompanyCredentials(t *testing.T) {
	t.Parallel()
	c, corp := start(t)
	ctx := context.Background()
	c.Corp.Secret = channels.Hide("wrong")
	want(t, "a wrong secret", c.Ping(ctx), wechat.Setup, 40001)
	c.Corp.Secret = channels.Hide("s3cret")
	if err := c.Ping(ctx); err != nil {
		t.Error(err)
	}
	corp.W.Faults.Add(world.Fault{Path: "/qyapi/cgi-bin/externalcontact", ErrCode: 42001})
	if _, err := c.Staff(ctx); err != nil {
		t.Errorf("a token that ended is replaced: %v", err)
	}
	corp.W.Faults.Add(world.Fault{Path: "/qyapi/cgi-bin/externalcontact", ErrCode: 60020})
	_, err := c.Staff(ctx)
	want(t, "an address that is not trusted", err, wechat.Setup, 60020)
}
