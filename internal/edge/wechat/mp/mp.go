// Package mp is the client of a 小程序 (mini program): thin, one method an endpoint.
package mp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/crypt"
)

// Client speaks for one mini program.
type Client struct {
	App channels.App
	api *wechat.Caller
}

// New makes a client.
func New(app channels.App, hosts channels.Hosts, d channels.Doer, c clock.Clock) *Client {
	api := &wechat.Caller{Base: hosts.API, HTTP: d, Clock: c}
	api.Fetch = wechat.StableToken(api, app)
	return &Client{App: app, api: api}
}

// Session is who logged in. The key never leaves the server.
type Session struct {
	OpenID  string
	UnionID string
	Key     vault.Secret
}

// Session trades the code of wx.login, once.
func (c *Client) Session(ctx context.Context, code string) (Session, error) {
	q := url.Values{"appid": {c.App.AppID}, "secret": {c.App.Secret.Reveal()}, "js_code": {code}, "grant_type": {"authorization_code"}}
	var out struct {
		OpenID  string `json:"openid"`
		UnionID string `json:"unionid"`
		Key     string `json:"session_key"`
	}
	err := c.api.Open(ctx, http.MethodGet, "/sns/jscode2session", q, nil, &out)
	return Session{out.OpenID, out.UnionID, vault.Hide(out.Key)}, err
}

// CheckSession says whether a session key still holds.
func (c *Client) CheckSession(ctx context.Context, s Session) error {
	q := url.Values{"openid": {s.OpenID}, "signature": {crypt.SessionSignature(s.Key.Reveal(), "")}, "sig_method": {"hmac_sha256"}}
	return c.api.Get(ctx, "/wxa/checksession", q, nil)
}

// OpenData opens what wx gave as encryptedData.
func (c *Client) OpenData(s Session, iv, sealed string) ([]byte, error) {
	return crypt.OpenData(c.App.AppID, s.Key.Reveal(), iv, sealed)
}

// Phone trades the code of the phone-number button, once.
func (c *Client) Phone(ctx context.Context, code string) (vault.Secret, error) {
	var out struct {
		Info struct {
			Pure    string          `json:"purePhoneNumber"`
			Country json.RawMessage `json:"countryCode"` // a number or a text
			Mark    struct {
				AppID string `json:"appid"`
			} `json:"watermark"`
		} `json:"phone_info"`
	}
	if err := c.api.Do(ctx, "/wxa/business/getuserphonenumber", map[string]string{"code": code}, &out); err != nil {
		return vault.Secret{}, err
	}
	if out.Info.Mark.AppID != c.App.AppID {
		return vault.Secret{}, crypt.ErrMessageReceiver
	}
	if country := strings.Trim(string(out.Info.Country), `"`); country != "86" && country != "" {
		return vault.Phone("+" + country + out.Info.Pure) // refused: the programme takes mainland numbers
	}
	return vault.Phone(out.Info.Pure)
}

// Value is one field of a message.
type Value struct {
	Value string `json:"value"`
}

// Subscribe is one 订阅消息: it takes one credit of the person for this template.
type Subscribe struct {
	To    string           `json:"touser"`
	ID    string           `json:"template_id"`
	Page  string           `json:"page,omitempty"`
	Data  map[string]Value `json:"data"`
	State string           `json:"miniprogram_state,omitempty"`
	Lang  string           `json:"lang,omitempty"`
}

// SendSubscribe sends one; its delivery is told by an event with the same number.
func (c *Client) SendSubscribe(ctx context.Context, m Subscribe) (msgID int64, err error) {
	var out struct {
		MsgID int64 `json:"msgid"`
	}
	return out.MsgID, c.api.Do(ctx, "/cgi-bin/message/subscribe/send", m, &out)
}

// OwnTemplate is a subscription template of the account.
type OwnTemplate struct {
	ID      string `json:"priTmplId"`
	Title   string `json:"title"`
	Content string `json:"content"`
}

// Templates lists those of the account.
func (c *Client) Templates(ctx context.Context) ([]OwnTemplate, error) {
	var out struct {
		Data []OwnTemplate `json:"data"`
	}
	return out.Data, c.api.Get(ctx, "/wxaapi/newtmpl/gettemplate", nil, &out)
}

// maxScene is the longest scene of an unlimited code.
const maxScene = 32

// Code draws an unlimited mini-program code.
func (c *Client) Code(ctx context.Context, scene, page string) ([]byte, error) {
	if scene == "" || len(scene) > maxScene {
		return nil, fmt.Errorf("mp: a scene has 1 to %d characters", maxScene)
	}
	return c.api.Bytes(ctx, "/wxa/getwxacodeunlimit", map[string]any{"scene": scene, "page": page, "check_path": false})
}

// Link makes a URL that opens the mini program from outside for some days (up to 30).
func (c *Client) Link(ctx context.Context, path, query string, days int) (string, error) {
	var out struct {
		URL string `json:"url_link"`
	}
	err := c.api.Do(ctx, "/wxa/generate_urllink", map[string]any{"path": path, "query": query, "expire_type": 1, "expire_interval": days}, &out)
	return out.URL, err
}

// Scheme makes a weixin:// address that opens the mini program for some days (up to 30).
func (c *Client) Scheme(ctx context.Context, path, query string, days int) (string, error) {
	var out struct {
		Link string `json:"openlink"`
	}
	in := map[string]any{"jump_wxa": map[string]string{"path": path, "query": query}, "expire_type": 1, "expire_interval": days}
	return out.Link, c.api.Do(ctx, "/wxa/generatescheme", in, &out)
}

// Verdicts of the content check.
const (
	Pass   = "pass"
	Review = "review"
	Bad    = "risky"
)

// CheckText judges what a person wrote; scene 1 is a profile. The person must have been active in the last two hours.
func (c *Client) CheckText(ctx context.Context, openid string, scene int, text string) (suggest string, err error) {
	var out struct {
		Result struct {
			Suggest string `json:"suggest"`
		} `json:"result"`
	}
	err = c.api.Ask(ctx, "/wxa/msg_sec_check", map[string]any{"version": 2, "scene": scene, "openid": openid, "content": text}, &out)
	return out.Result.Suggest, err
}

// CheckPicture asks for a judgement that comes later as the event wxa_media_check with the trace.
func (c *Client) CheckPicture(ctx context.Context, openid string, scene int, picture string) (trace string, err error) {
	var out struct {
		Trace string `json:"trace_id"`
	}
	in := map[string]any{"version": 2, "scene": scene, "openid": openid, "media_type": 2, "media_url": picture}
	return out.Trace, c.api.Ask(ctx, "/wxa/media_check_async", in, &out)
}

// RiskRank is how likely a person cheats, 0 to 4; scene 0 is joining, 1 is marketing.
func (c *Client) RiskRank(ctx context.Context, openid string, scene int, ip string) (rank int, err error) {
	var out struct {
		Rank int `json:"risk_rank"`
	}
	in := map[string]any{"appid": c.App.AppID, "openid": openid, "scene": scene, "client_ip": ip}
	return out.Rank, c.api.Ask(ctx, "/wxa/getuserriskrank", in, &out)
}

// Ping says whether the credentials are good.
func (c *Client) Ping(ctx context.Context) error { _, err := c.api.Token(ctx); return err }
