package payment

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
)

// Service is what others may call.
type Service struct {
	Zone      clock.Zone
	Vault     *vault.Vault
	Members   *member.Service
	Orders    *order.Service
	Points    *points.Service
	Merchants []Merchant
}

const (
	lives     = 30 * clock.Minute // how long a payer may take
	firstAsk  = 30 * clock.Second
	mostAsk   = clock.Hour
	maxAsked  = 12 // doublings
	sealTable = "payment"
	sealField = "payer"
)

// For finds the merchant an app belongs to; without a name, the first app there is.
func (s *Service) For(app string) (m Merchant, appID string, err error) {
	for _, m := range s.Merchants {
		if app == "" && len(m.Apps) > 0 {
			return m, m.Apps[0], nil
		}
		if slices.Contains(m.Apps, app) {
			return m, app, nil
		}
	}
	return Merchant{}, "", ErrNoAccount.New().At("app_id")
}

func (s *Service) merchant(mch string) (Merchant, bool) {
	i := slices.IndexFunc(s.Merchants, func(m Merchant) bool { return m.Mch == mch })
	if i < 0 {
		return Merchant{}, false
	}
	return s.Merchants[i], true
}

// In is what somebody is asked to pay.
type In struct {
	App     string       // empty: the first one
	Member  int64        // 0 when only the openid is known
	OpenID  vault.Secret // of the payer; empty: the member's own
	Source  string       // whose order it is; empty: ours
	OrderNo string       // the source's number; empty: the payment's own
	Amount  int64
	Title   string
	Store   string
	Join    bool
	Points  int64 // of the member, that pay a part of Amount; they are held until the rest is paid
}

// Create asks somebody to pay. The same order of a source asked again gives its payment when nothing differs.
func (s *Service) Create(tx *db.Tx, in In) (p Payment, again bool, err error) {
	m, app, err := s.For(in.App)
	if err != nil {
		return p, false, err
	}
	if in.Amount < 1 || in.Amount > MaxAmount {
		return p, false, ErrAmount.With("max", MaxAmount).At("amount_fen")
	}
	if in.Title == "" || utf8.RuneCountInString(in.Title) > 127 {
		return p, false, ErrTitle.New().At("title")
	}
	if in.Source != "" {
		if p, ok := ByOrder(tx, in.Source, in.OrderNo); ok {
			if p.Amount != in.Amount || p.App != app || in.Member != 0 && p.Member != in.Member {
				return p, false, ErrOrderTaken.New().At("order_no")
			}
			return p, true, nil
		}
	}
	if in.OpenID.IsEmpty() {
		v, ok, err := s.Members.ValueOf(tx, in.Member, member.KindOpenID, app)
		if err != nil {
			return p, false, err
		}
		if !ok {
			return p, false, ErrNoOpenID.New()
		}
		in.OpenID = v
	}
	p = Payment{ID: tx.ID(), Mch: m.Mch, App: app, Member: in.Member, Source: in.Source, OrderNo: in.OrderNo, Amount: in.Amount, Title: in.Title, Store: in.Store,
		Joins: in.Join || m.Join, State: New, Created: tx.Now(), Expires: tx.Now() + lives, Next: tx.Now() + firstAsk}
	p.No = numberOf("gx", p.ID)
	if p.Source == "" {
		p.Source, p.OrderNo = SourceOf(p.Mch), p.No
	}
	if p.Payer, err = s.Vault.Seal(place(p.ID), in.OpenID); err != nil {
		return p, false, err
	}
	if err := s.hold(tx, &p, in.Points); err != nil {
		return p, false, err
	}
	return p, false, s.insert(tx, p)
}

// hold sets the points aside that pay a part: they are spent with the payment, or free again when it ends without one.
func (s *Service) hold(tx *db.Tx, p *Payment, n int64) error {
	if n == 0 {
		return nil
	}
	h, err := s.Points.Hold(tx, p.Member, n, p.Amount, "payment:"+p.No, "")
	if err != nil {
		return err
	}
	worth := points.Policy.At(tx, tx.Now()).Value.Worth(n)
	if worth >= p.Amount {
		return ErrAllPoints.New().At("points_used")
	}
	p.Points, p.Hold, p.Amount = n, h.ID, p.Amount-worth
	p.Expires = min(p.Expires, h.Until)
	return nil
}

