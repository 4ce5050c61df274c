package accounts

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" // #nosec G505 -- the platform's signatures are SHA-1
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

// Event is what is pushed: ordered names and values. A value is a text, a number or a list of events.
type Event []Part

// Part is one element.
type Part struct {
	Name  string
	Value any
}

// pauses between the three tries of a push: who does not answer within five seconds is asked again.
var pauses = []int64{5 * clock.Second, 5 * clock.Second}

// Push sends an event of a person to the account's own server.
func (p *Platform) Push(app world.App, openid string, e Event) {
	if app.Callback == "" {
		return
	}
	head := Event{{"ToUserName", app.Original}, {"FromUserName", openid}, {"CreateTime", p.W.Clock.Now() / clock.Second}}
	body := append(head, e...)
	p.W.Deliver(pauses, func() bool { return p.post(app, openid, body) })
}

// Sign is the signature over sorted values.
func Sign(values ...string) string {
	sort.Strings(values)
	sum := sha1.Sum([]byte(strings.Join(values, ""))) // #nosec G401 -- as the platform defines it
	return hex.EncodeToString(sum[:])
}

func (p *Platform) post(app world.App, openid string, e Event) bool {
	stamp, nonce := strconv.FormatInt(p.W.Clock.Now()/clock.Second, 10), p.W.Word(10)
	q := url.Values{"signature": {Sign(app.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "openid": {openid}}
	body, media := e.encode(app.JSON)
	if app.AESKey != "" {
		sealed := p.Encrypt(app, body)
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", Sign(app.Token, stamp, nonce, sealed))
		body, _ = Event{{"ToUserName", app.Original}, {"Encrypt", sealed}}.encode(app.JSON)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, app.Callback+"?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		return true // an address that can't be is not tried again
	}
	req.Header.Set("Content-Type", media)
	x := world.Exchange{Out: true, Method: http.MethodPost, Path: req.URL.Path, Query: req.URL.RawQuery, Body: string(body)}
	defer func() { p.W.Record.Add(x) }()
	res, err := p.W.Client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	x.Status, x.Answer = res.StatusCode, string(text)
	return res.StatusCode == http.StatusOK && (len(text) == 0 || string(text) == "success" || bytes.HasPrefix(text, []byte("<xml>")))
}

// Verify does what a save in the console does: it asks the account's server to echo a text.
func (p *Platform) Verify(app world.App) bool {
	stamp, nonce, echo := strconv.FormatInt(p.W.Clock.Now()/clock.Second, 10), p.W.Word(10), p.W.Word(16)
	q := url.Values{"signature": {Sign(app.Token, stamp, nonce)}, "timestamp": {stamp}, "nonce": {nonce}, "echostr": {echo}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, app.Callback+"?"+q.Encode(), nil)
	if err != nil {
		return false
	}
	res, err := p.W.Client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	return res.StatusCode == http.StatusOK && string(text) == echo
}

// Encrypt seals a message for an account.
func (p *Platform) Encrypt(app world.App, text []byte) string {
	key, err := base64.StdEncoding.DecodeString(app.AESKey + "=")
	if err != nil || len(key) != 32 {
		return ""
	}
	return Encrypt(key, p.W.Bytes(16), text, app.ID)
}

// Encrypt seals a message with the account's key, sixteen random bytes before it and the receiver's id behind.
func Encrypt(key, random, text []byte, receiver string) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		return ""
	}
	plain := binary.BigEndian.AppendUint32(append([]byte{}, random...), uint32(len(text))) // #nosec G115 -- events are short
	plain = append(append(plain, text...), receiver...)
	n := 32 - len(plain)%32
	plain = append(plain, bytes.Repeat([]byte{byte(n)}, n)...)
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain)
}

func (e Event) encode(asJSON bool) (body []byte, media string) {
	if asJSON {
		b, _ := json.Marshal(e.object())
		return b, "application/json; charset=utf-8"
	}
	var b bytes.Buffer
	b.WriteString("<xml>")
	e.xml(&b)
	b.WriteString("</xml>")
	return b.Bytes(), "text/xml; charset=utf-8"
}

func (e Event) xml(b *bytes.Buffer) {
	for _, x := range e {
		b.WriteString("<" + x.Name + ">")
		switch v := x.Value.(type) {
		case string:
			if strings.Contains(v, "]]>") {
				_ = xml.EscapeText(b, []byte(v))
			} else {
				b.WriteString("<![CDATA[" + v + "]]>")
			}
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case []Event:
			for _, one := range v {
				b.WriteString("<List>")
				one.xml(b)
				b.WriteString("</List>")
			}
		}
		b.WriteString("</" + x.Name + ">")
	}
}

// object is the event as JSON: in lists the element stands without its wrapper, and a list of one is an object.
func (e Event) object() map[string]any {
	out := map[string]any{}
	for _, x := range e {
		list, ok := x.Value.([]Event)
		if !ok {
			out[x.Name] = x.Value
			continue
		}
		many := []any{}
		for _, one := range list {
			many = append(many, one.object())
		}
		out["List"] = many
		if len(many) == 1 {
			out["List"] = many[0]
		}
	}
	return out
}
