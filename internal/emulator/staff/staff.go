// Package staff answers like 企业微信 (WeCom): contacts, tags, groups, and mass messages that wait until an employee confirms them.
package staff

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Company is one WeCom company.
type Company struct {
	W      *world.World
	CorpID string
	Secret string
	Agent  int64
	Owner  string   // the Open Platform account whose unionids it sees
	Users  []string // staff
	// Where changes of contacts are pushed to, and how they are sealed; no address, no pushes.
	Callback, Token, AESKey string

	mu       sync.Mutex
	tokens   map[string]int64 // until
	token    string
	contacts map[string]*relation // by external_userid
	groups   []tagGroup
	tasks    map[string]*task
	chats    []string
	inside   map[string][]string // people by group
	welcomes map[string]welcome
	ways     []way
	n        int
	mux      *http.ServeMux
}

type relation struct {
	person, user, state, remark string
	tags                        []string
	got                         map[int]int // messages by month
}

type tag struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type tagGroup struct {
	ID   string `json:"group_id"`
	Name string `json:"group_name"`
	Tags []tag  `json:"tag"`
}

type task struct {
	text, sender string
	to           []string
	state        map[string]int
	at           map[string]int64
	reminded     []int64
	done, over   bool
}

type welcome struct {
	id   string
	till int64
}

// New opens a company.
func New(w *world.World, corp, secret string, agent int64, owner string, users ...string) *Company {
	c := &Company{W: w, CorpID: corp, Secret: secret, Agent: agent, Owner: owner, Users: users, tokens: map[string]int64{}, contacts: map[string]*relation{}, tasks: map[string]*task{}, welcomes: map[string]welcome{}, inside: map[string][]string{}, mux: http.NewServeMux()}
	c.mux.HandleFunc("GET /cgi-bin/gettoken", c.getToken)
	const at = "/cgi-bin/externalcontact"
	for path, f := range map[string]func(in) any{
		"GET " + at + "/get_follow_user_list": func(in) any { return map[string]any{"errcode": 0, "follow_user": c.Users} },
		"GET " + at + "/list":                 c.list, "GET " + at + "/get": c.get, "POST " + at + "/get_corp_tag_list": func(in) any { return map[string]any{"errcode": 0, "tag_group": c.groups} },
		"POST " + at + "/add_corp_tag": c.addTags, "POST " + at + "/mark_tag": c.mark, "POST " + at + "/remark": c.remark, "POST " + at + "/add_contact_way": c.addWay,
		"POST " + at + "/groupchat/list": c.listChats, "POST " + at + "/groupchat/get": c.getChat, "POST " + at + "/add_msg_template": c.addTask, "POST " + at + "/get_groupmsg_send_result": c.results,
		"POST " + at + "/remind_groupmsg_send": c.remind, "POST " + at + "/cancel_groupmsg_send": c.cancel, "POST " + at + "/send_welcome_msg": c.greet, "POST /cgi-bin/message/send": c.tell,
	} {
		c.mux.HandleFunc(path, c.authorized(f))
	}
	return c
}

// ServeHTTP answers a request.
func (c *Company) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

type in struct {
	q    url.Values
	body struct {
		User     string                   `json:"userid"`
		Chat     string                   `json:"chat_id"`
		External json.RawMessage          `json:"external_userid"`
		Add      []string                 `json:"add_tag"`
		Remove   []string                 `json:"remove_tag"`
		Remark   string                   `json:"remark"`
		State    string                   `json:"state"`
		Users    []string                 `json:"user"`
		Group    string                   `json:"group_name"`
		Tag      []struct{ Name string }  `json:"tag"`
		Kind     string                   `json:"chat_type"`
		Chats    []string                 `json:"chat_id_list"`
		Sender   string                   `json:"sender"`
		Text     struct{ Content string } `json:"text"`
		Msg      string                   `json:"msgid"`
		Welcome  string                   `json:"welcome_code"`
		To       string                   `json:"touser"`
		Agent    int64                    `json:"agentid"`
		Type     string                   `json:"msgtype"`
	}
}

