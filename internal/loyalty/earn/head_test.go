package earn

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestHeadOfADecisionIsTheDecisionWithoutItsLists(t *testing.T) {
	t.Parallel()
	awards, skips, carries := []Award{{Rule: 1, Points: 2}}, []Skip{{}}, []Carry{{Rule: 3, Micro: 4}}
	for _, d := range []Decision{
		{},
		{Member: 7, Tier: "gold", Rank: 2, Before: 3, JoinedAt: 4, JoinedBy: `,"aw":[],"sk":\`, Day: 5, Blocked: "frozen"},
		{Member: 7, Awards: awards, Skips: skips, Carries: carries},
		{Member: 7, JoinedBy: `"`, Skips: skips, Carries: carries},
		{Member: 7, Blocked: `x","aw":`, Carries: carries},
	} {
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var got Decision
		if err := json.Unmarshal([]byte(headOf(string(body))), &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		d.Awards, d.Skips, d.Carries = nil, nil, nil
		if !reflect.DeepEqual(got, d) {
			t.Errorf("%s reads as %+v", body, got)
		}
	}
}
