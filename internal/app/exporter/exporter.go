// Package exporter writes every list of the console as a file (导出): a task with progress, CSV or XLSX, downloaded by
// whoever asked for it, for a day.
//
// Invariants:
//   - Nobody exports what they may not see: each list has its permission, a store's people get their stores.
//   - Personal fields are masked unless the asker may see them in clear and gives a reason. More members than the limit
//     take a second person.
//   - The file stands sealed on the disk, and is gone after a day.
//   - A cell is never run as a formula.
package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/task"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/entry"
	"guanxi/internal/edge/webhook"
	"guanxi/internal/loyalty/insight"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/staff"
)

// The faults of exports.
var (
	ErrList   = fault.Define("export.no_list", fault.NotFound, "没有这个列表：{list}", "There is no such list: {list}")
	ErrFilter = fault.Define("export.filter", fault.Invalid, "筛选条件无效：{filter}", "The filter is not valid: {filter}")
	ErrGone   = fault.Define("export.gone", fault.NotFound, "文件尚未生成或已过期", "The file is not there yet, or no longer")
	ErrLong   = fault.Define("export.too_long", fault.Invalid, "超过 {most} 行，请缩小筛选范围", "More than {most} rows: narrow the filter")
)

// Order is what somebody wants exported.
type Order struct {
	List   string            `json:"list"`
	Format string            `json:"format"`
	Filter map[string]string `json:"filter,omitempty"`
	Lang   string            `json:"lang"`
	Clear  bool              `json:"clear,omitempty"` // personal fields unmasked
	Rows   int64             `json:"rows"`            // that it has, as far as was counted
	All    bool              `json:"all"`             // of all stores
	Stores []string          `json:"stores,omitempty"`
	Owner  string            `json:"owner"`
	Asker  int64             `json:"asker,string,omitempty"`
	Kinds  []string          `json:"kinds,omitempty"` // of approvals that the asker may decide
	Reason string            `json:"reason,omitempty"`
}

// Column is one column of a list.
type Column struct{ Zh, En string }

// List is something that can be exported.
type List struct {
	Name, Zh, En string
	Perm         string
	Personal     bool     // it names people
	Everybody    bool     // whoever is signed in has one: of what they may see
	ByStore      bool     // a store's people get their stores of it
	Filters      []string // that it knows
	Columns      []Column
	// Rows gives a page of rows behind a place, and the place behind them; "" ends.
	Rows func(v *db.View, o Order, place string) (rows [][]any, next string, err error)
}

// Exporter writes exports of one installation.
type Exporter struct {
	staff.Desk
	Members  *member.Service
	Vault    *vault.Vault
	Insight  insight.Console
	Entry    *entry.Service
	Webhooks *webhook.Service
	Folder   string
	MaxRows  int64 // of one file; 0 is a million
}

const (
	page     = 500
	mostRows = 1_000_000 // what a sheet of a workbook holds, nearly
	keepFor  = clock.Day
)

// Export is the task that writes a file.
const (
	Export task.Kind[Order]   = "export.run"
	sweep  job.Kind[job.Slot] = "export.sweep"
	bigOne staff.Needs[Order] = "export.members"
)

func (e *Exporter) list(name string) (List, error) {
	lists := e.Lists()
	i := slices.IndexFunc(lists, func(l List) bool { return l.Name == name })
	if i < 0 {
		return List{}, ErrList.With("list", name)
	}
	return lists[i], nil
}

func (e *Exporter) most() int64 {
	if e.MaxRows > 0 {
		return e.MaxRows
	}
	return mostRows
}

// RegisterTasks adds the background work of exports.
func (e *Exporter) RegisterTasks(r *job.Runner) {
	task.Register(r, Export, task.Spec{Zh: "导出", En: "Export"}, e.run)
	job.Register(r, sweep, job.Spec{Zh: "清理导出文件", En: "Remove exported files"}, e.sweep)
	r.Schedule(job.Every(sweep, clock.Hour))
}

// Deeds says what happens when somebody agrees to a large export of members.
func (e *Exporter) Deeds() error { return e.deed().Register(e.Staff) }

func (e *Exporter) deed() staff.Deed[Order] {
	return staff.Deed[Order]{Kind: bigOne, Zh: "导出会员", En: "Export members", Perm: "export.members", Agree: "approve.exports",
		Alone: func(tx *db.Tx, who staff.Who, o Order) error {
			if o.Rows <= e.Staff.LimitNow(tx, staff.ExportRows) {
				return nil
			}
			return staff.Second(tx, who, func(f staff.FourEyes) bool { return f.Exports }, "approve.exports")
		},
		Do: e.start}
}

