package world

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"guanxi/internal/base/clock"
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	Path    string `json:"path"`              // prefix of the paths it befalls; empty: all
	Times   int    `json:"times"`             // how often; 0 is once, -1 until it is taken away
	Skip    int    `json:"skip,omitempty"`    // how many go well before
	Status  int    `json:"status,omitempty"`  // an HTTP status with an empty body
	ErrCode int    `json:"errcode,omitempty"` // an answer in the platform's own form
	Delay   int64  `json:"delay,omitempty"`   // real milliseconds before the answer
	Broken  bool   `json:"broken,omitempty"`  // half a JSON document
	Drop    bool   `json:"drop,omitempty"`    // the connection ends without an answer
	Lost    bool   `json:"lost,omitempty"`    // the request takes effect, its answer is lost
	Twist   bool   `json:"twist,omitempty"`   // for the platforms that sign: a wrong signature; they ask Twisted
}

// Faults are those that wait.
type Faults struct {
	clock *Clock
	mu    sync.Mutex
	list  []*Fault
}

// Add plans a fault.
func (f *Faults) Add(x Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x.Times == 0 {
		x.Times = 1
	}
	f.list = append(f.list, &x)
}

// Clear takes all faults away.
func (f *Faults) Clear() { f.mu.Lock(); f.list = nil; f.mu.Unlock() }

// List shows the faults that wait.
func (f *Faults) List() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []Fault{}
	for _, x := range f.list {
		out = append(out, *x)
	}
	return out
}

// take gives the fault that befalls a path, and uses it up.
func (f *Faults) take(path string, want func(*Fault) bool) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, x := range f.list {
		if !strings.HasPrefix(path, x.Path) || !want(x) {
			continue
		}
		if x.Skip > 0 {
			x.Skip--
			continue
		}
		if x.Times > 0 {
			x.Times--
		}
		out := *x
		if x.Times == 0 {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
		}
		return out, true
	}
	return Fault{}, false
}

// Twisted says whether the answer to a path shall carry a wrong signature.
func (f *Faults) Twisted(path string) bool {
	_, ok := f.take(path, func(x *Fault) bool { return x.Twist })
	return ok
}

// Around lets faults befall what a handler answers.
func (f *Faults) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, ok := f.take(r.URL.Path, func(x *Fault) bool { return !x.Twist })
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if x.Delay > 0 {
			t := clock.Timer(x.Delay)
			select {
			case <-r.Context().Done():
				t.Stop()
			case <-t.C:
			}
		}
		switch {
		case x.Drop:
			cut(w)
		case x.Lost:
			next.ServeHTTP(&blind{h: http.Header{}}, r)
			cut(w)
		case x.Status != 0:
			w.WriteHeader(x.Status)
		case x.ErrCode != 0:
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			_ = json.NewEncoder(w).Encode(map[string]any{"errcode": x.ErrCode, "errmsg": "planned fault rid: 0-0-0"})
		case x.Broken:
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			_, _ = w.Write([]byte(`{"errcode":0,"errm`))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// cut ends a connection in the middle.
func cut(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
		return
	}
	w.WriteHeader(http.StatusBadGateway)
}

// blind takes an answer nobody will see.
type blind struct{ h http.Header }

func (b *blind) Header() http.Header         { return b.h }
func (b *blind) Write(p []byte) (int, error) { return len(p), nil }
func (b *blind) WriteHeader(int)             {}
