package bench

import (
	"fmt"
	"time"
)

// Row is one line of the report: a figure beside its target.
type Row struct {
	Name    string    `json:"name"`
	Zh      string    `json:"zh"`
	En      string    `json:"en"`
	Value   float64   `json:"value"` // the median of the runs
	Unit    string    `json:"unit"`
	Runs    []float64 `json:"runs,omitempty"`
	P50     float64   `json:"p50_ms,omitempty"`
	P99     float64   `json:"p99_ms,omitempty"`
	Target  string    `json:"target,omitempty"`
	Verdict string    `json:"verdict,omitempty"`
	Error   string    `json:"error,omitempty"` // the first wrong answer
	target
}

// The verdicts. A figure without a target has none; one with a wrong answer is no figure.
const (
	OK    = "ok"
	Short = "short"
	Fail  = "FAIL"
)

// The units.
const (
	perSecond = "/s"
	inMs      = "ms"
	inUs      = "µs"
	times     = "×"
	each      = ""
)

// target is what a row is held against; zero asks nothing.
type target struct {
	least, most, p99 float64
}

func (t target) asks() bool { return t != target{} }

func (t target) text(unit string) string {
	s := ""
	if t.least > 0 {
		s = fmt.Sprintf("≥ %s %s", short(t.least), unit)
	}
	if t.most > 0 {
		s = fmt.Sprintf("≤ %s %s", short(t.most), unit)
	}
	if t.p99 > 0 {
		s += fmt.Sprintf(", p99 < %s ms", short(t.p99))
	}
	return s
}

// judge holds the row against its target.
func (r *Row) judge() {
	t := r.target
	switch {
	case r.Error != "":
		r.Verdict = Fail
	case !t.asks():
		return
	case t.least > 0 && r.Value < t.least, t.most > 0 && r.Value > t.most, t.p99 > 0 && r.P99 >= t.p99:
		r.Verdict = Short
	default:
		r.Verdict = OK
	}
	r.Target = t.text(r.Unit)
}

// short writes a number with three digits at least.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Line is the row as a line of a table.
func (r *Row) Line(lang string) string {
	name := r.Zh
	if lang == "en" {
		name = r.En
	}
	latency := ""
	if r.P50 > 0 {
		latency = fmt.Sprintf("p50 %s ms  p99 %s ms", short(r.P50), short(r.P99))
	}
	line := fmt.Sprintf("%-16s %10s %-3s %-31s %-5s %s", r.Name, short(r.Value), r.Unit, latency, r.Verdict, name)
	if r.Target != "" {
		line += "  [" + r.Target + "]"
	}
	if r.Error != "" {
		line += "  " + r.Error
	}
	return line
}

// Report is everything that was measured.
type Report struct {
	Well       bool       `json:"well"` // nothing lost, nothing refused, the books right; figures may be short
	FileSystem string     `json:"file_system"`
	Members    int        `json:"members"`
	Entries    int64      `json:"entries"` // at the end
	Big        bool       `json:"big"`
	Seconds    float64    `json:"seconds"`
	Runs       int        `json:"runs"`
	Rows       []Row      `json:"rows"`
	Problems   []string   `json:"problems"`
	SyncUS     []float64  `json:"fsync_us,omitempty"`
	Reads      []readsOut `json:"reads,omitempty"`
}

// judge gives the report its last word.
func (r *Report) judge() {
	r.Well = len(r.Problems) == 0
	for _, row := range r.Rows {
		r.Well = r.Well && row.Verdict != Fail
	}
}

// half is a target as it stands for a big programme, which need reach half of it.
func (b *bench) half(v float64) float64 {
	if b.Big {
		return v / 2
	}
	return v
}

// bigP99 is how slow the slowest hundredth may be in a big programme.
const bigP99 = 300

// loadRow makes the row of a figure: medians of its runs.
func (b *bench) loadRow(f figure, m measured) Row {
	if b.URL != "" && f.remote > 0 {
		f.least = f.remote
	}
	r := Row{Name: f.name, Zh: f.zh, En: f.en, Unit: perSecond, target: target{least: b.half(f.least), p99: ms(int64(f.p99))}}
	if b.Big && f.p99 > 0 {
		r.p99 = bigP99
	}
	var p50, p99 []float64
	for i := range m.runs {
		x := &m.runs[i]
		r.Runs = append(r.Runs, x.rate(f.work.items))
		p50, p99 = append(p50, ms(x.Hist.Quantile(500))), append(p99, ms(x.Hist.Quantile(990)))
		if x.Errors > 0 && r.Error == "" {
			r.Error = fmt.Sprintf("%d connections ended by: %s", x.Errors, x.First)
		}
	}
	r.Value, r.P50, r.P99 = median(r.Runs), median(p50), median(p99)
	return r
}

func ms(ns int64) float64 { return float64(ns) / float64(time.Millisecond) }

