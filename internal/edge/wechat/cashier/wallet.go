package cashier

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/edge/wechat"
	"guanxi/internal/edge/wechat/oa"
)

// wallet is the desk of an account's member card of 2016 (微信卡券会员卡). What is pushed about a card only wakes us: the platform is
// then asked what holds, so that pushes may come twice, late or in any order.
type wallet struct{ *oa.Client }

const lookCard job.Kind[string] = "wechat.card_look"

// UseWallet takes an account that has a member card of 2016; call it while wiring, after Use.
func (c *Cashier) UseWallet(o *oa.Client) { c.old[o.App.AppID] = &wallet{o} }

// TakeWallet hears that something happened to a card in somebody's wallet.
func (c *Cashier) TakeWallet(tx *db.Tx, app, card, code string) error {
	w := c.old[app]
	if w == nil || card != w.App.Card || code == "" || len(code) > 32 {
		return nil
	}
	if _, known := cards.Get(tx, code); !known {
		if err := cards.Insert(tx, UserCard{Code: code, Card: card, App: app, State: cardTaken, Points: -1}); err != nil {
			return err
		}
	}
	_, err := job.Add(tx, lookCard, code, job.Key(fmt.Sprintf("%s:%d", code, tx.ID())))
	return err
}

// look asks the platform about a card and follows: who filled in its form becomes a member, what was thrown away is told no more.
func (c *Cashier) look(ctx context.Context, run *job.Run, code string) error {
	var u UserCard
	if err := c.DB.View(ctx, func(v *db.View) error { u, _ = cards.Get(v, code); return nil }); err != nil {
		return err
	}
	w := c.old[u.App]
	if w == nil {
		return nil // the account was taken out of the file
	}
	seen, err := w.WalletCard(ctx, u.Card, code)
	if err != nil && !oa.CardLost(err) {
		return w.fate(err)
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		if u, ok := cards.Get(tx, code); ok {
			if err := c.follow(tx, u, seen); err != nil {
				return err
			}
		}
		return run.Finish(tx)
	})
}

// lost has the platform asked about a card that it refused; what is wrong with no card is handed on.
func (c *Cashier) lost(ctx context.Context, run *job.Run, code string, err error) error {
	if !errors.Is(err, errLost) {
		return err
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		if _, err := job.Add(tx, lookCard, code, job.Key(fmt.Sprintf("%s:%d", code, tx.ID()))); err != nil {
			return err
		}
		return run.Finish(tx)
	})
}

// follow does what follows from what the platform says of a card; of one it does not know, seen is empty.
func (c *Cashier) follow(tx *db.Tx, u UserCard, seen oa.WalletCard) (err error) {
	phone, filled := seen.Phone()
	switch {
	case !seen.Lives():
		u.State = cardGone
	case u.Member == 0 && filled && seen.OpenID != "":
		if u.Member, err = c.holderOf(tx, u.App, "", u.Code, seen.OpenID, phone); err != nil {
			return err
		}
		u.State = cardAsked
	case u.Member == 0:
		u.State = cardTaken
	case u.State == cardGone: // it was taken out of the bin
		u.State, u.Points, u.Level = cardAsked, -1, ""
	default:
		return nil
	}
	cards.Put(tx, u)
	if u.State != cardAsked {
		return nil
	}
	_, err = job.Add(tx, confirmCard, u.Code, job.Key(fmt.Sprintf("%s:%d", u.Code, tx.ID())))
	return err
}

func (w *wallet) holder(h holder) oa.CardHolder {
	return oa.CardHolder{Card: h.card.Card, Code: h.card.Code, Number: fmt.Sprint(h.card.Member), Points: h.points, Level: h.level}
}

func (w *wallet) open(ctx context.Context, h holder) error {
	return w.fate(w.ActivateCard(ctx, w.holder(h)))
}

func (w *wallet) tell(ctx context.Context, _ *job.Run, h holder) error {
	return w.fate(w.UpdateCard(ctx, w.holder(h), "积分与等级更新"))
}

// ensureForms has the form of each card of 2016 ask for the phone, once a start.
func (c *Cashier) ensureForms(ctx context.Context) {
	for app, w := range c.old {
		c.mu.Lock()
		done := c.carded[app]
		c.mu.Unlock()
		if done {
			continue
		}
		if err := w.SetCardForm(ctx, w.App.Card, "会员协议与隐私政策", strings.TrimRight(c.PublicURL, "/")+"/m/#/more/agreement/agreement"); err != nil {
			c.Log.Warn("the form of the account's member card could not be set", "app", app, "err", err) // the next round tries again
			continue
		}
		c.mu.Lock()
		c.carded[app] = true
		c.mu.Unlock()
	}
}

// errLost is a card that the platform no longer knows.
var errLost = errors.New("the platform does not know the card")

// fate ends the tries for what no try can mend.
func (w *wallet) fate(err error) error {
	if oa.CardLost(err) {
		return errLost
	}
	if wechat.ClassOf(err) == wechat.Permanent {
		return job.GiveUp(err)
	}
	return err
}
