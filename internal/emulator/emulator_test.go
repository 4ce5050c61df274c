package emulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"guanxi/internal/base/clock"
	"guanxi/internal/emulator/world"
)

func start(t *testing.T) (*Emulator, *clock.Fake, *httptest.Server) {
	t.Helper()
	base := clock.NewFake(1_790_000_000_000)
	e := New(world.New("seed", base))
	e.Mount("/echo/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte("heard "), body...))
	}))
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return e, base, srv
}

func post(t *testing.T, srv *httptest.Server, path, body string) (int, string) {
	t.Helper()
	res, err := srv.Client().Post(srv.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func TestTimeGoesAsTold(t *testing.T) {
	t.Parallel()
	e, base, srv := start(t)
	var seen []int64
	at := e.World.Clock.Now()
	for _, ms := range []int64{30_000, 15_000, 15_000, 60_000} {
		e.World.Later(ms, func() { seen = append(seen, e.World.Clock.Now()-at) })
	}
	e.World.Travel(29_999)
	if want := []int64{15_000, 15_000}; !reflect.DeepEqual(seen, want) {
		t.Fatalf("after 29.999 s: %v, want %v", seen, want)
	}
	if status, text := post(t, srv, "/_emulator/clock", `{"advance_ms":1,"scale":10}`); status != 200 {
		t.Fatal(status, text)
	}
	base.Add(3_000) // 30 s of the world
	e.World.Settle()
	if want := []int64{15_000, 15_000, 30_000, 60_000}; !reflect.DeepEqual(seen, want) {
		t.Fatalf("got %v, want %v", seen, want)
	}
}

func TestFaultsBefallOnceAndAreRecorded(t *testing.T) {
	t.Parallel()
	e, _, srv := start(t)
	if status, text := post(t, srv, "/_emulator/faults", `{"path":"/echo/","errcode":45009,"skip":1}`); status != 200 {
		t.Fatal(status, text)
	}
	var got []string
	for range 3 {
		_, text := post(t, srv, "/echo/x?access_token=abc", `hello`)
		got = append(got, strings.TrimSpace(text))
	}
	want := []string{"heard hello", `{"errcode":45009,"errmsg":"planned fault rid: 0-0-0"}`, "heard hello"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	list := e.World.Record.Since(0, "/echo/")
	if len(list) != 3 || list[0].Body != "hello" || list[1].Answer == list[0].Answer || list[0].Query != "access_token=-" {
		t.Errorf("recorded: %+v", list)
	}
	e.World.Faults.Add(world.Fault{Path: "/echo/", Drop: true})
	if status, text := post(t, srv, "/echo/", ``); status != 0 {
		t.Errorf("a dropped connection answered %d %s", status, text)
	}
	e.World.Faults.Add(world.Fault{Path: "/echo/", Lost: true})
	if status, text := post(t, srv, "/echo/", ``); status != 0 {
		t.Errorf("a lost answer answered %d %s", status, text)
	}
	// What was cut off is recorded once its handler is over, which may be after the caller has seen the end.
	for i := 0; i < 1_000_000 && len(e.World.Record.Since(0, "/echo/")) < 5; i++ {
		runtime.Gosched()
	}
	if list = e.World.Record.Since(0, "/echo/"); len(list) != 5 {
		t.Errorf("%d requests are recorded", len(list))
	}
}

func TestPeopleHaveAnOpenIDForEachAppAndOneUnionID(t *testing.T) {
	t.Parallel()
	e, _, srv := start(t)
	Demo(e.World, "http://product", "product")
	oa, _ := e.World.App(DemoOA)
	mp, _ := e.World.App(DemoMP)
	a, b := e.World.OpenID(oa.ID, "lin"), e.World.OpenID(mp.ID, "lin")
	if a == b || len(a) != 28 || e.World.UnionID(&oa, "lin") != e.World.UnionID(&mp, "lin") || e.World.UnionID(&oa, "lin") == e.World.UnionID(&oa, "chen") {
		t.Errorf("openids %s %s", a, b)
	}
	if p, ok := e.World.WhoIs(mp.ID, b); !ok || p.Name != "林晓月" {
		t.Errorf("behind %s is %+v", b, p)
	}
	again := New(world.New("seed", clock.NewFake(0)))
	if again.World.OpenID(oa.ID, "lin") != a || world.New("other", clock.NewFake(0)).OpenID(oa.ID, "lin") == a {
		t.Error("ids are not those of the seed")
	}
	res, err := srv.Client().Get(srv.URL + "/_emulator/state")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var s state
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil || len(s.People) != 6 || len(s.Apps) != 2 {
		t.Errorf("state %+v %v", s, err)
	}
	if status, _ := post(t, srv, "/_emulator/people", `{"nickname":"x"}`); status != 422 {
		t.Errorf("an unknown field was taken: %d", status)
	}
	req, _ := http.NewRequest(http.MethodPost, srv.URL+"/_emulator/people", strings.NewReader(`{}`))
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if res, err := srv.Client().Do(req); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("another site may steer the world: %v %v", res.StatusCode, err)
	}
}
