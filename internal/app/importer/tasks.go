package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/task"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/orderfile"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/order"
)

// Settings say how a file is to be understood and where its orders come from.
type Settings struct {
	Source       string            `json:"source"`
	Channel      string            `json:"channel"`
	Mapping      map[string]string `json:"mapping"`
	RefundPrefix string            `json:"refund_prefix"`
	Encoding     string            `json:"encoding"`
}

// Try is what a dry run or a run of a file is told.
type Try struct {
	File int64 `json:"file,string"`
	Settings
}

// The tasks about files.
const (
	Check  task.Kind[Try]     = "import.check"
	Import task.Kind[Try]     = "import.run"
	sweep  job.Kind[job.Slot] = "import.sweep"
)

// Preview is what a dry run found: nothing was changed.
type Preview struct {
	Orders      int64     `json:"orders"`
	Refunds     int64     `json:"refunds"`
	Guests      int64     `json:"guest_orders"`
	Repeated    int64     `json:"repeated"` // are in already
	NewMembers  int64     `json:"new_members"`
	AmountFen   int64     `json:"amount_fen"`
	RefundedFen int64     `json:"refunded_fen"`
	Refused     int64     `json:"refused"`
	Refusals    []Refusal `json:"refusals"`
	Encoding    string    `json:"encoding"`
}

// RegisterTasks adds the background work of imports.
func (im *Importer) RegisterTasks(r *job.Runner) {
	task.Register(r, Check, task.Spec{Zh: "试导入", En: "Try an import"}, im.check)
	task.Register(r, Import, task.Spec{Zh: "导入订单", En: "Import orders"}, im.taskRun)
	job.Register(r, sweep, job.Spec{Zh: "清理导入文件", En: "Remove files of imports"}, im.sweep)
	r.Schedule(job.Daily(sweep, 4, 50))
}

func (im *Importer) open(ctx context.Context, t Try, skip int64) (*orderfile.Reader, File, io.Closer, error) {
	var f File
	err := im.DB.View(ctx, func(v *db.View) error {
		var ok bool
		if f, ok = Files.Get(v, t.File); !ok {
			return ErrNoFile.New()
		}
		return nil
	})
	if err != nil {
		return nil, f, nil, err
	}
	bytes, closer, err := im.reader(f)
	if err != nil {
		return nil, f, nil, err
	}
	r, err := orderfile.New(bytes, f.Size, orderfile.Options{Mapping: t.Mapping, RefundPrefix: t.RefundPrefix, Zone: im.Zone, Encoding: t.Encoding, SkipLines: int(skip)})
	if err != nil {
		return nil, f, nil, errors.Join(err, closer.Close())
	}
	return r, f, closer, nil
}

const checkBatch = 500

// check reads the whole file and looks up what is there already, a batch in a view, so that no view stays open for long.
func (im *Importer) check(ctx context.Context, t *task.Task, in Try) (any, error) {
	r, _, closer, err := im.open(ctx, in, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	c := checking{im: im, in: in, seen: map[string]bool{}, out: Preview{Refusals: []Refusal{}}}
	for {
		batch, end := make([]orderfile.Record, 0, checkBatch), false
		for len(batch) < checkBatch && !end {
			rec, err := r.Next()
			if end = errors.Is(err, io.EOF); end {
				break
			}
			if err != nil {
				return nil, err
			}
			batch = append(batch, rec)
		}
		if err := im.DB.View(ctx, func(v *db.View) error { return c.batch(v, batch) }); err != nil {
			return nil, err
		}
		if err := t.Step(ctx, r.Offset(), r.Size(), ""); err != nil {
			return nil, err
		}
		if end {
			c.out.Encoding = r.Encoding()
			return &c.out, nil
		}
	}
}

type checking struct {
	im   *Importer
	in   Try
	seen map[string]bool // members of the file
	out  Preview
}

func (c *checking) batch(v *db.View, list []orderfile.Record) error {
	for _, rec := range list {
		if rec.Kind == orderfile.Refused {
			c.out.Refused++
			if len(c.out.Refusals) < maxListed {
				c.out.Refusals = append(c.out.Refusals, Refusal{rec.Refusal.Line, rec.No, rec.Refusal.Code, rec.Refusal.Field, rec.Refusal.Zh, rec.Refusal.En})
			}
			continue
		}
		if order.Known(v, c.in.Source, rec.No, rec.Kind == orderfile.Refund) {
			c.out.Repeated++
			continue
		}
		if rec.Kind == orderfile.Refund {
			c.out.Refunds, c.out.RefundedFen = c.out.Refunds+1, c.out.RefundedFen+int64(rec.AmountFen)
			continue
		}
		c.out.Orders, c.out.AmountFen = c.out.Orders+1, c.out.AmountFen+int64(rec.AmountFen)
		if rec.MemberRef == "" {
			c.out.Guests++
			continue
		}
		if err := c.member(v, rec.MemberRef); err != nil {
			return err
		}
	}
	return nil
}

func (c *checking) member(v *db.View, ref string) error {
	if c.seen[ref] {
		return nil
	}
	c.seen[ref] = true
	_, ok, err := c.im.Members.Find(v, member.Identity{Kind: member.KindExternal, Issuer: c.in.Source, Value: vault.Hide(ref)})
	if err == nil && !ok {
		c.out.NewMembers++
	}
	return err
}

// taskRun takes the file in, and goes on where an attempt before it was cut off.
func (im *Importer) taskRun(ctx context.Context, t *task.Task, in Try) (any, error) {
	name := fmt.Sprint("upload:", in.File)
	before, err := im.resume(ctx, name)
	if err != nil {
		return nil, err
	}
	r, f, closer, err := im.open(ctx, in, before.Line)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closer.Close() }()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	report, err := im.RunReader(ctx, r, Options{Source: in.Source, Channel: in.Channel, Name: name, OnProgress: func(read, size, _ int64) {
		if err := t.Step(ctx, read, size, ""); err != nil {
			stop(err)
		}
	}}, before.Line)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if err != nil {
		return nil, errors.Join(err, im.mark(context.WithoutCancel(ctx), t, f.ID, Ready))
	}
	return report, im.mark(ctx, t, f.ID, Taken)
}

func (im *Importer) mark(ctx context.Context, t *task.Task, id int64, state string) error {
	return t.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		f, ok := Files.Get(tx, id)
		if !ok {
			return nil
		}
		f.State = state
		Files.Put(tx, f)
		return nil
	})
}

// keepDays is how long the bytes of a file are kept: they may name people.
const keepDays = 7

func (im *Importer) sweep(ctx context.Context, run *job.Run, _ job.Slot) error {
	var old []File
	err := im.DB.View(ctx, func(v *db.View) error {
		for _, f := range FilesBefore(v, Filter{}, 0, 10_000) {
			if f.Created < v.Now()-keepDays*clock.Day {
				old = append(old, f)
			}
		}
		return nil
	})
	for _, f := range old {
		if rm := os.Remove(im.path(f.ID)); rm != nil && !errors.Is(rm, os.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}
