package message

import (
	"encoding/json"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/tier"
)

// Service is what others may call.
type Service struct {
	DB         *db.DB
	Zone       clock.Zone
	Members    *member.Service
	Transports []Transport // the ways out of the house; filled in before anything is told
}

// Note is one thing to tell a member.
type Note struct {
	Member   int64
	Occasion string
	Dedupe   string // what it is about: the same thing is told once
	Values   map[string]string
	NoInbox  bool // goes to other channels only
	News     bool // what it is about has its number from this transaction: nobody was told of it before
}

// maxDedupe fits the column.
const maxDedupe = 96

// Tell tells a member something in the Tx of its cause: the letter is in the inbox when the cause is committed, and a job
// sends it over the other channels afterwards. Told again it changes nothing.
func (s *Service) Tell(tx *db.Tx, n Note) error {
	o, ok := occasionOf(n.Occasion)
	if !ok || n.Dedupe == "" || len(n.Dedupe) > maxDedupe {
		return ErrOccasion.New()
	}
	m, err := member.Resolve(tx, n.Member)
	if err != nil {
		return err
	}
	if m.Status == member.Cancelled || o.Marketing && !s.Members.Consented(tx, m.ID, member.ForMarketing) {
		return nil
	}
	words := Templates.At(tx, tx.Now())
	t, ok := words.Value.of(n.Occasion)
	if !ok || !n.News && told(tx, m.ID, n.Occasion, n.Dedupe) {
		return nil
	}
	values, err := json.Marshal(n.Values)
	if err != nil {
		return err
	}
	if t.Inbox && !n.NoInbox {
		l := Letter{Member: m.ID, ID: tx.ID(), Occasion: n.Occasion, Dedupe: n.Dedupe, Template: words.ID, Values: string(values), At: tx.Now()}
		if err := letters.Insert(tx, l); err != nil {
			return err
		}
	}
	if !s.reachable(t) {
		return nil
	}
	_, err = job.Add(tx, sendOut, outgoing{m.ID, n.Occasion, n.Dedupe, string(values), tx.Now()}, job.At(s.wakeful(tx, tx.Now())),
		job.Key(fmt.Sprintf("%d:%s:%s", m.ID, n.Occasion, n.Dedupe)))
	return err
}

// reachable says whether any channel of a template is there at all.
func (s *Service) reachable(t Template) bool {
	for _, c := range t.Channels {
		if x := s.transport(c); x != nil && x.ready(t) {
			return true
		}
	}
	return false
}

func (s *Service) transport(channel string) *Transport {
	for i := range s.Transports {
		if s.Transports[i].Channel == channel {
			return &s.Transports[i]
		}
	}
	return nil
}

// wakeful is the first moment from an instant on that is outside the quiet hours.
func (s *Service) wakeful(r db.Reader, at int64) int64 {
	p := Rules.At(r, at).Value
	if p.QuietFrom == p.QuietUntil {
		return at
	}
	hour := int64(s.Zone.Time(at).Hour())
	quiet := hour >= p.QuietFrom || hour < p.QuietUntil
	if p.QuietFrom < p.QuietUntil {
		quiet = hour >= p.QuietFrom && hour < p.QuietUntil
	}
	if !quiet {
		return at
	}
	day := s.Zone.LocalDay(at)
	if hour >= p.QuietUntil {
		day = s.Zone.AddDays(day, 1)
	}
	end, err := s.Zone.Parse("20060102 15", fmt.Sprintf("%d %02d", day, p.QuietUntil))
	if err != nil || end <= at {
		return at
	}
	return end
}

// Who tells of a yes to a subscription: the member's app, and the platform itself. Both tell of the same tap.
const (
	ByApp      = "app"
	ByPlatform = "platform"
)

// sameTap is within what time two tellings are of one tap.
const sameTap = 10 * clock.Minute

// Subscribe books a member's yes to one more message of a provider's template (订阅). A yes that the other teller has told of already counts once.
func (s *Service) Subscribe(tx *db.Tx, memberID int64, template, by, source string) error {
	mine, theirs := yesSince(tx, memberID, template, by, tx.Now()-sameTap)
	amount := int64(1)
	if theirs > mine {
		amount = 0
	}
	return s.credit(tx, memberID, template, amount, by+":"+source)
}

// Unsubscribe takes back all that is left of a template: the member turned it off (退订).
func (s *Service) Unsubscribe(tx *db.Tx, memberID int64, template, source string) error {
	left := CreditsLeft(tx, memberID, template)
	if left == 0 {
		return nil
	}
	return s.credit(tx, memberID, template, -left, "off:"+source)
}

// Receipt books what the platform says of a message later on. Of a send that is not known, or not sent, nothing changes.
func (s *Service) Receipt(tx *db.Tx, memberID int64, channel, provider, failure string) {
	if provider == "" || failure == "" {
		return
	}
	for _, row := range LogOf(tx, memberID, 1<<62, receiptsOf) {
		if row.Channel == channel && row.Provider == provider && row.State == Went {
			row.State, row.Reason = Failed, short(failure)
			sends.Put(tx, row)
			return
		}
	}
}

