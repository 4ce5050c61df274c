package insight

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/staff"
	"guanxi/internal/loyalty/tier"
)

type timelineIn struct {
	web.Paging
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Only string `query:"only" enum:"points,growth,orders,tier,member" doc:"只看一类|one sort only"`
}

// Item is one thing that befell a member.
type Item struct {
	At      int64   `json:"at" doc:"时间，UTC 毫秒|when, milliseconds UTC"`
	Kind    string  `json:"kind" enum:"points,growth,order,refund,tier,notice,status,merge,unmerge,joined,badge" doc:"种类|what sort of thing"`
	What    string  `json:"what" doc:"细类：流水种类、订单状态、等级变化原因或新状态|finer: kind of entry, status of the order, reason of the tier, new status"`
	ID      string  `json:"id" doc:"在其种类中的编号|its number among its kind"`
	Amount  int64   `json:"amount" doc:"积分、成长值，或金额（分）|points or growth; fen of orders and refunds"`
	Balance *int64  `json:"balance,omitempty" doc:"之后的余额|balance after it"`
	No      string  `json:"no,omitempty" doc:"单号|number of the order or refund"`
	Ref     string  `json:"ref,omitempty" doc:"关联，如 order:编号|what it is about, such as order:id"`
	Why     *web.ID `json:"why,omitempty" doc:"原因链：/members/{id}/decisions/{why}|its reasons: /members/{id}/decisions/{why}"`
	Rule    *web.ID `json:"rule_version,omitempty" doc:"规则版本|version of the rule"`
	Was     string  `json:"was,omitempty" doc:"之前的状态|before"`
	Now     string  `json:"now,omitempty" doc:"之后的状态或等级|after: status or tier"`
	NowZh   string  `json:"now_zh,omitempty" doc:"之后的等级或所得勋章，中文名|the tier after it or the badge, in Chinese"`
	NowEn   string  `json:"now_en,omitempty" doc:"之后的等级或所得勋章，英文名|the tier after it or the badge, in English"`
	Expires int64   `json:"expires_at,omitempty" doc:"到期|when it lapses"`
	By      string  `json:"by,omitempty" doc:"经办|by whom"`
	Reason  string  `json:"reason,omitempty" doc:"说明|reason"`

	src int
	set func(*place) // moves the place behind this item
}

// place is how far each source has been shown.
type place struct {
	points, growth int64 // seq
	order, refund  int64 // id
	smallAt        int64 // of the rows that are few a member
	smallTag       string
}

func (p *place) text() string {
	return web.EncodeCursor(p.points, p.growth, p.order, p.refund, p.smallAt, p.smallTag)
}

func (k Console) timeline(c *web.Ctx, in *timelineIn) (*web.Page[Item], error) {
	p := place{smallAt: math.MaxInt64}
	if err := web.DecodeCursor(in.Cursor, &p.points, &p.growth, &p.order, &p.refund, &p.smallAt, &p.smallTag); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[Item], error) {
		who := staff.WhoOf(c)
		m, err := member.Reach(v, k.Desk, who, "view.members", int64(in.ID))
		if err != nil {
			return nil, err
		}
		rows := k.sources(v, m, in.Only, who, p, in.Limit+1)
		slices.SortStableFunc(rows, func(a, b Item) int {
			return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(a.src, b.src))
		})
		out := &web.Page[Item]{Data: rows[:min(len(rows), in.Limit)]}
		if len(rows) > in.Limit {
			for _, one := range out.Data {
				one.set(&p)
			}
			out.Next = p.text()
		}
		return out, nil
	})
}

// sources reads a page of each source behind its place, newest first. Each runs backwards in time, so merging their heads is enough.
func (k Console) sources(v *db.View, m member.Member, only string, who staff.Who, p place, n int) []Item {
	rows := []Item{}
	wants := func(sort string) bool { return only == "" || only == sort }
	if wants("points") && who.Can("view.points") {
		rows = append(rows, k.entries(v, m.ID, ledger.Points, p.points, n)...)
	}
	if wants("growth") && who.Can("view.points") {
		rows = append(rows, k.entries(v, m.ID, ledger.Growth, p.growth, n)...)
	}
	if wants("orders") && who.Can("view.orders") {
		rows = append(rows, orders(v, member.Family(v, m.ID), p, n)...)
	}
	var small []Item
	if wants("tier") && who.Can("view.points") {
		small = k.tiers(v, m.ID)
	}
	if wants("member") {
		small = append(small, k.standing(v, m)...)
	}
	return append(rows, behind(small, p, n)...)
}

func (k Console) entries(v *db.View, memberID int64, asset ledger.Asset, before int64, n int) []Item {
	var out []Item
	for _, e := range ledger.Statement(v, memberID, asset, before, n) {
		d, balance, seq := e.Details(), e.Balance, e.Seq
		one := Item{At: e.At, Kind: ledger.AssetName(asset), What: e.Kind, ID: strconv.FormatInt(seq, 10), Amount: e.Amount, Balance: &balance, Ref: e.Ref,
			Why: cause(e), By: k.Name(v, d.Actor), Reason: d.Reason, src: 1 + asset}
		if e.Rule != 0 {
			rule := web.ID(e.Rule)
			one.Rule = &rule
		}
		if e.Expires > 0 && e.Expires < clock.Never {
			one.Expires = e.Expires
		}
		one.set = func(p *place) {
			if asset == ledger.Points {
				p.points = seq
			} else {
				p.growth = seq
			}
		}
		out = append(out, one)
	}
	return out
}

