package db

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
)

// Op says what a write is about before it runs.
type Op struct {
	Owner  int64   // the member it is about; 0 when none: rows of owners are read for the group at once
	Owners []int64 // further members
	Wants  []Want  // rows it will read by key
	Actor  string  // who causes it
	Weight int     // how many plain postings it is worth; 0 is 1
}

type call struct {
	op     Op
	fn     func(*Tx) error
	err    error
	done   chan error
	notify func(error)
}

const (
	maxGroup  = 256 // where Options say nothing else
	maxWeight = 2048
	maxTries  = 5
)

// Write runs fn in a group and returns after the commit. fn may run more than once.
func (d *DB) Write(ctx context.Context, op Op, fn func(*Tx) error) error {
	c := &call{op: op, fn: fn, done: make(chan error, 1)}
	if err := d.submit(c); err != nil {
		return err
	}
	// Once in the queue it may commit at any moment, so a caller that leaves can't be told "refused".
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ErrUnknown.New().Because(ctx.Err())
	}
}

// WriteAsync queues fn and calls notify, from the lane, after the commit. It waits for room in the queue.
func (d *DB) WriteAsync(op Op, fn func(*Tx) error, notify func(error)) error {
	c := &call{op: op, fn: fn, notify: notify}
	d.gate.RLock()
	defer d.gate.RUnlock()
	if d.closed {
		return ErrClosed.New()
	}
	d.queue <- c
	return nil
}

func (d *DB) submit(c *call) error {
	d.gate.RLock()
	defer d.gate.RUnlock()
	if d.closed {
		return ErrClosed.New()
	}
	select {
	case d.queue <- c:
		return nil
	default:
		return ErrBusy.New()
	}
}

func (c *call) answer() {
	if c.notify != nil {
		c.notify(c.err)
		return
	}
	c.done <- c.err
}

// lane is the one writer: it takes what waits, never waiting for more.
func (d *DB) lane() {
	defer close(d.laneDone)
	group := make([]*call, 0, d.opt.MaxGroup)
	for first := range d.queue {
		group = d.runGroup(append(group[:0], first), d.fill)
		for _, c := range group {
			c.answer()
		}
	}
}

// fill adds what waits, never waiting for more. It is called once the group has its turn: what came meanwhile goes with it.
func (d *DB) fill(group []*call) []*call {
	weight := 0
	for _, c := range group {
		weight += max(c.op.Weight, 1)
	}
	for len(group) < d.opt.MaxGroup && weight < maxWeight {
		select {
		case c, ok := <-d.queue:
			if !ok {
				return group
			}
			group = append(group, c)
			weight += max(c.op.Weight, 1)
		default:
			return group
		}
	}
	return group
}

// runGroup runs the group in one transaction; when that fails for what may be a reason of one member, each runs alone.
// It gives the group with those that have joined it.
func (d *DB) runGroup(group []*call, fill func([]*call) []*call) []*call {
	began := clock.System.Now()
	for try := 1; ; try++ {
		var err error
		group, err = d.attempt(group, fill)
		if err == nil || fault.Is(err, ErrUnknown) {
			return group
		}
		why := troubleOf(err)
		if d.again(why, try, clock.System.Now()-began) {
			continue
		}
		if len(group) == 1 || why == full || why == lost || why == conflict {
			for _, c := range group {
				c.err = outward(err)
			}
			return group
		}
		break
	}
	for i := range group {
		d.runGroup(group[i:i+1], alone)
	}
	return group
}

// again waits a little, longer each time, and tells whether a group that surely did nothing is worth another try.
func (d *DB) again(why trouble, try int, sofar int64) bool {
	switch {
	case why == conflict && try < maxTries:
		return true
	case why == conflict, why == lost:
	default:
		return false
	}
	if sofar >= d.eng.patience() {
		return false
	}
	d.opt.Log.Warn("the database can't take this now; trying again", "try", try)
	t := clock.Timer(int64(min(50<<min(try, 10), 800)))
	defer t.Stop()
	<-t.C
	return true
}

