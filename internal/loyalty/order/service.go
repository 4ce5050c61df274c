package order

import (
	"encoding/json"
	"fmt"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/money"
)

// Service is what others may call.
type Service struct{ Zone clock.Zone }

// Wire tells the database what to read for every group.
func (s *Service) Wire(d *db.DB) { db.Load(d, Stats) }

// In is an order as a source tells it.
type In struct {
	Source     string
	No         string
	Member     int64 // the living member; 0 for guests
	Via        int64
	Amount     int64 // fen paid with money
	Lines      []Line
	PointsUsed int64 // points that paid a part on top of Amount; booked by the hold
	Hold       int64
	Channel    string
	Store      string
	Occurred   int64
	Terminal   int64 `json:"-"` // the till that told of it: no part of what was told, and so not of its hash
}

func keyOf(source, no string) string       { return source + "|" + no }
func refundKeyOf(source, no string) string { return source + "|r|" + no }

// Wants declares the reads of Take.
func Wants(source, no string) []db.Want { return []db.Want{keys.Want(keyOf(source, no))} }

// RefundWants declares the reads of Refund.
func RefundWants(source, orderNo, no string) []db.Want {
	return []db.Want{keys.Want(keyOf(source, orderNo)), keys.Want(refundKeyOf(source, no))}
}

func checkNo(s, no string, field string) error {
	if s == "" || len(s) > 64 || strings.ContainsAny(s, "|\r\n") {
		return ErrSource.New().At("source")
	}
	if no == "" || len(no) > 120 || strings.ContainsAny(no, "|\r\n") {
		return ErrNo.New().At(field)
	}
	return nil
}

func (in *In) check(now int64) error {
	if err := checkNo(in.Source, in.No, "no"); err != nil {
		return err
	}
	if in.Amount < 0 || in.Amount > MaxAmount {
		return ErrAmount.With("max", MaxAmount).At("amount")
	}
	if err := checkTime(in.Occurred, now); err != nil {
		return err
	}
	if len(in.Lines) > MaxLines {
		return ErrTooManyLines.With("max", MaxLines).At("lines")
	}
	var sum int64
	for _, l := range in.Lines {
		if l.Amount < 0 || l.Amount > MaxAmount {
			return ErrAmount.With("max", MaxAmount).At("lines.amount")
		}
		if l.Qty < 0 || l.Qty > MaxQty {
			return ErrQty.With("max", MaxQty).At("lines.qty")
		}
		sum += l.Amount
	}
	if len(in.Lines) > 0 && sum != in.Amount {
		return ErrLines.With("lines", sum, "amount", in.Amount).At("lines")
	}
	return nil
}

func checkTime(at, now int64) error {
	if at < 631152000000 || at > now+clock.Day {
		return ErrTime.New().At("occurred_at")
	}
	return nil
}

// Take books a paid order. A repeated delivery gives the order back (again = true) and changes nothing.
func (s *Service) Take(tx *db.Tx, in In) (o Order, again bool, err error) {
	if err := in.check(tx.Now()); err != nil {
		return o, false, err
	}
	key, h := keyOf(in.Source, in.No), in.hash()
	k, ok := keys.Get(tx, key)
	if ok && k.Order != 0 {
		if k.Hash != h {
			return o, false, ErrConflict.With("no", in.No)
		}
		o, _ = Get(tx, k.Member, k.Order)
		return o, true, in.sameMember(tx, &o)
	}
	o = in.order(tx)
	awaited := ok
	keys.Put(tx, keyRow{key, o.Member, o.ID, h})
	if err := Orders.Insert(tx, o); err != nil {
		return o, false, err
	}
	f := PaidFact{Order: o.ID, Source: o.Source, Amount: o.Amount, Eligible: o.Eligible, Occurred: o.Occurred, Row: &o}
	s.count(tx, o, &f)
	if _, err := fact.Emit(tx, o.Member, f); err != nil {
		return o, false, err
	}
	if !awaited {
		return o, false, nil
	}
	if err := s.applyWaiting(tx, key); err != nil {
		return o, false, err
	}
	o, _ = Get(tx, o.Member, o.ID)
	return o, false, nil
}

// sameMember refuses a known number that now comes with another member. A guest's order stays a guest's.
func (in *In) sameMember(r db.Reader, o *Order) error {
	if in.Member == 0 || o.Member == 0 || in.Member == o.Member && in.Via == o.Via {
		return nil
	}
	now, err := Owner(r, o)
	if err != nil {
		return err
	}
	if in.Member != now.ID {
		return ErrConflict.With("no", in.No)
	}
	return nil
}