// one reads external_userid where it is a text, many where it is a list.
func (x *in) one() (s string)    { _ = json.Unmarshal(x.body.External, &s); return s }
func (x *in) many() (s []string) { _ = json.Unmarshal(x.body.External, &s); return s }

func fail(code int, msg string) map[string]any { return map[string]any{"errcode": code, "errmsg": msg} }

var done = map[string]any{"errcode": 0, "errmsg": "ok"}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}

func (c *Company) authorized(f func(in) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := in{q: r.URL.Query()}
		c.mu.Lock()
		defer c.mu.Unlock()
		until, known := c.tokens[x.q.Get("access_token")]
		switch {
		case !known:
			write(w, fail(40014, "invalid access_token"))
			return
		case c.W.Clock.Now() >= until:
			write(w, fail(42001, "access_token expired"))
			return
		}
		if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&x.body) != nil {
			write(w, fail(47001, "data format error"))
			return
		}
		write(w, f(x))
	}
}

const tokenLife = 7200 * clock.Second

func (c *Company) getToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case q.Get("corpid") != c.CorpID:
		write(w, fail(40013, "invalid corpid"))
	case q.Get("corpsecret") != c.Secret:
		write(w, fail(40001, "invalid credential"))
	default:
		now := c.W.Clock.Now()
		if c.tokens[c.token] <= now {
			c.token = c.W.Word(64)
			c.tokens[c.token] = now + tokenLife
		}
		write(w, map[string]any{"errcode": 0, "errmsg": "ok", "access_token": c.token, "expires_in": (c.tokens[c.token] - now) / clock.Second})
	}
}

// External is who a person is to the company.
func (c *Company) External(person string) string { return "wm" + c.W.Fixed(30, c.CorpID+"|"+person) }

// Meet lets a person add a member of staff, by a code with a state; it gives the welcome code of the event.
func (c *Company) Meet(person, user, state string) (welcomeCode string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.External(person)
	c.contacts[id] = &relation{person: person, user: user, state: state, got: map[int]int{}}
	code := c.W.Word(24)
	c.welcomes[code] = welcome{id, c.W.Clock.Now() + 20*clock.Second}
	c.push("add_external_contact", user, id, [2]string{"State", state}, [2]string{"WelcomeCode", code})
	return code
}

// Part lets a person remove the member of staff.
func (c *Company) Part(person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.External(person)
	if r := c.contacts[id]; r != nil {
		delete(c.contacts, id)
		c.push("del_follow_user", r.user, id)
	}
}

// OpenChat opens a customer group and gives its id.
func (c *Company) OpenChat() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chats = append(c.chats, "wr"+c.W.Word(28))
	return c.chats[len(c.chats)-1]
}

// DemoChat is the customer group of the demonstration.
const DemoChat = "demo"

// EnterChat lets a person come into a customer group.
func (c *Company) EnterChat(person, chat string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if chat != DemoChat && !slices.Contains(c.chats, chat) || slices.Contains(c.inside[chat], person) {
		return false
	}
	c.inside[chat] = append(c.inside[chat], person)
	c.pushGroup(chat, c.External(person))
	return true
}

func (c *Company) getChat(x in) any {
	if x.body.Chat != DemoChat && !slices.Contains(c.chats, x.body.Chat) {
		return fail(40050, "invalid chat_id")
	}
	list := []map[string]any{{"userid": c.Users[0], "type": 1}}
	for _, person := range c.inside[x.body.Chat] {
		list = append(list, map[string]any{"userid": c.External(person), "type": 2, "unionid": c.W.UnionID(&world.App{Owner: c.Owner}, person)})
	}
	return map[string]any{"errcode": 0, "group_chat": map[string]any{"chat_id": x.body.Chat, "owner": c.Users[0], "member_list": list}}
}

