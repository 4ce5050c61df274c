package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/testport"
	"guanxi/internal/base/vault"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// broker is a real server of NATS with a stream on disk.
func broker(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s
}

// taken reads all that is in the stream: numbers by member, and the ids.
func taken(t *testing.T, url string) (by map[string][]int, ids []string) {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(context.Background(), "GUANXI")
	if err != nil {
		t.Fatal(err)
	}
	info, err := st.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	by = map[string][]int{}
	for seq := uint64(1); seq <= info.State.LastSeq; seq++ {
		m, err := st.GetMsg(context.Background(), seq)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Type   string   `json:"type"`
			Member string   `json:"member_id"`
			Data   happened `json:"data"`
		}
		if err := json.Unmarshal(m.Data, &body); err != nil || m.Subject != "guanxi.test.happened" || body.Type != "test.happened" || m.Header.Get("Guanxi-Member") != body.Member {
			t.Fatalf("%v in %s on %s", err, m.Data, m.Subject)
		}
		by[body.Member] = append(by[body.Member], body.Data.N)
		ids = append(ids, m.Header.Get("Nats-Msg-Id"))
	}
	return by, ids
}

// TestStreamGetsEveryFactInOrder lets facts happen while the server of the stream is there, is gone, and is back.
func TestStreamGetsEveryFactInOrder(t *testing.T) {
	t.Parallel()
	port, dir := testport.Free(t), t.TempDir()
	url := "nats://127.0.0.1:" + strconv.Itoa(port)
	b := broker(t, dir, port)
	w := open(t, clock.NewFake(start), nil)
	w.s.stream.servers = vault.Hide(url)
	t.Cleanup(w.s.Close)
	w.write(w.s.Follow)
	w.write(w.s.Follow) // once is enough
	the := func() Endpoint {
		var all []Endpoint
		_ = w.d.View(context.Background(), func(v *db.View) error { all = w.s.List(v); return nil })
		if len(all) != 1 {
			t.Fatalf("%d endpoints", len(all))
		}
		return all[0]
	}
	for n := range 30 {
		w.happen(n)
	}
	w.step()
	b.Shutdown()
	b.WaitForShutdown()
	for n := 30; n < 60; n++ {
		w.happen(n)
	}
	w.s.stream.conn.Close() // a process that is started anew knows of no connection
	w.s.stream.js = nil
	w.step()
	if e := the(); e.Fails != 1 || e.Status != On || e.LastError == "" {
		t.Errorf("while the stream is away: %+v", e)
	}
	b = broker(t, dir, port)
	defer b.Shutdown()
	w.fake.Add(2 * clock.Second)
	w.step()
	w.write(func(tx *db.Tx) error { _, err := w.s.Replay(tx, the().ID, start-1); return err })
	w.step()
	by, ids := taken(t, url)
	for m := range 3 {
		var want []int
		for n := range 60 {
			if n%3 == m {
				want = append(want, n)
			}
		}
		if got := by[id.String(int64(m+1))]; !slices.Equal(got, want) {
			t.Errorf("member %d: %v", m+1, got)
		}
	}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 60 {
		t.Errorf("%d ids", len(ids))
	}
}

// TestStreamThatIsNotConfiguredWaits holds that an endpoint without servers keeps its position.
func TestStreamThatIsNotConfiguredWaits(t *testing.T) {
	t.Parallel()
	w := open(t, clock.NewFake(start), nil)
	if err := w.s.stream.send(context.Background(), nil); !errors.Is(err, errNoStream) {
		t.Errorf("got %v", err)
	}
}