// hash covers what the source says, not what we made of it.
func (in *In) hash() string {
	c := *in
	c.Member, c.Via = 0, 0
	return hash(c)
}

func (in *In) order(tx *db.Tx) Order {
	lines := in.Lines
	if len(lines) == 0 {
		lines = []Line{{Qty: 1, Amount: in.Amount}}
	}
	var eligible int64
	lines = append([]Line(nil), lines...)
	for i := range lines {
		lines[i].BackQty, lines[i].BackAmount, lines[i].Eligible = 0, 0, 0
		if !lines[i].NoEarn {
			lines[i].Eligible = lines[i].Amount
			eligible += lines[i].Amount
		}
	}
	return Order{Member: in.Member, ID: tx.ID(), Source: in.Source, No: in.No, Status: Paid, Amount: in.Amount, Eligible: eligible,
		PointsUsed: in.PointsUsed, Hold: in.Hold, Via: in.Via, Channel: in.Channel, Store: in.Store,
		Occurred: in.Occurred, Received: tx.Now(), Lines: encode(lines), Terminal: in.Terminal}
}

func (s *Service) count(tx *db.Tx, o Order, f *PaidFact) {
	if o.Member != 0 {
		st, ok := Stats.Get(tx, o.Member)
		if !ok {
			st = Stat{Member: o.Member, First: o.Occurred}
		}
		day := s.Zone.LocalDay(o.Occurred)
		f.Before, f.FirstToday = st.Orders, st.LastDay < day
		st.LastDay = max(st.LastDay, day)
		st.Orders++
		st.Spent += o.Amount
		st.First, st.Last = min(st.First, o.Occurred), max(st.Last, o.Occurred)
		Stats.Put(tx, st)
	}
	t := s.total(tx, o)
	t.Orders++
	t.Amount += o.Amount
	Totals.Put(tx, t)
}

func (s *Service) total(tx *db.Tx, o Order) Total {
	k := totalKey{s.Zone.LocalDay(o.Occurred), o.Channel}
	t, _ := Totals.Get(tx, k)
	t.Day, t.Channel = k.Day, k.Channel
	return t
}

// RefundIn is a refund as a source tells it. Without lines it takes Amount over all lines in proportion.
type RefundIn struct {
	Source   string
	OrderNo  string
	No       string
	Amount   int64 // fen; with lines it must be their sum or 0
	Lines    []RefundLine
	Occurred int64
	Reason   string
}

// RefundLine names a line by item; Amount 0 is the quantity's share of what was paid.
type RefundLine struct {
	SKU    string `json:"sku"`
	Qty    int64  `json:"qty"`
	Amount int64  `json:"amount"`
}

// Outcome of a refund.
type Outcome struct {
	Refund  Refund
	Order   Order
	Again   bool // a repeated delivery: nothing changed
	Waiting bool // its order has not come yet
}

func (in *RefundIn) check(now int64) error {
	if err := checkNo(in.Source, in.No, "no"); err != nil {
		return err
	}
	if err := checkNo(in.Source, in.OrderNo, "order_no"); err != nil {
		return err
	}
	if in.Amount < 0 || in.Amount > MaxAmount {
		return ErrAmount.With("max", MaxAmount).At("amount")
	}
	if len(in.Lines) > MaxLines {
		return ErrTooManyLines.With("max", MaxLines).At("lines")
	}
	for _, l := range in.Lines {
		if l.Qty < 0 || l.Qty > MaxQty {
			return ErrQty.With("max", MaxQty).At("lines.qty")
		}
		if l.Amount < 0 || l.Amount > MaxAmount {
			return ErrAmount.With("max", MaxAmount).At("lines.amount")
		}
	}
	return checkTime(in.Occurred, now)
}

// Refund books a refund, or lets it wait when its order is not known yet.
func (s *Service) Refund(tx *db.Tx, in RefundIn) (Outcome, error) {
	if err := in.check(tx.Now()); err != nil {
		return Outcome{}, err
	}
	rk, h := refundKeyOf(in.Source, in.No), hash(in)
	if k, ok := keys.Get(tx, rk); ok {
		return s.refundAgain(tx, in, k, h)
	}
	k, ok := keys.Get(tx, keyOf(in.Source, in.OrderNo))
	if !ok || k.Order == 0 {
		return s.wait(tx, in)
	}
	o, _ := Get(tx, k.Member, k.Order)
	f, o, err := s.refund(tx, o, in)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Refund: f, Order: o}, keys.Insert(tx, keyRow{rk, o.Member, f.ID, h})
}

