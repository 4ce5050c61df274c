package app

import (
	"testing"

	"guanxi/internal/loyalty/staff"
)

func TestAnInstallationWithoutChannelsSaysSo(t *testing.T) {
	t.Parallel()
	w := openHouse(t)
	w.found()
	var list channelsOut
	w.ask("root", "GET", "/channels?lang=en", "", 200, &list)
	if len(list.Data) != 6 || list.Data[0].Kind != "oa" || list.Data[0].Configured || list.Data[0].Name != "Official account" {
		t.Errorf("%+v", list)
	}
	var out channelCheckOut
	for _, kind := range []string{"oa", "mp", "pay", "work", "sms", "mail"} {
		w.ask("root", "POST", "/channels/"+kind+"/check", "", 200, &out)
		if out.Configured || out.OK || len(out.Data) != 0 {
			t.Errorf("%s: %+v", kind, out)
		}
	}
	w.ask("root", "POST", "/channels/fax/check", "", 422, nil)
	w.ask("root", "GET", "/channels/incidents?cursor=x", "", 422, nil)
	w.ask("root", "POST", "/channels/scenes", `{"store":"S5"}`, 404, nil) // there is no account
	w.ask("root", "PUT", "/settings/wechat-menu", `{"value":{"entries":[{"name":"小程序","does":"mini"}]},"reason":"test"}`, 422, nil)
	w.ask("root", "PUT", "/settings/wechat-menu", `{"value":{"entries":[{"name":"会员","does":"centre"}]},"reason":"test"}`, 200, nil)
	var set staff.SettingOut
	w.ask("root", "GET", "/settings/wechat-menu", "", 200, &set)
	if len(set.History) == 0 || set.Current.ID == 0 {
		t.Errorf("%+v", set)
	}
}
