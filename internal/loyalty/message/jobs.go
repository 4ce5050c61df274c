package message

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/points"
)

type outgoing struct {
	Member   int64  `json:"member,string"`
	Occasion string `json:"occasion"`
	Dedupe   string `json:"dedupe"`
	Values   string `json:"values"`
	At       int64  `json:"at"` // when it was told
}

// key names a message for channels that take the same one only once.
func (o outgoing) key(member int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d|%s|%s", member, o.Occasion, o.Dedupe))
	return hex.EncodeToString(sum[:16])
}

// The background work of messages.
const (
	sendOut  job.Kind[outgoing] = "message.send"
	expiring job.Kind[job.Slot] = "message.expiring"
	tidyUp   job.Kind[job.Slot] = "message.tidy"
)

// RegisterJobs adds the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, sendOut, job.Spec{Zh: "发送消息", En: "Send a message"}, s.send)
	job.Register(r, expiring, job.Spec{Zh: "提醒积分到期", En: "Remind of points that expire"}, s.remind)
	job.Register(r, tidyUp, job.Spec{Zh: "清理旧站内信", En: "Drop old messages"}, s.tidy)
	r.Schedule(job.Daily(expiring, 9, 30), job.Daily(tidyUp, 4, 15))
}

// send reaches the member over the first channel that works. Each attempt is recorded before it begins; one that was
// begun and whose end nobody wrote down is not made again.
func (s *Service) send(ctx context.Context, run *job.Run, o outgoing) error {
	for {
		m, t, err := s.next(ctx, run, o)
		if err != nil || t == nil {
			return err
		}
		provider, failure := t.Send(ctx, *m)
		over, err := s.ended(ctx, run, o, *m, t, provider, failure)
		if err != nil || over {
			return err
		}
	}
}

// next decides, in one Tx, which channel is to be tried now and records that; nil when there is nothing more to do.
func (s *Service) next(ctx context.Context, run *job.Run, o outgoing) (m *Sent, t *Transport, err error) {
	err = run.Write(ctx, db.Op{Owner: o.Member}, func(tx *db.Tx) error {
		m, t = nil, nil
		who, err := member.Resolve(tx, o.Member)
		if err != nil || who.Status == member.Cancelled {
			return run.Finish(tx)
		}
		before := sendsOf(tx, who.ID, o.Occasion, o.Dedupe)
		for _, b := range before {
			switch b.State {
			case Sending: // the process died, or lost its lease, in between
				b.State, b.Reason, b.Done = Maybe, "interrupted", tx.Now()
				sends.Put(tx, b)
				return run.Finish(tx)
			case Went, Maybe, Skipped, Waits:
				return run.Finish(tx)
			}
		}
		if at := s.wakeful(tx, tx.Now()); at > tx.Now() {
			return s.later(tx, run, o, at)
		}
		m, t, err = s.begin(tx, who.ID, o, before)
		if err != nil || t != nil {
			return err
		}
		return run.Finish(tx)
	})
	return m, t, err
}

// later hands the rest over to a job at the end of the quiet hours.
func (s *Service) later(tx *db.Tx, run *job.Run, o outgoing, at int64) error {
	if _, err := job.Add(tx, sendOut, o, job.At(at), job.Key(fmt.Sprintf("%d:%s:%s@%d", o.Member, o.Occasion, o.Dedupe, at))); err != nil {
		return err
	}
	return run.Finish(tx)
}

