package privacy

import (
	"net/http"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// RoutesMember registers what members may do about their data. To see and correct it are the routes of the profile.
func (s *Service) RoutesMember(srv *web.Server) {
	tags := []string{"privacy"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/exports", ID: "me.exports", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的数据副本", En: "Copies of my data"}, s.getExports)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/exports", ID: "me.export", Perm: web.AnyCaller, Write: true, Status: http.StatusAccepted, Tags: tags,
		Zh: "申请数据副本", En: "Ask for a copy of my data", Errors: []*fault.Kind{ErrSoon}}, s.postExport)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/exports/{id}/content", ID: "me.export_content", Perm: web.AnyCaller, Tags: tags,
		Zh: "下载数据副本（JSON）", En: "Download a copy of my data (JSON)", Errors: []*fault.Kind{ErrNoExport, ErrNotReady, db.ErrBusy}}, s.getContent)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/closure", ID: "me.closure", Perm: web.AnyCaller, Tags: tags,
		Zh: "注销：现状与将作废的内容", En: "Closing: whether it is under way, and what would be void"}, s.getClosure)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/closure", ID: "me.close", Perm: web.AnyCaller, Write: true, Status: http.StatusCreated, Tags: tags,
		Zh: "申请注销（有冷静期）", En: "Ask to close the account, with days to think it over", Errors: []*fault.Kind{ErrConfirm, ErrClosing, ErrOwing}}, s.postClosure)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodDelete, Path: "/me/closure", ID: "me.stay", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "撤回注销申请", En: "Take the closing back", Errors: []*fault.Kind{ErrNoClosure}}, s.deleteClosure)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/access-log", ID: "me.access_log", Perm: web.AnyCaller, Tags: tags,
		Zh: "谁查看过我的完整信息，从新到旧", En: "Who saw my data in clear, newest first", Errors: []*fault.Kind{web.ErrCursor}}, s.getAccess)
}

type exportOut struct {
	ID      web.ID `json:"id" doc:"编号|the copy"`
	State   string `json:"state" enum:"waiting,ready" doc:"状态|state"`
	Asked   int64  `json:"asked_at" doc:"申请时刻，UTC 毫秒|asked for, milliseconds UTC"`
	Ready   int64  `json:"ready_at,omitempty" doc:"备好时刻|ready since"`
	Expires int64  `json:"expires_at" doc:"删除时刻|dropped at"`
	Bytes   int64  `json:"bytes,omitempty" doc:"大小|size"`
}

func exportFor(e Export) exportOut {
	return exportOut{web.ID(e.ID), e.State, e.Asked, e.Ready, e.Expires, e.Bytes}
}

type exportsOut struct {
	Data []exportOut `json:"data" doc:"副本，从旧到新|copies, oldest first"`
}

func (s *Service) getExports(c *web.Ctx, _ *struct{}) (out *exportsOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		out = &exportsOut{Data: []exportOut{}}
		for _, e := range exports.OfOwner(v, c.Caller.ID) {
			if e.Expires > v.Now() {
				out.Data = append(out.Data, exportFor(e))
			}
		}
		return nil
	})
	return out, err
}

func (s *Service) postExport(c *web.Ctx, _ *struct{}) (*exportOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*exportOut, error) {
		e, err := s.Ask(tx, c.Caller.ID)
		if err != nil {
			return nil, err
		}
		out := exportFor(e)
		return &out, nil
	})
}

type exportIn struct {
	ID web.ID `path:"id" doc:"副本|the copy"`
}

type contentOut struct {
	Name    string   `json:"name" doc:"建议的文件名|a name for the file"`
	Content web.JSON `json:"content" doc:"全部内容|all of it"`
}

// getContent is handed to the caller alone: the key of the row is the caller's. It leaves a line in the access log.
func (s *Service) getContent(c *web.Ctx, in *exportIn) (out *contentOut, err error) {
	me := c.Caller.ID
	err = s.DB.View(c, func(v *db.View) error {
		e, ok := exports.Get(v, pair{me, int64(in.ID)})
		switch {
		case !ok || e.Expires <= v.Now():
			return ErrNoExport.New()
		case e.State != Ready:
			return ErrNotReady.New()
		}
		text, err := s.read(v, e)
		out = &contentOut{"guanxi-my-data-" + s.Zone.Format("20060102", e.Ready) + ".json", web.JSON(text)}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.DB.Write(c, db.Op{Owner: me, Actor: c.Caller.Actor()}, func(tx *db.Tx) error { return Seen(tx, me, "download") })
}

type closureOut struct {
	Under   bool  `json:"under_way" doc:"是否已申请注销|whether closing is under way"`
	Asked   int64 `json:"asked_at,omitempty" doc:"申请时刻，UTC 毫秒|asked for, milliseconds UTC"`
	Due     int64 `json:"due_at,omitempty" doc:"生效时刻；在此之前可以撤回|when it comes; until then it can be taken back"`
	Points  int64 `json:"points" doc:"将作废的积分，申请时须回传确认|points that will be void, to be confirmed when asking"`
	Held    int64 `json:"held" doc:"订单占用中的积分；不为 0 时不能注销|points held by open orders; closing waits for them"`
	Debt    int64 `json:"debt" doc:"欠分|points owed"`
	Cooling int64 `json:"cooling_days" doc:"冷静期天数|days to think it over"`
}

func (s *Service) closure(r db.Reader, me int64) *closureOut {
	v := VoidOf(r, me)
	out := &closureOut{Points: v.total(), Held: v.Points.Held, Debt: v.Points.Debt, Cooling: Rules.At(r, r.Now()).Value.CoolingDays}
	if c, ok := UnderWay(r, me); ok {
		out.Under, out.Asked, out.Due = true, c.Asked, c.Due
	}
	return out
}

func (s *Service) getClosure(c *web.Ctx, _ *struct{}) (out *closureOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		out = s.closure(v, c.Caller.ID)
		return nil
	})
	return out, err
}

