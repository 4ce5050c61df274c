package job

import (
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
)

// Slot is what a scheduled job is told: the moment it stands for. After a pause that is the latest one missed.
type Slot struct {
	At int64 `json:"at"`
}

// Plan is a schedule: it makes a job of its kind at each slot.
type Plan struct {
	kind    Kind[Slot]
	pattern string
	last    func(zone clock.Zone, now int64) int64 // the latest slot at or before now
	next    func(zone clock.Zone, now int64) int64 // the first slot after now
}

// Daily fires every natural day at a wall-clock time of the runner's zone.
func Daily(kind Kind[Slot], hour, minute int) Plan {
	clockTime := fmt.Sprintf("%02d:%02d", hour, minute)
	if _, err := clock.Shanghai.Parse("15:04", clockTime); err != nil {
		panic("job: not a time of day: " + clockTime)
	}
	// The wall clock is asked, not midnight plus hours: a day on which clocks change has 23 or 25 of them.
	at := func(z clock.Zone, now int64, days int) int64 {
		day := z.AddDays(z.LocalDay(now), days)
		ms, _ := z.Parse("20060102 15:04", fmt.Sprint(day, " ", clockTime))
		return ms
	}
	return Plan{kind, "daily " + clockTime,
		func(z clock.Zone, now int64) int64 {
			if t := at(z, now, 0); t <= now {
				return t
			}
			return at(z, now, -1)
		},
		func(z clock.Zone, now int64) int64 {
			if t := at(z, now, 0); t > now {
				return t
			}
			return at(z, now, 1)
		}}
}

// Every fires at each multiple of a number of milliseconds.
func Every(kind Kind[Slot], ms int64) Plan {
	last := func(_ clock.Zone, now int64) int64 { return now - now%ms }
	return Plan{kind, fmt.Sprintf("every %d ms", ms), last,
		func(z clock.Zone, now int64) int64 { return last(z, now) + ms }}
}

// Schedule adds plans; their kinds are registered like all others. A kind has one plan.
func (r *Runner) Schedule(plans ...Plan) { r.plans = append(r.plans, plans...) }

// fire makes the jobs of the slots that have come. A new or changed plan begins with its next slot.
func (r *Runner) fire(tx *db.Tx) error {
	now, zone := tx.Now(), r.opt.Zone
	for _, p := range r.plans {
		row, known := schedules.Get(tx, string(p.kind))
		pattern := p.pattern + " " + zone.Name()
		if known && row.Pattern == pattern && row.NextAt > now {
			continue
		}
		if known && row.Pattern == pattern {
			slot := p.last(zone, now)
			if _, err := Add(tx, p.kind, Slot{slot}, Key(fmt.Sprintf("slot:%d", slot))); err != nil {
				return err
			}
		}
		schedules.Put(tx, scheduleRow{string(p.kind), pattern, p.next(zone, now)})
	}
	return nil
}
