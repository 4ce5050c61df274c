package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/ledger"
)

// finding is one thing the doctor looked at.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

type examined struct {
	Findings []finding `json:"findings"`
	Bad      int       `json:"bad"`
}

func (x *examined) add(check string, ok bool, format string, args ...any) {
	x.Findings = append(x.Findings, finding{check, ok, fmt.Sprintf(format, args...)})
	if !ok {
		x.Bad++
	}
}

// Least free space an installation should have.
const freeWanted = 1 << 30

// doctor looks at everything that keeps an installation from running well and says what to do about it.
func doctor(ctx context.Context, c *cli) (any, error) {
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	x := &examined{}
	for _, s := range c.cfg.Describe() {
		x.add("setting "+s.Key, true, "%s (%s)", s.Value, s.Source)
	}
	for _, name := range c.cfg.Ignored() {
		x.add("setting "+name, false, "no such setting: a slip of the pen?")
	}
	c.examineMachine(x)
	if err := c.examineData(ctx, x); err != nil {
		x.add("data", false, "%s", c.text(err))
	}
	c.examineChannels(ctx, x)
	for _, f := range x.Findings {
		c.say("%s %-28s %s", "%s %-28s %s", map[bool]string{true: "✓", false: "✗"}[f.OK], f.Check, f.Detail)
	}
	if x.Bad > 0 {
		return x, errNotWell
	}
	return x, nil
}

func (c *cli) examineMachine(x *examined) {
	now := clock.System.Now()
	year := c.cfg.Zone.Time(now).Year()
	x.add("clock", year >= 2026 && year < 2100, "%s in %s", c.cfg.Zone.Format("2006-01-02 15:04:05", now), c.cfg.Zone.Name())
	if err := os.MkdirAll(c.cfg.Data, 0o750); err != nil {
		x.add("data folder", false, "%v", err)
		return
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(c.cfg.Data, &st); err == nil {
		free := st.Bavail * uint64(st.Bsize)
		x.add("free space", free > freeWanted, "%d MB free in %s", free>>20, c.cfg.Data)
	}
	probe := filepath.Join(c.cfg.Data, ".doctor")
	start := clock.System.Now()
	err := writeDurably(probe)
	x.add("durable write", err == nil, "%d ms for one fsync%s", clock.System.Now()-start, because(err))
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

func writeDurably(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(path) }()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// examineData opens the installation, beside a running server when there is one.
func (c *cli) examineData(ctx context.Context, x *examined) error {
	a, err := c.open(ctx, false)
	running := fault.Is(err, db.ErrLocked)
	if running {
		a, err = c.open(ctx, true)
	}
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	x.add("server", true, "%s", map[bool]string{true: "running on this data folder", false: "not running"}[running])
	return a.DB.View(ctx, func(v *db.View) error { examineRows(v, x); return nil })
}

func examineRows(v *db.View, x *examined) {
	accounts, entries, wrong := ledger.CheckBalances(v)
	x.add("balances", len(wrong) == 0, "%d accounts, %d entries, %d wrong", accounts, entries, len(wrong))
	jobs := job.Count(v)
	x.add("dead letters", jobs.Dead == 0, "%d jobs given up; see the list of jobs", jobs.Dead)
	late := jobs.OldestDue != 0 && v.Now()-jobs.OldestDue > 26*clock.Hour
	x.add("job queue", !late, "%d ready, %d running", jobs.Ready, jobs.Running)
}
