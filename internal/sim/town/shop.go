package town

import (
	"fmt"

	"guanxi/internal/app"
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
)

// parcel is an order as its source will deliver it, perhaps more than once.
type parcel struct {
	in   order.In
	name string // whose it is
	hold int    // the book's
	id   int64  // the program's, once it is there
}

func pointsExpiry(a *app.App, tx *db.Tx, class int) int64 {
	return points.Policy.At(tx, tx.Now()).Value.Expiry(a.Zone, class, tx.Now())
}

// buy lets someone buy: in a shop or online, a part with points now and then, and deliver, refund and close that some time.
func (t *Town) buy(at int64) error {
	c := t.someone()
	p := &parcel{name: t.name(c), in: order.In{Occurred: at}}
	t.nos++
	p.in.No = fmt.Sprint("N", t.nos)
	p.in.Source, p.in.Channel, p.in.Store = "partner:1", "shop", fmt.Sprint("S", 1+t.rng.IntN(5))
	if t.chance(40) {
		p.in.Source, p.in.Channel, p.in.Store = "partner:2", "online", ""
	}
	if t.chance(2) { // a till whose clock is ahead
		p.in.Occurred += t.between(second, 20*hour)
	}
	p.in.Lines = t.basket(c)
	t.parcels = append(t.parcels, p)
	paid := at
	if t.chance(18) {
		var err error
		if paid, err = t.payWithPoints(at, p); err != nil || paid == 0 {
			return err
		}
	}
	p.sum()
	t.planDelivery(paid, p)
	return nil
}

// basket draws what is bought.
func (t *Town) basket(c *citizen) (lines []order.Line) {
	n := 1
	if t.chance(45) {
		n += t.rng.IntN(4)
	}
	for i := range n {
		l := order.Line{SKU: fmt.Sprint("K", i), Qty: 1 + t.rng.Int64N(4), Amount: t.rng.Int64N(int64(1_000 * (2 + c.weight)))}
		if t.chance(5) {
			l.SKU = "K0"
		}
		if t.chance(8) {
			l.NoEarn = true
		}
		if t.chance(2) {
			l.Amount = 0
		}
		lines = append(lines, l)
	}
	return lines
}

func (p *parcel) sum() {
	p.in.Amount = 0
	for _, l := range p.in.Lines {
		p.in.Amount += l.Amount
	}
}

// payWithPoints holds points for an order. It tells when the order is paid, 0 when it never is.
func (t *Town) payWithPoints(at int64, p *parcel) (paid int64, err error) {
	who := t.b.names[p.name]
	if who == nil {
		return at, nil
	}
	holder := t.b.people[who.holder]
	p.sum()
	most := min(holder.purses[pointsAsset].sums(t.b.now).available, p.in.Amount*30/100)
	n := max(100, most)
	switch d := t.rng.IntN(10); {
	case d < 4 && most > 100:
		n = t.between(100, most)
	case d < 5:
		n = 1 + t.rng.Int64N(2*n)
	}
	source := "hold:" + p.in.No
	code, err := t.write("hold", func(tx *db.Tx) error {
		h, err := t.app.Points.Hold(tx, holder.id, n, p.in.Amount, source, p.in.No)
		p.in.Hold = h.ID
		return err
	})
	if err != nil {
		return 0, err
	}
	id, want := t.b.checkout(holder.n, n, p.in.Amount)
	t.agree(holder, "a hold", code, want)
	if want != "" {
		p.in.Hold = 0
		return at, nil
	}
	p.hold = id
	return t.settleCheckout(at, p, n)
}

