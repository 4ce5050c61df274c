// Package channels is how an installation is known to the parties outside (渠道配置): the accounts it has there, their secrets,
// and where those parties are reached. It is one file of the data folder, channels.json, that only its owner may read.
package channels

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"runtime"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
)

// FileName is the file in the data folder.
const FileName = "channels.json"

// The faults of the file. They name what is wrong, never a value.
var (
	ErrUnreadable = fault.Define("channels.unreadable", fault.Invalid,
		"渠道配置 {file} 无法读取：{why}", "The channels in {file} can't be read: {why}")
	ErrExposed = fault.Define("channels.exposed", fault.Invalid,
		"渠道配置 {file} 含有密钥，但其他用户可以读取；请把权限改为 0600", "The channels in {file} hold secrets but can be read by others; change its mode to 0600")
	ErrWrong = fault.Define("channels.wrong", fault.Invalid,
		"渠道配置 {at} 不对，应为：{want}", "{at} of the channels is wrong; it takes {want}")
)

// Secret is a text of the file that must not be shown.
type Secret struct{ vault.Secret }

// UnmarshalJSON takes the text.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("a secret must be a text")
	}
	s.Secret = vault.Hide(text)
	return nil
}

// Hide makes a Secret of a text.
func Hide(text string) Secret { return Secret{vault.Hide(text)} }

// Config is all parties an installation speaks with.
type Config struct {
	Hosts Hosts  `json:"hosts"`
	OA    []App  `json:"oa"`   // 服务号
	MP    []App  `json:"mp"`   // 小程序
	Work  []Corp `json:"work"` // 企业微信
	SMS   *SMS   `json:"sms"`
	Mail  *Mail  `json:"mail"`
}

// Hosts are where the parties are reached, without a slash at the end.
type Hosts struct {
	API     string `json:"wechat_api"`  // server API of 服务号 and 小程序
	Open    string `json:"wechat_open"` // the authorize page of the web login
	QR      string `json:"wechat_qr"`   // pictures of scene QR codes
	JSSDK   string `json:"wechat_js"`   // the JS-SDK file, whole
	Pay     string `json:"wechat_pay"`
	Work    string `json:"wecom_api"`
	Aliyun  string `json:"aliyun_sms"`
	Tencent string `json:"tencent_sms"`
}

// Real are the hosts of the parties themselves.
var Real = Hosts{
	API: "https://api.weixin.qq.com", Open: "https://open.weixin.qq.com", QR: "https://mp.weixin.qq.com",
	JSSDK: "https://res.wx.qq.com/open/js/jweixin-1.6.0.js", Pay: "https://api.mch.weixin.qq.com", Work: "https://qyapi.weixin.qq.com",
	Aliyun: "https://dysmsapi.aliyuncs.com", Tencent: "https://sms.tencentcloudapi.com",
}

// App is one 服务号 or 小程序.
type App struct {
	AppID    string `json:"appid"`
	Name     string `json:"name"`
	Original string `json:"original_id"` // gh_…
	Secret   Secret `json:"secret"`
	Token    Secret `json:"token"`         // of the message push
	AESKey   Secret `json:"aes_key"`       // EncodingAESKey; empty: plain mode
	Owner    string `json:"open_platform"` // the Open Platform account it is bound to: whose unionids it gets
	Card     string `json:"member_card"`   // of an account: the card_id of its member card of 2016, where it has one
}

// Corp is one application of a 企业微信 company.
type Corp struct {
	CorpID  string `json:"corp_id"`
	AgentID int64  `json:"agent_id"`
	Name    string `json:"name"`
	Owner   string `json:"open_platform"` // as of the apps: whose unionids it gets
	Secret  Secret `json:"secret"`
	Token   Secret `json:"token"`
	AESKey  Secret `json:"aes_key"`
}

// SMS is the account that sends short messages.
type SMS struct {
	Vendor    string            `json:"vendor"` // aliyun or tencent
	KeyID     string            `json:"key_id"`
	KeySecret Secret            `json:"key_secret"`
	AppID     string            `json:"app_id"` // tencent's SmsSdkAppId
	Region    string            `json:"region"`
	Sign      string            `json:"sign"`      // the approved 签名
	Templates map[string]string `json:"templates"` // template code by occasion of a message; "code" is that of phone codes
}

// Mail is the server that takes e-mail.
type Mail struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	TLS      string `json:"tls"` // required, implicit or none
	User     string `json:"user"`
	Password Secret `json:"password"`
	From     string `json:"from"`
}

// Load reads the file; none is an installation without parties.
func Load(file string) (Config, error) {
	c := Config{Hosts: Real}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, ErrUnreadable.With("file", file, "why", "-").Because(err)
	}
	if info, err := os.Stat(file); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm()&0o077 != 0) {
		return c, ErrExposed.With("file", file)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, ErrUnreadable.With("file", file, "why", err.Error())
	}
	return c, c.Check()
}

var (
	appID  = regexp.MustCompile(`^wx[0-9a-z]{4,30}$`)
	aesKey = regexp.MustCompile(`^[0-9A-Za-z]{43}$`)
)

// Check finds what would fail later.
func (c *Config) Check() error {
	seen := map[string]bool{}
	for kind, list := range map[string][]App{"oa": c.OA, "mp": c.MP} {
		for _, a := range list {
			if !appID.MatchString(a.AppID) || seen[a.AppID] {
				return ErrWrong.With("at", kind+".appid", "want", "wx…, once")
			}
			seen[a.AppID] = true
			if key := a.AESKey.Reveal(); key != "" && !aesKey.MatchString(key) {
				return ErrWrong.With("at", kind+".aes_key", "want", "43 letters and digits")
			}
		}
	}
	for _, w := range c.Work {
		if key := w.AESKey.Reveal(); key != "" && !aesKey.MatchString(key) {
			return ErrWrong.With("at", "work.aes_key", "want", "43 letters and digits")
		}
	}
	if c.SMS != nil && c.SMS.Vendor != "aliyun" && c.SMS.Vendor != "tencent" {
		return ErrWrong.With("at", "sms.vendor", "want", "aliyun | tencent")
	}
	return nil
}
