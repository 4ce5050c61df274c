// Package oa is the client of a 服务号 (official account): thin, one method an endpoint.
package oa

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/crypt"
)

// Client speaks for one account.
type Client struct {
	App   channels.App
	Hosts channels.Hosts
	api   *wechat.Caller
	js    *wechat.Caller // its token is the jsapi_ticket
}

// New makes a client.
func New(app channels.App, hosts channels.Hosts, d channels.Doer, c clock.Clock) *Client {
	api := &wechat.Caller{Base: hosts.API, HTTP: d, Clock: c}
	api.Fetch = wechat.StableToken(api, app)
	x := &Client{App: app, Hosts: hosts, api: api}
	x.js = &wechat.Caller{Base: hosts.API, HTTP: d, Clock: c, Fetch: x.ticket}
	return x
}

// Scopes of the web login.
const (
	Base     = "snsapi_base"     // silent: the openid
	UserInfo = "snsapi_userinfo" // asks: nickname, picture, unionid
)

// AuthorizeURL is where a browser inside WeChat is sent to log in. The order of the parameters matters to some phones.
func (c *Client) AuthorizeURL(redirect, scope, state string) string {
	return c.Hosts.Open + "/connect/oauth2/authorize?appid=" + url.QueryEscape(c.App.AppID) + "&redirect_uri=" + url.QueryEscape(redirect) +
		"&response_type=code&scope=" + scope + "&state=" + url.QueryEscape(state) + "#wechat_redirect"
}

// Login is who came back from the authorize page.
type Login struct {
	AccessToken string `json:"access_token"` // of this login, not of the API
	OpenID      string `json:"openid"`
	UnionID     string `json:"unionid"`
	Scope       string `json:"scope"`
	Snapshot    int    `json:"is_snapshotuser"` // 1: a virtual account of a preview; never a member
}

// Login trades a code, once.
func (c *Client) Login(ctx context.Context, code string) (out Login, err error) {
	q := url.Values{"appid": {c.App.AppID}, "secret": {c.App.Secret.Reveal()}, "code": {code}, "grant_type": {"authorization_code"}}
	return out, c.api.Open(ctx, http.MethodGet, "/sns/oauth2/access_token", q, nil, &out)
}

// Profile is what the web login tells of a person.
type Profile struct {
	OpenID   string `json:"openid"`
	UnionID  string `json:"unionid"`
	Nickname string `json:"nickname"`
	Picture  string `json:"headimgurl"`
}

// Profile asks for more about who logged in with UserInfo.
func (c *Client) Profile(ctx context.Context, l Login) (out Profile, err error) {
	q := url.Values{"access_token": {l.AccessToken}, "openid": {l.OpenID}, "lang": {"zh_CN"}}
	return out, c.api.Open(ctx, http.MethodGet, "/sns/userinfo", q, nil, &out)
}

// User is a follower.
type User struct {
	Subscribe int    `json:"subscribe"`
	OpenID    string `json:"openid"`
	UnionID   string `json:"unionid"`
	Since     int64  `json:"subscribe_time"`
	Scene     string `json:"subscribe_scene"`
	QRScene   string `json:"qr_scene_str"`
	Tags      []int  `json:"tagid_list"`
}

// User asks about one person.
func (c *Client) User(ctx context.Context, openid string) (out User, err error) {
	return out, c.api.Get(ctx, "/cgi-bin/user/info", url.Values{"openid": {openid}, "lang": {"zh_CN"}}, &out)
}

// Users asks about up to 100 people.
func (c *Client) Users(ctx context.Context, openids []string) ([]User, error) {
	type one struct {
		OpenID string `json:"openid"`
		Lang   string `json:"lang"`
	}
	in := struct {
		List []one `json:"user_list"`
	}{}
	for _, o := range openids {
		in.List = append(in.List, one{o, "zh_CN"})
	}
	var out struct {
		List []User `json:"user_info_list"`
	}
	return out.List, c.api.Ask(ctx, "/cgi-bin/user/info/batchget", in, &out)
}

