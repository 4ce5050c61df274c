package earn

import (
	"math/rand/v2"
	"testing"

	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/order"
	"guanxi/internal/loyalty/reward"
)

// Whatever is bought and given back, in whatever order: what was given and what is carried are together what was earned,
// to the millionth of a point.
func TestCarriedFractionsAddUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 9))
	for range 300 {
		s := &PerYuan{Points: money.Rate(1 + r.Int64N(3_000_000)), Round: RoundCarry}
		c := &compiled{Version: Version{ID: 1, Rule: 1}, kind: perYuan, settings: s, asset: 1}
		type bought struct {
			d     Decision
			exact int64
			fen   int64
		}
		var have []bought
		var carried, points, exact int64
		for range 60 {
			if len(have) > 0 && r.IntN(3) == 0 { // a full refund of any order
				i := r.IntN(len(have))
				b := &have[i]
				b.d.carryBack(b.fen, b.fen, true, func(_, by int64) { carried += by })
				for _, a := range b.d.Awards {
					points -= a.Points
				}
				exact -= b.exact
				have = append(have[:i], have[i+1:]...)
			} else {
				fen := r.Int64N(500)
				d := decider{in: &Input{Order: &order.Order{}, Eligible: fen}, usage: reward.Map{}, carried: func(int64) int64 { return carried }}
				d.run([]*compiled{c})
				for _, x := range d.out.Carries {
					carried += x.Micro
				}
				for _, a := range d.out.Awards {
					points += a.Points
				}
				part := fen * int64(s.Points) / 100
				exact += part
				if len(d.out.Carries) > 0 && r.IntN(2) == 0 { // a partial refund first changes nothing of the whole
					d.out.carryBack(fen/3, fen, false, func(_, by int64) { carried += by })
					d.out.carryBack(0, fen, false, func(_, by int64) { carried += by })
				}
				have = append(have, bought{d.out, part, fen})
			}
			if points*micro+carried != exact {
				t.Fatalf("given %d, carried %d, earned %d", points, carried, exact)
			}
		}
	}
}

func TestRounding(t *testing.T) {
	t.Parallel()
	for how, want := range map[string][]int64{"": {0, 1, 2}, RoundDown: {0, 1, 2}, RoundNearest: {0, 2, 2}, RoundUp: {1, 2, 2}, RoundCarry: {0, 1, 2}} {
		for i, fen := range []int64{49, 150, 200} {
			got := perYuan.Evaluate(&PerYuan{Points: money.One, Round: how}, &Input{Eligible: fen}).Points
			if got != want[i] {
				t.Errorf("%s of %d fen gives %d, want %d", how, fen, got, want[i])
			}
		}
	}
}
