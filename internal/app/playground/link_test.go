package playground

import (
	"net/http"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/track"
)

// putUp adds a link and lets the platform make its address.
func (x *place) putUp(l track.Link) {
	x.t.Helper()
	x.write(func(tx *db.Tx) error {
		made, err := x.a.Tracks.AddLink(tx, l)
		if err != nil {
			return err
		}
		return x.a.Entry.OnLink(tx, made)
	})
	x.work()
}

func (x *place) link(code string) (l track.Link) {
	x.t.Helper()
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error { l, _ = track.LinkOf(v, code); return nil })
	return l
}

// leads says where a link leads.
func (x *place) leads(code string) string {
	x.t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(x.srv.URL + "/l/" + code)
	if err != nil {
		x.t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header.Get("Location")
}

func TestWhoJoinsByALinkIsBookedToIt(t *testing.T) {
	t.Parallel()
	x := open(t)
	x.putUp(track.Link{Code: "zone", Name: "品牌专区", Page: "checkin", Opens: track.OpensH5, From: track.Origin{Channel: "search", Store: "S001", Source: "wechat", Medium: "zone", Campaign: "spring"}})
	if to := x.leads("zone"); to != "/m/?l=zone#/more/checkin/checkin" {
		t.Fatal(to)
	}
	b := x.browser("lin")
	b.login("ready")
	// What the page says of itself is less than what the link says.
	b.post("/api/member/wechat-session", `{"agreement":{"version":"0","link":"zone","channel":"forged","source":"x"}}`).want(200, "is_new=true")
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		if m := member.List(v, 0, "", 1)[0]; m.Channel != "search" || m.Store != "S001" || m.Source != "link:zone" {
			t.Errorf("joined by %+v", m)
		}
		return nil
	})
	// Who is a member already is no new one, and a code that there is not is no link.
	b.login("ready")
	b.post("/api/member/wechat-session", `{"agreement":{"version":"0","link":"zone"}}`).want(200, "is_new=false")
	c := x.browser("chen")
	c.login("ready")
	c.post("/api/member/wechat-session", `{"agreement":{"version":"0","link":"nothing"}}`).want(200, "is_new=true")
	if l := x.link("zone"); l.Visits != 1 || l.Joins != 1 {
		t.Errorf("%+v", l)
	}
	_ = x.a.DB.View(t.Context(), func(v *db.View) error {
		if m := member.List(v, 0, "", 2)[1]; m.Channel != "wechat-oa" || m.Source != "" {
			t.Errorf("joined by %+v", m)
		}
		return nil
	})
}

func TestALinkOpensTheMiniProgramWhileItsAddressLives(t *testing.T) {
	t.Parallel()
	x := open(t)
	x.p.World.Faults.Add(world.Fault{Path: "/wxa/generate_urllink", ErrCode: 40165}) // the platform refuses the page
	x.putUp(track.Link{Code: "mini", Name: "小程序", Page: "tiers", Opens: track.OpensMini})
	const page = "/m/?l=mini#/pages/tiers/tiers"
	if to := x.leads("mini"); to != page {
		t.Fatal(to)
	}
	renew := func() { x.write(func(tx *db.Tx) error { return x.a.Entry.OnLink(tx, x.link("mini")) }); x.work() }
	renew()
	first := x.leads("mini")
	if first == page || !strings.HasPrefix(first, "http") {
		t.Fatal(first)
	}
	renew() // it is good for weeks
	if x.leads("mini") != first {
		t.Error("made again too soon")
	}
	x.at.Add(23 * clock.Day)
	x.work() // the daily look
	if to := x.leads("mini"); to == first || to == page {
		t.Errorf("not renewed: %s", to)
	}
}
