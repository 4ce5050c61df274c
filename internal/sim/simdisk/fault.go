package simdisk

import (
	"syscall"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// Fault makes changing calls fail.
type Fault struct {
	At    int           // the first call that fails, counted from now
	Err   syscall.Errno // EIO, or ENOSPC, which fails only what makes a file longer
	Stays bool          // goes on until Mend; else it is one call
	Only  string        // "write", "sync" …; empty for any
}

func (x *Fault) hits(calls int, what string, f *file, end int64) bool {
	switch {
	case calls < x.At, x.Only != "" && x.Only != what:
		return false
	case x.Err == syscall.ENOSPC:
		return what == "write" && end > int64(len(f.now))
	}
	return true
}

// Break arms a fault.
func (d *Disk) Break(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.At += d.calls
	d.fault = &f
}

// Mend ends the fault.
func (d *Disk) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = nil
}

// changing counts a call that changes something, and decides whether it fails.
func (d *Disk) changing(what string, f *file, off, n int64) error {
	if d.off {
		return sqlite3.IOERR
	}
	d.calls++
	d.seen.Calls++
	d.note(what, f.name, off, n)
	if d.cutAt > 0 && d.calls >= d.cutAt {
		d.off = true
		return sqlite3.IOERR
	}
	x := d.fault
	if x == nil || !x.hits(d.calls, what, f, off+n) {
		return nil
	}
	if !x.Stays {
		d.fault = nil
	}
	d.seen.Faults++
	return vfs.SystemError(x.Err, codeOf(what, x.Err))
}

// codeOf is what SQLite's own Unix layer answers.
func codeOf(what string, err syscall.Errno) sqlite3.ExtendedErrorCode {
	switch {
	case err == syscall.ENOSPC:
		return sqlite3.ExtendedErrorCode(sqlite3.FULL)
	case what == "write":
		return sqlite3.IOERR_WRITE
	case what == "sync":
		return sqlite3.IOERR_FSYNC
	case what == "truncate":
		return sqlite3.IOERR_TRUNCATE
	}
	return sqlite3.IOERR_DELETE
}
