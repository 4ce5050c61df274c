package paytown_test

import (
	"net/http"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/edge/wechat/pay"
	emulated "guanxi/internal/emulator/pay"
	"guanxi/internal/emulator/world"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/sim/paytown"
)

const (
	nine   = 1_790_039_000_000
	notify = "https://guanxi.example" + cashier.HookPath + paytown.AppID
)

// story is a house in which single things happen.
type story struct {
	*paytown.House
	t    *testing.T
	anna paytown.Person
}

func begin(t *testing.T, change func(*pay.Account)) *story {
	t.Helper()
	h, err := paytown.Open(t.Context(), t.TempDir(), nine, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	s := &story{House: h, t: t}
	for _, id := range []string{"anna", "bob", "carl"} {
		h.World.AddPerson(world.Person{ID: id, Phone: map[string]string{"anna": "13800000001", "bob": "13800000002", "carl": "13800000003"}[id]})
	}
	s.anna, err = h.Enrol(t.Context(), "anna")
	s.must(err)
	return s
}

func (s *story) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) wait(ms int64) { s.t.Helper(); s.must(s.Travel(s.t.Context(), ms, clock.Minute)) }

// pays lets Anna pay; the platform tells of it when time goes by.
func (s *story) pays(fen int64) paytown.Payment {
	s.t.Helper()
	p, prepay, err := s.Begin(s.t.Context(), s.anna, fen)
	s.must(err)
	s.must(s.Platform.Tap(prepay, "anna"))
	return p
}

func (s *story) view(f func(v *db.View)) {
	s.t.Helper()
	s.must(s.App.DB.View(s.t.Context(), func(v *db.View) error { f(v); return nil }))
}

// of reads a person's member and points; no member is 0.
func (s *story) of(person string) (id, points int64) {
	s.t.Helper()
	s.view(func(v *db.View) {
		f, ok, err := s.App.Members.Find(v, s.Identity(person))
		s.must(err)
		if ok {
			id, points = f.Member, ledger.Now(v, f.Member, ledger.Points).Available
		}
	})
	return id, points
}

func (s *story) points(want int64) {
	s.t.Helper()
	if _, got := s.of("anna"); got != want {
		s.t.Errorf("Anna has %d points, should have %d", got, want)
	}
}

// incidents counts the open ones of a kind.
func (s *story) incidents(kind string, want int) {
	s.t.Helper()
	n := 0
	s.view(func(v *db.View) {
		for _, i := range payment.Incidents(v, 0, 100) {
			if i.Kind == kind {
				n++
			}
		}
	})
	if n != want {
		s.t.Errorf("%d incidents of %s, should be %d", n, kind, want)
	}
}

func (s *story) payment(no string) (p payment.Payment, o order.Order) {
	s.t.Helper()
	s.view(func(v *db.View) {
		p, _ = payment.Find(v, paytown.MchID, no)
		o, _ = order.Find(v, p.Source, p.OrderNo)
	})
	return p, o
}

// Ruling 13: twice, sixteen times, never.
func TestToldOnceOrSixteenTimesOrNever(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	s.Platform.Disturb(emulated.Trouble{Twice: 100})
	p := s.pays(10_000)
	s.wait(clock.Minute)
	s.points(100)
	for range 15 { // our answers are lost: it is told again and again
		s.must(s.Platform.TellAgain(paytown.MchID, p.No))
		s.wait(15 * clock.Second)
	}
	s.points(100)
	row, o := s.payment(p.No)
	s.view(func(v *db.View) {
		n, ok := payment.NoticeOf(v, paytown.MchID, row.Transaction, pay.EventPaid)
		if !ok || n.Times < 17 || n.Result != payment.Done {
			t.Errorf("the inbox says %+v", n)
		}
	})
	if row.Learned != payment.ByNotice || o.Amount != 10_000 || o.ID != row.Order {
		t.Errorf("%+v %+v", row, o)
	}

	s.Platform.Disturb(emulated.Trouble{Lost: 100})
	never := s.pays(5_000)
	s.wait(10 * clock.Minute)
	if row, _ := s.payment(never.No); row.State != payment.Paid || row.Learned != payment.ByQuery {
		t.Errorf("%+v", row)
	}
	s.points(150)
	s.incidents(payment.WrongAmount, 0)
}

