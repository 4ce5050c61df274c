package world

import (
	"context"
	"sort"
	"sync"

	"guanxi/internal/base/clock"
)

// agenda is what is still to happen: callbacks that will be sent, sent again, or sent twice.
type agenda struct {
	mu   sync.Mutex
	seq  int64
	todo []entry
	busy sync.Mutex // one thing happens at a time
}

type entry struct {
	at, seq int64
	do      func()
}

// Later does something once the world's clock has gone on by some milliseconds; what is due at the same instant happens in the
// order it was asked for.
func (w *World) Later(ms int64, do func()) {
	a := &w.agenda
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	a.todo = append(a.todo, entry{w.Clock.Now() + ms, a.seq, do})
	sort.Slice(a.todo, func(i, j int) bool {
		if a.todo[i].at != a.todo[j].at {
			return a.todo[i].at < a.todo[j].at
		}
		return a.todo[i].seq < a.todo[j].seq
	})
}

// Waiting is how much is still to happen.
func (w *World) Waiting() int {
	w.agenda.mu.Lock()
	defer w.agenda.mu.Unlock()
	return len(w.agenda.todo)
}

// take gives the next thing that is due at an instant.
func (a *agenda) take(until int64) (entry, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.todo) == 0 || a.todo[0].at > until {
		return entry{}, false
	}
	e := a.todo[0]
	a.todo = a.todo[1:]
	return e, true
}

// Settle does all that is due now, and says how much that was.
func (w *World) Settle() int { return w.settle(w.Clock.Now()) }

func (w *World) settle(until int64) (n int) {
	w.agenda.busy.Lock()
	defer w.agenda.busy.Unlock()
	for {
		e, ok := w.agenda.take(until)
		if !ok {
			return n
		}
		w.Clock.jump(e.at)
		e.do()
		n++
	}
}

// Travel moves the world's time ahead; what falls due on the way happens at its own instant, in order.
func (w *World) Travel(ms int64) {
	to := w.Clock.Now() + ms
	w.settle(to)
	w.Clock.jump(to)
}

// tick is how often Run looks, in real milliseconds.
const tick = 20

// Run lets things happen as time goes by, until ctx ends.
func (w *World) Run(ctx context.Context) {
	for {
		t := clock.Timer(tick)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
			w.Settle()
		}
	}
}
