package app

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// terminalRoutes keep the tills of stores.
func (a *App) terminalRoutes(s *web.Server) {
	staff.Route(s, staff.Get("/terminals", "shop.terminals", "view.shops", "终端列表", "List terminals"), a.terminals)
	wrong := staff.Change(http.MethodPost, "/terminals", "shop.add_terminal", "edit.shops", "新建终端", "Add a terminal",
		shop.ErrName, shop.ErrCode, shop.ErrTerminalTaken, shop.ErrNoStore, shop.ErrNoPartner, shop.ErrElsewhere)
	staff.Route(s, staff.Created(wrong), a.addTerminal)
	staff.Route(s, staff.Change(http.MethodPut, "/terminals/{id}", "shop.set_terminal", "edit.shops", "修改、移店、停用或启用终端", "Rename, move, stop or start a terminal",
		shop.ErrName, shop.ErrCode, shop.ErrStatus, shop.ErrTerminalTaken, shop.ErrNoTerminal, shop.ErrNoStore, shop.ErrNoPartner, shop.ErrElsewhere), a.setTerminal)
	staff.Route(s, staff.Created(staff.Dangerous(staff.Ask("/terminals/{id}/keys", "shop.new_terminal_key", "edit.partners", "生成终端密钥（只显示一次）", "Make a key for a terminal, shown once",
		shop.ErrNoTerminal, shop.ErrTerminalOff, shop.ErrTerminalAlone, shop.ErrTwoKeys, shop.ErrPartnerOff))), a.newTerminalKey)
}

type terminalBody struct {
	Code    string  `json:"code" maxLength:"64" doc:"终端编号|number of the terminal"`
	Name    string  `json:"name" maxLength:"100" doc:"名称|name"`
	Store   web.ID  `json:"store" doc:"所在门店|the store it stands in"`
	Partner *web.ID `json:"partner,omitempty" doc:"使用哪个合作方的程序，没有则不能生成密钥|whose program runs on it; without one it has no keys"`
	Status  string  `json:"status,omitempty" enum:"active,stopped" doc:"状态|status"`
	Reason  string  `json:"reason,omitempty" maxLength:"500" doc:"原因|why"`
}

func (b terminalBody) terminal(id int64) shop.Terminal {
	t := shop.Terminal{ID: id, Store: int64(b.Store), Code: b.Code, Name: b.Name, Status: b.Status}
	if t.Status == "" {
		t.Status = shop.Active
	}
	if b.Partner != nil {
		t.Partner = int64(*b.Partner)
	}
	return t
}

type terminalOut struct {
	ID        web.ID   `json:"id" doc:"终端|the terminal"`
	Code      string   `json:"code" doc:"终端编号|number of the terminal"`
	Name      string   `json:"name" doc:"名称|name"`
	Store     web.ID   `json:"store" doc:"所在门店|the store it stands in"`
	StoreCode string   `json:"store_code" doc:"门店编码|code of the store"`
	StoreZh   string   `json:"store_zh" doc:"门店中文名|name of the store in Chinese"`
	StoreEn   string   `json:"store_en" doc:"门店英文名|name of the store in English"`
	Partner   *web.ID  `json:"partner,omitempty" doc:"合作方|the partner"`
	Who       string   `json:"partner_name,omitempty" doc:"合作方名称|name of the partner"`
	Status    string   `json:"status" enum:"active,stopped" doc:"状态|status"`
	SeenAt    int64    `json:"seen_at" doc:"最近出现，0 为从未|heard of last, to a quarter of an hour; 0 when never"`
	Keys      []keyOut `json:"keys" doc:"有效的密钥|its live keys"`
}

func (a *App) terminalOf(r db.Reader, t shop.Terminal) terminalOut {
	out := terminalOut{ID: web.ID(t.ID), Code: t.Code, Name: t.Name, Store: web.ID(t.Store), Status: t.Status, SeenAt: a.Shop.SeenAt(r, t), Keys: []keyOut{}}
	if st, err := a.Shop.Store(r, t.Store); err == nil {
		out.StoreCode, out.StoreZh, out.StoreEn = st.Code, st.NameZh, st.NameEn
	}
	if t.Partner == 0 {
		return out
	}
	only := web.ID(t.Partner)
	out.Partner = &only
	if p, err := a.Shop.Partner(r, t.Partner); err == nil {
		out.Who = p.Name
	}
	for _, k := range a.Shop.TerminalKeys(r, t) {
		if k.RevokedAt == 0 {
			out.Keys = append(out.Keys, keyOf(k))
		}
	}
	return out
}

type terminalsIn struct {
	web.Paging
	Store  web.ID `query:"store" doc:"门店|the store"`
	Status string `query:"status" enum:"active,stopped" doc:"状态|status"`
}

func (a *App) terminals(c *web.Ctx, in *terminalsIn) (*web.Page[terminalOut], error) {
	var after int64
	if err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[terminalOut], error) {
		out := []terminalOut{}
		for _, t := range a.Shop.Terminals(v, int64(in.Store), in.Status, after, in.Limit+1) {
			out = append(out, a.terminalOf(v, t))
		}
		return web.PageOf(out, in.Limit, func(t terminalOut) string { return web.EncodeCursor(int64(t.ID)) }), nil
	})
}

func (a *App) addTerminal(c *web.Ctx, in *struct{ Body terminalBody }) (*terminalOut, error) {
	return a.saveTerminal(c, 0, in.Body, "terminal.add")
}

func (a *App) setTerminal(c *web.Ctx, in *struct {
	ID   web.ID `path:"id" doc:"终端|the terminal"`
	Body terminalBody
}) (*terminalOut, error) {
	return a.saveTerminal(c, int64(in.ID), in.Body, "terminal.set")
}

func (a *App) saveTerminal(c *web.Ctx, id int64, b terminalBody, what string) (*terminalOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*terminalOut, staff.Act, error) {
		was, _ := a.Shop.Terminal(tx, id)
		saved, err := a.Shop.SaveTerminal(tx, b.terminal(id))
		if err != nil {
			return nil, staff.Act{}, err
		}
		out := a.terminalOf(tx, saved)
		act := staff.Act{What: what, Targets: []int64{saved.ID, saved.Store}, New: saved, Reason: b.Reason}
		if id != 0 {
			act.Old = was
		}
		return &out, act, nil
	})
}

func (a *App) newTerminalKey(c *web.Ctx, in *struct {
	ID web.ID `path:"id" doc:"终端|the terminal"`
}) (*newKeyOut, error) {
	return a.makeKey(c, int64(in.ID), a.Shop.NewTerminalKey)
}