// perOrderRows tells what one order costs.
func (b *bench) perOrderRows(m measured) {
	var orders int64
	for _, r := range m.runs {
		orders += r.Requests
	}
	if orders == 0 {
		return
	}
	per := func(name, zh, en, unit string, n int64) {
		b.row(Row{Name: name, Zh: zh, En: en, Unit: unit, Value: float64(n) / float64(orders)})
	}
	u := m.server
	per("statements", "每单 SQL 语句", "statements an order", each, u.Statements)
	per("rows", "每单写入行数", "rows written an order", each, u.Rows)
	per("commits", "每单提交（fsync）", "commits (fsyncs) an order", each, u.Commits)
	per("allocations", "每单内存分配次数（服务端）", "allocations an order, of the server", each, u.Allocations)
	per("server_cpu", "每单服务端 CPU", "CPU of the server an order", inUs, u.CPU)
	per("client_cpu", "每单客户端 CPU", "CPU of the client an order", inUs, m.client)
}

// beyondSync holds one client against the bare fsync.
func (b *bench) beyondSync(m measured) error {
	if err := b.syncs(); err != nil {
		return err
	}
	bare := median(b.report.SyncUS) / 1000
	b.row(Row{Name: "fsync", Zh: "4 KiB 追加并 fsync", En: "an fsync of 4 KiB appended", Value: bare, Unit: inMs})
	var p50 []float64
	for i := range m.runs {
		p50 = append(p50, ms(m.runs[i].Hist.Quantile(500)))
	}
	b.row(Row{Name: "beyond_fsync", Zh: "单客户端下单 p50 减去 fsync", En: "p50 of one client beyond the fsync", Value: max(0, median(p50)-bare), Unit: inMs,
		target: target{most: 2}})
	return nil
}

// maxMemory is what a server may need, in MiB.
const maxMemory = 150

func memoryRow(u usage) Row {
	return Row{Name: "memory", Zh: "服务端内存峰值（RSS）", En: "most resident memory of the server", Value: float64(u.PeakMB), Unit: "MiB", target: target{most: maxMemory}}
}

func checkRow(c checkOut, big bool) Row {
	r := Row{Name: "check", Zh: fmt.Sprintf("核对全部 %d 笔流水的余额", c.Entries), En: fmt.Sprintf("checking all balances over %d entries", c.Entries),
		Value: float64(c.MS), Unit: inMs}
	if big {
		r.most = 10_000
	}
	return r
}

// growth is by how much a read may be slower in the largest programme than in the smallest, a hundredth of it: a level
// more of a tree, and pages that are no longer in memory.
const growth = 2

// readRows adds how long reads take at each size.
func (b *bench) readRows() {
	if len(b.report.Reads) == 0 {
		return
	}
	for _, r := range b.report.Reads {
		at := fmt.Sprintf("%d", r.Members)
		b.row(Row{Name: "ahead", Zh: "“超过 N% 会员”，会员数 " + at, En: "ahead of N %, of " + at + " members", Value: r.AheadUS, Unit: inUs})
		b.row(Row{Name: "balance", Zh: "读取余额，会员数 " + at, En: "a balance, of " + at + " members", Value: r.BalanceUS, Unit: inUs})
	}
	first, last := b.report.Reads[0], b.report.Reads[len(b.report.Reads)-1]
	if first.Members == last.Members {
		return
	}
	grown := func(name, zh, en string, from, to float64) {
		b.row(Row{Name: name, Zh: zh, En: en, Value: to / from, Unit: times, target: target{most: growth}})
	}
	grown("ahead_growth", "“超过 N% 会员”随会员数增长", "growth of ahead of N %", first.AheadUS, last.AheadUS)
	grown("balance_growth", "余额读取随会员数增长", "growth of a balance", first.BalanceUS, last.BalanceUS)
}

// rate is the median rate of a figure, 0 when it was not measured.
func (b *bench) rate(name string) float64 {
	for _, r := range b.report.Rows {
		if r.Name == name {
			return r.Value
		}
	}
	return 0
}

// ratio adds a row that holds two figures against each other, when both were measured.
func (b *bench) ratio(name, zh, en string, of, to, least float64) {
	if of > 0 && to > 0 {
		b.row(Row{Name: name, Zh: zh, En: en, Value: of / to, Unit: times, target: target{least: least}})
	}
}

// derive adds what follows from the figures.
func (b *bench) derive() {
	orders, postings := b.rate("orders_256"), b.rate("postings_256")
	b.ratio("hot_orders_ratio", "热点订单 ÷ 分散订单", "hot orders ÷ spread ones", b.rate("hot_orders"), orders, 0.5)
	b.ratio("hot_post_ratio", "热点记账 ÷ 分散记账", "hot postings ÷ spread ones", b.rate("hot_posting"), postings, 0.5)
	b.ratio("orders_to_naive", "订单 ÷ 朴素写法", "orders ÷ the naive form", orders, b.rate("naive_orders"), 5)
	b.ratio("posts_to_naive", "记账 ÷ 朴素写法", "postings ÷ the naive form", postings, b.rate("naive_postings"), 5)
	b.ratio("pair_to_one", "两个进程 ÷ 一个进程（订单）", "two processes ÷ one, orders", b.rate("pair_orders"), orders, 1)
	b.ratio("posts_pair_to_one", "两个进程 ÷ 一个进程（记账）", "two processes ÷ one, postings", b.rate("pair_postings"), postings, 1)
	b.ratio("posts_to_plain", "记账 ÷ 手写处理器", "postings ÷ the plain handler", postings, b.rate("plain_sql"), 5)
}
