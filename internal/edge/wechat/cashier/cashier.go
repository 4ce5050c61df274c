// Package cashier stands between WeChat Pay and our books (微信收银): the door for its notifications, the routes that open a
// payment on the phone, the jobs that send refunds, ask about what was not told, compare with the daily bill, and keep the
// brand's member card in step.
package cashier

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/payment"
)

// Cashier speaks for all accounts of an installation.
type Cashier struct {
	DB        *db.DB
	Log       *slog.Logger
	Zone      clock.Zone
	Members   *member.Service
	Payments  *payment.Service
	PublicURL string // where notifications reach us, unless an account says otherwise

	byApp map[string]*pay.Client
	byMch map[string]*pay.Client
	brand map[string]*pay.Client
	old   map[string]*wallet // by app: member cards of 2016

	mu     sync.Mutex
	carded map[string]bool  // brands whose card is made
	told   map[string]int64 // when an incident of a flood was last written
}

// HookPath is where notifications arrive, followed by the app.
const HookPath = "/hooks/wechat/pay/"

// Use takes the accounts; call it while wiring.
func (c *Cashier) Use(accounts []pay.Account, o pay.Options) {
	c.byApp, c.byMch, c.brand, c.told = map[string]*pay.Client{}, map[string]*pay.Client{}, map[string]*pay.Client{}, map[string]int64{}
	c.carded, c.old = map[string]bool{}, map[string]*wallet{}
	c.Payments.Merchants = nil
	for _, a := range accounts {
		client := pay.New(a, o)
		c.byMch[a.MchID] = client
		for _, app := range a.AppIDs {
			c.byApp[app] = client
		}
		if a.Card != nil {
			c.brand[a.Card.BrandID] = client
		}
		c.Payments.Merchants = append(c.Payments.Merchants, payment.Merchant{Mch: a.MchID, Apps: a.AppIDs, Join: a.Join, Foreign: a.Foreign})
	}
}

func (c *Cashier) notifyURL(client *pay.Client, app string) string {
	base := client.NotifyBase
	if base == "" {
		base = strings.TrimRight(c.PublicURL, "/")
	}
	return base + HookPath + app
}

// outward words a failure of the platform for a caller.
func outward(err error) error {
	var e *pay.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Class == pay.Unknown || e.Class == pay.Busy {
		return payment.ErrPlatform.New().Because(err)
	}
	return payment.ErrRefused.With("code", e.Code).Because(err)
}

// write runs f as the platform's word. What is refused as a mismatch has left an incident, which must commit.
func (c *Cashier) write(ctx context.Context, actor string, f func(*db.Tx) error) (refused error, err error) {
	err = c.DB.Write(context.WithoutCancel(ctx), db.Op{Actor: actor}, func(tx *db.Tx) error {
		refused = nil
		err := f(tx)
		if isMismatch(err) {
			refused = err
			return nil
		}
		return err
	})
	return refused, err
}

// learn books what a query says of a payment.
func (c *Cashier) learn(tx *db.Tx, t pay.Transaction, learned string) error {
	_, _, err := c.Payments.Take(tx, told(t, learned))
	return err
}

// ask finds out what became of a payment, and ends it when its time is over.
func (c *Cashier) ask(ctx context.Context, p payment.Payment) error {
	client := c.byMch[p.Mch]
	if client == nil {
		return c.later(ctx, p, false) // the merchant was taken out of the file; others must not wait behind it
	}
	t, err := client.Query(ctx, p.No)
	late := c.DB.Clock().Now() >= p.Expires
	switch {
	case err == nil && (t.State == pay.StateSuccess || t.State == pay.StateRefund):
		if t.MchID != p.Mch || t.No != p.No {
			return nil
		}
		_, err = c.write(ctx, "wechat:query", func(tx *db.Tx) error { return c.learn(tx, t, payment.ByQuery) })
		return err
	case err == nil && late && (t.State == pay.StateNotPay || t.State == pay.StatePayError):
		if err := client.Close(ctx, p.No); err != nil {
			return c.later(ctx, p, false) // perhaps it was paid in this moment: the next question tells
		}
		return c.later(ctx, p, true)
	case err == nil:
		over := slices.Contains([]string{pay.StateClosed, pay.StateRevoked}, t.State)
		return c.later(ctx, p, over)
	case pay.ClassOf(err) == pay.Missing:
		return c.later(ctx, p, late)
	}
	return c.later(ctx, p, false)
}

func (c *Cashier) later(ctx context.Context, p payment.Payment, over bool) error {
	return c.DB.Write(ctx, db.Op{Actor: "wechat:query"}, func(tx *db.Tx) error {
		c.Payments.NotPaid(tx, p.ID, over)
		return nil
	})
}
