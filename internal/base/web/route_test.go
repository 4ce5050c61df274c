package web_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"guanxi/internal/base/web"
)

var (
	seven   = []string{"X-Key: seven"}
	keyed   = []string{"X-Key: seven", "Content-Type: application/json", "Idempotency-Key: k"}
	english = append([]string{"Accept-Language: en-GB, zh;q=0.5"}, keyed...)
)

func TestWhatIsWrongIsSaidFieldByField(t *testing.T) {
	t.Parallel()
	const sales = "/api/partner/sales"
	newShop(t).play(t, []scenario{
		{"an unknown field", "POST", sales, keyed, `{"no":"1","fen":1,"colour":"secretred"}`, 422,
			[]string{`"code":"input.invalid"`, `{"field":"colour","code":"field.unknown","message":"没有这个字段"}`, `"type":"/docs/api#input.invalid"`}, []string{"secretred"}},
		{"another case is another field", "POST", sales, keyed, `{"No":"1","fen":1}`, 422,
			[]string{`"field":"No","code":"field.unknown"`, `"field":"no","code":"field.required"`}, nil},
		{"a name that is a value", "POST", sales, keyed, `{"no":"1","fen":1,"13800138000":1}`, 422, []string{`"field":"?","code":"field.unknown"`}, []string{"13800138000"}},
		{"a wrong type", "POST", sales, keyed, `{"no":"1","fen":"secret99"}`, 422,
			[]string{`{"field":"fen","code":"field.wrong_type","message":"类型不对，应为 integer"}`}, []string{"secret99"}},
		{"a fraction of a fen", "POST", sales, keyed, `{"no":"1","fen":1.5}`, 422, []string{`"field":"fen","code":"field.wrong_type"`}, []string{"1.5"}},
		{"an id as a number", "POST", sales, keyed, `{"no":"1","fen":1,"member":12345678901}`, 422, []string{`"field":"member","code":"field.wrong_type"`}, []string{"12345678901"}},
		{"an id too long", "POST", sales, keyed, `{"no":"1","fen":1,"member":"9999999999999999999"}`, 422, []string{`"code":"field.malformed"`}, []string{"9999999999"}},
		{"two at once", "POST", sales, keyed, `{"fen":0,"kind":"phone"}`, 422,
			[]string{`"field":"fen","code":"field.out_of_range","message":"取值应 ≥ 1"`, `"field":"kind","code":"field.not_allowed","message":"只能是 shop, online"`, `"field":"no","code":"field.required"`,
				`"detail":"fen：取值应 ≥ 1；kind：只能是 shop, online；no：必填"`}, []string{`phone"`}},
		{"deep inside", "POST", sales, keyed, `{"no":"1","fen":1,"lines":[{"sku":"a","quantity":1},{"sku":"","quantity":1000}]}`, 422,
			[]string{`"field":"lines[1].quantity","code":"field.out_of_range"`, `"field":"lines[1].sku","code":"field.length"`}, []string{"lines[0]"}},
		{"a date that is none", "POST", sales, keyed, `{"no":"1","fen":1,"day":"2026-02-31"}`, 422, []string{`"field":"day","code":"field.malformed"`}, []string{"2026-02-31"}},
		{"in English", "POST", sales, english, `{"no":"a-number-that-is-too-long","fen":1}`, 422,
			[]string{`"title":"Some input is wrong"`, `"message":"must have a length ≤ 20"`, "Content-Language: en"}, []string{"too-long"}},
		{"in English by query", "POST", sales + "?lang=en", keyed, `{}`, 422, []string{`"title":"Some input is wrong"`}, nil},
		{"malformed JSON", "POST", sales, keyed, `{"no":"secret`, 400, []string{`"code":"request.malformed"`, "第 13 字节"}, []string{"secret"}},
		{"two documents", "POST", sales, keyed, `{"no":"1","fen":1}{}`, 400, []string{`"code":"request.malformed"`}, nil},
		{"no UTF-8", "POST", sales, keyed, "{\"no\":\"\xff\",\"fen\":1}", 400, []string{`"code":"request.malformed"`, "第 7 字节"}, nil},
		{"no body", "POST", sales, keyed, ``, 422, []string{`"field":"body","code":"field.required"`}, nil},
		{"a list for an object", "POST", sales, keyed, `[]`, 422, []string{`"field":"body","code":"field.wrong_type"`}, nil},
		{"too large", "POST", sales, keyed, `{"no":"` + strings.Repeat("x", 1<<20) + `"}`, 413, []string{`"code":"request.too_large"`, "1048576"}, []string{"xxx"}},
		{"a form", "POST", sales, []string{"X-Key: seven", "Content-Type: application/x-www-form-urlencoded", "Idempotency-Key: k"}, `no=1`, 415, []string{`"code":"request.media_type"`, "application/json"}, nil},
		{"no media type", "POST", sales, []string{"X-Key: seven", "Idempotency-Key: k"}, `{}`, 415, []string{`"code":"request.media_type"`}, nil},
		{"a limit too high", "GET", sales + "?limit=201", seven, ``, 422, []string{`"field":"limit","code":"field.out_of_range","message":"取值应 ≤ 200"`}, []string{"201"}},
		{"a limit that is no number", "GET", sales + "?limit=secret", seven, ``, 422, []string{`"field":"limit","code":"field.wrong_type"`}, []string{"secret"}},
		{"an unknown parameter", "GET", sales + "?page=2", seven, ``, 422, []string{`"field":"page","code":"field.unknown"`}, nil},
		{"a cursor of nobody", "GET", sales + "?cursor=AAAAAA", seven, ``, 422, []string{`"code":"cursor.malformed"`, `"field":"cursor"`}, []string{"AAAAAA"}},
		{"a path that is no id", "GET", sales + "/abc", seven, ``, 422, []string{`"field":"id","code":"field.wrong_type"`}, []string{"abc"}},
		{"a path below the ids", "GET", sales + "/0", seven, ``, 422, []string{`"field":"id","code":"field.out_of_range"`}, nil},
		{"an id in the path", "GET", sales + "/9007199254740993", seven, ``, 200, []string{`"id":"9007199254740993"`}, nil},
		{"a large import", "POST", "/api/partner/import", []string{"X-Key: seven", "Content-Type: text/csv; charset=utf-8"}, strings.Repeat("a,b\n", 400_000), 200, []string{`"points":1600000`}, nil},
		{"an import too large", "POST", "/api/partner/import", []string{"X-Key: seven", "Content-Type: text/csv"}, strings.Repeat("a,b\n", 600_000), 413, []string{`"code":"request.too_large"`}, nil},
	})
}

