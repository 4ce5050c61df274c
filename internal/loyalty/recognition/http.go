package recognition

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
)

// RoutesMember registers the page of badges.
func (s *Service) RoutesMember(srv *web.Server) {
	srv.Tag("recognition", "勋章与纪念日", "Badges and days to remember")
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/badges", ID: "me.badges", Perm: web.AnyCaller, Tags: []string{"recognition"},
		Zh: "我的勋章：已得与未得", En: "My badges: those I have and those I don't yet"}, s.getBadges)
}

type badgeOut struct {
	Key   string `json:"key" doc:"代码|key"`
	Name  string `json:"name" doc:"名称|name"`
	How   string `json:"how" doc:"如何获得|how it is earned"`
	Icon  string `json:"icon" doc:"图标|icon"`
	Title string `json:"title,omitempty" doc:"它带来的头衔|the title it brings"`
	At    int64  `json:"earned_at,omitempty" doc:"获得时刻，UTC 毫秒；未获得时没有|when it was earned, milliseconds UTC; absent for not yet"`
	Why   string `json:"why,omitempty" doc:"因何获得，如 order:编号|what earned it, such as order:id"`
}

type badgesOut struct {
	Title string     `json:"title,omitempty" doc:"我的头衔|my title"`
	Data  []badgeOut `json:"data" doc:"全部勋章：已获得的在前，从新到旧|all badges, those I have first, newest first"`
	N     int        `json:"earned" doc:"已获得几枚|how many I have"`
}

func (s *Service) getBadges(c *web.Ctx, _ *struct{}) (out *badgesOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		m, err := member.Resolve(v, c.Caller.ID)
		if err != nil {
			return err
		}
		w, lang := WallOf(v, m.ID), c.Lang()
		out = &badgesOut{N: len(w.Earned), Data: make([]badgeOut, 0, len(Badges))}
		if w.Title != nil {
			_, _, out.Title = w.Title.In(lang)
		}
		for _, a := range w.Earned {
			one := badgeFor(BadgeOf(a.Badge), lang)
			one.At, one.Why = a.At, a.Why
			out.Data = append(out.Data, one)
		}
		for _, b := range w.Left {
			out.Data = append(out.Data, badgeFor(b, lang))
		}
		return nil
	})
	return out, err
}

func badgeFor(b *Badge, lang string) badgeOut {
	name, how, title := b.In(lang)
	return badgeOut{Key: b.Key, Name: name, How: how, Icon: b.Icon, Title: title}
}
