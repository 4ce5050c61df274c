// Package entry is how people come in (入会与登录): from the menu or a code of a 服务号, from a 小程序, by a phone code; and what the platforms
// tell us about them afterwards: followed, left, withdrew.
//
// Invariants:
//
//   - nobody becomes a member by a proof that the platform did not give to us, nor without having agreed;
//   - a proof is used once: a code at the platform, a ticket and a phone code here;
//   - an event counts once however often it is pushed, and an older one never undoes a newer one;
//   - a refusal changes nothing and leaves an incident.
package entry

import (
	"context"
	"log/slog"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/channels"
	"guanxi/internal/edge/mail"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/crypt"
	"guanxi/internal/edge/wechat/mp"
	"guanxi/internal/edge/wechat/oa"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/track"
)

// Failures a caller can see.
var (
	ErrApp = fault.Define("entry.app", fault.NotFound,
		"该微信应用未接入", "This WeChat account is not connected")
	ErrCodeOver = fault.Define("entry.code_expired", fault.Conflict,
		"登录凭证已过期或无效，请重新进入", "The login code has expired or is not valid; please enter again")
	ErrCodeUsed = fault.Define("entry.code_used", fault.Conflict,
		"登录凭证已被使用，请重新进入", "The login code was used before; please enter again")
	ErrRisky = fault.Define("entry.risky", fault.Denied,
		"微信提示该账号存在风险，暂时无法登录", "WeChat says that this account is at risk; it can't log in now")
	ErrSnapshot = fault.Define("entry.snapshot", fault.Denied,
		"您正在快照页浏览，请点击右上角进入完整页面后再登录", "This is a preview page; open the full page to log in")
	ErrPlatform = fault.Define("entry.platform", fault.Unknown,
		"微信暂时无法响应，请稍后再试", "WeChat does not answer now; please try again")
	ErrAgreement = fault.Define("entry.agreement", fault.Invalid,
		"请先阅读并同意会员协议", "Please read and agree to the terms first")
	ErrTicket = fault.Define("entry.ticket", fault.Conflict,
		"登录已过期，请重新进入", "This login is over; please enter again")
	ErrPhoneCode = fault.Define("entry.phone_code", fault.Conflict,
		"验证码不正确，还可以尝试 {left} 次", "The code is not right; {left} tries are left")
	ErrPhoneCodeOver = fault.Define("entry.phone_code_expired", fault.Conflict,
		"验证码已失效，请重新获取", "The code is no longer valid; please ask for a new one")
	ErrTooOften = fault.Define("entry.phone_limit", fault.TooMany,
		"验证码发送太频繁，请 {seconds} 秒后再试", "Too many codes; try again in {seconds} seconds")
	ErrSMS = fault.Define("entry.sms", fault.Unknown,
		"短信暂时无法发送，请稍后再试", "The message can't be sent now; please try again")
	ErrNoSMS = fault.Define("entry.no_sms", fault.Down,
		"尚未配置短信", "No SMS is set up")
)

// Texter sends a short message by the purpose of its template.
type Texter interface {
	Send(ctx context.Context, phone vault.Secret, purpose string, params map[string]string) error
}

// Mailer sends a letter.
type Mailer interface {
	Send(ctx context.Context, l mail.Letter) error
}

// Agreement is what somebody agreed to on the way in.
type Agreement struct {
	Version string
	Channel string
	IP      string
}

// Service is the way in.
type Service struct {
	DB      *db.DB
	Members *member.Service
	Tracks  *track.Service // the entry links
	Vault   *vault.Vault
	Clock   clock.Clock
	Log     *slog.Logger
	SMS     Texter // nil: no phone codes
	Mail    Mailer // nil: no codes by mail
	Public  string // how browsers reach us
	AnyTime bool   // pushes may be of any time: an emulator's clock travels
	// Agreed records an agreement in the Tx of joining.
	Agreed func(tx *db.Tx, member int64, a Agreement) error
	// Entered hears of everybody who has come in.
	Entered func(tx *db.Tx, member int64, isNew bool) error
	// Followed hears of a member who follows an account, also of one whom we know to follow when they come in. May be nil.
	Followed func(tx *db.Tx, member int64) error
	// Answered hears what a member says to subscriptions: a yes is one more message, else no more at all.
	Answered func(tx *db.Tx, member int64, template string, yes bool, source string) error
	// Carded hears that something happened to somebody's member card of 2016.
	Carded func(tx *db.Tx, app, card, code string) error
	// Receipt hears how a message fared: failure is "" when it arrived.
	Receipt func(tx *db.Tx, member int64, kind, id, failure string)

	oas   map[string]*oa.Client
	mps   map[string]*mp.Client
	keys  map[string]*crypt.MessageKey // by appid, of those that seal their events
	apps  map[string]channels.App
	kind  map[string]string
	mini  string // the first 小程序
	first string // the first 服务号
	ways  map[string]Way
	pace  *pace

	mu   sync.Mutex
	told map[string]int64 // when an incident of a flood was last written
}

// The kinds of accounts.
const (
	kindOA = "oa"
	kindMP = "mp"
)

