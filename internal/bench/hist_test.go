package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHistBucketsHoldWhatTheySay(t *testing.T) {
	t.Parallel()
	last := int64(-1)
	for b := range buckets {
		top := topOf(b)
		if top <= last {
			break // past the largest int64
		}
		if bucketOf(top) != b || bucketOf(last+1) != b {
			t.Fatalf("bucket %d holds %d to %d, but they go to %d and %d", b, last+1, top, bucketOf(last+1), bucketOf(top))
		}
		if width := top - last; width > 1 && width*64 > top {
			t.Fatalf("bucket %d is %d wide at %d", b, width, top)
		}
		last = top
	}
	if last != math.MaxInt64 {
		t.Errorf("the buckets end at %d", last)
	}
	if b := bucketOf(-5); b != 0 {
		t.Errorf("a clock that went back counts in bucket %d", b)
	}
}

func TestHistQuantilesAgainstSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 10, 999, 10_000} {
		var whole, half Hist
		all := make([]int64, n)
		for i := range all {
			all[i] = int64(math.Exp(rng.Float64() * 25))
			if i%2 == 0 {
				whole.Add(all[i])
			} else {
				half.Add(all[i])
			}
		}
		whole.Merge(&half)
		slices.Sort(all)
		for _, q := range []int64{1, 500, 990, 999, 1000} {
			want := all[max(0, (int64(n)*q+999)/1000-1)]
			got := whole.Quantile(q)
			if got < want || got-want > want/60 {
				t.Errorf("%d values, quantile %d: %d, sorting says %d", n, q, got, want)
			}
		}
		if whole.Count() != int64(n) {
			t.Errorf("%d of %d counted", whole.Count(), n)
		}
	}
	if got := new(Hist).Quantile(500); got != 0 {
		t.Errorf("the median of nothing is %d", got)
	}
}
