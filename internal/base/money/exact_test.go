package money

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestMulDiv(t *testing.T) {
	t.Parallel()
	cases := []struct{ a, b, c, floor, half, ceil int64 }{
		{7, 1, 2, 3, 4, 4},
		{-7, 1, 2, -3, -4, -4},
		{7, 1, 3, 2, 2, 3},
		{7, -1, 3, -2, -2, -3},
		{8, 1, -3, -2, -3, -3},
		{6, 1, 3, 2, 2, 2},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, 5, 5, math.MinInt64, math.MinInt64, math.MinInt64},
	}
	for _, c := range cases {
		for round, want := range []int64{Floor: c.floor, HalfUp: c.half, Ceil: c.ceil} {
			if got, err := MulDiv(c.a, c.b, c.c, Rounding(round)); got != want || err != nil {
				t.Errorf("%d×%d÷%d mode %d = %d, %v; want %d", c.a, c.b, c.c, round, got, err, want)
			}
		}
	}
	if _, err := MulDiv(1, 1, 0, Floor); !errors.Is(err, ErrZeroDivisor) {
		t.Errorf("zero divisor: %v", err)
	}
	if _, err := MulDiv(math.MinInt64, -1, 1, Floor); codeOf(err) != "money.out_of_range" {
		t.Errorf("2^63: %v", err)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		total         int64
		weights, want []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{10, []int64{0, 5, 0, 5}, []int64{0, 5, 0, 5}},
		{1, []int64{0, 1, 1}, []int64{0, 1, 0}},
		{10, []int64{1, 2, 4}, []int64{1, 3, 6}},
		{9, []int64{0, 0}, []int64{9, 0}},
		{9, []int64{-4, 3}, []int64{0, 9}},
		{0, []int64{3, 4}, []int64{0, 0}},
		{5, nil, []int64{}},
		{math.MinInt64, []int64{1}, []int64{math.MinInt64}},
		{10, []int64{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}, []int64{3, 3, 2, 2}},
	}
	for _, c := range cases {
		if got := Split(c.total, c.weights); !slices.Equal(got, c.want) {
			t.Errorf("Split(%d, %v) = %v, want %v", c.total, c.weights, got, c.want)
		}
	}
}

// splitFlaw names what is wrong with a split, by exact arithmetic that shares nothing with Split.
func splitFlaw(total int64, weights, shares []int64) string {
	sum, all := new(big.Int), new(big.Int)
	for i, w := range weights {
		sum.Add(sum, big.NewInt(w))
		all.Add(all, big.NewInt(shares[i]))
	}
	if all.Cmp(big.NewInt(total)) != 0 {
		return "the shares do not add up"
	}
	for i, w := range weights {
		if w == 0 && sum.Sign() > 0 && shares[i] != 0 {
			return "a zero weight got something"
		}
		// |share×sum − total×weight| < sum
		diff := new(big.Int).Mul(big.NewInt(shares[i]), sum)
		diff.Sub(diff, new(big.Int).Mul(big.NewInt(total), big.NewInt(w)))
		if sum.Sign() > 0 && diff.CmpAbs(sum) >= 0 {
			return "a share is a whole unit off"
		}
	}
	return ""
}

func TestSplitProperties(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		total := int64(r.Uint64()) >> r.IntN(63)
		weights := make([]int64, 1+r.IntN(12))
		for i := range weights {
			weights[i] = (r.Int64() >> (4 + r.IntN(58))) * int64(r.IntN(3)) / 2
		}
		shares := Split(total, weights)
		if flaw := splitFlaw(total, weights, shares); flaw != "" {
			t.Fatalf("Split(%d, %v) = %v: %s", total, weights, shares, flaw)
		}
		if total == math.MinInt64 {
			continue
		}
		for i, mirrored := range Split(-total, weights) {
			if mirrored != -shares[i] {
				t.Fatalf("Split(%d, %v) is not the mirror of %v", -total, weights, shares)
			}
		}
	}
	if splitFlaw(10, []int64{1, 1}, []int64{4, 6}) == "" || splitFlaw(10, []int64{1, 1}, []int64{5, 4}) == "" {
		t.Error("the checker does not notice a wrong split")
	}
}

func TestProrate(t *testing.T) {
	t.Parallel()
	cases := []struct{ grant, part, whole, want int64 }{
		{100, 1, 3, 33}, {-100, 1, 3, -33}, {100, 3, 3, 100}, {100, 4, 3, 100},
		{100, 0, 3, 0}, {100, -1, 3, 0}, {7, 0, 0, 7},
		{math.MinInt64, math.MaxInt64 - 1, math.MaxInt64, math.MinInt64 + 2},
	}
	for _, c := range cases {
		if got := Prorate(c.grant, c.part, c.whole); got != c.want {
			t.Errorf("Prorate(%d, %d, %d) = %d, want %d", c.grant, c.part, c.whole, got, c.want)
		}
	}
}

func TestProrateEndsAtGrant(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		grant, whole := r.Int64()>>r.IntN(62), 1+r.Int64()>>r.IntN(62)
		var refunded, taken int64
		for refunded < whole {
			refunded += 1 + r.Int64N(whole-refunded)
			step := Prorate(grant, refunded, whole) - taken
			if step < 0 {
				t.Fatalf("refund %d of %d gives back %d of %d", refunded, whole, step, grant)
			}
			taken += step
		}
		if taken != grant {
			t.Fatalf("took %d of %d back", taken, grant)
		}
	}
}
