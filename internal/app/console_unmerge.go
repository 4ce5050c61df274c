package app

import (
	"errors"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// Taking a merge apart gives back what the merge brought, and what came since by an identity of the member who leaves. The rest
// of what came since (a grant, a check-in, a correction) says nothing about whose it is: a person decides (rulings 23).

var errNotUndecided = fault.Define("member.unmerge_lot", fault.Conflict,
	"该批次不是合并之后得到的，或已能判明归属", "This lot did not come since the merge, or it is known whose it is")

var unmergeFaults = append(slices.Clone(member.MergeFaults), errNotUndecided)

type undecidedLot struct {
	Lot       web.ID `json:"lot" doc:"批次|the lot"`
	Asset     string `json:"asset" enum:"points,growth" doc:"资产|asset"`
	Remaining int64  `json:"remaining" doc:"剩余|what is left"`
	Granted   int64  `json:"granted" doc:"原始数量|what it began with"`
	Ref       string `json:"ref" doc:"来源|what it came from"`
	Expires   int64  `json:"expires_at" doc:"到期，0 为永久|when it lapses, 0 never"`
}

// byOwnIdentity says whether a lot came from an order by an identity of this member.
func byOwnIdentity(r db.Reader, id int64, lot ledger.Lot) bool {
	owner, ok := orderOwner(r, id, lot)
	return ok && owner == id
}

// undecided are the lots of the survivor that came since the merge and tell nothing about whose they are.
func undecided(r db.Reader, m member.Merge) (out []ledger.Lot) {
	for _, asset := range assets {
		var after ledger.LotKey
		for {
			page := ledger.OpenLots(r, m.Into, asset, after, mostOrders)
			for _, lot := range page {
				after = ledger.LotKey{Expires: lot.Expires, Lot: lot.ID}
				if _, known := orderOwner(r, m.From, lot); !known && lot.ID > m.ID {
					out = append(out, lot)
				}
			}
			if len(page) < mostOrders {
				break
			}
		}
	}
	return out
}

func lotsFor(list []ledger.Lot) []undecidedLot {
	out := []undecidedLot{}
	for _, lot := range list {
		one := undecidedLot{web.ID(lot.ID), "points", lot.Remaining, lot.Granted, lot.Ref, lot.Expires}
		if lot.Asset == ledger.Growth {
			one.Asset = "growth"
		}
		if lot.Expires >= ledger.Never {
			one.Expires = 0
		}
		out = append(out, one)
	}
	return out
}

type unmergeOut struct {
	From holdings `json:"from" doc:"分出的会员|who is apart again"`
	Into holdings `json:"into" doc:"原保留的会员|from whom"`
}

type unmergePreviewIn struct {
	ID   web.ID `path:"id" doc:"合并记录|the merge"`
	Body struct {
		Give []web.ID `json:"give,omitempty" maxItems:"200" doc:"交给分出会员的批次|lots that go with the member who leaves"`
	}
}

type unmergePreviewOut struct {
	Now       holdings       `json:"now" doc:"现在的会员|the member now"`
	After     unmergeOut     `json:"after" doc:"拆分之后|after it"`
	Undecided []undecidedLot `json:"undecided" doc:"须由人决定归属的批次；不交出的留在原会员|lots that a person decides about; what is not given stays"`
}

func (a *App) previewUnmerge(c *web.Ctx, in *unmergePreviewIn) (out *unmergePreviewOut, err error) {
	err = a.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		out = &unmergePreviewOut{}
		err := tx.Try(func(tx *db.Tx) (err error) {
			m, ok := member.Merges.Get(tx, int64(in.ID))
			if !ok {
				return member.ErrNoMerge.New()
			}
			if out.Now, err = a.holdingsOf(tx, m.Into); err != nil {
				return err
			}
			out.Undecided = lotsFor(undecided(tx, m))
			if out.After, err = a.takeApart(tx, m.ID, in.Body.Give); err != nil {
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

type unmergeIn struct {
	ID   web.ID `path:"id" doc:"合并记录|the merge"`
	Body struct {
		Reason string   `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
		Give   []web.ID `json:"give,omitempty" maxItems:"200" doc:"交给分出会员的批次，见预览|lots that go with the member who leaves, see the preview"`
	}
}

func (a *App) unmerge(c *web.Ctx, in *unmergeIn) (*unmergeOut, error) {
	var known member.Merge
	err := a.DB.View(c, func(v *db.View) error {
		known, _ = member.Merges.Get(v, int64(in.ID))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return staff.Write(c, a.desk(), db.Op{Owners: []int64{known.From, known.Into}}, func(tx *db.Tx) (*unmergeOut, staff.Act, error) {
		out, err := a.takeApart(tx, int64(in.ID), in.Body.Give)
		return &out, staff.Act{What: "member.unmerge", Targets: []int64{known.From, known.Into}, Old: known.ID, New: int64(len(in.Body.Give)), Reason: in.Body.Reason}, err
	})
}

func (a *App) takeApart(tx *db.Tx, merge int64, lots []web.ID) (out unmergeOut, err error) {
	give := make([]int64, len(lots))
	for n, one := range lots {
		give[n] = int64(one)
	}
	m, err := a.Unmerge(tx, merge, give)
	if err != nil {
		return out, err
	}
	if out.From, err = a.holdingsOf(tx, m.From); err != nil {
		return out, err
	}
	out.Into, err = a.holdingsOf(tx, m.Into)
	return out, err
}

// Unmerge takes a merge apart and gives the lots that a person decided about to the member who leaves.
func (a *App) Unmerge(tx *db.Tx, merge int64, give []int64) (member.Merge, error) {
	if m, ok := member.Merges.Get(tx, merge); ok && len(give) > 0 {
		open := undecided(tx, m)
		for _, id := range give {
			if !slices.ContainsFunc(open, func(l ledger.Lot) bool { return l.ID == id }) {
				return m, errNotUndecided.New().At("give")
			}
		}
	}
	return a.Members.Unmerge(tx, merge, give)
}
