package entry

import (
	"context"
	"fmt"
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/mail"
	"guanxi/internal/loyalty/member"
)

// An e-mail address is proved as a phone is: by a code that was sent to it. Unlike a phone it opens no door and makes no two members one: it is
// where letters go. One that belongs to somebody else is refused, and noted for a person to look at.

const mailIndex vault.Domain = "entry-mail:v1"

// The faults of e-mail addresses.
var (
	ErrMail = fault.Define("entry.mail", fault.Unknown,
		"邮件暂时无法发送，请稍后再试", "The letter can't be sent now; please try again")
	ErrNoMail = fault.Define("entry.no_mail", fault.Down,
		"尚未配置邮件", "No e-mail is set up")
	ErrLastIdentity = fault.Define("entry.last_identity", fault.Conflict,
		"这是您唯一的身份，请先绑定手机号再移除", "This is the only thing we know you by; bind a phone first")
	ErrNoEmail = fault.Define("entry.no_email", fault.NotFound,
		"还没有绑定邮箱", "No e-mail address is bound")
)

func (s *Service) emailRoutes(srv *web.Server, tags []string) {
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/email", ID: "entry.email", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的邮箱，已脱敏", En: "My e-mail address, masked"}, s.getEmail)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/email-codes", ID: "entry.email_code", Perm: web.AnyCaller, Tags: tags, Limit: s.pace.mail,
		Zh: "向邮箱发送验证码", En: "Send a code to an e-mail address", Errors: []*fault.Kind{member.ErrIdentity, ErrTooOften, ErrMail, ErrNoMail}}, s.postEmailCode)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/email", ID: "entry.bind_email", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "绑定或更换邮箱", En: "Bind an e-mail address, in place of the one before",
		Errors: []*fault.Kind{member.ErrIdentity, ErrPhoneCode, ErrPhoneCodeOver, member.ErrIdentityTaken}}, s.postEmail)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodDelete, Path: "/me/email", ID: "entry.unbind_email", Perm: web.AnyCaller, Write: true, Tags: tags,
		Zh: "移除邮箱", En: "Take the e-mail address away", Errors: []*fault.Kind{ErrNoEmail, ErrLastIdentity}}, s.deleteEmail)
}

func mailIdentity(address vault.Secret) member.Identity {
	return member.Identity{Kind: member.KindEmail, Value: address, Verified: true}
}

// address brings what was typed into the one form.
func (s *Service) address(typed string) (vault.Secret, error) {
	i, err := s.Members.Normal(mailIdentity(vault.Hide(typed)))
	if err != nil {
		return vault.Secret{}, member.ErrIdentity.New().At("email")
	}
	return i.Value, nil
}

// mailKey is what the codes to an address are kept under; a code is good for the member alone who asked for it.
func (s *Service) mailKey(address vault.Secret) string { return s.Vault.Index(mailIndex, address) }

func forMember(id int64, code string) string { return fmt.Sprint(id, "|", code) }

type emailOut struct {
	Email    string `json:"email,omitempty" doc:"邮箱，已脱敏；没有绑定时没有|the address, masked; absent for none"`
	Verified bool   `json:"verified" doc:"是否验证过|whether it was verified"`
	Open     bool   `json:"can_bind" doc:"能否绑定：是否已配置邮件|whether one can be bound: e-mail is set up"`
}

func (s *Service) getEmail(c *web.Ctx, _ *struct{}) (out *emailOut, err error) {
	err = s.DB.View(c, func(v *db.View) error {
		out, err = s.emailOf(v, c.Caller.ID)
		return err
	})
	return out, err
}

func (s *Service) emailOf(r db.Reader, id int64) (*emailOut, error) {
	out := &emailOut{Open: s.Mail != nil}
	list, err := s.Members.IdentitiesOf(r, id)
	for _, i := range list {
		if i.Kind == member.KindEmail {
			out.Email, out.Verified = i.Masked, i.Verified
		}
	}
	return out, err
}

