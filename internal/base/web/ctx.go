package web

import (
	"context"
	"net/netip"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/id"
)

// Ctx is what a handler knows of its request. It is the request's context, too.
type Ctx struct {
	context.Context
	// Caller is who asks; the zero Caller on public routes.
	Caller Caller

	x      *exchange
	keyID  string // row of the caller's idempotency key
	hash   string // of what the key stands for
	status int    // asked for by SetStatus
	reply  *reply // what Write has decided
	file   *file  // what Download has decided
}

// Caller is who came through a door.
type Caller struct {
	Kind  string // "staff", "member", "partner"; empty when nobody
	ID    int64
	Name  string                 // for people; not written to logs
	Can   func(perm string) bool // nil for a caller who may only use routes for anybody who is logged in
	Scope any                    // what the caller's permissions are limited to, as its owner defines it
	Fresh bool                   // the caller has proved a short while ago who they are
}

// Actor names the caller where causes are recorded: "partner:12".
func (c Caller) Actor() string {
	if c.Kind == "" {
		return ""
	}
	return c.Kind + ":" + id.String(c.ID)
}

// May says whether the caller has a permission.
func (c Caller) May(perm string) bool { return c.Can != nil && c.Can(perm) }

// logName tells operators who asked without telling which person.
func (c Caller) logName() string {
	if c.Kind == "partner" {
		return c.Actor()
	}
	return c.Kind
}

// Perms makes the Can of a caller with a list of permissions.
func Perms(list ...string) func(string) bool {
	set := make(map[string]bool, len(list))
	for _, p := range list {
		set[p] = true
	}
	return func(p string) bool { return set[p] }
}

// Now is the instant by the server's clock, for reads; a write takes its time from the Tx.
func (c *Ctx) Now() int64 { return c.x.s.opt.Clock.Now() }

// Clock is the server's clock.
func (c *Ctx) Clock() clock.Clock { return c.x.s.opt.Clock }

// Lang is the language for people: "zh" or "en".
func (c *Ctx) Lang() string { return c.x.lang() }

// RequestID is the id the answer and the log carry.
func (c *Ctx) RequestID() string { return c.x.id }

// IP is the caller's address.
func (c *Ctx) IP() netip.Addr { return remote(c.x.r) }

// Header reads a header of the request.
func (c *Ctx) Header(name string) string { return c.x.r.Header.Get(name) }

// Body is the body as it was sent; it must not be kept after the handler returns.
func (c *Ctx) Body() []byte { return c.x.body }

// SetStatus changes the status of a success. In a write it is set inside the Tx and stored with the reply.
func (c *Ctx) SetStatus(status int) { c.status = status }

// conclude answers with what the handler gave.
func (c *Ctx) conclude(out any, err error) {
	x := c.x
	switch {
	case err != nil:
		x.refuse(err)
	case c.reply != nil:
		c.reply.send(x)
	case c.file != nil:
		c.file.send(x)
	case x.route.Write:
		x.refuse(errNoWrite)
	default:
		x.send(c.okStatus(), jsonMedia, out)
	}
}

func (c *Ctx) okStatus() int {
	if c.status != 0 {
		return c.status
	}
	return c.x.route.status
}
