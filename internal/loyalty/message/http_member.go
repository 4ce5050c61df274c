package message

import (
	"fmt"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
)

// RoutesMember registers the inbox and the subscriptions of a member.
func (s *Service) RoutesMember(srv *web.Server) {
	srv.Tag("message", "消息", "Messages")
	tags := []string{"message"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/messages", ID: "me.messages", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的站内信，从新到旧", En: "My messages, newest first", Errors: []*fault.Kind{web.ErrCursor}}, s.getInbox)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/unread", ID: "me.unread", Perm: web.AnyCaller, Tags: tags,
		Zh: "未读数，最多数到 100", En: "How many are unread, counted up to 100"}, s.getUnread)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPut, Path: "/me/messages/read", ID: "me.messages_read", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "标为已读：所列的，或到某条为止的全部", En: "Mark as read: those named, or all up to one", Errors: []*fault.Kind{ErrNone}}, s.putRead)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/subscriptions", ID: "me.subscriptions", Perm: web.AnyCaller, Tags: tags,
		Zh: "可订阅的小程序消息与剩余次数", En: "Messages of the mini program that can be subscribed to, and how often is left"}, s.getSubscriptions)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/subscriptions", ID: "me.subscribe", Perm: web.AnyCaller, Write: true, Tags: tags,
		Status: http.StatusCreated, Zh: "记下我同意的一次性订阅", En: "Note the one-time subscriptions I said yes to"}, s.postSubscriptions)
}

type letterOut struct {
	ID       web.ID `json:"id" doc:"编号|the message"`
	Occasion string `json:"occasion" doc:"场景|occasion"`
	Title    string `json:"title" doc:"标题|title"`
	Body     string `json:"body" doc:"正文|text"`
	Page     string `json:"page" enum:"statement,expiring,tiers,home,closure,badges" doc:"点开去哪个页面|the page it leads to"`
	At       int64  `json:"at" doc:"时刻，UTC 毫秒|when, milliseconds UTC"`
	Read     bool   `json:"read" doc:"是否已读|whether it was read"`
}

func letterFor(r db.Reader, l *Letter, lang string) letterOut {
	o, _ := occasionOf(l.Occasion)
	title, body := text(r, l.Occasion, l.Template, l.Values, l.At, lang)
	return letterOut{web.ID(l.ID), l.Occasion, title, body, o.Page, l.At, l.Read > 0}
}

type inboxIn struct {
	web.Paging
	Unread bool `query:"unread" doc:"只看未读|only unread ones"`
}

func (s *Service) getInbox(c *web.Ctx, in *inboxIn) (out *web.Page[letterOut], err error) {
	before := int64(1<<63 - 1)
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	err = s.DB.View(c, func(v *db.View) error {
		page := web.PageOf(inbox(v, c.Caller.ID, before, in.Unread, in.Limit+1), in.Limit, func(l Letter) string { return web.EncodeCursor(l.ID) })
		out = &web.Page[letterOut]{Data: make([]letterOut, 0, len(page.Data)), Next: page.Next}
		for i := range page.Data {
			out.Data = append(out.Data, letterFor(v, &page.Data[i], c.Lang()))
		}
		return nil
	})
	return out, err
}

type unreadOut struct {
	Unread int `json:"unread" doc:"未读数，最多 100|unread messages, at most 100"`
}

func (s *Service) getUnread(c *web.Ctx, _ *struct{}) (out *unreadOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		out = &unreadOut{Unread(v, c.Caller.ID)}
		return nil
	})
	return out, err
}

type readIn struct {
	Body struct {
		IDs  []web.ID `json:"ids,omitempty" maxItems:"200" doc:"这些|these"`
		Upto web.ID   `json:"up_to,omitempty" doc:"这条以及更早的全部|this one and all before it"`
	}
}

func (s *Service) putRead(c *web.Ctx, in *readIn) (*unreadOut, error) {
	me := c.Caller.ID
	return web.Write(c, db.Op{Owner: me}, func(tx *db.Tx) (*unreadOut, error) {
		var list []Letter
		for _, one := range in.Body.IDs {
			l, ok := letters.Get(tx, pair{me, int64(one)})
			if !ok {
				return nil, ErrNone.New()
			}
			list = append(list, l)
		}
		if in.Body.Upto != 0 {
			list = append(list, inbox(tx, me, int64(in.Body.Upto)+1, true, maxRead)...)
		}
		for _, l := range list {
			if l.Read == 0 {
				l.Read = tx.Now()
				letters.Put(tx, l)
			}
		}
		return &unreadOut{Unread(tx, me)}, nil
	})
}

// maxRead is how many messages one request marks; who has more asks again.
const maxRead = 500

type subscriptionOut struct {
	Template string `json:"template" doc:"小程序模板编号，传给 wx.requestSubscribeMessage|template id for wx.requestSubscribeMessage"`
	Occasion string `json:"occasion" doc:"场景|occasion"`
	Name     string `json:"name" doc:"名称|name"`
	Left     int64  `json:"left" doc:"剩余次数|how often is left"`
}

type subscriptionsOut struct {
	Data []subscriptionOut `json:"data" doc:"可订阅的消息|what can be subscribed to"`
}

func (s *Service) subscriptions(r db.Reader, id int64, lang string) *subscriptionsOut {
	out := &subscriptionsOut{Data: []subscriptionOut{}}
	for _, t := range Templates.At(r, r.Now()).Value.Templates {
		if o, ok := occasionOf(t.Occasion); ok && t.Mini != "" {
			out.Data = append(out.Data, subscriptionOut{t.Mini, o.Key, pick(lang, o.Zh, o.En), CreditsLeft(r, id, t.Mini)})
		}
	}
	return out
}

func (s *Service) getSubscriptions(c *web.Ctx, _ *struct{}) (out *subscriptionsOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		out = s.subscriptions(v, c.Caller.ID, c.Lang())
		return nil
	})
	return out, err
}

type subscribeIn struct {
	Body struct {
		Accepted []string `json:"accepted" minItems:"1" maxItems:"5" doc:"会员点了“允许”的模板编号|template ids that the member allowed"`
	}
}

// postSubscriptions believes the member's app: who lies to it gets fewer messages, and the provider's refusal corrects the count.
func (s *Service) postSubscriptions(c *web.Ctx, in *subscribeIn) (*subscriptionsOut, error) {
	me := c.Caller.ID
	return web.Write(c, db.Op{Owner: me}, func(tx *db.Tx) (*subscriptionsOut, error) {
		known := map[string]bool{}
		for _, one := range s.subscriptions(tx, me, c.Lang()).Data {
			known[one.Template] = true
		}
		for i, t := range in.Body.Accepted {
			if !known[t] || CreditsLeft(tx, me, t) >= maxCredits {
				continue
			}
			if err := s.Subscribe(tx, me, t, ByApp, fmt.Sprintf("%d:%d", tx.ID(), i)); err != nil {
				return nil, err
			}
		}
		return s.subscriptions(tx, me, c.Lang()), nil
	})
}

// maxCredits is more than any member will ever be sent.
const maxCredits = 100