// Connect makes the clients of an installation's accounts.
func (s *Service) Connect(c channels.Config, d channels.Doer) error {
	s.oas, s.mps, s.keys = map[string]*oa.Client{}, map[string]*mp.Client{}, map[string]*crypt.MessageKey{}
	s.apps, s.kind, s.pace = map[string]channels.App{}, map[string]string{}, newPace(s.Clock)
	for _, a := range c.OA {
		s.oas[a.AppID], s.apps[a.AppID], s.kind[a.AppID] = oa.New(a, c.Hosts, d, s.Clock), a, kindOA
	}
	if len(c.OA) > 0 {
		s.first = c.OA[0].AppID
	}
	if len(c.MP) > 0 {
		s.mini = c.MP[0].AppID
	}
	for _, a := range c.MP {
		s.mps[a.AppID], s.apps[a.AppID], s.kind[a.AppID] = mp.New(a, c.Hosts, d, s.Clock), a, kindMP
	}
	for id, a := range s.apps {
		if a.AESKey.IsEmpty() {
			continue
		}
		k, err := crypt.NewMessageKey(a.Token.Reveal(), a.AESKey.Reveal(), id)
		if err != nil {
			return err
		}
		s.keys[id] = k
	}
	return nil
}

// Way has another platform make a code by which people reach a clerk.
type Way func(ctx context.Context, state, clerk string) (id, link string, err error)

// AddWays lets scene codes be made for a company as for a 服务号.
func (s *Service) AddWays(corp string, w Way) {
	if s.ways == nil {
		s.ways = map[string]Way{}
	}
	s.ways[corp] = w
}

// FirstOA is the account through which people come in, "" without one.
func (s *Service) FirstOA() string { return s.first }

// Refused records a push that was turned away.
func (s *Service) Refused(ctx context.Context, app string, err error) {
	s.flood(ctx, HookRefused, app, err.Error())
}

// OA gives the client of a 服务号; an empty id is the first one of the configuration's only one.
func (s *Service) OA(app string) (*oa.Client, error) { return pick(s.oas, app) }

// MP gives the client of a 小程序.
func (s *Service) MP(app string) (*mp.Client, error) { return pick(s.mps, app) }

func pick[T any](all map[string]*T, app string) (*T, error) {
	if app == "" && len(all) == 1 {
		for _, c := range all {
			return c, nil
		}
	}
	if c := all[app]; c != nil {
		return c, nil
	}
	return nil, ErrApp.New().At("app")
}

// proof is who somebody is by WeChat's word.
type proof struct {
	app, kind       string
	openid, unionid vault.Secret
}

// identities of a proof, the strongest first.
func (s *Service) identities(p proof) (list []member.Identity) {
	if owner := s.apps[p.app].Owner; owner != "" && !p.unionid.IsEmpty() {
		list = append(list, member.Identity{Kind: member.KindUnionID, Issuer: owner, Value: p.unionid, Verified: true})
	}
	return append(list, s.openIdentity(p.app, p.openid))
}

func (s *Service) openIdentity(app string, openid vault.Secret) member.Identity {
	return member.Identity{Kind: member.KindOpenID, Issuer: app, Value: openid, Verified: true}
}

func phoneIdentity(phone vault.Secret) member.Identity {
	return member.Identity{Kind: member.KindPhone, Value: phone, Verified: true}
}

// flood records what anybody can cause, or every message does, once a minute: it must not fill the disk.
func (s *Service) flood(ctx context.Context, kind, app, detail string) {
	now := s.Clock.Now()
	s.mu.Lock()
	last, known := s.told[kind+app]
	quiet := known && now-last < clock.Minute
	if !quiet {
		if s.told == nil {
			s.told = map[string]int64{}
		}
		s.told[kind+app] = now
	}
	s.mu.Unlock()
	if !quiet {
		s.Note(ctx, kind, app, detail)
	}
}

// Trouble records that a channel needs a person: credentials, permissions, a template, a quota.
func (s *Service) Trouble(ctx context.Context, app string, err error) {
	kind := TroubleSetup
	switch wechat.ClassOf(err) { //nolint:exhaustive // the others are the set-up's
	case wechat.Token:
		kind = TroubleToken
	case wechat.Quota:
		kind = TroubleQuota
	case wechat.NoTemplate, wechat.Permanent:
		kind = TroubleTemplate
	}
	s.flood(ctx, kind, app, err.Error())
}

// Note records an incident. It has a Tx of its own, because that of the refusal is undone.
func (s *Service) Note(ctx context.Context, kind, app, detail string) {
	err := s.DB.Write(context.WithoutCancel(ctx), db.Op{Actor: "system:entry"}, func(tx *db.Tx) error {
		return incidents.Insert(tx, Incident{tx.ID(), tx.Now(), kind, app, detail})
	})
	if err != nil {
		s.Log.Warn("an incident was not recorded", "kind", kind, "err", err)
	}
}

// refused turns an error into what the caller may see, and notes it.
func (s *Service) refused(ctx context.Context, app string, err error) error {
	e := fault.As(err)
	if e == nil || e.Kind == ErrAgreement {
		return err
	}
	s.Note(ctx, e.Kind.Code, app, "")
	return err
}
