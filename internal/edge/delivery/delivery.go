// Package delivery carries messages out of the house (消息投递): template messages of the 服务号, subscription messages of the 小程序, 企业微信,
// short messages and mail. It finds the member's address, fits the values into what each party allows, and says in the words of the message
// feature how it ended.
//
// Messages go out through the first 服务号, the first 小程序 and the first company of the configuration.
package delivery

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/mail"
	"guanxi/internal/edge/sms"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/mp"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// Outlet is the ways out of an installation.
type Outlet struct {
	DB      *db.DB
	Members *member.Service
	Vault   *vault.Vault
	Entry   *entry.Service // holds the clients, who share their tokens, and the incidents
	Config  channels.Config
	SMS     *sms.Client  // nil: none is set up
	Mail    *mail.Client // nil: none is set up
	Public  string
}

// Transports lists the channels that are set up.
func (o *Outlet) Transports() (list []message.Transport) {
	if len(o.Config.OA) > 0 {
		list = append(list, message.Transport{Channel: "official", Ready: hasTemplate, Send: o.official})
	}
	if len(o.Config.MP) > 0 {
		list = append(list, message.Transport{Channel: "mini", Credited: true, Ready: hasTemplate, Send: o.mini})
	}
	if o.SMS != nil {
		list = append(list, message.Transport{Channel: "sms", Send: o.text,
			Ready: func(occasion, _ string) bool { return o.SMS.Account.Templates[occasion] != "" }})
	}
	if o.Mail != nil {
		list = append(list, message.Transport{Channel: "mail", Send: o.letter})
	}
	return list
}

func hasTemplate(_, template string) bool { return template != "" }

// address finds where a member is reached.
func (o *Outlet) address(ctx context.Context, id int64, kind, issuer string) (to vault.Secret, err error) {
	err = o.DB.View(ctx, func(v *db.View) error {
		var ok bool
		if to, ok, err = o.Members.ValueOf(v, id, kind, issuer); err == nil && !ok {
			err = message.ErrNoAddress.New()
		}
		return err
	})
	return to, err
}

// pages are those of the members' app, by what messages call them.
var pages = map[string]string{"home": "pages/home/home", "statement": "pages/points/points", "tiers": "pages/tiers/tiers", "expiring": "more/expiring/expiring",
	"settings": "more/settings/settings"}

func (o *Outlet) official(ctx context.Context, m message.Sent) (string, error) {
	app := o.Config.OA[0].AppID
	client, err := o.Entry.OA(app)
	if err != nil {
		return "", err
	}
	to, err := o.address(ctx, m.Member, member.KindOpenID, app)
	if err != nil {
		return "", err
	}
	if o.Entry.Left(ctx, app, to) {
		return "", message.ErrNoAddress.New()
	}
	data := map[string]oa.Value{}
	for name, v := range m.Fields {
		data[name] = oa.Value{Value: Fit(name, v)}
	}
	id, err := client.SendTemplate(ctx, oa.Template{To: to.Reveal(), ID: m.Template, URL: o.Public + "/m/#/" + pages[m.Page], ClientID: m.Key, Data: data})
	if wechat.ClassOf(err) == wechat.NotFollow {
		o.Entry.NoteLeft(ctx, app, to)
	}
	return number(id), o.verdict(ctx, app, err, true)
}

func (o *Outlet) mini(ctx context.Context, m message.Sent) (string, error) {
	app := o.Config.MP[0].AppID
	client, err := o.Entry.MP(app)
	if err != nil {
		return "", err
	}
	to, err := o.address(ctx, m.Member, member.KindOpenID, app)
	if err != nil {
		return "", err
	}
	data := map[string]mp.Value{}
	for name, v := range m.Fields {
		data[name] = mp.Value{Value: Fit(name, v)}
	}
	id, err := client.SendSubscribe(ctx, mp.Subscribe{To: to.Reveal(), ID: m.Template, Page: pages[m.Page], Data: data, Lang: "zh_CN"})
	return number(id), o.verdict(ctx, app, err, false)
}

