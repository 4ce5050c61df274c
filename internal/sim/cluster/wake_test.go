package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"guanxi/internal/app"
	"guanxi/internal/base/db"
	"guanxi/internal/base/shared/redistest"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/member"
)

// crm is a consumer of facts outside that notes when it heard of which member.
type crm struct {
	mu    sync.Mutex
	heard map[string]time.Time
}

func (c *crm) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var m struct {
		Member string `json:"member_id"`
	}
	if json.NewDecoder(r.Body).Decode(&m) != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.heard[m.Member]; !again {
		c.heard[m.Member] = time.Now()
	}
}

func (c *crm) at(member int64) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.heard[fmt.Sprint(member)]
	return at, ok
}

// TestAChangeReachesTheWorldThroughAnotherProcess lets one process write and another one, on the same MariaDB, tell a
// consumer over HTTP. It prints how long after the acknowledgement the consumer heard: woken through Redis, and without it.
// What fails the test is a consumer that does not hear, since a busy machine proves nothing about time.
func TestAChangeReachesTheWorldThroughAnotherProcess(t *testing.T) {
	t.Parallel()
	srv, cache := newServer(t), redistest.Start(t)
	inside := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	keys := t.TempDir()
	start := func() *app.App {
		a, err := app.Open(context.Background(), app.Options{Data: t.TempDir(), URL: srv.url(), Keys: keys, Redis: cache.URL(), Webhooks: inside})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.Close() })
		return a
	}
	writer, teller := start(), start()
	consumer := &crm{heard: map[string]time.Time{}}
	outside := httptest.NewServer(consumer)
	t.Cleanup(outside.Close)
	err := writer.DB.Write(context.Background(), db.Op{Actor: "test"}, func(tx *db.Tx) error {
		_, _, err := writer.Webhooks.Add(tx, outside.URL, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(stop)
	running.Go(func() { teller.Jobs.Run(ctx, 2) })
	running.Go(func() { teller.Shared.Listen(ctx, teller.Jobs.Wake) })
	phone := 13800138000
	for _, c := range []struct {
		way   string
		times int
	}{{"woken through Redis", 40}, {"without Redis", 8}} { // which takes a second each
		var late []time.Duration
		for range c.times {
			var id int64
			err := writer.DB.Write(context.Background(), db.Op{Actor: "test"}, func(tx *db.Tx) error {
				m, _, err := writer.Members.Join(tx, member.Join{Channel: "pos", Identities: []member.Identity{{Kind: "phone", Value: vault.Hide(fmt.Sprint(phone)), Verified: true}}})
				id = m.ID
				return err
			})
			told := time.Now()
			if err != nil {
				t.Fatal(err)
			}
			phone++
			err = eventually(context.Background(), func() error {
				if at, ok := consumer.at(id); ok {
					late = append(late, at.Sub(told))
					return nil
				}
				return fmt.Errorf("%s: the consumer has not heard", c.way)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(late)
		t.Logf("%s: p50 %v, longest %v", c.way, late[len(late)/2], late[len(late)-1])
		cache.Kill()
	}
}
