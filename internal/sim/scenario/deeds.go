package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/points"
)

var identityKinds = map[string]bool{member.KindPhone: true, member.KindOpenID: true, member.KindUnionID: true, member.KindCard: true, member.KindExternal: true}

// identity reads: phone 13800000001, or openid wxA/o1.
func (l *line) identity() member.Identity {
	kind := l.word()
	if !identityKinds[kind] {
		l.fail("%q is no kind of identity", kind)
	}
	issuer, value, ok := strings.Cut(l.word(), "/")
	if !ok {
		issuer, value = "", issuer
	}
	return member.Identity{Kind: kind, Issuer: issuer, Value: vault.Hide(value), Verified: true}
}

func joinMember(w *world, l *line) error {
	name := l.word()
	var j member.Join
	for l.more() {
		switch {
		case l.take("channel"):
			j.Channel = l.word()
		case l.take("store"):
			j.Store = l.word()
		default:
			j.Identities = append(j.Identities, l.identity())
		}
	}
	if err := l.end(); err != nil {
		return err
	}
	if len(j.Identities) == 0 {
		phone := fmt.Sprintf("138%08d", len(w.people)+1)
		j.Identities = []member.Identity{{Kind: member.KindPhone, Value: vault.Hide(phone), Verified: true}}
	}
	key := j.Identities[0]
	var id int64
	err := w.write(func(tx *db.Tx) error {
		m, _, err := w.app.Members.Join(tx, j)
		id = m.ID
		return err
	})
	if err == nil {
		w.keep(func() { w.people[name] = person{id, key} })
	}
	return w.suspected(0, j.Identities, err)
}

// suspected notes after a refusal, as the doors do, who may be one person.
func (w *world) suspected(self int64, list []member.Identity, refused error) error {
	return w.app.Members.AfterRefusal(w.ctx, w.app.DB, "staff:1", self, list, refused)
}

// dismiss decides that two members are not one person.
func dismiss(w *world, l *line) error {
	a, err := w.who(l.word())
	if err != nil {
		return err
	}
	b, err := w.who(l.word())
	why := l.word()
	if err == nil {
		err = l.end()
	}
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		var id int64
		for _, one := range member.SuspectsAbout(tx, a.id) {
			if one.A+one.B == a.id+b.id {
				id = one.ID
			}
		}
		_, err := w.app.Members.Dismiss(tx, id, why)
		return err
	})
}

// aboutMember reads a member's name and does something to it in a write.
func aboutMember(w *world, l *line, f func(tx *db.Tx, p person) error) error {
	p, err := w.who(l.word())
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error { return f(tx, p) }, p.id)
}

func bind(w *world, l *line) error {
	var self int64
	var brought member.Identity
	err := aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		self, brought = p.id, r.identity()
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Members.Bind(tx, p.id, brought)
	})
	return w.suspected(self, []member.Identity{brought}, err)
}

func unbind(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		i := r.identity()
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Members.Unbind(tx, p.id, i)
	})
}

func status(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		s, why := r.word(), r.word()
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Members.SetStatus(tx, p.id, s, why)
	})
}

func cancel(w *world, l *line) error {
	return aboutMember(w, l, func(tx *db.Tx, p person) error {
		r := *l
		why := r.word()
		if err := r.end(); err != nil {
			return err
		}
		return w.app.Members.Cancel(tx, p.id, why)
	})
}

// profile fills in what is given; complete fills in all.
func profile(w *world, l *line) error {
	p, err := w.who(l.word())
	if err != nil {
		return err
	}
	var in member.ProfileInput
	fields := map[string]**string{"nickname": &in.Nickname, "phone": &in.Phone, "birthday": &in.Birthday, "gender": &in.Gender, "region": &in.Region}
	if l.take("complete") {
		for name, text := range map[string]string{"nickname": "会员", "phone": fmt.Sprintf("137%08d", p.id%100_000_000),
			"birthday": "1990-05-17", "gender": "other", "region": "上海"} {
			*fields[name] = &text
		}
	}
	for l.more() {
		name, text := l.word(), l.word()
		if fields[name] == nil {
			return fmt.Errorf("%q is no field of a profile", name)
		}
		*fields[name] = &text
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error { return w.app.Members.SetProfile(tx, p.id, in) }, p.id)
}

func merge(w *world, l *line) error {
	name := l.word()
	l.need("into")
	into := l.word()
	if err := l.end(); err != nil {
		return err
	}
	a, err := w.who(name)
	if err != nil {
		return err
	}
	b, err := w.who(into)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		m, err := w.app.Members.Merge(tx, a.id, b.id, "同一人")
		w.keep(func() { w.merges[name] = m.ID })
		return err
	}, a.id, b.id)
}

