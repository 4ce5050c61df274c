package bench

import (
	"context"
	"path/filepath"
	"time"
)

// The servers that figures are measured against.
const (
	product  = iota // as it is
	naive           // the same with one transaction a request
	handmade        // handlers and rows written by hand
	pair            // two processes on one database
)

// figure is one load and what is asked of it.
type figure struct {
	name   string
	zh, en string
	group  int
	work   *work
	conns  int
	hot    int     // only so many members; 0 is all
	first  bool    // by members who have not bought yet, one after the other
	least  float64 // effects a second; 0 asks nothing
	remote float64 // the same, from a database on a server
	p99    time.Duration
}

var figures = []figure{
	{name: "empty", zh: "空处理器（HTTP 上限）", en: "an empty handler: the ceiling of HTTP", work: &emptyWork, conns: 64},
	{name: "summary", zh: "会员概况读取", en: "reading a member's summary", work: &summaryWork, conns: 64, least: 20_000},
	{name: "orders_256", zh: "完整已支付订单，256 并发", en: "full paid orders, 256 clients", work: &orderWork, conns: 256, least: 5_000, remote: 4_000, p99: 150 * time.Millisecond},
	{name: "orders_1", zh: "完整已支付订单，1 并发", en: "full paid orders, 1 client", work: &orderWork, conns: 1},
	{name: "hot_orders", zh: "订单集中于 5 名会员，256 并发", en: "orders of 5 hot members, 256 clients", work: &orderWork, conns: 256, hot: 5},
	{name: "first_orders", zh: "新会员的首单，256 并发", en: "first orders of newcomers, 256 clients", work: &orderWork, conns: 256, first: true},
	{name: "postings_256", zh: "发放积分，256 并发", en: "postings that give, 256 clients", work: &earnWork, conns: 256, least: 10_000, remote: 12_000},
	{name: "postings_16", zh: "发放积分，16 并发", en: "postings that give, 16 clients", work: &earnWork, conns: 16, least: 6_000},
	{name: "hot_posting", zh: "发放积分集中于 1 名会员，256 并发", en: "postings on one hot member, 256 clients", work: &earnWork, conns: 256, hot: 1},
	{name: "burn_256", zh: "消耗积分，256 并发", en: "postings that take, 256 clients", work: &burnWork, conns: 256},
	{name: "bulk", zh: "批量记账，每批 100 笔，32 并发", en: "batches of 100 postings, 32 clients", work: &bulkWork, conns: 32, least: 30_000},
	{name: "pair_orders", zh: "两个进程共用一个数据库：完整订单，256 并发", en: "two processes on one database: full paid orders, 256 clients", group: pair, work: &orderWork, conns: 256},
	{name: "pair_postings", zh: "两个进程共用一个数据库：发放积分，256 并发", en: "two processes on one database: postings, 256 clients", group: pair, work: &earnWork, conns: 256},
	{name: "naive_orders", zh: "朴素写法：每单一个事务，256 并发", en: "naive form: a transaction an order, 256 clients", group: naive, work: &orderWork, conns: 256},
	{name: "naive_postings", zh: "朴素写法：每笔一个事务，256 并发", en: "naive form: a transaction a posting, 256 clients", group: naive, work: &earnWork, conns: 256},
	{name: "plain_sql", zh: "手写处理器：同样的行，每笔一个事务", en: "a plain handler: the same rows, a transaction each", group: handmade, work: &plainWork, conns: 256},
}

