package web

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of idempotency keys.
var Schema = db.Schema{Feature: "web", Files: files}

// keyRow is what a caller's key has done. The reply is kept as it was sent, so a reply must not carry what may not
// lie in the database in the clear.
type keyRow struct {
	ID     string // of caller and key
	Route  string
	Hash   string // of method, path, query and body
	Status int64
	Reply  string // when it is short
	At     int64
	Long   int64 // where a longer one is kept
}

var keys = db.NewTable(db.Spec[keyRow, string]{
	Name: "idempotency", Cols: []string{"id", "route", "hash", "status", "reply", "at", "reply_id"}, Keys: 1,
	Row: func(r *keyRow, p []any) []any {
		return append(p, &r.ID, &r.Route, &r.Hash, &r.Status, &r.Reply, &r.At, &r.Long)
	},
	Key: func(r *keyRow) string { return r.ID },
})

// A long reply would push its neighbours off the page, and a key is looked for at each request.
type longReply struct {
	ID   int64
	Body string
}

var replies = db.NewTable(db.Spec[longReply, int64]{
	Name: "idempotency_reply", Cols: []string{"id", "body"}, Keys: 1,
	Row: func(r *longReply, p []any) []any { return append(p, &r.ID, &r.Body) },
	Key: func(r *longReply) int64 { return r.ID },
})

func (r keyRow) reply(tx *db.Tx) string {
	if r.Long == 0 {
		return r.Reply
	}
	long, _ := replies.Get(tx, r.Long)
	return long.Body
}

func (r keyRow) insert(tx *db.Tx) error {
	if len(r.Reply) > shortReply {
		r.Long = tx.ID()
		if err := replies.Insert(tx, longReply{r.Long, r.Reply}); err != nil {
			return err
		}
		r.Reply = ""
	}
	return keys.Insert(tx, r)
}

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
	maxKey         = 255
	maxKeyID       = 120
	shortReply     = 100 // bytes
	keyIDLength    = 22  // 132 bits
)

// errNoWrite is a programming error: the caller was promised that the key counts.
var errNoWrite = errors.New("web: a write route answered without Write")

// takeKey reads the caller's key and hashes what it stands for.
func (x *exchange) takeKey() error {
	values := x.r.Header[keyHeader]
	if len(values) != 1 || !printable(values[0]) {
		return ErrKeyMissing.New()
	}
	x.ctx.keyID = keyID(x.ctx.Caller, values[0])
	sum := sha256.Sum256(*x.buf)
	x.ctx.hash = base64.RawURLEncoding.EncodeToString(sum[:])
	return nil
}

func printable(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// keyID is the row of a caller's key. The actor has no bar in it, so two pairs never read alike. Callers that number what
// they do write at one place of the table; a hash would scatter them over all of it.
func keyID(c Caller, key string) string {
	id := c.Actor() + "|" + key
	if len(id) <= maxKeyID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:keyIDLength]
}

// reply is the answer of a write.
type reply struct {
	status   int
	text     string
	replayed bool
}

func (r *reply) send(x *exchange) {
	if r.replayed {
		x.tap.Header()[replayedHeader] = []string{"true"}
	}
	x.sendBytes(r.status, jsonMedia, []byte(r.text))
}

// Write runs the effect of a write route: f, the caller's key and the reply commit together or not at all. When the
// key has done the same before, f does not run and the stored reply is given; when it has done something else the
// request is refused. An error of f stores nothing. Whatever the handler makes of the result, the reply that was
// stored is what the caller gets.
func Write[Out any](c *Ctx, op db.Op, f func(*db.Tx) (*Out, error)) (*Out, error) {
	if c.keyID == "" || c.reply != nil {
		return nil, errors.New("web: Write runs once, in a route that is declared as one")
	}
	op.Actor = c.Caller.Actor()
	op.Wants = append(op.Wants[:len(op.Wants):len(op.Wants)], keys.Want(c.keyID))
	var out *Out
	// Once queued it may commit whether or not the caller still waits; waiting keeps the request's memory whole meanwhile.
	err := c.x.s.opt.DB.Write(context.WithoutCancel(c), op, func(tx *db.Tx) error {
		out, c.reply, c.status = nil, nil, 0
		if row, ok := keys.Get(tx, c.keyID); ok {
			return c.replay(tx, row)
		}
		made, err := f(tx)
		if err != nil {
			return err
		}
		out = made
		return c.keep(tx, made)
	})
	if err != nil {
		c.reply = nil
		return nil, err
	}
	if out == nil {
		out = new(Out)
		return out, json.Unmarshal([]byte(c.reply.text), out)
	}
	return out, nil
}