// begin picks the next channel that was not tried yet and may be used, and records the attempt.
func (s *Service) begin(tx *db.Tx, id int64, o outgoing, before []Send) (*Sent, *Transport, error) {
	what, _ := occasionOf(o.Occasion)
	words := Templates.At(tx, tx.Now())
	tpl, ok := words.Value.of(o.Occasion)
	if !ok {
		return nil, nil, nil
	}
	row := Send{Member: id, Occasion: o.Occasion, Dedupe: o.Dedupe, State: Sending, Marketing: what.Marketing, Template: words.ID, At: tx.Now()}
	if why := s.forbidden(tx, id, what); why != "" {
		row.ID, row.State, row.Reason, row.Done = tx.ID(), Skipped, why, tx.Now()
		return nil, nil, sends.Insert(tx, row)
	}
	if o.At > 0 && tx.Now()-o.At > tooLate {
		row.ID, row.State, row.Reason, row.Done = tx.ID(), Skipped, "too_late", tx.Now()
		return nil, nil, sends.Insert(tx, row)
	}
	for _, channel := range tpl.Channels {
		t := s.transport(channel)
		if t == nil || !t.ready(tpl) || tried(before, channel) {
			continue
		}
		row.ID, row.Channel = tx.ID(), channel
		provider := tpl.providerTemplate(channel)
		if t.Credited {
			if err := s.credit(tx, id, provider, -1, fmt.Sprintf("send:%d", row.ID)); err != nil {
				continue // the member has not said yes to this one
			}
		}
		title, body := text(tx, o.Occasion, words.ID, o.Values, tx.Now(), "zh")
		values := spoken(tx, o.Values, tx.Now(), "zh")
		return &Sent{ID: row.ID, Key: o.key(id), Member: id, Occasion: o.Occasion, Marketing: what.Marketing, Template: provider,
			Fields: s.fields(tpl, channel, values, o.At), Title: title, Body: body, Values: values, Page: what.Page}, t, sends.Insert(tx, row)
	}
	return nil, nil, nil
}

// tooLate is how long a message may wait for a quota: what is older would only puzzle.
const tooLate = 3 * clock.Day

// fields fills the fields of a provider's template.
func (s *Service) fields(t Template, channel string, values map[string]string, at int64) map[string]string {
	text := map[string]string{"official": t.OfficialFields, "mini": t.MiniFields}[channel]
	out, _ := fieldsOf(text) // it was checked when it was set
	with := maps.Clone(values)
	with[timeValue] = s.Zone.Format("2006-01-02 15:04", at)
	for k, v := range out {
		out[k] = write(v, with)
	}
	return out
}

func (t Template) providerTemplate(channel string) string {
	switch channel {
	case "official":
		return t.Official
	case "mini":
		return t.Mini
	}
	return ""
}

func tried(before []Send, channel string) bool {
	for _, b := range before {
		if b.Channel == channel {
			return true
		}
	}
	return false
}

// forbidden says why a member may not be sent something now, "" when it may be: asked at the moment of sending (rulings 29, 30).
func (s *Service) forbidden(tx *db.Tx, id int64, o Occasion) string {
	p := Rules.At(tx, tx.Now()).Value
	day := s.Zone.LocalDay(tx.Now())
	if !o.Marketing {
		if countSince(tx, id, s.Zone.StartOfDay(day), false) >= p.ServiceDay {
			return "cap_day"
		}
		return ""
	}
	switch {
	case !s.Members.Consented(tx, id, member.ForMarketing):
		return "no_consent"
	case countSince(tx, id, s.Zone.StartOfDay(day), true) >= p.PerDay:
		return "cap_day"
	case countSince(tx, id, s.Zone.StartOfDay(day/100*100+1), true) >= p.PerMonth:
		return "cap_month"
	}
	return ""
}