func unmerge(w *world, l *line) error {
	name := l.word()
	var given []string
	if l.take("giving") {
		for l.more() {
			given = append(given, l.word())
		}
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		var give []int64
		for _, key := range given {
			lot, ok := w.lotOf(tx, name, key)
			if !ok {
				return fmt.Errorf("nothing was given as %q", key)
			}
			give = append(give, lot)
		}
		_, err := w.app.Unmerge(tx, w.merges[name], give)
		return err
	})
}

// lotOf finds the lot that a key gave to the member whom one was merged into.
func (w *world) lotOf(r db.Reader, name, key string) (int64, bool) {
	m, _ := member.Merges.Get(r, w.merges[name])
	e, ok := ledger.EntryBySource(r, m.Into, ledger.Points, "adjust:"+key)
	return e.Lot, ok
}

const till = "pos" // where orders come from unless the script says otherwise

func takeOrder(w *world, l *line) error {
	in := order.In{No: l.word(), Source: till, Occurred: w.clock.Now()}
	name := l.word()
	in.Amount = l.yuan()
	for l.more() {
		switch word := l.word(); word {
		case "items":
			l.list(func() { in.Lines = append(in.Lines, l.item()) })
		case "occurred":
			in.Occurred = l.time()
		case "channel":
			in.Channel = l.word()
		case "store":
			in.Store = l.word()
		case "source":
			in.Source = l.word()
		case "points":
			in.PointsUsed = l.int()
		case "hold":
			h := l.word()
			w.keep(func() { in.Hold = w.holds[h].id })
		default:
			l.fail("%q says nothing of an order", word)
		}
	}
	if err := l.end(); err != nil {
		return err
	}
	return w.takeOrder(in, name)
}

// item reads: tea x2 80.00 no-earn.
func (l *line) item() order.Line {
	out := order.Line{SKU: l.word(), Qty: l.times(), Amount: l.yuan()}
	out.NoEarn = l.take("no-earn")
	return out
}

// times reads a quantity such as x2.
func (l *line) times() int64 {
	w := l.word()
	x, ok := strings.CutPrefix(w, "x")
	n, err := strconv.ParseInt(x, 10, 64)
	if !ok || err != nil {
		l.fail("%q is not a quantity such as x2", w)
	}
	return n
}

// takeOrder books an order for whoever shows that identity now, as a till would.
func (w *world) takeOrder(in order.In, name string) error {
	var about []int64
	if name != "guest" {
		p, err := w.who(name)
		if err != nil {
			return err
		}
		err = w.view(func(v *db.View) error {
			f, known, err := w.app.Members.Find(v, p.key)
			if err == nil && !known {
				err = fmt.Errorf("nobody has the identity of %s", name)
			}
			in.Member, in.Via = f.Member, f.Via
			return err
		})
		if err != nil {
			return err
		}
		about = append(about, in.Member)
	}
	return w.write(func(tx *db.Tx) error {
		_, _, err := w.app.Orders.Take(tx, in)
		return err
	}, about...)
}

func refund(w *world, l *line) error {
	in := order.RefundIn{OrderNo: l.word(), Source: till, Occurred: w.clock.Now()}
	switch {
	case l.take("all"):
	case l.take("items"):
		l.list(func() { in.Lines = append(in.Lines, order.RefundLine{SKU: l.word(), Qty: l.times()}) })
	default:
		in.Amount = l.yuan()
	}
	for l.more() {
		switch word := l.word(); word {
		case "as":
			in.No = l.word()
		case "occurred":
			in.Occurred = l.time()
		case "source":
			in.Source = l.word()
		default:
			l.fail("%q says nothing of a refund", word)
		}
	}
	if err := l.end(); err != nil {
		return err
	}
	if in.No == "" {
		w.keep(func() {
			w.refunds[in.OrderNo]++
			in.No = fmt.Sprintf("%s-r%d", in.OrderNo, w.refunds[in.OrderNo])
		})
	}
	return w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Refund(tx, in)
		return err
	})
}

func closeOrder(w *world, l *line) error {
	no := l.word()
	if err := l.end(); err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		_, err := w.app.Orders.Close(tx, till, no)
		return err
	})
}

// key reads the cause a script gives, or makes a new one.
func (w *world) key(l *line, what string) string {
	if l.take("as") {
		return what + ":" + l.word()
	}
	return w.source(what)
}

func hold(w *world, l *line) error {
	name, who, n := l.word(), l.word(), l.int()
	l.need("for")
	eligible := l.yuan()
	source := w.key(l, "hold")
	if err := l.end(); err != nil {
		return err
	}
	p, err := w.who(who)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		h, err := w.app.Points.Hold(tx, p.id, n, eligible, source, "")
		w.keep(func() { w.holds[name] = held{who, h.ID} })
		return err
	}, p.id)
}

