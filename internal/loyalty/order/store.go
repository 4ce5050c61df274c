package order

import (
	"embed"
	"sort"

	"guanxi/internal/base/db"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the tables of orders.
var Schema = db.Schema{Feature: "order", Files: files}

// Order is one paid order; guests' orders have member 0.
type Order struct {
	Member     int64
	ID         int64
	Source     string
	No         string
	Status     string
	Amount     int64 // fen paid with money
	Eligible   int64 // of it, what earns
	Refunded   int64
	PointsUsed int64
	Hold       int64
	Via        int64 // the merged member whose identity the order came by
	Channel    string
	Store      string
	Occurred   int64
	Received   int64
	ClosedAt   int64
	Lines      string
	Terminal   int64 // the till that told of it; 0 is none
}

type orderKey struct{ Member, ID int64 }

// Orders holds every order, by member.
var Orders = db.NewTable(db.Spec[Order, orderKey]{
	Name: "orders", Keys: 2,
	Cols: []string{"member_id", "order_id", "source", "no", "status", "amount", "eligible", "refunded", "points_used",
		"hold_id", "via_id", "channel", "store", "occurred_at", "received_at", "closed_at", "sku_lines", "terminal_id"},
	Row: func(r *Order, p []any) []any {
		return append(p, &r.Member, &r.ID, &r.Source, &r.No, &r.Status, &r.Amount, &r.Eligible, &r.Refunded, &r.PointsUsed,
			&r.Hold, &r.Via, &r.Channel, &r.Store, &r.Occurred, &r.Received, &r.ClosedAt, &r.Lines, &r.Terminal)
	},
	Key:   func(r *Order) orderKey { return orderKey{r.Member, r.ID} },
	Args:  func(k orderKey, a []any) []any { return append(a, k.Member, k.ID) },
	Owner: func(k orderKey) int64 { return k.Member },
})

type keyRow struct {
	ID     string
	Member int64
	Order  int64
	Hash   string
}

var keys = db.NewTable(db.Spec[keyRow, string]{
	Name: "order_key", Keys: 1, Cols: []string{"id", "member_id", "order_id", "hash"},
	Row: func(r *keyRow, p []any) []any { return append(p, &r.ID, &r.Member, &r.Order, &r.Hash) },
	Key: func(r *keyRow) string { return r.ID },
})

// Refund is one refund of an order.
type Refund struct {
	Member   int64
	Order    int64
	ID       int64
	No       string
	Amount   int64
	Occurred int64
	Received int64
	Reason   string
	Lines    string // []Part
}

type refundKey struct{ Member, Order, ID int64 }

// Refunds holds every refund.
var Refunds = db.NewTable(db.Spec[Refund, refundKey]{
	Name: "order_refund", Keys: 3,
	Cols: []string{"member_id", "order_id", "refund_id", "no", "amount", "occurred_at", "received_at", "reason", "sku_lines"},
	Row: func(r *Refund, p []any) []any {
		return append(p, &r.Member, &r.Order, &r.ID, &r.No, &r.Amount, &r.Occurred, &r.Received, &r.Reason, &r.Lines)
	},
	Key:   func(r *Refund) refundKey { return refundKey{r.Member, r.Order, r.ID} },
	Args:  func(k refundKey, a []any) []any { return append(a, k.Member, k.Order, k.ID) },
	Owner: func(k refundKey) int64 { return k.Member },
})

// Waiting is a refund whose order has not come yet.
type Waiting struct {
	Key      string // of the order
	RefundNo string
	Received int64
	State    string // waiting, review
	Body     string
}

type waitingKey struct{ Key, RefundNo string }

// Waitings holds refunds that wait for their order.
var Waitings = db.NewTable(db.Spec[Waiting, waitingKey]{
	Name: "order_waiting", Keys: 2, Cols: []string{"id", "refund_no", "received_at", "state", "body"},
	Row:  func(r *Waiting, p []any) []any { return append(p, &r.Key, &r.RefundNo, &r.Received, &r.State, &r.Body) },
	Key:  func(r *Waiting) waitingKey { return waitingKey{r.Key, r.RefundNo} },
	Args: func(k waitingKey, a []any) []any { return append(a, k.Key, k.RefundNo) },
})

// Stat is what orders say of a member.
type Stat struct {
	Member   int64
	Orders   int64
	Refunds  int64
	Spent    int64
	Refunded int64
	First    int64
	Last     int64
	LastDay  int // latest local day with an order
}

// Stats holds a row a member with orders.
var Stats = db.NewTable(db.Spec[Stat, int64]{
	Name: "order_stat", Keys: 1, Load: true,
	Cols: []string{"member_id", "orders", "refunds", "spent", "refunded", "first_at", "last_at", "last_day"},
	Row: func(r *Stat, p []any) []any {
		return append(p, &r.Member, &r.Orders, &r.Refunds, &r.Spent, &r.Refunded, &r.First, &r.Last, &r.LastDay)
	},
	Key:   func(r *Stat) int64 { return r.Member },
	Owner: func(k int64) int64 { return k },
})

type totalKey struct {
	Day     int
	Channel string
}

// Total is a day's orders of one channel.
type Total struct {
	Day      int
	Channel  string
	Orders   int64
	Amount   int64
	Refunds  int64
	Refunded int64
}

// Totals holds a row a local day and channel.
var Totals = db.NewTable(db.Spec[Total, totalKey]{
	Name: "order_total", Keys: 2, Cols: []string{"day", "channel", "orders", "amount", "refunds", "refunded"},
	Row: func(r *Total, p []any) []any {
		return append(p, &r.Day, &r.Channel, &r.Orders, &r.Amount, &r.Refunds, &r.Refunded)
	},
	Key:  func(r *Total) totalKey { return totalKey{r.Day, r.Channel} },
	Args: func(k totalKey, a []any) []any { return append(a, k.Day, k.Channel) },
})

func newer(a, b *Order) bool {
	if a.Occurred != b.Occurred {
		return a.Occurred > b.Occurred
	}
	return a.ID > b.ID
}

// Of lists a member's orders by id, newest first, before one (0 is from the newest).
func Of(r db.Reader, member, before int64, limit int) []Order {
	if before == 0 {
		before = 1<<63 - 1
	}
	return Orders.Select(r, db.Query[Order]{
		Where: "member_id = ? AND order_id < ?", Args: []any{member, before}, Order: "order_id DESC", Limit: limit, Owner: member,
		Match: func(o *Order) bool { return o.Member == member && o.ID < before },
		Less:  func(a, b *Order) bool { return a.ID > b.ID },
	})
}

// Get reads one order.
func Get(r db.Reader, member, id int64) (Order, bool) { return Orders.Get(r, orderKey{member, id}) }

// RefundsOf lists the refunds of an order, oldest first.
func RefundsOf(r db.Reader, member, id int64) []Refund {
	return Refunds.Select(r, db.Query[Refund]{
		Where: "member_id = ? AND order_id = ?", Args: []any{member, id}, Order: "refund_id", Owner: member,
		Match: func(f *Refund) bool { return f.Order == id },
		Less:  func(a, b *Refund) bool { return a.ID < b.ID },
	})
}

func waitingFor(tx *db.Tx, key string) []Waiting {
	return Waitings.Select(tx, db.Query[Waiting]{
		Where: "id = ?", Args: []any{key}, Order: "refund_no",
		Match: func(w *Waiting) bool { return w.Key == key },
		Less:  func(a, b *Waiting) bool { return a.Received < b.Received },
	})
}

// before lists a member's orders up to an instant that still hold something.
func before(r db.Reader, member, at int64) []Order {
	return Orders.Select(r, db.Query[Order]{
		Where: "member_id = ? AND occurred_at <= ? AND status <> ?", Args: []any{member, at, Refunded}, Owner: member,
		Match: func(o *Order) bool { return o.Occurred <= at && o.Status != Refunded },
	})
}

func sortNewest(list []Order) {
	sort.Slice(list, func(i, j int) bool { return newer(&list[i], &list[j]) })
}
