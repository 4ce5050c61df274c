package points

import (
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/shop"
)

type holdIn struct {
	Body struct {
		Member   web.ID `json:"member_id" doc:"会员编号|the member"`
		Points   int64  `json:"points" minimum:"1" maximum:"1000000000" doc:"预占积分|points to set apart"`
		Eligible int64  `json:"eligible_fen" minimum:"0" maximum:"10000000000000" doc:"可用积分抵扣的金额，分|the amount that points may pay, in fen"`
		OrderNo  string `json:"order_no,omitempty" maxLength:"120" doc:"订单号|number of the order"`
	}
}

type holdOut struct {
	ID     web.ID `json:"id" doc:"预占编号|the hold"`
	Member web.ID `json:"member_id" doc:"会员编号|the member"`
	State  string `json:"state" enum:"open,posted,voided,expired" doc:"状态|state"`
	Points int64  `json:"points" doc:"预占积分|points set apart"`
	Worth  int64  `json:"worth_fen" doc:"可抵金额，分|what they pay, in fen"`
	Until  int64  `json:"until_at" doc:"自动释放时刻，UTC 毫秒|when it ends by itself, milliseconds UTC"`
}

func (s *Service) holdOut(r db.Reader, h ledger.Hold) *holdOut {
	return &holdOut{web.ID(h.ID), web.ID(h.Member), h.State, h.Amount, s.Worth(r, h.Amount), h.Until}
}

// A hold's ref tells whose it is, also after a merge has moved it.
func holdRef(who shop.Caller, orderNo string) string { return who.Cause(orderNo) }

// OwnHold finds a partner's own hold. One of somebody else looks as if it were not there.
func OwnHold(r db.Reader, who shop.Caller, memberID, hold int64) (ledger.Hold, error) {
	h, ok := ledger.FindHold(r, memberID, hold)
	if !ok || h.Asset != ledger.Points || !strings.HasPrefix(h.Ref, holdRef(who, "")) {
		return ledger.Hold{}, ledger.ErrNoHold.New()
	}
	return h, nil
}

func (h routes) postHold(c *web.Ctx, in *holdIn) (*holdOut, error) {
	b := in.Body
	return web.Write(c, db.Op{Owner: int64(b.Member)}, func(tx *db.Tx) (*holdOut, error) {
		hold, err := h.s.Hold(tx, int64(b.Member), b.Points, b.Eligible, causeOf(c), holdRef(shop.CallerOf(c), b.OrderNo))
		if err != nil {
			return nil, err
		}
		return h.s.holdOut(tx, hold), nil
	})
}

type holdPostingIn struct {
	ID   web.ID `path:"id" doc:"预占编号|the hold"`
	Body struct {
		Member web.ID `json:"member_id" doc:"会员编号|the member"`
		Points int64  `json:"points,omitempty" minimum:"1" maximum:"1000000000" doc:"扣除多少，其余释放；不填为全部|points to spend, the rest is set free; all when absent"`
		Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"原因，会员可见|why; the member sees it"`
	}
}

func (h routes) postHoldPosting(c *web.Ctx, in *holdPostingIn) (*BookedOut, error) {
	return web.Write(c, db.Op{Owner: int64(in.Body.Member)}, func(tx *db.Tx) (*BookedOut, error) {
		m, err := member.Require(tx, int64(in.Body.Member), member.Spend)
		if err != nil {
			return nil, err
		}
		hold, err := OwnHold(tx, shop.CallerOf(c), m.ID, int64(in.ID))
		if err != nil {
			return nil, err
		}
		e, err := h.s.Ledger.PostHold(tx, m.ID, hold.ID, ledger.Spend{Kind: ledger.KindSpend, Source: causeOf(c), Reason: in.Body.Reason, Amount: in.Body.Points})
		if err != nil {
			return nil, err
		}
		return booked(tx, e), nil
	})
}

type releaseIn struct {
	ID   web.ID `path:"id" doc:"预占编号|the hold"`
	Body struct {
		Member web.ID `json:"member_id" doc:"会员编号|the member"`
	}
}

// postRelease gives back, so no status blocks it.
func (h routes) postRelease(c *web.Ctx, in *releaseIn) (*holdOut, error) {
	return web.Write(c, db.Op{Owner: int64(in.Body.Member)}, func(tx *db.Tx) (*holdOut, error) {
		m, err := member.Resolve(tx, int64(in.Body.Member))
		if err != nil {
			return nil, err
		}
		hold, err := OwnHold(tx, shop.CallerOf(c), m.ID, int64(in.ID))
		if err != nil {
			return nil, err
		}
		if hold, err = h.s.Ledger.VoidHold(tx, m.ID, hold.ID); err != nil {
			return nil, err
		}
		return h.s.holdOut(tx, hold), nil
	})
}
