package bench

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guanxi/internal/base/clock"
)

// inside is a Launch that runs the server in this process.
func inside(ctx context.Context) (io.WriteCloser, io.Reader, func() error, error) {
	theirs, in := io.Pipe()
	out, answers := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := Serve(ctx, theirs, answers)
		_ = answers.Close()
		ended <- err
	}()
	return in, out, func() error { return <-ended }, nil
}

func options(t *testing.T) Options {
	return Options{Dir: t.TempDir(), Members: 250, Run: 60 * time.Millisecond, Runs: 1, Launch: inside, LogLevel: "error"}
}

func find(t *testing.T, r *Report, name string) Row {
	t.Helper()
	i := slices.IndexFunc(r.Rows, func(x Row) bool { return x.Name == name })
	if i < 0 {
		t.Fatalf("there is no row %s in %+v", name, r.Rows)
	}
	return r.Rows[i]
}

func TestEverythingIsMeasuredAndNothingLost(t *testing.T) {
	t.Parallel()
	o := options(t)
	var heard int
	o.Row = func(Row) { heard++ }
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Well {
		t.Errorf("%v", r.Problems)
	}
	for _, name := range append(Names(), "memory", "check", "beyond_fsync", "statements", "posts_to_naive", "postings_to_raw", "orders_to_raw", "hot_orders_ratio") {
		if strings.HasPrefix(name, "pair_") {
			continue // of a server alone
		}
		if name == "reads" {
			name = "ahead"
		}
		if row := find(t, &r, name); row.Value < 0 || row.Value == 0 && name != "beyond_fsync" || row.Error != "" {
			t.Errorf("%s: %+v", name, row)
		}
	}
	if heard != len(r.Rows) || r.Entries < 250*entries {
		t.Errorf("%d rows heard of %d, %d entries", heard, len(r.Rows), r.Entries)
	}
	left, err := os.ReadDir(o.Dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// The same phases with an order and a posting acknowledged that were never made.
func TestWhatIsLostIsFound(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := options(t)
	o.Only = []string{"orders_256", "postings_16"}
	o.defaults()
	b := &bench{Options: o, dir: o.Dir}
	for _, phase := range []func(context.Context) error{b.preload, b.product} {
		if err := phase(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if b.acked.Orders == 0 || b.acked.Grants == 0 {
		t.Fatalf("nothing was measured: %+v", b.acked)
	}
	b.acked.Orders++
	b.acked.Grants--
	if err := b.books(ctx); err != nil {
		t.Fatal(err)
	}
	b.report.judge()
	said := strings.Join(b.report.Problems, "\n")
	for _, want := range []string{"1 orders are lost", "1 awards of orders are lost", "1 postings that give too many"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said in:\n%s", want, said)
		}
	}
	if b.report.Well || len(b.report.Problems) != 3 {
		t.Errorf("well: %v, %v", b.report.Well, b.report.Problems)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	books := tally{Orders: 5, Awards: 5, Grants: 7, Spends: 3, Entries: 99}
	if p := lost(tally{Orders: 5, Grants: 7, Spends: 3}, books); p != nil {
		t.Errorf("all is there, but: %v", p)
	}
	for want, acked := range map[string]tally{
		"2 postings that take are lost: 5 acknowledged, 3 in the books": {Orders: 5, Grants: 7, Spends: 5},
		"1 postings that give too many: 6 acknowledged, 7 in the books": {Orders: 5, Grants: 6, Spends: 3},
	} {
		if p := lost(acked, books); len(p) != 1 || p[0] != want {
			t.Errorf("got %v, want %s", p, want)
		}
	}
	books.Awards = 4 // an order that earned nothing
	if p := lost(tally{Orders: 5, Grants: 7, Spends: 3}, books); len(p) != 1 || !strings.Contains(p[0], "awards") {
		t.Errorf("got %v", p)
	}
	if got := (tally{9, 8, 7, 6, 5}).minus(tally{1, 2, 3, 4, 5}); got != (tally{8, 6, 4, 2, 0}) {
		t.Errorf("difference %+v", got)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for want, rows := range map[string][]Row{
		"":    {{Value: 1}, {Value: 0, P99: 1e9}},
		OK:    {{Value: 5, target: target{least: 5}}, {Value: 5, P99: 149, target: target{least: 5, p99: 150}}, {Value: 2, target: target{most: 2}}},
		Short: {{Value: 4.9, target: target{least: 5}}, {Value: 9, P99: 150, target: target{least: 5, p99: 150}}, {Value: 2.1, target: target{most: 2}}},
		Fail:  {{Value: 9, Error: "x", target: target{least: 5}}, {Error: "x"}},
	} {
		for _, r := range rows {
			if r.judge(); r.Verdict != want {
				t.Errorf("%+v: %q, want %q", r, r.Verdict, want)
			}
			report := Report{Rows: []Row{r}}
			if report.judge(); report.Well != (want != Fail) {
				t.Errorf("%+v: a report that is well: %v", r, report.Well)
			}
		}
	}
	r := Row{Name: "x", En: "some figure", Zh: "某项", Value: 1234, Unit: "/s", P50: 1.5, P99: 20, target: target{least: 5000, p99: 150}}
	r.judge()
	for _, part := range []string{"1234 /s", "p50 1.50 ms  p99 20.0 ms", "short", "some figure", "[≥ 5000 /s, p99 < 150 ms]"} {
		if !strings.Contains(r.Line("en"), part) {
			t.Errorf("%q is not in %q", part, r.Line("en"))
		}
	}
	if !strings.Contains(r.Line("zh"), "某项") {
		t.Error(r.Line("zh"))
	}
}

func TestBigHalvesTheTargets(t *testing.T) {
	t.Parallel()
	w := orderWork
	f := figure{work: &w, least: 5000, p99: 150 * time.Millisecond}
	if r := (&bench{}).loadRow(f, measured{}); r.least != 5000 || r.target.p99 != 150 {
		t.Errorf("%+v", r.target)
	}
	if r := (&bench{Options: Options{Big: true}}).loadRow(f, measured{}); r.least != 2500 || r.target.p99 != bigP99 {
		t.Errorf("%+v", r.target)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"members":   func(o *Options) { o.Members = 0 },
		"an hour":   func(o *Options) { o.Run = 2 * time.Hour },
		"runs":      func(o *Options) { o.Runs = 0 },
		"no figure": func(o *Options) { o.Only = []string{"orders"} },
	} {
		o := options(t)
		change(&o)
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestRequestsAreNeverTheSame(t *testing.T) {
	t.Parallel()
	l := &load{ids: []int64{7, 8, 9}}
	for _, w := range []work{orderWork, earnWork, burnWork, bulkWork} {
		var a, b request
		w.make(&a, l, 1)
		w.make(&b, l, 11)
		if string(a.key) == string(b.key) || !strings.HasPrefix(string(a.path), "/api/partner/") {
			t.Errorf("keys %q and %q at %s", a.key, b.key, a.path)
		}
	}
	seen := map[int64]int{}
	for n := range uint64(3000) {
		seen[l.member(n)]++
	}
	for id, n := range seen {
		if n < 900 || n > 1100 {
			t.Errorf("member %d is met %d times in 3000", id, n)
		}
	}
}

func TestNewcomersComeInTurn(t *testing.T) {
	t.Parallel()
	l := &load{ids: []int64{7, 8, 9}, turns: true}
	for n := range uint64(6) {
		if got := l.member(n); got != int64(7+n%3) {
			t.Errorf("request %d is of member %d", n, got)
		}
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, values := range map[float64][]int64{0: nil, 3: {3}, 2.5: {4, 1, 2, 3}, 5: {9, 5, 1}} {
		if got := median(values); got != want {
			t.Errorf("median of %v: %v", values, got)
		}
	}
	if got := steps(1_000_000); !slices.Equal(got, []int{10_000, 100_000, 1_000_000}) {
		t.Errorf("steps %v", got)
	}
	if got := steps(10_000); !slices.Equal(got, []int{10_000}) {
		t.Errorf("steps %v", got)
	}
}

func TestOrderFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "o.csv")
	noon, _ := clock.Shanghai.Parse("2006-01-02 15:04", "2026-07-01 12:00")
	if err := writeOrders(path, 20, 5, 100, time.UnixMilli(noon)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 21 || !strings.HasPrefix(lines[1], "F100,2026-07-01 11:59:58,m000000") {
		t.Errorf("%q", lines[:2])
	}
}
