package accounts

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Template is one of an account's templates.
type Template struct {
	ID     string   `json:"template_id"`
	Title  string   `json:"title"`
	Kind   string   `json:"kind"` // template or subscribe
	Fields []string `json:"fields"`
	Names  []string `json:"names"` // what people read beside each value
}

// AddTemplate gives an account a template.
func (p *Platform) AddTemplate(app string, t Template) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.library[app] = append(p.library[app], t)
}

// Templates lists those of an account.
func (p *Platform) Templates(app string) []Template {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Template{}, p.library[app]...)
}

func (p *Platform) template(app, id, kind string) (Template, bool) {
	for _, t := range p.Templates(app) {
		if t.ID == id && t.Kind == kind {
			return t, true
		}
	}
	return Template{}, false
}

// what makes a value of each type right.
var fieldRules = map[string]*regexp.Regexp{
	"number":           regexp.MustCompile(`^-?[0-9]{1,32}(\.[0-9]+)?$`),
	"letter":           regexp.MustCompile(`^[A-Za-z]{1,32}$`),
	"character_string": regexp.MustCompile(`^[\x20-\x7e]{1,32}$`),
	"time":             regexp.MustCompile(`^(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}(~\d{1,2}:\d{2})?$|^\d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})?$|^\d{4}年\d{1,2}月\d{1,2}日$`),
	"date":             regexp.MustCompile(`^\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2})?$|^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?$`),
	"amount":           regexp.MustCompile(`^[¥￥]?[0-9]{1,10}(\.[0-9]{1,2})?元?$`),
	"phone_number":     regexp.MustCompile(`^[+0-9-]{1,17}$`),
	"phrase":           regexp.MustCompile(`^\p{Han}{1,5}$`),
	"name":             regexp.MustCompile(`^(\p{Han}{1,10}|[A-Za-z ]{1,20})$`),
}

// checkData holds the rules of a template's fields; the answer names the wrong one.
func checkData(t Template, data map[string]struct{ Value string }) *failure {
	for _, f := range t.Fields {
		v, ok := data[f]
		if !ok {
			return &failure{47003, "argument invalid! data." + f + ".value is empty"}
		}
		kind := strings.TrimRight(f, "0123456789")
		rule := fieldRules[kind]
		bad := v.Value == "" || rule != nil && !rule.MatchString(v.Value) || kind == "thing" && (utf8.RuneCountInString(v.Value) > 20 || strings.ContainsAny(v.Value, "\n\r"))
		if bad {
			return &failure{47003, "argument invalid! data." + f + ".value invalid"}
		}
	}
	for f := range data {
		if !strings.Contains(" "+strings.Join(t.Fields, " ")+" ", " "+f+" ") {
			return &failure{47003, "argument invalid! data." + f + " is not of the template"}
		}
	}
	return nil
}

// outgoing is a template or subscribe message.
type outgoing struct {
	To       string                            `json:"touser"`
	ID       string                            `json:"template_id"`
	URL      string                            `json:"url"`
	Page     string                            `json:"page"`
	ClientID string                            `json:"client_msg_id"`
	Data     map[string]struct{ Value string } `json:"data"`
}

func (p *Platform) arrive(app world.App, person string, kind string, t Template, m outgoing) {
	b := world.Bubble{From: app.ID, Name: app.Name, Kind: kind, Title: t.Title, URL: m.URL}
	if b.URL == "" && m.Page != "" {
		b.URL = m.Page
		if !strings.Contains(b.URL, "://") {
			b.URL = strings.TrimRight(app.Home, "/") + "/#/" + strings.TrimLeft(m.Page, "/") // its pages stand behind the hash in a browser
		}
	}
	for i, f := range t.Fields {
		b.Fields = append(b.Fields, world.Field{Key: t.Names[i], Value: m.Data[f].Value})
	}
	p.W.Show(person, b)
}

