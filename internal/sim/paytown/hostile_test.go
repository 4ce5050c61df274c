package paytown_test

import (
	"os"
	"strconv"
	"testing"

	"guanxi/internal/sim/paytown"
)

// deliveries is 20,000, 100,000 with GUANXI_FULL=1, or GUANXI_HOSTILE: a million takes some minutes.
func deliveries() int {
	if n, err := strconv.Atoi(os.Getenv("GUANXI_HOSTILE")); err == nil {
		return n
	}
	if full() {
		return 100_000
	}
	return 20_000
}

func TestNoHostileDeliveryIsTaken(t *testing.T) {
	t.Parallel()
	n := deliveries()
	a, err := paytown.Storm(t.Context(), t.TempDir(), 1, n, paytown.Careful)
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for kind, k := range a.Sent {
		sent += k
		t.Logf("%8d %s", k, kind)
	}
	t.Logf("%d deliveries, %d a second on all cores, %d genuine ones taken", sent, a.PerSecond, a.Genuine)
	if len(a.Accepted) > 0 || a.Genuine != 24 || sent < n || len(a.Sent) != 23 {
		t.Errorf("%d sent of %d kinds, accepted %v, genuine %d", sent, len(a.Sent), a.Accepted, a.Genuine)
	}
}

// A door that looks at no signature is seen.
func TestStormSeesACarelessDoor(t *testing.T) {
	t.Parallel()
	a, err := paytown.Storm(t.Context(), t.TempDir(), 1, 1_200, paytown.Careless)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"forged signature", "another time", "another nonce", "a header twice", "stale", "a thief's key", "effect of any"} {
		if a.Accepted[kind] == 0 {
			t.Errorf("%s was not seen: %v", kind, a.Accepted)
		}
	}
}
