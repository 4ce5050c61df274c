package staff

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/form"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

// Console is the routes about operators, roles, sessions, limits and checks.
type Console struct{ Desk }

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	k.sessions(srv)
	k.people(srv)
	k.rules(srv)
	k.factor(srv)
	k.filters(srv)
	k.signIn(srv)
	k.passkeys(srv)
}

// Deeds says what happens when somebody agrees.
func (k Console) Deeds() error {
	return errors.Join(k.limitDeed().Register(k.Staff), k.checksDeed().Register(k.Staff), k.factorDeed().Register(k.Staff))
}

func (k Console) sessions(srv *web.Server) {
	srv.Tag("session", "登录与会话", "Sessions")
	web.Route(srv, Open(Get("/setup", "session.setup", "", "是否需要初始化", "Whether the first operator is still to be made")), k.getSetup)
	web.Route(srv, Get("/sessions", "session.list", web.AnyCaller, "自己的会话", "One's own sessions"), k.getSessions)
	web.Route(srv, Change(http.MethodDelete, "/sessions/{id}", "session.end", web.AnyCaller, "结束自己的一个会话", "End one of one's own sessions"), k.deleteSession)
	web.Route(srv, Change(http.MethodPut, "/password", "session.password", web.AnyCaller, "修改自己的密码", "Change one's own password", ErrWrongLogin, ErrLocked, password.ErrWeak), k.putOwnPassword)
}

func (k Console) people(srv *web.Server) {
	srv.Tag("operator", "操作员", "Operators")
	found := []*fault.Kind{ErrNoOperator}
	Route(srv, Get("/operators", "operator.list", "view.operators", "操作员列表", "List operators"), k.getOperators)
	Route(srv, Get("/operators/{id}", "operator.get", "view.operators", "操作员与其会话", "An operator with sessions", found...), k.getOperator)
	Route(srv, Created(Dangerous(Change(http.MethodPost, "/operators", "operator.add", "edit.operators", "新建操作员", "Add an operator", ErrLogin, ErrLoginTaken, ErrName, password.ErrWeak))), k.postOperator)
	Route(srv, Dangerous(Change(http.MethodPut, "/operators/{id}/status", "operator.status", "edit.operators", "停用或启用操作员", "Block an operator or let one in", ErrNoOperator, ErrOwn, ErrStatus, ErrReason)), k.putStatus)
	Route(srv, Dangerous(Change(http.MethodPut, "/operators/{id}/password", "operator.password", "edit.operators", "为操作员设新密码", "Give an operator a new password", ErrNoOperator, password.ErrWeak, ErrSecond, ErrNoApproval, ErrNotYours, ErrAltered, ErrDecided, ErrExpired)), k.putPassword)
	Route(srv, Created(Dangerous(Change(http.MethodPost, "/operators/{id}/password-approval", "operator.password_approval", "edit.operators", "申请重置管理员密码", "Ask to reset an administrator's password", ErrNoOperator, ErrReason))), k.postPasswordApproval)
	Route(srv, Change(http.MethodDelete, "/operators/{id}/sessions/{session}", "operator.end_session", "end.sessions", "结束他人的会话", "End a session of somebody else", found...), k.deleteOther)
	Route(srv, Dangerous(Change(http.MethodPost, "/operators/{id}/roles", "operator.grant", "grant.roles", "授予角色；有其他安全管理员时转为复核申请", "Grant a role; where somebody else could agree, ask for it", ErrNoOperator, ErrOwn, ErrNoRole, ErrRolesMix, ErrScope, ErrReason)), k.postRole)
	Route(srv, Dangerous(Change(http.MethodDelete, "/operators/{id}/roles/{role}", "operator.revoke", "grant.roles", "收回角色", "Take a role back", ErrNoOperator, ErrOwn)), k.deleteRole)
}

