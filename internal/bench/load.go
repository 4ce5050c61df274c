package bench

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// work is what one kind of request is and does.
type work struct {
	method  string
	status  int    // of every answer that is right
	suffix  string // how the body of every such answer ends; "" is any
	items   int64  // effects of one request
	signed  bool
	members bool                                // asked by members, not by a partner
	make    func(q *request, l *load, n uint64) // fills in key, path and body of the n-th request
	count   func(t *tally, effects int64)       // enters what was acknowledged; nil when it writes nothing
}

// The kinds of requests.
var (
	orderWork = work{method: "POST", status: 201, items: 1, signed: true, make: orderRequest,
		count: func(t *tally, n int64) { t.Orders += n }}
	earnWork = work{method: "POST", status: 201, items: 1, signed: true, make: postingRequest("5"),
		count: func(t *tally, n int64) { t.Grants += n }}
	burnWork = work{method: "POST", status: 201, items: 1, signed: true, make: postingRequest("-1"),
		count: func(t *tally, n int64) { t.Spends += n }}
	bulkWork = work{method: "POST", status: 200, suffix: `"applied":100}`, items: bulk, signed: true, make: bulkRequest,
		count: func(t *tally, n int64) { t.Grants += n }}
	summaryWork = work{method: "GET", status: 200, items: 1, signed: true, make: summaryRequest}
	plainWork   = work{method: "POST", status: 201, items: 1, make: plainRequest}
	emptyWork   = work{method: "GET", status: 200, items: 1, make: func(q *request, _ *load, _ uint64) { q.path = append(q.path[:0], "/empty"...) }}
)

const bulk = 100

func orderRequest(q *request, l *load, n uint64) {
	cents := int64(100 + mix(n)%50_000)
	first := cents / 3
	q.path = append(q.path[:0], "/api/partner/orders"...)
	q.key = serial(q.key[:0], "o", n)
	b := serial(append(q.body[:0], `{"no":"`...), "B", n)
	b = strconv.AppendInt(append(b, `","member_id":"`...), l.member(n), 10)
	b = strconv.AppendInt(append(b, `","amount_fen":`...), cents, 10)
	b = strconv.AppendInt(append(b, `,"lines":[{"sku":"A100","name":"拿铁","quantity":1,"amount_fen":`...), first, 10)
	b = strconv.AppendInt(append(b, `},{"sku":"B200","name":"可颂","quantity":2,"amount_fen":`...), cents-first, 10)
	b = append(b, `}],"channel":"pos","store":"S01","occurred_at":`...)
	q.body = append(strconv.AppendInt(b, l.began.UnixMilli(), 10), '}')
}

func postingRequest(points string) func(q *request, l *load, n uint64) {
	return func(q *request, l *load, n uint64) {
		q.path = append(q.path[:0], "/api/partner/postings"...)
		q.key = serial(q.key[:0], "p", n)
		q.body = append(posting(append(q.body[:0], '{'), l.member(n), points), '}')
	}
}

func posting(b []byte, member int64, points string) []byte {
	b = strconv.AppendInt(append(b, `"member_id":"`...), member, 10)
	b = append(append(b, `","points":`...), points...)
	return append(b, `,"reason":"bench"`...)
}

func bulkRequest(q *request, l *load, n uint64) {
	q.path = append(q.path[:0], "/api/partner/postings/batches"...)
	q.key = number(q.key[:0], "b", n)
	b := append(q.body[:0], `{"postings":[`...)
	for i := range uint64(bulk) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(number(append(b, `{"key":"`...), "i", n*bulk+i), `",`...)
		b = append(posting(b, l.member(n*bulk+i), "5"), '}')
	}
	q.body = append(b, "]}"...)
}

func summaryRequest(q *request, l *load, n uint64) {
	b := strconv.AppendInt(append(q.path[:0], "/api/partner/members/"...), l.member(n), 10)
	q.path = append(b, "/summary"...)
}

