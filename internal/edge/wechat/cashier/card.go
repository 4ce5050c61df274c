package cashier

import (
	"context"
	"embed"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/edge/wechat/pay"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/payment"
	"guanxi/internal/loyalty/tier"
)

//go:embed schema/*.sql
var files embed.FS

// Schema is the table of members' cards at WeChat.
var Schema = db.Schema{Feature: "wechat_card", Files: files}

// States of a card.
const (
	cardTaken = "taken" // in the wallet, the form not yet filled in
	cardAsked = "asked" // the form was filled in; we have not confirmed yet
	cardOpen  = "open"
	cardGone  = "gone" // deleted by its holder
)

// UserCard is a member's card at WeChat.
type UserCard struct {
	Code   string
	Mch    string
	Card   string
	App    string
	Member int64
	State  string
	Points int64 // told last; -1 never
	Level  string
	At     int64 // of the last telling
}

var cards = db.NewTable(db.Spec[UserCard, string]{
	Name: "wechat_card", Keys: 1, Indexed: true, Cols: []string{"code", "mch", "card", "app", "member_id", "state", "points", "level", "told_at"},
	Row: func(r *UserCard, p []any) []any {
		return append(p, &r.Code, &r.Mch, &r.Card, &r.App, &r.Member, &r.State, &r.Points, &r.Level, &r.At)
	},
	Key: func(r *UserCard) string { return r.Code },
})

// CardsOf lists a member's cards.
func CardsOf(r db.Reader, id int64) []UserCard {
	return cards.Select(r, db.Query[UserCard]{
		Where: "member_id = ?", Args: []any{id}, Order: "code",
		Match: func(c *UserCard) bool { return c.Member == id },
		Less:  func(a, b *UserCard) bool { return a.Code < b.Code },
	})
}

const (
	confirmCard job.Kind[string]     = "wechat.card_confirm"
	syncCard    job.Kind[string]     = "wechat.card_sync"
	refuseGoods job.Kind[refuseArgs] = "wechat.card_coupon"
)

type refuseArgs struct {
	Record, Template, Code string
}

func (c *Cashier) registerCards(r *job.Runner) {
	slow := job.Backoff{First: 2 * clock.Second, Max: clock.Hour}
	job.Register(r, lookCard, job.Spec{Zh: "读取微信卡包会员卡", En: "Read a member card in a wallet", Backoff: slow, MaxAttempts: 30}, c.look)
	job.Register(r, confirmCard, job.Spec{Zh: "确认微信会员卡开卡", En: "Confirm a WeChat member card", Backoff: slow, MaxAttempts: 30}, c.confirm)
	job.Register(r, syncCard, job.Spec{Zh: "同步微信会员卡积分与等级", En: "Tell WeChat a card's points and tier", Backoff: slow, MaxAttempts: 30}, c.sync)
	job.Register(r, refuseGoods, job.Spec{Zh: "答复微信会员卡积分换券", En: "Answer an exchange of points on the card", Backoff: slow, MaxAttempts: 30}, c.refuseCoupon)
}

// ensureCards makes the card of each brand that has only a title yet. The request number stands for the brand, so that the
// same card is found after a restart.
func (c *Cashier) ensureCards(ctx context.Context) {
	for _, client := range c.brand {
		k := client.Card
		c.mu.Lock()
		wanted := k.CardID == "" && k.Title != "" && !c.carded[k.BrandID]
		c.mu.Unlock()
		if !wanted {
			continue
		}
		made, err := client.CreateCard(ctx, pay.CardForm{RequestNo: "guanxi-" + k.BrandID, AppID: k.AppID, Type: "NORMAL", Title: k.Title, CodeMode: "SYSTEM_ALLOCATE",
			CodeType: "BAR_CODE", ShowLevel: true, NotifyURL: c.notifyURL(client, k.AppID), Valid: &pay.CardValid{Type: "PERMANENT"}})
		if err != nil {
			c.Log.Warn("the brand's card could not be made", "err", err) // the next round tries again
			continue
		}
		c.Log.Info("the brand's card", "card_id", made.CardID)
		c.mu.Lock()
		c.carded[k.BrandID] = true
		c.mu.Unlock()
	}
}

