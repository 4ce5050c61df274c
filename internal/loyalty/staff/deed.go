package staff

import (
	"encoding/json"
	"errors"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/web"
)

// Deed is an act that may want a second person: who may do it, who may agree, and how it is done. It is done at once
// or becomes a request for approval, by the same code.
type Deed[T any] struct {
	Kind   Needs[T]
	Zh, En string
	Perm   string // of whoever does it
	Agree  string // permission of whoever agrees
	// Alone refuses with ErrNeedsApproval or ErrSecond what its maker may not do alone.
	Alone func(tx *db.Tx, who Who, content T) error
	// Do is the effect; it gives what the log will say.
	Do func(tx *db.Tx, content T) (Act, error)
	// Was gives what stands now in the place of the content, for whoever has to agree; nil when there is nothing to compare.
	Was func(r db.Reader, content T) any
}

// Done says whether a deed took effect or waits for a second person.
type Done struct {
	State    string  `json:"state" enum:"done,waiting" doc:"done 已生效；waiting 待他人复核|done: it took effect; waiting: somebody else must agree"`
	Approval *web.ID `json:"approval,omitempty" doc:"复核申请|the request for approval"`
}

// Register says what happens when the deed is approved: its maker, who must still have the permission, has done it.
func (d Deed[T]) Register(s *Service) error {
	spec := ApprovalSpec{Zh: d.Zh, En: d.En, Perm: d.Agree}
	if d.Was != nil {
		spec.was = func(r db.Reader, payload string) any {
			var content T
			if json.Unmarshal([]byte(payload), &content) != nil {
				return nil // written by Request
			}
			return d.Was(r, content)
		}
	}
	return On(s, d.Kind, spec, func(tx *db.Tx, a Approval, content T) error {
		row, _ := operators.Get(tx, a.Maker)
		maker := Who{Operator: a.Maker, Name: row.Name, Grants: grantsOf(tx, a.Maker)}
		if row.Status != Active || !maker.CanAt(d.Perm, a.Store) {
			return ErrDenied.With("perm", d.Perm)
		}
		act, err := d.Do(tx, content)
		if err != nil {
			return err
		}
		act.Reason, act.Approval = a.Reason, a.ID
		return s.Log(tx, maker, act)
	})
}

// Carry does the deed, or asks for the approval it needs. Store is what it is about, 0 for all stores.
func (d Deed[T]) Carry(c *web.Ctx, s *Service, o db.Op, store int64, content T, reason string) (*Done, error) {
	return web.Write(c, o, func(tx *db.Tx) (*Done, error) {
		who := WhoOf(c)
		if err := CheckReason(reason); err != nil {
			return nil, err
		}
		switch err := d.Alone(tx, who, content); {
		case fault.Is(err, ErrNeedsApproval) || fault.Is(err, ErrSecond):
			c.SetStatus(http.StatusAccepted)
			return d.ask(tx, s, who, store, content, reason)
		case err != nil:
			return nil, err
		}
		act, err := d.Do(tx, content)
		if err != nil {
			return nil, err
		}
		act.Reason = reason
		return &Done{State: "done"}, s.Log(tx, who, act)
	})
}

var errDry = errors.New("staff: tried and undone")

// ask first tries the deed and undoes it: nobody shall be asked to agree to what can't be done.
func (d Deed[T]) ask(tx *db.Tx, s *Service, who Who, store int64, content T, reason string) (*Done, error) {
	err := tx.Try(func(tx *db.Tx) error {
		if _, err := d.Do(tx, content); err != nil {
			return err
		}
		return errDry
	})
	if !errors.Is(err, errDry) {
		return nil, err
	}
	a, err := Request(s, tx, who, d.Kind, store, content, reason)
	if err != nil {
		return nil, err
	}
	approval := web.ID(a.ID)
	return &Done{State: Waiting, Approval: &approval}, nil
}

// FourEyes says which changes take two people (双人复核). It holds where there is a second person who could agree: a
// house of one can still be kept.
type FourEyes struct {
	Rules    bool `json:"rules" zh:"发布与下线规则" en:"Publishing and retiring rules"`
	Tiers    bool `json:"tiers" zh:"更改等级" en:"Changing tiers"`
	Points   bool `json:"points" zh:"更改积分政策与浮动汇率" en:"Changing the points policy and the floating rate"`
	Partners bool `json:"partners" zh:"合作方的资金权限" en:"Scopes of partners that move value"`
	Exports  bool `json:"exports" zh:"超出限额的会员导出" en:"Exports of more members than the limit"`
	Settings bool `json:"settings" zh:"更改限额与本设置" en:"Changing limits and this setting"`
}

// Checks holds the versions of the setting.
var Checks = setting.New("staff_checks", FourEyes{Rules: true, Tiers: true, Points: true, Partners: true, Exports: true, Settings: true})

// Second refuses with ErrSecond when a change takes two and somebody besides its maker could agree.
func Second(r db.Reader, who Who, wanted func(FourEyes) bool, agree string) error {
	if !wanted(Checks.At(r, r.Now()).Value) {
		return nil
	}
	for _, o := range operatorsAfter(r, 0, 0) {
		other := Who{Operator: o.ID, Grants: grantsOf(r, o.ID)}
		if o.ID != who.Operator && o.Status == Active && other.CanAt(agree, 0) {
			return ErrSecond.New()
		}
	}
	return nil
}
