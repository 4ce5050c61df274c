package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// A small shop stands behind the server in these tests: partners report sales, each sale is one row.

type sale struct {
	ID int64
	No string
}

var sales = db.NewTable(db.Spec[sale, int64]{
	Name: "sale", Cols: []string{"id", "no"}, Keys: 1,
	Row: func(r *sale, p []any) []any { return append(p, &r.ID, &r.No) },
	Key: func(r *sale) int64 { return r.ID },
})

var saleSchema = db.Schema{Feature: "sale", Files: fstest.MapFS{
	"schema/0001.sql": {Data: []byte("CREATE TABLE sale (id bigint NOT NULL, no varchar(64) NOT NULL, PRIMARY KEY (id));")},
}}

var errSold = fault.Define("sale.sold", fault.Conflict, "已售出：{no}", "Sold already: {no}")

type saleLine struct {
	SKU      string `json:"sku" minLength:"1" doc:"货号|stock number"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"999"`
}

type saleIn struct {
	Body struct {
		No     string     `json:"no" minLength:"1" maxLength:"20" doc:"单号|number"`
		Fen    int64      `json:"fen" minimum:"1" maximum:"1000000"`
		Kind   string     `json:"kind,omitempty" enum:"shop,online"`
		Member web.ID     `json:"member,omitempty"`
		Day    string     `json:"day,omitempty" format:"date"`
		Lines  []saleLine `json:"lines,omitempty" maxItems:"3"`
	}
}

type saleReply struct {
	ID     web.ID `json:"id"`
	No     string `json:"no"`
	Points int64  `json:"points"`
	Note   string `json:"note,omitempty"`
}

