package member

import (
	"context"
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
)

// Door is the name of the members' door.
const Door = "member"

// OpenDoor opens the members' door: they come with the token of their session, browsers in a cookie and
// the mini program as a bearer. Whoever comes through it is asked for no id: routes take the caller's.
func (s *Service) OpenDoor(srv *web.Server, d *db.DB) {
	srv.Door(web.Door{Name: Door, Prefix: "/api/member", Zh: "会员中心", En: "Member centre", Cookie: true, Scheme: "Bearer",
		Authenticate: web.Session(func(ctx context.Context, hash string) (web.Caller, error) {
			m, err := s.Who(ctx, d, hash)
			if err != nil {
				return web.Caller{}, err
			}
			return web.Caller{Kind: Door, ID: m.ID}, nil
		})})
}

// RoutesMember registers what members may see and change of themselves.
func (s *Service) RoutesMember(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	tags := []string{"member"}
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/me", ID: "me.get", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的资料", En: "Who I am"}, h.getMe)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPut, Path: "/me/profile", ID: "me.profile", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "更新我的资料，只改所给字段", En: "Change the fields of my profile that are given", Errors: []*fault.Kind{ErrField, ErrBlocked}}, h.putMyProfile)
	h.codeRoutes(srv)
	h.consentRoutes(srv)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodDelete, Path: "/session", ID: "me.logout", Perm: web.AnyCaller, Tags: tags,
		Zh: "退出登录", En: "Log out", Errors: []*fault.Kind{db.ErrBusy}}, h.deleteSession)
}

type meOut struct {
	MemberNo string     `json:"member_no" doc:"会员号|my member number"`
	Status   string     `json:"status" enum:"active,frozen,blacklisted" doc:"状态|status"`
	JoinedAt int64      `json:"joined_at" doc:"入会时刻，UTC 毫秒|when I joined, milliseconds UTC"`
	Profile  profileOut `json:"profile" doc:"资料，已脱敏|profile, masked"`
}

func (h routes) getMe(c *web.Ctx, _ *struct{}) (out *meOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		m, err := Resolve(v, c.Caller.ID)
		if err != nil {
			return err
		}
		p, err := h.s.ProfileOf(v, m.ID)
		out = &meOut{id.String(m.ID), m.Status, m.JoinedAt, p.out()}
		return err
	})
	return out, err
}

// myProfileIn has no phone: a number becomes an identity, so somebody must have verified it.
type myProfileIn struct{ Body ProfileFields }

func (h routes) putMyProfile(c *web.Ctx, in *myProfileIn) (*putProfileOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*putProfileOut, error) {
		return h.s.setProfile(tx, c.Caller.ID, in.Body.input())
	})
}

func (h routes) deleteSession(c *web.Ctx, _ *struct{}) (*web.None, error) {
	c.EndSession()
	hash := c.SessionHash()
	return &web.None{}, h.d.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		h.s.EndSession(tx, hash)
		return nil
	})
}
