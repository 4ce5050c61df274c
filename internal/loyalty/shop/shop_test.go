package shop

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
)

const start = 1_700_000_000_000

type world struct {
	t     testing.TB
	d     *db.DB
	clock *clock.Fake
	vault *vault.Vault
	s     *Service
}

func open(t testing.TB) *world {
	t.Helper()
	c := clock.NewFake(start)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(context.Background(), Schema, job.Schema); err != nil {
		t.Fatal(err)
	}
	v, err := vault.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, d, c, v, New(d, v, slog.New(slog.DiscardHandler))}
}

func (w *world) try(fn func(*db.Tx) error) error {
	return w.d.Write(context.Background(), db.Op{}, fn)
}

func (w *world) write(fn func(*db.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) view(fn func(*db.View)) {
	w.t.Helper()
	if err := w.d.View(context.Background(), func(v *db.View) error { fn(v); return nil }); err != nil {
		w.t.Fatal(err)
	}
}

func west() Store { return Store{Code: "W-01", NameZh: "西湖店", NameEn: "West Lake", Status: Open} }

func TestStoresAreSavedAndFoundByCode(t *testing.T) {
	t.Parallel()
	w := open(t)
	var a, b Store
	w.write(func(tx *db.Tx) (err error) {
		if a, err = w.s.SaveStore(tx, west()); err != nil {
			return err
		}
		other := west()
		other.Code = "W-02"
		b, err = w.s.SaveStore(tx, other)
		return err
	})
	w.write(func(tx *db.Tx) error {
		b.Status, b.Region = Closed, "华东"
		_, err := w.s.SaveStore(tx, b)
		return err
	})
	w.view(func(v *db.View) {
		if got, err := w.s.StoreByCode(v, "W-02"); err != nil || got != b || got.Brand != DefaultBrand {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := w.s.StoreByCode(v, "w-02"); !fault.Is(err, ErrNoStore) {
			t.Errorf("another code: %v", err)
		}
		if got := w.s.Stores(v, StoreFilter{}, a.ID, 10); len(got) != 1 || got[0].ID != b.ID {
			t.Errorf("page %+v", got)
		}
		if got := w.s.Brands(v); len(got) != 1 || got[0].NameZh != "默认品牌" {
			t.Errorf("brands %+v", got)
		}
	})
}

func TestWrongStoresAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.write(func(tx *db.Tx) error { _, err := w.s.SaveStore(tx, west()); return err })
	for _, c := range []struct {
		want  *fault.Kind
		field string
		edit  func(*Store)
	}{
		{ErrCodeTaken, "code", func(*Store) {}},
		{ErrCode, "code", func(s *Store) { s.Code = "a b" }},
		{ErrCode, "code", func(s *Store) { s.Code = strings.Repeat("a", 65) }},
		{ErrName, "name_zh", func(s *Store) { s.NameZh = " " }},
		{ErrName, "name_en", func(s *Store) { s.NameEn = strings.Repeat("x", 101) }},
		{ErrName, "region", func(s *Store) { s.Region = "\xff" }},
		{ErrStatus, "status", func(s *Store) { s.Status = "" }},
		{ErrNoBrand, "brand_id", func(s *Store) { s.Brand = 9 }},
		{ErrNoStore, "", func(s *Store) { s.Code, s.ID = "n", 9 }},
	} {
		st := west()
		c.edit(&st)
		err := w.try(func(tx *db.Tx) error { _, err := w.s.SaveStore(tx, st); return err })
		if !fault.Is(err, c.want) || fault.As(err).Field != c.field {
			t.Errorf("%+v: %v", st, err)
		}
	}
}

func TestBrandsAreSaved(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.write(func(tx *db.Tx) error {
		b, err := w.s.SaveBrand(tx, Brand{NameZh: "二", NameEn: "Two"})
		if err != nil {
			return err
		}
		b.NameEn = "Second"
		_, err = w.s.SaveBrand(tx, b)
		return err
	})
	w.view(func(v *db.View) {
		if got := w.s.Brands(v); len(got) != 2 || got[1].NameEn != "Second" {
			t.Errorf("brands %+v", got)
		}
	})
	for want, b := range map[*fault.Kind]Brand{ErrName: {NameZh: "x"}, ErrNoBrand: {ID: 9, NameZh: "x", NameEn: "x"}} {
		if err := w.try(func(tx *db.Tx) error { _, err := w.s.SaveBrand(tx, b); return err }); !fault.Is(err, want) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

// till makes a partner with a key.
func (w *world) till(scopes ...string) (p Partner, k Key, secret string) {
	w.t.Helper()
	w.write(func(tx *db.Tx) (err error) {
		if p, err = w.s.SavePartner(tx, Partner{Name: "收银", Scopes: scopes, Status: Active}); err != nil {
			return err
		}
		var s vault.Secret
		k, s, err = w.s.NewKey(tx, p.ID)
		secret = s.Reveal()
		return err
	})
	return p, k, secret
}

func TestPartnerHasTwoLiveKeysForRotation(t *testing.T) {
	t.Parallel()
	w := open(t)
	p, first, secret := w.till("points.read")
	newKey := func(tx *db.Tx) error { _, _, err := w.s.NewKey(tx, p.ID); return err }
	w.write(newKey)
	if err := w.try(newKey); !fault.Is(err, ErrTwoKeys) {
		t.Errorf("a third key: %v", err)
	}
	w.write(func(tx *db.Tx) error { return w.s.RevokeKey(tx, first.ID) })
	w.clock.Add(5)
	w.write(func(tx *db.Tx) error { return w.s.RevokeKey(tx, first.ID) })
	w.write(newKey)
	w.view(func(v *db.View) {
		got := w.s.Keys(v, p.ID)
		if len(got) != 3 || got[0].RevokedAt != start || got[1].RevokedAt != 0 || got[2].RevokedAt != 0 {
			t.Errorf("keys %+v", got)
		}
		row, _ := keys.Get(v, first.ID)
		if strings.Contains(fmt.Sprint(row), secret) || !strings.HasPrefix(secret, "sk_live_") || !strings.HasPrefix(row.Name, "ak_live_") {
			t.Error("the secret is readable in the database, or of another form")
		}
	})
	if err := w.try(func(tx *db.Tx) error { return w.s.RevokeKey(tx, 9) }); !fault.Is(err, ErrNoKey) {
		t.Error(err)
	}
}

func TestWrongPartnersAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, c := range []struct {
		want *fault.Kind
		p    Partner
	}{
		{ErrName, Partner{Status: Active}},
		{ErrStatus, Partner{Name: "a"}},
		{ErrScope, Partner{Name: "a", Status: Active, Scopes: []string{"points.read", "everything"}}},
		{ErrNoStore, Partner{Name: "a", Status: Active, Store: 9}},
		{ErrNoPartner, Partner{Name: "a", Status: Active, ID: 9}},
	} {
		if err := w.try(func(tx *db.Tx) error { _, err := w.s.SavePartner(tx, c.p); return err }); !fault.Is(err, c.want) {
			t.Errorf("%+v: %v", c.p, err)
		}
	}
	p, _, _ := w.till()
	p.Status = Blocked
	err := w.try(func(tx *db.Tx) error {
		if _, err := w.s.SavePartner(tx, p); err != nil {
			return err
		}
		_, _, err := w.s.NewKey(tx, p.ID)
		return err
	})
	if !fault.Is(err, ErrPartnerOff) {
		t.Errorf("a key for a blocked partner: %v", err)
	}
}

func TestScopesAreAClosedListWithNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Scopes {
		if seen[s.Name] || s.Zh == "" || s.En == "" || strings.Contains(s.Name, " ") || strings.Count(s.Name, ".") != 1 {
			t.Errorf("scope %+v", s)
		}
		seen[s.Name] = true
	}
	if HasMoney([]string{"points.read", "members.write"}) || !HasMoney([]string{"points.read", "points.write"}) {
		t.Error("money scopes")
	}
}