func (c *Ctx) replay(tx *db.Tx, row keyRow) error {
	if row.Hash != c.hash {
		return ErrKeyMismatch.New()
	}
	c.reply = &reply{int(row.Status), row.reply(tx), true}
	return nil
}

// keep stores the reply beside its effect.
func (c *Ctx) keep(tx *db.Tx, out any) error {
	r := &reply{status: c.okStatus()}
	if err := encode(out, func(b []byte) { r.text = string(b) }); err != nil {
		return err
	}
	c.reply = r
	return keyRow{ID: c.keyID, Route: c.x.route.ID, Hash: c.hash, Status: int64(r.status), Reply: r.text, At: tx.Now()}.insert(tx)
}

// Operation tells what a key has done.
type Operation struct {
	State  string `json:"state" enum:"done,not_applied" doc:"done 已生效；not_applied 未生效，可用同一个键重试|done: it took effect; not_applied: it did not, retry with the same key"`
	Route  string `json:"route,omitempty" doc:"哪个操作|which operation"`
	Status int64  `json:"status,omitempty" doc:"当时的 HTTP 状态|the HTTP status it was answered with"`
	At     int64  `json:"at,omitempty" doc:"生效时刻，UTC 毫秒|when it took effect, milliseconds UTC"`
	Reply  JSON   `json:"reply,omitempty" doc:"当时的回复|the reply it was answered with"`
}

type operationIn struct {
	Key string `path:"key" minLength:"1" maxLength:"255" doc:"那次请求的 Idempotency-Key|the Idempotency-Key of that request"`
}

// RegisterOperations adds to a door the route that tells a caller what became of a request whose answer was lost.
func RegisterOperations(s *Server, door string) {
	s.Tag("operation", "请求结果", "Outcomes")
	Route(s, Op{Door: door, Method: http.MethodGet, Path: "/operations/{key}", ID: door + ".operation", Perm: AnyCaller, Tags: []string{"operation"},
		Zh: "查询一个幂等键的结果", En: "Tell what an idempotency key has done", Errors: []*fault.Kind{db.ErrBusy}}, operation)
}

// operation asks the writer, not a view, so that what was queued before is decided when it answers.
func operation(c *Ctx, in *operationIn) (*Operation, error) {
	key := keyID(c.Caller, in.Key)
	out := &Operation{}
	err := c.x.s.opt.DB.Write(context.WithoutCancel(c), db.Op{Actor: c.Caller.Actor(), Wants: []db.Want{keys.Want(key)}}, func(tx *db.Tx) error {
		*out = Operation{State: "not_applied"}
		if row, ok := keys.Get(tx, key); ok {
			*out = Operation{"done", row.Route, row.Status, row.At, JSON(row.reply(tx))}
		}
		return nil
	})
	return out, err
}

// KeysLive is how long a key is remembered at least: a till may be offline for days. Effects have keys of their own
// that last for ever.
const KeysLive = 8 * clock.Day

// forgetAtOnce is how many keys one call of Forget looks at.
const forgetAtOnce = 500

// Forget drops keys that are older than KeysLive among the next few after a position ("" is the start) and gives the
// position to go on from, "" when it has seen them all. Keys lie in no order of time, so a job walks through them.
func Forget(tx *db.Tx, after string) (next string) {
	rows := keys.Select(tx, db.Query[keyRow]{Where: "id > ?", Args: []any{after}, Order: "id", Limit: forgetAtOnce,
		Match: func(r *keyRow) bool { return r.ID > after }, Less: func(a, b *keyRow) bool { return a.ID < b.ID }})
	for _, r := range rows {
		if r.At <= tx.Now()-KeysLive {
			keys.Delete(tx, r.ID)
			if r.Long != 0 {
				replies.Delete(tx, r.Long)
			}
		}
	}
	if len(rows) < forgetAtOnce {
		return ""
	}
	return rows[len(rows)-1].ID
}