func (s *Service) refundAgain(tx *db.Tx, in RefundIn, k keyRow, h string) (Outcome, error) {
	if k.Hash != h {
		return Outcome{}, ErrRefundConflict.With("no", in.No)
	}
	ok, found := keys.Get(tx, keyOf(in.Source, in.OrderNo))
	if !found || ok.Order == 0 {
		return Outcome{Again: true, Waiting: true}, nil
	}
	o, _ := Get(tx, ok.Member, ok.Order)
	f, _ := Refunds.Get(tx, refundKey{o.Member, o.ID, k.Order})
	return Outcome{Refund: f, Order: o, Again: true}, nil
}

// wait parks a refund; its number is taken, so that a repeated delivery is known.
func (s *Service) wait(tx *db.Tx, in RefundIn) (Outcome, error) {
	w, ok := Waitings.Get(tx, waitingKey{keyOf(in.Source, in.OrderNo), in.No})
	body, err := json.Marshal(in)
	if err != nil {
		return Outcome{}, err
	}
	if ok {
		if w.Body != string(body) {
			return Outcome{}, ErrRefundConflict.With("no", in.No)
		}
		return Outcome{Waiting: true, Again: true}, nil
	}
	// The order's number is marked as awaited, so that taking an order looks for refunds only when there are some.
	keys.Put(tx, keyRow{ID: keyOf(in.Source, in.OrderNo)})
	return Outcome{Waiting: true}, Waitings.Insert(tx, Waiting{keyOf(in.Source, in.OrderNo), in.No, tx.Now(), "waiting", string(body)})
}

// applyWaiting books the refunds that waited for an order. One that can't be booked goes to review; the order stands.
func (s *Service) applyWaiting(tx *db.Tx, key string) error {
	for _, w := range waitingFor(tx, key) {
		var in RefundIn
		if err := json.Unmarshal([]byte(w.Body), &in); err != nil {
			return err
		}
		Waitings.Delete(tx, waitingKey{w.Key, w.RefundNo})
		err := tx.Try(func(tx *db.Tx) error { _, err := s.Refund(tx, in); return err })
		if err != nil {
			w.State = "review"
			Waitings.Put(tx, w)
		}
	}
	return nil
}

// refund applies a refund to an order's lines.
func (s *Service) refund(tx *db.Tx, o Order, in RefundIn) (Refund, Order, error) {
	if o.Status == Refunded { // also one that cost no money: nothing of it is left
		return Refund{}, o, ErrTooMuch.With("left", 0).At("amount")
	}
	lines := o.LinesOf()
	parts, amount, err := split(lines, o, in)
	if err != nil {
		return Refund{}, o, err
	}
	for _, p := range parts {
		lines[p.Line].BackQty += p.Qty
		lines[p.Line].BackAmount += p.Amount
	}
	f := Refund{Member: o.Member, Order: o.ID, ID: tx.ID(), No: in.No, Amount: amount, Occurred: in.Occurred, Received: tx.Now(), Reason: in.Reason}
	b, err := json.Marshal(parts)
	if err != nil {
		return f, o, err
	}
	f.Lines = string(b)
	o.Lines, o.Refunded = encode(lines), o.Refunded+amount
	o.Status = PartiallyRefunded
	if o.Refunded == o.Amount && allBack(lines, o.Amount == 0) {
		o.Status = Refunded
	}
	Orders.Put(tx, o)
	if err := Refunds.Insert(tx, f); err != nil {
		return f, o, err
	}
	s.countRefund(tx, o, amount)
	_, err = fact.Emit(tx, o.Member, RefundedFact{o.ID, f.ID, amount, o.Status == Refunded, in.Occurred, &o})
	return f, o, err
}

// allBack says that nothing of an order is left: of its money, or of its items when it cost none.
func allBack(lines []Line, items bool) bool {
	for _, l := range lines {
		if l.BackAmount < l.Amount || items && l.BackQty < l.Qty {
			return false
		}
	}
	return true
}

// split decides how much of which line goes back.
func split(lines []Line, o Order, in RefundIn) ([]Part, int64, error) {
	if len(in.Lines) == 0 {
		return splitAmount(lines, o, in.Amount)
	}
	var parts []Part
	var sum int64
	taken := make([]Part, len(lines))
	for _, want := range in.Lines {
		got, err := splitItem(lines, taken, want)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range got {
			taken[p.Line].Qty += p.Qty
			taken[p.Line].Amount += p.Amount
			sum += p.Amount
		}
	}
	if in.Amount != 0 && in.Amount != sum {
		return nil, 0, ErrLines.With("lines", sum, "amount", in.Amount).At("amount")
	}
	for i, p := range taken {
		if p.Qty != 0 || p.Amount != 0 {
			p.Line = i
			parts = append(parts, p)
		}
	}
	return parts, sum, nil
}

