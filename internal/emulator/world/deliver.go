package world

import (
	"hash/fnv"
	"sync"
)

// Disorder is how badly deliveries are treated on their way.
type Disorder struct {
	Copies int   `json:"copies"`    // how often each is delivered besides once
	Spread int64 `json:"spread_ms"` // each is late by up to this: they overtake one another
	Lost   int   `json:"lost"`      // percent that never arrive
}

type roads struct {
	mu  sync.Mutex
	now Disorder
}

// SetDisorder changes how deliveries are treated from now on.
func (w *World) SetDisorder(d Disorder) { w.roads.mu.Lock(); w.roads.now = d; w.roads.mu.Unlock() }

// Deliver tries to deliver something now and, while that fails, after each pause of the plan (ms); when the plan is at its end, it
// gives up. Disorder may copy, delay or lose it.
func (w *World) Deliver(plan []int64, send func() bool) {
	w.roads.mu.Lock()
	d := w.roads.now
	w.roads.mu.Unlock()
	for range d.Copies + 1 {
		if d.Lost > 0 && w.chance(100) < int64(d.Lost) {
			continue
		}
		late := int64(0)
		if d.Spread > 0 {
			late = w.chance(d.Spread)
		}
		w.try(late, plan, send)
	}
}

func (w *World) try(after int64, plan []int64, send func() bool) {
	w.Later(after, func() {
		if !send() && len(plan) > 0 {
			w.try(plan[0], plan[1:], send)
		}
	})
}

// chance draws a number below n.
func (w *World) chance(n int64) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(w.Word(16)))
	return int64(h.Sum32()) % n
}
