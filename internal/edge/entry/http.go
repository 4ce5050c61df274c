package entry

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/track"
)

// RoutesMember registers how members come in, at their door.
func (s *Service) RoutesMember(srv *web.Server) {
	tags := []string{"entry"}
	srv.Tag("entry", "入会与登录", "Joining and logging in")
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/phone-codes", ID: "entry.phone_code", Public: true, Tags: tags, Limit: s.pace.code,
		Zh: "向手机号发送验证码", En: "Send a code to a phone", Errors: []*fault.Kind{vault.ErrPhone, ErrTooOften, ErrSMS, ErrNoSMS}}, s.postCode)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/session", ID: "entry.phone", Public: true, Tags: tags, Limit: s.pace.session,
		Zh: "用手机验证码登录；新人须同意协议才入会", En: "Log in with a phone code; who is new joins by agreeing to the terms",
		Errors: []*fault.Kind{vault.ErrPhone, ErrPhoneCode, ErrPhoneCodeOver, ErrAgreement, member.ErrRival, member.ErrBlocked}}, s.postSession)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/wechat-session", ID: "entry.wechat", Public: true, Tags: tags, Limit: s.pace.session,
		Zh: "用微信登录；新人须同意协议才入会，可同时绑定手机号", En: "Log in with WeChat; who is new joins by agreeing to the terms, a phone may be bound at once",
		Errors: []*fault.Kind{ErrApp, ErrTicket, ErrCodeOver, ErrCodeUsed, ErrRisky, ErrPlatform, ErrPhoneCode, ErrPhoneCodeOver, vault.ErrPhone, member.ErrRival, member.ErrBlocked}}, s.postWechat)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/phone", ID: "entry.bind_phone", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "绑定手机号", En: "Bind a phone", Errors: []*fault.Kind{vault.ErrPhone, ErrPhoneCode, ErrPhoneCodeOver, member.ErrRival}}, s.postPhone)
	s.emailRoutes(srv, tags)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/wechat/js-config", ID: "entry.js_config", Public: true, Tags: tags, Limit: s.pace.page,
		Zh: "页面使用微信 JS-SDK 的签名", En: "The signature with which a page uses WeChat's JS-SDK", Errors: []*fault.Kind{ErrApp, ErrPlatform, ErrPage}}, s.getJSConfig)
}

// Handle mounts what the platforms and browsers on their way call by themselves.
func (s *Service) Handle(srv *web.Server) {
	srv.Handle("GET /hooks/wechat/oa/{app}/login", http.HandlerFunc(s.Login))
	srv.Handle("GET /hooks/wechat/oa/{app}/return", http.HandlerFunc(s.Return))
	srv.Handle("/hooks/wechat/oa/{app}", s.hook(kindOA))
	srv.Handle("/hooks/wechat/mp/{app}", s.hook(kindMP))
	srv.Handle("GET "+LinkPath+"{code}", http.HandlerFunc(s.Link))
}

type codeIn struct {
	Body struct {
		Phone string `json:"phone" minLength:"1" maxLength:"32" doc:"手机号|the phone number"`
	}
}

type codeOut struct {
	AgainAfter int64 `json:"again_after" doc:"多少秒后可以再次获取|seconds until another may be asked for"`
	Lives      int64 `json:"lives" doc:"验证码有效秒数|seconds the code is good for"`
}

func (s *Service) postCode(c *web.Ctx, in *codeIn) (*codeOut, error) {
	again, err := s.SendCode(c, in.Body.Phone)
	if err != nil {
		return nil, err
	}
	return &codeOut{again, codeLives / clock.Second}, nil
}

// AgreementIn is that somebody agreed, and where they came from.
type AgreementIn struct {
	Version string `json:"version,omitempty" maxLength:"64" doc:"所同意的会员协议版本|version of the terms that were agreed to"`
	Channel string `json:"channel,omitempty" maxLength:"64" doc:"入会渠道|the channel"`
	Store   string `json:"store,omitempty" maxLength:"64" doc:"门店编码|code of the store"`
	Clerk   string `json:"clerk,omitempty" maxLength:"32" doc:"导购编号|number of the clerk"`
	Source  string `json:"source,omitempty" maxLength:"32" doc:"来源|the source"`
	Link    string `json:"link,omitempty" maxLength:"24" doc:"入口链接的短码；其渠道、门店与来源以链接为准|code of the entry link; its channel, store and source count"`
	Invite  string `json:"invite,omitempty" maxLength:"64" doc:"邀请码|code of an invitation"`
}

