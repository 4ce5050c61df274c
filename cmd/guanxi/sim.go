package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/schollz/progressbar/v3"

	"guanxi/internal/base/fault"
	"guanxi/internal/sim/town"
)

var errSimUsage = fault.Define("sim.usage", fault.Invalid,
	"用法：guanxi sim [--seed N] [--members 2..100000] [--years 1..20] [--dir 临时目录]",
	"Usage: guanxi sim [--seed N] [--members 2..100000] [--years 1..20] [--dir TEMP]")

// simulate lives through years of a simulated town and compares the program with a model of it; it touches no installation.
func simulate(ctx context.Context, c *cli) (any, error) {
	var o town.Options
	c.flags.Uint64Var(&o.Seed, "seed", 1, "the seed that decides everything")
	c.flags.IntVar(&o.Members, "members", 1000, "how many join")
	c.flags.IntVar(&o.Years, "years", 3, "simulated years")
	under := c.flags.String("dir", memoryFolder(), "where the temporary data goes, best a disk of memory")
	rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 || o.Members < 2 || o.Members > 100_000 || o.Years < 1 || o.Years > 20 {
		return nil, errSimUsage.New()
	}
	if o.Dir, err = os.MkdirTemp(*under, "guanxi-sim-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(o.Dir) }()
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(c.note), progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	o.Progress = func(day, days int) {
		bar.ChangeMax(days)
		_ = bar.Set(day)
	}
	report, err := town.Run(ctx, o)
	_ = bar.Finish()
	if err != nil {
		return report, err
	}
	c.tellTown(report)
	if report.Differences > 0 {
		return report, errNotWell
	}
	return report, nil
}

// memoryFolder is a disk of memory where there is one, else the place for temporary files.
func memoryFolder() string {
	const shm = "/dev/shm"
	if st, err := os.Stat(shm); err == nil && st.IsDir() {
		return shm
	}
	return os.TempDir()
}

func (c *cli) tellTown(r town.Report) {
	kinds := make([]string, 0, len(r.Events))
	for k := range r.Events {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	lines := make([]string, len(kinds))
	for i, k := range kinds {
		lines[i] = fmt.Sprintf("  %8d  %s", r.Events[k], k)
	}
	c.say("%s", "%s", strings.Join(lines, "\n"))
	for _, f := range r.Found {
		c.say("差异：%s", "difference: %s", f)
	}
	c.say("模拟 %d 天，比对 %d 次，差异 %d，指纹 %s", "%d days, %d comparisons, %d differences, fingerprint %s",
		r.Days, r.Comparisons, r.Differences, r.Fingerprint)
}