// next numbers what was sent.
func (p *Platform) next() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.msgID++
	return 3_000_000_000_000 + p.msgID
}

func (p *Platform) sendTemplate(c *call) any {
	var m outgoing
	if !c.into(&m) {
		return fail(47001, "data format error")
	}
	person, ok := p.W.WhoIs(c.app.ID, m.To)
	if !ok {
		return fail(40003, "invalid openid")
	}
	t, ok := p.template(c.app.ID, m.ID, "template")
	if !ok {
		return fail(40037, "invalid template_id")
	}
	if len(m.ClientID) > 32 {
		return fail(40035, "invalid parameter")
	}
	if bad := checkData(t, m.Data); bad != nil {
		return *bad
	}
	if !p.Follows(c.app.ID, person.ID) {
		return fail(43004, "require subscribe")
	}
	key := c.app.ID + "|" + m.ClientID
	p.mu.Lock()
	old, again := p.sent[key]
	p.mu.Unlock()
	if m.ClientID != "" && again {
		return map[string]any{"errcode": 0, "errmsg": "ok", "msgid": old}
	}
	id := p.next()
	p.mu.Lock()
	p.sent[key] = id
	p.mu.Unlock()
	p.arrive(c.app, person.ID, "template", t, m)
	p.event(c.app, person.ID, "TEMPLATESENDJOBFINISH", "", Part{"MsgID", id}, Part{"Status", "success"})
	return map[string]any{"errcode": 0, "errmsg": "ok", "msgid": id}
}

// Accept lets somebody tap on the question for a subscription: it gives one credit a template, or takes all of them away.
func (p *Platform) Accept(app world.App, person string, templates []string, yes bool) {
	word, list := "accept", []Event{}
	if !yes {
		word = "reject"
	}
	p.mu.Lock()
	for _, t := range templates {
		if yes {
			p.credits[credit{app.ID, person, t}]++
		}
		list = append(list, Event{{"TemplateId", t}, {"SubscribeStatusString", word}, {"PopupScene", map[bool]string{true: "1", false: "0"}[app.Kind == world.OA]}})
	}
	p.mu.Unlock()
	p.event(app, person, "subscribe_msg_popup_event", "", Part{"SubscribeMsgPopupEvent", list})
}

// Withdraw lets somebody turn templates off in the settings.
func (p *Platform) Withdraw(app world.App, person string, templates []string) {
	list := []Event{}
	p.mu.Lock()
	for _, t := range templates {
		delete(p.credits, credit{app.ID, person, t})
		list = append(list, Event{{"TemplateId", t}, {"SubscribeStatusString", "reject"}})
	}
	p.mu.Unlock()
	p.event(app, person, "subscribe_msg_change_event", "", Part{"SubscribeMsgChangeEvent", list})
}

// Credits is how many messages of a template somebody would still take.
func (p *Platform) Credits(app, person, template string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.credits[credit{app, person, template}]
}

func (p *Platform) sendSubscribe(c *call) any { return p.subscribed(c, true) }

// sendNotice is the same for a 服务号, except that the answer has no number: the event tells.
func (p *Platform) sendNotice(c *call) any { return p.subscribed(c, false) }

func (p *Platform) subscribed(c *call, numbered bool) any {
	var m outgoing
	if !c.into(&m) {
		return fail(47001, "data format error")
	}
	person, ok := p.W.WhoIs(c.app.ID, m.To)
	if !ok {
		return fail(40003, "invalid openid")
	}
	t, ok := p.template(c.app.ID, m.ID, "subscribe")
	if !ok {
		return fail(40037, "invalid template_id")
	}
	if bad := checkData(t, m.Data); bad != nil {
		return *bad
	}
	p.mu.Lock()
	k := credit{c.app.ID, person.ID, t.ID}
	left := p.credits[k]
	if left > 0 {
		p.credits[k]--
	}
	p.mu.Unlock()
	if left == 0 {
		return fail(43101, "user refuse to accept the msg")
	}
	id := p.next()
	p.arrive(c.app, person.ID, "subscribe", t, m)
	p.event(c.app, person.ID, "subscribe_msg_sent_event", "", Part{"SubscribeMsgSentEvent", []Event{{{"TemplateId", t.ID}, {"MsgID", strconv.FormatInt(id, 10)}, {"ErrorCode", "0"}, {"ErrorStatus", "success"}}}})
	if numbered {
		return map[string]any{"errcode": 0, "errmsg": "ok", "msgid": id}
	}
	return done
}

