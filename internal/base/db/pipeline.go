package db

import (
	"errors"

	"guanxi/internal/base/fault"
)

// Where this process alone writes, a lane is two stages: one decides a group while the other stores the group before it.
// The functions of a group read what the group before left, from the sheets, before it is durable; nobody is answered
// until his own group is, and groups are stored in order. When storing fails, what was decided since counts for
// nothing, and both groups are run again the plain way.

// openAt is how many functions a group has at least when it is handed on although more wait.
const openAt = 64

// stored tells how storing a batch ended.
type stored struct {
	err   error
	doubt bool // the commit itself failed: it may or may not be there
	sick  bool // the connection is of no more use
}

// pipe is the deciding stage.
type pipe struct {
	d      *DB
	to     chan *batch
	from   chan stored
	flight *batch  // what is being stored
	group  []*call // decided, not yet handed on
	weight int
	chunk  []*call
}

// pipeline runs until the queue is closed and empty.
func (d *DB) pipeline() {
	defer close(d.laneDone)
	p := &pipe{d: d, to: make(chan *batch), from: make(chan stored, 1)}
	defer close(p.to)
	go d.storer(p.to, p.from)
	for open := true; open || len(p.group) > 0 || p.flight != nil; {
		open = p.step(open)
	}
}

// step waits for the next thing to do and does it; it tells whether the queue is still open.
func (p *pipe) step(open bool) bool {
	full := len(p.group) >= p.d.opt.MaxGroup || p.weight >= maxWeight
	if p.flight == nil && len(p.group) > 0 && (full || !open || len(p.group) >= openAt || len(p.d.queue) == 0) {
		p.hand()
		return open
	}
	queue := p.d.queue
	if full || !open {
		queue = nil
	}
	var from chan stored
	if p.flight != nil {
		from = p.from
	}
	select {
	case c, ok := <-queue:
		if !ok {
			return false
		}
		p.take(c)
	case r := <-from:
		p.landed(r)
	}
	return open
}

// take decides a function and those that wait behind it, and opens the group when it is the first.
func (p *pipe) take(first *call) {
	d := p.d
	p.chunk = append(p.chunk[:0], first)
	p.weight += max(first.op.Weight, 1)
fill:
	for len(p.group)+len(p.chunk) < d.opt.MaxGroup && len(p.chunk) < openAt && p.weight < maxWeight {
		select {
		case c, ok := <-d.queue:
			if !ok {
				break fill
			}
			p.chunk = append(p.chunk, c)
			p.weight += max(c.op.Weight, 1)
		default:
			break fill
		}
	}
	p.group = append(p.group, p.chunk...)
	d.tx.now = d.tick()
	if err := d.safely(func() { d.prefetch(p.chunk); d.runAll(p.chunk) }); err != nil {
		p.plain()
	}
}

// hand gives the group to the storing stage.
func (p *pipe) hand() {
	d := p.d
	if err := d.safely(d.runHooks); err != nil {
		p.plain()
		return
	}
	p.flight = d.lift(p.group)
	p.group, p.weight = nil, 0
	p.to <- p.flight
}

// landed deals with how storing ended. Whoever was stored is answered by now.
func (p *pipe) landed(r stored) {
	b := p.flight
	p.flight = nil
	if r.err == nil {
		return
	}
	d := p.d
	d.sick = d.sick || r.sick
	err := r.err
	if r.doubt {
		err = d.doubt(b, r.err)
	}
	switch {
	case fault.Is(err, ErrUnknown):
	case isFull(err): // the same again would meet the same
		for _, c := range b.calls {
			c.err = outward(err)
		}
	default:
		d.runGroup(b.calls)
	}
	answer(b.calls)
	p.again()
}

// plain runs the group the plain way, since a read failed while it was decided.
func (p *pipe) plain() {
	if p.flight != nil {
		p.landed(<-p.from)
	}
	p.again()
}

// again decides and stores the group anew, with nothing in flight.
func (p *pipe) again() {
	group := p.group
	p.group, p.weight = nil, 0
	if len(group) > 0 {
		p.d.runGroup(group)
		answer(group)
	}
	p.d.tx.reset(p.d.tick())
}

func answer(calls []*call) {
	for _, c := range calls {
		c.answer()
	}
}

// storer is the storing stage.
func (d *DB) storer(in <-chan *batch, out chan<- stored) {
	for b := range in {
		r := d.storeBatch(b)
		if r.err == nil {
			answer(b.calls)
		}
		out <- r
	}
}

func (d *DB) storeBatch(b *batch) (r stored) {
	if len(b.loads) == 0 {
		return r
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	if r.err = d.eng.begin(d); r.err != nil {
		return r
	}
	if r.err = d.writeAll(b); r.err != nil {
		_, err := d.w.exec("ROLLBACK")
		r.sick = err != nil
		return r
	}
	start := d.opt.Clock.Now()
	if _, r.err = d.w.exec("COMMIT"); r.err != nil {
		r.doubt, r.sick = true, true
		return r
	}
	d.committed(b, start)
	return r
}

// safely runs f, whose reads may fail.
func (d *DB) safely(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a, ok := p.(abort)
			if !ok {
				panic(p)
			}
			if err = a.err; err == nil {
				err = errors.New("db: a read failed")
			}
		}
	}()
	f()
	return nil
}
