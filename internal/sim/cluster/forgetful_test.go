package cluster

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// forgetful is a file system that keeps what was synced and, at a power cut, forgets of the rest what it likes: all of it, or some
// pages, or a part of a page. Names are kept at once.
type forgetful struct {
	mu    sync.Mutex
	files map[uint64]*unsynced // by the number of the file
	dark  bool                 // from a cut until the power is back
	kept  int                  // syncs
	lost  int                  // pages that a cut took back
	torn  int                  // of which a part remained
}

const (
	page   = 4096
	sector = 512
)

// unsynced is what the disk has of a file where the file says otherwise.
type unsynced struct {
	f    *os.File
	size int64
	old  map[int64][]byte // pages as they were synced; past the end they are empty. Nil when all is synced
}

// place opens, once, the file behind a node.
func (d *forgetful) place(path string) (*unsynced, error) {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	number := info.Sys().(*syscall.Stat_t).Ino
	if u := d.files[number]; u != nil {
		return u, f.Close()
	}
	d.files[number] = &unsynced{f: f}
	return d.files[number], nil
}

// keep saves what stands on the disk before a range is changed; end < 0 is all that follows.
func (u *unsynced) keep(from, end int64) error {
	info, err := u.f.Stat()
	if err != nil {
		return err
	}
	if u.old == nil {
		u.old, u.size = map[int64][]byte{}, info.Size()
	}
	if end < 0 {
		end = max(info.Size(), u.size)
	}
	for p := from / page; p*page < end; p++ {
		if _, has := u.old[p]; has {
			continue
		}
		b := make([]byte, max(0, min(page, u.size-p*page)))
		if _, err := u.f.ReadAt(b, p*page); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		u.old[p] = b
	}
	return nil
}

// change runs a change of a file after saving what it overwrites; in the dark nothing changes.
func (d *forgetful) change(path string, from, end int64, do func() syscall.Errno) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return syscall.EIO
	}
	u, err := d.place(path)
	if err == nil {
		err = u.keep(from, end)
	}
	if err != nil {
		return fs.ToErrno(err)
	}
	return do()
}

// sync makes what was written to a file stay.
func (d *forgetful) sync(path string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dark {
		return syscall.EIO
	}
	u, err := d.place(path)
	if err == nil {
		u.old = nil
		d.kept++
	}
	return fs.ToErrno(err)
}

func (d *forgetful) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dark = true
}

// light brings the power back to a disk on which of each file's unsynced pages all, some or parts are gone.
func (d *forgetful) light(r *rand.Rand) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := r.IntN(3) == 0
	var errs error
	for _, u := range d.files {
		if u.old != nil {
			errs = errors.Join(errs, d.forget(u, all, r))
		}
		errs = errors.Join(errs, u.f.Close())
	}
	d.files, d.dark = map[uint64]*unsynced{}, false
	return errs
}

func (d *forgetful) forget(u *unsynced, all bool, r *rand.Rand) error {
	info, err := u.f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if all || r.IntN(2) == 0 {
		size = u.size
	}
	for p := range u.old {
		fate := r.IntN(3)
		if !all && fate == 0 {
			continue // it had been written by chance
		}
		gone := make([]byte, page)
		copy(gone, u.old[p])
		from, end := int64(0), int64(page)
		if !all && fate == 1 {
			from = int64(1+r.IntN(page/sector-1)) * sector
		}
		if end = min(end, size-p*page); end <= from {
			continue
		}
		if _, err := u.f.WriteAt(gone[from:end], p*page+from); err != nil {
			return err
		}
		d.lost++
		if from > 0 {
			d.torn++
		}
	}
	return u.f.Truncate(size)
}

// forgetfulNode is a file or folder of it.
type forgetfulNode struct {
	*fs.LoopbackNode
	d *forgetful
}

// WrapChild makes what is in a folder of it a part of it.
func (n *forgetfulNode) WrapChild(_ context.Context, child fs.InodeEmbedder) fs.InodeEmbedder {
	return &forgetfulNode{child.(*fs.LoopbackNode), n.d}
}

