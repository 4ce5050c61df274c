package db

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite writes each page of a commit to the log with two system calls, thousands a group, and they cost more than all
// the rest of the commit. This is the unix file layer with one change: what is written to the log in a row is
// gathered and written together, at the latest before the sync that makes the commit durable.
//
// It is safe because the log's index, through which every other connection finds pages, is moved only after that
// sync (synchronous=FULL; this layer is used with nothing less), and the writer's own reads see the gathered bytes written first.

const (
	gatherVFS  = "guanxi"
	gatherSize = 64 << 10 // the unix layer takes at most 128 KiB at once
)

type (
	fnOpen  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	fnIO    = func(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32
	fnSize  = func(tls *libc.TLS, file, size uintptr) int32
	fnTrunc = func(tls *libc.TLS, file uintptr, size int64) int32
	fnSync  = func(tls *libc.TLS, file uintptr, flags int32) int32
	fnClose = func(tls *libc.TLS, file uintptr) int32
)

// at reads memory of the engine, which the collector does not move.
func at[T any](p uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&p))) }

// fnAt is the function behind one of the engine's function pointers; fnPtr is the way back.
func fnAt[F any](p uintptr) F {
	s := struct{ p uintptr }{p}
	return *(*F)(unsafe.Pointer(&s))
}

func fnPtr[F any](f F) uintptr {
	s := struct{ f F }{f}
	return *(*uintptr)(unsafe.Pointer(&s))
}

// gathered is one open log: n bytes that follow off, in buf.
type gathered struct {
	inner *sqlite3.Tsqlite3_io_methods // the unix layer's own
	buf   uintptr
	off   int64
	n     int
}

var gather struct {
	once    sync.Once
	open    fnOpen
	mu      sync.Mutex
	files   map[uintptr]*gathered
	methods map[uintptr]uintptr // the unix layer's method table → ours
}

// registerGather makes the layer known to the engine; it lives as long as the process.
func registerGather() {
	gather.once.Do(func() {
		gather.files, gather.methods = map[uintptr]*gathered{}, map[uintptr]uintptr{}
		tls := libc.NewTLS()
		defer tls.Close()
		unix := at[sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
		p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*unix)))
		own := at[sqlite3.Tsqlite3_vfs](p)
		*own = *unix
		own.FpNext = 0
		own.FzName, _ = libc.CString(gatherVFS)
		gather.open = fnAt[fnOpen](unix.FxOpen)
		own.FxOpen = fnPtr[fnOpen](gatherOpen)
		sqlite3.Xsqlite3_vfs_register(tls, p, 0)
	})
}

func gatherOpen(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	rc := gather.open(tls, vfs, name, file, flags, outFlags)
	if rc != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_WAL == 0 {
		return rc
	}
	gather.mu.Lock()
	defer gather.mu.Unlock()
	f := at[sqlite3.Tsqlite3_file](file)
	gather.files[file] = &gathered{inner: at[sqlite3.Tsqlite3_io_methods](f.FpMethods)}
	f.FpMethods = gatherMethods(tls, f.FpMethods)
	return rc
}

// gatherMethods is a method table like the unix layer's, with ours where the log is written or looked at.
func gatherMethods(tls *libc.TLS, inner uintptr) uintptr {
	if p := gather.methods[inner]; p != 0 {
		return p
	}
	was := at[sqlite3.Tsqlite3_io_methods](inner)
	p := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(*was)))
	m := at[sqlite3.Tsqlite3_io_methods](p)
	*m = *was
	m.FxWrite, m.FxRead = fnPtr[fnIO](gatherWrite), fnPtr[fnIO](gatherRead)
	m.FxSync, m.FxFileSize = fnPtr[fnSync](gatherSync), fnPtr[fnSize](gatherFileSize)
	m.FxTruncate, m.FxClose = fnPtr[fnTrunc](gatherTruncate), fnPtr[fnClose](gatherClose)
	gather.methods[inner] = p
	return p
}

func gatheredOf(file uintptr) *gathered {
	gather.mu.Lock()
	defer gather.mu.Unlock()
	return gather.files[file]
}

func gatherWrite(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
	g := gatheredOf(file)
	if off != g.off+int64(g.n) || g.n+int(n) > gatherSize {
		if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
			return rc
		}
		g.off = off
	}
	if int(n) > gatherSize {
		return fnAt[fnIO](g.inner.FxWrite)(tls, file, buf, n, off)
	}
	if g.buf == 0 {
		if g.buf = libc.Xmalloc(tls, gatherSize); g.buf == 0 {
			return sqlite3.SQLITE_NOMEM
		}
	}
	copy(at[[gatherSize]byte](g.buf)[g.n:], unsafe.Slice(at[byte](buf), n))
	g.n += int(n)
	return sqlite3.SQLITE_OK
}

// flush writes what was gathered. When that fails the engine gives the commit up and writes the same place again later.
func (g *gathered) flush(tls *libc.TLS, file uintptr) int32 {
	if g.n == 0 {
		return sqlite3.SQLITE_OK
	}
	n := g.n
	g.n = 0
	rc := fnAt[fnIO](g.inner.FxWrite)(tls, file, g.buf, int32(n), g.off)
	g.off += int64(n)
	return rc
}

func gatherRead(tls *libc.TLS, file, buf uintptr, n int32, off int64) int32 {
	g := gatheredOf(file)
	if g.n > 0 && off < g.off+int64(g.n) && off+int64(n) > g.off {
		if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
			return rc
		}
	}
	return fnAt[fnIO](g.inner.FxRead)(tls, file, buf, n, off)
}

func gatherSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	g := gatheredOf(file)
	if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return fnAt[fnSync](g.inner.FxSync)(tls, file, flags)
}

func gatherFileSize(tls *libc.TLS, file, size uintptr) int32 {
	g := gatheredOf(file)
	if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return fnAt[fnSize](g.inner.FxFileSize)(tls, file, size)
}

func gatherTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	g := gatheredOf(file)
	if rc := g.flush(tls, file); rc != sqlite3.SQLITE_OK {
		return rc
	}
	return fnAt[fnTrunc](g.inner.FxTruncate)(tls, file, size)
}

func gatherClose(tls *libc.TLS, file uintptr) int32 {
	g := gatheredOf(file)
	_ = g.flush(tls, file) // nothing that was promised is in it: every promise was synced
	gather.mu.Lock()
	delete(gather.files, file)
	gather.mu.Unlock()
	if g.buf != 0 {
		libc.Xfree(tls, g.buf)
	}
	return fnAt[fnClose](g.inner.FxClose)(tls, file)
}