func (k Console) rules(srv *web.Server) {
	srv.Tag("security", "权限与双人复核", "Permissions and second looks")
	Route(srv, Get("/roles", "security.roles", "view.operators", "角色与权限", "Roles and permissions"), k.getRoles)
	web.Route(srv, Get("/approvals/{id}", "security.approval", web.AnyCaller, "一项复核申请：申请人与可复核者可见", "An approval: for its maker and whoever may decide it", ErrNoApproval), k.getApproval)
	Route(srv, Get("/settings/limits", "security.limits", "view.settings", "单人限额", "What one person may do alone"), k.getLimits)
	Route(srv, Dangerous(Change(http.MethodPut, "/settings/limits/{name}", "security.set_limit", "edit.settings", "更改单人限额", "Change a limit", ErrNoLimit, ErrAmount, ErrReason)), k.putLimit)
	Route(srv, Get("/settings/checks", "security.checks", "view.settings", "哪些更改需要双人复核", "Which changes take two people"), k.getChecks)
	Route(srv, Dangerous(Change(http.MethodPut, "/settings/checks", "security.set_checks", "edit.settings", "更改双人复核范围", "Change what takes two people", ErrReason, form.ErrInvalid)), k.putChecks)
}

type setupOut struct {
	Needed bool `json:"needed" doc:"还没有操作员|there is no operator yet"`
}

func (k Console) getSetup(c *web.Ctx, _ *struct{}) (*setupOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*setupOut, error) { return &setupOut{k.Staff.NeedsSetup(v)}, nil })
}

type sessionOut struct {
	ID        web.ID `json:"id" doc:"会话|the session"`
	Agent     string `json:"agent" doc:"浏览器|what the browser calls itself"`
	CreatedAt int64  `json:"created_at" doc:"登录时间|when it began"`
	SeenAt    int64  `json:"seen_at" doc:"最近使用|last use"`
	Current   bool   `json:"current" doc:"当前会话|the one of this request"`
}

type sessionsOut struct {
	Data []sessionOut `json:"data" doc:"会话|sessions"`
}

func sessionsFor(list []Session, current int64) []sessionOut {
	out := []sessionOut{}
	for _, s := range list {
		out = append(out, sessionOut{web.ID(s.ID), s.Agent, s.CreatedAt, s.SeenAt, s.ID == current})
	}
	return out
}

func (k Console) getSessions(c *web.Ctx, _ *struct{}) (*sessionsOut, error) {
	who := WhoOf(c)
	return Read(c, k.Desk, func(v *db.View) (*sessionsOut, error) {
		return &sessionsOut{sessionsFor(k.Staff.Sessions(v, who.Operator), who.Session)}, nil
	})
}

