package accounts

import (
	"net/http"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/qr"
	"guanxi/internal/emulator/world"
)

// Follows says whether somebody follows an account.
func (p *Platform) Follows(app, person string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.follows[pair{app, person}] != nil
}

// event is what a person does, as it is pushed.
func (p *Platform) event(app world.App, person, kind, key string, more ...Part) {
	e := Event{{"MsgType", "event"}, {"Event", kind}}
	if key != "" {
		e = append(e, Part{"EventKey", key})
	}
	p.Push(app, p.W.OpenID(app.ID, person), append(e, more...))
}

// Subscribe lets somebody follow an account, by a scene code or without one.
func (p *Platform) Subscribe(app world.App, person, sceneText, ticket string) {
	p.mu.Lock()
	_, already := p.follows[pair{app.ID, person}]
	if !already {
		p.follows[pair{app.ID, person}] = &Follow{Since: p.W.Clock.Now(), Scene: sceneText}
	}
	p.mu.Unlock()
	p.touch(app.ID, person, byTap)
	switch {
	case already && sceneText != "":
		p.event(app, person, "SCAN", sceneText, Part{"Ticket", ticket})
	case already:
	case sceneText != "":
		p.event(app, person, "subscribe", "qrscene_"+sceneText, Part{"Ticket", ticket})
	default:
		p.event(app, person, "subscribe", "")
	}
}

// Unsubscribe lets somebody leave an account.
func (p *Platform) Unsubscribe(app world.App, person string) {
	p.mu.Lock()
	_, was := p.follows[pair{app.ID, person}]
	delete(p.follows, pair{app.ID, person})
	p.mu.Unlock()
	if was {
		p.event(app, person, "unsubscribe", "")
	}
}

// Tap lets somebody tap a button of the menu.
func (p *Platform) Tap(app world.App, person string, b Button) {
	p.touch(app.ID, person, byTap)
	switch b.Type {
	case "click":
		p.event(app, person, "CLICK", b.Key)
	case "view":
		p.event(app, person, "VIEW", b.URL)
	case "miniprogram":
		p.event(app, person, "view_miniprogram", b.PagePath)
	}
}

// Say lets somebody write to an account.
func (p *Platform) Say(app world.App, person, text string) {
	p.touch(app.ID, person, byMessage)
	p.W.Show(person, world.Bubble{From: app.ID, Name: app.Name, Kind: "mine", Text: text})
	p.mu.Lock()
	p.msgID++
	n := p.msgID
	p.mu.Unlock()
	p.Push(app, p.W.OpenID(app.ID, person), Event{{"MsgType", "text"}, {"Content", text}, {"MsgId", 23_000_000_000_000_000 + n}})
}

// Revoke lets somebody withdraw data in WeChat's settings; Vanish closes the person's WeChat account.
func (p *Platform) Revoke(app world.App, person string) {
	p.event(app, person, "user_authorization_revoke", "", Part{"OpenID", p.W.OpenID(app.ID, person)}, Part{"AppID", app.ID}, Part{"RevokeInfo", "201"})
}

// Vanish closes the person's WeChat account.
func (p *Platform) Vanish(app world.App, person string) {
	p.event(app, person, "user_authorization_cancellation", "", Part{"OpenID", p.W.OpenID(app.ID, person)}, Part{"AppID", app.ID})
}

// Scan is what a scanned text leads to.
type Scan struct {
	Kind  string `json:"kind"` // follow, page, text
	AppID string `json:"appid,omitempty"`
	URL   string `json:"url,omitempty"`
	Text  string `json:"text,omitempty"`
}

// ScanText lets somebody scan a code that says a text.
func (p *Platform) ScanText(person, text string) Scan {
	if ticket, ok := strings.CutPrefix(text, sceneURL); ok {
		p.mu.Lock()
		s, ok := p.scenes[ticket]
		p.mu.Unlock()
		app, _ := p.W.App(s.app)
		if !ok || s.until != 0 && p.W.Clock.Now() >= s.until {
			return Scan{Kind: "text", Text: "二维码已过期"}
		}
		p.Subscribe(app, person, s.text, ticket)
		return Scan{Kind: "follow", AppID: app.ID}
	}
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
		return Scan{Kind: "page", URL: text}
	}
	return Scan{Kind: "text", Text: text}
}

