package cashier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/loyalty/payment"
)

// RegisterJobs adds the background work of the cashier.
func (c *Cashier) RegisterJobs(r *job.Runner) {
	job.Register(r, payment.SendRefund, job.Spec{Zh: "向微信支付申请退款", En: "Ask WeChat Pay for a refund", Backoff: job.Backoff{First: 5 * clock.Second, Max: clock.Hour}, MaxAttempts: 40},
		c.sendRefund)
	job.Register(r, payment.Learn, job.Spec{Zh: "查询退款先到的收款", En: "Ask about a payment that only its refund told of"}, c.learnOf)
	job.Register(r, payment.Poll, job.Spec{Zh: "查询未通知的收款与退款", En: "Ask about payments and refunds nobody told of"}, c.poll)
	job.Register(r, payment.Bill, job.Spec{Zh: "核对微信支付日账单", En: "Compare with WeChat Pay's daily bill", Backoff: job.Backoff{First: 5 * clock.Minute, Max: clock.Hour}, MaxAttempts: 20}, c.compareBills)
	r.Schedule(job.Every(payment.Poll, clock.Minute), job.Daily(payment.Bill, 10, 20))
	c.registerCards(r)
}

const atOnce = 100

// poll asks about everything that is due. One that can't be asked waits for its next turn and holds up nobody.
func (c *Cashier) poll(ctx context.Context, run *job.Run, _ job.Slot) error {
	c.ensureForms(ctx)
	if len(c.byMch) == 0 {
		return nil
	}
	c.ensureCards(ctx)
	var due []payment.Payment
	var back []payment.Refund
	if err := c.DB.View(ctx, func(v *db.View) error {
		due, back = payment.Due(v, atOnce), payment.DueRefunds(v, atOnce)
		return nil
	}); err != nil {
		return err
	}
	var failed error
	for _, p := range due {
		failed = errors.Join(failed, c.ask(ctx, p))
	}
	for _, f := range back {
		failed = errors.Join(failed, c.askRefund(ctx, f))
	}
	return failed
}

// learnOf books a payment that was made elsewhere and that only its refund has told of.
func (c *Cashier) learnOf(ctx context.Context, _ *job.Run, n payment.Number) error {
	client := c.byMch[n.Mch]
	if client == nil {
		return nil
	}
	t, err := client.Query(ctx, n.No)
	if err != nil {
		return giveUp(err)
	}
	if t.MchID != n.Mch || t.No != n.No || t.State != pay.StateSuccess && t.State != pay.StateRefund {
		return nil
	}
	_, err = c.write(ctx, "wechat:query", func(tx *db.Tx) error { return c.learn(tx, t, payment.ByQuery) })
	return err
}

// refundAt reads a refund and its payment.
func (c *Cashier) refundAt(ctx context.Context, id int64) (f payment.Refund, p payment.Payment, client *pay.Client, err error) {
	err = c.DB.View(ctx, func(v *db.View) error {
		f, _ = payment.GetRefund(v, id)
		p, _ = payment.Get(v, f.Payment)
		return nil
	})
	return f, p, c.byMch[p.Mch], err
}

// sendRefund tells the platform of a refund, always under the same number.
func (c *Cashier) sendRefund(ctx context.Context, _ *job.Run, id int64) error {
	f, p, client, err := c.refundAt(ctx, id)
	if err != nil || client == nil || f.State != payment.Asked {
		return err
	}
	r, err := client.Refund(ctx, pay.RefundOrder{No: p.No, RefundNo: f.No, Reason: f.Reason, NotifyURL: c.notifyURL(client, p.App),
		Amount: pay.RefundMoney{Refund: f.Amount, Total: p.Amount, Currency: "CNY"}})
	if err == nil {
		return c.tellRefund(ctx, p, r)
	}
	switch pay.ClassOf(err) {
	case pay.Permanent, pay.Missing: // it will never be taken: the money stays, people must know why
		_, werr := c.write(ctx, "wechat:refund", func(tx *db.Tx) error {
			_, _, err := c.Payments.TakeRefund(tx, payment.RefundTold{Mch: p.Mch, No: p.No, RefundNo: f.No, State: payment.Failed, Amount: f.Amount, Total: p.Amount})
			return err
		})
		if werr != nil {
			return werr
		}
		return job.GiveUp(err)
	case pay.Config, pay.Business, pay.Pending, pay.Busy, pay.Unknown:
	}
	return err // NOT_ENOUGH and the like: later, with the same number
}