func TestDoorsLetInWhoMay(t *testing.T) {
	t.Parallel()
	const sales = "/api/partner/sales"
	s := newShop(t)
	s.play(t, []scenario{
		{"nobody", "GET", sales, nil, ``, 401, []string{`"code":"login.required"`, "Www-Authenticate: GX1-HMAC-SHA256"}, nil},
		{"nobody with wrong input", "POST", sales, []string{"Content-Type: application/json"}, `{`, 401, []string{`"code":"login.required"`}, []string{"malformed"}},
		{"may read", "GET", sales, []string{"X-Key: reader"}, ``, 200, []string{`{"data":[]}`}, nil},
		{"may not write", "POST", sales, []string{"X-Key: reader", "Content-Type: application/json", "Idempotency-Key: k"}, `{"no":"1","fen":1}`, 403, []string{`"code":"permission.denied"`, "sale.write"}, nil},
		{"without any permission", "GET", sales, []string{"X-Key: nothing"}, ``, 403, []string{`"code":"permission.denied"`}, nil},
		{"for whoever is known", "GET", "/api/partner/operations/none", []string{"X-Key: nothing"}, ``, 200, []string{`"state":"not_applied"`}, nil},
		{"no key", "POST", sales, []string{"X-Key: seven", "Content-Type: application/json"}, `{"no":"1","fen":1}`, 400, []string{`"code":"idempotency.missing"`}, nil},
		{"an empty key", "POST", sales, []string{"X-Key: seven", "Content-Type: application/json", "Idempotency-Key: "}, `{"no":"1","fen":1}`, 400, []string{`"code":"idempotency.missing"`}, nil},
		{"a long key", "POST", sales, []string{"X-Key: seven", "Content-Type: application/json", "Idempotency-Key: " + strings.Repeat("k", 256)}, `{"no":"1","fen":1}`, 400, []string{`"code":"idempotency.missing"`}, nil},
		{"a key of two lines", "POST", sales, []string{"X-Key: seven", "Content-Type: application/json", "Idempotency-Key: a\nb"}, `{"no":"1","fen":1}`, 400, []string{`"code":"idempotency.missing"`}, nil},
		{"no such route", "GET", "/api/partner/nothing", seven, ``, 404, []string{`"code":"route.not_found"`, `"instance":"`}, nil},
		{"no such method", "PUT", sales, seven, ``, 405, []string{`"code":"route.method"`, "Allow: GET, HEAD, POST"}, nil},
		{"a panic", "GET", "/api/partner/panic", seven, ``, 500, []string{`"code":"internal"`}, []string{"fell over", "goroutine"}},
		{"an error of ours", "GET", "/api/partner/broken", append([]string{"Accept-Language: en"}, seven...), ``, 500, []string{`"code":"internal"`, "quote the request id"}, []string{"db7"}},
		{"a panic in the lane", "POST", sales, keyed, `{"no":"panic","fen":1}`, 500, []string{`"code":"internal"`}, []string{"in the lane"}},
		{"a write without Write", "POST", "/api/partner/forgetful", keyed, ``, 500, []string{`"code":"internal"`}, nil},
		{"from another site", "POST", "/api/site/login", []string{"Content-Type: application/json", "Sec-Fetch-Site: cross-site"}, `{"code":"1"}`, 403, []string{`"code":"origin.refused"`}, []string{"Set-Cookie"}},
	})
}

