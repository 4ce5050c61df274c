package paytown_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/sim/paytown"
)

func full() bool { return os.Getenv("GUANXI_FULL") == "1" }

// TestTown lives two days with 12 people, eight with 30 with GUANXI_FULL=1.
func TestTown(t *testing.T) {
	t.Parallel()
	o := paytown.Options{Dir: t.TempDir(), Seed: 1, People: 12, Days: 2}
	if full() {
		o.People, o.Days = 30, 8
	}
	r, err := paytown.Live(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Error(d)
	}
	t.Logf("%+v", r)
	if r.Paid < 40 || r.Refunded == 0 || r.Abandoned == 0 || r.ByOthers == 0 || r.Told.Lost == 0 || r.Told.Twice == 0 || r.Told.Probes == 0 ||
		r.Learned["notice"] == 0 || r.Learned["query"] == 0 || r.Learned["bill"] == 0 {
		t.Errorf("too little happened: %+v", r)
	}
}

// The comparison is worth something only if it sees what is wrong.
func TestTownSeesAPlantedFault(t *testing.T) {
	t.Parallel()
	plant := func(tx *db.Tx) error {
		for _, a := range ledger.Accounts.Select(tx, db.Query[ledger.Account]{Where: "asset = ? AND balance > ?", Args: []any{int64(ledger.Points), int64(0)},
			Order: "member_id", Limit: 1, Match: func(a *ledger.Account) bool { return a.Asset == ledger.Points && a.Balance > 0 },
			Less: func(a, b *ledger.Account) bool { return a.Member < b.Member }}) {
			a.Balance++
			ledger.Accounts.Put(tx, a)
		}
		return nil
	}
	r, err := paytown.Live(t.Context(), paytown.Options{Dir: t.TempDir(), Seed: 2, People: 6, Days: 1, Plant: plant})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(r.Differences, "\n"); !strings.Contains(all, "points") || !strings.Contains(all, "ledger") {
		t.Error(fmt.Sprint("the planted fault was not seen: ", all))
	}
}
