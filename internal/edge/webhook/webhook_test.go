package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
)

type happened struct {
	N int `json:"n"`
}

func (happened) FactKind() string { return "test.happened" }

type other struct{}

func (other) FactKind() string { return "test.other" }

// got is one delivery as the consumer saw it.
type got struct {
	id, member string
	n          int
	at         time.Time
}

// world is an installation and one consumer.
type world struct {
	t      *testing.T
	d      *db.DB
	s      *Service
	jobs   *job.Runner
	clock  clock.Clock
	fake   *clock.Fake
	url    string
	secret string

	mu     sync.Mutex
	got    []got
	answer func(n int) int // the status for the delivery of fact n
}

const start = 1_780_000_000_000

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func open(t *testing.T, c clock.Clock, inside []netip.Prefix) *world {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	v, err := vault.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(context.Background(), fact.Schema, job.Schema, Schema); err != nil {
		t.Fatal(err)
	}
	fact.NewBus(d)
	w := &world{t: t, d: d, clock: c, jobs: job.NewRunner(d, job.Options{}), s: &Service{Vault: v, Inside: inside}, answer: func(int) int { return 204 }}
	w.fake, _ = c.(*clock.Fake)
	w.s.Wire(d, w.jobs)
	srv := httptest.NewServer(http.HandlerFunc(w.consume))
	t.Cleanup(srv.Close)
	w.url = srv.URL + "/hook"
	return w
}

// consume is a consumer that checks what the standard says, written without our own code.
func (w *world) consume(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w.secret, "whsec_"))
	if err != nil || len(key) < 24 || !strings.HasPrefix(w.secret, "whsec_") {
		w.t.Errorf("the secret is not one of the standard: %v", err)
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if r.Header.Get("webhook-signature") != want {
		w.t.Error("a wrong signature")
	}
	var m struct {
		Type   string   `json:"type"`
		Member string   `json:"member_id"`
		Data   happened `json:"data"`
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Type != "test.happened" {
		w.t.Errorf("%v in %s", err, body)
	}
	status := w.answer(m.Data.N)
	if status/100 == 2 {
		w.got = append(w.got, got{r.Header.Get("webhook-id"), m.Member, m.Data.N, time.Now()})
	}
	rw.WriteHeader(status)
}

func (w *world) write(f func(*db.Tx) error) {
	w.t.Helper()
	if err := w.d.Write(context.Background(), db.Op{}, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) subscribe(kinds ...string) (id int64) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error {
		e, secret, err := w.s.Add(tx, w.url, kinds)
		id, w.secret = e.ID, secret.Reveal()
		return err
	})
	return id
}

func (w *world) happen(n int) {
	w.t.Helper()
	w.write(func(tx *db.Tx) error { _, err := fact.Emit(tx, int64(n%3+1), happened{n}); return err })
}

