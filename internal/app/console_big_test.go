package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/staff"
)

// How long the console may take with very many members: GUANXI_BIG says how many are made and measured. The short form
// makes a few hundred, to see that everything measured is there and answers.
const (
	listLimit   = 300 * time.Millisecond
	searchLimit = 100 * time.Millisecond
	trialLimit  = 60 * time.Second // of a million orders
	perMember   = 10               // entries
)

// crowd fills a house with members, each with entries and one order, many a commit.
func (w *house) crowd(n int) {
	w.t.Helper()
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	free := make(chan struct{}, 32)
	const atOnce = 100
	for from := 0; from < n; from += atOnce {
		free <- struct{}{}
		group.Add(1)
		err := w.app.DB.WriteAsync(db.Op{Actor: "system:test", Weight: 512}, func(tx *db.Tx) error {
			for i := from; i < min(from+atOnce, n); i++ {
				if err := w.oneOfMany(tx, i); err != nil {
					return err
				}
			}
			return nil
		}, func(err error) {
			if err != nil {
				once.Do(func() { failed = err })
			}
			<-free
			group.Done()
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.clock.Add(clock.Second)
	}
	group.Wait()
	if failed != nil {
		w.t.Fatal(failed)
	}
}

func (w *house) oneOfMany(tx *db.Tx, i int) error {
	store := ""
	if i%50 == 0 {
		store = "S5"
	}
	m, _, err := w.app.Members.Join(tx, member.Join{Channel: []string{"store", "mini", "online"}[i%3], Store: store, Source: "big",
		Identities: []member.Identity{{Kind: member.KindPhone, Value: vault.Hide(fmt.Sprintf("139%08d", i)), Verified: true}}})
	if err != nil {
		return err
	}
	for e := range perMember - 2 {
		c := ledger.Credit{Member: m.ID, Asset: ledger.Points, Amount: int64(10 + e), Kind: ledger.KindAdjust, Source: fmt.Sprint("big:", e), Class: ledger.ClassReward,
			Expires: tx.Now() + int64(300+e)*clock.Day, Reason: "big", Fresh: true}
		if _, err := w.app.Ledger.Add(tx, c); err != nil {
			return err
		}
	}
	_, _, err = w.app.Orders.Take(tx, order.In{Source: "pos", No: fmt.Sprint("big", i), Member: m.ID, Amount: int64(100 * (1 + i%900)), Channel: "store", Store: store, Occurred: tx.Now()})
	return err
}

// took measures a request: the slowest of five. The first finds no report at hand that others have asked for.
func (w *house) took(login, method, path, body string) (slowest time.Duration) {
	w.t.Helper()
	for range 5 {
		began := time.Now()
		w.ask(login, method, path, body, 200, nil)
		slowest = max(slowest, time.Since(began))
	}
	return slowest
}

func TestListsOfVeryManyMembers(t *testing.T) {
	n, big := 300, os.Getenv("GUANXI_BIG")
	if big != "" {
		var err error
		if n, err = strconv.Atoi(big); err != nil {
			t.Fatal(err)
		}
	}
	w := openShop(t)
	w.hire("audit", staff.Grant{Role: staff.Auditor})
	w.hire("fina", staff.Grant{Role: staff.Finance})
	w.hire("manager", staff.Grant{Role: staff.StoreManager, Store: w.store.ID})
	began := time.Now()
	w.crowd(n)
	t.Logf("%d members, %d entries, %d orders made in %s", n, n*perMember, n, time.Since(began).Round(time.Second))
	w.clock.Add(clock.Hour)
	for _, login := range []string{"ops", "root", "audit", "fina", "manager", "care"} {
		w.enter(login)
	}
	limit := func(what string, took, most time.Duration) {
		t.Logf("%-64s %8.1f ms", what, float64(took.Microseconds())/1000)
		if big != "" && took > most {
			t.Errorf("%s took %s, more than %s", what, took, most)
		}
	}
	for _, one := range []struct{ login, path string }{
		{"ops", "/members"}, {"ops", "/members?status=frozen"}, {"ops", "/members?channel=mini"}, {"ops", "/members?channel=none"}, {"ops", "/members?store=S5"}, {"manager", "/members"}, {"ops", "/members/total"},
		{"ops", "/members?joined_until=1"}, {"ops", "/orders/list"}, {"ops", "/orders/list?status=refunded"}, {"ops", "/orders/list?status=closed"}, {"ops", "/orders/list?terminal=1"}, {"ops", "/orders/list?store=S5"}, {"manager", "/orders/list"}, {"ops", "/orders/latest"}, {"ops", "/waiting-refunds"},
		{"ops", "/overview"}, {"ops", "/rules"}, {"ops", "/reports/tiers"}, {"ops", "/reports/flows?asset=points"}, {"ops", "/reports/liability"}, {"ops", "/reports/expiries?days=1200"}, {"ops", "/reports/expiring-members?days=400"},
		{"ops", "/reports/demotions?days=400"}, {"ops", "/jobs/queue"}, {"ops", "/jobs/queue?state=dead"}, {"audit", "/log"}, {"root", "/operators"}, {"ops", "/stores"}, {"ops", "/approvals"}, {"ops", "/payments"}, {"ops", "/imports"}, {"ops", "/imports?text=x"}, {"root", "/operators?text=x"},
	} {
		limit(one.login+" "+one.path, w.took(one.login, "GET", one.path, ""), listLimit)
	}
	for _, q := range []string{fmt.Sprintf("139%08d", n/2), fmt.Sprintf("big%d", n/3), "13000000000"} {
		limit("search "+q, w.took("ops", "POST", "/search", fmt.Sprintf(`{"q":%q}`, q)), searchLimit)
	}
	limit("reach of a condition", w.took("ops", "POST", "/rules/reach", `{"when":{"field":"member.orders_before","op":"gte","value":1}}`), 2*time.Second)
	w.backTest(t, n, limit)
}

// backTest tries a draft on all orders there are.
func (w *house) backTest(t *testing.T, n int, limit func(string, time.Duration, time.Duration)) {
	var begun struct{ ID string }
	began := time.Now()
	spec := `{"kind":"fixed","zh":"试","en":"Try","asset":"points","class":2,"settings":{"points":5},"caps":{}}`
	w.ask("ops", "POST", "/rule-trials", fmt.Sprintf(`{"from":%d,"until":%d,"spec":%s}`, w.clock.Now()-300*clock.Day, w.clock.Now(), spec), 201, &begun)
	for more := true; more; {
		ran, err := w.app.Jobs.Step(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		more = ran > 0
	}
	took := time.Since(began)
	var got struct {
		State  string
		Orders int64
	}
	rec := w.ask("ops", "GET", "/rule-trials/"+begun.ID, "", 200, nil)
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.State != "done" || got.Orders < int64(n) {
		t.Fatalf("%+v, %v: %s", got, err, rec.Body)
	}
	limit(fmt.Sprintf("back-test of %d orders", got.Orders), took, trialLimit*time.Duration(got.Orders)/1_000_000+time.Second)
}
