package app

import (
	"errors"

	"guanxi/internal/app/importer"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/centre"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/insight"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/privacy"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
	"guanxi/internal/loyalty/track"
)

func (a *App) desk() staff.Desk {
	return staff.Desk{DB: a.DB, Staff: a.Staff, Shop: a.Shop, Zone: a.Zone}
}

// consoleDoor opens the door for staff.
func (a *App) consoleDoor(s *web.Server) {
	d := a.desk()
	a.Staff.OpenDoor(s)
	web.RegisterOperations(s, staff.Door)
	a.Staff.Routes(s)
	staff.Console{Desk: d}.Register(s)
	member.Console{Desk: d, S: a.Members}.Register(s)
	a.mergeRoutes(s)
	a.headRoutes(s)
	order.Console{Desk: d}.Register(s)
	ledger.Console{Desk: d}.Register(s)
	points.Console{Desk: d, S: a.Points}.Register(s)
	tier.Console{Desk: d, S: a.Tiers}.Register(s)
	earn.Console{Desk: d, S: a.Earn}.Register(s)
	a.orderRoutes().RoutesConsole(s, d)
	message.Console{Desk: d, S: a.Messages}.Register(s)
	campaign.Console{Desk: d, S: a.Campaign}.Register(s)
	track.Console{Desk: d}.Register(s)
	privacy.Console{Desk: d, S: a.Privacy}.Register(s)
	centre.Console{Desk: d}.Register(s)
	insight.Console{Desk: d, Members: a.Members}.Register(s)
	payment.Console{Desk: d, S: a.Payments}.Register(s)
	a.shopRoutes(s)
	a.webhookRoutes(s)
	a.channelRoutes(s)
	a.linkRoutes(s)
	a.statusRoutes(s)
	a.taskRoutes(s)
	importer.Console{Desk: d, I: a.Importer}.Register(s)
	a.Exporter.Register(s)
}

// deeds lists what happens when a second person agrees.
func (a *App) deeds() error {
	d := a.desk()
	return errors.Join(a.Exporter.Deeds(), staff.Console{Desk: d}.Deeds(), points.Console{Desk: d, S: a.Points}.Deeds(), tier.Console{Desk: d, S: a.Tiers}.Deeds(),
		earn.Console{Desk: d, S: a.Earn}.Deeds(), a.savingPartner().Register(a.Staff), campaign.Console{Desk: d, S: a.Campaign}.Deeds())
}