// release lets the points go of a payment that ended without one.
func (s *Service) release(tx *db.Tx, p *Payment) {
	if p.Hold == 0 {
		return
	}
	if m, err := member.Resolve(tx, p.Member); err == nil {
		_ = tx.Try(func(tx *db.Tx) error { _, err := s.Points.Ledger.VoidHold(tx, m.ID, p.Hold); return err }) // its time may be over: then they are free already
	}
}

func place(id int64) vault.Place { return vault.Place{Table: sealTable, Row: id, Column: sealField} }

func (s *Service) insert(tx *db.Tx, p Payment) error {
	if err := payments.Insert(tx, p); err != nil {
		return err
	}
	if err := keys.Insert(tx, keyRow{ID: noKey(p.Mch, p.No), Payment: p.ID}); err != nil {
		return err
	}
	return keys.Insert(tx, keyRow{ID: orderKey(p.Source, p.OrderNo), Payment: p.ID})
}

// PayerOf opens who was asked to pay.
func (s *Service) PayerOf(p Payment) (vault.Secret, error) { return s.Vault.Open(place(p.ID), p.Payer) }

// Told is what the platform says of a payment.
type Told struct {
	Mch, App, No string
	Transaction  string
	OpenID       vault.Secret
	Amount       int64
	At           int64
	Learned      string
}

// Take books a payment that was made, once. What does not fit is an incident and gives ErrMismatch, with nothing changed
// besides: the caller must let the Tx commit.
func (s *Service) Take(tx *db.Tx, t Told) (p Payment, again bool, err error) {
	p, ok := Find(tx, t.Mch, t.No)
	if !ok {
		if p, err = s.foreign(tx, t); err != nil {
			return p, false, err
		}
	}
	switch {
	case p.App != t.App:
		return p, false, s.mismatch(tx, WrongApp, t.Mch, t.No, "asked by "+p.App)
	case p.Amount != t.Amount:
		return p, false, s.mismatch(tx, WrongAmount, t.Mch, t.No, fmt.Sprintf("asked %d fen, told %d", p.Amount, t.Amount))
	case p.State == Paid && p.Transaction != t.Transaction:
		return p, false, s.mismatch(tx, TwoPaid, t.Mch, t.No, "transactions "+p.Transaction+", "+t.Transaction)
	case p.State == Paid:
		return p, true, nil
	}
	k := transactionKey(t.Mch, t.Transaction)
	if _, taken := keys.Get(tx, k); taken || t.Transaction == "" {
		return p, false, s.mismatch(tx, TwoPaid, t.Mch, t.No, "the transaction has paid another order")
	}
	if err := keys.Insert(tx, keyRow{ID: k, Payment: p.ID}); err != nil {
		return p, false, err
	}
	p.State, p.Transaction, p.Learned, p.PaidAt, p.Next = Paid, t.Transaction, t.Learned, t.At, 0
	if p.PaidAt == 0 || p.PaidAt > tx.Now() {
		p.PaidAt = tx.Now()
	}
	if err := s.book(tx, &p, t.OpenID); err != nil {
		return p, false, err
	}
	payments.Put(tx, p)
	_, err = fact.Emit(tx, p.Member, PaidFact{p.ID, p.Order, p.Amount, p.Learned})
	return p, false, err
}