// Followers lists openids, 10,000 at most, after one; next is where to go on from.
func (c *Client) Followers(ctx context.Context, after string) (openids []string, next string, err error) {
	var out struct {
		Count int `json:"count"`
		Data  struct {
			OpenID []string `json:"openid"`
		} `json:"data"`
		Next string `json:"next_openid"`
	}
	err = c.api.Get(ctx, "/cgi-bin/user/get", url.Values{"next_openid": {after}}, &out)
	return out.Data.OpenID, out.Next, err
}

// QR is a scene code.
type QR struct {
	Ticket  string `json:"ticket"`
	Seconds int64  `json:"expire_seconds"`
	URL     string `json:"url"` // what the code says; may be drawn by ourselves
}

// QR makes a code for a scene of up to 64 characters; seconds 0 makes a permanent one, of which an account has 100,000.
func (c *Client) QR(ctx context.Context, scene string, seconds int64) (out QR, err error) {
	in := map[string]any{"action_name": "QR_LIMIT_STR_SCENE", "action_info": map[string]any{"scene": map[string]string{"scene_str": scene}}}
	if seconds > 0 {
		in["action_name"], in["expire_seconds"] = "QR_STR_SCENE", seconds
	}
	return out, c.api.Ask(ctx, "/cgi-bin/qrcode/create", in, &out)
}

// QRPicture is the address of a code's picture.
func (c *Client) QRPicture(ticket string) string {
	return c.Hosts.QR + "/cgi-bin/showqrcode?ticket=" + url.QueryEscape(ticket)
}

// Button is one entry of the menu.
type Button struct {
	Name     string   `json:"name"`
	Type     string   `json:"type,omitempty"` // view, click, miniprogram, scancode_push
	Key      string   `json:"key,omitempty"`
	URL      string   `json:"url,omitempty"`
	AppID    string   `json:"appid,omitempty"`
	PagePath string   `json:"pagepath,omitempty"`
	Sub      []Button `json:"sub_button,omitempty"`
}

// SetMenu replaces the menu.
func (c *Client) SetMenu(ctx context.Context, buttons []Button) error {
	return c.api.Ask(ctx, "/cgi-bin/menu/create", map[string]any{"button": buttons}, nil)
}

// Menu gives the menu.
func (c *Client) Menu(ctx context.Context) ([]Button, error) {
	var out struct {
		Menu struct {
			Button []Button `json:"button"`
		} `json:"menu"`
	}
	return out.Menu.Button, c.api.Get(ctx, "/cgi-bin/menu/get", nil, &out)
}

// DeleteMenu takes the menu away.
func (c *Client) DeleteMenu(ctx context.Context) error {
	return c.api.Get(ctx, "/cgi-bin/menu/delete", nil, nil)
}

// MiniProgram is where a tap on a message leads.
type MiniProgram struct {
	AppID    string `json:"appid"`
	PagePath string `json:"pagepath,omitempty"`
}

// Value is one field of a message.
type Value struct {
	Value string `json:"value"`
}

// Template is one template message: notices about services only, no marketing.
type Template struct {
	To       string           `json:"touser"`
	ID       string           `json:"template_id"`
	URL      string           `json:"url,omitempty"`
	MP       *MiniProgram     `json:"miniprogram,omitempty"`
	ClientID string           `json:"client_msg_id,omitempty"` // up to 32: the same one is sent once
	Data     map[string]Value `json:"data"`
}

// SendTemplate sends one. With a ClientID it may be repeated.
func (c *Client) SendTemplate(ctx context.Context, m Template) (msgID int64, err error) {
	var out struct {
		MsgID int64 `json:"msgid"`
	}
	return out.MsgID, retry(ctx, c, m.ClientID != "", "/cgi-bin/message/template/send", m, &out)
}

func retry(ctx context.Context, c *Client, twice bool, path string, in, out any) error {
	if twice {
		return c.api.Ask(ctx, path, in, out)
	}
	return c.api.Do(ctx, path, in, out)
}