func (k Console) deleteSession(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"会话|the session"`
}) (*web.None, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		who := WhoOf(c)
		return &web.None{}, k.Staff.EndSession(tx, who, who.Operator, int64(in.ID))
	})
}

type ownPasswordIn struct {
	Body struct {
		Old string `json:"old" maxLength:"512" doc:"现在的密码|the password until now"`
		New string `json:"new" minLength:"12" maxLength:"128" doc:"新密码|the new password"`
	}
}

func (k Console) putOwnPassword(c *web.Ctx, in *ownPasswordIn) (*web.None, error) {
	who := WhoOf(c)
	if err := k.Staff.CheckPassword(c, who, vault.Hide(in.Body.Old)); err != nil {
		return nil, err
	}
	return k.setPassword(c, who.Operator, in.Body.New, 0)
}

// setPassword hashes outside of the Tx, because that takes its time.
func (k Console) setPassword(c *web.Ctx, operator int64, password string, ticket int64) (*web.None, error) {
	one, err := Read(c, k.Desk, func(v *db.View) (*Operator, error) {
		o, err := k.Staff.Operator(v, operator)
		return &o, err
	})
	if err != nil {
		return nil, err
	}
	p, err := k.Staff.HashPassword(c, one.Login, vault.Hide(password))
	if err != nil {
		return nil, err
	}
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		return &web.None{}, k.Staff.SetPassword(tx, WhoOf(c), operator, p, ticket)
	})
}

type operatorOut struct {
	ID        web.ID       `json:"id" doc:"操作员|the operator"`
	Login     string       `json:"login" doc:"登录名|login name"`
	Name      string       `json:"name" doc:"姓名|name"`
	Status    string       `json:"status" enum:"active,blocked" doc:"状态|status"`
	CreatedAt int64        `json:"created_at" doc:"创建时间|when it was made"`
	Grants    []grant      `json:"grants" doc:"角色|roles"`
	Sessions  []sessionOut `json:"sessions,omitempty" doc:"会话|sessions"`
}

func (o Operator) out() operatorOut {
	return operatorOut{web.ID(o.ID), o.Login, o.Name, o.Status, o.CreatedAt, Who{Grants: o.Grants}.out().Grants, nil}
}

func (k Console) getOperators(c *web.Ctx, in *struct {
	web.Paging
	Status string `query:"status" enum:"active,blocked" doc:"状态|status"`
	Text   string `query:"text" maxLength:"100" doc:"姓名或登录名中的文字|what stands in the name or the login"`
}) (*web.Page[operatorOut], error) {
	var after int64
	if err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	return Read(c, k.Desk, func(v *db.View) (*web.Page[operatorOut], error) {
		var rows []operatorOut
		for _, o := range k.Staff.Operators(v, OperatorFilter{in.Status, in.Text}, after, in.Limit+1) {
			rows = append(rows, o.out())
		}
		return web.PageOf(rows, in.Limit, func(o operatorOut) string { return web.EncodeCursor(int64(o.ID)) }), nil
	})
}

func (k Console) getOperator(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"操作员|the operator"`
}) (*operatorOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*operatorOut, error) {
		o, err := k.Staff.Operator(v, int64(in.ID))
		out := o.out()
		out.Sessions = sessionsFor(k.Staff.Sessions(v, o.ID), WhoOf(c).Session)
		return &out, err
	})
}

type newOperatorIn struct {
	Body struct {
		Login    string `json:"login" minLength:"2" maxLength:"64" doc:"登录名|login name"`
		Name     string `json:"name" minLength:"1" maxLength:"100" doc:"姓名|name"`
		Password string `json:"password" minLength:"12" maxLength:"128" doc:"初始密码|first password"`
	}
}

func (k Console) postOperator(c *web.Ctx, in *newOperatorIn) (*operatorOut, error) {
	p, err := k.Staff.HashPassword(c, in.Body.Login, vault.Hide(in.Body.Password))
	if err != nil {
		return nil, err
	}
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*operatorOut, error) {
		o, err := k.Staff.Add(tx, WhoOf(c), NewOperator{in.Body.Login, in.Body.Name, p})
		out := o.out()
		return &out, err
	})
}

type statusIn struct {
	ID   web.ID `path:"id" doc:"操作员|the operator"`
	Body struct {
		Status string `json:"status" enum:"active,blocked" doc:"状态|status"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) putStatus(c *web.Ctx, in *statusIn) (*web.None, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		return &web.None{}, k.Staff.SetStatus(tx, WhoOf(c), int64(in.ID), in.Body.Status, in.Body.Reason)
	})
}

type passwordIn struct {
	ID   web.ID `path:"id" doc:"操作员|the operator"`
	Body struct {
		Password string `json:"password" minLength:"12" maxLength:"128" doc:"新密码|the new password"`
		Approval web.ID `json:"approval,omitempty" doc:"已获同意的复核申请：重置管理员时需要|an approval that was agreed to: needed for administrators"`
	}
}

func (k Console) putPassword(c *web.Ctx, in *passwordIn) (*web.None, error) {
	return k.setPassword(c, int64(in.ID), in.Body.Password, int64(in.Body.Approval))
}

type reasonIn struct {
	ID   web.ID `path:"id" doc:"操作员|the operator"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) postPasswordApproval(c *web.Ctx, in *reasonIn) (*Done, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*Done, error) {
		if _, err := k.Staff.Operator(tx, int64(in.ID)); err != nil {
			return nil, err
		}
		return waiting(Request(k.Staff, tx, WhoOf(c), PasswordReset, 0, int64(in.ID), in.Body.Reason))
	})
}

