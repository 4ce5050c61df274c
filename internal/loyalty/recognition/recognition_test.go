package recognition

import (
	"testing"

	"guanxi/internal/base/clock"
)

func TestYearsFollowTheCalendar(t *testing.T) {
	t.Parallel()
	z := clock.Shanghai
	for _, x := range []struct{ since, day, on, by int }{
		{20250301, 20260301, 1, 1},
		{20250301, 20260228, 0, 0},
		{20250301, 20250301, 0, 0}, // the day itself is none
		{20240229, 20250228, 1, 1}, // kept a day early where there is no 29th
		{20240229, 20250301, 0, 1},
		{20240229, 20280228, 0, 3},
		{20240229, 20280229, 4, 4},
		{20240228, 20280228, 4, 4},
		{20240228, 20280229, 0, 4},
		{20230101, 20251231, 0, 2},
		{20260501, 20250501, 0, 0},
	} {
		if got := YearsOn(z, x.since, x.day); got != x.on {
			t.Errorf("%d on %d is %d years, want %d", x.since, x.day, got, x.on)
		}
		if got := max(0, yearsBy(z, x.since, x.day)); got != x.by {
			t.Errorf("%d by %d is %d years, want %d", x.since, x.day, got, x.by)
		}
	}
}

func TestABirthdayComesOnceAYear(t *testing.T) {
	t.Parallel()
	z := clock.Shanghai
	for _, md := range []int{101, 228, 229, 301, 1231} {
		for year := 2027; year <= 2032; year++ {
			n := 0
			for day := year*10000 + 101; day/10000 == year; day = z.AddDays(day, 1) {
				if BornOn(z, md, day) {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the birthday %04d comes %d times in %d", md, n, year)
			}
		}
	}
	if BornOn(z, 0, 20270228) {
		t.Error("who told no birthday is greeted")
	}
}

func TestEachBadgeIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range Badges {
		b := &Badges[i]
		if b.Key == "" || seen[b.Key] || b.Icon == "" || b.Zh == "" || b.En == "" || b.HowZh == "" || b.HowEn == "" || (b.TitleZh == "") != (b.TitleEn == "") {
			t.Errorf("%+v is not whole, or is there twice", *b)
		}
		seen[b.Key] = true
	}
	for _, list := range [][]mark{byOrders, byStreak, byYears} {
		for _, m := range list {
			if !seen[m.badge] {
				t.Errorf("%s is no badge", m.badge)
			}
		}
	}
}
