package webhook

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

var endpoints = db.NewTable(db.Spec[Endpoint, int64]{
	Name: "webhook_endpoint",
	Cols: []string{"id", "url", "secret", "kinds", "status", "position", "woken", "fence", "lease_until", "fails", "last_error", "sent_at", "created_at"},
	Keys: 1,
	Row: func(r *Endpoint, p []any) []any {
		return append(p, &r.ID, &r.URL, &r.secret, &r.Kinds, &r.Status, &r.Position, &r.woken, &r.fence, &r.leaseUntil, &r.Fails, &r.LastError, &r.SentAt, &r.CreatedAt)
	},
	Key: func(r *Endpoint) int64 { return r.ID },
})

// active are the endpoints that are switched on.
var active = db.NewCache("webhook.active", func(r db.Reader) (ids []int64) {
	for _, e := range endpoints.Select(r, db.Query[Endpoint]{Where: "status = ?", Args: []any{On}, Order: "id",
		Match: func(e *Endpoint) bool { return e.Status == On }, Less: func(a, b *Endpoint) bool { return a.ID < b.ID }}) {
		ids = append(ids, e.ID)
	}
	return ids
})

func factsAfter(r db.Reader, position int64, limit int) []fact.Row {
	return fact.Table.Select(r, db.Query[fact.Row]{Where: "id > ?", Args: []any{position}, Order: "id", Limit: limit,
		Match: func(f *fact.Row) bool { return f.ID > position }, Less: func(a, b *fact.Row) bool { return a.ID < b.ID }})
}
