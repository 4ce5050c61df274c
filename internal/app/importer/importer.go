// Package importer takes orders and refunds out of files into the programme: streaming, resumable, exactly once.
package importer

import (
	"context"
	"embed"
	"errors"
	"io"
	"path/filepath"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of unfinished imports.
var Schema = db.Schema{Feature: "importer", Files: files}

type run struct {
	ID     string // source and file
	Line   int64  // everything up to it is in
	Orders int64
}

var runs = db.NewTable(db.Spec[run, string]{
	Name: "import_run", Keys: 1, Cols: []string{"id", "line", "orders"},
	Row: func(r *run, p []any) []any { return append(p, &r.ID, &r.Line, &r.Orders) },
	Key: func(r *run) string { return r.ID },
})

// Importer takes files into one installation.
type Importer struct {
	DB      *db.DB
	Members *member.Service
	Orders  *order.Service
	// What follows is for files that come in over HTTP.
	Vault   *vault.Vault
	Zone    clock.Zone
	Folder  string
	uploads sync.Mutex // one part at a time
}

// Options of one import.
type Options struct {
	Source  string // names the system the order numbers belong to
	Channel string // where the file does not say
	Name    string // of the file, for resuming
	// OnProgress hears how many bytes of how many were read and how many records are in. It may be nil.
	OnProgress func(read, size, records int64)
}

// Refusal is a line that was not taken; it changed nothing.
type Refusal struct {
	Line  int    `json:"line"`
	No    string `json:"no,omitempty"`
	Code  string `json:"code"`
	Field string `json:"field,omitempty"`
	Zh    string `json:"zh"`
	En    string `json:"en"`
}

// Unmatched is an item of a refund for which no original order was found.
type Unmatched struct {
	Line   int    `json:"line"`
	No     string `json:"no"`
	SKU    string `json:"sku,omitempty"`
	Qty    int64  `json:"qty,omitempty"`
	Amount int64  `json:"amount_fen"`
	Guest  bool   `json:"guest,omitempty"`
}

// maxListed bounds the lists of a report; the counts always tell all.
const maxListed = 1000

// Report is what an import did.
type Report struct {
	Orders      int64       `json:"orders"`
	Guests      int64       `json:"guest_orders"` // of them, without a member
	Refunds     int64       `json:"refunds"`
	Repeated    int64       `json:"repeated"` // were in already: nothing changed
	Waiting     int64       `json:"waiting"`  // refunds that wait for their order
	Joined      int64       `json:"members_joined"`
	Refused     int64       `json:"refused"`
	Unmatched   int64       `json:"unmatched"`
	ResumedFrom int64       `json:"resumed_from_line,omitempty"`
	AmountFen   int64       `json:"amount_fen"`
	RefundedFen int64       `json:"refunded_fen"`
	Encoding    string      `json:"encoding"`
	Refusals    []Refusal   `json:"refusals"`
	Unmatches   []Unmatched `json:"unmatched_items"`
}

// Records is how many records of the file were looked at.
func (r *Report) Records() int64 { return r.Orders + r.Refunds + r.Repeated + r.Waiting + r.Refused }

type importing struct {
	*Importer
	opt     Options
	r       *orderfile.Reader
	mu      sync.Mutex // guards what follows: outcomes come from the writer
	report  Report
	members map[string]int64
	failed  error
	waiting sync.WaitGroup
}

const (
	saveEvery   = 1000
	maxInFlight = 1024
)

// Run takes a file in. It can be stopped anywhere, also by a crash, and run again: what is in stays in once.
func (im *Importer) Run(ctx context.Context, path string, ro orderfile.Options, opt Options) (Report, error) {
	opt.Name = opt.Source + "|" + filepath.Base(path)
	before, err := im.resume(ctx, opt.Name)
	if err != nil {
		return Report{}, err
	}
	ro.SkipLines = int(before.Line)
	r, err := orderfile.Open(path, ro)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = r.Close() }()
	return im.RunReader(ctx, r, opt, before.Line)
}

func (im *Importer) resume(ctx context.Context, name string) (before run, err error) {
	err = im.DB.View(ctx, func(v *db.View) error { before, _ = runs.Get(v, name); return nil })
	return before, err
}