func (w *world) step() {
	w.t.Helper()
	for {
		n, err := w.jobs.Step(context.Background())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (w *world) numbers() (ns []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.got {
		ns = append(ns, g.n)
	}
	return ns
}

func (w *world) endpoint(id int64) (e Endpoint) {
	w.t.Helper()
	_ = w.d.View(context.Background(), func(v *db.View) error { e, _ = endpoints.Get(v, id); return nil })
	return e
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func TestFactsArriveInOrderAlsoWhenRefusedAtFirst(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(start)
	w := open(t, c, loopback)
	w.happen(99) // before anybody asked
	id := w.subscribe("test.happened")
	tries := map[int]int{}
	w.answer = func(n int) int {
		if tries[n]++; n%40 == 7 && tries[n] < 3 {
			return 503
		}
		return 200
	}
	for n := range 250 {
		w.happen(n)
		w.write(func(tx *db.Tx) error { _, err := fact.Emit(tx, 1, other{}); return err })
	}
	for range 20 {
		w.step()
		c.Add(5 * clock.Minute)
	}
	if got := w.numbers(); !slices.Equal(got, upTo(250)) {
		t.Fatalf("%d arrived: %v", len(got), got)
	}
	if tries[7] != 3 || tries[8] != 1 {
		t.Errorf("tries %d and %d", tries[7], tries[8])
	}
	ids := map[string]bool{}
	for _, g := range w.got {
		ids[g.id] = true
	}
	if len(ids) != 250 {
		t.Errorf("%d ids", len(ids))
	}
	if e := w.endpoint(id); e.Fails != 0 || e.SentAt == 0 || strings.Contains(e.secret, w.secret) {
		t.Errorf("%+v", e)
	}
}

func TestAnEndpointThatFailsForDaysIsSwitchedOffAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(start)
	w := open(t, c, loopback)
	id := w.subscribe()
	status, tries := 500, 0
	w.answer = func(int) int { tries++; return status }
	w.happen(0)
	w.happen(1)
	for h := 0; w.endpoint(id).Status == On; h++ {
		if h == 100*4 {
			t.Fatal("it is tried for more than a hundred hours")
		}
		w.step()
		c.Add(clock.Hour / 4)
	}
	if off := c.Now() - start; off < 74*clock.Hour || off > 80*clock.Hour || tries != 10 {
		t.Errorf("switched off after %d h and %d tries", off/clock.Hour, tries)
	}
	w.happen(2)
	w.step()
	status = 200
	w.write(func(tx *db.Tx) error { _, err := w.s.SetStatus(tx, id, On); return err })
	w.step()
	if got := w.numbers(); !slices.Equal(got, upTo(3)) {
		t.Errorf("arrived: %v", got)
	}
	w.write(func(tx *db.Tx) error { _, err := w.s.Replay(tx, id, start); return err })
	w.step()
	if got := w.numbers(); !slices.Equal(got, []int{0, 1, 2, 0, 1, 2}) || w.got[0].id != w.got[3].id {
		t.Errorf("after the replay: %v", got)
	}
	status = http.StatusGone
	w.happen(3)
	w.step()
	if e := w.endpoint(id); e.Status != Off || !strings.Contains(e.LastError, "410") {
		t.Errorf("after 410: %+v", e)
	}
}

func TestNothingIsSentInside(t *testing.T) {
	t.Parallel()
	w := open(t, clock.NewFake(start), nil)
	for _, bad := range []string{"http://example.com/", "https://u:p@example.com/", "ftp://example.com/", "https:///x", "https://example.com/#f"} {
		err := w.d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error { _, _, err := w.s.Add(tx, bad, nil); return err })
		if !fault.Is(err, ErrURL) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	w.url = strings.Replace(w.url, "http://", "https://", 1)
	id := w.subscribe()
	w.happen(0)
	w.step()
	if e := w.endpoint(id); e.Fails != 1 || e.LastError != "dial tcp "+strings.TrimSuffix(strings.TrimPrefix(w.url, "https://"), "/hook")+": "+errInside.Error() {
		t.Errorf("%+v", e)
	}
	for _, inside := range []string{"10.1.2.3:443", "192.168.0.1:80", "172.16.9.9:1", "169.254.169.254:80", "100.64.1.1:443", "0.0.0.0:80",
		"[::1]:80", "[fd00::1]:80", "[fe80::1]:80", "[::ffff:127.0.0.1]:80", "224.0.0.1:80"} {
		if allowed(inside, nil) == nil {
			t.Error(inside, "is allowed")
		}
	}
	if err := allowed("93.184.216.34:443", nil); err != nil {
		t.Error(err)
	}
}

// TestASecondSenderWaitsAndADeadOneIsSucceeded holds the lease of an endpoint.
func TestASecondSenderWaitsAndADeadOneIsSucceeded(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(start)
	w := open(t, c, loopback)
	id := w.subscribe()
	w.write(func(tx *db.Tx) error { // a sender that took the lease and was killed
		e, _ := endpoints.Get(tx, id)
		e.leaseUntil, e.fence = tx.Now()+leaseMs, e.fence+1
		endpoints.Put(tx, e)
		return nil
	})
	w.happen(0)
	w.step()
	if got := w.numbers(); len(got) != 0 {
		t.Fatalf("sent beside another: %v", got)
	}
	c.Add(leaseMs)
	w.step()
	if got := w.numbers(); !slices.Equal(got, []int{0}) {
		t.Fatalf("after the lease: %v", got)
	}
	zombie := w.endpoint(id)
	right := zombie.Position
	zombie.fence--
	zombie.Position = 1
	const rise job.Kind[int] = "test.rise"
	job.Register(w.jobs, rise, job.Spec{}, func(ctx context.Context, run *job.Run, _ int) error {
		more, err := w.s.settle(ctx, run, &zombie, nil)
		if more {
			t.Error("the dead one goes on")
		}
		return err
	})
	w.write(func(tx *db.Tx) error { _, err := job.Add(tx, rise, 0); return err })
	w.step()
	if e := w.endpoint(id); e.Position != right {
		t.Errorf("the dead one moved the position: %+v", e)
	}
}

// TestAConsumerHearsWithinHalfASecond measures from the caller's acknowledgement to the consumer, at load. The figure is
// logged; what fails the test is a consumer that hears nothing, since a busy machine proves nothing about time.
func TestAConsumerHearsWithinHalfASecond(t *testing.T) {
	t.Parallel()
	w := open(t, clock.System, loopback)
	w.subscribe()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.jobs.Run(ctx, 2) })
	defer running.Wait()
	defer stop()
	const clients, each = 8, 50
	told := make([]time.Time, clients*each)
	var load sync.WaitGroup
	for k := range clients {
		load.Go(func() {
			for i := range each {
				w.happen(k*each + i)
				told[k*each+i] = time.Now()
			}
		})
	}
	load.Wait()
	for until := time.Now().Add(time.Minute); len(w.numbers()) < clients*each && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.got) != clients*each {
		t.Fatalf("%d of %d arrived", len(w.got), clients*each)
	}
	var late []time.Duration
	for _, g := range w.got {
		late = append(late, g.at.Sub(told[g.n]))
	}
	slices.Sort(late)
	t.Logf("from the acknowledgement to the consumer: p50 %v, p99 %v, longest %v", late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
}

// TestWhatComesAfterACollisionDoesNotWaitForTheLease: a second worker met the first at work and left a job for when its
// lease would run out. The first finishes long before that; what happens next is told at once.
func TestWhatComesAfterACollisionDoesNotWaitForTheLease(t *testing.T) {
	t.Parallel()
	w := open(t, clock.NewFake(start), loopback)
	id := w.subscribe()
	lease := func(until int64) {
		w.write(func(tx *db.Tx) error {
			e, _ := endpoints.Get(tx, id)
			e.leaseUntil, e.fence = until, e.fence+1
			endpoints.Put(tx, e)
			return nil
		})
	}
	lease(start + leaseMs)
	for n := range 3 { // each a collision
		w.happen(n)
		w.step()
	}
	lease(0)
	w.happen(3)
	w.step()
	if got := w.numbers(); !slices.Equal(got, upTo(4)) {
		t.Errorf("arrived: %v", got)
	}
	var waiting int64
	_ = w.d.View(context.Background(), func(v *db.View) error { waiting = job.Count(v).Ready; return nil })
	if waiting != 1 {
		t.Errorf("three collisions left %d jobs", waiting)
	}
}
