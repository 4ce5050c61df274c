package staff

import (
	"context"
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

// Door is the name of the console's door.
const Door = "console"

// OpenDoor opens the console's door: operators come with the cookie of their session.
func (s *Service) OpenDoor(srv *web.Server) {
	srv.Door(web.Door{Name: Door, Prefix: "/api/console", Zh: "运营后台", En: "Operator console", Cookie: true,
		Authenticate: web.Session(func(ctx context.Context, hash string) (web.Caller, error) {
			who, err := s.Who(ctx, hash)
			if err != nil {
				return web.Caller{}, err
			}
			return web.Caller{Kind: "staff", ID: who.Operator, Name: who.Name, Can: who.Can, Scope: who, Fresh: s.db.Clock().Now()-who.Proved < freshFor}, nil
		})})
}

// WhoOf gives the operator behind a request of the console.
func WhoOf(c *web.Ctx) Who {
	who, _ := c.Caller.Scope.(Who)
	who.IP, who.Request = c.IP().String(), c.RequestID()
	return who
}

// Routes registers the routes of staff.
func (s *Service) Routes(srv *web.Server) {
	srv.Tag("staff", "员工与权限", "Staff")
	tags := []string{"staff"}
	// One address may try ten times a minute, whatever the names.
	tries := web.NewLimiter(s.db.Clock(), 10, clock.Minute, 10, 100_000).Guarding("staff.tries")
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPost, Path: "/setup", ID: "staff.setup", Public: true, Limit: tries, Tags: tags,
		Zh: "用初始化口令创建第一个操作员", En: "Make the first operator with the set-up token",
		Errors: []*fault.Kind{ErrSetupToken, ErrSetupDone, ErrLogin, ErrName, password.ErrWeak}}, s.postSetup)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPost, Path: "/session", ID: "staff.login", Public: true, Limit: tries, Tags: tags,
		Zh: "登录", En: "Log in", Errors: []*fault.Kind{ErrWrongLogin, ErrLocked, ErrCodeNeeded, ErrWrongCode, ErrUsePasskey}}, s.postSession)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/session", ID: "staff.me", Perm: web.AnyCaller, Tags: tags,
		Zh: "当前操作员与权限", En: "Who is logged in, and what they may do"}, s.getSession)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodDelete, Path: "/session", ID: "staff.logout", Perm: web.AnyCaller, Tags: tags,
		Zh: "退出登录", En: "Log out"}, s.deleteSession)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/approvals", ID: "approval.list", Perm: web.AnyCaller, Tags: tags,
		Zh: "复核申请：待我处理、我提交的、已处理的", En: "Approvals: those the caller may decide, has asked for, or that are settled", Errors: []*fault.Kind{web.ErrCursor}}, s.getApprovals)
	decided := []*fault.Kind{ErrNoApproval, ErrOwnApproval, ErrDenied, ErrDecided, ErrExpired, ErrAltered, ErrReason}
	web.Route(srv, web.Op{Door: Door, Method: http.MethodPost, Path: "/approvals/{id}/decision", ID: "approval.decide", Perm: web.AnyCaller,
		Write: true, Fresh: true, Tags: tags, Zh: "同意或拒绝一项申请", En: "Approve or refuse", Errors: decided}, s.postDecision)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/log", ID: "staff.log", Perm: "view.log", Tags: tags,
		Zh: "操作日志，从新到旧", En: "The operation log, newest first", Errors: []*fault.Kind{web.ErrCursor}}, s.getLog)
	web.Route(srv, web.Op{Door: Door, Method: http.MethodGet, Path: "/log/verification", ID: "staff.verify_log", Perm: "verify.log", Tags: tags,
		Zh: "校验操作日志", En: "Verify the operation log"}, s.getVerification)
}

type setupIn struct {
	Body struct {
		Token    string `json:"token" minLength:"1" maxLength:"100" doc:"启动时显示的初始化口令|the set-up token shown at the start"`
		Login    string `json:"login" minLength:"2" maxLength:"64" doc:"登录名|login name"`
		Name     string `json:"name" minLength:"1" maxLength:"100" doc:"姓名|name"`
		Password string `json:"password" minLength:"12" maxLength:"128" doc:"密码|password"`
	}
}

func (s *Service) postSetup(c *web.Ctx, in *setupIn) (*web.None, error) {
	p, err := s.HashPassword(c, in.Body.Login, vault.Hide(in.Body.Password))
	if err != nil {
		return nil, err
	}
	return &web.None{}, s.db.Write(c, db.Op{Actor: "staff:setup"}, func(tx *db.Tx) error {
		_, err := s.Setup(tx, in.Body.Token, NewOperator{in.Body.Login, in.Body.Name, p})
		return err
	})
}

type loginIn struct {
	Body struct {
		Login    string `json:"login" maxLength:"64" doc:"登录名|login name"`
		Password string `json:"password" maxLength:"512" doc:"密码|password"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"动态口令或恢复码，已启用者必填|code of the second factor or a recovery code, for who has one"`
	}
}

type meOut struct {
	ID          web.ID   `json:"id" doc:"操作员|the operator"`
	Name        string   `json:"name" doc:"姓名|name"`
	Grants      []grant  `json:"grants" doc:"角色|roles"`
	Permissions []string `json:"permissions" doc:"权限|permissions"`
	FactorDue   int64    `json:"factor_due" doc:"须在此时刻前启用两步验证，之后只能设置它；0 为已启用或不要求|a second factor is needed by then, after which nothing else can be done; 0: there is one, or none is asked for"`
}