func TestWiringRefusesUnguardedRoutes(t *testing.T) {
	t.Parallel()
	handler := func(*web.Ctx, *struct{}) (*web.None, error) { return &web.None{}, nil }
	for name, op := range map[string]web.Op{
		"no permission":   {Door: "partner", Method: "GET", Path: "/x", ID: "x", Zh: "一", En: "x"},
		"no door":         {Door: "back", Method: "GET", Path: "/x", ID: "x", Zh: "一", En: "x", Perm: "x"},
		"both":            {Door: "partner", Method: "GET", Path: "/x", ID: "x", Zh: "一", En: "x", Perm: "x", Public: true},
		"a public write":  {Door: "partner", Method: "POST", Path: "/x", ID: "x", Zh: "一", En: "x", Public: true, Write: true},
		"a writing GET":   {Door: "partner", Method: "GET", Path: "/x", ID: "x", Zh: "一", En: "x", Perm: "x", Write: true},
		"one language":    {Door: "partner", Method: "GET", Path: "/x", ID: "x", En: "x", Perm: "x"},
		"nobody is known": {Door: "open", Method: "GET", Path: "/x", ID: "x", Zh: "一", En: "x", Perm: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := web.New(web.Options{})
			s.Door(web.Door{Name: "partner", Prefix: "/api/partner", Authenticate: knowPartner})
			s.Door(web.Door{Name: "open", Prefix: "/api/open"})
			defer func() {
				if recover() == nil {
					t.Error("it was registered")
				}
			}()
			web.Route(s, op, handler)
		})
	}
}

func TestRoutesAreListedWithTheirGuards(t *testing.T) {
	t.Parallel()
	routes := newShop(t).srv.Routes()
	want := web.RouteInfo{Door: "partner", Method: "POST", Path: "/api/partner/sales", ID: "sale.add", Perm: "sale.write", Write: true, Zh: "上报一笔销售", En: "Report a sale"}
	if routes[0] != want {
		t.Errorf("%+v", routes[0])
	}
	for _, r := range routes {
		if r.Public == (r.Perm != "") {
			t.Errorf("%s is unguarded", r.ID)
		}
	}
}

