package playground

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/checkup"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/wecom"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// clerkCode is the code of a clerk that the demonstration has made.
func (x *place) clerkCode() (s entry.Scene) {
	x.t.Helper()
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, one := range entry.Scenes(v, 0, 10) {
			if one.App == demoCorp {
				s = one
			}
		}
		return nil
	})
	return s
}

func (x *place) contacts(id int64) (out []string) {
	_ = x.a.DB.View(x.t.Context(), func(v *db.View) error {
		for _, c := range wecom.ContactsOf(v, id) {
			out = append(out, c.Clerk+" "+c.Status)
		}
		return nil
	})
	return out
}

func TestAClerksCodeLeadsToTheMember(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.work()
	code := x.clerkCode()
	if code.State != entry.SceneReady || !x.p.Company.Scan("lin", code.URL) {
		t.Fatalf("%+v", code)
	}
	x.work()
	list := x.p.World.Bubbles("lin", 0)
	if len(list) != 1 || list[0].From != "work:zhang" {
		t.Fatalf("no greeting: %+v", list)
	}
	link, _ := url.Parse(regexp.MustCompile(`http\S+`).FindString(list[0].Text))
	next, _ := url.Parse(link.Query().Get("next"))
	if q := next.Query(); q.Get("h") != "wecom" || q.Get("c") != "zhang" || q.Get("s") != "S001" {
		t.Fatalf("%s leads to %s", list[0].Text, next)
	}
	b := x.browser("lin")
	asked := b.get(link.String()) // the profile is asked for, which tells the unionid
	allow := regexp.MustCompile(`href="([^"]*emulator_allow=1[^"]*)"`).FindStringSubmatch(asked.body)
	if allow == nil {
		t.Fatal(asked.body)
	}
	to, err := asked.url.Parse(strings.ReplaceAll(allow[1], "&amp;", "&"))
	if err != nil {
		t.Fatal(err)
	}
	b.get(to.String())
	b.post("/api/member/wechat-session", `{"agreement":{"version":"0","channel":"wecom","store":"S001","clerk":"zhang"}}`).want(200, "is_new=true")
	var m member.Member
	_ = x.a.DB.View(t.Context(), func(v *db.View) error { m = member.List(v, 0, "", 1)[0]; return nil })
	x.same("contacts", x.contacts(m.ID), "zhang friend")
	if code = x.clerkCode(); code.Scans != 1 || code.Follows != 1 || code.Joins != 1 || m.Channel != "wecom" || m.Source != "clerk:zhang" {
		t.Errorf("%+v %+v", code, m)
	}
	// Who is a member already is known by the unionid, and not asked to join.
	_, chen := x.follower("chen")
	x.p.Company.Scan("chen", code.URL)
	x.work()
	x.same("contacts", x.contacts(chen), "zhang friend")
	if list = x.p.World.Bubbles("chen", 0); strings.Contains(list[len(list)-1].Text, "http") {
		t.Errorf("%+v", list)
	}
	x.at.Add(clock.Second)
	x.p.Company.Part("chen")
	x.work()
	x.same("contacts", x.contacts(chen), "zhang gone")
}

func TestStaffSendWhatWaits(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.work()
	_, id := x.follower("lin")
	x.write(func(tx *db.Tx) error {
		words := message.Templates.At(tx, tx.Now()).Value
		words.Templates = slices.Clone(words.Templates)
		for i := range words.Templates {
			words.Templates[i].Channels = []string{"wecom"}
		}
		_, err := message.Templates.Set(tx, words, 0, "test")
		return err
	})
	up := map[string]string{"tier": "tier.1"}
	x.tell(id, message.TierUp, "0", up)
	x.same("nobody speaks with her", x.log(id), "tier_up wecom failed message.no_address")
	x.p.Company.Scan("lin", x.clerkCode().URL)
	x.work()
	poll := func() { x.at.Add(11 * clock.Minute); x.work() }
	x.tell(id, message.TierUp, "1", up)
	poll()
	if log := x.log(id); len(log) != 2 || log[1] != "tier_up wecom waiting" {
		t.Fatalf("%q", log)
	}
	before := len(x.p.World.Bubbles("lin", 0))
	if list := x.p.Company.Waiting(); len(list) != 1 || !x.p.Company.Confirm(list[0].ID) || len(x.p.World.Bubbles("lin", 0)) != before+1 {
		t.Fatalf("%+v", list)
	}
	poll()
	if log := x.log(id); log[1] != "tier_up wecom sent" {
		t.Errorf("%q", log)
	}
	x.tell(id, message.TierUp, "2", up)
	x.at.Add(8 * clock.Day)
	poll()
	if log := x.log(id); log[2] != "tier_up wecom failed not_confirmed" || len(x.p.Company.Waiting()) != 0 {
		t.Errorf("%q", log)
	}
	x.p.World.Faults.Add(world.Fault{Path: "/qyapi/cgi-bin/externalcontact/add_msg_template", Lost: true})
	x.tell(id, message.TierUp, "3", up)
	poll()
	if log := x.log(id); log[3] != "tier_up wecom unknown message.maybe" {
		t.Errorf("%q", log)
	}
}

func TestForgedPushesOfACompanyAreRefused(t *testing.T) {
	t.Parallel()
	x := shown(t)
	x.work()
	_, id := x.follower("lin")
	at := x.srv.URL + "/hooks/wecom/" + demoCorp
	post := func(to string, q url.Values, body []byte) int {
		res, err := http.Post(to+"?"+q.Encode(), "text/xml", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	text := []byte(`<xml><ToUserName>` + demoCorp + `</ToUserName><CreateTime>1790042400</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>del_follow_user</ChangeType><UserID>zhang</UserID><ExternalUserID>` + x.p.Company.External("lin") + `</ExternalUserID></xml>`)
	q, body := x.p.Company.Seal(text)
	if s := post(at+"x", q, body); s != 404 {
		t.Error(s)
	}
	first := bytes.Index(body, []byte("<Encrypt>")) + len("<Encrypt>")
	for i := first; i < bytes.Index(body, []byte("</Encrypt>")); i += 5 {
		mutant := bytes.Clone(body)
		mutant[i] ^= 1
		if s := post(at, q, mutant); s != 403 {
			t.Errorf("byte %d: %d", i, s)
		}
	}
	x.work()
	if got := x.contacts(id); len(got) > 0 {
		t.Error(got)
	}
	for _, k := range []string{"msg_signature", "timestamp", "nonce"} {
		bad := url.Values{"msg_signature": q["msg_signature"], "timestamp": q["timestamp"], "nonce": q["nonce"]}
		bad.Set(k, "1790042401")
		if s := post(at, bad, body); s != 403 {
			t.Errorf("%s: %d", k, s)
		}
	}
	x.noted("hook.refused")
	clinic := checkup.Clinic{Config: x.p.Channels, HTTP: channels.NewClient(), Clock: x.at, Public: x.srv.URL}
	found, err := clinic.Check(t.Context(), "work")
	if err != nil || len(found) != 4 || !found[3].OK || !found[0].OK {
		t.Errorf("%+v %v", found, err)
	}
}