func alone(group []*call) []*call { return group }

// attempt gives an error when nothing was committed for a reason outside the functions.
func (d *DB) attempt(group []*call, fill func([]*call) []*call) (all []*call, err error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err = d.heal(); err == nil {
		err = d.eng.begin(d)
	}
	group = fill(group) // who waits shares the turn, or its failure
	if err != nil {
		d.sick = d.sick || troubleOf(err) == lost
		return group, err
	}
	d.tx.reset(d.tick())
	err = d.decide(group)
	if err == nil && d.tx.dirty() {
		if err = d.writeAll(); err == nil {
			return group, d.commit(group)
		}
	}
	d.giveUp(err)
	return group, err
}

// giveUp ends a transaction that will not be committed. A server that says it can't be written to any more still answers, so
// what it says is believed: the next group asks all hosts anew.
func (d *DB) giveUp(why error) {
	if _, err := d.w.exec("ROLLBACK"); err != nil || troubleOf(why) == lost {
		d.sick = true
	}
}

// writeAll sends what the group changed, and the instant of it.
func (d *DB) writeAll() error {
	if err := d.tx.flush(); err != nil {
		return err
	}
	return d.keepInstant(d.tx.now)
}

func (d *DB) decide(group []*call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a, ok := p.(abort)
			if !ok {
				panic(p)
			}
			err = a.err
		}
	}()
	d.prefetch(group)
	for _, c := range group {
		c.err = d.runOne(c)
	}
	for _, hook := range d.hooks {
		hook(d.tx)
	}
	return nil
}

func (d *DB) runOne(c *call) (err error) {
	tx := d.tx
	mark, after := len(tx.journal), len(tx.after)
	tx.actor, tx.depth, tx.cause = c.op.Actor, 0, 0
	defer func() {
		if p := recover(); p != nil {
			if _, storage := p.(abort); storage {
				panic(p)
			}
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
		if err != nil {
			tx.undoTo(mark)
			tx.after = tx.after[:after]
		}
	}()
	d.w.seen.Functions++
	return c.fn(tx)
}

// prefetch reads what the group said it will need, a few statements for all.
func (d *DB) prefetch(group []*call) {
	owners := d.ownersBuf[:0]
	byTable := map[prefetcher][]any{}
	for _, c := range group {
		if c.op.Owner != 0 {
			owners = append(owners, c.op.Owner)
		}
		owners = append(owners, c.op.Owners...)
		for _, w := range c.op.Wants {
			byTable[w.t] = append(byTable[w.t], w.key)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	d.ownersBuf, d.tx.owners = owners, owners
	if len(owners) > 0 {
		for _, t := range d.loaded {
			t.prefetchOwners(d.tx, owners)
		}
	}
	for t, keys := range byTable {
		t.prefetch(d.tx, keys)
	}
}

func (d *DB) commit(group []*call) error {
	start := d.opt.Clock.Now()
	if _, err := d.w.exec("COMMIT"); err != nil {
		// It may or may not be on disk. Only a fresh connection can tell, and only by the caller's key.
		d.sick = true
		d.opt.Log.Error("commit failed", "err", err, "functions", len(group))
		herr := d.heal() // before anybody is answered: who looks next gets the last word
		if herr != nil {
			d.opt.Log.Error("storage stays broken; it is tried again at the next write", "err", herr)
		}
		if herr == nil && d.eng.refused(err) {
			return err
		}
		for _, c := range group {
			c.err = ErrUnknown.New().Because(err)
		}
		return ErrUnknown.New().Because(err)
	}
	d.kept = max(d.kept, d.tx.now)
	d.sure = d.kept
	d.w.seen.Commits++
	if d.opt.OnCommit != nil {
		d.opt.OnCommit(len(group), d.opt.Clock.Now()-start)
	}
	for _, f := range d.tx.after {
		f()
	}
	return nil
}