func (c *Company) list(x in) any {
	if !slices.Contains(c.Users, x.q.Get("userid")) {
		return fail(60111, "userid not found")
	}
	ids := []string{}
	for id, r := range c.contacts {
		if r.user == x.q.Get("userid") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		return fail(84061, "not external contact")
	}
	return map[string]any{"errcode": 0, "external_userid": ids}
}

func (c *Company) get(x in) any {
	r := c.contacts[x.q.Get("external_userid")]
	if r == nil {
		return fail(84061, "not external contact")
	}
	p, _ := c.W.Person(r.person)
	tags := []map[string]string{}
	for _, g := range c.groups {
		for _, t := range g.Tags {
			if slices.Contains(r.tags, t.ID) {
				tags = append(tags, map[string]string{"tag_id": t.ID, "tag_name": t.Name, "group_name": g.Name})
			}
		}
	}
	return map[string]any{"errcode": 0, "external_contact": map[string]any{"external_userid": c.External(r.person), "name": p.Name, "type": 1, "unionid": c.W.UnionID(&world.App{Owner: c.Owner}, r.person)},
		"follow_user": []any{map[string]any{"userid": r.user, "remark": r.remark, "state": r.state, "tags": tags}}}
}

func (c *Company) addTags(x in) any {
	if x.body.Group == "" || len(x.body.Tag) == 0 {
		return fail(40058, "invalid parameter")
	}
	g := tagGroup{ID: "etg" + c.W.Word(12), Name: x.body.Group}
	for _, t := range x.body.Tag {
		g.Tags = append(g.Tags, tag{"et" + c.W.Word(13), t.Name})
	}
	c.groups = append(c.groups, g)
	return map[string]any{"errcode": 0, "tag_group": g}
}

func (c *Company) mark(x in) any {
	r := c.contacts[x.one()]
	if r == nil || r.user != x.body.User {
		return fail(84061, "not external contact")
	}
	for _, t := range x.body.Add {
		if !slices.ContainsFunc(c.groups, func(g tagGroup) bool { return slices.ContainsFunc(g.Tags, func(y tag) bool { return y.ID == t }) }) {
			return fail(40068, "invalid tagid")
		}
		if !slices.Contains(r.tags, t) {
			r.tags = append(r.tags, t)
		}
	}
	r.tags = slices.DeleteFunc(r.tags, func(t string) bool { return slices.Contains(x.body.Remove, t) })
	return done
}

func (c *Company) remark(x in) any {
	r := c.contacts[x.one()]
	if r == nil || r.user != x.body.User {
		return fail(84061, "not external contact")
	}
	if len([]rune(x.body.Remark)) > 20 {
		return fail(40058, "invalid remark size")
	}
	r.remark = x.body.Remark
	return done
}

func (c *Company) addWay(x in) any {
	if len(x.body.State) > 30 || len(x.body.Users) == 0 || !slices.Contains(c.Users, x.body.Users[0]) {
		return fail(41054, "invalid contact way")
	}
	id := c.W.Word(32)
	c.ways = append(c.ways, way{id, x.body.State, x.body.Users[0]})
	return map[string]any{"errcode": 0, "config_id": id, "qr_code": wayURL + id}
}

func (c *Company) listChats(in) any {
	list := []map[string]any{}
	for _, id := range c.chats {
		list = append(list, map[string]any{"chat_id": id, "status": 0})
	}
	return map[string]any{"errcode": 0, "group_chat_list": list}
}