// foreign makes the payment that was asked for elsewhere, where the merchant wants that.
func (s *Service) foreign(tx *db.Tx, t Told) (Payment, error) {
	m, ok := s.merchant(t.Mch)
	switch {
	case !ok:
		return Payment{}, s.mismatch(tx, WrongMerchant, t.Mch, t.No, "")
	case !m.Foreign:
		return Payment{}, s.mismatch(tx, UnknownOrder, t.Mch, t.No, fmt.Sprintf("%d fen, learned by %s", t.Amount, t.Learned))
	case !slices.Contains(m.Apps, t.App):
		return Payment{}, s.mismatch(tx, WrongApp, t.Mch, t.No, "")
	}
	p := Payment{ID: tx.ID(), Mch: t.Mch, App: t.App, No: t.No, Source: SourceOf(t.Mch), OrderNo: t.No, Amount: t.Amount, Joins: m.Join, State: New,
		Created: tx.Now(), Expires: tx.Now()}
	if p.Amount < 1 || p.Amount > MaxAmount {
		return Payment{}, s.mismatch(tx, WrongAmount, t.Mch, t.No, fmt.Sprint(t.Amount))
	}
	var err error
	if p.Payer, err = s.Vault.Seal(place(p.ID), t.OpenID); err != nil {
		return p, err
	}
	return p, s.insert(tx, p)
}

// book takes the order for whoever paid. When the order can't be taken the payment stands: the money has moved.
func (s *Service) book(tx *db.Tx, p *Payment, openid vault.Secret) error {
	who, err := s.payer(tx, p, openid)
	if err != nil {
		return err
	}
	p.Member = who.Member
	in := order.In{Source: p.Source, No: p.OrderNo, Member: who.Member, Via: who.Via, Amount: p.Amount, Channel: Channel, Store: p.Store, Occurred: p.PaidAt,
		PointsUsed: p.Points, Hold: p.Hold}
	err = tx.Try(func(tx *db.Tx) error {
		o, _, err := s.Orders.Take(tx, in)
		p.Order = o.ID
		return err
	})
	if fault.As(err) == nil {
		return err
	}
	p.Order = 0
	s.Incident(tx, OrderClash, p.Mch, p.No, fault.CodeOf(err))
	return nil
}

// payer finds whose payment it is: the member it was made for, else whom the openid belongs to, else a new member when
// paying makes one (支付即会员), else a guest.
func (s *Service) payer(tx *db.Tx, p *Payment, openid vault.Secret) (member.Found, error) {
	if p.Member != 0 {
		m, err := member.Resolve(tx, p.Member)
		f := member.Found{Member: m.ID}
		if m.ID != p.Member {
			f.Via = p.Member
		}
		return f, err
	}
	if openid.IsEmpty() {
		return member.Found{}, nil
	}
	i := member.Identity{Kind: member.KindOpenID, Issuer: p.App, Value: openid, Verified: true}
	f, known, err := s.Members.Find(tx, i)
	if err != nil || known || !p.Joins {
		return f, err
	}
	m, _, err := s.Members.Join(tx, member.Join{Identities: []member.Identity{i}, Channel: Channel, Store: p.Store, Source: SourceOf(p.Mch)})
	return member.Found{Member: m.ID}, err
}

// NotPaid notes what the platform says of a payment that is not made: ended, or to be asked about again later.
func (s *Service) NotPaid(tx *db.Tx, id int64, over bool) {
	p, ok := payments.Get(tx, id)
	if !ok || p.State != New {
		return
	}
	p.Asked = min(p.Asked+1, maxAsked)
	p.Next = tx.Now() + min(firstAsk<<p.Asked, mostAsk)
	if p.Next > p.Expires && tx.Now() < p.Expires {
		p.Next = p.Expires
	}
	if over {
		p.State, p.Next = Closed, 0
		s.release(tx, &p)
	}
	payments.Put(tx, p)
}

// mismatch records an incident and gives the refusal for the outside.
func (s *Service) mismatch(tx *db.Tx, kind, mch, no, detail string) error {
	s.Incident(tx, kind, mch, no, detail)
	return ErrMismatch.With("what", kind)
}

const maxNo = 64

// Incident records that something does not fit. The same thing again is counted.
func (s *Service) Incident(tx *db.Tx, kind, mch, no, detail string) {
	if len(no) > maxNo {
		no = no[:maxNo]
	}
	if len(mch) > 32 {
		mch = mch[:32]
	}
	i := Incident{Key: kind + "|" + mch + "|" + no, Kind: kind, Mch: mch, No: no, First: tx.Now()}
	if was, ok := incidents.Get(tx, i.Key); ok && was.ClosedAt == 0 {
		i = was
	} else {
		i.ID = tx.ID()
	}
	i.Detail, i.Last = detail, tx.Now()
	i.Times++
	incidents.Put(tx, i)
}