// sceneURL is how the text of a scene code begins.
const sceneURL = "http://weixin.qq.com/q/"

func (p *Platform) createQR(c *call) any {
	var in struct {
		Seconds *int64 `json:"expire_seconds"`
		Action  string `json:"action_name"`
		Info    struct {
			Scene struct {
				ID  int64  `json:"scene_id"`
				Str string `json:"scene_str"`
			} `json:"scene"`
		} `json:"action_info"`
	}
	if !c.into(&in) {
		return fail(47001, "data format error")
	}
	s := scene{app: c.app.ID, text: in.Info.Scene.Str}
	seconds := int64(60)
	if in.Seconds != nil {
		seconds = *in.Seconds
	}
	switch in.Action {
	case "QR_STR_SCENE":
		if seconds < 1 || seconds > 2592000 {
			return fail(40021, "invalid expire_seconds")
		}
		s.until = p.W.Clock.Now() + seconds*clock.Second
	case "QR_LIMIT_STR_SCENE":
		seconds = 0
	default:
		return fail(40053, "invalid action info")
	}
	if n := len([]rune(s.text)); n < 1 || n > 64 {
		return fail(40053, "invalid action info: scene_str")
	}
	ticket := "g" + p.W.Word(80)
	p.mu.Lock()
	p.scenes[ticket] = s
	p.mu.Unlock()
	out := map[string]any{"ticket": ticket, "url": sceneURL + ticket}
	if seconds > 0 {
		out["expire_seconds"] = seconds
	}
	return out
}

func (p *Platform) showQR(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	p.mu.Lock()
	_, ok := p.scenes[ticket]
	p.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	p.answer(w, picture{"image/png", qr.PNG(sceneURL + ticket)})
}

func (p *Platform) setMenu(c *call) any {
	var in struct {
		Button []Button `json:"button"`
	}
	if !c.into(&in) || len(in.Button) < 1 || len(in.Button) > 3 {
		return fail(40016, "invalid button size")
	}
	for _, b := range in.Button {
		if len(b.Sub) > 5 {
			return fail(40023, "invalid sub button size")
		}
		if len(b.Name) < 1 || len(b.Name) > 16 {
			return fail(40018, "invalid button name size")
		}
		for _, s := range append([]Button{b}, b.Sub...) {
			if bad := checkButton(&s, len(s.Sub) > 0); bad != nil {
				return *bad
			}
		}
	}
	p.mu.Lock()
	p.menus[c.app.ID] = in.Button
	p.mu.Unlock()
	return done
}

func checkButton(b *Button, holder bool) *failure {
	switch {
	case holder:
	case len(b.Name) > 60 || b.Name == "":
		return &failure{40025, "invalid sub button name size"}
	case b.Type == "view" && (b.URL == "" || len(b.URL) > 1024):
		return &failure{40020, "invalid button url size"}
	case b.Type == "click" && (b.Key == "" || len(b.Key) > 128):
		return &failure{40019, "invalid button key size"}
	case b.Type == "miniprogram" && (b.AppID == "" || b.URL == "" || b.PagePath == ""):
		return &failure{40054, "invalid sub button url domain"}
	case b.Type != "view" && b.Type != "click" && b.Type != "miniprogram" && b.Type != "scancode_push":
		return &failure{40017, "invalid button type"}
	}
	return nil
}

// Menu gives the menu of an account.
func (p *Platform) Menu(app string) []Button {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.menus[app]
}

func (p *Platform) getMenu(c *call) any {
	if m := p.Menu(c.app.ID); m != nil {
		return map[string]any{"menu": map[string]any{"button": m}}
	}
	return fail(46003, "menu no exist")
}

func (p *Platform) deleteMenu(c *call) any {
	p.mu.Lock()
	delete(p.menus, c.app.ID)
	p.mu.Unlock()
	return done
}
