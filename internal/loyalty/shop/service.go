package shop

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"guanxi/internal/base/db"
	"guanxi/internal/base/shared"
	"guanxi/internal/base/vault"
)

// Service keeps brands, stores and partners.
type Service struct {
	db    *db.DB
	vault *vault.Vault
	log   *slog.Logger

	Shared *shared.Store // what the processes remember together; nil: each alone

	cache *db.Cache[map[string]*liveKey]
	mu    sync.Mutex // one reload at a time
	held  atomic.Pointer[heldKeys]
	stale atomic.Bool
	used  sync.Map // key row id → *atomic.Int64, when it was used last
}

// New makes the service of a database; the vault seals the secrets.
func New(d *db.DB, v *vault.Vault, log *slog.Logger) *Service {
	s := &Service{db: d, vault: v, log: log}
	s.cache = db.NewCache("shop.keys", s.load)
	return s
}

// Brands lists all brands.
func (s *Service) Brands(r db.Reader) []Brand { return allBrands(r) }

// SaveBrand changes a brand, or adds one when it has no id yet.
func (s *Service) SaveBrand(tx *db.Tx, b Brand) (Brand, error) {
	if err := checkNames(b.NameZh, b.NameEn); err != nil {
		return b, err
	}
	if b.ID == 0 {
		b.ID = tx.ID()
		return b, brands.Insert(tx, b)
	}
	if _, ok := brands.Get(tx, b.ID); !ok {
		return b, ErrNoBrand.New()
	}
	brands.Put(tx, b)
	return b, nil
}

// Store reads one store.
func (s *Service) Store(r db.Reader, id int64) (Store, error) {
	if row, ok := stores.Get(r, id); ok {
		return row, nil
	}
	return Store{}, ErrNoStore.New()
}

// StoreByCode finds a store by the merchant's own number.
func (s *Service) StoreByCode(r db.Reader, code string) (Store, error) {
	if found := storesByCode(r, code); len(found) > 0 {
		return found[0], nil
	}
	return Store{}, ErrNoStore.New()
}

// StoreName is what a store is called in a language, "" when we know none by that code.
func StoreName(r db.Reader, code, lang string) string {
	found := storesByCode(r, code)
	switch {
	case code == "" || len(found) == 0:
		return ""
	case lang == "en" && found[0].NameEn != "":
		return found[0].NameEn
	}
	return found[0].NameZh
}

// Stores lists stores by id, after the last one of the page before.
func (s *Service) Stores(r db.Reader, f StoreFilter, after int64, limit int) []Store {
	return storesAfter(r, f, after, limit)
}

// StoreFilter says which stores are wanted; what is empty is any.
type StoreFilter struct {
	Status, Region string
	Brand          int64
}

func (f StoreFilter) wants(s *Store) bool {
	return (f.Status == "" || s.Status == f.Status) && (f.Region == "" || s.Region == f.Region) && (f.Brand == 0 || s.Brand == f.Brand)
}

// Within lists the stores of a brand, a region, or both; 0 and "" are any.
func Within(r db.Reader, brand int64, region string) (ids []int64) {
	for _, st := range storesAfter(r, StoreFilter{Brand: brand, Region: region}, 0, 0) {
		ids = append(ids, st.ID)
	}
	return ids
}

// SaveStore changes a store, or opens one when it has no id yet. Without a brand it belongs to the default one.
func (s *Service) SaveStore(tx *db.Tx, st Store) (Store, error) {
	if st.Brand == 0 {
		st.Brand = DefaultBrand
	}
	if err := st.check(); err != nil {
		return st, err
	}
	if _, ok := brands.Get(tx, st.Brand); !ok {
		return st, ErrNoBrand.New().At("brand_id")
	}
	if same := storesByCode(tx, st.Code); len(same) > 0 && same[0].ID != st.ID {
		return st, ErrCodeTaken.With("code", st.Code).At("code")
	}
	if st.ID == 0 {
		st.ID = tx.ID()
		return st, stores.Insert(tx, st)
	}
	if _, err := s.Store(tx, st.ID); err != nil {
		return st, err
	}
	stores.Put(tx, st)
	s.changed(tx) // partners bound to it act by its code
	return st, nil
}

// Partner reads one partner.
func (s *Service) Partner(r db.Reader, id int64) (Partner, error) {
	if row, ok := partners.Get(r, id); ok {
		return row.partner(), nil
	}
	return Partner{}, ErrNoPartner.New()
}

// Partners lists all partners.
func (s *Service) Partners(r db.Reader) []Partner {
	var out []Partner
	for _, row := range allPartners(r) {
		out = append(out, row.partner())
	}
	return out
}

// SavePartner changes a partner, or adds one when it has no id yet. What it changes holds for its keys at once.
func (s *Service) SavePartner(tx *db.Tx, p Partner) (Partner, error) {
	if err := p.check(); err != nil {
		return p, err
	}
	if p.Store != 0 {
		if _, err := s.Store(tx, p.Store); err != nil {
			return p, err
		}
	}
	if p.ID == 0 {
		p.ID = tx.ID()
		return p, partners.Insert(tx, rowOf(p))
	}
	if _, err := s.Partner(tx, p.ID); err != nil {
		return p, err
	}
	partners.Put(tx, rowOf(p))
	s.changed(tx)
	return p, nil
}