// Notice is one 订阅通知: it takes one credit of the person for this template.
type Notice struct {
	To   string           `json:"touser"`
	ID   string           `json:"template_id"`
	Page string           `json:"page,omitempty"`
	MP   *MiniProgram     `json:"miniprogram,omitempty"`
	Data map[string]Value `json:"data"`
}

// SendNotice sends one; its delivery is told by an event.
func (c *Client) SendNotice(ctx context.Context, m Notice) error {
	return c.api.Do(ctx, "/cgi-bin/message/subscribe/bizsend", m, nil)
}

// SendText sends a customer-service message inside its window.
func (c *Client) SendText(ctx context.Context, openid, text string) error {
	return c.api.Do(ctx, "/cgi-bin/message/custom/send", map[string]any{"touser": openid, "msgtype": "text", "text": map[string]string{"content": text}}, nil)
}

// SendLink sends a customer-service card that leads to a page.
func (c *Client) SendLink(ctx context.Context, openid, title, text, link, picture string) error {
	article := map[string]string{"title": title, "description": text, "url": link, "picurl": picture}
	return c.api.Do(ctx, "/cgi-bin/message/custom/send", map[string]any{"touser": openid, "msgtype": "news", "news": map[string]any{"articles": []any{article}}}, nil)
}

// OwnTemplate is a template the account has.
type OwnTemplate struct {
	ID      string `json:"template_id"`
	Title   string `json:"title"`
	Content string `json:"content"`
}

// Templates lists the template messages of the account.
func (c *Client) Templates(ctx context.Context) ([]OwnTemplate, error) {
	var out struct {
		List []OwnTemplate `json:"template_list"`
	}
	return out.List, c.api.Get(ctx, "/cgi-bin/template/get_all_private_template", nil, &out)
}

// Tag marks up to 50 followers.
func (c *Client) Tag(ctx context.Context, tag int, openids []string) error {
	return c.api.Ask(ctx, "/cgi-bin/tags/members/batchtagging", map[string]any{"tagid": tag, "openid_list": openids}, nil)
}

// NewTag makes a tag.
func (c *Client) NewTag(ctx context.Context, name string) (tag int, err error) {
	var out struct {
		Tag struct {
			ID int `json:"id"`
		} `json:"tag"`
	}
	err = c.api.Do(ctx, "/cgi-bin/tags/create", map[string]any{"tag": map[string]string{"name": name}}, &out)
	return out.Tag.ID, err
}

// Quota is how often an API may still be called today.
type Quota struct {
	Limit  int64 `json:"daily_limit"`
	Used   int64 `json:"used"`
	Remain int64 `json:"remain"`
}

// Quota asks for that of a path.
func (c *Client) Quota(ctx context.Context, path string) (Quota, error) {
	var out struct {
		Quota Quota `json:"quota"`
	}
	return out.Quota, c.api.Ask(ctx, "/cgi-bin/openapi/quota/get", map[string]string{"cgi_path": path}, &out)
}

// Ping says whether the account's credentials are good.
func (c *Client) Ping(ctx context.Context) error { _, err := c.api.Token(ctx); return err }

func (c *Client) ticket(ctx context.Context) (string, int64, error) {
	var out struct {
		Ticket  string `json:"ticket"`
		Expires int64  `json:"expires_in"`
	}
	err := c.api.Get(ctx, "/cgi-bin/ticket/getticket", url.Values{"type": {"jsapi"}}, &out)
	return out.Ticket, out.Expires, err
}

// JSConfig is what a page hands to wx.config.
type JSConfig struct {
	AppID     string
	Timestamp int64
	Nonce     string
	Signature string
}

// JSConfig signs a page for the JS-SDK.
func (c *Client) JSConfig(ctx context.Context, page string, now int64) (JSConfig, error) {
	ticket, err := c.js.Token(ctx)
	if err != nil {
		return JSConfig{}, err
	}
	x := JSConfig{AppID: c.App.AppID, Timestamp: now / clock.Second, Nonce: id.Token(12)}
	x.Signature = crypt.JSSDK(ticket, x.Nonce, strconv.FormatInt(x.Timestamp, 10), page)
	return x, nil
}