func (c *Cashier) tellRefund(ctx context.Context, p payment.Payment, r pay.Refunded) error {
	if r.No != p.No {
		return fmt.Errorf("wechat pay: the refund is of another order")
	}
	_, err := c.write(ctx, "wechat:refund", func(tx *db.Tx) error {
		_, _, err := c.Payments.TakeRefund(tx, payment.RefundTold{Mch: p.Mch, No: p.No, RefundNo: r.RefundNo, State: refundStates[r.Status], Amount: r.Amount.Refund,
			Total: r.Amount.Total, At: pay.ParseTime(r.SuccessTime)})
		return err
	})
	return err
}

func (c *Cashier) askRefund(ctx context.Context, f payment.Refund) error {
	_, p, client, err := c.refundAt(ctx, f.ID)
	if err != nil {
		return err
	}
	if client == nil {
		return c.laterRefund(ctx, f.ID)
	}
	r, err := client.QueryRefund(ctx, f.No)
	if err == nil {
		if refundStates[r.Status] == f.State { // abnormal still: look again tomorrow
			return c.laterRefund(ctx, f.ID)
		}
		return c.tellRefund(ctx, p, r)
	}
	return c.laterRefund(ctx, f.ID)
}

func (c *Cashier) laterRefund(ctx context.Context, id int64) error {
	return c.DB.Write(ctx, db.Op{Actor: "wechat:refund"}, func(tx *db.Tx) error {
		c.Payments.AskLater(tx, id)
		return nil
	})
}

// compareBills compares the day before a slot with every account's bill.
func (c *Cashier) compareBills(ctx context.Context, _ *job.Run, slot job.Slot) error {
	day := shanghaiDay(slot.At).AddDate(0, 0, -1)
	var failed error
	for _, client := range c.byMch {
		if err := c.CompareBill(ctx, client.MchID, day); err != nil {
			failed = errors.Join(failed, fmt.Errorf("bill of %s: %w", day.Format(time.DateOnly), err))
		}
	}
	return failed
}

var shanghai = time.FixedZone("CST", 8*3600)

func shanghaiDay(at int64) time.Time {
	y, m, d := time.UnixMilli(at).In(shanghai).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, shanghai)
}

// CompareBill takes in what a day's bill knows and we do not, and reports what we know and it does not.
func (c *Cashier) CompareBill(ctx context.Context, mch string, day time.Time) error {
	client := c.byMch[mch]
	bill, err := client.TradeBill(ctx, day.Format(time.DateOnly))
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(bill.Lines))
	for _, l := range bill.Lines {
		if l.MchID != mch {
			return fmt.Errorf("%w: a row of another merchant", pay.ErrBill)
		}
		if l.State == pay.StateSuccess {
			seen[l.No] = true
		}
		if err := c.takeLine(ctx, client, l); err != nil {
			return err
		}
	}
	var missing []payment.Payment
	err = c.DB.View(ctx, func(v *db.View) error {
		for _, p := range payment.PaidBetween(v, mch, day.UnixMilli(), day.AddDate(0, 0, 1).UnixMilli()) {
			if !seen[p.No] {
				missing = append(missing, p)
			}
		}
		return nil
	})
	for _, p := range missing {
		if err == nil {
			_, err = c.write(ctx, "wechat:bill", func(tx *db.Tx) error {
				c.Payments.Incident(tx, payment.NotInBill, p.Mch, p.No, day.Format(time.DateOnly))
				return nil
			})
		}
	}
	return err
}

func (c *Cashier) takeLine(ctx context.Context, client *pay.Client, l pay.Line) error {
	at, _ := time.ParseInLocation(time.DateTime, l.At, shanghai) // zero is now
	switch l.State {
	case pay.StateSuccess:
		_, err := c.write(ctx, "wechat:bill", func(tx *db.Tx) error {
			_, _, err := c.Payments.Take(tx, payment.Told{Mch: l.MchID, App: l.AppID, No: l.No, Transaction: l.TransactionID, OpenID: vault.Hide(l.OpenID),
				Amount: l.Total, At: max(at.UnixMilli(), 0), Learned: payment.ByBill})
			return err
		})
		return err
	case pay.StateRefund:
		state := refundStates[l.RefundState]
		if state != payment.Done { // what it says is of when it was written
			r, err := client.QueryRefund(ctx, l.RefundNo)
			if err != nil {
				return err
			}
			state = refundStates[r.Status]
		}
		_, err := c.write(ctx, "wechat:bill", func(tx *db.Tx) error {
			_, _, err := c.Payments.TakeRefund(tx, payment.RefundTold{Mch: l.MchID, No: l.No, RefundNo: l.RefundNo, State: state, Amount: l.Refund, At: max(at.UnixMilli(), 0)})
			return err
		})
		return err
	}
	return nil
}
