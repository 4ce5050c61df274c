package app

import (
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/delivery"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/mail"
	"guanxi/internal/edge/sms"
	"guanxi/internal/edge/wecom"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// connect makes the clients of the parties outside.
func (a *App) connect() error {
	client := channels.NewClient()
	a.Entry = &entry.Service{DB: a.DB, Members: a.Members, Tracks: a.Tracks, Vault: a.Vault, Clock: a.Clock, Log: a.Log, Public: a.public, AnyTime: a.framer != ""}
	a.Exporter.Entry, a.Exporter.Webhooks = a.Entry, a.Webhooks
	texter := sms.New(a.Channels, client, a.Clock)
	if texter != nil {
		a.Entry.SMS = texter
	}
	poster := mail.New(a.Channels)
	if poster != nil {
		a.Entry.Mail = poster
	}
	a.Outlet = &delivery.Outlet{DB: a.DB, Members: a.Members, Vault: a.Vault, Entry: a.Entry, Config: a.Channels, SMS: texter, Mail: poster, Public: a.public}
	a.Messages.Transports = a.Outlet.Transports()
	a.WeCom = &wecom.Service{DB: a.DB, Members: a.Members, Messages: a.Messages, Vault: a.Vault, Entry: a.Entry, Clock: a.Clock, Log: a.Log, AnyTime: a.framer != ""}
	if err := a.WeCom.Connect(a.Channels, client); err != nil {
		return err
	}
	if t, ok := a.WeCom.Transport(); ok {
		a.Messages.Transports = append(a.Messages.Transports, t)
	}
	a.WeCom.RegisterJobs(a.Jobs)
	a.Entry.Entered = a.WeCom.OnEntered
	a.Entry.Followed, a.WeCom.InGroup = a.Campaign.OnFollowed, a.Campaign.OnInGroup
	a.Entry.Answered = func(tx *db.Tx, id int64, template string, yes bool, source string) error {
		if yes {
			return a.Messages.Subscribe(tx, id, template, message.ByPlatform, source)
		}
		return a.Messages.Unsubscribe(tx, id, template, source)
	}
	a.Entry.Receipt = func(tx *db.Tx, id int64, kind, msg, failure string) {
		a.Messages.Receipt(tx, id, map[string]string{"oa": "official", "mp": "mini"}[kind], msg, failure)
	}
	a.Entry.Agreed = func(tx *db.Tx, id int64, g entry.Agreement) error {
		version, err := strconv.ParseInt(g.Version, 10, 64)
		if err != nil {
			return member.ErrAgreement.New().At("version")
		}
		return a.Members.SetConsent(tx, id, member.ForTerms, true, version, g.Channel)
	}
	a.Entry.Carded = a.Cashier.TakeWallet
	a.Entry.RegisterJobs(a.Jobs)
	if err := a.Entry.Connect(a.Channels, client); err != nil {
		return err
	}
	for _, x := range a.Channels.OA {
		if o, err := a.Entry.OA(x.AppID); err == nil && x.Card != "" {
			a.Cashier.UseWallet(o)
		}
	}
	return nil
}
