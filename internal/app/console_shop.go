package app

import (
	"net/http"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// shopRoutes keep stores, partners and their keys. They stand here because shop is the lowest rung: it knows no operators.
func (a *App) shopRoutes(s *web.Server) {
	s.Tag("shop", "门店与合作方", "Stores and partners")
	staff.Route(s, staff.Get("/stores", "shop.stores", "view.shops", "门店列表", "List stores"), a.stores)
	staff.Route(s, staff.Created(staff.Change(http.MethodPost, "/stores", "shop.add_store", "edit.shops", "新建门店", "Add a store", shop.ErrName, shop.ErrCode, shop.ErrCodeTaken)), a.addStore)
	staff.Route(s, staff.Change(http.MethodPut, "/stores/{id}", "shop.set_store", "edit.shops", "修改门店", "Change a store", shop.ErrName, shop.ErrCode, shop.ErrNoStore, shop.ErrStatus), a.setStore)
	staff.Route(s, staff.Get("/brands", "shop.brands", "view.shops", "品牌列表", "List brands"), a.brands)
	staff.Route(s, staff.Created(staff.Change(http.MethodPost, "/brands", "shop.add_brand", "edit.shops", "新建品牌", "Add a brand", shop.ErrName)), a.addBrand)
	a.terminalRoutes(s)
	staff.Route(s, staff.Get("/partners", "shop.partners", "view.partners", "合作方、权限与密钥", "Partners, their scopes and keys"), a.partners)
	staff.Route(s, staff.Dangerous(staff.Change(http.MethodPost, "/partners", "shop.add_partner", "edit.partners", "新建合作方", "Add a partner", shop.ErrName, shop.ErrScope)), a.addPartner)
	staff.Route(s, staff.Dangerous(staff.Change(http.MethodPut, "/partners/{id}", "shop.set_partner", "edit.partners", "修改合作方", "Change a partner", shop.ErrName, shop.ErrScope, shop.ErrNoPartner, shop.ErrStatus)), a.setPartner)
	// The secret is shown here and never again, so this answer is not kept under an idempotency key: asked twice, it makes two keys.
	staff.Route(s, staff.Created(staff.Dangerous(staff.Ask("/partners/{id}/keys", "shop.new_key", "edit.partners", "生成密钥（只显示一次）", "Make a key, shown once", shop.ErrNoPartner, shop.ErrTwoKeys, shop.ErrPartnerOff))), a.newKey)
	staff.Route(s, staff.Change(http.MethodDelete, "/keys/{id}", "shop.revoke_key", "edit.partners", "吊销密钥", "Revoke a key", shop.ErrNoKey), a.revokeKey)
}

type storeBody struct {
	Code   string `json:"code" maxLength:"64" doc:"门店编码|code of the store"`
	NameZh string `json:"name_zh" maxLength:"120" doc:"中文名|name in Chinese"`
	NameEn string `json:"name_en" maxLength:"120" doc:"英文名|name in English"`
	Region string `json:"region,omitempty" maxLength:"64" doc:"区域|region"`
	Brand  web.ID `json:"brand,omitempty" doc:"品牌，缺省为默认品牌|the brand; the default one when absent"`
	Status string `json:"status,omitempty" enum:"open,closed" doc:"状态|status"`
}

type storeOut struct {
	ID web.ID `json:"id" doc:"门店|the store"`
	storeBody
}

func storeOf(st shop.Store) storeOut {
	return storeOut{web.ID(st.ID), storeBody{st.Code, st.NameZh, st.NameEn, st.Region, web.ID(st.Brand), st.Status}}
}

func (b storeBody) store(id int64) shop.Store {
	if b.Status == "" {
		b.Status = shop.Open
	}
	return shop.Store{ID: id, Brand: int64(b.Brand), Code: b.Code, NameZh: b.NameZh, NameEn: b.NameEn, Region: b.Region, Status: b.Status}
}

type storesIn struct {
	web.Paging
	Status string `query:"status" enum:"open,closed" doc:"状态|status"`
	Region string `query:"region" maxLength:"100" doc:"区域|region"`
	Brand  web.ID `query:"brand" doc:"品牌|the brand"`
}

func (a *App) stores(c *web.Ctx, in *storesIn) (*web.Page[storeOut], error) {
	var after int64
	if err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[storeOut], error) {
		var out []storeOut
		for _, st := range a.Shop.Stores(v, shop.StoreFilter{Status: in.Status, Region: in.Region, Brand: int64(in.Brand)}, after, in.Limit+1) {
			out = append(out, storeOf(st))
		}
		return web.PageOf(out, in.Limit, func(s storeOut) string { return web.EncodeCursor(int64(s.ID)) }), nil
	})
}

