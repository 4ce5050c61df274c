// Package emulator answers like the platforms a Chinese brand lives on (模拟器): it speaks their wire format and their
// cryptography in both directions, refuses what they refuse, and holds virtual people who act on a phone in the browser.
//
// It is a party of its own: it imports none of the product's features and finds out over the wire like everybody else.
package emulator

import (
	"context"
	"net"
	"net/http"
	"time"

	"guanxi/internal/emulator/world"
)

// Emulator is all platforms behind one listener.
type Emulator struct {
	World *world.World
	mux   *http.ServeMux
	steer *http.ServeMux
}

// New makes an emulator around a world, with the control API and nothing else.
func New(w *world.World) *Emulator {
	e := &Emulator{World: w, mux: http.NewServeMux(), steer: http.NewServeMux()}
	e.control()
	return e
}

// Mount adds one platform under a pattern of http.ServeMux; faults befall it, and what it is asked is recorded.
func (e *Emulator) Mount(pattern string, h http.Handler) {
	e.mux.Handle(pattern, e.World.Record.Around(e.World.Faults.Around(h)))
}

// Page adds something that is no platform: neither faults nor the record know it.
func (e *Emulator) Page(pattern string, h http.Handler) { e.mux.Handle(pattern, h) }

// ServeHTTP answers a request.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// ServeOn answers on a listener, and lets things happen as time goes by, until ctx ends; it closes the listener.
func (e *Emulator) ServeOn(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 60 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	go e.World.Run(ctx)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return srv.Close()
	}
}
