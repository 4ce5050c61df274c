package world

import (
	"sync"

	"guanxi/internal/base/clock"
)

// Clock is the world's time: a real clock, or a fake one, that can be made to run faster and to jump ahead.
type Clock struct {
	base clock.Clock

	mu    sync.Mutex
	from  int64 // the base's time when the scale was last changed
	at    int64 // the world's time then
	scale int64 // how many milliseconds pass for one of the base
}

// NewClock starts at the base's time and runs at its pace.
func NewClock(base clock.Clock) *Clock {
	now := base.Now()
	return &Clock{base: base, from: now, at: now, scale: 1}
}

// Now is the world's time.
func (c *Clock) Now() int64 { c.mu.Lock(); defer c.mu.Unlock(); return c.now() }

func (c *Clock) now() int64 { return c.at + (c.base.Now()-c.from)*c.scale }

// Scale makes time run n times as fast as the base; 0 stops it.
func (c *Clock) Scale(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.from, c.scale = c.now(), c.base.Now(), n
}

// jump moves the time ahead to an instant; it never goes back.
func (c *Clock) jump(to int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); to > now {
		c.at, c.from = to, c.base.Now()
	}
}