// ended writes down how an attempt ended; over says that no further channel is to be tried.
func (s *Service) ended(ctx context.Context, run *job.Run, o outgoing, m Sent, t *Transport, provider string, failure error) (over bool, err error) {
	again := false
	wait, waits := errors.AsType[*Later](failure)
	werr := run.Write(context.WithoutCancel(ctx), db.Op{Owner: m.Member}, func(tx *db.Tx) error {
		row, _ := sends.Get(tx, pair{m.Member, m.ID})
		row.Done, row.Provider = tx.Now(), short(provider)
		over, again = false, false
		switch {
		case failure == nil:
			row.State, over = Went, true
		case fault.Is(failure, ErrWaits):
			row.State, over = Waits, true
		case fault.Is(failure, ErrMaybe):
			row.State, row.Reason, over = Maybe, ErrMaybe.Code, true
		case fault.Is(failure, ErrNoCredit): // the provider knows better: whatever we thought is left is not
			row.State, row.Reason = Failed, ErrNoCredit.Code
			if left := CreditsLeft(tx, m.Member, m.Template); t.Credited && left > 0 {
				if err := s.credit(tx, m.Member, m.Template, -left, fmt.Sprintf("none:%d", m.ID)); err != nil {
					return err
				}
			}
		case fault.Is(failure, ErrNoAddress), fault.Is(failure, ErrRefused):
			row.State, row.Reason = Failed, short(fault.CodeOf(failure))
			if err := s.giveBack(tx, m, t); err != nil {
				return err
			}
		case waits: // not sent, and nothing will be for a while: the attempt is taken back whole
			sends.Delete(tx, pair{m.Member, m.ID})
			over = true
			if err := s.giveBack(tx, m, t); err != nil {
				return err
			}
			return s.later(tx, run, o, max(wait.Until, tx.Now()+clock.Second))
		default: // not sent, and may work later: the attempt is taken back whole
			sends.Delete(tx, pair{m.Member, m.ID})
			again = true
			return s.giveBack(tx, m, t)
		}
		sends.Put(tx, row)
		if over {
			return run.Finish(tx)
		}
		return nil
	})
	if werr != nil {
		return true, werr
	}
	if again {
		return true, errors.Join(errors.New("message: channel "+t.Channel), failure)
	}
	return over, nil
}

// giveBack returns the subscription that a send had spent without reaching anybody.
func (s *Service) giveBack(tx *db.Tx, m Sent, t *Transport) error {
	if !t.Credited {
		return nil
	}
	return s.credit(tx, m.Member, m.Template, 1, fmt.Sprintf("back:%d", m.ID))
}

func short(s string) string {
	if len(s) > 64 {
		return s[:64]
	}
	return s
}

const (
	batch    = 200
	lastDays = 3 // before points expire, told a second time
)

// remind tells members whose points will expire: once within the days of reminding, once more in the last days (P12).
func (s *Service) remind(ctx context.Context, run *job.Run, _ job.Slot) error {
	var after int64
	_, _ = fmt.Sscan(run.Cursor(), &after)
	for {
		var due []int64
		if err := s.DB.View(ctx, func(v *db.View) error {
			due = ledger.DueBefore(v, ledger.Points, after, s.horizon(v), batch)
			return nil
		}); err != nil || len(due) == 0 {
			return err
		}
		after = due[len(due)-1]
		err := run.Write(ctx, db.Op{Owners: due, Weight: len(due)}, func(tx *db.Tx) error {
			for _, id := range due {
				if err := s.remindOne(tx, id); err != nil {
					return err
				}
			}
			return run.Save(tx, fmt.Sprint(after))
		})
		if err != nil {
			return err
		}
	}
}

// horizon is the end of the days of reminding.
func (s *Service) horizon(r db.Reader) int64 {
	days := points.Policy.At(r, r.Now()).Value.RemindDays
	return s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(r.Now()), days+1)) + 1
}

func (s *Service) remindOne(tx *db.Tx, id int64) error {
	list := ledger.ExpiringBefore(tx, id, ledger.Points, s.horizon(tx))
	if len(list) == 0 {
		return nil
	}
	var sum int64
	for _, e := range list {
		sum += e.Amount
	}
	first := list[0].At
	stage := "soon"
	if first < s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(tx.Now()), lastDays+1))+1 {
		stage, sum = "last", list[0].Amount
	}
	return s.Tell(tx, Note{Member: id, Occasion: PointsExpiring, Dedupe: fmt.Sprintf("%s:%d", stage, s.Zone.LocalDay(first-1)),
		Values: map[string]string{"points": fmt.Sprint(sum), "day": s.dayText(first - 1)}})
}

// tidy drops what is older than the inbox keeps.
func (s *Service) tidy(ctx context.Context, run *job.Run, _ job.Slot) error {
	for {
		n := 0
		err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			old := oldBefore(tx, tx.Now()-Rules.At(tx, tx.Now()).Value.KeepDays*clock.Day, batch)
			for _, l := range old {
				letters.Delete(tx, pair{l.Member, l.ID})
			}
			n = len(old)
			return run.Save(tx, fmt.Sprint(n))
		})
		if err != nil || n < batch {
			return err
		}
	}
}