// RunReader takes an opened file in, from where the reader stands.
func (im *Importer) RunReader(ctx context.Context, r *orderfile.Reader, opt Options, from int64) (Report, error) {
	x := &importing{Importer: im, opt: opt, r: r, members: map[string]int64{}, report: Report{Refusals: []Refusal{}, Unmatches: []Unmatched{}}}
	x.report.ResumedFrom = from
	err := x.read(ctx)
	x.waiting.Wait()
	x.report.Encoding = r.Encoding()
	if x.failed != nil {
		err = errors.Join(x.failed, err)
	}
	if err == nil {
		err = im.DB.Write(ctx, db.Op{Actor: "import"}, func(tx *db.Tx) error { runs.Delete(tx, opt.Name); return nil })
	}
	return x.report, err
}

func (x *importing) read(ctx context.Context) error {
	free := make(chan struct{}, maxInFlight)
	for n := int64(1); ; n++ {
		rec, err := x.r.Next()
		if errors.Is(err, io.EOF) {
			if x.opt.OnProgress != nil {
				x.opt.OnProgress(x.r.Size(), x.r.Size(), n-1)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.hasFailed() {
			return nil // RunReader tells why
		}
		if err := x.take(rec, free); err != nil {
			return err
		}
		if n%saveEvery == 0 {
			if err := x.save(rec.LastLine); err != nil {
				return err
			}
			if x.opt.OnProgress != nil {
				x.opt.OnProgress(x.r.Offset(), x.r.Size(), n)
			}
		}
	}
}

func (x *importing) hasFailed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.failed != nil
}

// save remembers how far the file is in. Writes run in order, so all before it are in when it is.
func (x *importing) save(line int) error {
	x.waiting.Add(1)
	return x.DB.WriteAsync(db.Op{Actor: "import"}, func(tx *db.Tx) error {
		runs.Get(tx, x.opt.Name)
		runs.Put(tx, run{ID: x.opt.Name, Line: int64(line)})
		return nil
	}, func(error) { x.waiting.Done() })
}

// outcome is what one record did; the function that fills it may run twice.
type outcome struct {
	member  int64
	joined  bool
	again   bool
	waiting bool
	refunds int64
	amount  int64
	left    []order.RefundLine
}

func (x *importing) take(rec orderfile.Record, free chan struct{}) error {
	if rec.Kind == orderfile.Refused {
		x.mu.Lock()
		x.refuse(Refusal{rec.Refusal.Line, rec.No, rec.Refusal.Code, rec.Refusal.Field, rec.Refusal.Zh, rec.Refusal.En})
		x.mu.Unlock()
		return nil
	}
	who := member.Identity{Kind: member.KindExternal, Issuer: x.opt.Source, Value: vault.Hide(rec.MemberRef)}
	op := db.Op{Actor: "import", Wants: order.Wants(x.opt.Source, rec.No)}
	if rec.MemberRef != "" {
		if w, err := x.Members.Want(who); err == nil {
			op.Wants = append(op.Wants, w)
		}
		x.mu.Lock()
		op.Owner = x.members[rec.MemberRef]
		x.mu.Unlock()
	}
	var out outcome
	free <- struct{}{}
	x.waiting.Add(1)
	err := x.DB.WriteAsync(op, func(tx *db.Tx) (err error) {
		out, err = x.one(tx, rec, who)
		return err
	}, func(err error) {
		x.done(rec, out, err)
		<-free
		x.waiting.Done()
	})
	if err != nil {
		x.waiting.Done()
	}
	return err
}

func (x *importing) one(tx *db.Tx, rec orderfile.Record, who member.Identity) (out outcome, err error) {
	if rec.MemberRef != "" {
		if err := x.findMember(tx, rec, who, &out); err != nil {
			return out, err
		}
	}
	if rec.Kind == orderfile.Order {
		_, out.again, err = x.Orders.Take(tx, x.orderOf(rec, out.member))
		out.amount = int64(rec.AmountFen)
		return out, err
	}
	if rec.OriginalNo != "" {
		o, err := x.Orders.Refund(tx, order.RefundIn{Source: x.opt.Source, OrderNo: rec.OriginalNo, No: rec.No,
			Amount: int64(rec.AmountFen), Lines: refundLines(rec), Occurred: rec.TimeMs})
		out.again, out.waiting, out.refunds, out.amount = o.Again, o.Waiting, 1, o.Refund.Amount
		return out, err
	}
	in := order.Unnamed{Source: x.opt.Source, No: rec.No, Lines: itemLines(rec), Amount: int64(rec.AmountFen), Occurred: rec.TimeMs}
	if out.member != 0 {
		in.Members = member.Family(tx, out.member)
	}
	u, err := x.Orders.RefundUnnamed(tx, in)
	out.again, out.left, out.refunds = u.Again, u.Left, int64(len(u.Refunds))
	for _, f := range u.Refunds {
		out.amount += f.Amount
	}
	return out, err
}

func (x *importing) findMember(tx *db.Tx, rec orderfile.Record, who member.Identity, out *outcome) error {
	found, ok, err := x.Members.Find(tx, who)
	if err != nil || ok {
		out.member = found.Member
		return err
	}
	m, isNew, err := x.Members.Join(tx, member.Join{Identities: []member.Identity{who}, Channel: x.channel(rec), Store: rec.Store,
		Source: x.opt.Source, JoinedAt: min(rec.TimeMs, tx.Now())})
	out.member, out.joined = m.ID, isNew
	return err
}

func (x *importing) channel(rec orderfile.Record) string {
	if rec.Channel != "" {
		return rec.Channel
	}
	return x.opt.Channel
}

func (x *importing) orderOf(rec orderfile.Record, memberID int64) order.In {
	in := order.In{Source: x.opt.Source, No: rec.No, Member: memberID, Amount: int64(rec.AmountFen), Channel: x.channel(rec), Store: rec.Store, Occurred: rec.TimeMs}
	for _, l := range rec.Lines {
		in.Lines = append(in.Lines, order.Line{SKU: l.SKU, Name: l.Name, Qty: l.Qty, Amount: int64(l.AmountFen)})
	}
	return in
}

// refundLines keeps items and their money for a refund that names its order.
func refundLines(rec orderfile.Record) []order.RefundLine {
	var out []order.RefundLine
	for _, l := range rec.Lines {
		if l.SKU == "" {
			return nil
		}
		out = append(out, order.RefundLine{SKU: l.SKU, Qty: l.Qty, Amount: int64(l.AmountFen)})
	}
	return out
}

// itemLines keeps items and quantities; the money that goes back is what was paid.
func itemLines(rec orderfile.Record) []order.RefundLine {
	var out []order.RefundLine
	for _, l := range rec.Lines {
		if l.SKU != "" {
			out = append(out, order.RefundLine{SKU: l.SKU, Qty: l.Qty, Amount: int64(l.AmountFen)})
		}
	}
	return out
}

// done counts an outcome; it is called by the writer, one at a time.
func (x *importing) done(rec orderfile.Record, out outcome, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		x.fail(rec, err)
		return
	}
	if out.member != 0 {
		x.members[rec.MemberRef] = out.member
	}
	if out.joined {
		x.report.Joined++
	}
	switch {
	case out.again:
		x.report.Repeated++
	case out.waiting:
		x.report.Waiting++
	case rec.Kind == orderfile.Order:
		x.report.Orders++
		x.report.AmountFen += out.amount
		if out.member == 0 {
			x.report.Guests++
		}
	default:
		if out.refunds > 0 {
			x.report.Refunds++
		}
		x.report.RefundedFen += out.amount
	}
	for _, l := range out.left {
		x.report.Unmatched++
		if len(x.report.Unmatches) < maxListed {
			x.report.Unmatches = append(x.report.Unmatches, Unmatched{rec.FirstLine, rec.No, l.SKU, l.Qty, l.Amount, out.member == 0})
		}
	}
}

// fail reports a refused record; a storage failure ends the import, which can be run again.
func (x *importing) fail(rec orderfile.Record, err error) {
	e := fault.As(err)
	if e == nil || e.Kind.Class == fault.Down || e.Kind.Class == fault.Unknown || e.Kind.Class == fault.Internal {
		if x.failed == nil {
			x.failed = err
		}
		return
	}
	x.refuse(Refusal{rec.FirstLine, rec.No, e.Kind.Code, e.Field, e.Text("zh"), e.Text("en")})
}

func (x *importing) refuse(r Refusal) {
	x.report.Refused++
	if len(x.report.Refusals) < maxListed {
		x.report.Refusals = append(x.report.Refusals, r)
	}
}
