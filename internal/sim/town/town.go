package town

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"guanxi/internal/app"
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/earn"
)

// Options of a run.
type Options struct {
	Dir      string // an empty folder, best on a disk of memory
	Seed     uint64
	Members  int
	Years    int
	Days     int // 0 is all days of the years
	Fault    Fault
	Progress func(day, days int)
}

// Report tells what a run did.
type Report struct {
	Seed        uint64         `json:"seed"`
	Members     int            `json:"members"`
	Days        int            `json:"days"`
	Events      map[string]int `json:"events"` // by kind, and the fault's code after a blank when it was refused
	Comparisons int            `json:"comparisons"`
	Differences int            `json:"differences"`
	Found       []string       `json:"found,omitempty"`
	Replay      string         `json:"replay"`
	Fingerprint string         `json:"fingerprint"`
}

// firstDay is chosen so that a run of more than a year has a leap day: 29 February 2028.
var firstDay = instant(2027, 2, 1, 0)

const (
	ordersAYear = 15
	sampled     = 12 // members compared in full after a day
	allEvery    = 30 // days after which all are
	mostFound   = 10
)

// Town is one simulation under way.
type Town struct {
	o        Options
	ctx      context.Context
	app      *app.App
	dir      string
	opened   int
	clock    *clock.Fake
	rng      *rand.Rand
	b        *Book
	plan     agenda
	day      int
	skew     int64 // how far the machine's clock is off
	downTill int   // no job runs before this day
	citizens []*citizen
	parcels  []*parcel
	nos      int
	real     map[int]int64 // lot in the book → the program's
	paper    map[int64]int
	out      Report
}

// Run lives through the years and compares. An error is that the town itself broke; differences are in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	t := &Town{o: o, ctx: ctx, clock: clock.NewFake(firstDay), rng: rand.New(rand.NewPCG(o.Seed, 3)), b: NewBook(o.Fault),
		real: map[int]int64{}, paper: map[int64]int{}}
	t.out = Report{Seed: o.Seed, Members: o.Members, Events: map[string]int{},
		Replay: fmt.Sprintf("guanxi sim --seed %d --members %d --years %d", o.Seed, o.Members, o.Years)}
	err := t.open()
	if err == nil {
		err = t.live()
	}
	if t.app != nil {
		err = errors.Join(err, t.app.Close())
	}
	return t.out, err
}

func (t *Town) live() error {
	days := t.days()
	if err := t.learnRules(); err != nil {
		return err
	}
	t.policies()
	for ; t.day < days && t.out.Differences == 0; t.day++ {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		if err := t.liveDay(); err != nil {
			return fmt.Errorf("day %d, %s: %w", t.day, t.out.Replay, err)
		}
		t.out.Days++
		if t.o.Progress != nil {
			t.o.Progress(t.day+1, days)
		}
	}
	return t.finish()
}

func (t *Town) days() int {
	if t.o.Days > 0 {
		return t.o.Days
	}
	return int((wall(firstDay).AddDate(t.o.Years, 0, 0).UnixMilli() - firstDay) / allDay)
}

func (t *Town) midnight() int64 { return midnight(firstDay, t.day) }

func (t *Town) liveDay() error {
	t.planDay()
	for until := midnight(firstDay, t.day+1); len(t.plan) > 0 && t.plan[0].at < until && t.out.Differences == 0; {
		d := t.plan.next()
		t.clock.Set(d.at + t.skew)
		if err := d.do(d.at); err != nil {
			return fmt.Errorf("%s at %s: %w", d.name, wall(d.at).Format(time.DateTime), err)
		}
	}
	if t.out.Differences > 0 {
		return nil
	}
	return t.compareDay()
}

// finish runs the jobs a last time, compares everything and takes the fingerprint.
func (t *Town) finish() error {
	if t.out.Differences > 0 {
		return nil
	}
	t.skew, t.downTill = 0, 0
	t.clock.Set(max(t.midnight()+hour, t.b.now))
	if err := t.step(t.midnight()); err != nil {
		return err
	}
	return t.app.DB.View(t.ctx, func(v *db.View) error {
		t.b.now = v.Now()
		t.compareAll(v)
		t.compareStanding(v)
		t.compareOrders(v)
		t.audit(v)
		t.seen()
		t.out.Fingerprint = fingerprint(v)
		return nil
	})
}

// seen counts what came of it all, so that nobody takes a town where nothing happens for a proof.
func (t *Town) seen() {
	for _, p := range t.b.people {
		for _, r := range p.tier.rows {
			t.count("tier "+r.reason, "")
		}
		t.out.Events["warnings"] += len(p.tier.warnings)
		if p.purses[pointsAsset].debt > 0 {
			t.count("in debt", "")
		}
	}
	for _, o := range t.b.orders {
		if o.via >= 0 {
			t.count("order by a merged identity", "")
		}
		if o.restored > 0 {
			t.count("points given back", "")
		}
		for _, a := range o.awards {
			t.count("award", a.cap)
			if a.clawed > 0 {
				t.count("taken back", "")
			}
			if a.forgone > 0 {
				t.count("not taken back", "")
			}
		}
	}
}

