package scenario

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
)

func tell(t *testing.T, text string, opt Options) (Told, error) {
	t.Helper()
	opt.Dir = t.TempDir()
	return Run(context.Background(), Script{"story.txt", text}, opt)
}

// each plays the scripts of the house side by side.
func each(t *testing.T, f func(t *testing.T, s Script)) {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(strings.TrimSuffix(s.Name, ".txt"), func(t *testing.T) {
			t.Parallel()
			f(t, s)
		})
	}
}

// TestScripts plays every script, and doubts every value it expects.
func TestScripts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s Script) {
		told, err := Run(context.Background(), s, Options{Dir: t.TempDir(), Doubt: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range told.Blind {
			t.Errorf("%s:%s may change without notice", s.Name, b)
		}
		if told.Expected < 3 {
			t.Errorf("%s expects only %d values", s.Name, told.Expected)
		}
	})
}

// TestScriptsFailWhenOneNumberIsWrong plays every script once more with one of its values falsified, another in each script.
func TestScriptsFailWhenOneNumberIsWrong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s Script) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(s.Name))
		lie := int(h.Sum32()%3) + 1
		if _, err := Run(context.Background(), s, Options{Dir: t.TempDir(), Lie: lie}); err == nil {
			t.Errorf("value %d was falsified and nobody noticed", lie)
		}
	})
}

// TestEveryRulingHasAScript holds the list of rulings that are within reach.
func TestEveryRulingHasAScript(t *testing.T) {
	t.Parallel()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, s := range all {
		number, _, _ := strings.Cut(s.Name, "-")
		told[number] = true
		if title := s.Title(); title == "" || !strings.HasPrefix(s.Text, "# ") {
			t.Errorf("%s does not begin with its promise", s.Name)
		}
	}
	for n := 1; n <= 38; n++ {
		later := n == 17 || n == 25 || n >= 31 && n <= 33 // coupons, referral, journeys, paid membership
		if !later && !told[fmt.Sprintf("%02d", n)] {
			t.Errorf("ruling %d has no script", n)
		}
	}
}

// TestHelp prints the language with go test -v, and holds the package's words to it.
func TestHelp(t *testing.T) {
	t.Parallel()
	t.Log(Help())
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(doc), c.name) {
			t.Errorf("the package says nothing of %s", c.name)
		}
		for _, u := range c.usage {
			if !strings.HasPrefix(u, c.name+" ") && u != c.name {
				t.Errorf("%q is no example of %s", u, c.name)
			}
			if _, err := cut(u); err != nil {
				t.Errorf("%s: %v", u, err)
			}
		}
	}
}

const opening = `no rules
rule "每元" per_yuan points 1 tier_multiplier no floating no
member anna
at 2026-03-01 10:00
order A1 anna 100.00
`

