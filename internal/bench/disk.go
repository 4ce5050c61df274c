package bench

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// The file systems a name is known for, by the number the kernel gives.
var fileSystems = map[int64]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs", 0x794c7630: "overlayfs", 0x2fc12fc1: "zfs", 0x6969: "nfs", 0x65735546: "fuse",
}

// fileSystem names what a folder lies on.
func fileSystem(dir string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return "unknown"
	}
	if name := fileSystems[s.Type]; name != "" {
		return name
	}
	return "unknown"
}

// OnDisk says whether a folder is there and does not lie in memory.
func OnDisk(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir() && fileSystem(dir) != "tmpfs"
}

const syncs = 200

// bareSync is the median of appending 4 KiB to a file and syncing it, in nanoseconds.
func bareSync(dir string) (ns float64, err error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(filepath.Clean(f.Name()))) }()
	page := make([]byte, 4096)
	took := make([]int64, 0, syncs)
	for range syncs {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, int64(time.Since(began)))
	}
	return median(took), nil
}

// median of what was measured, 0 of nothing.
func median[N int64 | float64](values []N) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	return float64(v[(len(v)-1)/2]+v[len(v)/2]) / 2
}
