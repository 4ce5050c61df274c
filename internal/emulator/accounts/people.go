package accounts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Kinds of codes.
const (
	WebCode   = "web"
	LoginCode = "login"
	PhoneCode = "phone"
)

const codeLife = 5 * clock.Minute

// NewCode is what the client side gets when a person logs in, or gives the phone number.
func (p *Platform) NewCode(kind, app, person, scope string) string {
	text := "0" + p.W.Word(31)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[text] = &code{app: app, person: person, kind: kind, scope: scope, at: p.W.Clock.Now()}
	return text
}

// spend uses a code up.
func (p *Platform) spend(kind, app, text string) (code, *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.codes[text]
	switch {
	case text == "":
		return code{}, &failure{41008, "missing code"}
	case c == nil || c.kind != kind || c.app != app || p.W.Clock.Now()-c.at >= codeLife:
		return code{}, &failure{40029, "invalid code"}
	case c.used:
		return code{}, &failure{40163, "code been used"}
	}
	c.used = true
	return *c, nil
}

// secret checks the credentials of the calls that carry them.
func (p *Platform) secret(q url.Values) (world.App, *failure) {
	app, ok := p.W.App(q.Get("appid"))
	switch {
	case !ok:
		return app, &failure{40013, "invalid appid"}
	case q.Get("secret") != app.Secret:
		return app, &failure{40125, "invalid appsecret"}
	}
	return app, nil
}

// personCookie says whose phone a browser is.
const personCookie = "emulator_person"

func (p *Platform) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	app, ok := p.W.App(q.Get("appid"))
	back, err := url.Parse(q.Get("redirect_uri"))
	scope := q.Get("scope")
	switch {
	case !ok || app.Kind != world.OA:
		page(w, http.StatusOK, "appid 参数错误", "错误码 10013")
		return
	case err != nil || back.Host == "" || !slices.Contains(app.Domains, back.Host):
		page(w, http.StatusOK, "redirect_uri 域名与后台配置不一致", "错误码 10003")
		return
	case scope != "snsapi_base" && scope != "snsapi_userinfo":
		page(w, http.StatusOK, "scope 参数错误或没有 scope 权限", "错误码 10005")
		return
	case q.Get("response_type") != "code" || len(q.Get("state")) > 128:
		page(w, http.StatusOK, "参数错误", "错误码 10012")
		return
	}
	who := q.Get("emulator_person")
	if c, err := r.Cookie(personCookie); who == "" && err == nil {
		who = c.Value
	}
	person, known := p.W.Person(who)
	if !known {
		p.choose(w, r)
		return
	}
	if scope == "snsapi_userinfo" && q.Get("emulator_allow") == "" && !p.Follows(app.ID, person.ID) {
		p.consent(w, r, app, person)
		return
	}
	answer := back.Query()
	answer.Set("code", p.NewCode(WebCode, app.ID, person.ID, scope))
	answer.Set("state", q.Get("state"))
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Platform) webToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	app, bad := p.secret(q)
	if bad == nil && q.Get("grant_type") != "authorization_code" {
		bad = &failure{40002, "invalid grant_type"}
	}
	var c code
	if bad == nil {
		c, bad = p.spend(WebCode, app.ID, q.Get("code"))
	}
	if bad != nil {
		p.answer(w, *bad)
		return
	}
	person, _ := p.W.Person(c.person)
	out := map[string]any{"access_token": "wat_" + p.W.Word(60), "expires_in": 7200, "refresh_token": p.W.Word(60), "openid": p.W.OpenID(app.ID, person.ID), "scope": c.scope}
	if person.Snapshot {
		out["is_snapshotuser"], out["openid"] = 1, "o"+p.W.Word(27)
	}
	if union := p.W.UnionID(&app, person.ID); union != "" && !person.Snapshot && (c.scope == "snsapi_userinfo" || p.Follows(app.ID, person.ID)) {
		out["unionid"] = union
	}
	p.mu.Lock()
	p.web[out["access_token"].(string)] = &c
	p.mu.Unlock()
	p.answer(w, out)
}

func (p *Platform) webUser(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	c := p.web[q.Get("access_token")]
	p.mu.Unlock()
	if c == nil {
		p.answer(w, fail(40001, "invalid credential"))
		return
	}
	app, _ := p.W.App(c.app)
	person, _ := p.W.Person(c.person)
	switch openid := p.W.OpenID(app.ID, person.ID); {
	case c.scope != "snsapi_userinfo":
		p.answer(w, fail(48001, "api unauthorized"))
	case q.Get("openid") != openid:
		p.answer(w, fail(40003, "invalid openid"))
	default:
		p.answer(w, map[string]any{"openid": openid, "nickname": person.Name, "sex": 0, "language": "", "province": "", "city": "", "country": "",
			"headimgurl": "", "privilege": []string{}, "unionid": p.W.UnionID(&app, person.ID)})
	}
}

func (p *Platform) session(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	app, bad := p.secret(q)
	if bad == nil && app.Kind != world.MP {
		bad = &failure{40013, "invalid appid"}
	}
	var c code
	if bad == nil {
		c, bad = p.spend(LoginCode, app.ID, q.Get("js_code"))
	}
	if bad != nil {
		p.answer(w, *bad)
		return
	}
	person, _ := p.W.Person(c.person)
	if person.Risky {
		p.answer(w, fail(40226, "code blocked"))
		return
	}
	out := map[string]any{"openid": p.W.OpenID(app.ID, person.ID), "session_key": p.newSessionKey(app.ID, person.ID)}
	if union := p.W.UnionID(&app, person.ID); union != "" {
		out["unionid"] = union
	}
	p.answer(w, out)
}

