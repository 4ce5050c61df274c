package staff

import (
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
)

func (k Console) passkeys(srv *web.Server) {
	// What is signed is signed once, so nothing of it is kept under an idempotency key.
	web.Route(srv, Get("/passkeys", "session.passkeys", web.AnyCaller, "自己的通行密钥", "One's own passkeys"), k.getPasskeys)
	web.Route(srv, Created(Dangerous(Ask("/passkeys/options", "session.begin_passkey", web.AnyCaller, "添加通行密钥：浏览器要签的内容", "Add a passkey: what the browser is to sign", ErrPasskeyHost, ErrPasskeyMany))), k.beginPasskey)
	web.Route(srv, Created(Dangerous(Ask("/passkeys", "session.add_passkey", web.AnyCaller, "保存浏览器生成的通行密钥", "Keep the passkey the browser has made", ErrPasskey, ErrPasskeyHost))), k.addPasskey)
	web.Route(srv, Dangerous(Change(http.MethodDelete, "/passkeys/{id}", "session.remove_passkey", web.AnyCaller, "移除自己的一个通行密钥", "Remove one of one's own passkeys", ErrNoPasskey)), k.removePasskey)
	tries := web.NewLimiter(k.DB.Clock(), 30, clock.Minute, 30, 100_000)
	options := Created(Open(Ask("/session/passkey/options", "session.ask_passkey", "", "用通行密钥登录：浏览器要签的内容", "Sign in with a passkey: what the browser is to sign", ErrPasskeyHost)))
	login := Open(Ask("/session/passkey", "session.passkey", "", "用通行密钥登录", "Sign in with a passkey", ErrPasskey, ErrPasskeyHost))
	options.Limit, login.Limit = tries, tries
	web.Route(srv, options, k.askPasskey)
	web.Route(srv, login, k.loginPasskey)
	web.Route(srv, Limited(Ask("/session/proof/passkey", "session.prove_passkey", web.AnyCaller, "用通行密钥再次验证身份", "Prove once more who one is, with a passkey", ErrPasskey, ErrPasskeyHost), k.DB.Clock()), k.provePasskey)
}

type passkeyOut struct {
	ID        web.ID `json:"id" doc:"通行密钥|the passkey"`
	Name      string `json:"name" doc:"名称|its name"`
	CreatedAt int64  `json:"created_at" doc:"添加时间|when it was added"`
	UsedAt    int64  `json:"used_at" doc:"最近使用，0 为从未|when it was used last, 0 never"`
}

type passkeysOut struct {
	Data []passkeyOut `json:"data" doc:"通行密钥|passkeys"`
}

func (k Console) getPasskeys(c *web.Ctx, _ *struct{}) (*passkeysOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*passkeysOut, error) {
		out := &passkeysOut{Data: []passkeyOut{}}
		for _, p := range passkeys.OfOwner(v, WhoOf(c).Operator) {
			out.Data = append(out.Data, passkeyOut{web.ID(p.ID), p.Name, p.CreatedAt, p.UsedAt})
		}
		return out, nil
	})
}

type askedOut struct {
	Ticket  string   `json:"ticket" doc:"与签名一同送回|comes back with the signature"`
	Options web.JSON `json:"options" doc:"交给浏览器的 WebAuthn 参数|WebAuthn options for the browser"`
}

// asked runs what makes a challenge.
func (k Console) asked(c *web.Ctx, f func(tx *db.Tx, origin string) (Asked, error)) (out *askedOut, err error) {
	err = k.DB.Write(c, db.Op{Actor: "staff:passkey"}, func(tx *db.Tx) error {
		a, err := f(tx, c.Header("Origin"))
		if err == nil {
			out = &askedOut{a.Ticket, MustJSON(a.Options)}
		}
		return err
	})
	return out, err
}

func (k Console) beginPasskey(c *web.Ctx, _ *struct{}) (*askedOut, error) {
	return k.asked(c, func(tx *db.Tx, origin string) (Asked, error) { return k.Staff.BeginPasskey(tx, WhoOf(c), origin) })
}

func (k Console) askPasskey(c *web.Ctx, _ *struct{}) (*askedOut, error) {
	return k.asked(c, k.Staff.AskPasskey)
}

type newPasskeyIn struct {
	Body struct {
		Ticket string   `json:"ticket" minLength:"1" maxLength:"64" doc:"选项中的票据|the ticket of the options"`
		Name   string   `json:"name" minLength:"1" maxLength:"100" doc:"名称，如 办公室电脑|its name, such as the office laptop"`
		Answer web.JSON `json:"answer" doc:"浏览器的回应|what the browser answered"`
	}
}

func (k Console) addPasskey(c *web.Ctx, in *newPasskeyIn) (out *passkeyOut, err error) {
	err = k.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		p, err := k.Staff.AddPasskey(tx, WhoOf(c), c.Header("Origin"), in.Body.Ticket, in.Body.Name, []byte(in.Body.Answer))
		out = &passkeyOut{web.ID(p.ID), p.Name, p.CreatedAt, p.UsedAt}
		return err
	})
	return out, err
}

func (k Console) removePasskey(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"通行密钥|the passkey"`
}) (*web.None, error) {
	return Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*web.None, Act, error) {
		act, err := k.Staff.RemovePasskey(tx, WhoOf(c).Operator, int64(in.ID))
		return &web.None{}, act, err
	})
}

type signedIn struct {
	Body struct {
		Ticket string   `json:"ticket" minLength:"1" maxLength:"64" doc:"选项中的票据|the ticket of the options"`
		Answer web.JSON `json:"answer" doc:"浏览器的回应|what the browser answered"`
	}
}

func (k Console) loginPasskey(c *web.Ctx, in *signedIn) (*meOut, error) {
	token, who, err := k.Staff.LoginPasskey(c, Attempt{IP: c.IP().String(), Agent: c.Header("User-Agent"), Request: c.RequestID()},
		c.Header("Origin"), in.Body.Ticket, []byte(in.Body.Answer))
	if err != nil {
		return nil, err
	}
	c.SetSession(token, int(liveFor/clock.Second))
	return who.out(), nil
}

func (k Console) provePasskey(c *web.Ctx, in *signedIn) (*web.None, error) {
	return &web.None{}, k.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		return k.Staff.ProveByPasskey(tx, WhoOf(c), c.SessionHash(), c.Header("Origin"), in.Body.Ticket, []byte(in.Body.Answer))
	})
}
