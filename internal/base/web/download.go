package web

import (
	"io"
	"mime"
	"net/http"
	"time"
)

// file is an answer that is no JSON.
type file struct {
	name, media string
	copy        func(io.Writer) error
}

// Download makes the answer of a handler a file, which copy writes. A failure half way ends the connection, so that half
// a file is never taken for a whole one.
func (c *Ctx) Download(name, media string, copy func(io.Writer) error) {
	c.file = &file{name, media, copy}
}

func (f *file) send(x *exchange) {
	h := x.tap.Header()
	h.Set("Content-Type", f.media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	_ = http.NewResponseController(x.tap.w).SetWriteDeadline(time.Time{}) // a large file takes its time
	x.tap.WriteHeader(x.ctx.okStatus())
	if err := f.copy(&x.tap); err != nil {
		x.s.opt.Log.Error("download broken off", "request", x.id, "route", x.label(), "err", err)
		panic(http.ErrAbortHandler)
	}
}
