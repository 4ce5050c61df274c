package insight

import (
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
)

type searchIn struct {
	Body struct {
		Q string `json:"q" minLength:"1" maxLength:"128" doc:"手机号、卡号、openid、unionid、订单号、退款号或会员编号|a phone, card, openid, unionid, order, refund or member number"`
	}
}

type foundOrder struct {
	ID     web.ID `json:"id" doc:"订单|the order"`
	Source string `json:"source" doc:"来源|source"`
	No     string `json:"no" doc:"单号|number"`
	Amount int64  `json:"amount" doc:"实付，分|paid, in fen"`
	Status string `json:"status" doc:"状态|status"`
}

type hit struct {
	By     string                 `json:"by" enum:"phone,card,openid,unionid,email,external,member,order" doc:"因何匹配|what matched"`
	Member *member.ConsoleSummary `json:"member,omitempty" doc:"会员（脱敏），散客订单没有|the member, masked; absent for an order of a guest"`
	Order  *foundOrder            `json:"order,omitempty" doc:"订单|the order, when it was found by one"`
}

type searchOut struct {
	Data []hit `json:"data" doc:"最多 20 项|at most 20"`
}

const mostHits = 20

// search tries a text as everything it could be; each is one look-up by key. Nothing of it is stored or logged.
func (k Console) search(c *web.Ctx, in *searchIn) (*searchOut, error) {
	q := strings.TrimSpace(in.Body.Q)
	return staff.Read(c, k.Desk, func(v *db.View) (*searchOut, error) {
		s := seeker{Console: k, v: v, who: staff.WhoOf(c), out: &searchOut{Data: []hit{}}}
		for _, kind := range []string{member.KindPhone, member.KindCard, member.KindOpenID, member.KindUnionID, member.KindEmail, member.KindExternal} {
			if err := s.identity(kind, q); err != nil {
				return nil, err
			}
		}
		if n, ok := id.Parse(q); ok {
			if err := s.add("member", n, nil); err != nil {
				return nil, err
			}
		}
		return s.out, s.orders(q)
	})
}

type seeker struct {
	Console
	v    *db.View
	who  staff.Who
	seen []int64
	out  *searchOut
}

func (s *seeker) identity(kind, q string) error {
	if kind == member.KindPhone && !phone(q) {
		return nil
	}
	for _, one := range s.Members.FindAnywhere(s.v, kind, vault.Hide(q)) {
		if err := s.add(kind, one, nil); err != nil {
			return err
		}
	}
	return nil
}

func phone(q string) bool {
	_, err := vault.Phone(q)
	return err == nil
}

func (s *seeker) reach(memberID int64) (member.Member, bool) {
	m, err := member.Reach(s.v, s.Desk, s.who, "view.members", memberID)
	return m, err == nil
}

// add shows a member whom the caller may see; one who is not there, or elsewhere, is no hit.
func (s *seeker) add(by string, memberID int64, o *foundOrder) error {
	m, ok := s.reach(memberID)
	if !ok || len(s.out.Data) >= mostHits || o == nil && slices.Contains(s.seen, m.ID) {
		return nil
	}
	s.seen = append(s.seen, m.ID)
	one, err := member.Console{Desk: s.Desk, S: s.Members}.Summary(s.v, m)
	if err != nil {
		return err
	}
	s.out.Data = append(s.out.Data, hit{by, &one, o})
	return nil
}

func (s *seeker) orders(q string) error {
	if !s.who.Can("view.orders") {
		return nil
	}
	for _, o := range order.FindAnywhere(s.v, q) {
		found := &foundOrder{web.ID(o.ID), o.Source, o.No, o.Amount, o.Status}
		if o.Member != 0 {
			if err := s.add("order", o.Member, found); err != nil {
				return err
			}
		} else if s.who.CanAt("view.orders", 0) && len(s.out.Data) < mostHits {
			s.out.Data = append(s.out.Data, hit{By: "order", Order: found})
		}
	}
	return nil
}
