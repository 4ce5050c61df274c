package cashier

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/loyalty/payment"
)

const maxBody = 1 << 20

// Hook is the door of notifications: it verifies before it looks, books before it answers, and says 204 only for what is
// durable. The platform hears a 4xx for what it should send again at most to no avail, a 5xx when we can't just now.
func (c *Cashier) Hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "正文过大或无法读取")
		return
	}
	status, words := c.Deliver(r.Context(), r.PathValue("app"), r.Header, body)
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	fail(w, status, words)
}

func fail(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": "FAIL", "message": words})
}

// Deliver takes one notification and gives the status of its answer.
func (c *Cashier) Deliver(ctx context.Context, app string, h http.Header, body []byte) (status int, words string) {
	client := c.byApp[app]
	if client == nil {
		c.flood(ctx, payment.UnknownApp, "", "")
		return http.StatusNotFound, "未知应用"
	}
	n, err := client.Open(ctx, h, body)
	if err != nil {
		var net *pay.Error
		if errors.As(err, &net) { // the certificates could not be fetched: that is ours
			return http.StatusServiceUnavailable, "暂时无法验签"
		}
		c.flood(ctx, payment.Forged, client.MchID, err.Error())
		return http.StatusUnauthorized, "验签失败"
	}
	refused, err := c.dispatch(ctx, client, app, &n)
	switch {
	case err != nil:
		c.Log.Error("notification not booked", "event", n.Event, "err", err)
		return http.StatusServiceUnavailable, "暂时无法处理"
	case refused != nil:
		c.Log.Warn("notification refused", "event", n.Event, "err", refused)
		return http.StatusBadRequest, fault.As(refused).Text("zh")
	}
	return http.StatusNoContent, ""
}

// flood counts what anybody can send, once a minute a kind: a flood must not fill the disk.
func (c *Cashier) flood(ctx context.Context, kind, mch, detail string) {
	now := c.DB.Clock().Now()
	c.mu.Lock()
	last, known := c.told[kind+mch]
	quiet := known && now-last < clock.Minute
	if !quiet {
		c.told[kind+mch] = now
	}
	c.mu.Unlock()
	if quiet {
		return
	}
	err := c.DB.Write(context.WithoutCancel(ctx), db.Op{Actor: "wechat:hook"}, func(tx *db.Tx) error {
		c.Payments.Incident(tx, kind, mch, "", detail)
		return nil
	})
	if err != nil {
		c.Log.Error("incident not recorded", "kind", kind, "err", err)
	}
}

// isMismatch knows the refusals that leave something behind: an incident, or a question to ask.
func isMismatch(err error) bool {
	return fault.Is(err, payment.ErrMismatch) || fault.Is(err, payment.ErrEarly)
}

// dispatch books what a verified notification says.
func (c *Cashier) dispatch(ctx context.Context, client *pay.Client, app string, n *pay.Notice) (refused, err error) {
	switch n.Event {
	case pay.EventPaid:
		var t pay.Transaction
		if err := n.Into(&t); err != nil {
			return payment.ErrMismatch.With("what", "form"), nil
		}
		return c.write(ctx, "wechat:hook", func(tx *db.Tx) error { return c.takePaid(tx, client, app, t, n.Event) })
	case pay.EventRefunded, pay.EventRefundAbnormal, pay.EventRefundClosed:
		var t pay.RefundNotice
		if err := n.Into(&t); err != nil {
			return payment.ErrMismatch.With("what", "form"), nil
		}
		return c.write(ctx, "wechat:hook", func(tx *db.Tx) error { return c.takeRefund(tx, client, t, n.Event) })
	case pay.EventCardJoined, pay.EventCardDeleted, pay.EventCardAsksPoints, pay.EventCardWantsCoupon:
		var t pay.CardNotice
		if err := n.Into(&t); err != nil {
			return payment.ErrMismatch.With("what", "form"), nil
		}
		return c.write(ctx, "wechat:hook", func(tx *db.Tx) error { return c.takeCard(tx, client, app, t, n) })
	}
	// Other products of the platform may point here; they are none of ours, and sent again they would not be.
	c.Log.Info("notification of another product", "event", n.Event)
	return nil, nil
}

func told(t pay.Transaction, learned string) payment.Told {
	return payment.Told{Mch: t.MchID, App: t.AppID, No: t.No, Transaction: t.ID, OpenID: vault.Hide(t.Payer.OpenID), Amount: t.Amount.Total,
		At: pay.ParseTime(t.SuccessTime), Learned: learned}
}

func (c *Cashier) takePaid(tx *db.Tx, client *pay.Client, app string, t pay.Transaction, event string) error {
	switch {
	case t.MchID != client.MchID:
		return c.mismatch(tx, payment.WrongMerchant, t.MchID, t.No)
	case t.AppID != app:
		return c.mismatch(tx, payment.WrongApp, t.MchID, t.No)
	case t.State != pay.StateSuccess || t.ID == "" || t.Amount.Currency != "" && t.Amount.Currency != "CNY":
		return c.mismatch(tx, payment.WrongAmount, t.MchID, t.No)
	}
	return c.Payments.Inbox(tx, t.MchID, t.ID, event, func(tx *db.Tx) error { return c.learn(tx, t, payment.ByNotice) })
}

func (c *Cashier) mismatch(tx *db.Tx, kind, mch, no string) error {
	c.Payments.Incident(tx, kind, mch, no, "told by a notification")
	return payment.ErrMismatch.With("what", kind)
}

var refundStates = map[string]string{pay.RefundSuccess: payment.Done, pay.RefundClosed: payment.Failed, pay.RefundAbnormal: payment.Abnormal,
	pay.RefundProcessing: payment.Underway}

var refundEvents = map[string]string{pay.EventRefunded: pay.RefundSuccess, pay.EventRefundClosed: pay.RefundClosed, pay.EventRefundAbnormal: pay.RefundAbnormal}

func (c *Cashier) takeRefund(tx *db.Tx, client *pay.Client, t pay.RefundNotice, event string) error {
	if t.MchID != client.MchID {
		return c.mismatch(tx, payment.WrongMerchant, t.MchID, t.No)
	}
	if refundEvents[event] != t.Status || t.ID == "" || t.Amount.Total == 0 {
		return c.mismatch(tx, payment.RefundClash, t.MchID, t.RefundNo)
	}
	return c.Payments.Inbox(tx, t.MchID, t.ID, event, func(tx *db.Tx) error {
		_, _, err := c.Payments.TakeRefund(tx, payment.RefundTold{Mch: t.MchID, No: t.No, RefundNo: t.RefundNo, State: refundStates[t.Status],
			Amount: t.Amount.Refund, Total: t.Amount.Total, At: pay.ParseTime(t.SuccessTime)})
		return err
	})
}

// Apps lists the apps whose notifications are taken.
func (c *Cashier) Apps() []string {
	out := make([]string, 0, len(c.byApp))
	for a := range c.byApp {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}