// What was paid at another till and never told of is found in the bill of the day, and its payer becomes a member, once.
func TestBillFindsWhatNobodyTold(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	s.Platform.Disturb(emulated.Trouble{Lost: 100})
	ctx := t.Context()
	for i, who := range []string{"bob", "bob", "anna"} {
		no := []string{"till-001", "till-002", "till-003"}[i]
		_, err := s.Client.JSAPI(ctx, pay.Order{AppID: paytown.AppID, Description: "门店", No: no, NotifyURL: notify, Amount: pay.Money{Total: 3_000, Currency: "CNY"},
			Payer: &pay.Payer{OpenID: s.World.OpenID(paytown.AppID, who)}})
		s.must(err)
		s.must(s.Platform.TapNo(paytown.MchID, no))
	}
	s.Platform.RefundInConsole(paytown.MchID, "till-003", "hand-1", 1_000, notify)
	s.wait(clock.Hour)
	s.points(0)
	s.must(s.Travel(ctx, 26*clock.Hour, 4*clock.Minute))
	s.points(20)
	id, points := s.of("bob")
	if points != 60 {
		t.Errorf("Bob has %d points", points)
	}
	s.view(func(v *db.View) {
		m, err := member.Resolve(v, id)
		if err != nil || m.Channel != payment.Channel || member.Count(v) != 2 {
			t.Errorf("%+v, %v, %d members", m, err, member.Count(v))
		}
	})
	if row, o := s.payment("till-003"); row.Learned != payment.ByBill || o.Refunded != 1_000 {
		t.Errorf("%+v %+v", row, o)
	}
	s.incidents(payment.NotInBill, 0)
	s.incidents(payment.UnknownOrder, 0)
}

// A refund that is told of before its payment waits; each is taken once.
func TestRefundOvertakesPayment(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	s.Platform.Disturb(emulated.Trouble{Lost: 100})
	p := s.pays(10_000)
	s.Platform.Disturb(emulated.Trouble{Twice: 100})
	s.Platform.RefundInConsole(paytown.MchID, p.No, "hand-1", 4_000, notify)
	s.wait(20 * clock.Second)
	if row, _ := s.payment(p.No); row.State != payment.New || row.Refunded != 4_000 {
		t.Errorf("%+v", row)
	}
	s.points(0)
	s.wait(5 * clock.Minute)
	s.points(60)
	if row, o := s.payment(p.No); row.State != payment.Paid || o.Refunded != 4_000 || o.Status != order.PartiallyRefunded {
		t.Errorf("%+v %+v", row, o)
	}
}

func TestRefundThroughUs(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	p := s.pays(10_000)
	s.wait(3 * clock.Minute)
	s.points(100)
	row, _ := s.payment(p.No)
	ask := func(fen int64) (f payment.Refund, err error) {
		err = s.App.DB.Write(t.Context(), db.Op{Actor: "staff:1"}, func(tx *db.Tx) (err error) {
			f, err = s.App.Payments.AskRefund(tx, row.ID, fen, "退货")
			return err
		})
		return f, err
	}
	s.Platform.Poor(paytown.MchID, true)
	_, err := ask(3_000)
	s.must(err)
	s.wait(3 * clock.Minute)
	s.points(100)
	s.Platform.Poor(paytown.MchID, false)
	s.wait(10 * clock.Minute)
	s.points(70)
	if _, err := ask(7_001); err == nil {
		t.Error("more than is left was allowed")
	}
	s.Platform.NextRefund("ABNORMAL")
	f, err := ask(2_000)
	s.must(err)
	s.wait(3 * clock.Minute)
	s.points(70)
	s.incidents(payment.RefundTrouble, 1)
	s.Platform.Settle(paytown.MchID, f.No) // in the merchant's console, by hand
	s.wait(3 * clock.Minute)
	s.points(50)
	s.Platform.NextRefund("CLOSED")
	_, err = ask(5_000)
	s.must(err)
	s.wait(3 * clock.Minute)
	s.points(50)
	_, err = ask(0)
	s.must(err)
	s.wait(3 * clock.Minute)
	s.points(0)
	if row, o := s.payment(p.No); row.Refunded != 10_000 || o.Status != order.Refunded {
		t.Errorf("%+v %+v", row, o)
	}
}

// Ruling 17: points are set aside while somebody pays, spent with the payment, free again without one; across a restart of
// nothing but time, and also when the payment comes in the moment it is closed.
func TestPointsAreHeldWhileSomebodyPays(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	s.pays(500_000)
	s.wait(clock.Minute)
	s.points(5_000)
	var made paytown.Payment
	ask := func(want int) {
		t.Helper()
		s.must(s.Call(t.Context(), s.anna, http.MethodPost, "/api/member/me/payments", `{"amount_fen":10000,"points_used":1000}`, want, &made))
	}
	ask(http.StatusCreated)
	if made.Amount >= 10_000 || made.Amount < 1 {
		t.Fatalf("%+v", made)
	}
	s.points(4_000)
	s.must(s.Travel(t.Context(), 2*clock.Hour, clock.Minute))
	s.points(5_000)
	if row, _ := s.payment(made.No); row.State != payment.Closed {
		t.Errorf("%+v", row)
	}
	ask(http.StatusCreated)
	var b pay.Button
	s.must(s.Call(t.Context(), s.anna, http.MethodPost, "/api/member/me/payments/"+made.ID+"/prepay", "", http.StatusOK, &b))
	s.must(s.Platform.TapNo(paytown.MchID, made.No))
	s.wait(clock.Minute)
	s.points(4_000 + made.Amount/100)
	if _, o := s.payment(made.No); o.PointsUsed != 1_000 {
		t.Errorf("%+v", o)
	}
	s.must(s.Call(t.Context(), s.anna, http.MethodPost, "/api/member/me/payments", `{"amount_fen":100,"points_used":4000}`, http.StatusConflict, nil))
}