type sessionIn struct {
	Body struct {
		Phone     string       `json:"phone" minLength:"1" maxLength:"32" doc:"手机号|the phone number"`
		Code      string       `json:"code" minLength:"4" maxLength:"8" doc:"短信验证码|the code of the message"`
		Agreement *AgreementIn `json:"agreement,omitempty" doc:"新人入会须给出|needed from who is new"`
		Client    string       `json:"client,omitempty" enum:"web,mini" doc:"mini 在回复中取得令牌，浏览器用 Cookie|mini gets the token in the reply, browsers a cookie"`
	}
}

type wechatIn struct {
	Cookie string `header:"Cookie" hidden:"true"`
	Body   struct {
		App       string       `json:"app,omitempty" maxLength:"64" doc:"小程序 appid，只接入一个时可省略|appid of the mini program, if several are connected"`
		Code      string       `json:"code,omitempty" maxLength:"256" doc:"小程序 wx.login 的 code|code of wx.login in the mini program"`
		Ticket    string       `json:"ticket,omitempty" maxLength:"128" doc:"上一次回复中的 ticket；网页登录的在 Cookie 中|ticket of an earlier reply; that of a web login is in the cookie"`
		PhoneCode string       `json:"phone_code,omitempty" maxLength:"256" doc:"小程序手机号按钮的 code|code of the mini program's phone-number button"`
		Phone     string       `json:"phone,omitempty" maxLength:"32" doc:"同时绑定的手机号|a phone to bind at once"`
		SMSCode   string       `json:"sms_code,omitempty" maxLength:"8" doc:"该手机号的短信验证码|the code sent to it"`
		Agreement *AgreementIn `json:"agreement,omitempty" doc:"新人入会须给出|needed from who is new"`
	}
}

// SessionOut is how somebody came in.
type SessionOut struct {
	State  string `json:"state" enum:"in,agree" doc:"in 已登录；agree 新人，须先同意协议|in: logged in; agree: new here, must agree first"`
	IsNew  bool   `json:"is_new" doc:"刚刚入会|joined just now"`
	Phone  bool   `json:"phone" doc:"是否已绑定手机号|whether a phone is bound"`
	Token  string `json:"token,omitempty" doc:"小程序的会话令牌|the session's token, for the mini program"`
	Ticket string `json:"ticket,omitempty" doc:"同意协议后带上它再次请求|to be sent again together with the agreement"`
	Until  int64  `json:"until,omitempty" doc:"会话最晚结束时刻，UTC 毫秒|when the session ends at the latest"`
}

func (s *Service) postSession(c *web.Ctx, in *sessionIn) (*SessionOut, error) {
	phone, err := vault.Phone(in.Body.Phone)
	if err == nil {
		err = s.checkCode(c, s.phoneKey(phone), in.Body.Code)
	}
	if err != nil {
		return nil, s.refused(c, "", err)
	}
	w := way{list: []member.Identity{phoneIdentity(phone)}, phone: phone, sms: in.Body.Code, channel: "h5", agreement: in.Body.Agreement}
	return s.enter(c, w, in.Body.Client == "mini")
}

func (s *Service) postWechat(c *web.Ctx, in *wechatIn) (*SessionOut, error) {
	w, mini, err := s.wechatWay(c, in)
	if err != nil {
		return nil, s.refused(c, w.proof.app, err)
	}
	return s.enter(c, w, mini)
}

// way is one attempt to come in: what was proved, and how each proof is used up.
type way struct {
	list      []member.Identity
	proof     proof
	ticket    string
	phone     vault.Secret
	sms       string
	channel   string
	agreement *AgreementIn
}

func (s *Service) wechatWay(c *web.Ctx, in *wechatIn) (w way, mini bool, err error) {
	b := &in.Body
	w.agreement, w.ticket = b.Agreement, b.Ticket
	mini = b.Code != "" || b.Ticket != ""
	if !mini {
		w.ticket = cookieValue(in.Cookie, ticketCookie)
	}
	if b.Code != "" {
		w.ticket = ""
		w.proof, err = s.loginByMini(c, b.App, b.Code)
	} else {
		err = s.DB.View(c, func(v *db.View) error { w.proof, err = s.proofOf(v, v.Now(), w.ticket); return err })
	}
	if err != nil {
		return w, mini, err
	}
	w.channel = "wechat-" + w.proof.kind
	w.list = s.identities(w.proof)
	if err := s.addPhone(c, &w, in); err != nil {
		return w, mini, err
	}
	if !w.phone.IsEmpty() {
		w.list = append(w.list, phoneIdentity(w.phone))
	}
	return w, mini, nil
}

