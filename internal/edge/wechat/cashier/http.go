package cashier

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/shop"
)

var prepayFaults = []*fault.Kind{payment.ErrNone, payment.ErrState, payment.ErrNoAccount, payment.ErrPlatform, payment.ErrRefused, db.ErrBusy}

// RoutesMember registers how a member opens a payment. It changes nothing of ours, so it takes no key: the platform knows
// the order by its number.
func (c *Cashier) RoutesMember(srv *web.Server) {
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/payments/{id}/prepay", ID: "me.payment.prepay", Perm: web.AnyCaller, Tags: []string{"payment"},
		Zh: "取得调起微信支付的参数", En: "Get what opens the payment in WeChat", Errors: prepayFaults}, c.prepayMine)
}

// RoutesPartner registers how a partner's own page opens a payment.
func (c *Cashier) RoutesPartner(srv *web.Server) {
	web.Route(srv, web.Op{Door: shop.PartnerDoor, Method: http.MethodPost, Path: "/payments/{id}/prepay", ID: "payment.prepay", Perm: "orders.write", Tags: []string{"payment"},
		Zh: "取得调起微信支付的参数", En: "Get what opens the payment in WeChat", Errors: prepayFaults}, c.prepayTheirs)
}

type prepayIn struct {
	ID web.ID `path:"id" doc:"收款|the payment"`
}

func (c *Cashier) prepayMine(w *web.Ctx, in *prepayIn) (*pay.Button, error) {
	return c.prepay(w, int64(in.ID), func(r db.Reader, p payment.Payment) bool {
		if p.Member == 0 {
			return false
		}
		m, err := member.Resolve(r, p.Member)
		return err == nil && m.ID == w.Caller.ID
	})
}

func (c *Cashier) prepayTheirs(w *web.Ctx, in *prepayIn) (*pay.Button, error) {
	return c.prepay(w, int64(in.ID), func(_ db.Reader, p payment.Payment) bool { return p.Source == shop.CallerOf(w).Source() })
}

// prepay makes the order at the platform, or finds the one that was made, and signs the button.
func (c *Cashier) prepay(w *web.Ctx, id int64, own func(db.Reader, payment.Payment) bool) (*pay.Button, error) {
	var p payment.Payment
	var payer vault.Secret
	err := c.DB.View(w, func(v *db.View) (err error) {
		found, known := payment.Get(v, id)
		if !known || !own(v, found) {
			return payment.ErrNone.New()
		}
		p = found
		if p.State != payment.New || v.Now() >= p.Expires {
			return payment.ErrState.With("state", p.State)
		}
		payer, err = c.Payments.PayerOf(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	client := c.byMch[p.Mch]
	if client == nil {
		return nil, payment.ErrNoAccount.New()
	}
	prepay, err := client.JSAPI(w, pay.Order{AppID: p.App, Description: p.Title, No: p.No, Expire: pay.Time(p.Expires), NotifyURL: c.notifyURL(client, p.App),
		Amount: pay.Money{Total: p.Amount, Currency: "CNY"}, Payer: &pay.Payer{OpenID: payer.Reveal()}})
	if err != nil {
		return nil, outward(err)
	}
	b, err := client.Button(p.App, prepay)
	return &b, err
}
