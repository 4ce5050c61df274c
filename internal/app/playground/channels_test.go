package playground

import (
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/checkup"
	"guanxi/internal/edge/entry"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
)

func TestACheckSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	x := open(t)
	clinic := checkup.Clinic{Config: x.p.Channels, HTTP: channels.NewClient(), Clock: x.at, Public: x.srv.URL}
	wrong := func(kind string) map[string]checkup.Finding {
		t.Helper()
		found, err := clinic.Check(t.Context(), kind)
		if err != nil || len(found) == 0 {
			t.Fatal(kind, found, err)
		}
		out := map[string]checkup.Finding{}
		for _, f := range found {
			if f.Name.Zh == "" || f.Detail.En == "" || f.OK != (f.Advice.Zh == "" && f.Advice.En == "") {
				t.Errorf("%s: %+v", kind, f)
			}
			if !f.OK {
				out[f.Check] = f
			}
		}
		return out
	}
	for _, kind := range []string{"oa", "mp"} {
		if bad := wrong(kind); len(bad) != 1 || bad["address"].Account == "" { // it is plain http
			t.Errorf("%s: %+v", kind, bad)
		}
	}
	for _, kind := range []string{"sms", "mail"} {
		if bad := wrong(kind); len(bad) != 0 {
			t.Errorf("%s: %+v", kind, bad)
		}
	}
	for code, want := range map[int]string{40125: "AppSecret 有误或已被重置：在公众平台重新复制", 40164: "把本机出口 IP 加入 IP 白名单（基本配置 → IP白名单）"} {
		x.p.World.Faults.Add(world.Fault{Path: "/cgi-bin/stable_token", ErrCode: code})
		if got := wrong("oa")["credentials"].Advice.Zh; got != want {
			t.Errorf("%d: %q", code, got)
		}
	}
	clinic.Config.OA[0].Token = channels.Hide("another")
	if bad := wrong("oa"); bad["push"].Detail.Zh != "应答 403" {
		t.Errorf("%+v", bad)
	}
	clinic.Public = "http://127.0.0.1:1"
	clinic.Config.SMS.Sign = ""
	clinic.Config.Mail.Port = 1
	if bad := wrong("oa"); bad["push"].OK || bad["push"].Advice.En == "" {
		t.Errorf("%+v", bad)
	}
	if wrong("sms")["settings"].Advice.En == "" || wrong("mail")["credentials"].Advice.Zh != "检查网络、DNS 与代理" {
		t.Error("no advice")
	}
	if _, err := clinic.Check(t.Context(), "fax"); err == nil {
		t.Error("a kind that does not exist was checked")
	}
}

func TestCodesCountWhoCameByThem(t *testing.T) {
	t.Parallel()
	x := open(t)
	add := func(f entry.From, days int) (s entry.Scene, err error) {
		err = x.a.DB.Write(t.Context(), db.Op{Actor: "system:test"}, func(tx *db.Tx) error {
			s, err = x.a.Entry.AddScene(tx, "", f, days)
			return err
		})
		return s, err
	}
	list := func() (out []entry.Scene) {
		_ = x.a.DB.View(t.Context(), func(v *db.View) error { out = entry.Scenes(v, 0, 10); return nil })
		return out
	}
	if _, err := add(entry.From{}, 0); !fault.Is(err, entry.ErrScene) {
		t.Error(err)
	}
	store := entry.From{Store: "S9", Clerk: "3", Channel: "poster"}
	for range 2 {
		_, err := add(store, 0)
		if n := len(list()); n != 1 || err != nil && !fault.Is(err, entry.ErrSceneTwice) {
			t.Fatal(n, err)
		}
	}
	x.p.World.Faults.Add(world.Fault{Path: "/cgi-bin/qrcode/create", ErrCode: 45029})
	x.work()
	if got := list()[0]; got.State != entry.SceneFailed {
		t.Fatalf("%+v", got)
	}
	if _, err := add(store, 7); err != nil { // one that the platform refused is no hindrance
		t.Fatal(err)
	}
	x.work()
	code := list()[0]
	if code.State != entry.SceneReady || x.a.Entry.Picture(code) == "" {
		t.Fatalf("%+v", code)
	}
	x.p.Accounts.ScanText("lin", code.URL)
	x.p.Accounts.ScanText("chen", code.URL)
	x.work()
	x.at.Add(1000)
	x.p.Accounts.ScanText("lin", code.URL)
	x.work()
	x.joined("lin")
	if code = list()[0]; code.Scans != 3 || code.Follows != 2 || code.Joins != 1 {
		t.Errorf("%+v", code)
	}
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		if m := member.List(v, 0, "", 1)[0]; m.Store != "S9" || m.Source != "clerk:3" || m.Channel != "poster" {
			t.Errorf("joined by %+v", m)
		}
		return nil
	})
	x.at.Add(8 * clock.Day)
	if code = list()[0]; code.State != entry.SceneExpired {
		t.Errorf("%+v", code)
	}
}

func TestAMenuIsPublishedWhenItHolds(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.work()
	menu := x.p.Accounts.Menu(x.oa.ID)
	if len(menu) != 3 || menu[1].Type != "miniprogram" || menu[1].AppID != x.mp.ID || len(menu[2].Sub) != 2 {
		t.Fatalf("%+v", menu)
	}
	bad := []entry.Entry{{Name: "网页", Does: "page", Target: "javascript:alert(1)"}, {Name: "词", Does: "word"}, {Name: "空", Does: "none"},
		{Name: "双", Does: "centre", Below: []entry.Leaf{{Name: "扫", Does: "scan", Target: "S"}}}}
	set := func(e entry.Entry, from int64) error {
		return x.a.DB.Write(t.Context(), db.Op{Actor: "system:test"}, func(tx *db.Tx) error {
			m := entry.Menu{Entries: []entry.Entry{e}}
			if err := x.a.Entry.CheckMenu(tx, m); err != nil {
				return err
			}
			made, err := entry.Menus.Set(tx, m, from, "test")
			if err != nil {
				return err
			}
			return x.a.Entry.OnMenu(tx, made)
		})
	}
	for _, e := range bad {
		if err := set(e, 0); !fault.Is(err, entry.ErrMenu) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	if err := set(entry.Entry{Name: "商城", Does: "page", Target: "https://shop.example.com/"}, x.at.Now()+clock.Hour); err != nil {
		t.Fatal(err)
	}
	x.work()
	if n := len(x.p.Accounts.Menu(x.oa.ID)); n != 3 {
		t.Error("published before its time")
	}
	x.at.Add(clock.Hour)
	x.work()
	if menu = x.p.Accounts.Menu(x.oa.ID); len(menu) != 1 || menu[0].URL != "https://shop.example.com/" {
		t.Errorf("%+v", menu)
	}
}
