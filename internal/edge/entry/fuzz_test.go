package entry

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReadEvent holds that nothing that is pushed breaks the reader, and that what is taken is bounded and has a key of its own.
func FuzzReadEvent(f *testing.F) {
	for _, s := range []string{
		`<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName><CreateTime>1790000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_s=S001]]></EventKey><Ticket><![CDATA[T]]></Ticket></xml>`,
		`<xml><ToUserName>g</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent><List><TemplateId>t</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List></SubscribeMsgPopupEvent></xml>`,
		`{"ToUserName":"g","FromUserName":"o","CreateTime":1,"MsgType":"event","Event":"subscribe_msg_sent_event","List":{"TemplateId":"t","MsgID":"1","ErrorCode":"0"}}`,
		`{"ToUserName":"g","FromUserName":"o","CreateTime":1,"MsgType":"text","MsgId":"23","List":[{"TemplateId":"t"},{"TemplateId":"u"}]}`,
		`<!DOCTYPE x [<!ENTITY a "b">]><xml><FromUserName>&a;</FromUserName></xml>`, `{`, `<xml>`, "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := ReadEvent(body)
		if err != nil {
			return
		}
		if e.From == "" || len(e.From) > 128 || e.At <= 0 || len(e.MsgID) > 32 || len(e.Event) > 64 || !utf8.ValidString(e.From) {
			t.Errorf("taken: %+v", e)
		}
		key := e.key("wxapp")
		if len(key) > 96 || !strings.HasPrefix(key, "wxapp|") {
			t.Errorf("key %q of %+v", key, e)
		}
		if again, err := ReadEvent(body); err != nil || again.key("wxapp") != key {
			t.Errorf("read again it is another: %v", err)
		}
	})
}