// cause is what an entry can be asked about: the order or the fact it came from.
func cause(e ledger.Entry) *web.ID {
	sort, text, _ := strings.Cut(e.Ref, ":")
	n, ok := id.Parse(text)
	if !ok || e.Rule == 0 && sort != "order" {
		return nil
	}
	why := web.ID(n)
	return &why
}

func orders(v *db.View, family []int64, p place, n int) []Item {
	var out []Item
	for _, o := range order.OfMany(v, family, p.order, n) {
		why := web.ID(o.ID)
		out = append(out, Item{At: o.Received, Kind: "order", What: o.Status, ID: id.String(o.ID), Amount: o.Amount, No: o.No, Ref: "order:" + id.String(o.ID),
			Why: &why, src: 5, set: func(p *place) { p.order = o.ID }})
	}
	var refunds []order.Refund
	for _, one := range family {
		refunds = append(refunds, order.RefundsBefore(v, one, p.refund, n)...)
	}
	slices.SortFunc(refunds, func(a, b order.Refund) int { return cmp.Compare(b.ID, a.ID) })
	for _, f := range refunds[:min(len(refunds), n)] {
		out = append(out, Item{At: f.Received, Kind: "refund", What: "refund", ID: id.String(f.ID), Amount: f.Amount, No: f.No, Ref: "order:" + id.String(f.Order),
			Reason: f.Reason, src: 4, set: func(p *place) { p.refund = f.ID }})
	}
	return out
}

// small makes an item of a source with few rows a member; its tag orders what happened at the same instant.
func small(one Item) Item {
	tag := one.Kind + ":" + one.ID
	one.set = func(p *place) { p.smallAt, p.smallTag = one.At, tag }
	if one.Kind == "joined" {
		one.src = 9 // before all that it made possible
	}
	return one
}

func (k Console) tiers(v *db.View, memberID int64) (out []Item) {
	rules := tier.Policy.At(v, v.Now()).Value
	was := ""
	for _, i := range tier.HistoryOf(v, memberID) {
		at := rules.Level(i.Tier)
		now := at.Key
		if i.From > 0 {
			out = append(out, small(Item{At: i.From, Kind: "tier", What: i.Reason, ID: strconv.FormatInt(i.Seq, 10), Was: was, Now: now, NowZh: at.Zh, NowEn: at.En, By: k.Name(v, i.Actor), Reason: i.Note}))
		}
		was = now
	}
	for _, n := range tier.NoticesOf(v, memberID) {
		out = append(out, small(Item{At: n.At, Kind: "notice", What: "tier_ends", ID: strconv.Itoa(n.N), Amount: n.Short, Expires: n.Until}))
	}
	return out
}

func (k Console) standing(v *db.View, m member.Member) (out []Item) {
	out = append(out, small(Item{At: m.JoinedAt, Kind: "joined", What: m.Channel, ID: id.String(m.ID)}))
	for _, l := range member.StatusLogs.OfOwner(v, m.ID) {
		out = append(out, small(Item{At: l.At, Kind: "status", What: l.Status, ID: id.String(l.ID), Was: l.Was, Now: l.Status, By: k.Name(v, l.Actor), Reason: l.Reason}))
	}
	for _, b := range recognition.Of(v, m.ID) {
		one := Item{At: b.At, Kind: "badge", What: b.Badge, ID: b.Badge, Ref: b.Why}
		if badge := recognition.BadgeOf(b.Badge); badge != nil { // one that was taken off the list stands by its key
			one.NowZh, one.NowEn = badge.Zh, badge.En
		}
		out = append(out, small(one))
	}
	for _, g := range member.MergesAbout(v, m.ID) {
		one := Item{At: g.At, Kind: "merge", What: "merge", ID: id.String(g.ID), Was: id.String(g.From), Now: id.String(g.Into), By: k.Name(v, g.Actor), Reason: g.Reason}
		out = append(out, small(one))
		if g.UndoneAt > 0 {
			one.At, one.Kind, one.What, one.By, one.Reason = g.UndoneAt, "unmerge", "unmerge", k.Name(v, g.UndoneBy), ""
			out = append(out, small(one))
		}
	}
	return out
}

// behind gives the page of small items behind the place.
func behind(list []Item, p place, n int) []Item {
	tag := func(i *Item) string { return i.Kind + ":" + i.ID }
	slices.SortFunc(list, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(tag(&a), tag(&b)))
	})
	list = slices.DeleteFunc(list, func(i Item) bool { return i.At > p.smallAt || i.At == p.smallAt && tag(&i) <= p.smallTag })
	return list[:min(len(list), n)]
}
