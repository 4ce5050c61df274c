package member

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
)

// routes are the feature's routes over a database.
type routes struct {
	s *Service
	d *db.DB
}

// RoutesPartner registers what partners may ask and tell about members.
func (s *Service) RoutesPartner(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	srv.Tag("member", "会员", "Members")
	tags := []string{"member"}
	const door = shop.PartnerDoor
	identity := []*fault.Kind{ErrIdentity, vault.ErrPhone}
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/members", ID: "member.join", Perm: "members.write", Write: true, Status: http.StatusCreated,
		Tags: tags, Zh: "入会；身份已知时返回原会员（200）", En: "Join; a known identity gives its member (200)",
		Errors: append([]*fault.Kind{ErrIdentityTaken, ErrCancelled, shop.ErrOtherStore}, identity...)}, h.postMember)
	web.Route(srv, web.Op{Door: door, Method: http.MethodGet, Path: "/members/{id}", ID: "member.get", Perm: "members.read",
		Tags: tags, Zh: "查看会员（已合并的编号返回现会员）", En: "Show a member; a merged id gives the survivor", Errors: []*fault.Kind{ErrNone}}, h.getMember)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/member-lookups", ID: "member.lookup", Perm: "members.read",
		Tags: tags, Zh: "按身份查找会员", En: "Find a member by identity", Errors: append([]*fault.Kind{ErrNone}, identity...)}, h.postLookup)
	h.useCodeRoute(srv)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPut, Path: "/members/{id}/profile", ID: "member.profile", Perm: "members.write", Write: true,
		Tags: tags, Zh: "更新资料，只改所给字段", En: "Change the profile fields that are given",
		Errors: []*fault.Kind{ErrNone, ErrBlocked, ErrField, ErrIdentityTaken, vault.ErrPhone}}, h.putProfile)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/members/{id}/identities", ID: "member.bind", Perm: "members.write", Write: true,
		Status: http.StatusCreated, Tags: tags, Zh: "绑定一个身份", En: "Bind an identity",
		Errors: append([]*fault.Kind{ErrNone, ErrBlocked, ErrIdentityTaken}, identity...)}, h.postIdentity)
	web.Route(srv, web.Op{Door: door, Method: http.MethodPost, Path: "/members/{id}/sessions", ID: "member.session", Perm: "sessions.write",
		Status: http.StatusCreated, Tags: tags, Zh: "为会员自己的应用开一个会话，令牌只显示一次", En: "Open a session for the member's own app; the token is shown once",
		Errors: []*fault.Kind{ErrNone, ErrBlocked, db.ErrBusy}}, h.postSession)
}

// IdentityIn names a person in a body. Never in an address: addresses are logged.
type IdentityIn struct {
	Kind   string `json:"kind" enum:"phone,openid,unionid,card,email,external" doc:"身份类型|kind of identity"`
	Issuer string `json:"issuer,omitempty" maxLength:"64" doc:"所属应用或系统，如小程序 appid；手机号不填|the app or system it is valid in, such as an appid; empty for phones"`
	Value  string `json:"value" minLength:"1" maxLength:"128" doc:"手机号、openid、卡号等|phone number, openid, card number …"`
}

// Identity is the identity named, verified or not.
func (i IdentityIn) Identity(verified bool) Identity {
	return Identity{Kind: i.Kind, Issuer: i.Issuer, Value: vault.Hide(i.Value), Verified: verified}
}

type boundIn struct {
	IdentityIn
	Verified bool `json:"verified,omitempty" doc:"是否已由贵方核验|whether you have verified it"`
}