type brandBody struct {
	NameZh string `json:"name_zh" maxLength:"100" doc:"中文名|name in Chinese"`
	NameEn string `json:"name_en" maxLength:"100" doc:"英文名|name in English"`
}

type brandOut struct {
	ID     web.ID `json:"id" doc:"品牌|the brand"`
	NameZh string `json:"name_zh" doc:"中文名|name in Chinese"`
	NameEn string `json:"name_en" doc:"英文名|name in English"`
}

type brandsOut struct {
	Data []brandOut `json:"data" doc:"品牌|brands"`
}

func (a *App) brands(c *web.Ctx, _ *struct{}) (*brandsOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*brandsOut, error) {
		out := &brandsOut{Data: []brandOut{}}
		for _, b := range a.Shop.Brands(v) {
			out.Data = append(out.Data, brandOut{web.ID(b.ID), b.NameZh, b.NameEn})
		}
		return out, nil
	})
}

func (a *App) addBrand(c *web.Ctx, in *struct{ Body brandBody }) (*brandOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*brandOut, staff.Act, error) {
		made, err := a.Shop.SaveBrand(tx, shop.Brand{NameZh: in.Body.NameZh, NameEn: in.Body.NameEn})
		return &brandOut{web.ID(made.ID), made.NameZh, made.NameEn}, staff.Act{What: "brand.add", Targets: []int64{made.ID}, New: in.Body}, err
	})
}

func (a *App) addStore(c *web.Ctx, in *struct{ Body storeBody }) (*storeOut, error) {
	return a.saveStore(c, in.Body.store(0), "store.add")
}

func (a *App) setStore(c *web.Ctx, in *struct {
	ID   web.ID `path:"id"`
	Body storeBody
}) (*storeOut, error) {
	return a.saveStore(c, in.Body.store(int64(in.ID)), "store.set")
}

func (a *App) saveStore(c *web.Ctx, st shop.Store, what string) (*storeOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*storeOut, staff.Act, error) {
		saved, err := a.Shop.SaveStore(tx, st)
		out := storeOf(saved)
		return &out, staff.Act{What: what, Targets: []int64{saved.ID}, New: out.storeBody}, err
	})
}

type partnerBody struct {
	Name   string   `json:"name" maxLength:"120" doc:"名称|name"`
	Scopes []string `json:"scopes" maxItems:"50" doc:"接口权限|what it may do"`
	Store  *web.ID  `json:"store,omitempty" doc:"只限此门店|the only store it may act for"`
	Status string   `json:"status,omitempty" enum:"active,blocked" doc:"状态|status"`
	Reason string   `json:"reason" maxLength:"500" doc:"原因|why"`
}

type keyOut struct {
	ID        web.ID `json:"id" doc:"密钥|the key"`
	Name      string `json:"name" doc:"公开部分 ak_…|its public part, ak_…"`
	CreatedAt int64  `json:"created_at" doc:"生成时间|when it was made"`
	RevokedAt int64  `json:"revoked_at" doc:"吊销时间，0 为有效|when it was revoked, 0 while it is live"`
	UsedAt    int64  `json:"used_at" doc:"最近使用|used last, to a quarter of an hour"`
}

type partnerOut struct {
	ID     web.ID   `json:"id" doc:"合作方|the partner"`
	Name   string   `json:"name" doc:"名称|name"`
	Scopes []string `json:"scopes" doc:"接口权限|what it may do"`
	Store  *web.ID  `json:"store,omitempty" doc:"只限此门店，没有则为全部|the only store it may act for, none is all"`
	Status string   `json:"status" doc:"状态|status"`
	Keys   []keyOut `json:"keys" doc:"密钥|its keys"`
}

type partnersOut struct {
	Data   []partnerOut `json:"data" doc:"合作方|partners"`
	Scopes []scopeOut   `json:"scopes" doc:"可授予的权限|what can be allowed"`
}

type scopeOut struct {
	Name  string `json:"name" doc:"代码|name"`
	Zh    string `json:"zh" doc:"中文|in Chinese"`
	En    string `json:"en" doc:"英文|in English"`
	Money bool   `json:"money" doc:"是否涉及价值|whether it moves value"`
}

