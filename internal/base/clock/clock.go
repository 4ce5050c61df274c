// Package clock gives time as int64 milliseconds UTC and decides every natural-day rule.
package clock

import (
	"sync"
	"time"
	_ "time/tzdata" // a bare machine may lack zone files
)

// Clock tells the time in milliseconds UTC.
type Clock interface{ Now() int64 }

type system struct{}

func (system) Now() int64 { return time.Now().UnixMilli() }

// System is the machine's clock.
var System Clock = system{}

// Fake is a clock that only moves when told to.
type Fake struct {
	mu  sync.Mutex
	now int64
}

// NewFake starts a fake clock at the given instant.
func NewFake(at int64) *Fake { return &Fake{now: at} }

// Now tells the fake time.
func (f *Fake) Now() int64 { f.mu.Lock(); defer f.mu.Unlock(); return f.now }

// Set moves the clock to an instant.
func (f *Fake) Set(at int64) { f.mu.Lock(); f.now = at; f.mu.Unlock() }

// Add moves the clock by milliseconds.
func (f *Fake) Add(ms int64) { f.mu.Lock(); f.now += ms; f.mu.Unlock() }

// Durations in milliseconds.
const (
	Second int64 = 1000
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
)

// Never is the expiry of what does not expire; it sorts last.
const Never int64 = 1 << 53

// Zone is a program's time zone.
type Zone struct {
	loc  *time.Location
	name string
}

// Shanghai is the default zone of a programme.
var Shanghai = MustZone("Asia/Shanghai")

// LoadZone finds an IANA zone by name.
func LoadZone(name string) (Zone, error) {
	loc, err := time.LoadLocation(name)
	return Zone{loc, name}, err
}

// MustZone is LoadZone for names known to exist.
func MustZone(name string) Zone {
	z, err := LoadZone(name)
	if err != nil {
		panic(err)
	}
	return z
}

// Name is the IANA name.
func (z Zone) Name() string { return z.name }

// Time gives t in the zone.
func (z Zone) Time(t int64) time.Time { return time.UnixMilli(t).In(z.loc) }

// LocalDay is the natural day of an instant, as 20260131. Every day rule uses it:
// check-in, caps, birthdays, member day, end-of-day expiry.
func (z Zone) LocalDay(t int64) int {
	y, m, d := z.Time(t).Date()
	return y*10000 + int(m)*100 + d
}

// StartOfDay is the first instant of a natural day.
func (z Zone) StartOfDay(day int) int64 {
	return time.Date(day/10000, time.Month(day/100%100), day%100, 0, 0, 0, 0, z.loc).UnixMilli()
}

// EndOfDay is the exclusive end of t's natural day: the next local midnight.
func (z Zone) EndOfDay(t int64) int64 { return z.StartOfDay(z.AddDays(z.LocalDay(t), 1)) }

// AddDays moves a natural day.
func (z Zone) AddDays(day, n int) int {
	t := time.Date(day/10000, time.Month(day/100%100), day%100+n, 12, 0, 0, 0, time.UTC)
	return t.Year()*10000 + int(t.Month())*100 + t.Day()
}

// AddMonths moves a natural day by months, clamped to the month's last day:
// 31 January + 1 month = 28 or 29 February.
func (z Zone) AddMonths(day, n int) int {
	y, m, d := day/10000, day/100%100, day%100
	first := time.Date(y, time.Month(m+n), 1, 12, 0, 0, 0, time.UTC)
	last := time.Date(first.Year(), first.Month()+1, 0, 12, 0, 0, 0, time.UTC).Day()
	return first.Year()*10000 + int(first.Month())*100 + min(d, last)
}

// ExpireAfterMonths is the exclusive end of validity for something granted at t that lives n months
// to the end of its last local day. Zero months never expire.
func (z Zone) ExpireAfterMonths(t int64, n int) int64 {
	if n <= 0 {
		return Never
	}
	return z.StartOfDay(z.AddDays(z.AddMonths(z.LocalDay(t), n), 1))
}

// Parse reads a wall-clock time in the zone with a time.Parse layout.
func (z Zone) Parse(layout, s string) (int64, error) {
	t, err := time.ParseInLocation(layout, s, z.loc)
	return t.UnixMilli(), err
}

// Format writes t as wall-clock time of the zone.
func (z Zone) Format(layout string, t int64) string { return z.Time(t).Format(layout) }

// Timer waits d milliseconds of real time on a channel; only runners of background work use it.
func Timer(ms int64) *time.Timer { return time.NewTimer(time.Duration(ms) * time.Millisecond) }

// Duration is milliseconds as the standard library's type.
func Duration(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