func waiting(a Approval, err error) (*Done, error) {
	approval := web.ID(a.ID)
	return &Done{State: Waiting, Approval: &approval}, err
}

func (k Console) deleteOther(c *web.Ctx, in *struct {
	ID      web.ID `path:"id" doc:"操作员|the operator"`
	Session web.ID `path:"session" doc:"会话|the session"`
}) (*web.None, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		if _, err := k.Staff.Operator(tx, int64(in.ID)); err != nil {
			return nil, err
		}
		return &web.None{}, k.Staff.EndSession(tx, WhoOf(c), int64(in.ID), int64(in.Session))
	})
}

type grantIn struct {
	ID   web.ID `path:"id" doc:"操作员|the operator"`
	Body struct {
		Role   string `json:"role" maxLength:"32" doc:"角色|role"`
		Store  web.ID `json:"store,omitempty" doc:"限定门店|limited to this store"`
		Brand  web.ID `json:"brand,omitempty" doc:"限定品牌的门店|limited to the stores of this brand"`
		Region string `json:"region,omitempty" maxLength:"64" doc:"限定区域的门店|limited to the stores of this region"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) postRole(c *web.Ctx, in *grantIn) (*Done, error) {
	g := Grant{in.Body.Role, int64(in.Body.Store), int64(in.Body.Brand), in.Body.Region}
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*Done, error) {
		err := k.Staff.GrantRole(tx, WhoOf(c), int64(in.ID), g)
		if !fault.Is(err, ErrSecond) {
			return &Done{State: "done"}, err
		}
		if g.Store != 0 && g.area() {
			return nil, ErrScope.New().At("store")
		}
		if err := fits(g.Role, heldBy(tx, int64(in.ID))); err != nil {
			return nil, err
		}
		c.SetStatus(http.StatusAccepted)
		return waiting(Request(k.Staff, tx, WhoOf(c), RoleGrant, 0, NewRole{int64(in.ID), g}, in.Body.Reason))
	})
}

func (k Console) deleteRole(c *web.Ctx, in *struct {
	ID     web.ID `path:"id" doc:"操作员|the operator"`
	Role   string `path:"role" maxLength:"32" doc:"角色|role"`
	Store  web.ID `query:"store" doc:"限定门店|limited to this store"`
	Brand  web.ID `query:"brand" doc:"限定品牌|limited to the stores of this brand"`
	Region string `query:"region" maxLength:"64" doc:"限定区域|limited to the stores of this region"`
}) (*web.None, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*web.None, error) {
		return &web.None{}, k.Staff.RevokeRole(tx, WhoOf(c), int64(in.ID), Grant{in.Role, int64(in.Store), int64(in.Brand), in.Region})
	})
}

// Named is something with a name in both languages.
type Named struct {
	Name string `json:"name" doc:"代码|name"`
	Zh   string `json:"zh" doc:"中文|in Chinese"`
	En   string `json:"en" doc:"英文|in English"`
}

type roleOut struct {
	Named
	Can []string `json:"can" doc:"权限|permissions"`
}

type rolesOut struct {
	Roles       []roleOut `json:"roles" doc:"角色|roles"`
	Permissions []Named   `json:"permissions" doc:"权限|permissions"`
	Approvals   []Named   `json:"approvals" doc:"复核种类|kinds of approvals"`
}

func (k Console) getRoles(_ *web.Ctx, _ *struct{}) (*rolesOut, error) {
	out := &rolesOut{}
	for _, r := range Roles {
		out.Roles = append(out.Roles, roleOut{Named{r.Name, r.Zh, r.En}, r.Can})
	}
	for _, p := range Permissions {
		out.Permissions = append(out.Permissions, Named(p))
	}
	for kind, e := range k.Staff.executors {
		out.Approvals = append(out.Approvals, Named{kind, e.Zh, e.En})
	}
	slices.SortFunc(out.Approvals, func(a, b Named) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (k Console) getApproval(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"申请|the approval"`
}) (*approvalOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*approvalOut, error) {
		a, err := k.Staff.Approval(v, int64(in.ID))
		if err != nil {
			return nil, err
		}
		if who := WhoOf(c); a.Maker != who.Operator && !who.CanAt(k.Staff.executors[a.Kind].Perm, a.Store) {
			return nil, ErrNoApproval.New()
		}
		out := k.Staff.show(v, a)
		return &out, nil
	})
}

