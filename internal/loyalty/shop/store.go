package shop

import (
	"strings"

	"guanxi/internal/base/db"
)

var brands = db.NewTable(db.Spec[Brand, int64]{
	Name: "brand", Cols: []string{"id", "name_zh", "name_en"}, Keys: 1,
	Row: func(r *Brand, p []any) []any { return append(p, &r.ID, &r.NameZh, &r.NameEn) },
	Key: func(r *Brand) int64 { return r.ID },
})

var stores = db.NewTable(db.Spec[Store, int64]{
	Name: "store", Cols: []string{"id", "brand_id", "code", "name_zh", "name_en", "region", "status"}, Keys: 1, Indexed: true,
	Row: func(r *Store, p []any) []any {
		return append(p, &r.ID, &r.Brand, &r.Code, &r.NameZh, &r.NameEn, &r.Region, &r.Status)
	},
	Key: func(r *Store) int64 { return r.ID },
})

type partnerRow struct {
	ID           int64
	Name, Scopes string
	Store        int64
	Status       string
}

func rowOf(p Partner) partnerRow {
	return partnerRow{p.ID, p.Name, strings.Join(p.Scopes, " "), p.Store, p.Status}
}

func (r partnerRow) partner() Partner {
	return Partner{r.ID, r.Name, strings.Fields(r.Scopes), r.Store, r.Status}
}

var partners = db.NewTable(db.Spec[partnerRow, int64]{
	Name: "partner", Cols: []string{"id", "name", "scopes", "store_id", "status"}, Keys: 1,
	Row: func(r *partnerRow, p []any) []any {
		return append(p, &r.ID, &r.Name, &r.Scopes, &r.Store, &r.Status)
	},
	Key: func(r *partnerRow) int64 { return r.ID },
})

type keyRow struct {
	ID, Partner          int64
	Name, Secret         string // the public name (ak_live_…) and the sealed secret
	CreatedAt, RevokedAt int64
	Terminal             int64
}

var keys = db.NewTable(db.Spec[keyRow, int64]{
	Name: "partner_key", Cols: []string{"id", "partner_id", "key_id", "secret", "created_at", "revoked_at", "terminal_id"}, Keys: 1, Indexed: true,
	Row: func(r *keyRow, p []any) []any {
		return append(p, &r.ID, &r.Partner, &r.Name, &r.Secret, &r.CreatedAt, &r.RevokedAt, &r.Terminal)
	},
	Key: func(r *keyRow) int64 { return r.ID },
})

var terminals = db.NewTable(db.Spec[Terminal, int64]{
	Name: "terminal", Cols: []string{"id", "store_id", "partner_id", "code", "name", "status"}, Keys: 1, Indexed: true,
	Row: func(r *Terminal, p []any) []any {
		return append(p, &r.ID, &r.Store, &r.Partner, &r.Code, &r.Name, &r.Status)
	},
	Key: func(r *Terminal) int64 { return r.ID },
})

func terminalsByCode(r db.Reader, code string) []Terminal {
	return terminals.Select(r, db.Query[Terminal]{Where: "code = ?", Args: []any{code},
		Match: func(t *Terminal) bool { return t.Code == code }})
}

func terminalsAfter(r db.Reader, store int64, status string, after int64, limit int) []Terminal {
	where, args := "id > ?", []any{after}
	if store != 0 {
		where, args = where+" AND store_id = ?", append(args, store)
	}
	if status != "" {
		where, args = where+" AND status = ?", append(args, status)
	}
	return terminals.Select(r, db.Query[Terminal]{Where: where, Args: args, Order: "id", Limit: limit,
		Match: func(t *Terminal) bool {
			return t.ID > after && (store == 0 || t.Store == store) && (status == "" || t.Status == status)
		},
		Less: func(a, b *Terminal) bool { return a.ID < b.ID }})
}

type useRow struct{ ID, UsedAt int64 }

var uses = db.NewTable(db.Spec[useRow, int64]{
	Name: "partner_key_use", Cols: []string{"id", "used_at"}, Keys: 1,
	Row: func(r *useRow, p []any) []any { return append(p, &r.ID, &r.UsedAt) },
	Key: func(r *useRow) int64 { return r.ID },
})

func storesByCode(r db.Reader, code string) []Store {
	return stores.Select(r, db.Query[Store]{Where: "code = ?", Args: []any{code},
		Match: func(s *Store) bool { return s.Code == code }})
}

func storesAfter(r db.Reader, f StoreFilter, after int64, limit int) []Store {
	where, args := "id > ?", []any{after}
	if f.Status != "" {
		where, args = where+" AND status = ?", append(args, f.Status)
	}
	if f.Region != "" {
		where, args = where+" AND region = ?", append(args, f.Region)
	}
	if f.Brand != 0 {
		where, args = where+" AND brand_id = ?", append(args, f.Brand)
	}
	return stores.Select(r, db.Query[Store]{Where: where, Args: args, Order: "id", Limit: limit,
		Match: func(s *Store) bool { return s.ID > after && f.wants(s) }, Less: func(a, b *Store) bool { return a.ID < b.ID }})
}

func allBrands(r db.Reader) []Brand {
	return brands.Select(r, db.Query[Brand]{Order: "id", Match: func(*Brand) bool { return true },
		Less: func(a, b *Brand) bool { return a.ID < b.ID }})
}

func allPartners(r db.Reader) []partnerRow {
	return partners.Select(r, db.Query[partnerRow]{Order: "id", Match: func(*partnerRow) bool { return true },
		Less: func(a, b *partnerRow) bool { return a.ID < b.ID }})
}

// liveKeys are few, and read seldom: at the start and when one changes.
func liveKeys(r db.Reader) []keyRow {
	return keys.Select(r, db.Query[keyRow]{Where: "revoked_at = 0", Order: "id", Match: func(k *keyRow) bool { return k.RevokedAt == 0 },
		Less: func(a, b *keyRow) bool { return a.ID < b.ID }})
}

func keysOf(r db.Reader, partner int64) []keyRow {
	return keys.Select(r, db.Query[keyRow]{Where: "partner_id = ?", Args: []any{partner}, Order: "id",
		Match: func(k *keyRow) bool { return k.Partner == partner }, Less: func(a, b *keyRow) bool { return a.ID < b.ID }})
}

// nonceRow is a nonce that was taken in a slot of time, under a hash of it and its key.
type nonceRow struct {
	Slot int64
	Hash string
}

var takenNonces = db.NewTable(db.Spec[nonceRow, nonceRow]{
	Name: "partner_nonce", Cols: []string{"slot", "hash"}, Keys: 2,
	Row:  func(r *nonceRow, p []any) []any { return append(p, &r.Slot, &r.Hash) },
	Key:  func(r *nonceRow) nonceRow { return *r },
	Args: func(k nonceRow, a []any) []any { return append(a, k.Slot, k.Hash) },
})

func noncesBefore(r db.Reader, slot int64, limit int) []nonceRow {
	return takenNonces.Select(r, db.Query[nonceRow]{Where: "slot < ?", Args: []any{slot}, Order: "slot, hash", Limit: limit,
		Match: func(n *nonceRow) bool { return n.Slot < slot },
		Less:  func(a, b *nonceRow) bool { return a.Slot < b.Slot || a.Slot == b.Slot && a.Hash < b.Hash }})
}