type grant struct {
	Role   string  `json:"role" doc:"角色|role"`
	Store  *web.ID `json:"store,omitempty" doc:"限定门店|limited to this store"`
	Brand  *web.ID `json:"brand,omitempty" doc:"限定品牌的门店|limited to the stores of this brand"`
	Region string  `json:"region,omitempty" doc:"限定区域的门店；门店、品牌、区域都没有则为全部|limited to the stores of this region; no store, brand or region: all"`
}

func (w Who) out() *meOut {
	out := &meOut{ID: web.ID(w.Operator), Name: w.Name, Grants: []grant{}, Permissions: []string{}, FactorDue: w.Due}
	for _, g := range asGranted(w.Grants) {
		one := grant{Role: g.Role, Region: g.Region}
		if g.Brand != 0 {
			brand := web.ID(g.Brand)
			one.Brand = &brand
		}
		if g.Store != 0 {
			store := web.ID(g.Store)
			one.Store = &store
		}
		out.Grants = append(out.Grants, one)
	}
	for _, p := range Permissions {
		if w.Can(p.Name) {
			out.Permissions = append(out.Permissions, p.Name)
		}
	}
	return out
}

func (s *Service) postSession(c *web.Ctx, in *loginIn) (*meOut, error) {
	token, who, err := s.Login(c, Attempt{Login: in.Body.Login, Password: vault.Hide(in.Body.Password), Code: in.Body.Code, IP: c.IP().String(),
		Agent: c.Header("User-Agent"), Request: c.RequestID()})
	if err != nil {
		return nil, err
	}
	c.SetSession(token, int(liveFor/clock.Second))
	return who.out(), nil
}

func (s *Service) getSession(c *web.Ctx, _ *struct{}) (*meOut, error) { return WhoOf(c).out(), nil }

func (s *Service) deleteSession(c *web.Ctx, _ *struct{}) (*web.None, error) {
	err := s.db.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error { return s.Logout(tx, WhoOf(c), c.SessionHash()) })
	if err == nil {
		c.EndSession()
	}
	return &web.None{}, err
}

type decisionIn struct {
	ID   web.ID `path:"id" doc:"申请|the approval"`
	Body struct {
		Approve bool   `json:"approve" doc:"同意或拒绝|approve or refuse"`
		Digest  string `json:"digest" maxLength:"64" doc:"所看到内容的 SHA-256|SHA-256 of the content that was looked at"`
		Note    string `json:"note,omitempty" maxLength:"500" doc:"说明，拒绝时必填|a note; needed to refuse"`
	}
}

type decisionOut struct {
	State string `json:"state" enum:"approved,refused,executed" doc:"现在的状态|what it is now"`
}

func (s *Service) postDecision(c *web.Ctx, in *decisionIn) (*decisionOut, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*decisionOut, error) {
		var a Approval
		var err error
		if in.Body.Approve {
			a, err = s.Approve(tx, WhoOf(c), int64(in.ID), in.Body.Digest, in.Body.Note)
		} else {
			a, err = s.Refuse(tx, WhoOf(c), int64(in.ID), in.Body.Note)
		}
		return &decisionOut{a.State}, err
	})
}

type logIn struct {
	web.Paging
	Operator web.ID `query:"operator" doc:"操作员|by this operator"`
	Act      string `query:"act" maxLength:"64" doc:"动作，以点结尾则为前缀，如 points.|the act; with a dot at its end a group of them, such as points."`
	From     int64  `query:"from" minimum:"0" doc:"此时刻（含）之后，UTC 毫秒|at or after, milliseconds UTC"`
	Until    int64  `query:"until" minimum:"0" doc:"此时刻之前|before"`
}

type logOut struct {
	Seq      int64  `json:"seq" doc:"序号|number"`
	At       int64  `json:"at" doc:"时间，UTC 毫秒|when, milliseconds UTC"`
	Operator string `json:"operator" doc:"操作员编号|id of the operator"`
	Name     string `json:"name" doc:"操作员姓名|name of the operator"`
	Roles    string `json:"roles" doc:"当时的角色|roles at that moment"`
	Act      string `json:"act" doc:"动作|what was done"`
	Targets  string `json:"targets" doc:"对象编号|ids of what it was about"`
	Old      string `json:"old" doc:"之前的值（脱敏）|the value before, masked"`
	New      string `json:"new" doc:"之后的值（脱敏）|the value after, masked"`
	Reason   string `json:"reason" doc:"原因|why"`
	Hash     string `json:"hash" doc:"链上的哈希|hash in the chain"`
}

func (s *Service) getLog(c *web.Ctx, in *logIn) (*web.Page[logOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	var rows []logOut
	err := s.db.View(c, func(v *db.View) error {
		f := LogFilter{int64(in.Operator), in.Act, in.From, in.Until}
		for _, r := range s.LogSearch(v, f, before, in.Limit+1) {
			who, _ := operators.Get(v, r.Operator)
			rows = append(rows, logOut{r.Seq, r.At, web.ID(r.Operator).String(), who.Name, r.Roles, r.Act, r.Targets, r.Old, r.New, r.Reason, r.Hash})
		}
		return nil
	})
	return web.PageOf(rows, in.Limit, func(r logOut) string { return web.EncodeCursor(r.Seq) }), err
}

type verificationOut struct {
	Rows  int64     `json:"rows" doc:"正确的行数|how many rows are right"`
	Head  string    `json:"head" doc:"最后一行的哈希，请另处保存|hash of the last row: keep it elsewhere"`
	Wrong *LogFault `json:"wrong,omitempty" doc:"第一处错误|the first row that can't be true"`
}

func (s *Service) getVerification(c *web.Ctx, _ *struct{}) (*verificationOut, error) {
	out := &verificationOut{}
	return out, s.db.View(c, func(v *db.View) error {
		out.Rows, out.Wrong = VerifyLog(v)
		out.Head = s.Head(v).Hash
		return nil
	})
}