func number(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// invalidOpenID is the platform's number for somebody it does not know, or does not let us reach.
const invalidOpenID = 40003

// verdict says in our words how a call of WeChat ended. Repeatable ones may be made again when nobody knows.
func (o *Outlet) verdict(ctx context.Context, app string, err error, repeatable bool) error {
	if err == nil {
		return nil
	}
	if wechat.Trouble(err) {
		o.Entry.Trouble(ctx, app, err)
	}
	code := wechat.CodeOf(err)
	switch class := wechat.ClassOf(err); {
	case class == wechat.NoCredit:
		return message.ErrNoCredit.New().Because(err)
	case class == wechat.NotFollow || code == invalidOpenID:
		return message.ErrNoAddress.New().Because(err)
	case class == wechat.Quota:
		return &message.Later{Until: wechat.Until(err), Cause: err}
	case wechat.Lost(err) && !repeatable:
		return message.ErrMaybe.New().Because(err)
	case class == wechat.Busy, class == wechat.Token:
		return err
	}
	return message.ErrRefused.With("code", code).Because(err)
}

func (o *Outlet) text(ctx context.Context, m message.Sent) (string, error) {
	to, err := o.address(ctx, m.Member, member.KindPhone, "")
	if err != nil {
		return "", err
	}
	switch err := o.SMS.Send(ctx, to, m.Occasion, m.Values); {
	case err == nil:
		return "", nil
	case is(err, sms.ErrNumber):
		return "", message.ErrNoAddress.New().Because(err)
	case is(err, sms.ErrBusy):
		return "", message.ErrMaybe.New().Because(err)
	case is(err, sms.ErrAway):
		return "", err
	case is(err, sms.ErrLimit):
		return "", message.ErrRefused.With("code", "limit").Because(err)
	default:
		o.Entry.Trouble(ctx, "sms", err)
		return "", message.ErrRefused.With("code", "setup").Because(err)
	}
}

func (o *Outlet) letter(ctx context.Context, m message.Sent) (string, error) {
	to, err := o.address(ctx, m.Member, member.KindEmail, "")
	if err != nil {
		return "", err
	}
	l := mail.Letter{To: to, Key: m.Key, Subject: m.Title, Text: m.Body + "\n\n" + o.Public + "/m/#/" + pages[m.Page] + "\n"}
	if m.Marketing {
		l.Leave = o.leaveURL(m.Member)
		l.Text += fmt.Sprintf("\n不想再收到此类邮件？退订：%s\n", l.Leave)
	}
	switch err := o.Mail.Send(ctx, l); {
	case err == nil:
		return "", nil
	case is(err, mail.ErrAddress):
		return "", message.ErrNoAddress.New().Because(err)
	case is(err, mail.ErrRefused):
		return "", message.ErrRefused.With("code", "mail").Because(err)
	case is(err, mail.ErrSetup):
		o.Entry.Trouble(ctx, "mail", err)
		return "", message.ErrRefused.With("code", "setup").Because(err)
	default:
		return "", err // the letter keeps its Message-ID, so a server that has it knows it again
	}
}

// empty is what stands where there is nothing: a field must not be empty.
var empty = map[string]string{"number": "0", "amount": "0", "phrase": "通知", "thing": "-", "character_string": "-"}

// Fit makes a value right for a field of a provider's template: each type has its limits, and one value that breaks them fails the message.
func Fit(field, value string) string {
	kind := strings.TrimRight(field, "0123456789")
	value = strings.TrimSpace(strings.NewReplacer("\r", "", "\n", " ").Replace(value))
	switch kind {
	case "number", "amount":
		value = strings.TrimPrefix(value, "+")
	case "phrase":
		value = cut(keep(value, isHan), 5)
	case "character_string":
		value = cut(keep(value, func(r rune) bool { return r >= ' ' && r <= '~' }), 32)
	case "letter":
		value = cut(keep(value, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }), 32)
	case "thing":
		if len([]rune(value)) > 20 {
			value = cut(value, 19) + "…"
		}
	default:
		value = cut(value, 32)
	}
	if value == "" {
		return empty[kind]
	}
	return value
}