// newSessionKey makes a fresh one; the earlier ends.
func (p *Platform) newSessionKey(app, person string) string {
	key := base64.StdEncoding.EncodeToString(p.W.Bytes(16))
	p.mu.Lock()
	p.keys[app+"|"+person] = key
	p.mu.Unlock()
	return key
}

func (p *Platform) checkSession(c *call) any {
	q := c.r.URL.Query()
	person, ok := p.W.WhoIs(c.app.ID, q.Get("openid"))
	if !ok {
		return fail(40003, "invalid openid")
	}
	p.mu.Lock()
	key := p.keys[c.app.ID+"|"+person.ID]
	p.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(key))
	if q.Get("sig_method") != "hmac_sha256" || key == "" || q.Get("signature") != hex.EncodeToString(mac.Sum(nil)) {
		return fail(87009, "invalid signature")
	}
	return done
}

// Seal makes what wx.getUserInfo gives as encryptedData, under the person's session key.
func (p *Platform) Seal(app, person string, data map[string]any) (iv, sealed string) {
	data["watermark"] = map[string]any{"timestamp": p.W.Clock.Now() / clock.Second, "appid": app}
	text, _ := json.Marshal(data)
	p.mu.Lock()
	key, _ := base64.StdEncoding.DecodeString(p.keys[app+"|"+person])
	p.mu.Unlock()
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", "" // nobody has logged in
	}
	n := aes.BlockSize - len(text)%aes.BlockSize
	text = append(text, []byte(strings.Repeat(string(rune(n)), n))...)
	vec := p.W.Bytes(aes.BlockSize)
	cipher.NewCBCEncrypter(block, vec).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(vec), base64.StdEncoding.EncodeToString(text)
}

func (p *Platform) phone(c *call) any {
	text, _ := c.body["code"].(string)
	got, bad := p.spend(PhoneCode, c.app.ID, text)
	if bad != nil {
		return *bad
	}
	person, _ := p.W.Person(got.person)
	return map[string]any{"errcode": 0, "errmsg": "ok", "phone_info": map[string]any{"phoneNumber": person.Phone, "purePhoneNumber": person.Phone, "countryCode": "86",
		"watermark": map[string]any{"timestamp": p.W.Clock.Now() / clock.Second, "appid": c.app.ID}}}
}

func (p *Platform) user(app *world.App, openid string) (map[string]any, bool) {
	person, ok := p.W.WhoIs(app.ID, openid)
	if !ok {
		return nil, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.follows[pair{app.ID, person.ID}]
	if f == nil {
		return map[string]any{"subscribe": 0, "openid": openid, "tagid_list": []int{}}, true
	}
	how := "ADD_SCENE_SEARCH"
	if f.Scene != "" {
		how = "ADD_SCENE_QR_CODE"
	}
	out := map[string]any{"subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": f.Since / clock.Second, "remark": "", "groupid": 0,
		"tagid_list": []int{}, "subscribe_scene": how, "qr_scene": 0, "qr_scene_str": f.Scene}
	if union := p.W.UnionID(app, person.ID); union != "" {
		out["unionid"] = union
	}
	return out, true
}

func (p *Platform) userInfo(c *call) any {
	out, ok := p.user(&c.app, c.r.URL.Query().Get("openid"))
	if !ok {
		return fail(40003, "invalid openid")
	}
	return out
}

func (p *Platform) userInfos(c *call) any {
	var in struct {
		List []struct{ OpenID string } `json:"user_list"`
	}
	if !c.into(&in) || len(in.List) == 0 || len(in.List) > 100 {
		return fail(40032, "invalid openid list size")
	}
	list := []map[string]any{}
	for _, one := range in.List {
		u, ok := p.user(&c.app, one.OpenID)
		if !ok {
			return fail(40003, "invalid openid")
		}
		list = append(list, u)
	}
	return map[string]any{"user_info_list": list}
}

const followersPage = 10_000

func (p *Platform) followers(c *call) any {
	after := c.r.URL.Query().Get("next_openid")
	all := []string{}
	p.mu.Lock()
	for k := range p.follows {
		if k.App == c.app.ID {
			all = append(all, p.W.OpenID(k.App, k.Person))
		}
	}
	p.mu.Unlock()
	sort.Strings(all)
	list := []string{}
	for _, o := range all {
		if o > after && len(list) < followersPage {
			list = append(list, o)
		}
	}
	next := ""
	if len(list) > 0 {
		next = list[len(list)-1]
	}
	return map[string]any{"total": len(all), "count": len(list), "data": map[string]any{"openid": list}, "next_openid": next}
}

func (p *Platform) newTag(c *call) any {
	var in struct{ Tag struct{ Name string } }
	if !c.into(&in) || in.Tag.Name == "" || len([]rune(in.Tag.Name)) > 30 {
		return fail(45158, "tag name too long")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.msgID++
	return map[string]any{"tag": map[string]any{"id": 100 + p.msgID, "name": in.Tag.Name}}
}

func (p *Platform) tag(c *call) any {
	var in struct {
		List []string `json:"openid_list"`
	}
	if !c.into(&in) || len(in.List) == 0 || len(in.List) > 50 {
		return fail(40032, "invalid openid list size")
	}
	for _, o := range in.List {
		if _, ok := p.W.WhoIs(c.app.ID, o); !ok {
			return fail(40003, "invalid openid")
		}
	}
	return done
}
