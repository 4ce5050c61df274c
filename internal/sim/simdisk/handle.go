package simdisk

import (
	"io"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

var (
	_ vfs.VFS              = (*Disk)(nil)
	_ vfs.FileSharedMemory = (*handle)(nil)
	_ vfs.FileLockState    = (*handle)(nil)
)

// handle is one open file of one power cycle.
type handle struct {
	d     *Disk
	f     *file
	cycle int
	lock  vfs.LockLevel
	shm   vfs.SharedMemory
	fresh bool // its first sync syncs the folder too, as SQLite does for journals it may have made
}

// Open opens or creates a file.
func (d *Disk) Open(name string, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return nil, flags, sqlite3.CANTOPEN
	}
	f := d.files[name]
	if f == nil {
		if flags&vfs.OPEN_CREATE == 0 {
			return nil, flags, sqlite3.CANTOPEN
		}
		f = &file{name: name}
		d.files[name] = f
		d.note("create", name, 0, 0)
	}
	journal := flags&vfs.OPEN_CREATE != 0 && flags&(vfs.OPEN_WAL|vfs.OPEN_MAIN_JOURNAL|vfs.OPEN_SUPER_JOURNAL) != 0
	return &handle{d: d, f: f, cycle: d.cycle, fresh: journal, shm: vfs.NewSharedMemory(d.memory(name), flags)}, flags, nil
}

// Delete removes a file; unless its folder is synced at once, a power cut may bring it back.
func (d *Disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[name]
	if f == nil {
		return sqlite3.IOERR_DELETE_NOENT
	}
	if err := d.changing("delete", f, 0, 0); err != nil {
		return err
	}
	delete(d.files, name)
	if f.listed {
		d.deleted[name] = f
	}
	if syncDir {
		d.syncFolder()
	}
	return nil
}

// Access tells whether a file is there.
func (d *Disk) Access(name string, _ vfs.AccessFlag) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return false, sqlite3.IOERR_ACCESS
	}
	return d.files[name] != nil, nil
}

// FullPathname leaves names as they are.
func (d *Disk) FullPathname(name string) (string, error) { return name, nil }

// dead tells that the handle belongs to a machine that lost its power.
func (h *handle) dead() bool { return h.d.off || h.cycle != h.d.cycle }

func (h *handle) Close() error {
	if h.shm != nil {
		_ = h.shm.Close()
	}
	return h.Unlock(vfs.LOCK_NONE)
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return 0, sqlite3.IOERR_READ
	}
	if off >= int64(len(h.f.now)) {
		return 0, io.EOF
	}
	n := copy(p, h.f.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(p []byte, off int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return 0, sqlite3.IOERR_WRITE
	}
	c := change{off, clone(p)}
	if err := h.d.changing("write", h.f, off, int64(len(p))); err != nil {
		for _, part := range h.d.parts(c) {
			h.f.apply(part)
		}
		return 0, err
	}
	h.f.apply(c)
	return len(p), nil
}

func (h *handle) Truncate(size int64) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return sqlite3.IOERR_TRUNCATE
	}
	if err := h.d.changing("truncate", h.f, size, 0); err != nil {
		return err
	}
	h.f.apply(change{off: size})
	return nil
}

func (h *handle) Sync(vfs.SyncFlag) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return sqlite3.IOERR_FSYNC
	}
	if err := h.d.changing("sync", h.f, 0, 0); err != nil {
		h.d.halfSync(h.f)
		return err
	}
	h.d.seen.Syncs++
	if h.d.Lies {
		return nil
	}
	h.f.sync()
	if h.fresh {
		h.fresh = false
		h.d.syncFolder()
	}
	return nil
}

// syncFolder makes creations and deletions durable.
func (d *Disk) syncFolder() {
	clear(d.deleted)
	for _, f := range d.files {
		f.listed = true
	}
}

// halfSync is what a failed sync leaves: some of the writes, and no second chance for the others.
// Programs go on seeing them, as a page cache shows pages it could not write and has marked clean.
func (d *Disk) halfSync(f *file) {
	if d.off {
		return // the power is gone in the middle of it: Restart decides
	}
	for _, c := range f.pending {
		if d.rng.IntN(2) == 0 {
			f.durable = c.on(f.durable)
		}
	}
	f.pending = nil
}

func (h *handle) Size() (int64, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return 0, sqlite3.IOERR_FSTAT
	}
	return int64(len(h.f.now)), nil
}

func (h *handle) SectorSize() int                { return 4096 }
func (h *handle) SharedMemory() vfs.SharedMemory { return h.shm }
func (h *handle) LockState() vfs.LockLevel       { return h.lock }
func (h *handle) DeviceCharacteristics() vfs.DeviceCharacteristic {
	return vfs.IOCAP_POWERSAFE_OVERWRITE | vfs.IOCAP_SUBPAGE_READ // as on Unix
}

func (h *handle) Lock(level vfs.LockLevel) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.dead() {
		return sqlite3.IOERR_LOCK
	}
	if h.lock >= level {
		return nil
	}
	f := h.f
	switch level {
	case vfs.LOCK_SHARED:
		if f.closing != nil {
			return sqlite3.BUSY
		}
		f.readers++
	case vfs.LOCK_RESERVED:
		if f.reserved != nil {
			return sqlite3.BUSY
		}
		f.reserved = h
	case vfs.LOCK_EXCLUSIVE:
		if f.closing != nil && f.closing != h {
			return sqlite3.BUSY
		}
		f.closing = h
		if f.readers > 1 {
			h.lock = vfs.LOCK_PENDING
			return sqlite3.BUSY
		}
	default:
		return sqlite3.MISUSE // SQLite asks for no others
	}
	h.lock = level
	return nil
}

func (h *handle) Unlock(level vfs.LockLevel) error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.cycle != h.d.cycle || h.lock <= level {
		return nil
	}
	if h.f.reserved == h {
		h.f.reserved = nil
	}
	if h.f.closing == h {
		h.f.closing = nil
	}
	if level == vfs.LOCK_NONE {
		h.f.readers--
	}
	h.lock = level
	return nil
}

func (h *handle) CheckReservedLock() (bool, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	return h.f.reserved != nil, nil
}
