package staff

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/accounts"
	"guanxi/internal/emulator/qr"
	"guanxi/internal/emulator/world"
)

// wayURL is how the text of a clerk's code begins.
const wayURL = "https://wework.qpic.cn/wwpic/"

// GroupURL is how the text of a customer group's code begins.
const GroupURL = "https://work.weixin.qq.com/gm/"

// way is a code by which people reach staff.
type way struct{ id, state, user string }

// pauses between the three tries of a push.
var pauses = []int64{5 * clock.Second, 5 * clock.Second}

// push tells the company's server of a change of contacts.
func (c *Company) push(kind, user, customer string, more ...[2]string) {
	if c.Callback == "" {
		return
	}
	at := c.W.Clock.Now() / clock.Second
	parts := append([][2]string{{"ToUserName", c.CorpID}, {"FromUserName", "sys"}, {"CreateTime", strconv.FormatInt(at, 10)}, {"MsgType", "event"},
		{"Event", "change_external_contact"}, {"ChangeType", kind}, {"UserID", user}, {"ExternalUserID", customer}}, more...)
	body := document(parts)
	c.W.Deliver(pauses, func() bool { return c.post(body) })
}

// pushGroup tells the company's server that somebody came into a group.
func (c *Company) pushGroup(chat, customer string) {
	if c.Callback == "" {
		return
	}
	body := document([][2]string{{"ToUserName", c.CorpID}, {"FromUserName", "sys"}, {"CreateTime", strconv.FormatInt(c.W.Clock.Now()/clock.Second, 10)}, {"MsgType", "event"},
		{"Event", "change_external_chat"}, {"ChatId", chat}, {"ChangeType", "update"}, {"UpdateDetail", "add_member"}, {"JoinScene", "3"}, {"MemChangeCnt", "1"}})
	body = bytes.Replace(body, []byte("</xml>"), []byte("<MemChangeList><Item>"+customer+"</Item></MemChangeList></xml>"), 1)
	c.W.Deliver(pauses, func() bool { return c.post(body) })
}

func document(parts [][2]string) []byte {
	var b bytes.Buffer
	b.WriteString("<xml>")
	for _, p := range parts {
		b.WriteString("<" + p[0] + ">")
		_ = xml.EscapeText(&b, []byte(p[1]))
		b.WriteString("</" + p[0] + ">")
	}
	b.WriteString("</xml>")
	return b.Bytes()
}

// Seal makes a push as the platform sends it: its query and its body.
func (c *Company) Seal(body []byte) (url.Values, []byte) {
	key, err := base64.StdEncoding.DecodeString(c.AESKey + "=")
	if err != nil {
		return nil, nil
	}
	sealed := accounts.Encrypt(key, c.W.Bytes(16), body, c.CorpID)
	stamp, nonce := strconv.FormatInt(c.W.Clock.Now()/clock.Second, 10), c.W.Word(10)
	q := url.Values{"msg_signature": {accounts.Sign(c.Token, stamp, nonce, sealed)}, "timestamp": {stamp}, "nonce": {nonce}}
	return q, document([][2]string{{"ToUserName", c.CorpID}, {"AgentID", strconv.FormatInt(c.Agent, 10)}, {"Encrypt", sealed}})
}

func (c *Company) post(text []byte) bool {
	q, body := c.Seal(text)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, c.Callback+"?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		return true // an address that can't be is not tried again
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	x := world.Exchange{Out: true, Method: http.MethodPost, Path: req.URL.Path, Query: req.URL.RawQuery, Body: string(body)}
	defer func() { c.W.Record.Add(x) }()
	res, err := c.W.Client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	x.Status, x.Answer = res.StatusCode, string(answer)
	return res.StatusCode == http.StatusOK
}

// Scan lets a person scan a clerk's code: they become contacts.
func (c *Company) Scan(person, text string) bool {
	c.mu.Lock()
	i := slices.IndexFunc(c.ways, func(w way) bool { return wayURL+w.id == text })
	if i < 0 {
		c.mu.Unlock()
		return false
	}
	w := c.ways[i]
	c.mu.Unlock()
	c.Meet(person, w.user, w.state)
	return true
}

// waiting is a message that an employee has not sent yet.
type waiting struct {
	ID     string `json:"id"`
	Sender string `json:"sender"`
	Text   string `json:"text"`
	People int    `json:"people"`
}

// Waiting lists the messages that employees have not sent yet.
func (c *Company) Waiting() []waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []waiting{}
	for id, t := range c.tasks {
		if !t.done && !t.over {
			out = append(out, waiting{id, t.sender, t.text, len(t.to)})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

type shownCode struct {
	Label   string `json:"label"`
	Text    string `json:"text"`
	Picture string `json:"picture"`
}

func (c *Company) shownCodes() []shownCode {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []shownCode{{"客户群", GroupURL + DemoChat, "/_emulator/work/qr?text=" + url.QueryEscape(GroupURL+DemoChat)}}
	for _, w := range c.ways {
		out = append(out, shownCode{"企微 " + w.user, wayURL + w.id, "/_emulator/work/qr?text=" + url.QueryEscape(wayURL+w.id)})
	}
	return out
}

// Control opens what the phone page and tests may do: add a clerk by the code, remove one, and send as the employee what waits.
func (c *Company) Control(open func(pattern string, h http.HandlerFunc)) {
	say := func(w http.ResponseWriter, ok bool, v any) {
		if !ok {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		write(w, v)
	}
	open("GET /_emulator/work", func(w http.ResponseWriter, _ *http.Request) {
		write(w, map[string]any{"codes": c.shownCodes(), "waiting": c.Waiting()})
	})
	open("GET /_emulator/work/qr", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(qr.PNG(r.URL.Query().Get("text")))
	})
	open("POST /_emulator/work/confirm", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ID string }
		ok := json.NewDecoder(r.Body).Decode(&in) == nil && c.Confirm(in.ID)
		say(w, ok, map[string]bool{"ok": ok})
	})
	open("POST /_emulator/people/{id}/meet", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Text string }
		ok := json.NewDecoder(r.Body).Decode(&in) == nil
		if chat, group := strings.CutPrefix(in.Text, GroupURL); group {
			ok = ok && c.EnterChat(r.PathValue("id"), chat)
		} else {
			ok = ok && c.Scan(r.PathValue("id"), in.Text)
		}
		say(w, ok, map[string]any{"ok": ok, "error": "二维码无效"})
	})
	open("POST /_emulator/people/{id}/part", func(w http.ResponseWriter, r *http.Request) {
		c.Part(r.PathValue("id"))
		write(w, map[string]bool{"ok": true})
	})
}