// settleCheckout draws how an open order ends: given up, left to run out, or paid in time or too late, with all or a part of the points.
func (t *Town) settleCheckout(at int64, p *parcel, n int64) (paid int64, err error) {
	d := t.rng.IntN(100)
	switch real := p.in.Hold; {
	case d < 8:
		return 0, nil
	case d < 16:
		t.at(at+t.between(second, 29*minute), "void", func(int64) error { return t.endHold(p.hold, real, n, false) })
		return 0, nil
	}
	if p.in.PointsUsed = n; t.chance(15) {
		p.in.PointsUsed = 1 + t.rng.Int64N(n)
	}
	left := p.in.PointsUsed // 100 points are a yuan, so a point is a fen
	for i := range p.in.Lines {
		off := min(left, p.in.Lines[i].Amount)
		p.in.Lines[i].Amount -= off
		left -= off
	}
	paid = at + t.between(second, 25*minute)
	p.in.Occurred = paid
	return paid, nil
}

// planDelivery draws when an order arrives: at once, late, days late, twice, changed; and what becomes of it.
func (t *Town) planDelivery(paid int64, p *parcel) {
	arrives := paid
	switch d := t.rng.IntN(100); {
	case d < 80:
	case d < 93:
		arrives += t.between(second, 2*hour)
	default:
		arrives += t.between(hour, 9*allDay)
	}
	t.at(arrives, "order", func(int64) error { return t.deliver("order", p, p.in) })
	if t.chance(6) {
		t.at(arrives+t.between(0, 40*allDay), "order again", func(int64) error { return t.deliver("order again", p, p.in) })
	}
	if t.chance(1) {
		other := p.in
		other.Store = "S9"
		t.at(arrives+t.between(second, allDay), "order changed", func(int64) error { return t.deliver("order changed", p, other) })
	}
	if t.chance(20) {
		t.at(arrives+allDay*(1+paid/second%15), "closure", func(int64) error { return t.closeOrder(p) })
	}
	if t.chance(14) {
		t.planRefunds(paid, arrives, p)
	}
}

