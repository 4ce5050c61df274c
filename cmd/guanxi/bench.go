package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	measure "guanxi/internal/bench"
)

// measuring is the word by which the benchmark starts itself as the server that is measured.
const measuring = "server"

// bench measures this machine beside the raw database and the naive form of the same work.
func bench(ctx context.Context, c *cli) (any, error) {
	members := c.flags.Int("members", 100_000, "members before the measuring begins")
	seconds := c.flags.Float64("seconds", 5, "how long each run lasts")
	runs := c.flags.Int("runs", 3, "runs of each figure; the median counts")
	only := c.flags.String("only", "", "figures to measure, with commas: "+strings.Join(measure.Names(), ","))
	big := c.flags.Bool("big", false, "1 million members and 10 million entries first; minutes, and about 10 GB of disk")
	url := c.flags.String("db", "", "mysql://…: an empty database, which is filled and can be thrown away; else SQLite in a folder of its own")
	profile := c.flags.String("cpuprofile", "", "write a CPU profile of the server to this file")
	rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if len(rest) == 1 && rest[0] == measuring {
		return nil, measure.Serve(ctx, os.Stdin, c.out)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := measure.Options{Dir: c.benchFolder(), URL: *url, Members: *members, Big: *big, Run: time.Duration(*seconds * float64(time.Second)), Runs: *runs,
		CPUProfile: *profile, LogLevel: c.cfg.LogLevel.String(), Launch: measure.Command(c.note, self, "bench", measuring), Progress: c.benchProgress()}
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	o.Row = func(r measure.Row) {
		_, _ = fmt.Fprint(c.note, "\r\033[K")
		c.say("%s", "%s", r.Line(c.lang))
	}
	report, err := measure.Run(ctx, o)
	if err != nil {
		return report, err
	}
	return report, c.benchEnd(report)
}

// benchFolder is the first place that is on a disk: the data folder, the system's, this one.
func (c *cli) benchFolder() string {
	for _, dir := range []string{c.cfg.Data, os.TempDir()} {
		if measure.OnDisk(dir) {
			return dir
		}
	}
	return "."
}

// benchProgress draws a bar with the time left for whatever is under way.
func (c *cli) benchProgress() func(what string, done, of int64) {
	if c.json {
		return nil
	}
	var bar *progressbar.ProgressBar
	doing := ""
	return func(what string, done, of int64) {
		if bar == nil || what != doing {
			doing = what
			bar = progressbar.NewOptions64(of, progressbar.OptionSetWriter(c.note), progressbar.OptionSetDescription(what),
				progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
		}
		bar.ChangeMax64(of)
		_ = bar.Set64(done)
	}
}

// benchEnd says how it went.
func (c *cli) benchEnd(r measure.Report) error {
	c.say("", "")
	c.say("文件系统 %s，会员 %d，流水 %d，每项 %d 次、每次 %.3g 秒，取中位数", "File system %s, %d members, %d entries, %d runs of %.3g s each, medians",
		r.FileSystem, r.Members, r.Entries, r.Runs, r.Seconds)
	for _, p := range r.Problems {
		c.say("FAIL：%s", "FAIL: %s", p)
	}
	if !r.Well {
		return errNotWell
	}
	c.say("所有应答都正确，账务一致，没有丢失。", "Every answer was right, the books agree, nothing is lost.")
	return nil
}
