package app

import (
	"fmt"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/shop"
	"guanxi/internal/loyalty/staff"
)

// Two brands, two regions, three stores, a member and an order in each.
func TestRolesReachTheStoresOfTheirBrandAndRegionAndNoOthers(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	var brand struct{ ID web.ID }
	w.ask("root", "POST", "/brands", `{"name_zh":"二牌","name_en":"Second"}`, 201, &brand)
	open := func(code, region string, brand int64) (st shop.Store) {
		w.write(func(tx *db.Tx) (err error) {
			st, err = w.app.Shop.SaveStore(tx, shop.Store{Code: code, NameZh: code, NameEn: code, Region: region, Brand: brand, Status: shop.Open})
			return err
		})
		return st
	}
	east, north := open("EAST", "华东", 0), open("NORTH", "华北", 0)
	other := open("OTHER", "华东", int64(brand.ID))
	members := map[string]int64{}
	for i, st := range []shop.Store{east, north, other} {
		members[st.Code] = w.join(fmt.Sprintf("1380000090%d", i), st.Code)
	}
	manager := func(login string, g staff.Grant) { g.Role = staff.StoreManager; w.hire(login, g) }
	manager("region", staff.Grant{Region: "华东"})
	manager("brand", staff.Grant{Brand: int64(brand.ID)})
	manager("both", staff.Grant{Region: "华东", Brand: shop.DefaultBrand})
	manager("nowhere", staff.Grant{Region: "火星"})
	see := func(who string, want ...string) {
		t.Helper()
		list := w.ask(who, "GET", "/members", "", 200, nil).Body.String()
		for code, id := range members {
			wanted := strings.Contains(" "+strings.Join(want, " ")+" ", " "+code+" ")
			if strings.Contains(list, fmt.Sprintf(`"%d"`, id)) != wanted {
				t.Errorf("%s and the member of %s in the list: %s", who, code, list)
			}
			status := map[bool]int{true: 200, false: 404}[wanted]
			w.ask(who, "GET", fmt.Sprintf("/members/%d", id), "", status, nil)
			w.ask(who, "GET", fmt.Sprintf("/members/%d/balances", id), "", status, nil)
			w.ask(who, "POST", fmt.Sprintf("/members/%d/adjustments", id), `{"points":1,"reason":"a test"}`, status, nil)
		}
		w.ask(who, "GET", "/overview", "", 403, nil) // of the whole programme
		w.ask(who, "GET", "/stores", "", 403, nil)
	}
	see("region", "EAST", "OTHER")
	see("brand", "OTHER")
	see("both", "EAST")
	see("nowhere")
	has(t, w.ask("region", "GET", "/session", "", 200, nil), `"grants":[{"role":"store_manager","region":"华东"}]`)
	// A store that moves is reached by those it moves to, from the next request on.
	w.write(func(tx *db.Tx) error { north.Region = "华东"; _, err := w.app.Shop.SaveStore(tx, north); return err })
	see("region", "EAST", "OTHER", "NORTH")
	see("both", "EAST", "NORTH")

	w.ask("root", "POST", fmt.Sprintf("/operators/%d/roles", w.ids["region"]), fmt.Sprintf(`{"role":"customer_service","store":"%d","region":"华东","reason":"both"}`, east.ID), 422, nil)
	w.ask("root", "POST", fmt.Sprintf("/operators/%d/roles", w.ids["region"]), `{"role":"customer_service","region":"华北","reason":"one"}`, 200, nil)
	has(t, w.ask("root", "GET", fmt.Sprintf("/operators/%d", w.ids["region"]), "", 200, nil), `{"role":"customer_service","region":"华北"}`)
	w.ask("root", "DELETE", fmt.Sprintf("/operators/%d/roles/customer_service?region=%s", w.ids["region"], "%E5%8D%8E%E5%8C%97"), "", 200, nil)
	if got := w.ask("root", "GET", fmt.Sprintf("/operators/%d", w.ids["region"]), "", 200, nil).Body.String(); strings.Contains(got, "customer_service") {
		t.Error(got)
	}
}