type emailCodeIn struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"128" doc:"邮箱|the e-mail address"`
	}
}

func (s *Service) postEmailCode(c *web.Ctx, in *emailCodeIn) (*codeOut, error) {
	to, err := s.address(in.Body.Email)
	if err != nil {
		return nil, err
	}
	if s.Mail == nil {
		return nil, ErrNoMail.New()
	}
	me, code := c.Caller.ID, fmt.Sprintf("%06d", id.Seed()%1_000_000)
	err = s.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		if err := s.noteCode(tx, s.Vault.Index(mailIndex, vault.Hide(fmt.Sprint("by|", me))), ""); err != nil { // nobody writes to the whole world
			return err
		}
		return s.noteCode(tx, s.mailKey(to), forMember(me, code))
	})
	if err != nil {
		return nil, s.refused(c, "", err)
	}
	letter := mail.Letter{To: to, Subject: "验证码 " + code, Text: "您正在绑定邮箱，验证码 " + code + "，5 分钟内有效。如非本人操作，请忽略本邮件。\n"}
	if c.Lang() == "en" {
		letter.Subject, letter.Text = "Your code: "+code, "The code to bind this address is "+code+". It is good for 5 minutes. If it was not you who asked, ignore this letter.\n"
	}
	if err := s.Mail.Send(c, letter); err != nil {
		s.Log.Warn("a code by mail was not sent", "err", err)
		s.Note(c, ErrMail.Code, "", err.Error())
		return nil, ErrMail.New().Because(err)
	}
	return &codeOut{codeEvery / clock.Second, codeLives / clock.Second}, nil
}

type emailIn struct {
	Body struct {
		Email string `json:"email" minLength:"3" maxLength:"128" doc:"邮箱|the e-mail address"`
		Code  string `json:"code" minLength:"4" maxLength:"8" doc:"邮件中的验证码|the code of the letter"`
	}
}

func (s *Service) postEmail(c *web.Ctx, in *emailIn) (*emailOut, error) {
	to, err := s.address(in.Body.Email)
	if err != nil {
		return nil, err
	}
	me, key, code := c.Caller.ID, s.mailKey(to), forMember(c.Caller.ID, in.Body.Code)
	out, err := web.Write(c, db.Op{Owner: me}, func(tx *db.Tx) (*emailOut, error) {
		f, known, err := s.Members.Find(tx, mailIdentity(to))
		if err != nil {
			return nil, err
		}
		if err := s.useCode(tx, key, code); err != nil {
			return nil, err
		}
		if known && f.Member != me {
			return nil, member.ErrIdentityTaken.New().At("email")
		}
		s.Members.Forget(tx, me, member.KindEmail, "") // the one before; the same one anew is proved now
		if err := s.Members.Bind(tx, me, mailIdentity(to)); err != nil {
			return nil, err
		}
		return s.emailOf(tx, me)
	})
	if fault.Is(err, ErrPhoneCodeOver) { // a wrong code counts as a try
		if why := s.checkCode(c, key, code); why != nil {
			err = why
		}
	}
	if err != nil {
		return nil, s.refused(c, "", s.afterTaken(c, me, to, err))
	}
	return out, nil
}

// afterTaken notes two members whom one address leads to. The code is used up although nothing was bound: it has told what it could.
func (s *Service) afterTaken(ctx context.Context, me int64, to vault.Secret, refused error) error {
	if !fault.Is(refused, member.ErrIdentityTaken) {
		return refused
	}
	err := s.DB.Write(context.WithoutCancel(ctx), db.Op{Actor: entryActor}, func(tx *db.Tx) error {
		row, ok := codes.Get(tx, s.mailKey(to))
		if ok {
			row.Code = ""
			codes.Put(tx, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Members.AfterRefusal(ctx, s.DB, entryActor, me, []member.Identity{mailIdentity(to)}, refused)
}

func (s *Service) deleteEmail(c *web.Ctx, _ *struct{}) (*emailOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*emailOut, error) {
		if !s.Members.HasKind(tx, c.Caller.ID, member.KindEmail) {
			return nil, ErrNoEmail.New()
		}
		if s.Members.Forget(tx, c.Caller.ID, member.KindEmail, "") == 0 {
			return nil, ErrLastIdentity.New()
		}
		return s.emailOf(tx, c.Caller.ID)
	})
}