// differ notes a difference.
func (t *Town) differ(member int64, format string, args ...any) {
	t.out.Differences++
	if len(t.out.Found) < mostFound {
		t.out.Found = append(t.out.Found, fmt.Sprintf("seed %d, day %d (%s), member %d: %s\n  replay: %s",
			t.o.Seed, t.day, wall(t.b.now).Format("2006-01-02 15:04:05.000"), member, fmt.Sprintf(format, args...), t.out.Replay))
	}
}

// open starts the program on what the disk has.
func (t *Town) open() (err error) {
	t.opened++
	if t.dir == "" {
		t.dir = filepath.Join(t.o.Dir, "data")
		if err := os.MkdirAll(t.dir, 0o700); err != nil {
			return err
		}
	}
	t.app, err = app.Open(t.ctx, app.Options{Data: t.dir, Keys: filepath.Join(t.o.Dir, "keys"), Clock: t.clock, Seed: t.o.Seed + uint64(t.opened)})
	return err
}

// restart stops the program in order and starts it again.
func (t *Town) restart(int64) error {
	t.count("restart", "")
	if err := t.app.Close(); err != nil {
		return err
	}
	return t.open()
}

// kill goes on from a copy of the files as they are while the program runs: all that a killed process leaves.
func (t *Town) kill(at int64) error {
	t.count("kill", "")
	if _, err := os.Stat(t.app.DB.Path()); errors.Is(err, os.ErrNotExist) {
		return t.restart(at) // the rows are on a server: what it does when it is killed is tried elsewhere
	}
	old := t.dir
	t.dir = filepath.Join(t.o.Dir, fmt.Sprint("data", t.opened))
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"guanxi.db", "guanxi.db-wal"} {
		b, err := os.ReadFile(filepath.Join(old, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(t.dir, name), b, 0o600)
		}
		if err != nil {
			return err
		}
	}
	if err := errors.Join(t.app.Close(), os.RemoveAll(old)); err != nil {
		return err
	}
	return t.open()
}

func (t *Town) count(what, code string) {
	if code != "" {
		what += " " + code
	}
	t.out.Events[what]++
}

// write runs a function in the program and tells when it ran and how it was refused, by code. What is no refusal is an error.
func (t *Town) write(what string, f func(tx *db.Tx) error) (code string, err error) {
	now := int64(0)
	err = t.app.DB.Write(t.ctx, db.Op{Actor: "town"}, func(tx *db.Tx) error {
		now = tx.Now()
		return f(tx)
	})
	if fault.As(err) == nil && err != nil {
		return "", err
	}
	if err != nil {
		code = fault.CodeOf(err)
	}
	t.b.now = now
	t.count(what, code)
	return code, nil
}

// agree compares how the program and the book answered.
func (t *Town) agree(p *person, what, got, want string) {
	if got != want {
		t.differ(idOf(p), "%s answered %q, the book says %q", what, got, want)
	}
}

func idOf(p *person) int64 {
	if p == nil {
		return 0
	}
	return p.id
}

// step lets the program do its jobs.
func (t *Town) step(int64) error {
	if t.day < t.downTill {
		return nil
	}
	for {
		ran, err := t.app.Jobs.Step(t.ctx)
		if err != nil {
			return err
		}
		if ran == 0 {
			break
		}
	}
	t.count("jobs", "")
	t.b.now = max(t.b.now, t.clock.Now())
	t.b.night()
	return nil
}

// learnRules copies the rules of a new installation into the book.
func (t *Town) learnRules() error {
	return t.app.DB.View(t.ctx, func(v *db.View) error {
		t.b.now = v.Now()
		for _, x := range earn.VersionsOf(v, 0) {
			s := x.SpecOf()
			c := &version{id: x.ID, until: never, kind: s.Kind, priority: s.Priority, class: s.Class, caps: caps{member: s.Caps.PerMember},
				points: map[string]int64{"per_yuan": million, "first_order": 50, "profile": 10}[s.Kind]}
			t.b.rules = append(t.b.rules, &rule{id: x.Rule, versions: []*version{c}})
		}
		if len(t.b.rules) != 3 {
			return fmt.Errorf("the town knows three rules, the program has %d", len(t.b.rules))
		}
		return nil
	})
}

// deed is something that is going to happen.
type deed struct {
	at   int64
	name string
	do   func(at int64) error
}

// agenda is what is going to happen, the next first.
type agenda []deed

func (a *agenda) next() deed {
	d := (*a)[0]
	*a = (*a)[1:]
	return d
}

// at plans a deed; of those at one instant the one planned first comes first.
func (t *Town) at(at int64, name string, do func(int64) error) {
	i, _ := slices.BinarySearchFunc(t.plan, at, func(d deed, at int64) int {
		if d.at <= at {
			return -1
		}
		return 1
	})
	t.plan = slices.Insert(t.plan, i, deed{at: at, name: name, do: do})
}

func (t *Town) chance(percent int) bool { return t.rng.IntN(100) < percent }

func (t *Town) between(from, to int64) int64 { return from + t.rng.Int64N(to-from+1) }
