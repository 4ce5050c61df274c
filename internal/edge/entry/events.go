package entry

import (
	"context"
	"fmt"
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
	job.Register(r, makeScene, job.Spec{Zh: "生成带参二维码", En: "Have a scene code made"}, s.makeScene)
	job.Register(r, publishMenu, job.Spec{Zh: "发布服务号菜单", En: "Publish the menu of an account"}, s.publishMenu)
	job.Register(r, forgetEntry, job.Spec{Zh: "清理过期登录凭证", En: "Forget logins that are over"}, s.forget)
	job.Register(r, checkFollowers, job.Spec{Zh: "核对关注者", En: "Compare the lists of followers"}, s.checkFollowers)
	job.Register(r, makeLink, job.Spec{Zh: "生成小程序入口链接", En: "Have a mini-program link made"}, s.makeLink)
	job.Register(r, renewLinks, job.Spec{Zh: "续期小程序入口链接", En: "Renew mini-program links"}, s.renewLinks)
	r.Schedule(job.Daily(forgetEntry, 4, 50), job.Daily(renewLinks, 4, 20), job.Daily(checkFollowers, 3, 40))
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
	fresh, unionid := false, s.unionOf(ctx, row.App, &e)
	err = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		fresh = false
		row, ok := events.Get(tx, args.ID)
		if !ok || row.Sealed == "" {
			return run.Finish(tx)
		}
		row.Sealed = ""
		events.Put(tx, row)
		var err error
		if fresh, err = s.apply(tx, row.App, &e, unionid); err != nil {
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
func (s *Service) apply(tx *db.Tx, app string, e *Event, unionid vault.Secret) (greet bool, err error) {
	openid := vault.Hide(e.From)
	if e.Type != "event" {
		return false, nil
	}
	switch e.Event {
	case "subscribe", "SCAN":
		counted(tx, app, sceneText(e), func(c *Scene) {
			c.Scans++
			if e.Event == "subscribe" {
				c.Follows++
			}
		})
		greet = s.followed(tx, app, openid, e, 1)
		return greet, s.tellFollowed(tx, proof{app: app, openid: openid, unionid: unionid})
	case "unsubscribe":
		s.followed(tx, app, openid, e, 0)
	case "subscribe_msg_popup_event", "subscribe_msg_change_event":
		return false, s.answered(tx, app, openid, e)
	case "subscribe_msg_sent_event", "TEMPLATESENDJOBFINISH":
		return false, s.fared(tx, app, openid, e)
	case "user_get_card", "submit_membercard_user_info", "user_del_card":
		if s.Carded == nil {
			return false, nil
		}
		return false, s.Carded(tx, app, e.Card, e.Code)
	case "user_authorization_revoke", "user_authorization_cancellation":
		if e.OpenID != "" {
			openid = vault.Hide(e.OpenID)
		}
		return false, s.withdrew(tx, app, openid, e.Event)
	}
	return false, nil
}

// unionOf asks the platform who has come to follow, when no member is known by this account's id: a member of the mini program is known
// by the unionid. When it can't be asked now, the night's comparison or the next login finds out.
func (s *Service) unionOf(ctx context.Context, app string, e *Event) (unionid vault.Secret) {
	c := s.oas[app]
	if c == nil || e.Type != "event" || e.Event != "subscribe" || s.Followed == nil || s.apps[app].Owner == "" {
		return unionid
	}
	known := true
	err := s.DB.View(ctx, func(v *db.View) (err error) {
		_, known, err = s.Members.Lookup(v, []member.Identity{s.openIdentity(app, vault.Hide(e.From))})
		return err
	})
	if err != nil || known {
		return unionid
	}
	if u, err := c.User(ctx, e.From); err == nil {
		unionid = vault.Hide(u.UnionID)
	}
	return unionid
}

// tellFollowed tells of a follower who is a member, unless somebody newer knows that they left.
func (s *Service) tellFollowed(tx *db.Tx, p proof) error {
	if s.Followed == nil || !s.Follows(tx, p.app, p.openid) {
		return nil
	}
	id, ok, err := s.Members.Lookup(tx, s.identities(p))
	if err != nil || !ok {
		return err
	}
	return s.Followed(tx, id)
}

// sceneText is what the code said by which somebody came, "" when there was none.
func sceneText(e *Event) string {
	if scene := strings.TrimPrefix(e.Key, "qrscene_"); e.Ticket != "" && len(scene) <= 96 {
		return scene
	}
	return ""
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
	if scene := sceneText(e); following == 1 && scene != "" {
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
	if err != nil || !ok || s.Answered == nil {
		return err
	}
	for i, a := range e.Answers {
		yes := a.Said == "accept"
		if !yes && e.Event == "subscribe_msg_popup_event" {
			continue // a no to one question takes nothing away of what was allowed before
		}
		if err := s.Answered(tx, id, a.Template, yes, fmt.Sprintf("%d:%d", tx.ID(), i)); err != nil {
			return err
		}
	}
	return nil
}

// fared books how messages to a member fared.
func (s *Service) fared(tx *db.Tx, app string, openid vault.Secret, e *Event) error {
	id, ok, err := s.Members.Lookup(tx, []member.Identity{s.openIdentity(app, openid)})
	if err != nil || !ok || s.Receipt == nil {
		return err
	}
	kind := s.kind[app]
	if e.Status != "" && e.Status != "success" {
		s.Receipt(tx, id, kind, string(e.SendID), e.Status)
	}
	for _, a := range e.Answers {
		if a.Error != "" && a.Error != "0" {
			s.Receipt(tx, id, kind, a.MsgID, a.Error+" "+a.Status)
		}
	}
	return nil
}

// Left says whether we know that somebody does not follow an account.
func (s *Service) Left(ctx context.Context, app string, openid vault.Secret) (left bool) {
	_ = s.DB.View(ctx, func(v *db.View) error { // when it can't be read, the platform will tell
		f, ok := follows.Get(v, s.followKey(app, openid))
		left = ok && f.Following == 0
		return nil
	})
	return left
}

// NoteLeft notes that the platform says that somebody does not follow.
func (s *Service) NoteLeft(ctx context.Context, app string, openid vault.Secret) {
	err := s.DB.Write(context.WithoutCancel(ctx), db.Op{Actor: "system:entry"}, func(tx *db.Tx) error {
		s.followed(tx, app, openid, &Event{At: tx.Now() / clock.Second}, 0)
		return nil
	})
	if err != nil {
		s.Log.Warn("not noted that somebody left", "err", err)
	}
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
	link := s.JoinURL(app, From{})
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
