package demo

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/money"
	"guanxi/internal/edge/orderfile"
)

// tally is what the whole sample amounts to.
type tally struct {
	lines, orders, refunds, cancellations, members int
	sold, taken                                    money.Fen
}

func count(t *testing.T, r *orderfile.Reader) (sum tally) {
	t.Helper()
	members := map[string]bool{}
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			sum.members = len(members)
			return sum
		}
		if err != nil {
			t.Fatal(err)
		}
		sum.lines += len(rec.Lines)
		if rec.MemberRef != "" {
			members[rec.MemberRef] = true
		}
		if strings.HasPrefix(rec.No, "C") {
			sum.cancellations++
		}
		switch rec.Kind {
		case orderfile.Order:
			sum.orders++
			sum.sold += rec.AmountFen
		case orderfile.Refund:
			sum.refunds++
			sum.taken += rec.AmountFen
		default:
			t.Errorf("line %d: %s", rec.Refusal.Line, rec.Refusal.En)
		}
	}
}

func TestOnlineRetailIsWhole(t *testing.T) {
	t.Parallel()
	r, err := orderfile.New(bytes.NewReader(OnlineRetail), int64(len(OnlineRetail)), orderfile.Options{
		RefundPrefix: "C", Zone: clock.MustZone("Europe/London"),
	})
	if err != nil {
		t.Fatal(err)
	}
	// 89 invoices without the prefix write off broken goods: negative quantities at price 0.
	want := tally{
		lines: 50_999, orders: 2_367 - 386 - 89, refunds: 386 + 89, cancellations: 386, members: 1_051,
		sold: 967_819_37, taken: 114_754_28,
	}
	if got := count(t, r); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r.Offset() != r.Size() {
		t.Errorf("offset %d of %d at the end", r.Offset(), r.Size())
	}
}

func TestOnlineRetailFirstAndLast(t *testing.T) {
	t.Parallel()
	r, err := orderfile.New(bytes.NewReader(OnlineRetail), 0, orderfile.Options{RefundPrefix: "C"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	want := orderfile.Line{SKU: "85123A", Name: "WHITE HANGING HEART T-LIGHT HOLDER", Qty: 6, PriceFen: 255, AmountFen: 1530}
	if first.No != "536365" || first.MemberRef != "17850" || first.Lines[0] != want || first.FirstLine != 2 {
		t.Errorf("got %+v", first)
	}
	if got := clock.Shanghai.Format("2006-01-02 15:04", first.TimeMs); got != "2010-12-01 08:26" {
		t.Errorf("time %s", got)
	}
}
