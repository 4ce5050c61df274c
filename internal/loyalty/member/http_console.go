package member

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// Console is the routes about members.
type Console struct {
	staff.Desk
	S *Service
}

// Register adds the routes.
func (k Console) Register(srv *web.Server) {
	srv.Tag("member", "会员", "Members")
	staff.Route(srv, staff.Get("/members/total", "member.total", "view.members", "会员数", "How many members there are"), k.total)
	web.Route(srv, staff.Get("/members", "member.list", "view.members", "会员列表，从新到旧", "List members, newest first", web.ErrCursor), k.list)
	web.Route(srv, staff.Ask("/members/lookup", "member.lookup", "view.members", "按身份查找会员", "Find a member by identity", ErrNone, ErrIdentity, vault.ErrPhone), k.lookup)
	web.Route(srv, staff.Get("/members/{id}", "member.get", "view.members", "会员详情（脱敏）", "A member, masked", ErrNone), k.get)
	web.Route(srv, staff.Ask("/members/{id}/unmasking", "member.unmask", "unmask.members", "查看完整个人信息，须填原因并记入操作日志", "See personal data in clear; takes a reason and is logged", ErrNone, staff.ErrReason), k.unmask)
	web.Route(srv, staff.Change(http.MethodPut, "/members/{id}/status", "member.status", "freeze.members", "冻结、拉黑或恢复会员", "Freeze, blacklist or reactivate a member", ErrNone, ErrStatus, ErrCancelled, staff.ErrReason), k.setStatus)
	web.Route(srv, staff.Change(http.MethodPost, "/members/{id}/cancellation", "member.cancel", "erase.members", "注销会员", "Close a membership for good", ErrNone, ErrCancelled, staff.ErrReason), k.cancel)
	k.suspectRoutes(srv)
}

// Reach finds the living member behind an id, when the caller may reach it: a role for one store reaches those who joined there.
func Reach(r db.Reader, d staff.Desk, who staff.Who, perm string, id int64) (Member, error) {
	m, err := Resolve(r, id)
	if err != nil || who.CanAt(perm, 0) {
		return m, err
	}
	codes, _ := d.StoreCodes(r, who, perm)
	for _, code := range codes {
		if code == m.Store {
			return m, nil
		}
	}
	return Member{}, ErrNone.New()
}

type consoleTotal struct {
	Members int64 `json:"members" doc:"会员数|members"`
	Today   int64 `json:"today" doc:"今日入会|joined today"`
	Month   int64 `json:"month" doc:"近 30 天入会|joined in the last 30 days"`
}

func (k Console) total(c *web.Ctx, _ *struct{}) (*consoleTotal, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleTotal, error) {
		today := k.Zone.LocalDay(v.Now())
		since := func(days int) int64 { return JoinedSince(v, k.Zone.AddDays(today, -days)) }
		return &consoleTotal{Count(v), since(0), since(29)}, nil
	})
}

type consoleList struct {
	web.Paging
	Status  string `query:"status" enum:"active,frozen,blacklisted,cancelled" doc:"状态|status"`
	Channel string `query:"channel" maxLength:"64" doc:"入会渠道|joined by"`
	Store   string `query:"store" maxLength:"64" doc:"入会门店编码|code of the store they joined at"`
	From    int64  `query:"joined_from" minimum:"0" doc:"此时刻（含）之后入会，UTC 毫秒|joined at or after, milliseconds UTC"`
	Until   int64  `query:"joined_until" minimum:"0" doc:"此时刻之前入会|joined before"`
}

