package app

import (
	"strconv"

	"guanxi/internal/base/db"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/sms"
	"guanxi/internal/loyalty/member"
)

// connect makes the clients of the parties outside.
func (a *App) connect() error {
	client := channels.NewClient()
	a.Entry = &entry.Service{DB: a.DB, Members: a.Members, Vault: a.Vault, Clock: a.Clock, Log: a.Log, Public: a.public, AnyTime: a.framer != ""}
	if texter := sms.New(a.Channels, client, a.Clock); texter != nil {
		a.Entry.SMS = texter
	}
	a.Entry.Agreed = func(tx *db.Tx, id int64, g entry.Agreement) error {
		version, err := strconv.ParseInt(g.Version, 10, 64)
		if err != nil {
			return member.ErrAgreement.New().At("version")
		}
		return a.Members.SetConsent(tx, id, member.ForTerms, true, version, g.Channel)
	}
	a.Entry.RegisterJobs(a.Jobs)
	return a.Entry.Connect(a.Channels, client)
}