// Names lists what can be asked for alone.
func Names() []string {
	names := []string{"reads", "import", "raw", "raw_orders", "events", "expiry", "tiers"}
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// measure runs one figure and adds its row.
func (b *bench) measure(ctx context.Context, s *server, f figure) error {
	var m measured
	if f.conns == 1 {
		if err := b.syncs(); err != nil {
			return err
		}
	}
	for i := range b.Runs {
		b.Progress(f.name, int64(i), int64(b.Runs))
		r, u, client, err := b.once(ctx, s, f)
		if err != nil {
			return err
		}
		m.runs = append(m.runs, r)
		m.server, m.client = m.server.plus(u), m.client+client
	}
	b.row(b.loadRow(f, m))
	switch f.name {
	case "orders_256":
		b.perOrderRows(m)
	case "orders_1":
		return b.beyondSync(m)
	}
	return nil
}

// once is one run of a figure, with what the server and the client have used for it.
func (b *bench) once(ctx context.Context, s *server, f figure) (r run, u usage, client int64, err error) {
	l := &load{work: *f.work, addr: s.Addr, key: s.Key, secret: s.Secret, conns: f.conns, length: b.Run, ids: b.ids, next: &b.n}
	if !f.work.signed && !f.work.members {
		l.addr = s.Ceiling
	}
	if b.second != nil {
		l.second = b.second.Addr
	}
	if f.hot > 0 {
		l.ids = b.ids[:min(f.hot, len(b.ids))]
	}
	if f.first {
		if err := b.newcomersFill(s); err != nil {
			return r, u, 0, err
		}
		l.ids, l.turns = b.newcomers, true
	}
	var before, after usage
	if err = s.call("usage", nil, &before, nil); err != nil {
		return r, u, 0, err
	}
	cpu, _ := resources()
	if r, err = l.do(ctx); err != nil {
		return r, u, 0, err
	}
	now, _ := resources()
	if err = s.call("usage", nil, &after, nil); err != nil {
		return r, u, 0, err
	}
	if f.work.count != nil {
		f.work.count(&b.acked, r.Requests*f.work.items)
	}
	return r, after.minus(before), now - cpu, nil
}

// syncs measures the bare fsync; it is done before and after the one client, whose figure is held against it.
func (b *bench) syncs() error {
	ns, err := bareSync(b.dir)
	b.report.SyncUS = append(b.report.SyncUS, ns/1000)
	return err
}

// importRate is how many orders a second a file is made for: enough for a run of the length asked for.
const importRate = 15_000

func (b *bench) imports(s *server) error {
	var rates []float64
	for i := range b.Runs {
		b.Progress("import", int64(i), int64(b.Runs))
		orders := max(1, int(importRate*b.Run.Seconds()))
		first := b.n.Add(uint64(orders)) - uint64(orders) + 1
		path := filepath.Join(b.dir, "orders.csv")
		if err := writeOrders(path, orders, len(b.ids), first, time.Now()); err != nil {
			return err
		}
		var out importOut
		if err := s.call("import", importIn{path}, &out, nil); err != nil {
			return err
		}
		if out.Orders != int64(orders) || out.Others != 0 {
			b.fail("import: %d of %d orders are in, %d records are something else", out.Orders, orders, out.Others)
		}
		b.acked.Orders += out.Orders
		rates = append(rates, float64(out.Orders)*1000/float64(max(out.MS, 1)))
	}
	b.row(Row{Name: "import", Zh: "导入订单 CSV", En: "taking in a file of orders", Value: median(rates), Unit: perSecond, Runs: rates, target: target{least: b.half(15_000)}})
	return nil
}

// raw measures rows written by hand in groups, without HTTP and without rules: those of postings, and those of orders.
func (b *bench) raw(s *server, name string) error {
	var rates []float64
	for i := range b.Runs {
		b.Progress(name, int64(i), int64(b.Runs))
		var out rawOut
		if err := s.call("raw", rawIn{b.idsFile(), b.n.Load() + 1, b.Run, name == "raw_orders"}, &out, nil); err != nil {
			return err
		}
		b.n.Add(uint64(out.Done))
		rates = append(rates, float64(out.Done)*1e6/float64(max(out.US, 1)))
	}
	m := median(rates)
	if name == "raw_orders" {
		b.row(Row{Name: name, Zh: "手写 SQL 成组写入订单（上限）", En: "the rows of orders, hand-written in groups: the ceiling", Value: m, Unit: perSecond, Runs: rates})
		b.ratio("orders_to_raw", "完整订单 ÷ 手写成组 SQL", "orders ÷ hand-written groups", b.rate("orders_256"), m, 0.5)
		return nil
	}
	b.row(Row{Name: name, Zh: "手写 SQL 成组提交（上限）", En: "the rows of postings, hand-written in groups: the ceiling", Value: m, Unit: perSecond, Runs: rates})
	b.ratio("postings_to_raw", "发放积分 ÷ 手写成组 SQL", "postings ÷ hand-written groups", b.rate("postings_256"), m, 0.5)
	return nil
}