// Settle closes an incident that somebody has dealt with.
func (s *Service) Settle(tx *db.Tx, incident int64, note string) (Incident, error) {
	list := incidents.Select(tx, db.Query[Incident]{Where: "closed_at = 0 AND incident_id = ?", Args: []any{incident},
		Match: func(i *Incident) bool { return i.ID == incident && i.ClosedAt == 0 }})
	if len(list) == 0 {
		return Incident{}, ErrNone.New()
	}
	i := list[0]
	i.ClosedAt, i.ClosedBy, i.Note = tx.Now(), tx.Actor(), note
	incidents.Put(tx, i)
	return i, nil
}

// Inbox runs what a notification causes, once for a business key and event; what failed before is tried again. The row
// and its effects commit together. What is refused by f is undone, but its incidents and the row stay.
func (s *Service) Inbox(tx *db.Tx, mch, what, event string, f func(*db.Tx) error) error {
	n, ok := notices.Get(tx, noticeKey(mch, what, event))
	if !ok {
		n = Notice{ID: noticeKey(mch, what, event), Event: event, First: tx.Now()}
	}
	n.Times++
	n.Last = tx.Now()
	if n.Result == Done {
		notices.Put(tx, n)
		return nil
	}
	err := f(tx)
	n.Result = Done
	if err != nil {
		if fault.As(err) == nil {
			return err
		}
		n.Result = fault.CodeOf(err)
	}
	notices.Put(tx, n)
	return err
}

// AskRefund books the wish to give money back and has it sent. Points are taken back when the platform says that it is done.
func (s *Service) AskRefund(tx *db.Tx, payment, amount int64, reason string) (Refund, error) {
	p, ok := payments.Get(tx, payment)
	if !ok {
		return Refund{}, ErrNone.New()
	}
	if p.State != Paid {
		return Refund{}, ErrState.With("state", p.State)
	}
	left := p.Amount - s.refunding(tx, p)
	if amount == 0 {
		amount = left
	}
	if amount < 1 || amount > left {
		return Refund{}, ErrTooMuch.With("left", left).At("amount_fen")
	}
	f := Refund{ID: tx.ID(), Payment: p.ID, Amount: amount, Reason: reason, State: Asked, Actor: tx.Actor(), Created: tx.Now(), Next: tx.Now() + 10*clock.Minute}
	f.No = numberOf("gr", f.ID)
	if err := refunds.Insert(tx, f); err != nil {
		return f, err
	}
	if err := keys.Insert(tx, keyRow{refundKey(p.Mch, f.No), p.ID, f.ID}); err != nil {
		return f, err
	}
	_, err := job.Add(tx, SendRefund, f.ID)
	return f, err
}

// refunding is what has gone back or is on its way.
func (s *Service) refunding(tx *db.Tx, p Payment) (sum int64) {
	for _, f := range RefundsOf(tx, p.ID) {
		if f.State != Failed {
			sum += f.Amount
		}
	}
	return sum
}

// RefundTold is what the platform says of a refund.
type RefundTold struct {
	Mch, No  string // of the payment
	RefundNo string
	State    string // Underway, Done, Failed, Abnormal
	Amount   int64
	Total    int64 // of the payment; 0 when it was not told
	At       int64
}

// TakeRefund books what became of a refund; one that was asked for in the merchant's console is new to us.
func (s *Service) TakeRefund(tx *db.Tx, t RefundTold) (f Refund, again bool, err error) {
	p, ok := Find(tx, t.Mch, t.No)
	if !ok {
		return f, false, s.unknownRefund(tx, t)
	}
	if t.Total != 0 && t.Total != p.Amount {
		return f, false, s.mismatch(tx, WrongAmount, t.Mch, t.No, fmt.Sprintf("the refund is of an order of %d fen, not %d", t.Total, p.Amount))
	}
	k, known := keys.Get(tx, refundKey(t.Mch, t.RefundNo))
	if known && k.Payment != p.ID {
		return f, false, s.mismatch(tx, RefundClash, t.Mch, t.RefundNo, "the number belongs to another payment")
	}
	if !known {
		if f, err = s.consoleRefund(tx, p, t); err != nil {
			return f, false, err
		}
	} else {
		f, _ = refunds.Get(tx, k.Refund)
	}
	switch {
	case f.Amount != t.Amount:
		return f, false, s.mismatch(tx, WrongAmount, t.Mch, t.RefundNo, fmt.Sprintf("asked %d fen back, told %d", f.Amount, t.Amount))
	case f.State == Done || f.State == t.State && t.State != Underway:
		return f, true, nil
	}
	return s.moveRefund(tx, p, f, t)
}

