package staff

import (
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/shop"
)

// A role may be held for the stores of a brand or a region (范围). It reaches the stores that belong there at the moment it is
// asked: a store that moves to another region is seen by the people of that region from the next request on.

type areaRow struct {
	Operator int64
	Role     string
	Brand    int64
	Region   string
}

var areas = db.NewTable(db.Spec[areaRow, areaRow]{
	Name: "staff_area", Cols: []string{"operator_id", "role", "brand_id", "region"}, Keys: 4,
	Row:   func(r *areaRow, p []any) []any { return append(p, &r.Operator, &r.Role, &r.Brand, &r.Region) },
	Key:   func(r *areaRow) areaRow { return *r },
	Args:  func(k areaRow, a []any) []any { return append(a, k.Operator, k.Role, k.Brand, k.Region) },
	Owner: func(k areaRow) int64 { return k.Operator },
})

// noStore is the store of a role whose area has none: it reaches nothing.
const noStore = -1

func (g Grant) area() bool { return g.Brand != 0 || g.Region != "" }

// whole says that a grant is limited to nothing.
func (g Grant) whole() bool { return g.Store == 0 && !g.area() }

// heldBy lists an operator's roles as they were granted.
func heldBy(r db.Reader, operator int64) (out []Grant) {
	for _, row := range roles.OfOwner(r, operator) {
		out = append(out, Grant{Role: row.Role, Store: row.Store})
	}
	for _, row := range areas.OfOwner(r, operator) {
		out = append(out, Grant{Role: row.Role, Brand: row.Brand, Region: row.Region})
	}
	return out
}

// grantsOf lists an operator's roles by the stores they reach now: what every question of permission is answered by.
func grantsOf(r db.Reader, operator int64) (out []Grant) {
	for _, g := range heldBy(r, operator) {
		if !g.area() {
			out = append(out, g)
			continue
		}
		within := shop.Within(r, g.Brand, g.Region)
		if len(within) == 0 {
			within = []int64{noStore}
		}
		for _, store := range within {
			g.Store = store
			out = append(out, g)
		}
	}
	return out
}

// asGranted folds the stores of an area into one again, for people to read.
func asGranted(grants []Grant) (out []Grant) {
	seen := map[Grant]bool{}
	for _, g := range grants {
		if g.area() {
			g.Store = 0
		}
		if !seen[g] {
			seen[g] = true
			out = append(out, g)
		}
	}
	return out
}

// keepGrant and dropGrant write a role where it belongs.
func keepGrant(tx *db.Tx, operator int64, g Grant) error {
	if g.area() {
		return areas.Insert(tx, areaRow{operator, g.Role, g.Brand, g.Region})
	}
	return roles.Insert(tx, roleRow{operator, g.Role, g.Store})
}

func dropGrant(tx *db.Tx, operator int64, g Grant) {
	if g.area() {
		areas.Delete(tx, areaRow{operator, g.Role, g.Brand, g.Region})
		return
	}
	roles.Delete(tx, roleRow{operator, g.Role, g.Store})
}
