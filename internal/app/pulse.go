package app

import (
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/shared"
)

// pulse counts the facts of each minute: in all processes together while they share a Redis, else in this one. It is
// for watching; what has to be right is counted from rows.
type pulse struct {
	shared *shared.Store
	mu     sync.Mutex
	minute int64
	now    int64 // facts of that minute
	before int64 // and of the one before it
}

const pulseName = "facts"

// wire lets every commit be counted.
func (p *pulse) wire(d *db.DB) {
	d.BeforeCommit(func(tx *db.Tx) {
		if n := int64(len(fact.Table.Added(tx))); n > 0 {
			at := tx.Now()
			tx.AfterCommit(func() { p.add(at, n) })
		}
	})
}

func (p *pulse) add(at, n int64) {
	p.shared.Count(pulseName, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(at)
	p.now += n
}

// turn begins the minute of an instant.
func (p *pulse) turn(at int64) {
	switch minute := at / clock.Minute; {
	case minute == p.minute+1:
		p.minute, p.before, p.now = minute, p.now, 0
	case minute > p.minute:
		p.minute, p.before, p.now = minute, 0, 0
	}
}

// lastMinute gives the facts of the last whole minute.
func (p *pulse) lastMinute(now int64) int64 {
	if counts, err := p.shared.Counted(now/clock.Minute - 1); err == nil {
		return counts[pulseName]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn(now)
	return p.before
}