// ConsoleSummary is a member in a list, masked.
type ConsoleSummary struct {
	ID       web.ID `json:"id" doc:"会员编号|the member"`
	Status   string `json:"status" enum:"active,frozen,blacklisted,cancelled" doc:"状态|status"`
	JoinedAt int64  `json:"joined_at" doc:"入会时间，UTC 毫秒|when they joined, milliseconds UTC"`
	Channel  string `json:"channel" doc:"入会渠道|joined by"`
	Store    string `json:"store" doc:"入会门店|joined at"`
	Source   string `json:"source" doc:"来源系统|source system"`
	Name     string `json:"name" doc:"昵称（脱敏）|nickname, masked"`
	Phone    string `json:"phone" doc:"手机号（脱敏）|phone, masked"`
}

// Summary shows a member in a list, masked.
func (k Console) Summary(r db.Reader, m Member) (ConsoleSummary, error) {
	p, err := k.S.ProfileOf(r, m.ID)
	if err != nil {
		return ConsoleSummary{}, err
	}
	out := ConsoleSummary{web.ID(m.ID), m.Status, m.JoinedAt, m.Channel, m.Store, m.Source, p.Nickname.AsName().String(), p.Phone.AsPhone().String()}
	if out.Phone == "" {
		out.Phone, err = k.boundPhone(r, m.ID)
	}
	return out, err
}

// boundPhone is the masked phone of somebody who joined by it and has told no other.
func (k Console) boundPhone(r db.Reader, id int64) (string, error) {
	bound, err := k.S.IdentitiesOf(r, id)
	for _, b := range bound {
		if b.Kind == KindPhone {
			return b.Masked, err
		}
	}
	return "", err
}

// list may give a short page with a next one: a rare filter is looked for in bounded steps.
func (k Console) list(c *web.Ctx, in *consoleList) (*web.Page[ConsoleSummary], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, k.Desk, func(v *db.View) (*web.Page[ConsoleSummary], error) {
		f := Filter{Status: in.Status, Channel: in.Channel, From: in.From, Until: in.Until}
		codes, all := k.StoreCodes(v, staff.WhoOf(c), "view.members")
		if f.Stores = staff.Within(codes, all, in.Store); !all && len(f.Stores) == 0 {
			return web.PageOf[ConsoleSummary](nil, in.Limit, nil), nil
		}
		var rows []ConsoleSummary
		found, more := Listed(v, f, before, in.Limit+1)
		for _, m := range found {
			one, err := k.Summary(v, m)
			if err != nil {
				return nil, err
			}
			rows = append(rows, one)
		}
		page := web.PageOf(rows, in.Limit, func(s ConsoleSummary) string { return web.EncodeCursor(int64(s.ID)) })
		if page.Next == "" && more != 0 {
			page.Next = web.EncodeCursor(more)
		}
		return page, nil
	})
}

type consoleLookup struct {
	Body struct {
		Kind   string `json:"kind" enum:"phone,openid,unionid,card,email,external" doc:"身份种类|kind of identity"`
		Issuer string `json:"issuer,omitempty" maxLength:"64" doc:"签发方（appid 或系统）|the appid or system it is valid in"`
		Value  string `json:"value" minLength:"1" maxLength:"128" doc:"身份内容|the identity"`
	}
}

func (k Console) lookup(c *web.Ctx, in *consoleLookup) (*ConsoleSummary, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*ConsoleSummary, error) {
		f, ok, err := k.S.Find(v, Identity{Kind: in.Body.Kind, Issuer: in.Body.Issuer, Value: vault.Hide(in.Body.Value)})
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrNone.New()
		}
		m, err := Reach(v, k.Desk, staff.WhoOf(c), "view.members", f.Member)
		if err != nil {
			return nil, err
		}
		out, err := k.Summary(v, m)
		return &out, err
	})
}

type consoleID struct {
	ID web.ID `path:"id" doc:"会员编号，已合并的旧编号也可以|the member; an id that was merged works too"`
}

type consoleIdentity struct {
	Kind     string `json:"kind" doc:"种类|kind"`
	Issuer   string `json:"issuer" doc:"签发方|issuer"`
	Value    string `json:"value" doc:"内容（脱敏）|value, masked"`
	Verified bool   `json:"verified" doc:"已验证|verified"`
	BoundAt  int64  `json:"bound_at" doc:"绑定时间|when it was bound"`
	Origin   web.ID `json:"origin" doc:"最初所属会员|the member it was bound to first"`
}