func (c *Company) addTask(x in) any {
	b := &x.body
	to, failed := x.many(), []string{}
	if b.Kind == "group" {
		to = b.Chats
	}
	if len(b.Text.Content) == 0 || len(b.Text.Content) > 4000 || len(to) > 10_000 || b.Kind == "group" && len(to) > 2000 || !slices.Contains(c.Users, b.Sender) {
		return fail(40058, "invalid parameter")
	}
	t := &task{text: b.Text.Content, sender: b.Sender, state: map[string]int{}, at: map[string]int64{}}
	for _, id := range to {
		if b.Kind == "group" && slices.Contains(c.chats, id) || b.Kind != "group" && c.contacts[id] != nil && c.contacts[id].user == b.Sender {
			t.to, t.state[id] = append(t.to, id), 0
		} else {
			failed = append(failed, id)
		}
	}
	if len(t.to) == 0 {
		return fail(41048, "no customer to send")
	}
	c.n++
	id := fmt.Sprintf("msg%06d%s", c.n, c.W.Word(12))
	c.tasks[id] = t
	return map[string]any{"errcode": 0, "errmsg": "ok", "fail_list": failed, "msgid": id}
}

// Confirm lets the employee send what waits: the messages arrive now, except to those who left or got as many as one may.
func (c *Company) Confirm(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tasks[id]
	if t == nil || t.done || t.over {
		return false
	}
	t.done = true
	now := c.W.Clock.Now()
	month, days := clock.Shanghai.LocalDay(now)/100, daysOf(now)
	for _, to := range t.to {
		r := c.contacts[to]
		switch {
		case r == nil && !slices.Contains(c.chats, to):
			t.state[to] = 2
		case r != nil && r.got[month] >= days:
			t.state[to] = 3
		default:
			t.state[to], t.at[to] = 1, now/clock.Second
			if r != nil {
				r.got[month]++
				c.W.Show(r.person, world.Bubble{From: "work:" + t.sender, Name: "导购 " + t.sender, Kind: "text", Text: t.text})
			}
		}
	}
	return true
}

// daysOf is how many messages one may get in a month: as many as it has days.
func daysOf(at int64) int {
	day := clock.Shanghai.LocalDay(at)
	first := day/100*100 + 1
	last := clock.Shanghai.AddDays(clock.Shanghai.AddMonths(first, 1), -1)
	return last % 100
}

func (c *Company) results(x in) any {
	t := c.tasks[x.body.Msg]
	if t == nil || t.sender != x.body.User {
		return fail(41063, "invalid msgid")
	}
	list := []map[string]any{}
	for _, id := range t.to {
		list = append(list, map[string]any{"external_userid": id, "userid": t.sender, "status": t.state[id], "send_time": t.at[id]})
	}
	return map[string]any{"errcode": 0, "send_list": list}
}

func (c *Company) remind(x in) any {
	t := c.tasks[x.body.Msg]
	now := c.W.Clock.Now()
	switch {
	case t == nil || t.done || t.over:
		return fail(41063, "invalid msgid")
	default:
		t.reminded = slices.DeleteFunc(t.reminded, func(at int64) bool { return now-at >= clock.Day })
		if len(t.reminded) >= 3 {
			return fail(45033, "remind limit")
		}
		t.reminded = append(t.reminded, now)
		return done
	}
}

func (c *Company) cancel(x in) any {
	t := c.tasks[x.body.Msg]
	if t == nil || t.done {
		return fail(41063, "invalid msgid")
	}
	t.over = true
	return done
}

func (c *Company) greet(x in) any {
	w, ok := c.welcomes[x.body.Welcome]
	if !ok || c.W.Clock.Now() >= w.till {
		return fail(41050, "welcome code expired")
	}
	delete(c.welcomes, x.body.Welcome)
	if r := c.contacts[w.id]; r != nil {
		c.W.Show(r.person, world.Bubble{From: "work:" + r.user, Name: "导购 " + r.user, Kind: "text", Text: x.body.Text.Content})
	}
	return done
}

func (c *Company) tell(x in) any {
	switch {
	case x.body.Agent != c.Agent:
		return fail(40056, "invalid agentid")
	case !slices.Contains(c.Users, x.body.To):
		return fail(81013, "user not found")
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "msgid": c.W.Word(20)}
}
