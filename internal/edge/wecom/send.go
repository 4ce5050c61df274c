package wecom

import (
	"context"
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/work"
	"guanxi/internal/loyalty/message"
)

const results job.Kind[job.Slot] = "wecom.results"

// task is a message that waits for an employee.
type task struct {
	ID     string
	Corp   string
	Clerk  string
	Member int64
	Send   int64
	At     int64
}

var tasks = db.NewTable(db.Spec[task, string]{
	Name: "wecom_task", Keys: 1, Cols: []string{"id", "corp", "clerk", "member_id", "send_id", "at"},
	Row: func(r *task, p []any) []any { return append(p, &r.ID, &r.Corp, &r.Clerk, &r.Member, &r.Send, &r.At) },
	Key: func(r *task) string { return r.ID },
})

func tasksAfter(r db.Reader, id string, limit int) []task {
	return tasks.Select(r, db.Query[task]{Where: "id > ?", Args: []any{id}, Order: "id", Limit: limit,
		Match: func(t *task) bool { return t.ID > id }, Less: func(a, b *task) bool { return a.ID < b.ID }})
}

// Transport is the channel by which staff write to members.
func (s *Service) Transport() (message.Transport, bool) {
	return message.Transport{Channel: "wecom", Send: s.send}, len(s.corps) > 0
}

// send asks the clerk who speaks with a member to send a text. It waits until the clerk does.
func (s *Service) send(ctx context.Context, m message.Sent) (string, error) {
	var to Contact
	var customer vault.Secret
	err := s.DB.View(ctx, func(v *db.View) (err error) {
		for _, c := range ContactsOf(v, m.Member) {
			if c.Status == Friend && s.corps[c.Corp] != nil && c.Since >= to.Since {
				to = c // whom they met last
			}
		}
		if to.ID == "" {
			return message.ErrNoAddress.New()
		}
		customer, err = s.Vault.Open(vault.Place{Table: "wecom_contact", Row: to.Row, Column: "customer"}, to.Customer)
		return err
	})
	if err != nil {
		return "", err
	}
	made, err := s.corps[to.Corp].Send(ctx, to.Clerk, []string{customer.Reveal()}, m.Title+"\n"+m.Body)
	switch {
	case wechat.ClassOf(err) == wechat.Quota:
		return "", &message.Later{Until: wechat.Until(err), Cause: err}
	case wechat.Trouble(err):
		s.Entry.Trouble(ctx, to.Corp, err)
		return "", message.ErrRefused.With("code", wechat.CodeOf(err)).Because(err)
	case wechat.Lost(err):
		return "", message.ErrMaybe.New().Because(err)
	case channels.Unreached(err), wechat.ClassOf(err) == wechat.Busy:
		return "", err
	case err != nil:
		return "", message.ErrRefused.With("code", wechat.CodeOf(err)).Because(err)
	case len(made.Failed) > 0:
		return "", message.ErrNoAddress.New()
	}
	err = s.DB.Write(context.WithoutCancel(ctx), db.Op{Owner: m.Member, Actor: "system:wecom"}, func(tx *db.Tx) error {
		return tasks.Insert(tx, task{made.ID, to.Corp, to.Clerk, m.Member, m.ID, tx.Now()})
	})
	if err != nil {
		return "", message.ErrMaybe.New().Because(err)
	}
	return made.ID, message.ErrWaits.New()
}

// patience is how long a message may wait for an employee.
const patience = 7 * clock.Day

const atOnce = 100

// poll asks what became of the messages that wait.
func (s *Service) poll(ctx context.Context, run *job.Run, _ job.Slot) error {
	after := ""
	for {
		var list []task
		if err := s.DB.View(ctx, func(v *db.View) error { list = tasksAfter(v, after, atOnce); return nil }); err != nil || len(list) == 0 {
			return err
		}
		for _, t := range list {
			after = t.ID
			if err := s.ask(ctx, run, t); err != nil {
				return err
			}
		}
	}
}

func (s *Service) ask(ctx context.Context, run *job.Run, t task) error {
	c := s.corps[t.Corp]
	failure, over := "", c == nil
	if c != nil {
		list, err := c.Results(ctx, t.ID, t.Clerk)
		if class := wechat.ClassOf(err); err != nil && class != wechat.Permanent {
			return err
		}
		over = err != nil
		for _, r := range list {
			over = over || r.State != work.Waiting
			if r.State == work.NoMore || r.State == work.TooMany {
				failure = "wecom " + strconv.Itoa(r.State)
			}
		}
	}
	late := s.Clock.Now()-t.At > patience
	if !over && !late {
		return nil
	}
	if !over || c == nil {
		failure = "not_confirmed"
	}
	if late && !over {
		if err := c.Cancel(ctx, t.ID); err != nil && wechat.ClassOf(err) != wechat.Permanent {
			return err
		}
	}
	return run.Write(ctx, db.Op{Owner: t.Member}, func(tx *db.Tx) error {
		tasks.Delete(tx, t.ID)
		s.Messages.Settle(tx, t.Member, t.Send, failure)
		return run.Save(tx, t.ID)
	})
}