// window is how many customer-service messages somebody may still get, and until when.
type window struct {
	left  int
	until int64
}

// What opens a window, and how wide: by a message of the person, and by a tap, a follow or a scan.
type opening struct {
	count int
	lasts int64
}

var (
	byMessage = opening{5, 48 * clock.Hour}
	byTap     = opening{3, clock.Minute}
)

func (p *Platform) touch(app, person string, o opening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.W.Clock.Now()
	old := p.windows[pair{app, person}]
	if old != nil && old.until > now+o.lasts && old.left > o.count {
		return
	}
	until := now + o.lasts
	if old != nil {
		until = max(until, old.until)
	}
	p.windows[pair{app, person}] = &window{o.count, until}
}

func (p *Platform) sendCustom(c *call) any {
	var m struct {
		To   string `json:"touser"`
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
		News struct {
			Articles []struct {
				Title       string `json:"title"`
				Description string `json:"description"`
				URL         string `json:"url"`
			} `json:"articles"`
		} `json:"news"`
	}
	if !c.into(&m) {
		return fail(47001, "data format error")
	}
	person, ok := p.W.WhoIs(c.app.ID, m.To)
	if !ok {
		return fail(40003, "invalid openid")
	}
	b := world.Bubble{From: c.app.ID, Name: c.app.Name, Kind: "text", Text: m.Text.Content}
	switch {
	case m.Type == "text" && m.Text.Content != "" && len(m.Text.Content) <= 2048:
	case m.Type == "text":
		return fail(45002, "content size out of limit")
	case m.Type == "news" && len(m.News.Articles) == 1:
		a := m.News.Articles[0]
		b.Kind, b.Title, b.Text, b.URL = "news", a.Title, a.Description, a.URL
	case m.Type == "news":
		return fail(45008, "article size out of limit")
	default:
		return fail(40008, "invalid message type")
	}
	if code := p.takeWindow(c.app.ID, person.ID); code != 0 {
		return fail(code, "response out of time limit or subscription is canceled")
	}
	p.W.Show(person.ID, b)
	return done
}

func (p *Platform) takeWindow(app, person string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.windows[pair{app, person}]
	switch {
	case w == nil || p.W.Clock.Now() >= w.until:
		return 45015
	case w.left == 0:
		return 45047
	}
	w.left--
	return 0
}

// content is how the platform writes the fields of a template.
func (t *Template) content() (out string) {
	for i, f := range t.Fields {
		out += t.Names[i] + ":{{" + f + ".DATA}}\n"
	}
	return out
}

func (p *Platform) listTemplates(c *call) any {
	list := []map[string]any{}
	for _, t := range p.Templates(c.app.ID) {
		if t.Kind == "template" {
			list = append(list, map[string]any{"template_id": t.ID, "title": t.Title, "primary_industry": "", "deputy_industry": "", "content": t.content(), "example": ""})
		}
	}
	return map[string]any{"template_list": list}
}

// listSubscriptions lists the templates of a 小程序.
func (p *Platform) listSubscriptions(c *call) any {
	list := []map[string]any{}
	for _, t := range p.Templates(c.app.ID) {
		if t.Kind == "subscribe" {
			list = append(list, map[string]any{"priTmplId": t.ID, "title": t.Title, "content": t.content(), "example": "", "type": 2})
		}
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "data": list}
}