// deliver hands an order in, as the doors do: the name says whose it is.
func (t *Town) deliver(what string, p *parcel, in order.In) error {
	var o order.Order
	var again bool
	var got earn.Decision
	code, err := t.write(what, func(tx *db.Tx) error {
		f, _, err := t.app.Members.Find(tx, identityOf(p.name))
		if err != nil {
			return err
		}
		in.Member, in.Via = f.Member, f.Via
		if o, again, err = t.app.Orders.Take(tx, in); err == nil {
			got, _, err = earn.DecisionOf(tx, o.Member, o.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	who := t.b.names[p.name]
	wantAgain, want := t.b.take(p.purchase(in), who)
	buyer := t.holderOf(who)
	t.agree(buyer, what, code, want)
	if code != "" || want != "" {
		return nil
	}
	p.id = o.ID
	b := t.b.orders[in.Source+" "+in.No]
	b.id = o.ID
	if again != wantAgain {
		t.differ(idOf(buyer), "%s %s: again is %v, the book says %v", what, in.No, again, wantAgain)
	}
	t.sameAwards(b, got)
	return nil
}

func (t *Town) holderOf(who *identity) *person {
	if who == nil {
		return nil
	}
	return t.b.people[who.holder]
}

// purchase is the parcel as the book reads it.
func (p *parcel) purchase(in order.In) *purchase {
	in.Member, in.Via = 0, 0
	o := &purchase{source: in.Source, no: in.No, channel: in.Channel, said: fmt.Sprint(in), points: in.PointsUsed, hold: p.hold, occurred: in.Occurred}
	for _, l := range in.Lines {
		o.lines = append(o.lines, line{sku: l.SKU, qty: l.Qty, amount: l.Amount, noEarn: l.NoEarn})
	}
	return o
}

func (t *Town) closeOrder(p *parcel) error {
	code, err := t.write("closure", func(tx *db.Tx) error { _, err := t.app.Orders.Close(tx, p.in.Source, p.in.No); return err })
	t.agree(nil, "a closure", code, t.b.closed(t.b.orders[p.in.Source+" "+p.in.No]))
	return err
}

// planRefunds draws one to three refunds of an order, some of them before it arrives, some of them repeated.
func (t *Town) planRefunds(paid, arrives int64, p *parcel) {
	at := paid
	for i := range 1 + t.rng.IntN(3)*t.rng.IntN(2) {
		switch d := t.rng.IntN(100); {
		case arrives > at && d < 50:
			at = t.between(at, arrives)
		case d < 10:
			at += t.between(0, hour)
		case d < 80:
			at += t.between(hour, 40*allDay)
		default:
			at += t.between(30*allDay, 400*allDay)
		}
		r := t.drawRefund(at, p, i)
		t.at(at, "refund", func(int64) error { return t.refund("refund", r) })
		if t.chance(8) {
			t.at(at+t.between(0, 10*allDay), "refund again", func(int64) error { return t.refund("refund again", r) })
		}
		if t.chance(2) {
			other := r
			other.Amount++
			t.at(at+t.between(second, allDay), "refund changed", func(int64) error { return t.refund("refund changed", other) })
		}
	}
}

// drawRefund draws a refund of all that is left, of an amount, or of items.
func (t *Town) drawRefund(at int64, p *parcel, i int) order.RefundIn {
	r := order.RefundIn{Source: p.in.Source, OrderNo: p.in.No, No: fmt.Sprint(p.in.No, "-", i), Occurred: at}
	switch d := t.rng.IntN(100); {
	case d < 40:
	case d < 65:
		r.Amount = 1 + t.rng.Int64N(p.in.Amount+1)
	default:
		for _, l := range p.in.Lines {
			if t.chance(50) {
				r.Lines = append(r.Lines, order.RefundLine{SKU: l.SKU, Qty: 1 + t.rng.Int64N(l.Qty)})
			}
		}
		if t.chance(3) {
			r.Lines = append(r.Lines, order.RefundLine{SKU: "K9", Qty: 1})
		}
	}
	return r
}

// refund hands a refund in.
func (t *Town) refund(what string, in order.RefundIn) error {
	var out order.Outcome
	var got earn.Decision
	code, err := t.write(what, func(tx *db.Tx) (err error) {
		if out, err = t.app.Orders.Refund(tx, in); err == nil && !out.Waiting {
			got, _, err = earn.DecisionOf(tx, out.Order.Member, out.Order.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	r := refund{source: in.Source, order: in.OrderNo, no: in.No, amount: in.Amount, occurred: in.Occurred, said: fmt.Sprint(in)}
	for _, l := range in.Lines {
		r.lines = append(r.lines, line{sku: l.SKU, qty: l.Qty})
	}
	again, waits, want := t.b.refund(r)
	o := t.b.orders[in.Source+" "+in.OrderNo]
	var p *person
	if o != nil && o.member >= 0 {
		p = t.b.ownerOf(o)
	}
	t.agree(p, what+" "+in.No, code, want)
	if code != "" || want != "" {
		return nil
	}
	if out.Again != again || out.Waiting != waits {
		t.differ(idOf(p), "%s %s: again %v, waits %v; the book says %v, %v", what, in.No, out.Again, out.Waiting, again, waits)
	}
	if waits && !again {
		t.count("refund before its order", "")
	}
	if o != nil {
		t.sameAwards(o, got)
	}
	return nil
}

// sameAwards compares what an order gave, and what was taken back of it.
func (t *Town) sameAwards(o *purchase, d earn.Decision) {
	var owner *person
	if o.member >= 0 {
		owner = t.b.ownerOf(o)
	}
	type shown struct {
		rule, version                          int64
		asset                                  int
		given, active, clawed, forgone, booked int64
		cap                                    string
	}
	var got, want []shown
	for _, a := range d.Awards {
		got = append(got, shown{a.Rule, a.Version, a.Asset, a.Points, a.Active, a.Clawed, a.Forgone, a.At, a.Cap})
	}
	for _, a := range o.awards {
		want = append(want, shown{a.rule, a.version, a.asset, a.given, a.active, a.clawed, a.forgone, a.booked, a.cap})
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.differ(idOf(owner), "order %s gave\n%+v\nthe book says\n%+v", o.no, got, want)
	}
	t.out.Comparisons++
}

// memberOf reads whose member the program says a person is.
func memberOf(r db.Reader, p *person) (member.Member, bool) { return member.Members.Get(r, p.id) }
