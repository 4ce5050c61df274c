package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"guanxi/internal/app"
	"guanxi/internal/app/heads"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

var errHeadsFile = fault.Define("verify.heads", fault.Invalid,
	"{file} 不是导出的链头文件", "{file} is no file of exported heads")

// verified is the result of verify.
type verified struct {
	ledger.Verified
	OplogRows  int64           `json:"oplog_rows"`
	Signed     int             `json:"signed_heads"`
	SignedBad  []heads.Fault   `json:"signed_heads_wrong,omitempty"`
	OplogWrong *staff.LogFault `json:"oplog_wrong,omitempty"`
	Quick      bool            `json:"quick"`
}

// verify recomputes everything from genesis on a snapshot, beside a running server or without one.
func verify(ctx context.Context, c *cli) (any, error) {
	quick := c.flags.Bool("quick", false, "only each balance against the sum of its entries")
	known := c.flags.String("heads", "", "a file of signed heads that was kept elsewhere: the chains must still lead through them")
	export := c.flags.String("export-heads", "", "write the signed heads as they are now to a file, when all is right")
	if _, err := c.parse(); err != nil {
		return nil, err
	}
	var exported, now app.Heads
	if err := readHeads(*known, &exported); err != nil {
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
			out.Quick, now = true, a.HeadsNow(v)
			return nil
		}
		out.Verified = ledger.Verify(v, nil)
		out.OplogRows, out.OplogWrong = staff.VerifyLog(v)
		out.Signed, out.SignedBad = a.CheckHeads(v, exported.Heads)
		now = a.HeadsNow(v)
		return nil
	})
	if err == nil && *quick {
		var all ledger.Checked
		all, err = ledger.CheckAll(ctx, a.DB)
		out.Accounts, out.Entries, out.Wrong = all.Accounts, all.Entries, all.Wrong
	}
	if err != nil {
		return nil, err
	}
	c.say("流水 %d，账户 %d，批次 %d，封印 %d，操作日志 %d，签名链头 %d", "%d entries, %d accounts, %d lots, %d seals, %d log rows, %d signed heads",
		out.Entries, out.Accounts, out.Lots, out.Seals, out.OplogRows, out.Signed)
	for _, w := range out.Wrong {
		c.say("错误：%s %s：%s", "wrong: %s %s: %s", w.Table, w.Row, w.What)
	}
	if out.OplogWrong != nil {
		c.say("操作日志被改动：%+v", "the operation log was changed: %+v", *out.OplogWrong)
	}
	for _, h := range out.SignedBad {
		c.say("签名链头不符：%s %d：%s", "a signed head is not borne out: %s %d: %s", h.Chain, h.Seq, h.What)
	}
	if len(out.Wrong) > 0 || out.OplogWrong != nil || len(out.SignedBad) > 0 {
		return out, errNotWell
	}
	if err := writeHeads(*export, now); err != nil {
		return out, err
	}
	c.say("全部一致。链头 %s", "All is right. Head of the chain %s", out.Head)
	return out, nil
}

func readHeads(file string, into *app.Heads) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil || len(into.Heads) == 0 {
		return errors.Join(errHeadsFile.With("file", file), err)
	}
	return nil
}

func writeHeads(file string, h app.Heads) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}
