package web_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/web"
)

func TestLoginIsLimitedByAddress(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	login := func() (int, string, string) {
		w := s.ask("POST", "/api/site/login", []string{"Content-Type: application/json"}, `{"code":"1"}`)
		return w.Code, w.Header().Get("Retry-After"), w.Body.String()
	}
	for range 3 {
		if status, _, body := login(); status != 200 {
			t.Fatal(status, body)
		}
	}
	s.clock.Add(15 * clock.Second)
	if status, retry, body := login(); status != 429 || retry != "45" || !strings.Contains(body, `"title":"请求过于频繁，请 45 秒后重试"`) {
		t.Error(status, retry, body)
	}
	s.clock.Add(45 * clock.Second)
	if status, _, body := login(); status != 200 {
		t.Error(status, body)
	}
	if status, _, _ := login(); status != 429 {
		t.Error("the burst came back at once", status)
	}
}

// A leaking bucket, drop by drop: each try that is allowed adds one, time takes away.
type bucket struct{ level, at int64 }

func (b *bucket) allow(now, every, burst int64) bool {
	b.level = max(b.level-(now-b.at)*1000, 0)
	b.at = now
	if b.level+every > burst*every {
		return false
	}
	b.level += every
	return true
}

func TestLimiterIsALeakingBucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, burst := rapid.IntRange(1, 20).Draw(t, "n"), rapid.IntRange(1, 5).Draw(t, "burst")
		now := clock.NewFake(1_700_000_000_000)
		l := web.NewLimiter(now, n, clock.Second, burst, 10)
		buckets := map[string]*bucket{"a": {}, "b": {}}
		for range rapid.IntRange(1, 60).Draw(t, "tries") {
			now.Add(rapid.Int64Range(0, 400).Draw(t, "wait"))
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			want := buckets[key].allow(now.Now(), 1_000_000/int64(n), int64(burst))
			ok, retry := l.Allow(nil, key)
			if ok != want || ok != (retry == 0) {
				t.Fatalf("%s: %v, retry in %d, want %v", key, ok, retry, want)
			}
			if !ok { // and it is worth coming back then, not before
				now.Add(retry - 1)
				if again, _ := l.Allow(nil, key); again {
					t.Fatal("let in before the time it told")
				}
				now.Add(1)
				if again, _ := l.Allow(nil, key); !again || !buckets[key].allow(now.Now(), 1_000_000/int64(n), int64(burst)) {
					t.Fatal("refused at the time it told")
				}
			}
		}
	})
}

func TestAFloodOfKeysLiftsNoLimit(t *testing.T) {
	t.Parallel()
	now := clock.NewFake(1_700_000_000_000)
	l := web.NewLimiter(now, 1, clock.Minute, 1, 100)
	if ok, _ := l.Allow(nil, "mine"); !ok {
		t.Fatal("the first try")
	}
	allowed := 0
	for i := range 10_000 {
		if ok, _ := l.Allow(nil, fmt.Sprint("stranger", i)); ok {
			allowed++
		}
	}
	if allowed != 100 { // 99 slots of their own and the one they share
		t.Errorf("%d strangers", allowed)
	}
	if ok, _ := l.Allow(nil, "mine"); ok {
		t.Error("the flood has washed my limit away")
	}
	now.Add(clock.Minute)
	if ok, _ := l.Allow(nil, "newcomer"); !ok {
		t.Error("keys at rest still hold memory")
	}
}
