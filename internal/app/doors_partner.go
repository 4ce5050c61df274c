package app

import (
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/shop"
)

// partnerDoor opens the door for partners: tills, shops and order systems that sign their requests.
func (a *App) partnerDoor(s *web.Server) {
	a.Verifier.OpenDoor(s)
	web.RegisterOperations(s, shop.PartnerDoor)
	a.Members.RoutesPartner(s, a.DB)
	a.Points.RoutesPartner(s, a.DB)
	a.Tiers.RoutesPartner(s, a.DB)
	a.orderRoutes().RoutesPartner(s)
	payment.Routes{DB: a.DB, S: a.Payments}.RoutesPartner(s)
	a.Cashier.RoutesPartner(s)
}

func (a *App) orderRoutes() earn.Routes {
	return earn.Routes{DB: a.DB, Earn: a.Earn, Orders: a.Orders, Points: a.Points, Members: a.Members, Cause: campaign.Cause}
}
