package staff

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

func (k Console) factor(srv *web.Server) {
	web.Route(srv, Get("/second-factor", "session.factor", web.AnyCaller, "自己的动态口令", "One's own second factor"), k.getFactor)
	// What is shown once is not kept under an idempotency key.
	web.Route(srv, Created(Dangerous(Ask("/second-factor", "session.begin_factor", web.AnyCaller, "设置动态口令：生成密钥（只显示一次）", "Set up a second factor: a secret, shown once", ErrFactorOn))), k.beginFactor)
	web.Route(srv, Limited(Ask("/second-factor/confirmation", "session.confirm_factor", web.AnyCaller, "用首个口令启用，返回恢复码（只显示一次）", "Turn it on with a first code; gives recovery codes, shown once", ErrNoFactor, ErrFactorOn, ErrWrongCode), k.DB.Clock()), k.confirmFactor)
	web.Route(srv, Change(http.MethodPost, "/second-factor/removal", "session.remove_factor", web.AnyCaller, "关闭自己的动态口令，须输入密码", "Turn one's own second factor off; takes the password", ErrNoFactor, ErrWrongLogin, ErrLocked), k.removeFactor)
	Route(srv, Dangerous(Change(http.MethodPost, "/operators/{id}/second-factor/reset", "operator.reset_factor", "edit.operators", "重置操作员的动态口令；有安全管理员时转为复核申请", "Reset an operator's second factor; where a security administrator could agree, ask for it", ErrNoOperator, ErrNoFactor, ErrReason)), k.resetFactor)
}

type factorOut struct {
	State string `json:"state" enum:"none,pending,on" doc:"none 未设置；pending 待确认；on 已启用|not set up, to be confirmed, or on"`
	Left  int    `json:"codes_left" doc:"剩余恢复码|recovery codes that are left"`
	Since int64  `json:"since" doc:"启用时间，0 为未启用|since when, 0 not"`
}

func (k Console) getFactor(c *web.Ctx, _ *struct{}) (*factorOut, error) {
	return Read(c, k.Desk, func(v *db.View) (*factorOut, error) {
		row, ok := factors.Get(v, WhoOf(c).Operator)
		switch {
		case !ok:
			return &factorOut{State: "none"}, nil
		case row.Confirmed == 0:
			return &factorOut{State: "pending"}, nil
		}
		return &factorOut{"on", len(row.left()), row.Confirmed}, nil
	})
}

type factorBegun struct {
	Secret string `json:"secret" doc:"密钥（手工输入用）|the secret, to type in"`
	URI    string `json:"uri" doc:"二维码内容 otpauth://|what the authenticator scans"`
}

func (k Console) beginFactor(c *web.Ctx, _ *struct{}) (out *factorBegun, err error) {
	err = k.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		out = &factorBegun{}
		out.Secret, out.URI, err = k.Staff.BeginFactor(tx, WhoOf(c))
		return err
	})
	return out, err
}

type factorConfirmed struct {
	Codes []string `json:"recovery_codes" doc:"恢复码，各用一次，只显示这一次|each works once; shown this once"`
}

func (k Console) confirmFactor(c *web.Ctx, in *struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" doc:"六位动态口令|the six digits"`
	}
}) (out *factorConfirmed, err error) {
	err = k.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		codes, err := k.Staff.ConfirmFactor(tx, WhoOf(c), in.Body.Code)
		out = &factorConfirmed{codes}
		return err
	})
	return out, err
}

func (k Console) removeFactor(c *web.Ctx, in *struct {
	Body struct {
		Password string `json:"password" maxLength:"512" doc:"密码|password"`
	}
}) (*web.None, error) {
	who := WhoOf(c)
	if err := k.Staff.CheckPassword(c, who, vault.Hide(in.Body.Password)); err != nil {
		return nil, err
	}
	return Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*web.None, Act, error) {
		act, err := k.Staff.RemoveFactor(tx, who.Operator)
		return &web.None{}, act, err
	})
}

func (k Console) factorDeed() Deed[int64] {
	return Deed[int64]{Kind: "factor.reset", Zh: "重置动态口令", En: "Reset a second factor", Perm: "edit.operators", Agree: "approve.roles",
		Alone: func(tx *db.Tx, who Who, _ int64) error {
			return Second(tx, who, func(FourEyes) bool { return true }, "approve.roles")
		},
		Do: k.Staff.ResetFactors}
}

func (k Console) resetFactor(c *web.Ctx, in *reasonIn) (*Done, error) {
	return k.factorDeed().Carry(c, k.Staff, db.Op{}, 0, int64(in.ID), in.Body.Reason)
}