// addPhone takes the phone that is proved beside the WeChat account, if any.
func (s *Service) addPhone(c *web.Ctx, w *way, in *wechatIn) (err error) {
	b := &in.Body
	switch {
	case b.PhoneCode != "":
		client, err := s.MP(w.proof.app)
		if err != nil {
			return err
		}
		if w.phone, err = client.Phone(c, b.PhoneCode); err != nil && fault.As(err) == nil {
			return s.platform(err)
		}
		return err
	case b.Phone != "":
		if w.phone, err = vault.Phone(b.Phone); err != nil {
			return err
		}
		w.sms = b.SMSCode
		return s.checkCode(c, s.phoneKey(w.phone), b.SMSCode)
	}
	return nil
}

func (s *Service) loginByMini(ctx context.Context, app, code string) (proof, error) {
	client, err := s.MP(app)
	if err != nil {
		return proof{app: app}, err
	}
	x, err := client.Session(ctx, code)
	if err != nil {
		return proof{app: client.App.AppID}, s.platform(err)
	}
	return proof{app: client.App.AppID, kind: kindMP, openid: vault.Hide(x.OpenID), unionid: vault.Hide(x.UnionID)}, nil
}

func cookieValue(header, name string) string {
	list, err := http.ParseCookie(header)
	if err != nil {
		return ""
	}
	for _, c := range list {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// entryActor is who writes while nobody is known yet.
const entryActor = "member:entry"

// enter lets somebody in. Who is new and has not agreed gets a ticket instead, and nothing is stored but that.
func (s *Service) enter(c *web.Ctx, w way, mini bool) (*SessionOut, error) {
	out := &SessionOut{}
	token := ""
	err := s.DB.Write(context.WithoutCancel(c), db.Op{Actor: entryActor}, func(tx *db.Tx) (err error) {
		*out, token = SessionOut{}, ""
		_, known, err := s.Members.Lookup(tx, w.list)
		if err != nil {
			return err
		}
		if !known && (w.agreement == nil || w.agreement.Version == "") {
			return s.askToAgree(tx, &w, out)
		}
		if err := s.useUp(tx, &w); err != nil {
			return err
		}
		m, err := s.letIn(tx, &w, c.IP().String())
		if err != nil {
			return err
		}
		out.State, out.IsNew, out.Phone = "in", m.IsNew, s.Members.HasKind(tx, m.Member.ID, member.KindPhone)
		token, out.Until, err = s.Members.OpenSession(tx, m.Member.ID)
		return err
	})
	if err != nil {
		return nil, s.refused(c, w.proof.app, s.Members.AfterRefusal(c, s.DB, entryActor, 0, w.list, err))
	}
	switch {
	case out.State != "in":
	case mini:
		out.Token = token
	default:
		c.SetSession(token, int((out.Until-c.Now())/clock.Second))
	}
	return out, nil
}

// askToAgree keeps a WeChat login until its person has agreed; a phone code stays good as it is.
func (s *Service) askToAgree(tx *db.Tx, w *way, out *SessionOut) (err error) {
	if w.proof.app == "" {
		return ErrAgreement.New().At("agreement")
	}
	out.State = "agree"
	if w.ticket == "" {
		out.Ticket, err = s.newTicket(tx, w.proof)
	}
	return err
}

// useUp ends the proofs that are ours, in the Tx of what they are good for.
func (s *Service) useUp(tx *db.Tx, w *way) error {
	if w.ticket != "" {
		if _, err := s.proofOf(tx, tx.Now(), w.ticket); err != nil {
			return err
		}
		tickets.Delete(tx, web.TokenHash(w.ticket))
	}
	if w.sms != "" {
		return s.useCode(tx, s.phoneKey(w.phone), w.sms)
	}
	return nil
}

// cameFrom says where somebody comes from: an entry link knows best, then the page, then the code by which they followed.
func (s *Service) cameFrom(tx *db.Tx, w *way, from *AgreementIn) (e member.Entry, scene string) {
	e = member.Entry{Identities: w.list, Channel: w.channel}
	if w.proof.app != "" {
		if f, ok := follows.Get(tx, s.followKey(w.proof.app, w.proof.openid)); ok && from.Store == "" {
			came := FromScene(f.Scene)
			e.Store, e.Source, scene = came.Store, came.Source, f.Scene
			if came.Clerk != "" {
				e.Source = "clerk:" + came.Clerk
			}
			if came.Channel != "" {
				e.Channel = came.Channel
			}
		}
	}
	if from.Channel != "" {
		e.Channel = from.Channel
	}
	if from.Store != "" {
		e.Store = from.Store
	}
	switch {
	case from.Clerk != "":
		e.Source = "clerk:" + from.Clerk
	case from.Source != "":
		e.Source = from.Source
	}
	if l, ok := track.LinkOf(tx, from.Link); ok {
		e.Source = l.MemberSource()
		e.Channel, e.Store = cmp.Or(l.From.Channel, e.Channel), cmp.Or(l.From.Store, e.Store)
	}
	return e, scene
}

// letIn finds or makes the member.
func (s *Service) letIn(tx *db.Tx, w *way, ip string) (member.Entered, error) {
	from := w.agreement
	if from == nil {
		from = &AgreementIn{}
	}
	e, scene := s.cameFrom(tx, w, from)
	m, err := s.Members.Enter(tx, e)
	if err != nil {
		return m, err
	}
	if m.IsNew {
		s.Joined(tx, w.proof.app, scene)
		s.Tracks.JoinedBy(tx, from.Link)
	}
	if s.Entered != nil {
		if err := s.Entered(tx, m.Member.ID, m.IsNew); err != nil {
			return m, err
		}
	}
	if w.proof.kind == kindOA {
		if err := s.tellFollowed(tx, w.proof); err != nil {
			return m, err
		}
	}
	if !w.phone.IsEmpty() {
		if err := s.Members.NotePhone(tx, m.Member.ID, w.phone); err != nil {
			return m, err
		}
	}
	if w.agreement != nil && w.agreement.Version != "" && s.Agreed != nil {
		return m, s.Agreed(tx, m.Member.ID, Agreement{Version: w.agreement.Version, Channel: e.Channel, IP: ip})
	}
	return m, nil
}

type phoneIn struct {
	Body struct {
		Phone string `json:"phone" minLength:"1" maxLength:"32" doc:"手机号|the phone number"`
		Code  string `json:"code" minLength:"4" maxLength:"8" doc:"短信验证码|the code of the message"`
	}
}

type phoneOut struct {
	Phone string `json:"phone" doc:"已绑定的手机号，已脱敏|the phone that is bound, masked"`
}

func (s *Service) postPhone(c *web.Ctx, in *phoneIn) (*phoneOut, error) {
	phone, err := vault.Phone(in.Body.Phone)
	if err != nil {
		return nil, err
	}
	out, err := web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*phoneOut, error) {
		// Bound already is as good as done: after a merge the same request comes under another member's key.
		if id, ok, err := s.Members.Lookup(tx, []member.Identity{phoneIdentity(phone)}); err != nil || ok && id == c.Caller.ID {
			return &phoneOut{phone.String()}, err
		}
		if err := s.useCode(tx, s.phoneKey(phone), in.Body.Code); err != nil {
			return nil, err
		}
		m, err := s.Members.Enter(tx, member.Entry{Identities: []member.Identity{phoneIdentity(phone)}, Self: c.Caller.ID})
		if err != nil {
			return nil, err
		}
		return &phoneOut{phone.String()}, s.Members.NotePhone(tx, m.Member.ID, phone)
	})
	if fault.Is(err, ErrPhoneCodeOver) { // a wrong code counts as a try; the same request again was answered above
		if why := s.checkCode(c, s.phoneKey(phone), in.Body.Code); why != nil {
			err = why
		}
	}
	if err != nil {
		return nil, s.refused(c, "", s.Members.AfterRefusal(c, s.DB, entryActor, c.Caller.ID, []member.Identity{phoneIdentity(phone)}, err))
	}
	return out, nil
}