type joinIn struct {
	Body struct {
		Identities []boundIn `json:"identities" minItems:"1" maxItems:"5" doc:"身份，按顺序匹配已有会员|identities; the first one known decides"`
		Channel    string    `json:"channel,omitempty" maxLength:"64" doc:"入会渠道|how the member came"`
		Store      string    `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
	}
}

type joinOut struct {
	ID       web.ID `json:"id" doc:"会员编号|the member"`
	New      bool   `json:"new" doc:"是否新会员|whether the member is new"`
	Status   string `json:"status" enum:"active,frozen,blacklisted" doc:"状态|status"`
	JoinedAt int64  `json:"joined_at" doc:"入会时刻，UTC 毫秒|when the member joined, milliseconds UTC"`
}

func (h routes) postMember(c *web.Ctx, in *joinIn) (*joinOut, error) {
	who := shop.CallerOf(c)
	store, err := who.StoreFor(in.Body.Store)
	if err != nil {
		return nil, err
	}
	j := Join{Channel: in.Body.Channel, Store: store, Source: who.Source()}
	var op db.Op
	for _, i := range in.Body.Identities {
		identity := i.Identity(i.Verified)
		if w, err := h.s.Want(identity); err == nil { // Join says what is wrong with the others
			op.Wants = append(op.Wants, w)
		}
		j.Identities = append(j.Identities, identity)
	}
	out, err := web.Write(c, op, func(tx *db.Tx) (*joinOut, error) {
		m, isNew, err := h.s.Join(tx, j)
		if err != nil {
			return nil, err
		}
		if m.Status == Cancelled {
			return nil, ErrCancelled.New()
		}
		if !isNew {
			c.SetStatus(http.StatusOK)
		}
		return &joinOut{web.ID(m.ID), isNew, m.Status, m.JoinedAt}, nil
	})
	return out, h.s.AfterRefusal(c, h.d, c.Caller.Actor(), 0, j.Identities, err)
}

// IDIn names a member in the path.
type IDIn struct {
	ID web.ID `path:"id" doc:"会员编号|the member"`
}

type memberOut struct {
	ID         web.ID        `json:"id" doc:"会员编号；与所问不同说明已合并|the member; another id than asked for after a merge"`
	Status     string        `json:"status" enum:"active,frozen,blacklisted,cancelled" doc:"状态|status"`
	JoinedAt   int64         `json:"joined_at" doc:"入会时刻，UTC 毫秒|when the member joined, milliseconds UTC"`
	Channel    string        `json:"channel,omitempty" doc:"入会渠道|how the member came"`
	Store      string        `json:"store,omitempty" doc:"入会门店|the store where the member joined"`
	Profile    profileOut    `json:"profile" doc:"资料，已脱敏|profile, masked"`
	Identities []identityOut `json:"identities" doc:"身份，已脱敏|identities, masked"`
}

type profileOut struct {
	Nickname    string `json:"nickname,omitempty" doc:"昵称，已脱敏|nickname, masked"`
	Phone       string `json:"phone,omitempty" doc:"手机号，已脱敏|phone number, masked"`
	HasBirthday bool   `json:"has_birthday" doc:"是否已填生日|whether the birthday is known"`
	Gender      string `json:"gender,omitempty" enum:"female,male,other" doc:"性别|gender"`
	Region      string `json:"region,omitempty" doc:"地区|region"`
	CompletedAt int64  `json:"completed_at,omitempty" doc:"资料首次填全的时刻|when it was complete for the first time"`
	UpdatedAt   int64  `json:"updated_at,omitempty" doc:"最近更新时刻|when it was changed last"`
}

type identityOut struct {
	Kind     string `json:"kind" doc:"身份类型|kind of identity"`
	Issuer   string `json:"issuer,omitempty" doc:"所属应用或系统|the app or system it is valid in"`
	Masked   string `json:"masked" doc:"脱敏后的值|the value, masked"`
	Verified bool   `json:"verified" doc:"是否已核验|whether it was verified"`
	BoundAt  int64  `json:"bound_at" doc:"绑定时刻，UTC 毫秒|when it was bound, milliseconds UTC"`
}

func (p Profile) out() profileOut {
	return profileOut{p.Nickname.AsName().String(), p.Phone.AsPhone().String(), !p.Birthday.IsEmpty(), p.Gender, p.Region, p.Completed, p.Updated}
}

func (h routes) getMember(c *web.Ctx, in *IDIn) (out *memberOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		out, err = h.show(v, int64(in.ID))
		return err
	})
	return out, err
}

func (h routes) show(r db.Reader, id int64) (*memberOut, error) {
	m, err := Resolve(r, id)
	if err != nil {
		return nil, err
	}
	p, err := h.s.ProfileOf(r, m.ID)
	if err != nil {
		return nil, err
	}
	bound, err := h.s.IdentitiesOf(r, m.ID)
	if err != nil {
		return nil, err
	}
	out := &memberOut{web.ID(m.ID), m.Status, m.JoinedAt, m.Channel, m.Store, p.out(), []identityOut{}}
	for _, b := range bound {
		out.Identities = append(out.Identities, identityOut{b.Kind, b.Issuer, b.Masked, b.Verified, b.At})
	}
	return out, nil
}

type lookupIn struct{ Body IdentityIn }

func (h routes) postLookup(c *web.Ctx, in *lookupIn) (out *memberOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		found, ok, err := h.s.Find(v, in.Body.Identity(false))
		if err != nil {
			return err
		}
		if !ok {
			return ErrNone.New()
		}
		out, err = h.show(v, found.Member)
		return err
	})
	return out, err
}

// ProfileFields are the fields that are changed when they are given.
type ProfileFields struct {
	Nickname *string `json:"nickname,omitempty" maxLength:"40" doc:"昵称|nickname"`
	Birthday *string `json:"birthday,omitempty" format:"date" doc:"生日，如 1990-05-17|birthday, such as 1990-05-17"`
	Gender   *string `json:"gender,omitempty" enum:"female,male,other" doc:"性别|gender"`
	Region   *string `json:"region,omitempty" maxLength:"20" doc:"地区|region"`
}

func (f ProfileFields) input() ProfileInput {
	return ProfileInput{Nickname: f.Nickname, Birthday: f.Birthday, Gender: f.Gender, Region: f.Region}
}

type putProfileIn struct {
	IDIn
	Body struct {
		ProfileFields
		Phone *string `json:"phone,omitempty" minLength:"1" maxLength:"30" doc:"手机号，贵方须已核验；同时成为会员的身份|phone number, verified by you; it becomes an identity, too"`
	}
}

type putProfileOut struct {
	ID          web.ID `json:"id" doc:"会员编号|the member"`
	CompletedAt int64  `json:"completed_at,omitempty" doc:"资料首次填全的时刻|when it was complete for the first time"`
	UpdatedAt   int64  `json:"updated_at" doc:"更新时刻|when it was changed"`
}

func (h routes) putProfile(c *web.Ctx, in *putProfileIn) (*putProfileOut, error) {
	fields := in.Body.input()
	fields.Phone = in.Body.Phone
	return web.Write(c, db.Op{Owner: int64(in.ID)}, func(tx *db.Tx) (*putProfileOut, error) {
		return h.s.setProfile(tx, int64(in.ID), fields)
	})
}

func (s *Service) setProfile(tx *db.Tx, id int64, fields ProfileInput) (*putProfileOut, error) {
	m, err := Require(tx, id, SignIn)
	if err != nil {
		return nil, err
	}
	if err := s.SetProfile(tx, m.ID, fields); err != nil {
		return nil, err
	}
	row, _ := profiles.Get(tx, m.ID)
	return &putProfileOut{web.ID(m.ID), row.Completed, row.Updated}, nil
}

type bindIn struct {
	IDIn
	Body boundIn
}

type bindOut struct {
	ID   web.ID `json:"id" doc:"会员编号|the member"`
	Kind string `json:"kind" doc:"身份类型|kind of identity"`
}

func (h routes) postIdentity(c *web.Ctx, in *bindIn) (*bindOut, error) {
	identity := in.Body.Identity(in.Body.Verified)
	w, err := h.s.Want(identity)
	if err != nil {
		return nil, err
	}
	out, err := web.Write(c, db.Op{Owner: int64(in.ID), Wants: []db.Want{w}}, func(tx *db.Tx) (*bindOut, error) {
		m, err := Require(tx, int64(in.ID), SignIn)
		if err != nil {
			return nil, err
		}
		return &bindOut{web.ID(m.ID), in.Body.Kind}, h.s.Bind(tx, m.ID, identity)
	})
	return out, h.s.AfterRefusal(c, h.d, c.Caller.Actor(), int64(in.ID), []Identity{identity}, err)
}

type sessionOut struct {
	Token     string `json:"token" doc:"会话令牌，用于 Authorization: Bearer；只显示这一次|the session's token for Authorization: Bearer; shown this once"`
	ExpiresAt int64  `json:"expires_at" doc:"最迟失效时刻，UTC 毫秒；7 天不用也会失效|when it ends at the latest, milliseconds UTC; 7 days unused end it, too"`
}

// postSession is no write with a key, because the stored reply would hold the token: to ask twice opens two sessions.
func (h routes) postSession(c *web.Ctx, in *IDIn) (out *sessionOut, err error) {
	err = h.d.Write(c, db.Op{Owner: int64(in.ID), Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		token, until, err := h.s.OpenSession(tx, int64(in.ID))
		out = &sessionOut{token, until}
		return err
	})
	return out, err
}