type consoleProfile struct {
	Nickname    string `json:"nickname" doc:"昵称|nickname"`
	Phone       string `json:"phone" doc:"手机号|phone"`
	Birthday    string `json:"birthday" doc:"生日|birthday"`
	Gender      string `json:"gender" doc:"性别|gender"`
	Region      string `json:"region" doc:"地区|region"`
	CompletedAt int64  `json:"completed_at" doc:"资料完善时间，0 为尚未|when it was completed, 0 not yet"`
}

type consoleStatus struct {
	At     int64  `json:"at" doc:"时间|when"`
	Was    string `json:"was" doc:"之前|before"`
	Status string `json:"status" doc:"之后|after"`
	By     string `json:"by" doc:"操作者|by whom"`
	Reason string `json:"reason" doc:"原因|why"`
}

type consoleMerge struct {
	ID       web.ID `json:"id" doc:"合并记录|the merge"`
	From     web.ID `json:"from" doc:"被并入的会员|who was merged"`
	Into     web.ID `json:"into" doc:"保留的会员|into whom"`
	At       int64  `json:"at" doc:"时间|when"`
	By       string `json:"by" doc:"操作者|by whom"`
	Reason   string `json:"reason" doc:"原因|why"`
	UndoneAt int64  `json:"undone_at" doc:"撤销时间，0 为有效|when it was undone, 0 not"`
}

type consoleMember struct {
	ConsoleSummary
	Profile    consoleProfile    `json:"profile" doc:"资料（脱敏）|profile, masked"`
	Identities []consoleIdentity `json:"identities" doc:"身份（脱敏）|identities, masked"`
	History    []consoleStatus   `json:"status_history" doc:"状态历史|history of the status"`
	Merges     []consoleMerge    `json:"merges" doc:"合并记录|merges"`
}

func (k Console) get(c *web.Ctx, in *consoleID) (*consoleMember, error) {
	return staff.Read(c, k.Desk, func(v *db.View) (*consoleMember, error) {
		m, err := Reach(v, k.Desk, staff.WhoOf(c), "view.members", int64(in.ID))
		if err != nil {
			return nil, err
		}
		return k.detail(v, m)
	})
}

func (k Console) detail(v *db.View, m Member) (*consoleMember, error) {
	p, err := k.S.ProfileOf(v, m.ID)
	if err != nil {
		return nil, err
	}
	one, err := k.Summary(v, m)
	if err != nil {
		return nil, err
	}
	bound, err := k.S.IdentitiesOf(v, m.ID)
	if err != nil {
		return nil, err
	}
	out := &consoleMember{ConsoleSummary: one, Identities: []consoleIdentity{}, History: []consoleStatus{}, Merges: []consoleMerge{},
		Profile: consoleProfile{p.Nickname.AsName().String(), p.Phone.AsPhone().String(), p.Birthday.String(), p.Gender, p.Region, p.Completed}}
	for _, b := range bound {
		out.Identities = append(out.Identities, consoleIdentity{b.Kind, b.Issuer, b.Masked, b.Verified, b.At, web.ID(b.Origin)})
	}
	for _, l := range StatusLogs.OfOwner(v, m.ID) {
		out.History = append(out.History, consoleStatus{l.At, l.Was, l.Status, k.Name(v, l.Actor), l.Reason})
	}
	for _, g := range MergesAbout(v, m.ID) {
		out.Merges = append(out.Merges, consoleMerge{web.ID(g.ID), web.ID(g.From), web.ID(g.Into), g.At, k.Name(v, g.Actor), g.Reason, g.UndoneAt})
	}
	return out, nil
}

type consoleReason struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

