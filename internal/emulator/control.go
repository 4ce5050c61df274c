package emulator

import (
	"encoding/json"
	"net/http"
	"strconv"

	"guanxi/internal/emulator/world"
)

// ControlPath is below which tests and the phone page steer the world.
const ControlPath = "/_emulator/"

// Control adds a way to steer a platform below ControlPath.
func (e *Emulator) Control(pattern string, h http.HandlerFunc) { e.steer.HandleFunc(pattern, h) }

// control opens the API that makes things happen: time, people, apps, faults, and the record of requests. Pages of other
// sites may not use it.
func (e *Emulator) control() {
	in := e.steer
	in.HandleFunc("GET /_emulator/state", e.getState)
	in.HandleFunc("POST /_emulator/clock", e.postClock)
	in.HandleFunc("GET /_emulator/people", func(w http.ResponseWriter, _ *http.Request) { reply(w, e.World.People()) })
	in.HandleFunc("POST /_emulator/people", take(func(_ *http.Request, p world.Person) (any, error) { return e.World.AddPerson(p), nil }))
	in.HandleFunc("GET /_emulator/people/{id}/bubbles", e.getBubbles)
	in.HandleFunc("POST /_emulator/apps", take(func(_ *http.Request, a world.App) (any, error) { return e.World.AddApp(a), nil }))
	in.HandleFunc("POST /_emulator/faults", take(func(_ *http.Request, f world.Fault) (any, error) {
		e.World.Faults.Add(f)
		return e.World.Faults.List(), nil
	}))
	in.HandleFunc("DELETE /_emulator/faults", func(w http.ResponseWriter, _ *http.Request) { e.World.Faults.Clear(); reply(w, e.World.Faults.List()) })
	in.HandleFunc("POST /_emulator/disorder", take(func(_ *http.Request, d world.Disorder) (any, error) { e.World.SetDisorder(d); return d, nil }))
	in.HandleFunc("GET /_emulator/requests", e.getRequests)
	e.mux.Handle(ControlPath, http.NewCrossOriginProtection().Handler(in))
}

type state struct {
	Now     int64          `json:"now"`
	Waiting int            `json:"waiting"` // things still to happen
	People  []world.Person `json:"people"`
	Apps    []publicApp    `json:"apps"`
	Faults  []world.Fault  `json:"faults"`
	Asked   int64          `json:"requests"` // how many there were
}

// publicApp is an app without its secrets.
type publicApp struct {
	ID   string `json:"appid"`
	Kind string `json:"kind"`
	Name string `json:"name"`
	Home string `json:"home,omitempty"`
}

func (e *Emulator) getState(w http.ResponseWriter, _ *http.Request) {
	s := state{Now: e.World.Clock.Now(), Waiting: e.World.Waiting(), People: e.World.People(), Apps: []publicApp{}, Faults: e.World.Faults.List(), Asked: e.World.Record.Count()}
	for _, a := range e.World.Apps() {
		s.Apps = append(s.Apps, publicApp{a.ID, a.Kind, a.Name, a.Home})
	}
	reply(w, s)
}

func (e *Emulator) postClock(w http.ResponseWriter, r *http.Request) {
	take(func(_ *http.Request, in struct {
		Advance int64  `json:"advance_ms"`
		Scale   *int64 `json:"scale"`
	}) (any, error) {
		if in.Scale != nil {
			e.World.Clock.Scale(*in.Scale)
		}
		e.World.Travel(max(in.Advance, 0))
		return map[string]int64{"now": e.World.Clock.Now()}, nil
	})(w, r)
}

func (e *Emulator) getBubbles(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	reply(w, e.World.Bubbles(r.PathValue("id"), after))
}

func (e *Emulator) getRequests(w http.ResponseWriter, r *http.Request) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	reply(w, e.World.Record.Since(after, r.URL.Query().Get("path")))
}

// take makes a handler of a function over a JSON body; fields it doesn't know are refused.
func take[In any](f func(*http.Request, In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			refuse(w, err)
			return
		}
		out, err := f(r, in)
		if err != nil {
			refuse(w, err)
			return
		}
		reply(w, out)
	}
}

func refuse(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}