func TestLogsAndMetricsNameTheRouteAndNoPerson(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.ask("GET", "/api/partner/sales/13800138000?lang=en", seven, "")
	s.ask("GET", "/api/partner/nothing/13800138000", seven, "")
	s.ask("DELETE", "/api/site/session", []string{"Authorization: Bearer " + secretToken}, "")
	s.ask("GET", "/api/partner/broken", seven, "")
	logged := s.log.String()
	for _, want := range []string{`"route":"GET /api/partner/sales/{id}"`, `"by":"partner:7"`, `"by":"member"`, `"route":"other"`, "disk of host db7"} {
		if !strings.Contains(logged, want) {
			t.Errorf("no %s in %s", want, logged)
		}
	}
	for _, never := range []string{"13800138000", secretToken, "member:42", "王"} {
		if strings.Contains(logged, never) {
			t.Errorf("%s in %s", never, logged)
		}
	}
	if s.routes["GET /api/partner/sales/{id}"] != 200 || s.routes["other"] != 404 {
		t.Errorf("metrics %v", s.routes)
	}
}

func TestPagesAndHooksStandBesideTheDoors(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.srv.Handle("POST /hooks/pay", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("success")) }))
	s.srv.Site(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!doctype html>")) }))
	if w := s.ask("POST", "/hooks/pay", nil, ""); w.Body.String() != "success" {
		t.Error(w.Body)
	}
	if w := s.ask("GET", "/hooks/pay", nil, ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Error(w.Code, w.Header())
	}
	if w := s.ask("GET", "/points", nil, ""); w.Body.String() != "<!doctype html>" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src 'self'") {
		t.Error(w.Body, w.Header())
	}
	if w := s.ask("GET", "/api/partner/points", nil, ""); w.Code != 404 {
		t.Error("a page answers below a door")
	}
	if w := s.ask("GET", "/api/partner/sales", seven, ""); w.Header().Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Error(w.Header())
	}
}

func TestTheAddressComesFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ proxies, forwarded, want, hsts string }{
		{"", "9.9.9.9", "192.0.2.1", ""},
		{"192.0.2.0/24", "9.9.9.9", "9.9.9.9", "max"},
		{"192.0.2.0/24", "1.1.1.1, 9.9.9.9, 192.0.2.7", "9.9.9.9", "max"},
		{"192.0.2.0/24", "1.1.1.1, liar", "192.0.2.1", "max"},
		{"10.0.0.0/8", "9.9.9.9", "192.0.2.1", ""},
	} {
		s := web.New(web.Options{})
		if c.proxies != "" {
			s = web.New(web.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix(c.proxies)}})
		}
		s.Door(web.Door{Name: "open", Prefix: "/api/open"})
		type reply struct{ IP string }
		web.Route(s, web.Op{Door: "open", Method: "GET", Path: "/ip", ID: "ip", Zh: "地址", En: "Address", Public: true},
			func(c *web.Ctx, _ *struct{}) (*reply, error) { return &reply{c.IP().String()}, nil })
		w := (&shop{srv: s}).ask("GET", "/api/open/ip", []string{"X-Forwarded-For: " + c.forwarded, "X-Forwarded-Proto: https"}, "")
		if w.Body.String() != `{"IP":"`+c.want+`"}` || strings.HasPrefix(w.Header().Get("Strict-Transport-Security"), "max") != (c.hsts != "") {
			t.Errorf("%+v: %s %v", c, w.Body, w.Header())
		}
	}
}

func TestHalfAnAnswerIsBrokenOff(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.srv.Site(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic("the other half")
	}))
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("the connection goes on")
		}
		if !strings.Contains(s.log.String(), "the other half") || s.routes["other"] != 200 {
			t.Error("nobody heard of it", s.log, s.routes)
		}
	}()
	s.ask("GET", "/", nil, "")
}

func TestServeFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended, answered := make(chan error, 1), make(chan int, 1)
	go func() { ended <- s.srv.ServeOn(ctx, ln) }()
	go func() {
		status, _ := get(t, &http.Client{}, "http://"+ln.Addr().String()+"/api/partner/slow", seven...)
		answered <- status
	}()
	<-s.slow // it runs
	stop()
	for { // until the listener is closed, and with it the server on its way down
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", ln.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	select {
	case err := <-ended:
		t.Fatal("it did not wait", err)
	default:
	}
	s.slow <- struct{}{}
	if status := <-answered; status != 200 {
		t.Error("the running request got", status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