// start asks for the task; the log says what was exported and never what stood in it.
func (e *Exporter) start(tx *db.Tx, o Order) (staff.Act, error) {
	row, err := task.Start(tx, Export, o.Owner, o)
	return staff.Act{What: "export.run", Targets: []int64{row.ID}, New: map[string]any{"list": o.List, "format": o.Format, "clear": o.Clear, "rows": o.Rows}}, err
}

func (e *Exporter) path(id int64) string { return filepath.Join(e.Folder, fmt.Sprint(id, ".sealed")) }

func place(id int64) vault.Place { return vault.Place{Table: "task", Row: id, Column: "file"} }

// Written is the result of an export.
type Written struct {
	List   string `json:"list"`
	Format string `json:"format"`
	Rows   int64  `json:"rows"`
	Until  int64  `json:"until"` // when the file is gone
}

func (e *Exporter) run(ctx context.Context, t *task.Task, o Order) (any, error) {
	l, err := e.list(o.List)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(e.Folder, 0o750); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(e.path(t.ID()), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	sealed := e.Vault.SealFile(f, place(t.ID()))
	n, err := e.write(ctx, t, l, o, sealed)
	if err == nil {
		err = sealed.Close()
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(e.path(t.ID())))
	}
	return Written{o.List, o.Format, n, e.DB.Clock().Now() + keepFor}, nil
}

func (e *Exporter) write(ctx context.Context, t *task.Task, l List, o Order, w io.Writer) (n int64, err error) {
	var s sheet
	if o.Format == "xlsx" {
		s, err = newXLSX(w, e.Zone)
	} else {
		s, err = newCSV(w, e.Zone)
	}
	if err != nil {
		return 0, err
	}
	head := make([]any, len(l.Columns))
	for i, c := range l.Columns {
		head[i] = map[bool]string{true: c.En, false: c.Zh}[o.Lang == "en"]
	}
	if err := s.row(head); err != nil {
		return 0, err
	}
	err = e.walk(ctx, l, o, func(row []any) error {
		if n++; n > e.most() {
			return ErrLong.With("most", e.most())
		}
		return s.row(row)
	}, func() error { return t.Step(ctx, n, max(o.Rows, n), "") })
	if err != nil {
		return n, err
	}
	return n, s.close()
}

// walk hands out all rows of a list, a page in a view, so that no view stays open while somebody's disk is slow.
func (e *Exporter) walk(ctx context.Context, l List, o Order, row func([]any) error, paged func() error) error {
	for at := ""; ; {
		var rows [][]any
		var next string
		err := e.DB.View(ctx, func(v *db.View) (err error) {
			rows, next, err = l.Rows(v, o, at)
			return err
		})
		if err != nil {
			return err
		}
		for _, one := range rows {
			if err := row(one); err != nil {
				return err
			}
		}
		if err := paged(); err != nil || next == "" {
			return err
		}
		at = next
	}
}

var errEnough = errors.New("exporter: counted far enough")

// count counts the rows of an order up to one more than a limit.
func (e *Exporter) count(ctx context.Context, l List, o Order, limit int64) (n int64, err error) {
	err = e.walk(ctx, l, o, func([]any) error {
		if n++; n > limit {
			return errEnough
		}
		return nil
	}, func() error { return ctx.Err() })
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}

// sweep removes files that are a day old.
func (e *Exporter) sweep(_ context.Context, _ *job.Run, s job.Slot) error {
	found, err := os.ReadDir(e.Folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, f := range found {
		info, ierr := f.Info()
		if ierr != nil {
			continue // it went meanwhile
		}
		if info.ModTime().UnixMilli() < s.At-keepFor {
			err = errors.Join(err, os.Remove(filepath.Join(e.Folder, f.Name())))
		}
	}
	return err
}

// number reads a filter that is a number.
func (o *Order) number(name string) (int64, error) {
	t := o.Filter[name]
	if t == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil || n < 0 {
		return 0, ErrFilter.With("filter", name).At("filter")
	}
	return n, nil
}

// within narrows the stores of the asker to the one that is asked for; none says that nothing is left.
func (o *Order) within() (stores []string, none bool) {
	stores = staff.Within(o.Stores, o.All, o.Filter["store"])
	return stores, !o.All && len(stores) == 0
}