type limitOut struct {
	Named
	Amount int64 `json:"amount" doc:"数额|amount"`
}

type limitsOut struct {
	Data []limitOut `json:"data" doc:"限额|limits"`
}

func (k Console) getLimits(c *web.Ctx, _ *struct{}) (*limitsOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*limitsOut, error) {
		out := &limitsOut{}
		for _, l := range k.Staff.Limits(v) {
			out.Data = append(out.Data, limitOut{Named{l.Name, l.Zh, l.En}, l.Amount})
		}
		return out, nil
	})
}

type newLimit struct {
	Name   string `json:"name"`
	Amount int64  `json:"amount"`
}

func (k Console) limitDeed() Deed[newLimit] {
	return Deed[newLimit]{Kind: "limit.set", Zh: "更改单人限额", En: "Change a limit", Perm: "edit.settings", Agree: "approve.settings",
		Alone: func(tx *db.Tx, who Who, _ newLimit) error {
			return Second(tx, who, func(f FourEyes) bool { return f.Settings }, "approve.settings")
		},
		Was: func(r db.Reader, n newLimit) any {
			for _, l := range k.Staff.Limits(r) {
				if l.Name == n.Name {
					return newLimit{l.Name, l.Amount}
				}
			}
			return nil
		},
		Do: func(tx *db.Tx, n newLimit) (Act, error) { return k.Staff.setLimit(tx, n.Name, n.Amount) }}
}

type limitIn struct {
	Name string `path:"name" maxLength:"64" doc:"限额|the limit"`
	Body struct {
		Amount int64  `json:"amount" minimum:"0" doc:"数额|amount"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) putLimit(c *web.Ctx, in *limitIn) (*Done, error) {
	return k.limitDeed().Carry(c, k.Staff, db.Op{}, 0, newLimit{in.Name, in.Body.Amount}, in.Body.Reason)
}

func (k Console) getChecks(c *web.Ctx, _ *struct{}) (*SettingOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*SettingOut, error) {
		return SettingFor(k.Desk, v, Checks, form.Of(FourEyes{})), nil
	})
}

func (k Console) checksDeed() Deed[FourEyes] {
	return Deed[FourEyes]{Kind: "checks.set", Zh: "更改双人复核范围", En: "Change what takes two people", Perm: "edit.settings", Agree: "approve.settings",
		Alone: k.limitAlone,
		Was:   func(r db.Reader, _ FourEyes) any { return Checks.At(r, r.Now()).Value },
		Do: func(tx *db.Tx, next FourEyes) (Act, error) {
			was := Checks.At(tx, tx.Now()).Value
			_, err := Checks.Set(tx, next, 0, "")
			return Act{What: "checks.set", Old: was, New: next}, err
		}}
}

// limitAlone asks for a second person while the setting itself is under the rule.
func (k Console) limitAlone(tx *db.Tx, who Who, _ FourEyes) error {
	return Second(tx, who, func(f FourEyes) bool { return f.Settings }, "approve.settings")
}

type checksIn struct {
	Body struct {
		Value  web.JSON `json:"value" doc:"新值|the new value"`
		Reason string   `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

func (k Console) putChecks(c *web.Ctx, in *checksIn) (*Done, error) {
	var next FourEyes
	if err := form.Decode([]byte(in.Body.Value), &next); err != nil {
		return nil, err
	}
	return k.checksDeed().Carry(c, k.Staff, db.Op{}, 0, next, in.Body.Reason)
}
