package app

import (
	"testing"

	"guanxi/internal/base/clock"
)

func TestFactsOfTheLastMinute(t *testing.T) {
	t.Parallel()
	w := openShop(t)
	minute := func() int64 { return w.app.pulse.lastMinute(w.app.Clock.Now()) }
	w.clock.Add(2 * clock.Minute) // past what opening the shop did
	ann := w.join("13800138000", "S5")
	w.buy(ann, "1", 10_000)
	if n := minute(); n != 0 {
		t.Errorf("%d, although that minute is still running", n)
	}
	w.clock.Add(clock.Minute)
	if n := minute(); n < 2 {
		t.Errorf("%d facts of joining and buying", n)
	}
	w.clock.Add(clock.Minute)
	if n := minute(); n != 0 {
		t.Errorf("%d a minute later", n)
	}
}