type consoleClear struct {
	Profile    consoleProfile    `json:"profile" doc:"资料|profile"`
	Identities []consoleIdentity `json:"identities" doc:"身份|identities"`
}

// unmask is no web.Write: a stored reply would keep in the clear what is sealed everywhere else. Each look is logged.
func (k Console) unmask(c *web.Ctx, in *consoleReason) (out *consoleClear, err error) {
	who := staff.WhoOf(c)
	if err := staff.CheckReason(in.Body.Reason); err != nil {
		return nil, err
	}
	err = k.DB.Write(c, db.Op{Owner: int64(in.ID), Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		m, err := Reach(tx, k.Desk, who, "unmask.members", int64(in.ID))
		if err != nil {
			return err
		}
		if out, err = k.reveal(tx, m.ID); err != nil {
			return err
		}
		if _, err := fact.Emit(tx, m.ID, Unmasked{}); err != nil {
			return err
		}
		return k.Staff.Log(tx, who, staff.Act{What: "member.unmask", Targets: []int64{m.ID}, Reason: in.Body.Reason})
	})
	return out, err
}

func (k Console) reveal(r db.Reader, id int64) (*consoleClear, error) {
	p, err := k.S.ProfileOf(r, id)
	if err != nil {
		return nil, err
	}
	out := &consoleClear{Identities: []consoleIdentity{},
		Profile: consoleProfile{p.Nickname.Reveal(), p.Phone.Reveal(), p.Birthday.Reveal(), p.Gender, p.Region, p.Completed}}
	for _, row := range identitiesOf(r, id) {
		text, err := k.S.openIdentity(r, row)
		if err != nil {
			return nil, err
		}
		out.Identities = append(out.Identities, consoleIdentity{row.Kind, row.Issuer, text.Reveal(), row.Verified > 0, row.Bound, web.ID(row.Origin)})
	}
	return out, nil
}

type consoleSetStatus struct {
	ID   web.ID `path:"id" doc:"会员编号|the member"`
	Body struct {
		Status string `json:"status" enum:"active,frozen,blacklisted" doc:"新状态|the new status"`
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"原因|why"`
	}
}

type consoleNewStatus struct {
	Status string `json:"status" doc:"现在的状态|the status now"`
}

func (k Console) setStatus(c *web.Ctx, in *consoleSetStatus) (*consoleNewStatus, error) {
	return k.change(c, in.ID, "freeze.members", in.Body.Status, in.Body.Reason, k.S.SetStatus)
}

func (k Console) cancel(c *web.Ctx, in *consoleReason) (*consoleNewStatus, error) {
	return k.change(c, in.ID, "erase.members", Cancelled, in.Body.Reason, func(tx *db.Tx, id int64, _, reason string) error {
		return k.S.Cancel(tx, id, reason)
	})
}

func (k Console) change(c *web.Ctx, id web.ID, perm, status, reason string, do func(tx *db.Tx, id int64, status, reason string) error) (*consoleNewStatus, error) {
	return staff.Write(c, k.Desk, db.Op{Owner: int64(id)}, func(tx *db.Tx) (*consoleNewStatus, staff.Act, error) {
		m, err := Reach(tx, k.Desk, staff.WhoOf(c), perm, int64(id))
		if err != nil {
			return nil, staff.Act{}, err
		}
		act := staff.Act{What: "member.status", Targets: []int64{m.ID}, Old: m.Status, New: status, Reason: reason}
		if err := staff.CheckReason(reason); err != nil {
			return nil, act, err
		}
		return &consoleNewStatus{status}, act, do(tx, m.ID, status, reason)
	})
}

// MergeFaults lists what merging and un-merging may refuse, for the routes of whoever ties members, ledger and tiers together.
var MergeFaults = []*fault.Kind{ErrNone, ErrMergeSelf, ErrMerged, ErrCancelled, ErrReason, ErrNoMerge, ErrUndone, ErrMergeOrder}
