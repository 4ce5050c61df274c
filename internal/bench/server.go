package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	"guanxi/internal/app"
	"guanxi/internal/base/conf"
	"guanxi/internal/base/db"
	"guanxi/internal/base/obs"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/shop"
)

// Config is what the server process is told first.
type Config struct {
	Dir        string
	URL        string // of the database; empty is SQLite in the folder
	MaxGroup   int    // writes that share a commit; 0 is the usual
	CPUProfile string // a file; empty is none
	LogLevel   string
	AheadMS    int64 // by how much the clock is ahead
}

// hello is what the server process answers first.
type hello struct {
	Addr    string // of the product
	Ceiling string // of the handlers it is compared with
	Key     string // of a partner, and its secret
	Secret  string
}

// A command is one line of JSON; any number of lines with progress and one with a result or an error come back.
type command struct {
	Do  string
	Arg json.RawMessage `json:",omitempty"`
}

type reaction struct {
	Done, Of int64           `json:",omitempty"`
	Result   json.RawMessage `json:",omitempty"`
	Error    string          `json:",omitempty"`
}

// host is the process under test: the product as it is served, and what the benchmark asks of it besides.
type host struct {
	app     *app.App
	cfg     Config
	once    sync.Once // of what follows
	by      *hand
	byClose func()
	byErr   error
}

// Serve is the server process: it serves the product on a free port and follows the commands that come in, until they end.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	var cfg Config
	if !lines.Scan() {
		return errors.Join(io.ErrUnexpectedEOF, lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &cfg); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	h, greeting, wait, err := open(ctx, cfg)
	if err != nil {
		return reply1(out, reaction{Error: err.Error()})
	}
	profiled, err := profile(cfg.CPUProfile)
	if err != nil {
		return errors.Join(reply1(out, reaction{Error: err.Error()}), h.app.Close())
	}
	err = h.follow(ctx, greeting, lines, out)
	profiled()
	stop()
	err = errors.Join(err, wait())
	if h.byClose != nil {
		h.byClose()
	}
	return errors.Join(err, h.app.Close())
}

func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

// open starts everything; wait gives the error with which serving has ended.
func open(ctx context.Context, cfg Config) (h *host, greeting hello, wait func() error, err error) {
	log, closeLog, err := logFile(cfg)
	if err != nil {
		return nil, hello{}, nil, err
	}
	a, err := app.Open(ctx, app.Options{Clock: ahead{cfg.AheadMS}, Data: cfg.Dir, URL: cfg.URL, Log: log, Metrics: obs.NewMetrics("bench", ""), MaxGroup: cfg.MaxGroup})
	if err != nil {
		closeLog()
		return nil, hello{}, nil, err
	}
	h = &host{app: a, cfg: cfg}
	if greeting.Key, greeting.Secret, err = h.partner(ctx); err != nil {
		return nil, hello{}, nil, errors.Join(err, a.Close())
	}
	var ln, ceiling net.Listener
	if ln, err = local(ctx); err == nil {
		ceiling, err = local(ctx)
	}
	if err != nil {
		return nil, hello{}, nil, errors.Join(err, a.Close())
	}
	greeting.Addr, greeting.Ceiling = ln.Addr().String(), ceiling.Addr().String()
	wait = h.listen(ctx, ln, ceiling, closeLog)
	return h, greeting, wait, nil
}

func local(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}

func (h *host) listen(ctx context.Context, ln, ceiling net.Listener, closeLog func()) (wait func() error) {
	bare := &http.Server{Handler: h.ceilings(), ReadHeaderTimeout: 5 * time.Second}
	var group sync.WaitGroup
	var err error
	group.Go(func() { err = h.app.ServeOn(ctx, ln, conf.Config{}) })
	group.Go(func() { _ = bare.Serve(ceiling) })
	context.AfterFunc(ctx, func() { _ = bare.Close() })
	return func() error {
		group.Wait()
		closeLog()
		return err
	}
}

// logFile logs as the product does, into a file beside the data.
func logFile(cfg Config) (*slog.Logger, func(), error) {
	var level slog.Level
	if cfg.LogLevel != "" {
		if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
			return nil, nil, err
		}
	}
	f, err := os.OpenFile(filepath.Clean(cfg.Dir)+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return obs.NewLogger(f, level), func() { _ = f.Close() }, nil
}

// partner makes a partner that may do everything, with a key of its own for this process.
func (h *host) partner(ctx context.Context) (key, secret string, err error) {
	var all []string
	for _, s := range shop.Scopes {
		all = append(all, s.Name)
	}
	err = h.app.DB.Write(ctx, db.Op{Actor: "bench"}, func(tx *db.Tx) error {
		p, err := h.app.Shop.SavePartner(tx, shop.Partner{Name: "bench", Scopes: all, Status: shop.Active})
		if err != nil {
			return err
		}
		k, s, err := h.app.Shop.NewKey(tx, p.ID)
		key, secret = k.Name, s.Reveal()
		return err
	})
	return key, secret, err
}

func reply1(out io.Writer, r reaction) error { return json.NewEncoder(out).Encode(r) }

