package app

import (
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/loyalty/payment"
)

// wirePayments puts the cashier between the merchants at WeChat Pay and our books.
func (a *App) wirePayments(o Options) {
	a.Payments = &payment.Service{Zone: a.Zone, Vault: a.Vault, Members: a.Members, Orders: a.Orders, Points: a.Points}
	a.Cashier = &cashier.Cashier{DB: a.DB, Log: o.Log, Zone: a.Zone, Members: a.Members, Payments: a.Payments, PublicURL: o.PublicURL}
	if o.PayVia.Clock == nil {
		o.PayVia.Clock, o.PayVia.Log = a.Clock, o.Log
	}
	a.Cashier.Use(o.Pay, o.PayVia)
}
