package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/shared"
)

// Options of a server.
type Options struct {
	DB      *db.DB
	Clock   clock.Clock  // nil is the machine's
	Log     *slog.Logger // nil is silent
	Metrics func(route string, status int, seconds float64)
	Shared  *shared.Store // what the processes count together; nil: each alone
	Title   string        // of the API reference
	Version string
	// TrustedProxies may tell who the caller is and that it came by TLS.
	TrustedProxies []netip.Prefix
}

// Server holds doors and routes. Wire it whole before it serves.
type Server struct {
	opt    Options
	mux    *http.ServeMux
	api    huma.API
	doors  map[string]*Door
	routes []*route
	site   http.Handler
	cross  *http.CrossOriginProtection
	spec   func() specification
}

// New makes a server with the API reference and nothing else.
func New(opt Options) *Server {
	teachHuma()
	if opt.Clock == nil {
		opt.Clock = clock.System
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opt: opt, mux: http.NewServeMux(), doors: map[string]*Door{}, cross: http.NewCrossOriginProtection()}
	s.api = huma.NewAPI(s.config(), adapter{s})
	s.spec = sync.OnceValue(s.specify)
	s.mux.HandleFunc("/", s.other)
	s.serveReference()
	return s
}

// Door opens a door.
func (s *Server) Door(d Door) {
	if d.Name == "" || !strings.HasPrefix(d.Prefix, "/") || s.doors[d.Name] != nil {
		panic("web: a door needs a name of its own and a prefix: " + d.Name)
	}
	s.doors[d.Name] = &d
	s.describeDoor(&d)
}

// Handle mounts something that is no typed route, such as a callback of an outside party or the metrics: it
// proves by itself who calls. Its body is limited like that of a route.
func (s *Server) Handle(pattern string, h http.Handler) {
	s.mux.Handle(pattern, http.MaxBytesHandler(h, defaultMaxBody))
}

// Site serves what no route and no door answers: the web apps.
func (s *Server) Site(h http.Handler) { s.site = h }

// Handler is the server without its listener.
func (s *Server) Handler() http.Handler { return s }

// other answers addresses without a route.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	x := w.(*tap).x
	if methods := s.methodsAt(r); len(methods) > 0 {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		x.refuse(ErrMethod.New())
		return
	}
	if s.site != nil && !s.belowDoor(r.URL.Path) {
		pageHeaders(w.Header())
		s.site.ServeHTTP(w, r)
		return
	}
	x.refuse(ErrNoRoute.New())
}

// methodsAt lists the methods that other routes take at the address.
func (s *Server) methodsAt(r *http.Request) (methods []string) {
	for _, m := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if _, pattern := s.mux.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host}); pattern != "/" && pattern != "" {
			methods = append(methods, m)
		}
	}
	return methods
}

func (s *Server) belowDoor(path string) bool {
	for _, d := range s.doors {
		if path == d.Prefix || strings.HasPrefix(path, d.Prefix+"/") {
			return true
		}
	}
	return false
}

// How long things may take: a slow caller must not hold a connection, a stop must not wait for ever.
const (
	headerTime = 5 * time.Second
	readTime   = 30 * time.Second
	writeTime  = 60 * time.Second
	idleTime   = 120 * time.Second
	drainTime  = 20 * time.Second
	maxHeader  = 16 << 10
)

// Serve listens at addr until ctx ends, then lets running requests finish.
func (s *Server) Serve(ctx context.Context, addr string) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return s.ServeOn(ctx, ln)
}

// ServeOn is Serve on a listener that is open already; it closes it.
func (s *Server) ServeOn(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.opt.Log.Handler(), slog.LevelWarn)}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// Tag names a group of routes in the reference.
func (s *Server) Tag(name, zh, en string) {
	oapi := s.api.OpenAPI()
	if !slices.ContainsFunc(oapi.Tags, func(t *huma.Tag) bool { return t.Name == name }) {
		oapi.Tags = append(oapi.Tags, &huma.Tag{Name: name, Description: zh + "|" + en})
	}
}
