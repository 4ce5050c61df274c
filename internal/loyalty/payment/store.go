package payment

import (
	"cmp"
	"embed"
	"slices"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of payments.
var Schema = db.Schema{Feature: "payment", Files: files}

// Payment is one payment.
type Payment struct {
	ID          int64
	Mch, App    string
	No          string // out_trade_no
	Member      int64
	Payer       string // sealed openid
	Source      string // of the order it pays
	OrderNo     string
	Amount      int64
	Refunded    int64
	Title       string
	Store       string
	Joins       bool
	State       string
	Transaction string
	Learned     string
	Order       int64
	Created     int64
	Expires     int64
	PaidAt      int64
	Next        int64 // when to ask the platform; 0 is never
	Asked       int   // how often it was asked
	Points      int64 // points that pay a part on top
	Hold        int64 // which holds them
}

var payments = db.NewTable(db.Spec[Payment, int64]{
	Name: "payment", Keys: 1, Indexed: true,
	Cols: []string{"payment_id", "mch", "app", "no", "member_id", "payer", "source", "order_no", "amount", "refunded", "title", "store", "joins", "state",
		"transaction_id", "learned", "order_id", "created_at", "expires_at", "paid_at", "next_at", "asked", "points_used", "hold_id"},
	Row: func(r *Payment, p []any) []any {
		return append(p, &r.ID, &r.Mch, &r.App, &r.No, &r.Member, &r.Payer, &r.Source, &r.OrderNo, &r.Amount, &r.Refunded, &r.Title, &r.Store, &r.Joins, &r.State,
			&r.Transaction, &r.Learned, &r.Order, &r.Created, &r.Expires, &r.PaidAt, &r.Next, &r.Asked, &r.Points, &r.Hold)
	},
	Key: func(r *Payment) int64 { return r.ID },
})

type keyRow struct {
	ID      string
	Payment int64
	Refund  int64
}

var keys = db.NewTable(db.Spec[keyRow, string]{
	Name: "payment_key", Keys: 1, Cols: []string{"id", "payment_id", "refund_id"},
	Row: func(r *keyRow, p []any) []any { return append(p, &r.ID, &r.Payment, &r.Refund) },
	Key: func(r *keyRow) string { return r.ID },
})

func noKey(mch, no string) string           { return mch + "|n|" + no }
func transactionKey(mch, no string) string  { return mch + "|t|" + no }
func refundKey(mch, no string) string       { return mch + "|r|" + no }
func orderKey(source, no string) string     { return "o|" + source + "|" + no }
func noticeKey(mch, what, ev string) string { return mch + "|" + what + "|" + ev }

// Refund is one refund of a payment.
type Refund struct {
	ID      int64
	Payment int64
	No      string
	Amount  int64
	Reason  string
	State   string
	Actor   string
	Created int64
	DoneAt  int64
	Next    int64
	Asked   int
}

var refunds = db.NewTable(db.Spec[Refund, int64]{
	Name: "payment_refund", Keys: 1, Indexed: true,
	Cols: []string{"refund_id", "payment_id", "no", "amount", "reason", "state", "actor", "created_at", "done_at", "next_at", "asked"},
	Row: func(r *Refund, p []any) []any {
		return append(p, &r.ID, &r.Payment, &r.No, &r.Amount, &r.Reason, &r.State, &r.Actor, &r.Created, &r.DoneAt, &r.Next, &r.Asked)
	},
	Key: func(r *Refund) int64 { return r.ID },
})

// Notice is one thing the platform told, and how often.
type Notice struct {
	ID     string
	Event  string
	Result string // done, or the code of what was wrong
	Times  int64
	First  int64
	Last   int64
}

var notices = db.NewTable(db.Spec[Notice, string]{
	Name: "payment_notice", Keys: 1, Cols: []string{"id", "event", "result", "times", "first_at", "last_at"},
	Row: func(r *Notice, p []any) []any {
		return append(p, &r.ID, &r.Event, &r.Result, &r.Times, &r.First, &r.Last)
	},
	Key: func(r *Notice) string { return r.ID },
})

// Incident is something that does not fit.
type Incident struct {
	Key      string
	ID       int64
	Kind     string
	Mch      string
	No       string
	Detail   string
	Times    int64
	First    int64
	Last     int64
	ClosedAt int64
	ClosedBy string
	Note     string
}

var incidents = db.NewTable(db.Spec[Incident, string]{
	Name: "payment_incident", Keys: 1, Indexed: true,
	Cols: []string{"id", "incident_id", "kind", "mch", "no", "detail", "times", "first_at", "last_at", "closed_at", "closed_by", "note"},
	Row: func(r *Incident, p []any) []any {
		return append(p, &r.Key, &r.ID, &r.Kind, &r.Mch, &r.No, &r.Detail, &r.Times, &r.First, &r.Last, &r.ClosedAt, &r.ClosedBy, &r.Note)
	},
	Key: func(r *Incident) string { return r.Key },
})

// Get reads a payment.
func Get(r db.Reader, id int64) (Payment, bool) { return payments.Get(r, id) }

// Find looks a payment up by the merchant's number.
func Find(r db.Reader, mch, no string) (Payment, bool) {
	k, ok := keys.Get(r, noKey(mch, no))
	if !ok {
		return Payment{}, false
	}
	return payments.Get(r, k.Payment)
}

// ByOrder looks up what pays an order of a source.
func ByOrder(r db.Reader, source, no string) (Payment, bool) {
	k, ok := keys.Get(r, orderKey(source, no))
	if !ok {
		return Payment{}, false
	}
	return payments.Get(r, k.Payment)
}

// GetRefund reads a refund.
func GetRefund(r db.Reader, id int64) (Refund, bool) { return refunds.Get(r, id) }

// RefundsOf lists the refunds of a payment, oldest first.
func RefundsOf(r db.Reader, payment int64) []Refund {
	return refunds.Select(r, db.Query[Refund]{
		Where: "payment_id = ?", Args: []any{payment}, Order: "refund_id",
		Match: func(f *Refund) bool { return f.Payment == payment },
		Less:  func(a, b *Refund) bool { return a.ID < b.ID },
	})
}

// Due lists payments that the platform should be asked about by now.
func Due(v *db.View, limit int) []Payment {
	return payments.Select(v, db.Query[Payment]{Where: "next_at > 0 AND next_at <= ?", Args: []any{v.Now()}, Order: "next_at, payment_id", Limit: limit})
}

// DueRefunds lists refunds that the platform should be asked about by now.
func DueRefunds(v *db.View, limit int) []Refund {
	return refunds.Select(v, db.Query[Refund]{Where: "next_at > 0 AND next_at <= ?", Args: []any{v.Now()}, Order: "next_at, refund_id", Limit: limit})
}

// PaidBetween lists what a merchant was paid in a span of time.
func PaidBetween(v *db.View, mch string, from, to int64) []Payment {
	return payments.Select(v, db.Query[Payment]{Where: "mch = ? AND paid_at >= ? AND paid_at < ?", Args: []any{mch, from, to}, Order: "payment_id"})
}

// OfMembers lists the payments of a member and those merged into it, newest first.
func OfMembers(v *db.View, family []int64, before int64, limit int) (out []Payment) {
	if before == 0 {
		before = 1<<63 - 1
	}
	for _, id := range family {
		out = append(out, payments.Select(v, db.Query[Payment]{Where: "member_id = ? AND payment_id < ?", Args: []any{id, before}, Order: "payment_id DESC", Limit: limit})...)
	}
	slices.SortFunc(out, func(a, b Payment) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(limit, len(out))]
}

// Latest lists payments, newest first.
func Latest(v *db.View, before int64, limit int) []Payment {
	if before == 0 {
		before = 1<<63 - 1
	}
	return payments.Select(v, db.Query[Payment]{Where: "payment_id < ?", Args: []any{before}, Order: "payment_id DESC", Limit: limit})
}

// Incidents lists those that nobody has dealt with, newest first.
func Incidents(v *db.View, before int64, limit int) []Incident {
	if before == 0 {
		before = 1<<63 - 1
	}
	return incidents.Select(v, db.Query[Incident]{Where: "closed_at = 0 AND incident_id < ?", Args: []any{before}, Order: "incident_id DESC", Limit: limit})
}

// NoticeOf reads what is kept of one thing that was told.
func NoticeOf(r db.Reader, mch, what, event string) (Notice, bool) {
	return notices.Get(r, noticeKey(mch, what, event))
}

// Counts says how much there is, for checks and pages.
func Counts(v *db.View) (paid, refunded, openIncidents int64) {
	v.Row("SELECT COUNT(*) FROM payment WHERE state = ?", []any{Paid}, &paid)
	v.Row("SELECT COUNT(*) FROM payment_refund WHERE state = ?", []any{Done}, &refunded)
	v.Row("SELECT COUNT(*) FROM payment_incident WHERE closed_at = 0", nil, &openIncidents)
	return paid, refunded, openIncidents
}