// ErrPage refuses to sign for pages that are not ours.
var ErrPage = fault.Define("entry.page", fault.Invalid, "只能为本站页面签名", "Only pages of this site are signed for")

type jsIn struct {
	URL string `query:"url" required:"true" maxLength:"2000" doc:"页面地址，不含 # 之后|address of the page, without what follows the #"`
	App string `query:"app" maxLength:"64" doc:"服务号 appid，只接入一个时可省略|appid of the account, if several are connected"`
}

type jsOut struct {
	App       string `json:"app_id" doc:"appId|appId"`
	Timestamp int64  `json:"timestamp" doc:"timestamp|timestamp"`
	Nonce     string `json:"nonce" doc:"nonceStr|nonceStr"`
	Signature string `json:"signature" doc:"signature|signature"`
	Script    string `json:"script" doc:"JS-SDK 文件地址|address of the JS-SDK file"`
}

func (s *Service) getJSConfig(c *web.Ctx, in *jsIn) (*jsOut, error) {
	client, err := s.OA(in.App)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.URL, s.Public+"/") {
		return nil, ErrPage.New().At("url")
	}
	x, err := client.JSConfig(c, in.URL, c.Now())
	if err != nil {
		return nil, s.platform(err)
	}
	return &jsOut{x.AppID, x.Timestamp, x.Nonce, x.Signature, client.Hosts.JSSDK}, nil
}