type closureIn struct {
	Body struct {
		Points int64 `json:"points" minimum:"0" doc:"所示将作废的积分|the points shown as void"`
	}
}

func (s *Service) postClosure(c *web.Ctx, in *closureIn) (*closureOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*closureOut, error) {
		if _, err := s.Leave(tx, c.Caller.ID, in.Body.Points); err != nil {
			return nil, err
		}
		return s.closure(tx, c.Caller.ID), nil
	})
}

func (s *Service) deleteClosure(c *web.Ctx, _ *struct{}) (*closureOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*closureOut, error) {
		if err := s.Stay(tx, c.Caller.ID); err != nil {
			return nil, err
		}
		return s.closure(tx, c.Caller.ID), nil
	})
}

type accessOut struct {
	What string `json:"what" enum:"unmask,export,download" doc:"做了什么|what was done"`
	By   string `json:"by" enum:"staff,partner,member,system" doc:"谁|by whom"`
	At   int64  `json:"at" doc:"时刻，UTC 毫秒|when, milliseconds UTC"`
}

// kindOf tells members what sort of person it was, not who: staff have a private life, too.
func kindOf(actor string) string {
	kind, _, _ := strings.Cut(actor, ":")
	switch kind {
	case "staff", "partner", "member":
		return kind
	}
	return "system"
}

func (s *Service) getAccess(c *web.Ctx, in *web.Paging) (out *web.Page[accessOut], err error) {
	before := int64(1<<63 - 1)
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	err = s.DB.View(c, func(v *db.View) error {
		page := web.PageOf(AccessesOf(v, c.Caller.ID, before, in.Limit+1), in.Limit, func(a Access) string { return web.EncodeCursor(a.ID) })
		out = &web.Page[accessOut]{Data: make([]accessOut, 0, len(page.Data)), Next: page.Next}
		for _, a := range page.Data {
			out.Data = append(out.Data, accessOut{a.What, kindOf(a.Actor), a.At})
		}
		return nil
	})
	return out, err
}

// Console is what staff change of privacy.
type Console struct {
	staff.Desk
	S *Service
}

// Register registers the console's routes.
func (k Console) Register(srv *web.Server) {
	staff.Tune(srv, k.Desk, staff.Tunable[Policy]{Path: "privacy", ID: "privacy.policy", View: "view.settings", Edit: "edit.settings",
		Zh: "注销冷静期与数据副本保留期", En: "Days to think closing over, and of copies", Setting: Rules})
	staff.Tune(srv, k.Desk, staff.Tunable[member.Agreements]{Path: "agreements", ID: "privacy.agreements", View: "view.settings", Edit: "edit.settings",
		Zh: "会员协议与隐私政策", En: "The terms and the privacy policy", Setting: member.Agreement})
	web.Route(srv, staff.Dangerous(staff.Change(http.MethodPost, "/members/{id}/erasure", "privacy.erase", "erase.members", "注销并清除个人信息（不可恢复）", "Close the account and erase the person, for good",
		member.ErrNone, ErrOwing, staff.ErrReason)), k.erase)
}

type consoleEraseIn struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

type consoleErased struct {
	ID     web.ID `json:"id" doc:"会员编号|the member"`
	Points int64  `json:"points" doc:"作废的积分|points that became void"`
}

func (k Console) erase(c *web.Ctx, in *consoleEraseIn) (*consoleErased, error) {
	if err := staff.CheckReason(in.Body.Reason); err != nil {
		return nil, err
	}
	return staff.Write(c, k.Desk, db.Op{Owner: int64(in.ID)}, func(tx *db.Tx) (*consoleErased, staff.Act, error) {
		m, err := member.Reach(tx, k.Desk, staff.WhoOf(c), "erase.members", int64(in.ID))
		if err != nil {
			return nil, staff.Act{}, err
		}
		if held := VoidOf(tx, m.ID).Points.Held; held > 0 {
			return nil, staff.Act{}, ErrOwing.With("held", held)
		}
		void, err := k.S.Erase(tx, m.ID, in.Body.Reason)
		return &consoleErased{web.ID(m.ID), void}, staff.Act{What: "member.erase", Targets: []int64{m.ID}, Reason: in.Body.Reason}, err
	})
}