// takeCard books what the platform tells of a card; what is to be answered is a job.
func (c *Cashier) takeCard(tx *db.Tx, client *pay.Client, app string, t pay.CardNotice, n *pay.Notice) error {
	if client.Card == nil || t.BrandID != client.Card.BrandID || app != client.Card.AppID {
		return c.mismatch(tx, payment.WrongMerchant, client.MchID, t.Code)
	}
	if t.Code == "" || t.OpenID == "" || t.CardID == "" {
		return c.mismatch(tx, payment.CardClash, client.MchID, t.Code)
	}
	what := t.Code
	switch n.Event {
	case pay.EventCardWantsCoupon:
		what = t.RecordID
	case pay.EventCardAsksPoints:
		what = n.ID // each asking is one of its own
	}
	return c.Payments.Inbox(tx, client.MchID, what, n.Event, func(tx *db.Tx) error {
		u, known := cards.Get(tx, t.Code)
		switch {
		case n.Event == pay.EventCardJoined && !known:
			return c.join(tx, client, t)
		case n.Event == pay.EventCardDeleted && known:
			u.State = cardGone
			cards.Put(tx, u)
		case n.Event == pay.EventCardAsksPoints && known:
			u.Points = -1 // told again even if nothing has changed
			cards.Put(tx, u)
			return c.planSync(tx, u, n.ID)
		case n.Event == pay.EventCardWantsCoupon && known:
			_, err := job.Add(tx, refuseGoods, refuseArgs{t.RecordID, t.Template, t.Code}, job.Key(t.RecordID))
			return err
		}
		return nil
	})
}

// join makes the holder of a card a member, or finds who it is; the card's phone is one that the platform has verified.
func (c *Cashier) join(tx *db.Tx, client *pay.Client, t pay.CardNotice) error {
	phone := t.Phone
	if len(phone) > 32 {
		opened, err := client.OpenField(phone)
		if err != nil {
			return c.mismatch(tx, payment.CardClash, client.MchID, t.Code)
		}
		phone = opened
	}
	id, err := c.holderOf(tx, client.Card.AppID, client.MchID, t.Code, t.OpenID, phone)
	if err != nil {
		return err
	}
	u := UserCard{Code: t.Code, Mch: client.MchID, Card: t.CardID, App: client.Card.AppID, Member: id, State: cardAsked, Points: -1}
	if err := cards.Insert(tx, u); err != nil {
		return err
	}
	_, err = job.Add(tx, confirmCard, t.Code, job.Key(t.Code))
	return err
}

// holderOf makes the holder of a card a member, or finds who it is.
func (c *Cashier) holderOf(tx *db.Tx, app, mch, code, openid, phone string) (int64, error) {
	j := member.Join{Identities: []member.Identity{{Kind: member.KindOpenID, Issuer: app, Value: vault.Hide(openid), Verified: true}}, Channel: "wechat-card", Source: "wechat-card"}
	if mch != "" {
		j.Source = payment.SourceOf(mch)
	}
	if p, err := vault.Phone(phone); err == nil {
		j.Identities = append(j.Identities, member.Identity{Kind: member.KindPhone, Value: p, Verified: true})
	}
	var m member.Member
	err := tx.Try(func(tx *db.Tx) (err error) { m, _, err = c.Members.Join(tx, j); return err })
	if fault.Is(err, member.ErrIdentityTaken) {
		// The openid is one member's and the phone another's: whether they are one person somebody must say.
		c.Payments.Incident(tx, payment.CardClash, mch, code, "the phone belongs to another member")
		if err := c.Members.NoteSuspects(tx, 0, j.Identities); err != nil {
			return 0, err
		}
		j.Identities = j.Identities[:1]
		m, _, err = c.Members.Join(tx, j)
	}
	return m.ID, err
}

// OnChange has a member's cards told of new points or a new tier; call it in the Tx of the change.
func (c *Cashier) OnChange(tx *db.Tx, id int64) error {
	if len(c.brand)+len(c.old) == 0 || id == 0 {
		return nil
	}
	for _, u := range CardsOf(tx, id) {
		if u.State == cardOpen {
			if err := c.planSync(tx, u, fmt.Sprint(tx.Now())); err != nil {
				return err
			}
		}
	}
	return nil
}

// planSync adds one job for all changes of an instant.
func (c *Cashier) planSync(tx *db.Tx, u UserCard, why string) error {
	_, err := job.Add(tx, syncCard, u.Code, job.Key(u.Code+":"+why))
	return err
}

// OnMerged hands cards over to the survivor.
func (c *Cashier) OnMerged(tx *db.Tx, from, into int64) error {
	for _, u := range CardsOf(tx, from) {
		u.Member = into
		cards.Put(tx, u)
	}
	return c.OnChange(tx, into)
}

// holder is what a card should show now.
type holder struct {
	card   UserCard
	openid vault.Secret
	points int64
	level  string
	desk   desk
}

// desk is where a card is kept.
type desk interface {
	open(ctx context.Context, h holder) error
	// tell says what the card should show; run names the request, so that sending it again is the same one.
	tell(ctx context.Context, run *job.Run, h holder) error
}

