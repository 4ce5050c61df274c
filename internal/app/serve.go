package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/conf"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/obs"
	"guanxi/internal/base/web"
	"guanxi/internal/edge/delivery"
	"guanxi/internal/edge/wechat/cashier"
	"guanxi/internal/edge/wecom"
	site "guanxi/web"
)

// workers is how many jobs run beside each other.
const workers = 4

// apiVersion is that of the API, not of the program.
const apiVersion = "1"

// front is everything that is reached over HTTP.
type front struct {
	*web.Server
	health obs.Health
	gauges gauges
}

// Handler is all doors and pages over HTTP, without a listener.
func (a *App) Handler(trusted ...netip.Prefix) http.Handler { return a.front(trusted).Handler() }

// front builds the server: the doors, what operators watch, and the pages.
func (a *App) front(trusted []netip.Prefix) *front {
	f := &front{gauges: gauges{app: a}}
	f.gauges.begin()
	f.Server = web.New(web.Options{DB: a.DB, Clock: a.Clock, Log: a.Log, Metrics: a.observe, Shared: a.Shared, Title: "关系 Guanxi", Version: apiVersion, TrustedProxies: trusted})
	a.consoleDoor(f.Server)
	a.partnerDoor(f.Server)
	a.memberDoor(f.Server)
	a.Entry.Handle(f.Server)
	f.health.AddLive("writer", a.checkWriter)
	f.health.AddReady("reader", a.checkReader)
	for _, method := range []string{"GET ", "POST "} {
		f.Handle(method+delivery.LeavePath, http.HandlerFunc(a.Outlet.Leave))
	}
	f.Handle(wecom.HookPath+"{corp}", http.HandlerFunc(a.WeCom.Hook))
	f.Handle("POST "+cashier.HookPath+"{app}", http.HandlerFunc(a.Cashier.Hook))
	f.Handle("GET /healthz", f.health.Live())
	f.Handle("GET /readyz", f.health.Ready())
	f.Handle("GET /metrics", a.forOperators(f.gauges.handler()))
	f.Site(ahead(a.inWeChat(site.Handler())))
	return f
}

func (a *App) observe(route string, status int, seconds float64) {
	a.Metrics.Request(route, status, clock.Duration(int64(seconds*1000)))
}

// checkWriter asks the lane to answer: a lane that does not can only be mended by a restart.
func (a *App) checkWriter(ctx context.Context) error {
	return a.DB.Write(ctx, db.Op{Actor: "system:health"}, func(*db.Tx) error { return nil })
}

func (a *App) checkReader(ctx context.Context) error {
	return a.DB.View(ctx, func(*db.View) error { return nil })
}

// forOperators shows the metrics to the machine itself and to operators who may see jobs: they tell what a business does.
func (a *App) forOperators(next http.Handler) http.Handler {
	staff := web.Session(func(ctx context.Context, hash string) (web.Caller, error) {
		who, err := a.Staff.Who(ctx, hash)
		return web.Caller{Kind: "staff", ID: who.Operator, Can: who.Can}, err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromHere(r) {
			who, err := staff(r, nil)
			if err != nil || !who.May("view.jobs") {
				http.Error(w, "the metrics are for operators", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// fromHere says whether a request came from this machine and through no proxy.
func fromHere(r *http.Request) bool {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && at.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == ""
}

// Serve answers requests and runs jobs until ctx ends; then it turns new requests away, finishes those that run, and
// stops the jobs. Closing the App is its owner's business.
func (a *App) Serve(ctx context.Context, cfg conf.Config) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return err
	}
	return a.ServeOn(ctx, ln, cfg)
}

// ServeOn is Serve on a listener that is open already; it closes it. No request is answered before the metrics have their address.
func (a *App) ServeOn(ctx context.Context, ln net.Listener, cfg conf.Config) error {
	metrics, err := listenForMetrics(ctx, cfg.MetricsListen)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	f := a.front(cfg.TrustedProxies)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, f.health.Drain)
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { a.Jobs.Run(ctx, workers) })
	background.Go(func() { a.Shared.Listen(ctx, a.Jobs.Wake) })
	if metrics == nil {
		return f.ServeOn(ctx, ln)
	}
	failed := make(chan error, 1)
	background.Go(func() {
		failed <- a.serveMetrics(ctx, metrics, &f.gauges)
		stop()
	})
	err = f.ServeOn(ctx, ln)
	stop()
	return errors.Join(err, <-failed)
}

// listenForMetrics opens the address of the metrics; none when they have none of their own.
func listenForMetrics(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// serveMetrics answers /metrics, and nothing else, on an address of its own.
func (a *App) serveMetrics(ctx context.Context, ln net.Listener, g *gauges) error {
	s := web.New(web.Options{DB: a.DB, Clock: a.Clock, Log: a.Log, Title: "关系 Guanxi", Version: apiVersion})
	s.Handle("GET /metrics", g.handler())
	return s.ServeOn(ctx, ln)
}

// gauges fills in, when somebody asks, what changes without anybody telling.
type gauges struct {
	app  *App
	mu   sync.Mutex
	seen int64 // the newest fact that was counted
}

func (g *gauges) handler() http.Handler {
	next := g.app.Metrics.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.fill(r.Context()); err != nil {
			g.app.Log.Warn("gauges not read", "err", err)
		}
		next.ServeHTTP(w, r)
	})
}

// begin counts facts from now on, as counters of a process do.
func (g *gauges) begin() {
	_ = g.app.DB.View(context.Background(), func(v *db.View) error { // a database that can't be read will tell its readers
		g.seen = lastFact(v)
		return nil
	})
}

func (g *gauges) fill(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	m, d := g.app.Metrics, g.app.DB
	m.Queue.WithLabelValues("0").Set(float64(d.Waiting()))
	m.WAL.Set(float64(sizeOf(d.Path() + "-wal")))
	return d.View(ctx, func(v *db.View) error {
		n := job.Count(v)
		for state, count := range map[string]int64{job.Ready: n.Ready, job.Running: n.Running, job.Dead: n.Dead} {
			m.Jobs.WithLabelValues(state).Set(float64(count))
		}
		last := lastFact(v)
		for kind, count := range factsBetween(v, g.seen, last) {
			m.Facts.WithLabelValues(kind).Add(float64(count))
		}
		g.seen = last
		return nil
	})
}

// sizeOf is the size of a file, 0 when there is none.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// SetupLink makes the link by which the first operator is made; empty when there is one already. The token stands behind
// the "#", which browsers keep to themselves. Each link voids the one before.
func (a *App) SetupLink(ctx context.Context, publicURL string) (link string, err error) {
	err = a.DB.Write(ctx, db.Op{Actor: "system:setup"}, func(tx *db.Tx) error {
		link = ""
		if !a.Staff.NeedsSetup(tx) {
			return nil
		}
		token, err := a.Staff.NewSetupToken(tx)
		link = publicURL + "/console/sign-in#setup=" + token
		return err
	})
	return link, err
}
