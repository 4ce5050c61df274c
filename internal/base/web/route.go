package web

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"guanxi/internal/base/fault"
)

// Door is a group of callers who prove who they are in one way.
type Door struct {
	Name   string // "partner"
	Prefix string // "/api/partner"
	Zh, En string // what it is for
	// Authenticate says who sent a request, by its headers and the raw body. An error refuses it; a Caller without
	// a Kind is nobody. Nil leaves only public routes.
	Authenticate func(r *http.Request, body []byte) (Caller, error)
	// Cookie says that browsers bring the proof by themselves, so that requests of other sites are refused.
	Cookie bool
	// Scheme is the word of the Authorization header, such as "GX1-HMAC-SHA256"; empty with cookies.
	Scheme string
}

// AnyCaller is the permission of routes for whoever is known at the door.
const AnyCaller = "any"

// Op describes a route.
type Op struct {
	Door   string // its name
	Method string
	Path   string // below the door's prefix
	ID     string // unique, such as "order.pay"; it names the operation in the reference and in generated code
	Perm   string // needed from the caller; AnyCaller for whoever is known
	Public bool   // nobody is asked who they are; then no Perm and no Write
	Write  bool   // takes an Idempotency-Key and runs its effect in Write
	Fresh  bool   // for callers who have just proved who they are: what a found session must not do
	Zh, En string // what it does, one sentence each
	Tags   []string
	Errors []*fault.Kind // what its own rules may refuse
	Status int           // of a success; 0 is 200
	// MaxBody is the largest body in bytes; 0 is 1 MiB.
	MaxBody int64
	// Limit is asked with the caller's address before anything else.
	Limit *Limiter
}

// RouteInfo is a route as lists and tests see it.
type RouteInfo struct {
	Door, Method, Path, ID, Perm string
	Public, Write, Fresh         bool
	Zh, En                       string
}

// None is the reply of a route that has nothing to say.
type None struct{}

const defaultMaxBody = 1 << 20

// route is what the wrapper needs to know of a registered Op.
type route struct {
	Op
	door    *Door
	op      *huma.Operation
	status  int
	maxBody int64
	next    func(huma.Context)
}

type output[T any] struct{ Body T }

// Route registers a route. In carries huma's tags; Out is the body of the reply.
func Route[In, Out any](s *Server, op Op, f func(*Ctx, *In) (*Out, error)) {
	rt := s.newRoute(op)
	huma.Register(s.api, rt.describe(s, reflect.TypeFor[In]()), func(ctx context.Context, in *In) (*output[Out], error) {
		c := ctx.(*Ctx)
		out, err := f(c, in)
		if out == nil && err == nil && c.reply == nil {
			err = fmt.Errorf("web: %s gave neither a reply nor an error", rt.ID)
		}
		c.conclude(out, err)
		return nil, nil // the answer is written
	})
}

// newRoute refuses at wiring what must not exist: a route whose callers nobody asks for a permission.
func (s *Server) newRoute(op Op) *route {
	rt := &route{Op: op, door: s.doors[op.Door], status: op.Status, maxBody: op.MaxBody}
	why := ""
	switch {
	case rt.door == nil:
		why = "there is no door " + op.Door
	case op.ID == "" || op.Zh == "" || op.En == "":
		why = "it needs an ID and both names"
	case op.Public == (op.Perm != ""):
		why = "it needs either a permission or to be public"
	case !op.Public && rt.door.Authenticate == nil:
		why = "its door knows nobody"
	case op.Write && op.Public:
		why = "a write needs a caller whose key it is"
	case op.Write && (op.Method == http.MethodGet || op.Method == http.MethodHead):
		why = op.Method + " must not write"
	}
	if why != "" {
		panic(fmt.Sprintf("web: route %s %s %s: %s", op.ID, op.Method, op.Path, why))
	}
	if rt.status == 0 {
		rt.status = http.StatusOK
	}
	if rt.maxBody == 0 {
		rt.maxBody = defaultMaxBody
	}
	s.routes = append(s.routes, rt)
	return rt
}

// Routes lists all routes in the order of registration.
func (s *Server) Routes() []RouteInfo {
	out := make([]RouteInfo, len(s.routes))
	for i, r := range s.routes {
		out[i] = RouteInfo{r.Op.Door, r.Method, r.door.Prefix + r.Path, r.ID, r.Perm, r.Public, r.Write, r.Fresh, r.Zh, r.En}
	}
	return out
}

// adapter lets huma register its handlers with our mux.
type adapter struct{ *Server }

const routeKey = "route"

// Handle registers one operation.
func (a adapter) Handle(op *huma.Operation, next func(huma.Context)) {
	rt := op.Metadata[routeKey].(*route)
	rt.op, rt.next = op, next
	a.mux.Handle(op.Method+" "+op.Path, rt)
}

// ServeHTTP is the one place where callers are let in.
func (rt *route) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	x := w.(*tap).x
	x.route = rt
	if err := x.admit(rt); err != nil {
		x.refuse(err)
		return
	}
	rt.next(x)
}

func (x *exchange) admit(rt *route) error {
	if rt.Limit != nil {
		if err := rt.Limit.check(x.s.opt.Shared, addressKey(remote(x.r))); err != nil {
			return err
		}
	}
	if err := x.readBody(rt.maxBody); err != nil {
		return err
	}
	if rt.door.Cookie {
		if err := x.s.cross.Check(x.r); err != nil {
			return ErrOrigin.New()
		}
	}
	if err := x.identify(rt); err != nil {
		return err
	}
	if err := x.checkMedia(rt); err != nil {
		return err
	}
	if rt.Write {
		return x.takeKey()
	}
	return nil
}

// identify finds the caller and asks for the permission: deny by default.
func (x *exchange) identify(rt *route) error {
	if rt.Public {
		return nil
	}
	caller, err := rt.door.Authenticate(x.r, x.body)
	if err != nil {
		return err
	}
	if caller.Kind == "" {
		return ErrNoLogin.New()
	}
	x.ctx.Caller = caller
	if rt.Perm != AnyCaller && !caller.May(rt.Perm) {
		return ErrDenied.With("perm", rt.Perm)
	}
	if rt.Fresh && !caller.Fresh {
		return ErrStale.New()
	}
	return nil
}

// checkMedia refuses a body of a type the route does not take; one without a type, too.
func (x *exchange) checkMedia(rt *route) error {
	if len(x.body) == 0 || rt.op.RequestBody == nil {
		return nil
	}
	sent := x.r.Header.Get("Content-Type")
	if rt.op.RequestBody.Content[sent] != nil {
		return nil
	}
	media, params, err := mime.ParseMediaType(sent)
	charset := strings.ToLower(params["charset"])
	if err != nil || rt.op.RequestBody.Content[media] == nil || charset != "" && charset != "utf-8" {
		return ErrMedia.With("want", rt.media())
	}
	return nil
}

// media names the types of body the route takes.
func (rt *route) media() string {
	var types []string
	for t := range rt.op.RequestBody.Content {
		types = append(types, t)
	}
	slices.Sort(types)
	return strings.Join(types, ", ")
}