func (c *Cashier) deskOf(u UserCard) (desk, bool) {
	if w := c.old[u.App]; w != nil && u.Mch == "" && u.Card == w.App.Card {
		return w, true
	}
	client := c.byMch[u.Mch]
	return brandDesk{client}, client != nil
}

func (c *Cashier) holder(ctx context.Context, code string) (h holder, ok bool, err error) {
	err = c.DB.View(ctx, func(v *db.View) error {
		u, known := cards.Get(v, code)
		d, found := c.deskOf(u)
		if !known || !found || u.Member == 0 {
			return nil
		}
		h, ok = holder{card: u, desk: d}, true
		h.points, h.level = shown(v, u.Member)
		var err error
		h.openid, _, err = c.Members.ValueOf(v, u.Member, member.KindOpenID, u.App)
		return err
	})
	return h, ok && !h.openid.IsEmpty(), err
}

// shown is a member's points and the name of its tier.
func shown(r db.Reader, id int64) (points int64, level string) {
	st := tier.Of(r, id)
	l := tier.Policy.At(r, r.Now()).Value.Level(st.Held(r.Now()))
	return ledger.Now(r, id, ledger.Points).Available, l.Zh
}

func (c *Cashier) confirm(ctx context.Context, run *job.Run, code string) error {
	h, ok, err := c.holder(ctx, code)
	if err != nil || !ok || h.card.State != cardAsked {
		return err
	}
	if err := h.desk.open(ctx, h); err != nil {
		return c.lost(ctx, run, code, err)
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		u, _ := cards.Get(tx, code)
		if u.State == cardAsked {
			u.State, u.Level = cardOpen, h.level
			cards.Put(tx, u)
		}
		if err := c.planSync(tx, u, "opened"); err != nil {
			return err
		}
		return run.Finish(tx)
	})
}

// giveUp ends the tries for what no try can mend.
func giveUp(err error) error {
	if c := pay.ClassOf(err); c == pay.Permanent || c == pay.Missing {
		return job.GiveUp(err)
	}
	return err
}

// sync tells what the card should show now; whatever has changed while it was told is told by another round.
func (c *Cashier) sync(ctx context.Context, run *job.Run, code string) error {
	for range 8 {
		h, ok, err := c.holder(ctx, code)
		if err != nil || !ok || h.card.State != cardOpen {
			return err
		}
		if h.card.Points == h.points && h.card.Level == h.level {
			return nil
		}
		if err := h.desk.tell(ctx, run, h); err != nil {
			return c.lost(ctx, run, code, err)
		}
		err = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			u, _ := cards.Get(tx, code)
			u.Points, u.Level, u.At = h.points, h.level, tx.Now()
			cards.Put(tx, u)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("the points change faster than they can be told")
}

// brandDesk keeps today's card, at WeChat Pay.
type brandDesk struct{ client *pay.Client }

func (d brandDesk) open(ctx context.Context, h holder) error {
	return giveUpNil(d.client.ConfirmCard(ctx, h.card.Code, pay.CardConfirm{CardID: h.card.Card, OpenID: h.openid.Reveal(), State: pay.CardOpened, Level: h.level}, vault.Secret{}))
}

func (d brandDesk) tell(ctx context.Context, run *job.Run, h holder) error {
	u := h.card
	if u.Points != h.points {
		// The number names the balance, too: sent again after a change it would be another request.
		err := d.client.SyncPoints(ctx, pay.PointSync{RequestNo: fmt.Sprintf("s%d-%d-%d", run.ID(), u.At, h.points), CardID: u.Card, OpenID: h.openid.Reveal(), Code: u.Code, Balance: h.points})
		if err != nil {
			return giveUp(err)
		}
	}
	if u.Level == h.level {
		return nil
	}
	return giveUpNil(d.client.UpdateUserCard(ctx, u.Code, pay.UserCardChange{CardID: u.Card, OpenID: h.openid.Reveal(), Level: h.level}))
}

// refuseCoupon answers exchanges of points for product coupons: there are none of ours yet, so nobody's points are taken.
func (c *Cashier) refuseCoupon(ctx context.Context, _ *job.Run, a refuseArgs) error {
	h, ok, err := c.holder(ctx, a.Code)
	d, brand := h.desk.(brandDesk)
	if err != nil || !ok || !brand {
		return err
	}
	return giveUpNil(d.client.AnswerCoupon(ctx, pay.CouponAnswer{RecordID: a.Record, Template: a.Template, CardID: h.card.Card, OpenID: h.openid.Reveal(), Code: a.Code,
		State: pay.CouponRefused, Reason: "暂未开通积分换券"}))
}

func giveUpNil(err error) error {
	if err == nil {
		return nil
	}
	return giveUp(err)
}
