package app

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guanxi/internal/base/shared/redistest"
)

// TestMoneyDoesNotNoticeRedis lets tills post signed orders and replay them while Redis is wiped, paused, killed and
// started again and again. Each order is acknowledged, and counts once.
func TestMoneyDoesNotNoticeRedis(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	w := openWith(t, srv.URL())
	const tills, each = 4, 40
	members := make([]string, tills)
	for i := range members {
		members[i] = w.join(fmt.Sprint(13800138000 + i))
	}
	var over atomic.Bool
	var faults sync.WaitGroup
	rounds := 0
	faults.Go(func() {
		for ; !over.Load() || rounds < 3; rounds++ {
			srv.Wipe()
			srv.Pause()
			time.Sleep(150 * time.Millisecond)
			srv.Resume()
			time.Sleep(50 * time.Millisecond)
			srv.Kill()
			time.Sleep(50 * time.Millisecond)
			srv.Start()
		}
	})
	var load sync.WaitGroup
	for k := range tills {
		load.Go(func() {
			for i := range each {
				body := w.order(members[k], fmt.Sprintf("R%d-%d", k, i), 10000, "")
				first := w.till.send("POST", "/api/partner/orders", fmt.Sprintf("key-%d-%d", k, i), body)
				again := w.till.send("POST", "/api/partner/orders", fmt.Sprintf("key-%d-%d", k, i), body)
				if first.status != 201 || again.body != first.body || w.till.post("/api/partner/orders", body).status != 200 {
					t.Errorf("%d %s", first.status, first.body)
					return
				}
			}
		})
	}
	load.Wait()
	over.Store(true)
	faults.Wait()
	calm := open(t) // the same orders where nothing fails
	one := calm.join("13800138000")
	for i := range each {
		calm.till.post("/api/partner/orders", calm.order(one, fmt.Sprint("C", i), 10000, "")).want(201)
	}
	want := calm.till.get("/api/partner/members/" + one + "/balance").want(200).at("now.available")
	for _, m := range members {
		if got := w.till.get("/api/partner/members/" + m + "/balance").want(200).at("now.available"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	t.Logf("%d orders three times each, %d rounds of faults", tills*each, rounds)
}
