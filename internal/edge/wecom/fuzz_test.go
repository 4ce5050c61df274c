package wecom

import (
	"testing"
	"unicode/utf8"
)

// FuzzReadChange holds that nothing that is pushed breaks the reader, and that what is followed fits its columns.
func FuzzReadChange(f *testing.F) {
	for _, s := range []string{
		`<xml><ToUserName>ww1</ToUserName><CreateTime>1790000000</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><UserID>zhang</UserID><ExternalUserID>wm1</ExternalUserID><State>s=S001&amp;c=zhang</State><WelcomeCode>W</WelcomeCode></xml>`,
		`<xml><ToUserName>ww1</ToUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>del_follow_user</ChangeType><UserID>a|b</UserID><ExternalUserID>wm1</ExternalUserID></xml>`,
		`<xml><ToUserName>ww1</ToUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>hi</Content></xml>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>`, `<xml>`, "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := readChange(text)
		if err != nil {
			return
		}
		if e.ours() && (e.Clerk == "" || len(e.Clerk) > 64 || e.Customer == "" || len(e.Customer) > 64) {
			t.Errorf("taken: %+v", e)
		}
		if len(e.State) > 64 || !utf8.ValidString(e.State) || e.At <= 0 || e.To == "" {
			t.Errorf("taken: %+v", e)
		}
		if again, err := readChange(text); err != nil || again.key() != e.key() {
			t.Errorf("read again it is another: %v", err)
		}
	})
}