func (a *App) partners(c *web.Ctx, _ *struct{}) (*partnersOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*partnersOut, error) {
		out := &partnersOut{Data: []partnerOut{}}
		for _, s := range shop.Scopes {
			out.Scopes = append(out.Scopes, scopeOut{s.Name, s.Zh, s.En, s.Money})
		}
		for _, p := range a.Shop.Partners(v) {
			one := partnerOut{ID: web.ID(p.ID), Name: p.Name, Scopes: p.Scopes, Status: p.Status, Keys: []keyOut{}}
			if p.Store != 0 {
				only := web.ID(p.Store)
				one.Store = &only
			}
			for _, k := range a.Shop.Keys(v, p.ID) {
				one.Keys = append(one.Keys, keyOf(k))
			}
			out.Data = append(out.Data, one)
		}
		return out, nil
	})
}

func keyOf(k shop.Key) keyOut {
	return keyOut{web.ID(k.ID), k.Name, k.CreatedAt, k.RevokedAt, k.UsedAt}
}

// savingPartner takes two people when it gives scopes that move value.
func (a *App) savingPartner() staff.Deed[shop.Partner] {
	return staff.Deed[shop.Partner]{Kind: "partner.save", Zh: "合作方权限", En: "Scopes of a partner", Perm: "edit.partners", Agree: "approve.partners",
		Alone: func(tx *db.Tx, who staff.Who, p shop.Partner) error {
			was, err := a.Shop.Partner(tx, p.ID)
			known := p.ID != 0 && err == nil
			if !shop.HasMoney(p.Scopes) || known && slices.Equal(was.Scopes, p.Scopes) {
				return nil
			}
			return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Partners }, "approve.partners")
		},
		Was: func(r db.Reader, p shop.Partner) any {
			if was, err := a.Shop.Partner(r, p.ID); err == nil {
				return was
			}
			return nil
		},
		Do: func(tx *db.Tx, p shop.Partner) (staff.Act, error) {
			saved, err := a.Shop.SavePartner(tx, p)
			return staff.Act{What: "partner.save", Targets: []int64{saved.ID}, New: saved}, err
		}}
}

func (a *App) addPartner(c *web.Ctx, in *struct{ Body partnerBody }) (*staff.Done, error) {
	return a.savePartner(c, 0, in.Body)
}

func (a *App) setPartner(c *web.Ctx, in *struct {
	ID   web.ID `path:"id"`
	Body partnerBody
}) (*staff.Done, error) {
	return a.savePartner(c, int64(in.ID), in.Body)
}

func (a *App) savePartner(c *web.Ctx, id int64, b partnerBody) (*staff.Done, error) {
	p := shop.Partner{ID: id, Name: b.Name, Scopes: b.Scopes, Status: b.Status}
	if p.Status == "" {
		p.Status = shop.Active
	}
	if b.Store != nil {
		p.Store = int64(*b.Store)
	}
	return a.savingPartner().Carry(c, a.Staff, db.Op{}, 0, p, b.Reason)
}

type newKeyOut struct {
	keyOut
	Secret string `json:"secret" doc:"密钥内容，只显示这一次|its secret, shown this once"`
}

func (a *App) newKey(c *web.Ctx, in *struct {
	ID web.ID `path:"id"`
}) (*newKeyOut, error) {
	return a.makeKey(c, int64(in.ID), a.Shop.NewKey)
}

// makeKey makes a key of a partner or a terminal and logs that it was made.
func (a *App) makeKey(c *web.Ctx, of int64, do func(*db.Tx, int64) (shop.Key, vault.Secret, error)) (*newKeyOut, error) {
	var out newKeyOut
	who := staff.WhoOf(c)
	err := a.DB.Write(c, db.Op{Actor: c.Caller.Actor()}, func(tx *db.Tx) error {
		k, secret, err := do(tx, of)
		if err != nil {
			return err
		}
		out = newKeyOut{keyOf(k), secret.Reveal()}
		return a.Staff.Log(tx, who, staff.Act{What: "key.new", Targets: []int64{of, k.ID}})
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func (a *App) revokeKey(c *web.Ctx, in *struct {
	ID web.ID `path:"id"`
}) (*web.None, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*web.None, staff.Act, error) {
		err := a.Shop.RevokeKey(tx, int64(in.ID))
		return &web.None{}, staff.Act{What: "key.revoke", Targets: []int64{int64(in.ID)}}, err
	})
}