// TestWrongStories are stories that must not pass, and what is said of them.
func TestWrongStories(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"expect anna points 99":                                  "points is 100",
		"expect anna points 100 available 99":                    "available is 100",
		"expect anna points 100 debt":                            "a word is missing",
		"expect anna points 100.00":                              "not a whole number",
		"expect anna points 100 shiny 4":                         "no part of a balance",
		"expect anna lots none":                                  "the lots is",
		"expect anna lots 100 until 2027-03-02":                  "2027-03-01",
		"expect anna statement +100 spend":                       "+100 earn",
		"expect anna tier silver":                                "the tier is base",
		"expect anna dreams 1":                                   "nothing is known",
		"expect bob points 1":                                    "nothing is known",
		`expect why A1 "每元" given 101`:                           "given is 100",
		`expect why A1 "别的" given 100`:                           "was not asked",
		`expect why A9 "每元" given 100`:                           "there is no order",
		"expect liability points 101":                            "points is 100",
		"expect facts order.paid 2":                              "the number is 1",
		"spend anna 200":                                         "ledger.insufficient",
		"spend anna 20 fails ledger.insufficient":                "it was allowed",
		"spend anna 200 fails ledger.amount":                     "it failed otherwise",
		"spend bob 1":                                            "no member called",
		"order A1 anna 100":                                      "not an amount",
		"order A2 anna 100.00 quickly":                           "says nothing of an order",
		"at 2026-02-01":                                          "time does not go back",
		"at noon":                                                "not a day",
		"wait 3 moons":                                           "time passes in",
		"dance":                                                  "there is no command",
		`status anna "frozen`:                                    "a quote is not closed",
		`rule "x" magic points 1`:                                "no kind of rule",
		`rule "x" fixed shine 1`:                                 "no setting here",
		`rule "x" fixed points 1 when order.colour is red`:       "can't be asked",
		"points shine 1":                                         "no setting",
		"zone Europe/Rome":                                       "first sentence",
		"race 5 expect anna points 100":                          "race wants",
		"race 5 order A9 bob 1.00":                               "no member called",
		"expect impact members 2 if tiers base 0, a 5, b 9":      "members is 1",
		"expect impact lions 2 if tiers base 0, a 5, b 9":        "lions is not told",
		"expect who phone 13800000001 is nobody":                 "who is another",
		"expect mix base 2":                                      "base is 1",
		"expect anna history base upgrade":                       "the history is",
		"expect waiting 1 review 0":                              "waiting is 0",
		"expect anna balance 99 as of 2026-03-01 10:00":          "the balance is 100",
		"verify anna":                                            "not understood",
		"expect anna expiring 100 on never":                      "what expires is",
		"expect order A1 refunded 0.01":                          "refunded is 0.00",
		"expect quote anna 100.00 max 99 worth 1.00":             "max is 100",
		"expect anna orders 1 spent 100.01":                      "spent is 100.00",
		"expect anna cost brand 1":                               "the cost is 0",
		`expect preview anna 1.00 points 2 if rule "y" bad`:      "no kind of rule",
		`expect used "每元" 1`:                                     "used is 0",
		"expect anna growth 1":                                   "growth is",
		"expect anna notices 1":                                  "notices is 0",
		"expect anna ahead 1":                                    "percent is 0",
		"expect anna status frozen":                              "the status is active",
		"expect anna identities 2":                               "identities is 1",
		"expect won 1":                                           "won is 0",
		"hold H1 anna 100 for 3.00 fails ledger.insufficient":    "points.spend_cap",
		"tier anna king until 2027-01-01 \"x\"":                  "tier.not_found",
		"merge anna into bob":                                    "no member called",
		"reverse anna nothing":                                   "ledger.no_entry",
		"profile anna shoe 42":                                   "no field of a profile",
		"order A2 anna 1.00 items tea 1 1.00":                    "not a quantity",
		"rate fast":                                              "not a factor",
		"growth spend 1 weight 99":                               "tier.sources",
		"expect trial orders 2 from 2026-03-01 until 2026-03-02": "is missing",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			_, err := tell(t, opening+line, Options{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// TestDoubtFindsBlindExpectations shows that a value nobody compares is reported.
func TestDoubtFindsBlindExpectations(t *testing.T) {
	t.Parallel()
	told, err := tell(t, opening+"expect waiting 0 review 0\nexpect liability", Options{Doubt: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"7: expect liability: expects nothing"}
	if fmt.Sprint(told.Blind) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", told.Blind, want)
	}
}

// TestTravelStopsWhereSomethingIsDue compares passing over idle days with running the jobs of every night.
func TestTravelStopsWhereSomethingIsDue(t *testing.T) {
	t.Parallel()
	const story = opening + `
growth spend 1 weight 100
member bob
order B1 bob 400.00
%s
expect anna statement +100 earn, -100 expire
expect bob notices 3 short 240
expect bob history base join, gold upgrade, silver not_kept
`
	var nightly strings.Builder
	for day := 20260302; day <= 20270310; day = clock.Shanghai.AddDays(day, 1) {
		fmt.Fprintf(&nightly, "at %d-%02d-%02d 09:00\n", day/10000, day/100%100, day%100)
	}
	for name, way := range map[string]string{"jump": "at 2027-03-10 09:00", "nightly": nightly.String()} {
		if _, err := tell(t, fmt.Sprintf(story, way), Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
