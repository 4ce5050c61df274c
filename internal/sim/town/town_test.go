package town

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// folder is on a disk of memory where there is one: the town writes a lot, and other suites break disks.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "town-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func number(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

func run(t *testing.T, o Options) Report {
	t.Helper()
	o.Dir = folder(t)
	out, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mustHappen is what a town of any size has lived through after its years; a longer one more than that.
var (
	mustHappen = []string{"order", "order again", "order changed order.conflict", "refund", "refund order.refund_too_much", "refund before its order", "hold", "grant", "profile",
		"merge", "restart", "kill", "clock wrong", "days without jobs", "rate points.notice", "rule", "settings", "tier upgrade", "taken back", "award per_grant"}
	thenToo = []string{"refund again", "refund changed order.refund_conflict", "refund points.cash_first", "tier kept", "tier not_kept", "tier refund", "tier manual",
		"tier manual_ended", "tier merge", "tier unmerge", "warnings", "points given back", "not taken back", "award budget", "award daily_all", "award per_day",
		"award per_member", "award rule_day", "in debt", "order by a merged identity", "ladder", "seize", "unmerge", "join member.identity_taken"}
)

func TestTown(t *testing.T) {
	t.Parallel()
	members, years, want := 60, 1, mustHappen
	if os.Getenv("GUANXI_FULL") != "" {
		members, years, want = 1000, 3, append(mustHappen, thenToo...)
	}
	out := run(t, Options{Seed: uint64(number("GUANXI_SEED", 1)), Members: number("GUANXI_MEMBERS", members), Years: number("GUANXI_YEARS", years)})
	for _, d := range out.Found {
		t.Error(d)
	}
	for _, what := range want {
		if out.Differences == 0 && out.Events[what] == 0 {
			t.Errorf("%q never happened", what)
		}
	}
	t.Logf("%d days, %d comparisons, fingerprint %s, events %v", out.Days, out.Comparisons, out.Fingerprint, out.Events)
}

func TestOneSeedRepeatsExactly(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 7, Members: 30, Days: 100}
	first, second := run(t, o), run(t, o)
	if first.Fingerprint == "" || first.Fingerprint != second.Fingerprint || first.Comparisons != second.Comparisons {
		t.Errorf("%+v\nis not\n%+v", first, second)
	}
	o.Seed = 8
	if other := run(t, o); other.Fingerprint == first.Fingerprint {
		t.Error("another seed lives through the same")
	}
}

func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	for _, f := range Faults {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			members, years := 40, 2
			if f == FaultTwoWarnings {
				members, years = 600, 3 // few tiers end with exactly two warnings
			}
			out := run(t, Options{Seed: 2, Members: members, Years: years, Fault: f})
			if out.Differences == 0 {
				t.Fatalf("not found in %d days", out.Days)
			}
			for _, part := range []string{"seed 2, day ", "member ", fmt.Sprintf("guanxi sim --seed 2 --members %d --years %d", members, years)} {
				if !strings.Contains(out.Found[0], part) {
					t.Errorf("a difference does not tell %q: %s", part, out.Found[0])
				}
			}
			t.Logf("found after %d days", out.Days)
		})
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	at := instant
	for _, c := range []struct {
		from     int64
		n        int
		expected int64
	}{
		{at(2027, 1, 31, 12), 1, at(2027, 3, 1, 0)},
		{at(2028, 1, 31, 23), 1, at(2028, 3, 1, 0)},
		{at(2027, 2, 28, 0), 12, at(2028, 2, 29, 0)},
		{at(2028, 2, 29, 0), 12, at(2029, 3, 1, 0)},
		{at(2027, 12, 31, 1), 2, at(2028, 3, 1, 0)},
		{at(2027, 5, 17, 1), 0, never},
	} {
		if got := months(c.from, c.n); got != c.expected {
			t.Errorf("%d months after %s: %s", c.n, wall(c.from), wall(got))
		}
	}
	if got := split(10, []int64{1, 1, 1}); got[0] != 4 || got[1] != 3 || got[2] != 3 {
		t.Error(got)
	}
}
