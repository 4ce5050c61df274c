package points

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
)

// RoutesMember registers what members may see of their points.
func (s *Service) RoutesMember(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	tags := []string{"points"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/expiring", ID: "me.expiring", Perm: web.AnyCaller, Tags: tags,
		Zh: "我即将到期的积分", En: "My points that expire soon"}, h.getMyExpiring)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/quotes", ID: "me.quote", Perm: web.AnyCaller, Tags: tags,
		Zh: "试算本单我最多可用积分", En: "How many of my points may pay an order", Errors: []*fault.Kind{member.ErrBlocked}}, h.postMyQuote)
}

func (h routes) getMyExpiring(c *web.Ctx, in *DaysIn) (out *expiringOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		out = h.s.expiring(v, c.Caller.ID, in.Days)
		return nil
	})
	return out, err
}

type myQuoteIn struct {
	Body struct {
		Eligible int64 `json:"eligible_fen" minimum:"0" maximum:"10000000000000" doc:"可用积分抵扣的金额，分|the amount that points may pay, in fen"`
	}
}

func (h routes) postMyQuote(c *web.Ctx, in *myQuoteIn) (*quoteOut, error) {
	return h.quote(c, c.Caller.ID, in.Body.Eligible)
}
