// Package simdisk is a disk in memory below SQLite, for tests: it loses power, breaks and fills up when told to.
//
// A write is durable only after a sync. When the power goes, each write that was not synced is kept, dropped or torn
// by chance, so an earlier write may be lost while a later one survives. All chance comes from one seed: the same seed
// under the same calls gives the same disk, and Fingerprint proves it.
//
// One thing is trusted, as SQLite trusts it on real disks: a torn write damages no byte outside itself
// ("powersafe overwrite").
package simdisk

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"sync"

	"github.com/ncruces/go-sqlite3/vfs"
)

// Disk holds the files of one machine through its power cuts.
type Disk struct {
	// Lies makes every sync do nothing and say it was done, as some hardware does.
	Lies bool

	name    string // of the VFS
	shm     string // folder for the memory that connections share; a power cut empties it
	mu      sync.Mutex
	rng     *rand.Rand
	files   map[string]*file
	deleted map[string]*file // deleted, but a power cut may bring them back
	cycle   int              // power cycles so far; handles of earlier ones are dead
	off     bool
	calls   int // that changed something, since the power came on
	cutAt   int
	fault   *Fault
	seen    Stats
	print   uint64
}

// Stats counts what a disk did to its files.
type Stats struct {
	Cuts, Calls, Syncs, Kept, Dropped, Torn, Faults int
}

// New makes an empty disk. Folder holds the shared memory of its connections; seed decides all its chances.
func New(folder string, seed uint64) *Disk {
	d := &Disk{shm: folder, rng: rand.New(rand.NewPCG(seed, 2)), files: map[string]*file{}, deleted: map[string]*file{}}
	d.register()
	return d
}

func (d *Disk) register() {
	d.name = fmt.Sprintf("simdisk-%p", d)
	vfs.Register(d.name, d)
}

// Clone makes a second disk with the same files, as if both machines had just been switched on.
func (d *Disk) Clone(folder string, seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := New(folder, seed)
	for name, f := range d.files {
		c.files[name] = &file{name: name, listed: true, durable: clone(f.now), now: clone(f.now)}
	}
	return c
}

// Name is the name SQLite knows the disk by: "file:path?vfs=name".
func (d *Disk) Name() string { return d.name }

// Remove takes the disk away from SQLite.
func (d *Disk) Remove() { vfs.Unregister(d.name) }

// CutAt makes the power go at the n-th changing call from now on; 0 leaves it on.
func (d *Disk) CutAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cutAt = n
	if n > 0 {
		d.cutAt += d.calls
	}
}

// Off tells whether the power is gone.
func (d *Disk) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.off
}

// Calls counts the changing calls since the power came on.
func (d *Disk) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// Stats tells what the disk did so far.
func (d *Disk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

// Fingerprint covers every changing call and every decision of chance so far.
func (d *Disk) Fingerprint() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.print
}

// Restart cuts the power if it is still on, decides what survived, and switches on again.
func (d *Disk) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cycle++
	d.off, d.calls, d.cutAt, d.fault = false, 0, 0, nil
	d.seen.Cuts++
	for _, name := range sortedNames(d.deleted) {
		if f := d.deleted[name]; d.files[name] == nil && d.rng.IntN(2) == 0 {
			d.files[name] = f
			d.note("resurrect", name, 0, 0)
		}
	}
	clear(d.deleted)
	for _, name := range sortedNames(d.files) {
		d.settle(d.files[name])
	}
}

// Kill ends the program but not the machine: nothing written is lost, all handles are dead.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cycle++
	for _, f := range d.files {
		f.unlock()
	}
}

// memory is the path of the shared memory of a file in this power cycle.
func (d *Disk) memory(name string) string {
	return filepath.Join(d.shm, fmt.Sprintf("%s-%d", filepath.Base(name), d.cycle))
}

// note folds one event into the fingerprint.
func (d *Disk) note(what, name string, off, n int64) {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, d.print, what, name, off, n)
	d.print = h.Sum64()
}
