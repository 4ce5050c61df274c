package track

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestANumberIsTakenOnce holds the window against a set that forgets nothing.
func TestANumberIsTakenOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		var s seen
		taken, high := map[int64]bool{}, int64(0)
		for range 2000 {
			n := high + 1 - r.Int64N(300) + r.Int64N(20)
			if r.IntN(200) == 0 {
				n = high + r.Int64N(600)
			}
			want := n > 0 && n > high-window && !taken[n]
			if got := s.take(n); got != want {
				t.Fatalf("seed %d: %d of at most %d is taken: %v, want %v", seed, n, high, got, want)
			}
			if want {
				taken[n] = true
				high = max(high, n)
			}
			s = readSeen(s.high, s.text())
		}
	}
	damaged := readSeen(500, "??")
	if damaged.take(499) || !damaged.take(501) {
		t.Error("a damaged row counts twice, or nothing any more")
	}
}

func TestPackedEventsComeBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var in []Event
		for range r.IntN(MaxEvents) {
			in = append(in, Event{N: r.Int64N(1000), Kind: Kinds[r.IntN(len(Kinds))], Page: Pages[r.IntN(len(Pages))], Target: []string{"", "card", "nav.tiers"}[r.IntN(3)],
				At: 1_782_878_400_000 + r.Int64N(1e9), MS: r.Int64N(1e6)})
		}
		out, err := unpack(pack(in))
		if err != nil || !slices.Equal(in, out) {
			t.Fatal(err, in, out)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack([]Event{{N: 1, Kind: "page", Page: "home", At: 1}}))
	f.Fuzz(func(t *testing.T, text string) {
		events, err := unpack(text)
		if err != nil {
			return
		}
		if back, err := unpack(pack(events)); err != nil || !slices.Equal(events, back) {
			t.Error("what was read is written otherwise")
		}
	})
}
