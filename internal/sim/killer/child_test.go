package killer

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/sim/witness"
)

// The child is told what to do by its environment and tells what happens on its standard output, a line each:
// TRY key, ACK key, NO key code, and words of its own.
const (
	envRole  = "GUANXI_CHILD"
	envDir   = "GUANXI_CHILD_DIR"
	envFirst = "GUANXI_CHILD_FIRST"
)

var roles = map[string]func(dir string, first int) error{
	"post":  postForever,
	"open":  openOnce,
	"limit": meetTheLimit,
}

func TestMain(m *testing.M) {
	role := roles[os.Getenv(envRole)]
	if role == nil {
		os.Exit(m.Run())
	}
	first, _ := strconv.Atoi(os.Getenv(envFirst))
	if err := role(os.Getenv(envDir), first); err != nil {
		say("FAIL", fault.CodeOf(err), strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

// say writes one line in one system call, as Println does, so that a kill leaves whole lines only.
func say(words ...any) { fmt.Println(words...) }

func try(s *witness.Site, key int) error {
	say("TRY", key)
	err := s.Post(context.Background(), key)
	if err == nil {
		say("ACK", key)
	} else {
		say("NO", key, fault.CodeOf(err))
	}
	return err
}

const writers = 6

// spread runs do for the keys from first on, dealt to the writers; a writer stops at its last key or when do says so.
func spread(first, n int, do func(key int) (more bool)) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for k := first + w; k < first+n && do(k); k += writers {
			}
		})
	}
	wg.Wait()
}

// postForever posts until it is killed.
func postForever(dir string, first int) error {
	s, err := witness.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded})
	if err != nil {
		return err
	}
	const never = 1 << 30
	spread(first, never, func(key int) bool { _ = try(s, key); return true })
	return nil
}

// openOnce opens the database and leaves.
func openOnce(dir string, _ int) error {
	s, err := witness.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded})
	if err != nil {
		return err
	}
	return s.DB.Close()
}

// meetTheLimit lets the kernel refuse longer files, posts against that, and goes on once the limit is lifted.
func meetTheLimit(dir string, first int) error {
	s, err := witness.Open(context.Background(), db.Options{Dir: dir, URL: db.Embedded})
	if err != nil {
		return err
	}
	spread(first, 12, func(key int) bool { return try(s, key) == nil })
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	tight := was
	tight.Cur = uint64(s.DB.WALBytes()) + 256<<10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &tight); err != nil {
		return err
	}
	say("LIMIT")
	var mu sync.Mutex
	var open []int
	spread(first+12, 120, func(key int) bool {
		if try(s, key) != nil {
			mu.Lock()
			open = append(open, key)
			mu.Unlock()
		}
		return true
	})
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	say("LIFTED")
	for _, k := range open {
		if err := try(s, k); err != nil {
			return err
		}
	}
	return s.DB.Close()
}