// Settle books how a send ended that had waited: failure is "" when it was sent.
func (s *Service) Settle(tx *db.Tx, memberID, send int64, failure string) {
	row, ok := sends.Get(tx, pair{memberID, send})
	if !ok || row.State != Waits {
		return
	}
	row.State, row.Reason, row.Done = Went, "", tx.Now()
	if failure != "" {
		row.State, row.Reason = Failed, short(failure)
	}
	sends.Put(tx, row)
}

// receiptsOf is among how many sends of a member a receipt looks: it comes within seconds.
const receiptsOf = 100

// credit books an entry of the subscriptions' ledger; it never goes below zero.
func (s *Service) credit(tx *db.Tx, memberID int64, template string, amount int64, source string) error {
	if creditBooked(tx, memberID, template, source) {
		return nil
	}
	left := CreditsLeft(tx, memberID, template)
	if left+amount < 0 {
		return ErrNoCredit.New()
	}
	return credits.Insert(tx, Credit{memberID, tx.ID(), template, amount, left + amount, source, tx.Now()})
}

// What follows is how other features' facts become messages; internal/app calls it.

// OnPoints tells what changed a member's points, as far as the policy thinks it worth a letter.
func (s *Service) OnPoints(tx *db.Tx, memberID int64, p ledger.Posted) error {
	if p.Asset != ledger.Points || p.Kind == ledger.KindMerge || p.Kind == ledger.KindUnmerge || p.Kind == ledger.KindMature {
		return nil
	}
	letter := false
	for _, k := range Rules.At(tx, tx.Now()).Value.PointKinds {
		letter = letter || k == p.Kind
	}
	t, ok := Templates.At(tx, tx.Now()).Value.of(PointsChanged)
	if !ok || !letter && !s.reachable(t) {
		return nil
	}
	return s.Tell(tx, Note{Member: memberID, Occasion: PointsChanged, Dedupe: fmt.Sprintf("entry:%d", p.Seq), NoInbox: !letter,
		Values: map[string]string{"amount": fmt.Sprintf("%+d", p.Amount), "balance": fmt.Sprint(p.Balance), "why": "why." + p.Kind}})
}

// OnPaid tells of a purchase of today, where a channel carries it; the inbox has it only when the templates say so. What the store is called
// is asked only when something is told.
func (s *Service) OnPaid(tx *db.Tx, o *order.Order, store func(db.Reader, string) string) error {
	return s.onOrder(tx, o, Note{Occasion: Paid, Dedupe: fmt.Sprintf("order:%d", o.ID)}, o.Amount, o.Occurred, store)
}

// OnRefunded tells of money that went back.
func (s *Service) OnRefunded(tx *db.Tx, f order.RefundedFact, store func(db.Reader, string) string) error {
	return s.onOrder(tx, f.Row, Note{Occasion: Refunded, Dedupe: fmt.Sprintf("refund:%d", f.Refund)}, f.Amount, f.Occurred, store)
}

func (s *Service) onOrder(tx *db.Tx, o *order.Order, n Note, amount, at int64, store func(db.Reader, string) string) error {
	t, ok := Templates.At(tx, tx.Now()).Value.of(n.Occasion)
	if o.Member == 0 || amount <= 0 || at < tx.Now()-clock.Day || !ok || !t.Inbox && !s.reachable(t) {
		return nil // nobody's, of long ago, or for nobody's ears
	}
	n.Member, n.NoInbox = o.Member, !t.Inbox
	n.Values = map[string]string{"amount": "¥" + money.Fen(amount).String(), "store": store(tx, o.Store), "no": o.No}
	return s.Tell(tx, n)
}

// OnTier tells that a member holds another tier. What a merge or its undoing does to tiers is told by nobody.
func (s *Service) OnTier(tx *db.Tx, memberID, factID int64, c tier.Changed) error {
	occasion := TierUp
	if c.To < c.From {
		occasion = TierDown
	}
	if c.To == c.From || c.Reason == tier.ReasonJoin || c.Reason == tier.ReasonMerge || c.Reason == tier.ReasonUnmerge {
		return nil
	}
	return s.Tell(tx, Note{Member: memberID, Occasion: occasion, Dedupe: fmt.Sprintf("fact:%d", factID), News: true,
		Values: map[string]string{"tier": fmt.Sprintf("tier.%d", c.To)}})
}

// OnWarned tells that a tier will be lost.
func (s *Service) OnWarned(tx *db.Tx, memberID int64, w tier.Warned) error {
	held := tier.Of(tx, memberID).Held(tx.Now())
	return s.Tell(tx, Note{Member: memberID, Occasion: TierWarned, Dedupe: fmt.Sprintf("warn:%d:%d", w.Until, w.N),
		Values: map[string]string{"tier": fmt.Sprintf("tier.%d", held), "missing": fmt.Sprint(w.Short), "day": s.dayText(w.Until - 1)}})
}

// OnJoined greets a new member.
func (s *Service) OnJoined(tx *db.Tx, memberID int64) error {
	return s.Tell(tx, Note{Member: memberID, Occasion: Welcome, Dedupe: "joined"})
}

func (s *Service) dayText(at int64) string { return s.Zone.Format("2006-01-02", at) }
