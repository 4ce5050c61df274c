package job

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

const expire Kind[Slot] = "test.expire"

// clockmaker registers a job that notes its slots, under a plan.
func clockmaker(w *world, z clock.Zone, p Plan) (*Runner, *[]string) {
	var slots []string
	r := NewRunner(w.d, Options{Zone: z})
	Register(r, expire, Spec{}, func(_ context.Context, _ *Run, s Slot) error {
		slots = append(slots, r.opt.Zone.Format("0102 15:04", s.At))
		return nil
	})
	r.Schedule(p)
	return r, &slots
}

func (w *world) setTo(z clock.Zone, wall string) {
	at, err := z.Parse("2006-01-02 15:04", wall)
	if err != nil {
		w.t.Fatal(err)
	}
	w.clock.Set(at)
}

func TestDailyFiresOncePerDayAcrossRestartsAndPauses(t *testing.T) {
	t.Parallel()
	w := open(t)
	z := clock.Shanghai
	at := func(wall string, want int, r *Runner) {
		t.Helper()
		w.setTo(z, wall)
		w.step(r, want)
	}
	r, slots := clockmaker(w, clock.Zone{}, Daily(expire, 3, 30))
	at("2023-12-01 02:00", 0, r) // a new plan begins with its next slot
	at("2023-12-01 03:29", 0, r)
	at("2023-12-01 03:30", 1, r)
	at("2023-12-01 23:00", 0, r)
	at("2023-12-02 03:31", 1, r)
	if want := []string{"1201 03:30", "1202 03:30"}; !slices.Equal(*slots, want) {
		t.Errorf("slots %v", *slots)
	}
	r, slots = clockmaker(w, clock.Zone{}, Daily(expire, 3, 30)) // restarted
	at("2023-12-02 10:00", 0, r)
	at("2023-12-09 02:00", 1, r) // a week missed: once, for the latest slot
	at("2023-12-09 02:01", 0, r)
	at("2023-12-09 03:30", 1, r)
	r, later := clockmaker(w, clock.Zone{}, Daily(expire, 5, 0)) // the plan was changed
	at("2023-12-09 06:00", 0, r)
	at("2023-12-10 04:00", 0, r)
	at("2023-12-10 05:00", 1, r)
	if got := append(*slots, *later...); !slices.Equal(got, []string{"1208 03:30", "1209 03:30", "1210 05:00"}) {
		t.Errorf("slots %v", got)
	}
}

func TestDailyKeepsTheWallClockWhenClocksChange(t *testing.T) {
	t.Parallel()
	w := open(t)
	berlin := clock.MustZone("Europe/Berlin")
	r, slots := clockmaker(w, berlin, Daily(expire, 2, 30)) // does not exist on 31 March, exists twice on 27 October
	w.setTo(berlin, "2024-03-29 12:00")
	w.step(r, 0)
	for range 24 * 3 {
		w.clock.Add(clock.Hour)
		_, _ = r.Step(context.Background())
	}
	w.setTo(berlin, "2024-10-25 12:00")
	w.step(r, 1)
	for range 24 * 3 {
		w.clock.Add(clock.Hour)
		_, _ = r.Step(context.Background())
	}
	if want := []string{"0330 02:30", "0331 03:30", "0401 02:30", "1025 02:30", "1026 02:30", "1027 02:30", "1028 02:30"}; !slices.Equal(*slots, want) {
		t.Errorf("slots %v", *slots)
	}
}

func TestEveryFiresAtMultiples(t *testing.T) {
	t.Parallel()
	w := open(t)
	r, slots := clockmaker(w, clock.Shanghai, Every(expire, 15*clock.Minute))
	w.setTo(clock.Shanghai, "2023-12-01 10:07")
	for range 60 {
		_, _ = r.Step(context.Background())
		w.clock.Add(clock.Minute)
	}
	if want := []string{"1201 10:15", "1201 10:30", "1201 10:45", "1201 11:00"}; !slices.Equal(*slots, want) {
		t.Errorf("slots %v", *slots)
	}
}

func TestTwoRunnersFireASlotOnce(t *testing.T) {
	t.Parallel()
	w := open(t)
	a, slotsA := clockmaker(w, clock.Shanghai, Daily(expire, 3, 30))
	b, slotsB := clockmaker(w, clock.Shanghai, Daily(expire, 3, 30))
	for _, wall := range []string{"2023-12-01 02:00", "2023-12-01 03:30", "2023-12-02 03:30"} {
		w.setTo(clock.Shanghai, wall)
		for _, r := range []*Runner{a, b} {
			_, _ = r.Step(context.Background())
		}
	}
	if n := len(*slotsA) + len(*slotsB); n != 2 {
		t.Errorf("%d firings of two slots", n)
	}
}

func TestPurgeForgetsWhatIsLongOver(t *testing.T) {
	t.Parallel()
	w := open(t)
	r := NewRunner(w.d, Options{})
	counting(w, r)
	RegisterPurge(r, 30)
	const jobs = 2*purgeBatch + 7
	w.write(func(tx *db.Tx) error {
		for range jobs {
			if _, err := Add(tx, greet, "ann"); err != nil {
				return err
			}
		}
		return nil
	})
	keyed := add(w, greet, "ann", Key("k"))
	waits := add(w, greet, "eve", At(start+90*clock.Day))
	for w.effect("ann") < jobs+1 {
		if _, err := r.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Add(29 * clock.Day)
	w.step(r, 1)
	if w.job(keyed).State != Done {
		t.Fatal("purged too early")
	}
	w.clock.Add(2 * clock.Day)
	w.step(r, 1)
	w.view(func(v *db.View) {
		if n := len(until(v, Done, clock.Never, 0)); n != 2 { // the two purges
			t.Errorf("%d jobs are left", n)
		}
		if _, ok := keys.Get(v, [2]string{string(greet), "k"}); ok {
			t.Error("the key is left")
		}
	})
	if w.job(waits).State != Ready {
		t.Error("a waiting job was purged")
	}
}
