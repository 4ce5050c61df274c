package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"guanxi/internal/app/heads"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/staff"
)

// Who verifies beside a running server has the keys to check what was signed, and makes none where there are none.
func TestHeadsAreCheckedBesideAServer(t *testing.T) {
	t.Parallel()
	ctx, data := context.Background(), t.TempDir()
	o := Options{Data: data, URL: db.Embedded, Keys: filepath.Join(data, "keys"), Clock: clock.NewFake(noon), Seed: 7}
	a, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &town{t: t, a: a}
	w.write(func(tx *db.Tx) error { return a.Staff.Log(tx, staff.Who{Operator: 1}, staff.Act{What: "x"}) })
	w.write(func(tx *db.Tx) error { return heads.Keep(tx, a.Vault, headsOf(tx)) })
	o.ReadOnly = true
	beside, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = beside.Close() }()
	if err := beside.DB.View(ctx, func(v *db.View) error {
		if n, wrong := beside.CheckHeads(v, a.HeadsNow(v).Heads); n < 2 || len(wrong) > 0 {
			t.Errorf("%d heads, wrong: %+v", n, wrong)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	o.Keys = t.TempDir()
	if _, err := Open(ctx, o); !fault.Is(err, vault.ErrKeysBroken) {
		t.Errorf("without keys: %v", err)
	}
	if left, _ := os.ReadDir(o.Keys); len(left) > 0 {
		t.Errorf("keys were made: %v", left)
	}
}
