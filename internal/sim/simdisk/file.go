package simdisk

import (
	"maps"
	"slices"
)

const sector = 512

// file is what a program sees and, apart from it, what would be left if the power went now.
type file struct {
	name     string
	listed   bool // its directory entry is durable
	durable  []byte
	pending  []change // seen by programs, not synced
	now      []byte
	readers  int // holders of any lock
	reserved *handle
	closing  *handle // waits for, or holds, the exclusive lock
}

// change is one write, or a truncation when data is nil.
type change struct {
	off  int64
	data []byte
}

func (c change) on(b []byte) []byte {
	if c.data == nil {
		if c.off > int64(len(b)) {
			return append(b, make([]byte, c.off-int64(len(b)))...)
		}
		return b[:c.off]
	}
	if end := c.off + int64(len(c.data)); end > int64(len(b)) {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.off:], c.data)
	return b
}

func (f *file) apply(c change) {
	f.now = c.on(f.now)
	f.pending = append(f.pending, c)
}

func (f *file) unlock() { f.readers, f.reserved, f.closing = 0, nil, nil }

func (f *file) sync() {
	for _, c := range f.pending {
		f.durable = c.on(f.durable)
	}
	f.pending = nil
}

// What a power cut may do to one unsynced write.
const (
	drop = iota
	keep
	tear
)

// moods are the fates that the unsynced writes of one file draw from; a cut picks a mood a file, so that the pure
// cases come up often.
var moods = [][]int{{drop}, {keep}, {drop, keep}, {drop, keep, tear}}

// settle decides what a power cut left of a file.
func (d *Disk) settle(f *file) {
	f.unlock()
	if !f.listed && d.rng.IntN(2) == 0 {
		delete(d.files, f.name)
		d.note("vanish", f.name, 0, 0)
		return
	}
	f.listed = true
	mood := moods[d.rng.IntN(len(moods))]
	for _, c := range f.pending {
		fate := mood[d.rng.IntN(len(mood))]
		d.note("fate", f.name, c.off, int64(fate))
		d.survive(f, c, fate)
	}
	f.pending, f.now = nil, clone(f.durable)
}

// survive applies to the durable bytes what is left of one unsynced change.
func (d *Disk) survive(f *file, c change, fate int) {
	switch {
	case fate == drop:
		d.seen.Dropped++
	case fate == keep || c.data == nil:
		d.seen.Kept++
		f.durable = c.on(f.durable)
	default:
		d.seen.Torn++
		for _, part := range d.parts(c) {
			f.durable = part.on(f.durable)
		}
	}
}

// parts keeps a random set of a write's sectors, or only its beginning up to any byte.
func (d *Disk) parts(c change) []change {
	if d.rng.IntN(2) == 0 {
		return []change{{c.off, c.data[:d.rng.IntN(len(c.data)+1)]}}
	}
	var kept []change
	for at := 0; at < len(c.data); {
		end := min(len(c.data), at+sector-int(c.off+int64(at))%sector)
		if d.rng.IntN(2) == 0 {
			kept = append(kept, change{c.off + int64(at), c.data[at:end]})
		}
		at = end
	}
	return kept
}

func clone(b []byte) []byte { return append([]byte{}, b...) }

func sortedNames(files map[string]*file) []string { return slices.Sorted(maps.Keys(files)) }
