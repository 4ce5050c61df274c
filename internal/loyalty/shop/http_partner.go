package shop

import (
	"net/http"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
)

// PartnerDoor is the name of the partners' door.
const PartnerDoor = "partner"

// ErrOtherStore refuses a partner that acts for a store not its own.
var ErrOtherStore = fault.Define("shop.other_store", fault.Denied,
	"该合作方只能代表门店 {store}", "This partner may act for store {store} only")

// OpenDoor opens the partners' door: programs sign their requests (GX1).
func (v *Verifier) OpenDoor(srv *web.Server) {
	srv.Door(web.Door{Name: PartnerDoor, Prefix: "/api/partner", Zh: "合作方（签名请求）", En: "Partners, who sign their requests",
		Scheme: Algorithm, Authenticate: v.authenticate})
}

func (v *Verifier) authenticate(r *http.Request, body []byte) (web.Caller, error) {
	who, err := v.VerifyHTTP(r, body)
	if err != nil {
		return web.Caller{}, err
	}
	return web.Caller{Kind: PartnerDoor, ID: who.Partner, Can: who.Can, Scope: who}, nil
}

// CallerOf gives the partner behind a request of the partners' door.
func CallerOf(c *web.Ctx) Caller {
	who, _ := c.Caller.Scope.(Caller)
	return who
}

// Source names a partner where causes are kept ("p12"), so that the numbers of two partners never meet.
func (c Caller) Source() string { return "p" + id.String(c.Partner) }

// Cause names an effect by the partner's own key for it. Nobody else's causes begin like this.
func (c Caller) Cause(key string) string { return c.Source() + ":" + key }

// StoreFor gives the store that a request acts for: the one it names, else the only one the partner has.
// A partner bound to a store may name no other.
func (c Caller) StoreFor(code string) (string, error) {
	if c.Store == 0 || code == c.StoreCode {
		return code, nil
	}
	if code != "" {
		return "", ErrOtherStore.With("store", c.StoreCode).At("store")
	}
	return c.StoreCode, nil
}
