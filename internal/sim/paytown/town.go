package paytown

import (
	"context"
	"fmt"
	"math/rand/v2"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/edge/wechat/pay"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/payment"
)

// Options of a life.
type Options struct {
	Dir    string
	Seed   uint64
	People int // half of them are members when it begins
	Days   int
	// Plant changes something of ours behind everybody's back before the comparison.
	Plant func(*db.Tx) error
}

// Report is what came of it.
type Report struct {
	Paid, Refunded, Joined, Abandoned, ByOthers int
	Told                                        emulated.Counts
	Learned                                     map[string]int // by notice, query, bill
	Differences                                 []string
}

type town struct {
	*House
	o      Options
	rng    *rand.Rand
	people []Person
	r      Report
	made   int
}

const morning = 1_790_039_000_000 // some seconds after nine, of a Tuesday

// Live runs a town and compares.
func Live(ctx context.Context, o Options) (r Report, err error) {
	h, err := Open(ctx, o.Dir, morning, nil)
	if err != nil {
		return r, err
	}
	defer func() { _ = h.Close() }()
	t := &town{House: h, o: o, rng: rand.New(rand.NewPCG(o.Seed, 7)), r: Report{Learned: map[string]int{}}}
	if err := t.settle(ctx); err != nil {
		return t.r, err
	}
	for range o.Days {
		if err := t.day(ctx); err != nil {
			return t.r, err
		}
	}
	// Two quiet days: the last notifications, the last questions, the last bill.
	h.Platform.Disturb(emulated.Trouble{})
	h.deaf = false
	h.World.Faults.Clear()
	if err := h.Travel(ctx, 50*clock.Hour, 4*clock.Minute); err != nil {
		return t.r, err
	}
	if o.Plant != nil {
		if err := h.write(ctx, o.Plant); err != nil {
			return t.r, err
		}
	}
	t.r.Told = h.Platform.Counts()
	return t.r, t.compare(ctx)
}

func (t *town) settle(ctx context.Context) error {
	for i := range t.o.People {
		id := fmt.Sprintf("p%03d", i)
		t.World.AddPerson(world.Person{ID: id, Phone: fmt.Sprintf("138%08d", i)})
		p := Person{ID: id}
		if i%2 == 0 {
			var err error
			if p, err = t.Enrol(ctx, id); err != nil {
				return err
			}
		}
		t.people = append(t.people, p)
	}
	t.Platform.Disturb(emulated.Trouble{Twice: 15, Lost: 12, Probe: 10, Spread: 90_000})
	return nil
}

// day is three hours of trade and a long night.
func (t *town) day(ctx context.Context) error {
	const slots = 36
	for range slots {
		for range 1 + t.rng.IntN(2) {
			if err := t.something(ctx); err != nil {
				return err
			}
		}
		t.deaf = t.rng.IntN(10) == 0 // a reverse proxy that restarts, say
		if err := t.Travel(ctx, 5*clock.Minute, clock.Minute); err != nil {
			return err
		}
	}
	t.deaf = false
	return t.Travel(ctx, 21*clock.Hour, 4*clock.Minute)
}

func (t *town) something(ctx context.Context) error {
	if t.rng.IntN(6) == 0 { // the platform stumbles
		f := []world.Fault{{Path: "/v3/", Status: 500}, {Path: "/v3/", Lost: true}, {Path: "/v3/", Twist: true}, {Path: "/brand/", Status: 502}}[t.rng.IntN(4)]
		t.World.Faults.Add(f)
	}
	p := t.people[t.rng.IntN(len(t.people))]
	fen := int64(1+t.rng.IntN(300)) * 100
	switch n := t.rng.IntN(10); {
	case n < 6 && p.token != "":
		return t.buy(ctx, p, fen)
	case n < 8:
		return t.buyElsewhere(ctx, p, fen)
	}
	return t.giveBack(ctx)
}

// buy pays in the member centre, or looks and leaves.
func (t *town) buy(ctx context.Context, p Person, fen int64) error {
	_, prepay, err := t.Begin(ctx, p, fen)
	if err != nil {
		return err
	}
	if t.rng.IntN(8) == 0 {
		t.r.Abandoned++
		return nil
	}
	return t.Platform.Tap(prepay, p.ID)
}

