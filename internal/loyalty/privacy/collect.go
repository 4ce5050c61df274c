package privacy

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/tier"
	"guanxi/internal/loyalty/track"
)

// Copy is everything we hold about a person, as that person gets it.
type Copy struct {
	MadeAt     int64            `json:"made_at"`
	MemberNo   string           `json:"member_no"`
	Status     string           `json:"status"`
	JoinedAt   int64            `json:"joined_at"`
	Channel    string           `json:"channel,omitempty"`
	Store      string           `json:"store,omitempty"`
	Profile    map[string]any   `json:"profile"`
	Identities []map[string]any `json:"identities"`
	Consents   []map[string]any `json:"consents"`
	Orders     []map[string]any `json:"orders"`
	Points     []map[string]any `json:"points"`
	Growth     []map[string]any `json:"growth"`
	Tiers      []map[string]any `json:"tiers"`
	Badges     []map[string]any `json:"badges"`
	Sends      []map[string]any `json:"messages"`
	Events     []map[string]any `json:"events"`
	Access     []map[string]any `json:"access"`
	// LeftOut says how a list was cut, when one was longer than a copy holds; the whole of it is shown in the member centre.
	LeftOut []string `json:"left_out,omitempty"`
}

// maxRows is how many rows of one kind a copy holds.
const maxRows = 20_000

// collect reads it all. What a merged member had is the survivor's.
func (s *Service) collect(v *db.View, memberID int64) (*Copy, error) {
	m, err := member.Resolve(v, memberID)
	if err != nil {
		return nil, err
	}
	c := &Copy{MadeAt: v.Now(), MemberNo: id.String(m.ID), Status: m.Status, JoinedAt: m.JoinedAt, Channel: m.Channel, Store: m.Store}
	p, err := s.Members.ProfileOf(v, m.ID)
	if err != nil {
		return nil, err
	}
	c.Profile = map[string]any{"nickname": p.Nickname.Reveal(), "phone": p.Phone.Reveal(), "birthday": p.Birthday.Reveal(), "gender": p.Gender, "region": p.Region, "updated_at": p.Updated}
	clear, err := s.Members.IdentitiesInClear(v, m.ID)
	if err != nil {
		return nil, err
	}
	for _, i := range clear {
		c.Identities = append(c.Identities, map[string]any{"kind": i.Kind, "issuer": i.Issuer, "value": i.Value.Reveal(), "verified": i.Verified})
	}
	for _, x := range member.ConsentsOf(v, m.ID) {
		c.Consents = append(c.Consents, map[string]any{"purpose": x.Purpose, "given": x.Given, "at": x.At, "version": id.String(x.Agreement), "via": x.Via})
	}
	c.Points, c.Growth = c.entries(v, m.ID, ledger.Points), c.entries(v, m.ID, ledger.Growth)
	for _, i := range tier.HistoryOf(v, m.ID) {
		l := tier.Policy.At(v, max(i.From, m.JoinedAt)).Value.Level(i.Tier)
		c.Tiers = append(c.Tiers, map[string]any{"tier": l.Key, "from": i.From, "reason": i.Reason})
	}
	for _, b := range recognition.Of(v, m.ID) {
		c.Badges = append(c.Badges, map[string]any{"badge": b.Badge, "at": b.At, "why": b.Why})
	}
	c.orders(v, m.ID)
	return c, c.traces(v, m.ID)
}

func (c *Copy) cut(what string, n int) bool {
	if n > maxRows {
		c.LeftOut = append(c.LeftOut, what)
		return true
	}
	return false
}

func (c *Copy) entries(v *db.View, memberID int64, asset ledger.Asset) (out []map[string]any) {
	rows := ledger.Statement(v, memberID, asset, 0, maxRows+1)
	if c.cut(ledger.AssetName(asset), len(rows)) {
		rows = rows[:maxRows]
	}
	for i := range rows {
		e := &rows[i]
		out = append(out, map[string]any{"at": e.At, "kind": e.Kind, "amount": e.Amount, "balance": e.Balance, "reason": e.Details().Reason, "ref": e.Ref})
	}
	return out
}

func (c *Copy) orders(v *db.View, memberID int64) {
	for _, one := range member.Family(v, memberID) {
		rows := order.Of(v, one, 0, maxRows+1)
		if c.cut("orders", len(rows)) {
			rows = rows[:maxRows]
		}
		for _, o := range rows {
			c.Orders = append(c.Orders, map[string]any{"no": o.No, "source": o.Source, "amount_fen": o.Amount, "refunded_fen": o.Refunded, "points_used": o.PointsUsed,
				"status": o.Status, "occurred_at": o.Occurred, "store": o.Store, "channel": o.Channel})
		}
	}
}

// traces are what was sent, what was tracked and who looked.
func (c *Copy) traces(v *db.View, memberID int64) error {
	sends := message.LogOf(v, memberID, 1<<62, maxRows+1)
	if c.cut("messages", len(sends)) {
		sends = sends[:maxRows]
	}
	for _, x := range sends {
		c.Sends = append(c.Sends, map[string]any{"occasion": x.Occasion, "channel": x.Channel, "state": x.State, "at": x.At})
	}
	events, more, err := track.EventsOf(v, memberID, 1000)
	if err != nil {
		return err
	}
	if more {
		c.LeftOut = append(c.LeftOut, "events")
	}
	for _, e := range events {
		c.Events = append(c.Events, map[string]any{"kind": e.Kind, "page": e.Page, "target": e.Target, "link": e.Link, "at": e.At})
	}
	for _, a := range AccessesOf(v, memberID, 1<<62, maxRows) {
		c.Access = append(c.Access, map[string]any{"what": a.What, "by": kindOf(a.Actor), "at": a.At})
	}
	return nil
}
