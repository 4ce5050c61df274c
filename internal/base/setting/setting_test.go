package setting

import (
	"context"
	"fmt"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

type policy struct{ Cap int64 }

var caps = New("test.cap", policy{30})

func TestVersionsHoldFromTheirInstant(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(1_700_000_000_000)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Migrate(context.Background(), Schema); err != nil {
		t.Fatal(err)
	}
	set := func(n, from int64) error {
		return d.Write(context.Background(), db.Op{Actor: "staff:1"}, func(tx *db.Tx) error {
			_, err := caps.Set(tx, policy{n}, from, "why")
			return err
		})
	}
	now := c.Now()
	if err := set(20, now+1000); err != nil {
		t.Fatal(err)
	}
	if err := set(25, 0); err != nil {
		t.Fatal(err)
	}
	if err := set(1, now-1); !fault.Is(err, ErrPast) {
		t.Errorf("a change in the past: %v", err)
	}
	_ = d.View(context.Background(), func(v *db.View) error {
		for at, want := range map[int64]int64{now - 1: 30, now: 25, now + 999: 25, now + 1000: 20} {
			if got := caps.At(v, at).Value.Cap; got != want {
				t.Errorf("at %+d: %d, want %d", at-now, got, want)
			}
		}
		if h := caps.History(v); len(h) != 2 || h[0].Author != "staff:1" || h[1].Announced != now {
			t.Errorf("history %+v", h)
		}
		return nil
	})
}

type ladder struct{ Steps []int }

var ladders = New("test.ladder", ladder{[]int{1, 2, 3}})

func TestVersionsDoNotWriteIntoTheDefault(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(1_700_000_000_000)
	d, err := db.Open(context.Background(), db.Options{Dir: t.TempDir(), Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Migrate(context.Background(), Schema); err != nil {
		t.Fatal(err)
	}
	for i, steps := range [][]int{{9}, {8, 7}} {
		err := d.Write(context.Background(), db.Op{}, func(tx *db.Tx) error {
			_, err := ladders.Set(tx, ladder{steps}, c.Now()+int64(i), "")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_ = d.View(context.Background(), func(v *db.View) error {
		for at, want := range map[int64]string{-1: "[1 2 3]", 0: "[9]", 1: "[8 7]"} {
			if got := fmt.Sprint(ladders.At(v, c.Now()+at).Value.Steps); got != want {
				t.Errorf("at %+d: %s, want %s", at, got, want)
			}
		}
		return nil
	})
}