func (n *forgetfulNode) at() string {
	return filepath.Join(n.RootData.Path, n.Path(n.Root()))
}

func (n *forgetfulNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, _, errno := n.LoopbackNode.Open(ctx, flags&^syscall.O_DIRECT)
	if errno != 0 {
		return nil, 0, errno
	}
	return &forgetfulFile{h.(*fs.LoopbackFile), n}, fuse.FOPEN_DIRECT_IO, 0
}

func (n *forgetfulNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	in, h, _, errno := n.LoopbackNode.Create(ctx, name, flags&^syscall.O_DIRECT, mode, out)
	if errno != 0 {
		return nil, nil, 0, errno
	}
	return in, &forgetfulFile{h.(*fs.LoopbackFile), in.Operations().(*forgetfulNode)}, fuse.FOPEN_DIRECT_IO, 0
}

func (n *forgetfulNode) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	size, ok := in.GetSize()
	if !ok {
		return n.LoopbackNode.Setattr(ctx, h, in, out)
	}
	return n.d.change(n.at(), int64(size), -1, func() syscall.Errno { return n.LoopbackNode.Setattr(ctx, h, in, out) })
}

func (n *forgetfulNode) CopyFileRange(context.Context, fs.FileHandle, uint64, *fs.Inode, fs.FileHandle, uint64, uint64, uint64) (uint32, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// forgetfulFile is an open file.
type forgetfulFile struct {
	*fs.LoopbackFile
	n *forgetfulNode
}

func (f *forgetfulFile) PassthroughFd() (int, bool) { return -1, false }

func (f *forgetfulFile) Write(ctx context.Context, b []byte, off int64) (n uint32, errno syscall.Errno) {
	errno = f.n.d.change(f.n.at(), off, off+int64(len(b)), func() (errno syscall.Errno) {
		n, errno = f.LoopbackFile.Write(ctx, b, off)
		return errno
	})
	return n, errno
}

func (f *forgetfulFile) Writev(ctx context.Context, all [][]byte, off int64) (n uint32, errno syscall.Errno) {
	end := off
	for _, b := range all {
		end += int64(len(b))
	}
	errno = f.n.d.change(f.n.at(), off, end, func() (errno syscall.Errno) {
		n, errno = f.LoopbackFile.Writev(ctx, all, off)
		return errno
	})
	return n, errno
}

func (f *forgetfulFile) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	return f.n.d.change(f.n.at(), int64(off), int64(off+size), func() syscall.Errno { return f.LoopbackFile.Allocate(ctx, off, size, mode) })
}

func (f *forgetfulFile) Fsync(context.Context, uint32) syscall.Errno { return f.n.d.sync(f.n.at()) }

// forget puts a forgetful file system under the data of a server that was not started yet.
func forget(t *testing.T, s *server) *forgetful {
	t.Helper()
	disk, at := s.dir+"/disk", s.dir+"/data"
	if err := errors.Join(os.Rename(at, disk), os.Mkdir(at, 0o700)); err != nil {
		t.Fatal(err)
	}
	d := &forgetful{files: map[uint64]*unsynced{}}
	var st syscall.Stat_t
	if err := syscall.Stat(disk, &st); err != nil {
		t.Fatal(err)
	}
	root := &fs.LoopbackRoot{Path: disk, Dev: st.Dev}
	top := &forgetfulNode{&fs.LoopbackNode{RootData: root}, d}
	root.RootNode = top
	srv, err := fs.Mount(at, top, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, FsName: disk, Name: "forgetful"}})
	if err != nil {
		if os.Getenv("GUANXI_CUTS") != "" {
			t.Fatal("no file system of our own can be mounted here: ", err)
		}
		t.Skip("no file system of our own can be mounted here: ", err)
	}
	t.Cleanup(func() {
		s.kill()
		if err := srv.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return d
}