func plainRequest(q *request, l *load, n uint64) {
	q.path = append(q.path[:0], "/posting"...)
	b := number(append(q.body[:0], `{"key":"`...), "n", n)
	q.body = append(posting(append(b, `",`...), l.member(n), "5"), '}')
}

// number appends a name that no other request of the benchmark has.
func number(b []byte, kind string, n uint64) []byte {
	return strconv.AppendUint(append(b, kind...), n, 10)
}

// serial appends a number as tills print it: of one width, so that later ones sort behind.
func serial(b []byte, kind string, n uint64) []byte {
	const width = 9
	at := len(b) + len(kind)
	b = number(b, kind, n)
	for len(b)-at < width {
		b = slices.Insert(b, at, '0')
	}
	return b
}

// mix spreads numbers over all members in no order (splitmix64), the same in every benchmark.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// load is one run of one kind of request.
type load struct {
	work
	addr   string
	second string // half of the connections go there; may be empty
	key    string // of the partner, and its secret
	secret string
	conns  int
	length time.Duration
	ids    []int64
	turns  bool           // each member once before one comes again
	next   *atomic.Uint64 // the number of the last request
	began  time.Time
	ahead  time.Duration // of the server's clock
}

func (l *load) member(n uint64) int64 {
	if !l.turns {
		n = mix(n)
	}
	return l.ids[n%uint64(len(l.ids))]
}

// maxRequests bounds one run in number, as its length does in time.
const maxRequests = 50_000_000

// run is how one load went.
type run struct {
	Requests int64 // answered as they should be
	Errors   int64
	First    string // the first error
	Hist     Hist
	Took     time.Duration
}

// rate is effects a second.
func (r *run) rate(items int64) float64 { return float64(r.Requests*items) / r.Took.Seconds() }

// do opens the connections, then lets all begin at once; each asks until the time is over and waits for its last answer.
func (l *load) do(ctx context.Context) (run, error) {
	clients := make([]*client, l.conns)
	for i := range clients {
		addr := l.addr
		if l.second != "" && i%2 == 1 {
			addr = l.second
		}
		c, err := dial(ctx, addr)
		if err != nil {
			return run{}, err
		}
		defer c.close()
		clients[i] = c
	}
	stop := context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.close()
		}
	})
	defer stop()
	var out run
	var mu sync.Mutex
	var group sync.WaitGroup
	l.began = time.Now()
	for _, c := range clients {
		group.Go(func() {
			r := l.drive(c)
			mu.Lock()
			defer mu.Unlock()
			out.add(&r)
		})
	}
	group.Wait()
	out.Took = time.Since(l.began)
	return out, ctx.Err()
}

func (r *run) add(o *run) {
	r.Requests += o.Requests
	r.Errors += o.Errors
	if r.First == "" {
		r.First = o.First
	}
	r.Hist.Merge(&o.Hist)
}

// drive is one connection. A wrong answer ends it: what was lost can't be measured around.
func (l *load) drive(c *client) (out run) {
	var q request
	var s *signer
	if l.signed {
		s = newSigner(l.key, l.secret)
	}
	end := l.began.Add(l.length)
	_ = c.c.SetDeadline(end.Add(answerTime))
	most := maxRequests / int64(l.conns)
	for now := time.Now(); now.Before(end) && out.Requests < most; {
		l.make(&q, l, l.next.Add(1))
		status, body, err := c.ask(q.write(l.method, s, now.Add(l.ahead)))
		done := time.Now()
		if err == nil && (status != l.status || !bytes.HasSuffix(body, []byte(l.suffix))) {
			err = fmt.Errorf("answered %d: %.300s", status, body)
		}
		if err != nil {
			out.Errors, out.First = 1, err.Error()
			return out
		}
		out.Requests++
		out.Hist.Add(int64(done.Sub(now)))
		now = done
	}
	return out
}