func freeze(w *world, l *line) error {
	name, who, n := l.word(), l.word(), l.int()
	if err := l.end(); err != nil {
		return err
	}
	p, err := w.who(who)
	if err != nil {
		return err
	}
	source := w.source("freeze")
	return w.write(func(tx *db.Tx) error {
		h, err := w.app.Ledger.Reserve(tx, ledger.HoldInput{Member: p.id, Asset: ledger.Points, Amount: n, Kind: ledger.HoldFreeze, Source: source})
		w.keep(func() { w.holds[name] = held{who, h.ID} })
		return err
	}, p.id)
}

// endHold finds a hold where its member's points are now.
func (w *world) endHold(l *line, f func(tx *db.Tx, owner, hold int64) error) error {
	name := l.word()
	if err := l.end(); err != nil {
		return err
	}
	var h held
	w.keep(func() { h = w.holds[name] })
	p, err := w.who(h.member)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		m, err := member.Resolve(tx, p.id)
		if err != nil {
			return err
		}
		return f(tx, m.ID, h.id)
	}, p.id)
}

func void(w *world, l *line) error {
	return w.endHold(l, func(tx *db.Tx, owner, hold int64) error {
		_, err := w.app.Ledger.VoidHold(tx, owner, hold)
		return err
	})
}

func seize(w *world, l *line) error {
	return w.endHold(l, func(tx *db.Tx, owner, hold int64) error {
		_, err := w.app.Ledger.PostHold(tx, owner, hold, ledger.Spend{Kind: ledger.KindSeize, Source: fmt.Sprintf("seize:%d", hold)})
		return err
	})
}

func spend(w *world, l *line) error {
	who, n := l.word(), l.int()
	source := w.key(l, "spend")
	if err := l.end(); err != nil {
		return err
	}
	p, err := w.who(who)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		m, err := member.Require(tx, p.id, member.Spend)
		if err != nil {
			return err
		}
		_, err = w.app.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.KindSpend, Source: source, Reason: "兑换"})
		return err
	}, p.id)
}

func transfer(w *world, l *line) error {
	from, to, n := l.word(), l.word(), l.int()
	source := w.key(l, "transfer")
	if err := l.end(); err != nil {
		return err
	}
	a, err := w.who(from)
	if err != nil {
		return err
	}
	b, err := w.who(to)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		giver, err := member.Require(tx, a.id, member.Spend)
		if err != nil {
			return err
		}
		taker, err := member.Require(tx, b.id, member.Earn)
		if err != nil {
			return err
		}
		_, _, err = w.app.Ledger.Transfer(tx, giver.ID, taker.ID, ledger.Points, n, source, "转赠")
		return err
	}, a.id, b.id)
}

func adjust(w *world, l *line) error {
	who, n, why := l.word(), l.int(), l.word()
	source := w.key(l, "adjust")
	if err := l.end(); err != nil {
		return err
	}
	p, err := w.who(who)
	if err != nil {
		return err
	}
	return w.write(func(tx *db.Tx) error {
		m, err := member.Resolve(tx, p.id)
		if err != nil {
			return err
		}
		if n < 0 {
			_, err = w.app.Ledger.Take(tx, ledger.Debit{Member: m.ID, Asset: ledger.Points, Amount: -n, Kind: ledger.KindAdjust, Source: source, Reason: why})
			return err
		}
		_, err = w.app.Ledger.Add(tx, ledger.Credit{Member: m.ID, Asset: ledger.Points, Amount: n, Kind: ledger.KindAdjust, Source: source, Reason: why,
			Class: ledger.ClassReward, Expires: points.Policy.At(tx, tx.Now()).Value.Expiry(w.zone, ledger.ClassReward, tx.Now())})
		return err
	}, p.id)
}

// reverse undoes what spend or adjust booked under a key.
func reverse(w *world, l *line) error {
	who, key, n := l.word(), l.word(), int64(0)
	if l.more() {
		n = l.int()
	}
	if err := l.end(); err != nil {
		return err
	}
	p, err := w.who(who)
	if err != nil {
		return err
	}
	source := w.source("reverse")
	return w.write(func(tx *db.Tx) error {
		for _, what := range []string{"spend:", "adjust:"} {
			e, ok := ledger.EntryBySource(tx, p.id, ledger.Points, what+key)
			if !ok {
				continue
			}
			_, err := w.app.Ledger.Reverse(tx, ledger.Reversal{Member: p.id, Asset: ledger.Points, Seq: e.Seq, Amount: n, Source: source, Reason: "更正", Short: ledger.ShortDebt})
			return err
		}
		return ledger.ErrNoEntry.New()
	}, p.id)
}