// splitItem finds the lines of an item and takes the wanted quantity and money from them, the first line first.
func splitItem(lines []Line, taken []Part, want RefundLine) ([]Part, error) {
	var out []Part
	qty, amount, found := want.Qty, want.Amount, false
	for i, l := range lines {
		if l.SKU != want.SKU {
			continue
		}
		found = true
		l.BackQty += taken[i].Qty
		l.BackAmount += taken[i].Amount
		p := Part{Line: i, Qty: min(qty, l.Qty-l.BackQty)}
		if want.Amount > 0 {
			p.Amount = min(amount, l.Amount-l.BackAmount)
		} else {
			p.Amount = worth(l, p.Qty)
		}
		qty -= p.Qty
		amount -= p.Amount
		if p.Qty != 0 || p.Amount != 0 {
			out = append(out, p)
		}
	}
	if !found {
		return nil, ErrNoLine.New().At("lines.sku")
	}
	if qty > 0 || want.Amount > 0 && amount > 0 {
		return nil, ErrTooMuch.With("left", want.Qty-qty).At("lines.qty")
	}
	return out, nil
}

// worth is the quantity's share of the line, so that all partial refunds together give exactly the line.
func worth(l Line, qty int64) int64 {
	if l.Qty == 0 {
		return 0
	}
	upTo := money.Prorate(l.Amount, l.BackQty+qty, l.Qty)
	return min(max(0, upTo-money.Prorate(l.Amount, l.BackQty, l.Qty)), l.Amount-l.BackAmount)
}

// splitAmount spreads an amount over what is left of all lines; a refund without amount and lines takes all that is left.
func splitAmount(lines []Line, o Order, amount int64) ([]Part, int64, error) {
	left := o.Amount - o.Refunded
	if amount == 0 {
		amount = left
	}
	if amount > left {
		return nil, 0, ErrTooMuch.With("left", left).At("amount")
	}
	weights := make([]int64, len(lines))
	for i, l := range lines {
		weights[i] = l.Amount - l.BackAmount
	}
	var parts []Part
	for i, n := range money.Split(amount, weights) {
		p := Part{Line: i, Amount: n}
		if lines[i].BackAmount+n == lines[i].Amount {
			p.Qty = lines[i].Qty - lines[i].BackQty
		}
		if p.Amount != 0 || p.Qty != 0 {
			parts = append(parts, p)
		}
	}
	return parts, amount, nil
}

func (s *Service) countRefund(tx *db.Tx, o Order, amount int64) {
	if m, err := Owner(tx, &o); err == nil {
		st, _ := Stats.Get(tx, m.ID)
		st.Member = m.ID
		st.Refunds++
		st.Refunded += amount
		Stats.Put(tx, st)
	}
	t := s.total(tx, o)
	t.Refunds++
	t.Refunded += amount
	Totals.Put(tx, t)
}

// Close says that the return window of an order is over. Closing twice is a no-op.
func (s *Service) Close(tx *db.Tx, source, no string) (Order, error) {
	o, ok := Find(tx, source, no)
	if !ok {
		return o, ErrNone.New()
	}
	if o.ClosedAt != 0 {
		return o, nil
	}
	o.ClosedAt = tx.Now()
	if o.Status == Paid {
		o.Status = Closed
	}
	Orders.Put(tx, o)
	_, err := fact.Emit(tx, o.Member, ClosedFact{o.ID, &o})
	return o, err
}

// Find looks an order up by its source's number.
func Find(r db.Reader, source, no string) (Order, bool) {
	k, ok := keys.Get(r, keyOf(source, no))
	if !ok || k.Order == 0 {
		return Order{}, false
	}
	return Get(r, k.Member, k.Order)
}

// Match is a part of a refund that found its order.
type Match struct {
	Order Order
	Lines []RefundLine
}

