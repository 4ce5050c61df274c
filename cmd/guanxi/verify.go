package main

import (
	"context"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

// verified is the result of verify.
type verified struct {
	ledger.Verified
	OplogRows  int64           `json:"oplog_rows"`
	OplogWrong *staff.LogFault `json:"oplog_wrong,omitempty"`
	Quick      bool            `json:"quick"`
}

// verify recomputes everything from genesis on a snapshot, beside a running server or without one.
func verify(ctx context.Context, c *cli) (any, error) {
	quick := c.flags.Bool("quick", false, "only each balance against the sum of its entries")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	a, err := c.open(ctx, false)
	if fault.Is(err, db.ErrLocked) { // a server is at work: read beside it
		a, err = c.open(ctx, true)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	var out verified
	err = a.DB.View(ctx, func(v *db.View) error {
		if *quick {
			out.Quick = true
			out.Accounts, out.Entries, out.Wrong = ledger.CheckBalances(v)
			return nil
		}
		out.Verified = ledger.Verify(v, nil)
		out.OplogRows, out.OplogWrong = staff.VerifyLog(v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.say("流水 %d，账户 %d，批次 %d，封印 %d，操作日志 %d", "%d entries, %d accounts, %d lots, %d seals, %d log rows",
		out.Entries, out.Accounts, out.Lots, out.Seals, out.OplogRows)
	for _, w := range out.Wrong {
		c.say("错误：%s %s：%s", "wrong: %s %s: %s", w.Table, w.Row, w.What)
	}
	if out.OplogWrong != nil {
		c.say("操作日志被改动：%+v", "the operation log was changed: %+v", *out.OplogWrong)
	}
	if len(out.Wrong) > 0 || out.OplogWrong != nil {
		return out, errNotWell
	}
	c.say("全部一致。链头 %s", "All is right. Head of the chain %s", out.Head)
	return out, nil
}
