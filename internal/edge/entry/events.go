package entry

import (
	"context"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/loyalty/member"
)

const (
	followIndex vault.Domain = "entry-follow:v1"
	keepEvents               = 30 * clock.Day
	atOnce                   = 500
)

// forgetEntry drops what is over: tickets nobody used, keys of events that will not be pushed again.
const forgetEntry job.Kind[job.Slot] = "entry.forget"

// RegisterJobs names the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, Pushed, job.Spec{Zh: "处理微信事件", En: "Follow what WeChat tells"}, s.follow)
	job.Register(r, forgetEntry, job.Spec{Zh: "清理过期登录凭证", En: "Forget logins that are over"}, s.forget)
	r.Schedule(job.Daily(forgetEntry, 4, 50))
}

func (s *Service) followKey(app string, openid vault.Secret) string {
	return app + "|" + s.Vault.Index(followIndex, openid)
}

// Follows says whether somebody follows an account.
func (s *Service) Follows(r db.Reader, app string, openid vault.Secret) bool {
	f, ok := follows.Get(r, s.followKey(app, openid))
	return ok && f.Following == 1
}

// follow does what follows from an event.
func (s *Service) follow(ctx context.Context, run *job.Run, args EventArgs) error {
	var row eventRow
	var text vault.Secret
	err := s.DB.View(ctx, func(v *db.View) (err error) {
		var ok bool
		if row, ok = events.Get(v, args.ID); !ok || row.Sealed == "" {
			return nil
		}
		text, err = s.Vault.Open(vault.Place{Table: eventTable, Row: row.Row, Column: "sealed"}, row.Sealed)
		return err
	})
	if err != nil || text.IsEmpty() {
		return err
	}
	e, err := ReadEvent([]byte(text.Reveal()))
	if err != nil {
		return job.GiveUp(err)
	}
	fresh := false
	err = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		fresh = false
		row, ok := events.Get(tx, args.ID)
		if !ok || row.Sealed == "" {
			return run.Finish(tx)
		}
		row.Sealed = ""
		events.Put(tx, row)
		var err error
		if fresh, err = s.apply(tx, row.App, &e); err != nil {
			return err
		}
		return run.Finish(tx)
	})
	if err == nil && fresh {
		s.welcome(ctx, row.App, &e)
	}
	return err
}

// apply books an event. It says whether the person should be greeted.
func (s *Service) apply(tx *db.Tx, app string, e *Event) (greet bool, err error) {
	openid := vault.Hide(e.From)
	if e.Type != "event" {
		return false, nil
	}
	switch e.Event {
	case "subscribe", "SCAN":
		return s.followed(tx, app, openid, e, 1), nil
	case "unsubscribe":
		s.followed(tx, app, openid, e, 0)
	case "subscribe_msg_popup_event", "subscribe_msg_change_event":
		return false, s.answered(tx, app, openid, e)
	case "user_authorization_revoke", "user_authorization_cancellation":
		if e.OpenID != "" {
			openid = vault.Hide(e.OpenID)
		}
		return false, s.withdrew(tx, app, openid, e.Event)
	}
	return false, nil
}

// followed notes that somebody came or left. Pushes overtake one another: an older one changes nothing, and of two in one second
// leaving stands, because who left must not be written to.
func (s *Service) followed(tx *db.Tx, app string, openid vault.Secret, e *Event, following int) bool {
	key, at := s.followKey(app, openid), e.At*clock.Second
	row, known := follows.Get(tx, key)
	if known && (at < row.Changed || at == row.Changed && following > row.Following) {
		return false
	}
	was := row.Following
	row.ID, row.App, row.Following, row.Changed = key, app, following, at
	if scene := strings.TrimPrefix(e.Key, "qrscene_"); following == 1 && e.Ticket != "" && len(scene) <= 96 {
		row.Scene = scene
	}
	if known {
		follows.Put(tx, row)
	} else if err := follows.Insert(tx, row); err != nil {
		return false
	}
	return following == 1 && (was == 0 || e.Event == "SCAN")
}

// answered books the answers to subscription questions of a member. Strangers' answers are the platform's business.
func (s *Service) answered(tx *db.Tx, app string, openid vault.Secret, e *Event) error {
	id, ok, err := s.Members.Lookup(tx, []member.Identity{s.openIdentity(app, openid)})
	if err != nil || !ok || s.Credits == nil {
		return err
	}
	for _, a := range e.Answers {
		change := -1
		if a.Said == "accept" {
			change = 1
		}
		if err := s.Credits(tx, id, app, a.Template, change); err != nil {
			return err
		}
	}
	return nil
}

// withdrew takes from us what somebody withdrew in WeChat: the identity of this account and the sessions. A membership that nothing
// else leads to is closed when the WeChat account is gone.
func (s *Service) withdrew(tx *db.Tx, app string, openid vault.Secret, event string) error {
	key := s.followKey(app, openid)
	if f, ok := follows.Get(tx, key); ok {
		follows.Delete(tx, f.ID)
	}
	id, ok, err := s.Members.Lookup(tx, []member.Identity{s.openIdentity(app, openid)})
	if err != nil || !ok {
		return err
	}
	s.Members.EndSessions(tx, id)
	left := s.Members.Forget(tx, id, member.KindOpenID, app)
	if event != "user_authorization_cancellation" {
		return nil
	}
	if owner := s.apps[app].Owner; owner != "" {
		left = s.Members.Forget(tx, id, member.KindUnionID, owner)
	}
	if left > 0 {
		return nil
	}
	m, err := member.Resolve(tx, id)
	if err != nil || m.Status == member.Cancelled {
		return err
	}
	return s.Members.Cancel(tx, id, "the WeChat account was cancelled")
}

// welcome greets who came, inside the minute in which one may. It may fail: nothing depends on it.
func (s *Service) welcome(ctx context.Context, app string, e *Event) {
	c := s.oas[app]
	if c == nil {
		return
	}
	link := s.Public + "/hooks/wechat/oa/" + app + "/login?next=%2Fm%2F"
	if err := c.SendLink(ctx, e.From, "欢迎来到"+c.App.Name, "点此加入会员，积分即刻到账", link, ""); err != nil {
		s.Log.Info("a greeting was not sent", "app", app, "code", wechat.CodeOf(err))
	}
}

func (s *Service) forget(ctx context.Context, run *job.Run, _ job.Slot) error {
	after := ""
	for {
		n := 0
		err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			rows := ticketsAfter(tx, after, atOnce)
			n = len(rows)
			for _, t := range rows {
				after = t.Hash
				if t.Until <= tx.Now() {
					tickets.Delete(tx, t.Hash)
				}
			}
			old := oldEvents(tx, tx.Now()-keepEvents, atOnce)
			for _, e := range old {
				events.Delete(tx, e.ID)
			}
			n = max(n, len(old))
			return run.Save(tx, after)
		})
		if err != nil || n < atOnce {
			return err
		}
	}
}