// buyElsewhere pays at a till that points its notifications here; unknown payers become members.
func (t *town) buyElsewhere(ctx context.Context, p Person, fen int64) error {
	t.made++
	_, err := t.Client.JSAPI(ctx, pay.Order{AppID: AppID, Description: "门店收银", No: fmt.Sprintf("till%06d", t.made), NotifyURL: base + cashier.HookPath + AppID,
		Amount: pay.Money{Total: fen, Currency: "CNY"}, Payer: &pay.Payer{OpenID: t.World.OpenID(AppID, p.ID)}})
	if err != nil {
		return err
	}
	t.r.ByOthers++
	return t.Platform.TapNo(MchID, fmt.Sprintf("till%06d", t.made))
}

// giveBack refunds something of what was paid: by our hand, or by somebody in the merchant's console.
func (t *town) giveBack(ctx context.Context) error {
	var paid []emulated.Entry
	for _, e := range t.Platform.Book() {
		if e.Paid && e.Refunded < e.Total {
			paid = append(paid, e)
		}
	}
	if len(paid) == 0 {
		return nil
	}
	e := paid[t.rng.IntN(len(paid))]
	fen := min(e.Total-e.Refunded, int64(1+t.rng.IntN(100))*100)
	if t.rng.IntN(3) == 0 {
		t.made++
		t.Platform.RefundInConsole(MchID, e.No, fmt.Sprintf("hand%06d", t.made), fen, base+cashier.HookPath+AppID)
		return nil
	}
	if t.rng.IntN(15) == 0 {
		t.Platform.NextRefund("CLOSED")
	}
	return t.write(ctx, func(tx *db.Tx) error {
		p, ok := payment.Find(tx, MchID, e.No)
		if !ok || p.State != payment.Paid {
			return nil // we have not heard of it yet
		}
		_ = tx.Try(func(tx *db.Tx) error { _, err := t.App.Payments.AskRefund(tx, p.ID, fen, "退货"); return err }) // refused when too much is under way
		return nil
	})
}

func (t *town) differ(format string, args ...any) {
	t.r.Differences = append(t.r.Differences, fmt.Sprintf(format, args...))
}

// compare reads the platform's book and looks whether ours says the same, order by order and person by person.
func (t *town) compare(ctx context.Context) error {
	return t.App.DB.View(ctx, func(v *db.View) error {
		points := map[string]int64{}
		for _, e := range t.Platform.Book() {
			t.compareOrder(v, e)
			if e.Paid {
				points[e.OpenID] += (e.Total - e.Refunded) / 100
			}
		}
		for openid, want := range points {
			f, ok, err := t.App.Members.Find(v, t.payer(openid))
			if err != nil || !ok {
				t.differ("a payer of %d points is no member", want)
				continue
			}
			if b := ledger.Now(v, f.Member, ledger.Points); b.Balance-b.Debt != want {
				t.differ("member %d has %d points less %d owed, and should have %d", f.Member, b.Balance, b.Debt, want)
			}
		}
		t.r.Joined = int(member.Count(v))
		if bad := ledger.Verify(v, nil); len(bad.Wrong) > 0 {
			t.differ("the ledger: %+v", bad.Wrong[0])
		}
		for _, i := range payment.Incidents(v, 0, 1000) {
			if i.Kind != payment.Forged && i.Kind != payment.RefundTrouble {
				t.differ("incident %s %s: %s", i.Kind, i.No, i.Detail)
			}
		}
		return nil
	})
}

func (t *town) compareOrder(v *db.View, e emulated.Entry) {
	p, ok := payment.Find(v, e.MchID, e.No)
	if !e.Paid {
		if ok && p.State != payment.Closed {
			t.differ("%s was never paid and is %s", e.No, p.State)
		}
		return
	}
	t.r.Paid++
	if e.Refunded > 0 {
		t.r.Refunded++
	}
	if !ok || p.State != payment.Paid || p.Amount != e.Total || p.Refunded != e.Refunded || p.Transaction != e.ID {
		t.differ("%s: paid %d, back %d; ours: %+v", e.No, e.Total, e.Refunded, p)
		return
	}
	t.r.Learned[p.Learned]++
	o, ok := order.Find(v, p.Source, p.OrderNo)
	if !ok || o.Amount != e.Total || o.Refunded != e.Refunded || o.ID != p.Order {
		t.differ("%s: the order says %d, back %d", e.No, o.Amount, o.Refunded)
	}
}

func (h *House) payer(openid string) member.Identity {
	return member.Identity{Kind: member.KindOpenID, Issuer: AppID, Value: vault.Hide(openid), Verified: true}
}

// Identity is who a virtual person is to us.
func (h *House) Identity(person string) member.Identity {
	return h.payer(h.World.OpenID(AppID, person))
}
