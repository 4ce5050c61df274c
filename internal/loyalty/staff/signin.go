package staff

import (
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/setting"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

// SignIn says who needs more than a password (登录安全).
type SignIn struct {
	Admins   bool `json:"admins" zh:"管理员与审计员须两步验证" en:"Administrators and auditors need a second factor"`
	Money    bool `json:"money" zh:"财务须两步验证" en:"Finance needs a second factor"`
	Everyone bool `json:"everyone" zh:"所有员工须两步验证" en:"All staff need a second factor"`
	Days     int  `json:"days" min:"0" max:"30" zh:"宽限天数" en:"Days of grace" unit:"days" help:"从账号创建或本设置生效起算，之后未启用的只能设置两步验证" help_en:"From the day of the account, or of this setting; after them whoever has no second factor can do nothing but set one up"`
}

// SignIns holds the versions of the setting.
var SignIns = setting.New("staff_sign_in", SignIn{Admins: true, Money: true, Days: 7})

// due is when an operator may do nothing more without a second factor; 0 says that there is one, or that none is asked for.
func (s *Service) due(r db.Reader, row operatorRow, grants []Grant) int64 {
	held := SignIns.At(r, r.Now())
	if !held.Value.asks(grants) || s.HasFactor(r, row.ID) || len(passkeys.OfOwner(r, row.ID)) > 0 {
		return 0
	}
	return max(row.CreatedAt, held.From) + int64(held.Value.Days)*clock.Day
}

// asks says whether somebody with these roles needs more than a password.
func (w SignIn) asks(grants []Grant) bool {
	return w.Everyone || slices.ContainsFunc(grants, func(g Grant) bool {
		switch g.Role {
		case SystemAdmin, SecurityAdmin, Auditor:
			return w.Admins
		case Finance:
			return w.Money
		}
		return false
	})
}

func (k Console) signIn(srv *web.Server) {
	Tune(srv, k.Desk, Tunable[SignIn]{Path: "sign-in", ID: "security.sign_in", View: "view.settings", Edit: "grant.roles",
		Zh: "登录安全", En: "Sign-in", Setting: SignIns, Fresh: true})
	web.Route(srv, Limited(Ask("/session/proof", "session.prove", web.AnyCaller,
		"再次验证身份，之后五分钟内可做敏感操作", "Prove once more who one is: for five minutes dangerous acts are open", ErrWrongLogin, ErrLocked, ErrCodeNeeded, ErrWrongCode, ErrUsePasskey), k.DB.Clock()), k.prove)
}

type proofIn struct {
	Body struct {
		Password string `json:"password" maxLength:"512" doc:"密码|password"`
		Code     string `json:"code,omitempty" maxLength:"64" doc:"动态口令或恢复码，已启用者必填|code of the second factor or a recovery code, for who has one"`
	}
}

func (k Console) prove(c *web.Ctx, in *proofIn) (*web.None, error) {
	return &web.None{}, k.Staff.Prove(c, WhoOf(c), c.SessionHash(), vault.Hide(in.Body.Password), in.Body.Code)
}
