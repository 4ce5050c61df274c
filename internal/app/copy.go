package app

import (
	"context"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

// ErrNotRight tells that the books of a copy or a backup are not in order.
var ErrNotRight = fault.Define("copy.not_right", fault.Conflict,
	"核对不一致：{what}", "The books do not agree: {what}")

// Books are the figures by which two databases are held to be the same.
type Books struct {
	Rows    int64  `json:"rows,omitempty"`
	Entries int64  `json:"entries"`
	Lots    int64  `json:"lots"`
	Seals   int64  `json:"seals"`
	Head    string `json:"head"`
	Log     int64  `json:"oplog_rows"`
	At      int64  `json:"at"`
}

// BooksOf verifies everything from the first entry and gives the figures.
func BooksOf(ctx context.Context, d *db.DB) (b Books, err error) {
	err = d.View(ctx, func(v *db.View) error {
		out := ledger.Verify(v, nil)
		rows, wrong := staff.VerifyLog(v)
		b = Books{Entries: out.Entries, Lots: out.Lots, Seals: out.Seals, Head: out.Head, Log: rows, At: v.Now()}
		if len(out.Wrong) > 0 {
			return ErrNotRight.With("what", out.Wrong[0].Table+" "+out.Wrong[0].Row)
		}
		if wrong != nil {
			return ErrNotRight.With("what", "staff_oplog")
		}
		return nil
	})
	return b, err
}

// Same holds the figures to others, whenever they were taken.
func (b Books) Same(o Books) error {
	b.At, o.At, b.Rows, o.Rows = 0, 0, 0, 0
	if b != o {
		return ErrNotRight.With("what", b.Head+" ≠ "+o.Head)
	}
	return nil
}

// CopyTo copies the whole database to another, row by row, compares both and verifies the books on both sides.
func (a *App) CopyTo(ctx context.Context, to db.Options, progress func(db.Copied)) (b Books, err error) {
	target, err := db.Open(ctx, to)
	if err != nil {
		return b, err
	}
	defer func() { _ = target.Close() }()
	if err := target.Migrate(ctx, Schemas...); err != nil {
		return b, err
	}
	rows, err := a.DB.CopyTo(ctx, target, Schemas, progress)
	if err != nil {
		return b, err
	}
	mine, err := BooksOf(ctx, a.DB)
	if err != nil {
		return b, err
	}
	if b, err = BooksOf(ctx, target); err != nil {
		return b, err
	}
	b.Rows = rows
	return b, mine.Same(b)
}
