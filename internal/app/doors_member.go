package app

import (
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/centre"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/payment"
)

// memberDoor opens the door for members in their own app: whoever comes through it sees and changes only themselves.
func (a *App) memberDoor(s *web.Server) {
	a.Members.OpenDoor(s, a.DB)
	web.RegisterOperations(s, member.Door)
	a.Members.RoutesMember(s, a.DB)
	a.Points.RoutesMember(s, a.DB)
	a.Tiers.RoutesMember(s, a.DB)
	a.orderRoutes().RoutesMember(s)
	payment.Routes{DB: a.DB, S: a.Payments}.RoutesMember(s)
	a.Cashier.RoutesMember(s)
	a.Messages.RoutesMember(s)
	a.Campaign.RoutesMember(s, a.DB)
	a.Honours.RoutesMember(s)
	a.Tracks.RoutesMember(s)
	a.Privacy.RoutesMember(s)
	a.Entry.RoutesMember(s)
	(&centre.Routes{DB: a.DB, Zone: a.Zone, Members: a.Members, Tiers: a.Tiers, Honours: a.Honours, FollowCode: a.Entry.CentreCode}).RoutesMember(s)
}