func (s *Service) unknownRefund(tx *db.Tx, t RefundTold) error {
	m, ok := s.merchant(t.Mch)
	if !ok || !m.Foreign {
		return s.mismatch(tx, UnknownOrder, t.Mch, t.No, "refund "+t.RefundNo)
	}
	if _, err := job.Add(tx, Learn, Number{t.Mch, t.No}, job.Key(t.Mch+"|"+t.No)); err != nil {
		return err
	}
	return ErrEarly.New()
}

// consoleRefund makes the row of a refund that was asked for elsewhere.
func (s *Service) consoleRefund(tx *db.Tx, p Payment, t RefundTold) (Refund, error) {
	f := Refund{ID: tx.ID(), Payment: p.ID, No: t.RefundNo, Amount: t.Amount, State: Underway, Actor: "wechat", Created: tx.Now()}
	if t.Amount < 1 || s.refunding(tx, p)+t.Amount > p.Amount {
		return f, s.mismatch(tx, RefundClash, t.Mch, t.RefundNo, "more than was paid")
	}
	if err := refunds.Insert(tx, f); err != nil {
		return f, err
	}
	return f, keys.Insert(tx, keyRow{refundKey(p.Mch, f.No), p.ID, f.ID})
}

func (s *Service) moveRefund(tx *db.Tx, p Payment, f Refund, t RefundTold) (Refund, bool, error) {
	f.State, f.Next = t.State, 0
	switch t.State {
	case Underway:
		f.Asked = min(f.Asked+1, maxAsked)
		f.Next = tx.Now() + min(firstAsk<<f.Asked, mostAsk)
	case Failed, Abnormal:
		s.Incident(tx, RefundTrouble, p.Mch, f.No, t.State)
		if t.State == Abnormal { // it may still end well, by hand
			f.Next = tx.Now() + 6*clock.Hour
		}
	case Done:
		if f.DoneAt = t.At; f.DoneAt == 0 || f.DoneAt > tx.Now() {
			f.DoneAt = tx.Now()
		}
		p.Refunded += f.Amount
		payments.Put(tx, p)
		refunds.Put(tx, f)
		if err := s.bookRefund(tx, p, f); err != nil {
			return f, false, err
		}
		_, err := fact.Emit(tx, p.Member, RefundedFact{p.ID, f.ID, f.Amount})
		return f, false, err
	}
	refunds.Put(tx, f)
	return f, false, nil
}

// bookRefund takes the refund from the order; before its order is there it waits for it.
func (s *Service) bookRefund(tx *db.Tx, p Payment, f Refund) error {
	err := tx.Try(func(tx *db.Tx) error {
		_, err := s.Orders.Refund(tx, order.RefundIn{Source: p.Source, OrderNo: p.OrderNo, No: f.No, Amount: f.Amount, Occurred: f.DoneAt, Reason: f.Reason})
		return err
	})
	if fault.As(err) == nil {
		return err
	}
	s.Incident(tx, RefundClash, p.Mch, f.No, fault.CodeOf(err))
	return nil
}

// AskLater plans the next question about a refund that could not be sent or decided.
func (s *Service) AskLater(tx *db.Tx, refund int64) {
	f, ok := refunds.Get(tx, refund)
	if !ok || f.State == Done || f.State == Failed {
		return
	}
	f.Asked = min(f.Asked+1, maxAsked)
	f.Next = tx.Now() + min(firstAsk<<f.Asked, mostAsk)
	refunds.Put(tx, f)
}
