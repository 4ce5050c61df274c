package points

import (
	"errors"
	"fmt"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about points given, taken and frozen by hand, the policy, and what points weigh in the books.
type Console struct {
	staff.Desk
	S *Service
}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	k.byHand(srv)
	k.policy(srv)
}

// Deeds says what happens when somebody agrees.
func (k Console) Deeds() error {
	return errors.Join(k.adjusting().Register(k.Staff), k.seizing().Register(k.Staff), k.policing().Register(k.Staff), k.rating().Register(k.Staff))
}

func (k Console) byHand(srv *web.Server) {
	srv.Tag("points", "积分", "Points")
	web.Route(srv, staff.Change(http.MethodPost, "/members/{id}/adjustments", "points.adjust", "grant.points", "手工增减积分；超出单人限额转为复核申请", "Give or take points by hand; above one's limits, ask for it",
		member.ErrNone, member.ErrBlocked, ledger.ErrInsufficient, ledger.ErrAmount, ledger.ErrBalance, staff.ErrAmount, staff.ErrReason), k.adjust)
	web.Route(srv, staff.Created(staff.Change(http.MethodPost, "/members/{id}/freezes", "points.freeze", "freeze.points", "冻结积分", "Freeze points", member.ErrNone, ledger.ErrInsufficient, ledger.ErrAmount, staff.ErrReason)), k.freeze)
	web.Route(srv, staff.Change(http.MethodPost, "/members/{id}/freezes/{hold}/release", "points.release", "freeze.points", "解冻积分", "Set frozen points free", member.ErrNone, ledger.ErrNoHold, ledger.ErrHoldEnded, staff.ErrReason), k.release)
	web.Route(srv, staff.Change(http.MethodPost, "/members/{id}/freezes/{hold}/confiscation", "points.seize", "grant.points", "没收冻结的积分；超出单人限额转为复核申请", "Confiscate frozen points; above one's limits, ask for it",
		member.ErrNone, ledger.ErrNoHold, ledger.ErrHoldEnded, staff.ErrAmount, staff.ErrReason), k.seize)
}

// reach finds the member of an act and tells the lane whose rows it is about.
func (k Console) reach(c *web.Ctx, id web.ID, perm string) (member.Member, error) {
	var m member.Member
	err := k.DB.View(c, func(v *db.View) (err error) {
		m, err = member.Reach(v, k.Desk, staff.WhoOf(c), perm, int64(id))
		return err
	})
	return m, err
}

// Adjustment is points given or taken by hand (调账).
type Adjustment struct {
	Member int64  `json:"member,string"`
	Points int64  `json:"points"`
	Class  int    `json:"class"`
	Reason string `json:"reason"`
}

func (k Console) adjusting() staff.Deed[Adjustment] {
	return staff.Deed[Adjustment]{Kind: "points.adjust", Zh: "手工调整积分", En: "Adjust points by hand", Perm: "grant.points", Agree: "approve.points",
		Alone: func(tx *db.Tx, who staff.Who, a Adjustment) error { return k.Staff.AllowPoints(tx, who, a.Points) },
		Do: func(tx *db.Tx, a Adjustment) (staff.Act, error) {
			e, err := k.S.Adjust(tx, a)
			return staff.Act{What: "points.adjust", Targets: []int64{e.Member}, Old: e.Balance - e.Amount, New: e.Balance}, err
		}}
}

// Adjust books points by hand, with the lifetime of their class. Each call is an act of its own.
func (s *Service) Adjust(tx *db.Tx, a Adjustment) (ledger.Entry, error) {
	m, err := member.Resolve(tx, a.Member)
	if err != nil {
		return ledger.Entry{}, err
	}
	source := fmt.Sprintf("adjust:%d", tx.ID())
	if a.Points < 0 {
		return s.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: -a.Points, Kind: ledger.KindAdjust, Source: source,
			Reason: a.Reason, Short: ledger.ShortRefuse, Fresh: true})
	}
	if !member.Allows(m.Status, member.Earn) {
		return ledger.Entry{}, member.ErrBlocked.With("status", m.Status)
	}
	return s.Ledger.Add(tx, ledger.Credit{Member: m.ID, Asset: ledger.Points, Amount: a.Points, Kind: ledger.KindAdjust, Source: source, Class: a.Class,
		Expires: Policy.At(tx, tx.Now()).Value.Expiry(s.Zone, a.Class, tx.Now()), Reason: a.Reason, Fresh: true})
}