// Who is merged keeps its payments: the survivor sees them, and a late one is booked for it.
func TestPaymentsFollowAMerge(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	bob, err := s.Enrol(t.Context(), "bob")
	s.must(err)
	p, prepay, err := s.Begin(t.Context(), s.anna, 2_000)
	s.must(err)
	anna, _ := s.of("anna")
	into, _ := s.of("bob")
	s.must(s.App.DB.Write(t.Context(), db.Op{Actor: "staff:1"}, func(tx *db.Tx) error {
		_, err := s.App.Members.Merge(tx, anna, into, "同一人")
		return err
	}))
	s.must(s.Platform.Tap(prepay, "anna"))
	s.wait(clock.Minute)
	s.points(20)
	var list struct{ Data []paytown.Payment }
	s.must(s.Call(t.Context(), bob, http.MethodGet, "/api/member/me/payments", "", http.StatusOK, &list))
	if len(list.Data) != 1 || list.Data[0].No != p.No || list.Data[0].State != payment.Paid {
		t.Errorf("%+v", list)
	}
}

func TestAbandonedPaymentIsClosedAtThePlatform(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	p, prepay, err := s.Begin(t.Context(), s.anna, 1_000)
	s.must(err)
	s.must(s.Travel(t.Context(), clock.Hour, clock.Minute))
	if row, _ := s.payment(p.No); row.State != payment.Closed {
		t.Errorf("%+v", row)
	}
	if err := s.Platform.Tap(prepay, "anna"); err == nil {
		t.Error("a closed order was paid")
	}
	if q, err := s.Client.Query(t.Context(), p.No); err != nil || q.State != pay.StateClosed {
		t.Errorf("%+v, %v", q, err)
	}
}

// A payer nobody knows becomes a member where the merchant wants it, and stays a guest where not; a till that is not ours is an
// incident where nobody allowed it.
func TestForeignPayments(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change    func(*pay.Account)
		members   int64
		orders    bool
		incidents int
	}{
		"joins":        {nil, 2, true, 0},
		"guests":       {func(a *pay.Account) { a.Join = false }, 1, true, 0},
		"not for here": {func(a *pay.Account) { a.Foreign = false }, 1, false, 1},
	} {
		s := begin(t, c.change)
		_, err := s.Client.JSAPI(t.Context(), pay.Order{AppID: paytown.AppID, Description: "门店", No: "till-001", NotifyURL: notify, Amount: pay.Money{Total: 3_000, Currency: "CNY"},
			Payer: &pay.Payer{OpenID: s.World.OpenID(paytown.AppID, "bob")}})
		s.must(err)
		s.must(s.Platform.TapNo(paytown.MchID, "till-001"))
		s.wait(5 * clock.Minute)
		row, o := s.payment("till-001")
		s.view(func(v *db.View) {
			if n := member.Count(v); n != c.members || (o.Amount == 3_000) != c.orders || c.orders && row.State != payment.Paid {
				t.Errorf("%s: %d members, %+v", name, n, o)
			}
		})
		s.incidents(payment.UnknownOrder, c.incidents)
	}
}

// The card shows the points and the tier that hold, whatever happens on the way.
func TestCardIsKeptInStep(t *testing.T) {
	t.Parallel()
	s := begin(t, nil)
	s.wait(2 * clock.Minute) // the brand's card is made
	list, _, err := s.Client.Cards(t.Context(), "", 0, 20)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	s.World.Faults.Add(world.Fault{Path: "/brand/card-member/user-cards", Status: 500, Times: 4})
	code, err := s.Platform.TakeCard(list[0].CardID, "anna", "")
	s.must(err)
	carls, err := s.Platform.TakeCard(list[0].CardID, "carl", "")
	s.must(err)
	shows := func(code string, points int64) {
		t.Helper()
		s.wait(2 * clock.Minute)
		state, got, level := s.Platform.CardOf(code)
		if state != "EFFECTIVE" || got != points || level == "" {
			t.Errorf("the card is %s and shows %d points, %q; should be %d", state, got, level, points)
		}
	}
	shows(code, 0)
	shows(carls, 0)
	if id, _ := s.of("carl"); id == 0 {
		t.Error("who takes the card is a member")
	}
	p := s.pays(123_400)
	shows(code, 1_234)
	s.Platform.RefundInConsole(paytown.MchID, p.No, "hand-1", 23_400, notify)
	s.World.Faults.Add(world.Fault{Path: "/brand/card-member/user-points", Lost: true})
	shows(code, 1_000)
	s.Platform.AskPoints(code)
	shows(code, 1_000)
	record := s.Platform.Exchange(code, 50)
	shows(code, 1_000)
	if got := s.Platform.ExchangeState(record); got != pay.CouponRefused {
		t.Errorf("the exchange ended %q", got)
	}
	s.Platform.DropCard(code)
	s.pays(10_000)
	s.wait(2 * clock.Minute)
	if _, got, _ := s.Platform.CardOf(code); got != 1_000 {
		t.Error("a card that was thrown away was told of")
	}
}
