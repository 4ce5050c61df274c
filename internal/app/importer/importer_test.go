package importer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guanxi/internal/app"
	"guanxi/internal/app/demo"
	"guanxi/internal/app/importer"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
)

func open(t *testing.T, dir string) *app.App {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Data: dir, Clock: clock.NewFake(1_795_000_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func take(t *testing.T, a *app.App, path string) (importer.Report, error) {
	t.Helper()
	return a.Importer.Run(context.Background(), path, orderfile.Options{RefundPrefix: "C", Zone: a.Zone, Encoding: orderfile.Auto}, importer.Options{Source: "shop", Channel: "online"})
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func clean(t *testing.T, a *app.App) {
	t.Helper()
	err := a.DB.View(context.Background(), func(v *db.View) error {
		if r := ledger.Verify(v, nil); len(r.Wrong) > 0 {
			t.Errorf("verify: %+v", r.Wrong)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func balance(t *testing.T, a *app.App, ref string) (points int64, orders int) {
	t.Helper()
	err := a.DB.View(context.Background(), func(v *db.View) error {
		f, ok, err := a.Members.Find(v, member.Identity{Kind: member.KindExternal, Issuer: "shop", Value: secret(ref)})
		if err != nil || !ok {
			return err
		}
		points = ledger.Now(v, f.Member, ledger.Points).Balance
		orders = len(order.Of(v, f.Member, 0, 200))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return points, orders
}

func TestTheSampleGoesInOnceHoweverOften(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	path := file(t, "online-retail.csv.gz", string(demo.OnlineRetail))
	first, err := take(t, a, path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Orders != 1892 || first.Joined != 1051 || first.Guests != 254 || first.AmountFen != 96781937 || first.Refused != 0 {
		t.Errorf("first: %+v", first)
	}
	points, orders := balance(t, a, "17850")
	second, err := take(t, a, path)
	if err != nil {
		t.Fatal(err)
	}
	if second.Orders != 0 || second.Refunds != 0 || second.Joined != 0 || second.Repeated != first.Orders+first.Refunds {
		t.Errorf("second: %+v", second)
	}
	if p, n := balance(t, a, "17850"); p != points || n != orders || orders == 0 || points == 0 {
		t.Errorf("the second import changed %d points of %d orders to %d of %d", points, orders, p, n)
	}
	clean(t, a)
}

// An import cut off anywhere goes on where it was; nothing is in twice.
func TestACutOffImportGoesOn(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("order,time,member,amount\n")
	for i := range 5000 {
		fmt.Fprintf(&b, "N%d,2026-03-0%d 10:00:00,M%d,10.00\n", i, i%9+1, i%50)
	}
	dir := t.TempDir()
	path := file(t, "big.csv", b.String())
	a := open(t, dir)
	ctx, stop := context.WithCancel(context.Background())
	opt := importer.Options{Source: "shop", OnProgress: func(_, _, records int64) {
		if records >= 2000 {
			stop()
		}
	}}
	if _, err := a.Importer.Run(ctx, path, orderfile.Options{Zone: a.Zone}, opt); err == nil {
		t.Fatal("it was not cut off")
	}
	r, err := take(t, a, path)
	if err != nil {
		t.Fatal(err)
	}
	if r.ResumedFrom < 1000 || r.Orders == 0 || r.Orders >= 5000 {
		t.Errorf("resumed: %+v", r)
	}
	for m := range 50 {
		if p, n := balance(t, a, fmt.Sprint("M", m)); n != 100 || p != 100*10+50 {
			t.Errorf("M%d has %d orders and %d points", m, n, p)
		}
	}
	clean(t, a)
}

func TestRefusedLinesAreNamedAndChangeNothing(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	r, err := take(t, a, file(t, "bad.csv", "order,time,member,amount\nA1,2026-03-01 10:00,M1,10.00\nA2,2026-13-01 10:00,M1,10.00\nA3,2026-03-01 10:00,M1,1e9\nA4,2026-03-01 10:00,=M1,5.00\nA5,2026-03-02 10:00,M1,20.00\n"))
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, x := range r.Refusals {
		codes = append(codes, fmt.Sprintf("%d:%s", x.Line, x.Code))
	}
	if got := strings.Join(codes, " "); got != "3:orderfile.time 4:orderfile.amount 5:orderfile.formula" {
		t.Errorf("refused %s", got)
	}
	if p, n := balance(t, a, "M1"); n != 2 || p != 10+20+50 {
		t.Errorf("M1 has %d orders and %d points", n, p)
	}
}

func TestSameNumberOtherContentIsRefusedByLine(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	if _, err := take(t, a, file(t, "one.csv", "order,time,member,amount\nA1,2026-03-01 10:00,M1,10.00\n")); err != nil {
		t.Fatal(err)
	}
	r, err := take(t, a, file(t, "two.csv", "order,time,member,amount\nA1,2026-03-01 10:00,M1,11.00\n"))
	if err != nil || len(r.Refusals) != 1 || r.Refusals[0].Code != "order.conflict" || r.Refusals[0].Line != 2 {
		t.Errorf("%v %+v", err, r)
	}
	if p, _ := balance(t, a, "M1"); p != 60 {
		t.Errorf("M1 has %d points", p)
	}
}

func TestRefundsFindTheirOrders(t *testing.T) {
	t.Parallel()
	a := open(t, t.TempDir())
	r, err := take(t, a, file(t, "lines.csv", "order,time,member,sku,name,quantity,price\n"+
		"A1,2026-03-01 10:00,M1,tea,Tea,2,50.00\nA2,2026-03-02 10:00,M1,tea,Tea,1,40.00\nC9,2026-03-03 10:00,M1,tea,Tea,-2,50.00\nC10,2026-03-04 10:00,M1,pot,Pot,-1,9.99\n"))
	if err != nil {
		t.Fatal(err)
	}
	// newest first: the one tea of A2 (¥40), then one of A1 (¥50)
	if r.Refunds != 1 || r.RefundedFen != 9000 || r.Unmatched != 1 || r.Unmatches[0].No != "C10" {
		t.Errorf("%+v", r)
	}
	// half of the first order went back, and half of its award with it
	if p, _ := balance(t, a, "M1"); p != 140-90+25 {
		t.Errorf("M1 has %d points", p)
	}
	clean(t, a)
}

func secret(s string) vault.Secret { return vault.Hide(s) }