type shop struct {
	db     *db.DB
	srv    *web.Server
	clock  *clock.Fake
	log    *syncBuffer
	mu     sync.Mutex
	routes map[string]int // what the metrics hook was told
	slow   chan struct{}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newShop(t testing.TB, opts ...func(*web.Options)) *shop {
	t.Helper()
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := d.Migrate(ctx, web.Schema, saleSchema); err != nil {
		t.Fatal(err)
	}
	s := &shop{db: d, clock: clock.NewFake(1_700_000_000_000), log: &syncBuffer{}, routes: map[string]int{}, slow: make(chan struct{})}
	o := web.Options{DB: d, Clock: s.clock, Title: "关系", Version: "test", Log: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Metrics: s.count}
	for _, f := range opts {
		f(&o)
	}
	s.srv = web.New(o)
	s.wire()
	return s
}

func (s *shop) count(route string, status int, _ float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes[route] = status
}

func (s *shop) wire() {
	s.srv.Door(web.Door{Name: "partner", Prefix: "/api/partner", Zh: "合作方", En: "Partners", Authenticate: knowPartner, Scheme: "GX1-HMAC-SHA256"})
	s.srv.Door(web.Door{Name: "site", Prefix: "/api/site", Zh: "网站", En: "Site", Cookie: true, Authenticate: web.Session(s.session)})
	s.srv.Tag("sale", "销售", "Sales")
	web.Route(s.srv, web.Op{Door: "partner", Method: "POST", Path: "/sales", ID: "sale.add", Perm: "sale.write", Write: true,
		Zh: "上报一笔销售", En: "Report a sale", Tags: []string{"sale"}, Errors: []*fault.Kind{errSold}}, s.add)
	web.Route(s.srv, web.Op{Door: "partner", Method: "GET", Path: "/sales", ID: "sale.list", Perm: "sale.read",
		Zh: "列出销售", En: "List sales", Tags: []string{"sale"}}, s.list)
	web.Route(s.srv, web.Op{Door: "partner", Method: "GET", Path: "/sales/{id}", ID: "sale.get", Perm: "sale.read",
		Zh: "查看一笔销售", En: "Show a sale", Tags: []string{"sale"}}, s.get)
	web.Route(s.srv, web.Op{Door: "partner", Method: "POST", Path: "/forgetful", ID: "sale.forgetful", Perm: "sale.write", Write: true,
		Zh: "忘了写", En: "Forgets to write"}, func(*web.Ctx, *struct{}) (*web.None, error) { return &web.None{}, nil })
	web.Route(s.srv, web.Op{Door: "partner", Method: "GET", Path: "/panic", ID: "sale.panic", Perm: "sale.read",
		Zh: "崩溃", En: "Panics"}, func(*web.Ctx, *struct{}) (*web.None, error) { panic("13800138000 fell over") })
	web.Route(s.srv, web.Op{Door: "partner", Method: "GET", Path: "/broken", ID: "sale.broken", Perm: "sale.read",
		Zh: "出错", En: "Fails"}, func(*web.Ctx, *struct{}) (*web.None, error) { return nil, errors.New("disk of host db7 is gone") })
	web.Route(s.srv, web.Op{Door: "partner", Method: "POST", Path: "/import", ID: "sale.import", Perm: "sale.write", MaxBody: 2 << 20,
		Zh: "导入", En: "Import"}, func(_ *web.Ctx, in *struct {
		RawBody []byte `contentType:"text/csv"`
	},
	) (*saleReply, error) {
		return &saleReply{Points: int64(len(in.RawBody))}, nil
	})
	web.Route(s.srv, web.Op{Door: "partner", Method: "GET", Path: "/slow", ID: "sale.slow", Perm: web.AnyCaller,
		Zh: "很慢", En: "Is slow"}, func(*web.Ctx, *struct{}) (*web.None, error) {
		s.slow <- struct{}{}
		<-s.slow
		return &web.None{}, nil
	})
	web.Route(s.srv, web.Op{Door: "site", Method: "POST", Path: "/login", ID: "site.login", Public: true,
		Limit: web.NewLimiter(s.clock, 1, clock.Minute, 3, 100), Zh: "登录", En: "Log in"}, s.login)
	web.Route(s.srv, web.Op{Door: "site", Method: "DELETE", Path: "/session", ID: "site.logout", Perm: web.AnyCaller,
		Zh: "退出", En: "Log out"}, func(c *web.Ctx, _ *struct{}) (*web.None, error) { c.EndSession(); return &web.None{}, nil })
	web.RegisterOperations(s.srv, "partner")
}

func knowPartner(r *http.Request, _ []byte) (web.Caller, error) {
	all := web.Perms("sale.write", "sale.read")
	switch r.Header.Get("X-Key") {
	case "seven":
		return web.Caller{Kind: "partner", ID: 7, Can: all}, nil
	case "eight":
		return web.Caller{Kind: "partner", ID: 8, Can: all}, nil
	case "reader":
		return web.Caller{Kind: "partner", ID: 9, Can: web.Perms("sale.read")}, nil
	case "nothing":
		return web.Caller{Kind: "partner", ID: 10}, nil
	}
	return web.Caller{}, nil
}

func (s *shop) add(c *web.Ctx, in *saleIn) (*saleReply, error) {
	return web.Write(c, db.Op{}, func(tx *db.Tx) (*saleReply, error) {
		row := sale{tx.ID(), in.Body.No}
		if err := sales.Insert(tx, row); err != nil {
			return nil, err
		}
		switch in.Body.No {
		case "sold":
			return nil, errSold.With("no", in.Body.No)
		case "panic":
			panic("in the lane")
		case "later":
			c.SetStatus(http.StatusAccepted)
		case "long":
			return &saleReply{ID: web.ID(row.ID), No: row.No, Note: longNote}, nil
		}
		return &saleReply{ID: web.ID(row.ID), No: row.No, Points: in.Body.Fen / 100}, nil
	})
}

func (s *shop) list(c *web.Ctx, in *struct{ web.Paging }) (*web.Page[saleReply], error) {
	var after int64
	if err := web.DecodeCursor(in.Cursor, &after); err != nil {
		return nil, err
	}
	var page []saleReply
	err := s.db.View(c, func(v *db.View) error {
		for _, r := range sales.Select(v, db.Query[sale]{Where: "id > ?", Args: []any{after}, Order: "id", Limit: in.Limit + 1}) {
			page = append(page, saleReply{ID: web.ID(r.ID), No: r.No})
		}
		return nil
	})
	return web.PageOf(page, in.Limit, func(r saleReply) string { return web.EncodeCursor(int64(r.ID)) }), err
}

func (s *shop) get(_ *web.Ctx, in *struct {
	ID web.ID `path:"id"`
},
) (*saleReply, error) {
	return &saleReply{ID: in.ID, No: "found"}, nil
}

const secretToken = "the-token-of-the-test"

func (s *shop) login(c *web.Ctx, in *struct {
	Body struct {
		Code string `json:"code" maxLength:"20"`
	}
},
) (*web.None, error) {
	c.SetSession(secretToken, 3600)
	return &web.None{}, nil
}

func (s *shop) session(_ context.Context, hash string) (web.Caller, error) {
	if hash != web.TokenHash(secretToken) {
		return web.Caller{}, nil
	}
	return web.Caller{Kind: "member", ID: 42, Name: "王"}, nil
}

func (s *shop) countSales(t *testing.T) (n int) {
	t.Helper()
	if err := s.db.View(context.Background(), func(v *db.View) error {
		v.Row("SELECT COUNT(*) FROM sale", nil, &n)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// ask sends one request; headers are "Name: value".
func (s *shop) ask(method, path string, headers []string, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.srv.Handler().ServeHTTP(w, r)
	return w
}

// post sends a sale with a key.
func (s *shop) post(key, body string) *httptest.ResponseRecorder {
	return s.ask("POST", "/api/partner/sales", []string{"X-Key: seven", "Content-Type: application/json", "Idempotency-Key: " + key}, body)
}

// scenario is one request to a fresh key and what its answer must and must not say.
type scenario struct {
	name    string
	method  string
	path    string
	headers []string
	body    string
	status  int
	want    []string
	never   []string
}

func (s *shop) play(t *testing.T, list []scenario) {
	for _, sc := range list {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			w := s.ask(sc.method, sc.path, sc.headers, sc.body)
			got := w.Body.String()
			if w.Code != sc.status {
				t.Errorf("status %d, want %d: %s", w.Code, sc.status, got)
			}
			var head bytes.Buffer
			_ = w.Header().Write(&head)
			for _, f := range sc.want {
				if !strings.Contains(head.String()+got, f) {
					t.Errorf("no %q in %s%s", f, head.String(), got)
				}
			}
			for _, f := range sc.never {
				if strings.Contains(head.String()+got, f) {
					t.Errorf("%q in %s%s", f, head.String(), got)
				}
			}
			if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("a failure as %s", w.Header().Get("Content-Type"))
			}
			if w.Header().Get("X-Request-Id") == "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func get(t *testing.T, client *http.Client, url string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(b)
}
