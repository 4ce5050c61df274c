package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/schollz/progressbar/v3"

	"guanxi/internal/app/importer"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/money"
	"guanxi/internal/edge/orderfile"
)

var errImportUsage = fault.Define("import.usage", fault.Invalid,
	"用法：guanxi import orders 文件.csv [--map order=列,time=列,member=列,amount=列] [--refund-prefix C] [--source 名称]",
	"Usage: guanxi import orders FILE.csv [--map order=COL,time=COL,member=COL,amount=COL] [--refund-prefix C] [--source NAME]")

var errImportFile = fault.Define("import.file", fault.NotFound,
	"文件不存在或无法读取", "The file does not exist or can't be read")

func importFile(ctx context.Context, c *cli) (any, error) {
	mapping := c.flags.String("map", "", "columns: order=COL,time=COL,member=COL,amount=COL, or sku,name,quantity,price for line files")
	prefix := c.flags.String("refund-prefix", "", "order numbers with this prefix are refunds")
	source := c.flags.String("source", "import", "the system the order numbers belong to")
	channel := c.flags.String("channel", "import", "the channel where the file has none")
	encoding := c.flags.String("encoding", orderfile.Auto, "utf-8, auto or gb18030")
	rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if len(rest) != 2 || rest[0] != "orders" {
		return nil, errImportUsage.New()
	}
	if _, err := os.Stat(rest[1]); err != nil {
		return nil, errImportFile.New().Because(err)
	}
	ro := orderfile.Options{RefundPrefix: *prefix, Zone: c.cfg.Zone, Encoding: *encoding}
	if *mapping != "" {
		if ro.Mapping, err = orderfile.ParseMap(*mapping); err != nil {
			return nil, err
		}
	}
	a, err := c.open(ctx, false)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Close() }()
	report, err := a.Importer.Run(ctx, rest[1], ro, importer.Options{Source: *source, Channel: *channel, OnProgress: c.progress(rest[1])})
	if err != nil {
		return report, err
	}
	c.tell(report)
	if err := c.saveLists(rest[1], report); err != nil {
		return report, err
	}
	if report.Refused > 0 {
		return report, errNotWell
	}
	return report, nil
}

// progress draws a bar with the rate and the time left; nothing when the last line is for machines.
func (c *cli) progress(path string) func(read, size, records int64) {
	if c.json {
		return nil
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil
	}
	bar := progressbar.NewOptions64(st.Size(), progressbar.OptionSetWriter(c.note), progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	return func(read, size, records int64) {
		bar.Describe(fmt.Sprintf("%d", records))
		_ = bar.Set64(read)
		if read >= size {
			_ = bar.Finish()
		}
	}
}

func (c *cli) tell(r importer.Report) {
	if r.Encoding != orderfile.UTF8 && r.Encoding != "" {
		c.say("文件编码是 %s，已转换后导入", "The file is %s: it was converted", r.Encoding)
	}
	c.say("订单 %d（其中非会员 %d），金额 ¥%s", "%d orders (%d of guests), ¥%s", r.Orders, r.Guests, money.Fen(r.AmountFen))
	c.say("退款 %d，金额 ¥%s；新会员 %d", "%d refunds, ¥%s; %d new members", r.Refunds, money.Fen(r.RefundedFen), r.Joined)
	if r.Repeated > 0 {
		c.say("重复 %d（已在库中，未改动）", "%d repeated (in already, nothing changed)", r.Repeated)
	}
	if r.Waiting > 0 {
		c.say("等待原订单的退款 %d", "%d refunds wait for their order", r.Waiting)
	}
	if r.Unmatched > 0 {
		c.say("未能匹配原订单的退款明细 %d", "%d refunded items without an original order", r.Unmatched)
	}
	for _, x := range r.Refusals {
		c.say("第 %d 行被拒：%s [%s]", "line %d refused: %s [%s]", x.Line, map[bool]string{true: x.En, false: x.Zh}[c.lang == "en"], x.Code)
	}
}

// saveLists keeps refused lines and unmatched items as files, for whoever mends them.
func (c *cli) saveLists(path string, r importer.Report) error {
	dir := filepath.Join(c.cfg.Data, "imports")
	base := filepath.Join(dir, filepath.Base(path))
	var refused, unmatched [][]string
	for _, x := range r.Refusals {
		refused = append(refused, []string{strconv.Itoa(x.Line), safeCell(x.No), x.Code, x.Field, x.Zh, x.En})
	}
	for _, x := range r.Unmatches {
		unmatched = append(unmatched, []string{strconv.Itoa(x.Line), safeCell(x.No), safeCell(x.SKU), strconv.FormatInt(x.Qty, 10), money.Fen(x.Amount).String(), strconv.FormatBool(x.Guest)})
	}
	if err := writeCSV(base+".refused.csv", []string{"line", "no", "code", "field", "zh", "en"}, refused); err != nil {
		return err
	}
	return writeCSV(base+".unmatched.csv", []string{"line", "no", "sku", "quantity", "amount", "guest"}, unmatched)
}

// safeCell keeps a spreadsheet from running a cell as a formula.
func safeCell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}

func writeCSV(path string, header []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	_ = w.Write(header)
	_ = w.WriteAll(rows)
	if err := w.Error(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
