package app

import (
	"errors"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

// mergeRoutes tie members, ledger and tiers together, as the reactions to a merge do.
func (a *App) mergeRoutes(s *web.Server) {
	staff.Route(s, staff.Ask("/merges/preview", "member.merge_preview", "merge.members", "预览合并：试做一遍再撤销，不作任何更改", "Preview a merge: done and undone, nothing changes", member.MergeFaults...), a.previewMerge)
	staff.Route(s, staff.Created(staff.Change(http.MethodPost, "/merges", "member.merge", "merge.members", "合并两个会员", "Merge two members", member.MergeFaults...)), a.merge)
	staff.Route(s, staff.Ask("/merges/{id}/reversal/preview", "member.unmerge_preview", "merge.members", "预览拆分：哪些批次要由人决定归谁；不作任何更改", "Preview taking a merge apart, with the lots that a person must decide about; nothing changes", unmergeFaults...), a.previewUnmerge)
	staff.Route(s, staff.Change(http.MethodPost, "/merges/{id}/reversal", "member.unmerge", "merge.members", "撤销合并", "Take a merge apart", unmergeFaults...), a.unmerge)
}

type mergePreviewIn struct {
	Body struct {
		From web.ID `json:"from" doc:"被并入的会员|who is merged"`
		Into web.ID `json:"into" doc:"保留的会员|into whom"`
	}
}

type holdings struct {
	Member     web.ID `json:"member" doc:"会员|the member"`
	Status     string `json:"status" doc:"状态|status"`
	Points     int64  `json:"points" doc:"积分余额|balance of points"`
	Available  int64  `json:"available" doc:"可用积分|available points"`
	Debt       int64  `json:"debt" doc:"欠分|debt"`
	Growth     int64  `json:"growth" doc:"成长值|growth"`
	Tier       string `json:"tier" doc:"等级代码|key of the tier"`
	TierZh     string `json:"tier_zh" doc:"等级中文名|its name in Chinese"`
	TierEn     string `json:"tier_en" doc:"等级英文名|its name in English"`
	Orders     int    `json:"orders" doc:"订单数（最多计 200）|orders, counted up to 200"`
	Identities int    `json:"identities" doc:"身份数|identities"`
}

type mergePreviewOut struct {
	From  holdings `json:"from" doc:"被并入的会员现在|who is merged, now"`
	Into  holdings `json:"into" doc:"保留的会员现在|into whom, now"`
	After holdings `json:"after" doc:"合并之后|after the merge"`
}

const mostOrders = 200

// holdingsOf is what a member has, as somebody who decides about a merge wants to see it.
func (a *App) holdingsOf(r db.Reader, id int64) (holdings, error) {
	m, ok := member.Members.Get(r, id)
	if !ok {
		return holdings{}, member.ErrNone.New()
	}
	bound, err := a.Members.IdentitiesOf(r, id)
	if err != nil {
		return holdings{}, err
	}
	p := ledger.Now(r, id, ledger.Points)
	at := tier.Policy.At(r, r.Now()).Value.Level(tier.Of(r, id).Held(r.Now()))
	return holdings{web.ID(id), m.Status, p.Balance, p.Available, p.Debt, ledger.Now(r, id, ledger.Growth).Balance,
		at.Key, at.Zh, at.En, len(order.OfMany(r, member.Family(r, id), 0, mostOrders)), len(bound)}, nil
}

var errUndo = errors.New("app: done to be looked at, and undone")

func (a *App) previewMerge(c *web.Ctx, in *mergePreviewIn) (out *mergePreviewOut, err error) {
	from, into := int64(in.Body.From), int64(in.Body.Into)
	err = a.DB.Write(c, db.Op{Owners: []int64{from, into}, Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		out = &mergePreviewOut{}
		err := tx.Try(func(tx *db.Tx) (err error) {
			if out.From, err = a.holdingsOf(tx, from); err != nil {
				return err
			}
			if out.Into, err = a.holdingsOf(tx, into); err != nil {
				return err
			}
			if _, err = a.Members.Merge(tx, from, into, "preview"); err != nil {
				return err
			}
			if out.After, err = a.holdingsOf(tx, into); err != nil {
				return err
			}
			return errUndo
		})
		if errors.Is(err, errUndo) {
			return nil
		}
		return err
	})
	return out, err
}

type mergeIn struct {
	Body struct {
		From   web.ID `json:"from" doc:"被并入的会员|who is merged"`
		Into   web.ID `json:"into" doc:"保留的会员|into whom"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

type mergeOut struct {
	ID    web.ID   `json:"id" doc:"合并记录，撤销时使用|the merge: what undoes it"`
	After holdings `json:"after" doc:"合并之后|after the merge"`
}

func (a *App) merge(c *web.Ctx, in *mergeIn) (*mergeOut, error) {
	from, into := int64(in.Body.From), int64(in.Body.Into)
	return staff.Write(c, a.desk(), db.Op{Owners: []int64{from, into}}, func(tx *db.Tx) (*mergeOut, staff.Act, error) {
		m, err := a.Members.Merge(tx, from, into, in.Body.Reason)
		if err != nil {
			return nil, staff.Act{}, err
		}
		after, err := a.holdingsOf(tx, into)
		return &mergeOut{web.ID(m.ID), after}, staff.Act{What: "member.merge", Targets: []int64{from, into}, New: m.ID, Reason: in.Body.Reason}, err
	})
}