type consoleAdjustIn struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Body struct {
		Points int64  `json:"points" minimum:"-1000000000000" maximum:"1000000000000" doc:"正数发放，负数扣减|positive gives, negative takes"`
		Class  int    `json:"class,omitempty" minimum:"1" maximum:"3" doc:"积分种类，决定有效期：1 消费 2 活动 3 奖励（缺省）|class, which decides the lifetime: 1 consumption, 2 campaign, 3 reward (default)"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) adjust(c *web.Ctx, in *consoleAdjustIn) (*staff.Done, error) {
	m, err := k.reach(c, in.ID, "grant.points")
	if err != nil {
		return nil, err
	}
	a := Adjustment{m.ID, in.Body.Points, in.Body.Class, in.Body.Reason}
	if a.Class == 0 {
		a.Class = ledger.ClassReward
	}
	return k.adjusting().Carry(c, k.Staff, db.Op{Owner: m.ID}, k.storeOf(c, m, "grant.points"), a, a.Reason)
}

// storeOf is the store an approval is about: that of the member, for a maker who is limited to stores.
func (k Console) storeOf(c *web.Ctx, m member.Member, perm string) int64 {
	if staff.WhoOf(c).CanAt(perm, 0) {
		return 0
	}
	var st shop.Store
	_ = k.DB.View(c, func(v *db.View) (err error) { // reach has just found it
		st, err = k.Shop.StoreByCode(v, m.Store)
		return err
	})
	return st.ID
}

type consoleFreezeIn struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Body struct {
		Points int64  `json:"points" minimum:"1" maximum:"1000000000000" doc:"冻结数量|how many"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

type consoleFrozen struct {
	Hold   web.ID `json:"hold" doc:"冻结记录|the freeze"`
	State  string `json:"state" enum:"open,posted,voided,expired" doc:"状态|state"`
	Points int64  `json:"points" doc:"数量|how many"`
}

func frozen(h ledger.Hold) *consoleFrozen { return &consoleFrozen{web.ID(h.ID), h.State, h.Amount} }

func (k Console) freeze(c *web.Ctx, in *consoleFreezeIn) (*consoleFrozen, error) {
	m, err := k.reach(c, in.ID, "freeze.points")
	if err != nil {
		return nil, err
	}
	return staff.Write(c, k.Desk, db.Op{Owner: m.ID}, func(tx *db.Tx) (*consoleFrozen, staff.Act, error) {
		act := staff.Act{What: "points.freeze", Targets: []int64{m.ID}, New: in.Body.Points, Reason: in.Body.Reason}
		if err := staff.CheckReason(act.Reason); err != nil {
			return nil, act, err
		}
		h, err := k.S.Ledger.Reserve(tx, ledger.HoldInput{Member: m.ID, Asset: ledger.Points, Amount: in.Body.Points, Kind: ledger.HoldFreeze,
			Source: fmt.Sprintf("freeze:%d", tx.ID())})
		return frozen(h), act, err
	})
}

type consoleHoldIn struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Hold web.ID `path:"hold" doc:"冻结记录|the freeze"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

// frozenHold finds a freeze that stands: what a checkout holds is nobody's to lift by hand.
func frozenHold(tx db.Reader, memberID, hold int64) (ledger.Hold, error) {
	h, ok := ledger.FindHold(tx, memberID, hold)
	switch {
	case !ok || h.Kind != ledger.HoldFreeze:
		return h, ledger.ErrNoHold.New()
	case h.State != ledger.HoldOpen:
		return h, ledger.ErrHoldEnded.With("state", h.State)
	}
	return h, nil
}

func (k Console) release(c *web.Ctx, in *consoleHoldIn) (*consoleFrozen, error) {
	m, err := k.reach(c, in.ID, "freeze.points")
	if err != nil {
		return nil, err
	}
	return staff.Write(c, k.Desk, db.Op{Owner: m.ID}, func(tx *db.Tx) (*consoleFrozen, staff.Act, error) {
		act := staff.Act{What: "points.release", Targets: []int64{m.ID, int64(in.Hold)}, Reason: in.Body.Reason}
		if err := staff.CheckReason(act.Reason); err != nil {
			return nil, act, err
		}
		h, err := frozenHold(tx, m.ID, int64(in.Hold))
		if err != nil {
			return nil, act, err
		}
		h, err = k.S.Ledger.VoidHold(tx, m.ID, h.ID)
		return frozen(h), act, err
	})
}

// Seizure is frozen points that are confiscated (没收).
type Seizure struct {
	Member int64  `json:"member,string"`
	Hold   int64  `json:"hold,string"`
	Reason string `json:"reason"`
}

func (k Console) seizing() staff.Deed[Seizure] {
	return staff.Deed[Seizure]{Kind: "points.seize", Zh: "没收冻结积分", En: "Confiscate frozen points", Perm: "grant.points", Agree: "approve.points",
		Alone: func(tx *db.Tx, who staff.Who, z Seizure) error {
			h, err := frozenHold(tx, z.Member, z.Hold)
			if err != nil {
				return err
			}
			return k.Staff.AllowPoints(tx, who, -h.Amount)
		},
		Do: func(tx *db.Tx, z Seizure) (staff.Act, error) {
			act := staff.Act{What: "points.seize", Targets: []int64{z.Member, z.Hold}}
			if _, err := frozenHold(tx, z.Member, z.Hold); err != nil {
				return act, err
			}
			e, err := k.S.Ledger.PostHold(tx, z.Member, z.Hold, ledger.Spend{Kind: ledger.KindSeize, Source: fmt.Sprintf("seize:%d", z.Hold), Reason: z.Reason})
			act.Old, act.New = e.Balance-e.Amount, e.Balance
			return act, err
		}}
}

func (k Console) seize(c *web.Ctx, in *consoleHoldIn) (*staff.Done, error) {
	m, err := k.reach(c, in.ID, "grant.points")
	if err != nil {
		return nil, err
	}
	return k.seizing().Carry(c, k.Staff, db.Op{Owner: m.ID}, k.storeOf(c, m, "grant.points"), Seizure{m.ID, int64(in.Hold), in.Body.Reason}, in.Body.Reason)
}