func (h *host) follow(ctx context.Context, greeting hello, lines *bufio.Scanner, out io.Writer) error {
	enc := json.NewEncoder(out)
	text, err := json.Marshal(greeting) //nolint:gosec // the secret of a partner that lives as long as the benchmark, over a pipe
	if err != nil {
		return err
	}
	if err := enc.Encode(reaction{Result: text}); err != nil {
		return err
	}
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		var r reaction
		result, err := h.run(ctx, c, func(done, of int64) { _ = enc.Encode(reaction{Done: done, Of: of}) })
		if err == nil {
			r.Result, err = json.Marshal(result)
		}
		if err != nil {
			r = reaction{Error: c.Do + ": " + err.Error()}
		}
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

// run does one command.
func (h *host) run(ctx context.Context, c command, progress func(done, of int64)) (any, error) {
	switch c.Do {
	case "fill":
		return do(c, func(in fillIn) (any, error) { return nil, h.fill(ctx, in, progress) })
	case "reads":
		return do(c, func(in readsIn) (any, error) { return h.reads(ctx, in) })
	case "import":
		return do(c, func(in importIn) (any, error) { return h.importFile(ctx, in) })
	case "raw":
		return do(c, func(in rawIn) (any, error) { return h.raw(ctx, in) })
	case "verify":
		return do(c, func(in verifyIn) (any, error) { return h.verify(ctx, in, progress) })
	case "usage":
		return h.usage(ctx)
	case "check":
		return h.check(ctx)
	case "tokens":
		return do(c, func(in tokensIn) (any, error) { return h.tokens(ctx, in) })
	case "lots":
		return do(c, func(in lotsIn) (any, error) { return nil, h.lots(ctx, in, progress) })
	case "ladder":
		return nil, h.ladder(ctx)
	case "aged":
		return do(c, func(in string) (any, error) { return h.aged(ctx, in) })
	case "tally":
		var t tally
		err := h.app.DB.View(ctx, func(v *db.View) error { t = tallyOf(v); return nil })
		return t, err
	}
	return nil, fmt.Errorf("there is no command %q", c.Do)
}

func do[In any](c command, f func(In) (any, error)) (any, error) {
	var in In
	if err := json.Unmarshal(c.Arg, &in); err != nil {
		return nil, err
	}
	return f(in)
}

// usage is what the server process has used and done since it began.
type usage struct {
	db.Counts
	Allocations int64
	CPU         int64 // microseconds
	PeakMB      int64 // of resident memory
}

func (u usage) minus(o usage) usage {
	u.Statements -= o.Statements
	u.Rows -= o.Rows
	u.Commits -= o.Commits
	u.Functions -= o.Functions
	u.Allocations -= o.Allocations
	u.CPU -= o.CPU
	return u
}

func (u usage) plus(o usage) usage { return u.minus(usage{}.minus(o)) }

func (h *host) usage(ctx context.Context) (u usage, err error) {
	err = h.app.DB.Write(ctx, db.Op{Actor: "bench"}, func(*db.Tx) error {
		u.Counts = h.app.DB.Counts() // in the lane, which counts
		return nil
	})
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	u.Allocations = int64(mem.Mallocs)
	u.CPU, u.PeakMB = resources()
	return u, err
}

// resources are the CPU time of this process in microseconds and the most memory it had, in MiB.
func resources() (cpu, peakMB int64) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, 0
	}
	us := func(t syscall.Timeval) int64 { return t.Sec*1_000_000 + t.Usec }
	return us(r.Utime) + us(r.Stime), peak(r.Maxrss) >> 10
}

// peak is the most resident memory of this process in KiB. The kernel's figure for resources counts what the process
// had before it became this program, that is, the memory of whoever started it; the status of the process does not.
func peak(otherwise int64) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return otherwise
	}
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); !found || err != nil {
		return otherwise
	}
	return kb
}

type checkOut struct {
	Accounts, Entries int64
	Wrong             []string
	MS                int64
}

func (h *host) check(ctx context.Context) (out checkOut, err error) {
	began := time.Now()
	c, err := ledger.CheckAll(ctx, h.app.DB)
	return checkOut{c.Accounts, c.Entries, sentences(c.Wrong), time.Since(began).Milliseconds()}, err
}

func sentences(wrong []ledger.Wrong) (out []string) {
	for _, w := range wrong {
		out = append(out, fmt.Sprintf("%s %s: %s", w.Table, w.Row, w.What))
	}
	return out
}

type verifyIn struct{ Entries int64 }

type verifyOut struct {
	Entries int64
	Wrong   []string
	MS      int64
}

func (h *host) verify(ctx context.Context, in verifyIn, progress func(done, of int64)) (out verifyOut, err error) {
	err = h.app.DB.View(ctx, func(v *db.View) error {
		began := time.Now()
		r := ledger.Verify(v, func(n int64) { progress(n, in.Entries) })
		out = verifyOut{r.Entries, sentences(r.Wrong), time.Since(began).Milliseconds()}
		return nil
	})
	return out, err
}