// MatchItems finds, for a refund that names no order, the member's orders that hold the items, newest first and not
// later than the refund. What finds no order is left over.
func MatchItems(r db.Reader, members []int64, lines []RefundLine, at int64) (found []Match, left []RefundLine) {
	var orders []Order
	for _, m := range members {
		orders = append(orders, before(r, m, at)...)
	}
	sortNewest(orders)
	matched := map[int][]RefundLine{}
	cache := make([][]Line, len(orders))
	for _, want := range lines {
		for i := range orders {
			if want.Qty <= 0 {
				break
			}
			if cache[i] == nil {
				cache[i] = orders[i].LinesOf()
			}
			if n, amount := takeItem(cache[i], want); n > 0 {
				matched[i] = append(matched[i], RefundLine{SKU: want.SKU, Qty: n, Amount: amount})
				want.Qty -= n
				want.Amount -= min(amount, want.Amount)
			}
		}
		if want.Qty > 0 {
			left = append(left, want)
		}
	}
	for i := range orders {
		if len(matched[i]) > 0 {
			found = append(found, Match{orders[i], matched[i]})
		}
	}
	return found, left
}

// takeItem takes what it can of an item from an order's lines, and what was paid for it.
func takeItem(lines []Line, want RefundLine) (n, amount int64) {
	for i := range lines {
		l := &lines[i]
		if l.SKU != want.SKU || n == want.Qty {
			continue
		}
		part := min(want.Qty-n, l.Qty-l.BackQty)
		if part <= 0 {
			continue
		}
		amount += worth(*l, part)
		l.BackAmount += worth(*l, part)
		l.BackQty += part
		n += part
	}
	return n, amount
}

// ReviewWaiting sends refunds that have waited since before an instant to a person.
func (s *Service) ReviewWaiting(tx *db.Tx, before int64) {
	old := Waitings.Select(tx, db.Query[Waiting]{
		Where: "state = ? AND received_at < ?", Args: []any{"waiting", before}, Order: "id, refund_no", Limit: 500,
		Match: func(w *Waiting) bool { return w.State == "waiting" && w.Received < before },
	})
	for _, w := range old {
		w.State = "review"
		Waitings.Put(tx, w)
	}
}

// Unnamed is a refund that names no order: it finds its orders by member and item.
type Unnamed struct {
	Source   string
	No       string
	Members  []int64 // the member and everyone merged into it
	Lines    []RefundLine
	Amount   int64 // without lines: the newest order that still holds as much
	Occurred int64
}

// UnnamedOutcome tells which orders took the refund and what was left over.
type UnnamedOutcome struct {
	Refunds []Refund
	Left    []RefundLine
	Again   bool
}

// RefundUnnamed books a refund without an order number on the member's orders, newest first. Money follows the items:
// what was paid for them goes back. A repeated delivery changes nothing.
func (s *Service) RefundUnnamed(tx *db.Tx, in Unnamed) (UnnamedOutcome, error) {
	if err := checkNo(in.Source, in.No, "no"); err != nil {
		return UnnamedOutcome{}, err
	}
	key, h := in.Source+"|d|"+in.No, hash(in.said())
	if k, ok := keys.Get(tx, key); ok {
		if k.Hash != h {
			return UnnamedOutcome{}, ErrRefundConflict.With("no", in.No)
		}
		return UnnamedOutcome{Again: true}, nil
	}
	found, left := s.matches(tx, in)
	if len(found) == 0 {
		return UnnamedOutcome{Left: left}, nil
	}
	out := UnnamedOutcome{Left: left}
	for i, m := range found {
		no := in.No
		if i > 0 {
			no = fmt.Sprintf("%s#%d", in.No, i+1)
		}
		r := RefundIn{Source: m.Order.Source, OrderNo: m.Order.No, No: no, Lines: m.Lines, Occurred: in.Occurred}
		if len(m.Lines) == 0 {
			r.Amount = in.Amount
		}
		o, err := s.Refund(tx, r)
		if err != nil {
			return UnnamedOutcome{}, err
		}
		out.Refunds = append(out.Refunds, o.Refund)
	}
	return out, keys.Insert(tx, keyRow{key, found[0].Order.Member, found[0].Order.ID, h})
}

// said is what the source told, without what we found out about the member.
func (in Unnamed) said() Unnamed {
	in.Members = nil
	return in
}

func (s *Service) matches(tx *db.Tx, in Unnamed) ([]Match, []RefundLine) {
	if len(in.Members) == 0 {
		return nil, in.Lines
	}
	if len(in.Lines) > 0 {
		return MatchItems(tx, in.Members, in.Lines, in.Occurred)
	}
	var orders []Order
	for _, m := range in.Members {
		orders = append(orders, before(tx, m, in.Occurred)...)
	}
	sortNewest(orders)
	for _, o := range orders {
		if o.Amount-o.Refunded >= in.Amount && in.Amount > 0 {
			return []Match{{Order: o}}, nil
		}
	}
	return nil, []RefundLine{{Amount: in.Amount}}
}
