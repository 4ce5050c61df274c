package app

import (
	"context"
	"encoding/json"
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/edge/entry"
	"guanxi/internal/emulator/staff"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/message"
)

// Showcase sets up the accounts of a demonstration as an operator would: the menu of each 服务号 and a code for the counter of a store.
func (a *App) Showcase(ctx context.Context) error {
	if err := a.showTemplates(ctx); err != nil {
		return err
	}
	return a.showCodes(ctx)
}

// ShowTasks lets newcomers follow the account and join the group, unless an operator has settled what they are to do.
func (a *App) ShowTasks(ctx context.Context) error {
	return a.DB.Write(ctx, db.Op{Actor: "system:demo"}, func(tx *db.Tx) error {
		for _, v := range campaign.VersionsOf(tx, 0) {
			spec := v.SpecOf()
			if spec.Kind != "newcomer" || v.No > 1 || len(campaign.VersionsOf(tx, v.Campaign)) > 1 {
				continue
			}
			settings, err := json.Marshal(campaign.Newcomer{Days: 3, CheckIn: 10, Browse: 10, Follow: 20, Group: 20, Link: staff.GroupURL + staff.DemoChat})
			if err != nil {
				return err
			}
			spec.Settings = settings
			next, err := a.Campaign.Make(tx, v.Campaign, spec)
			if err == nil {
				_, err = a.Campaign.Publish(tx, next.ID, 0)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// showCodes hangs codes into the stores and puts the mini program into the menu, once.
func (a *App) showCodes(ctx context.Context) error {
	if len(a.Channels.OA) == 0 {
		return nil
	}
	return a.DB.Write(ctx, db.Op{Actor: "system:demo"}, func(tx *db.Tx) error {
		menu := entry.Menus.At(tx, tx.Now())
		if menu.ID == 0 && len(a.Channels.MP) > 0 {
			next := entry.Menu{Entries: slices.Insert(slices.Clone(menu.Value.Entries), 1, entry.Entry{Name: "小程序", Does: "mini"})}
			made, err := entry.Menus.Set(tx, next, 0, "演示")
			if err != nil {
				return err
			}
			menu = made
		}
		if err := a.Entry.OnMenu(tx, menu); err != nil { // the emulator forgets its menus when it ends
			return err
		}
		for _, c := range a.Channels.Work {
			if err := a.Entry.ShowScenes(tx, c.CorpID, entry.From{Store: "S001", Clerk: "zhang"}); err != nil {
				return err
			}
		}
		return a.Entry.ShowScenes(tx, a.Entry.FirstOA(), entry.From{Store: "S001", Clerk: "7"}, entry.From{Store: "S001", Clerk: "12"}, entry.From{Store: "S002"}, entry.From{Channel: "centre"})
	})
}

// shownTemplates says which of the accounts' templates carries what, and how its fields are filled.
var shownTemplates = []struct{ title, occasion, fields string }{
	{"积分变动提醒", message.PointsChanged, "thing1={why}; number2={amount}; number3={balance}; time4={time}"},
	{"会员等级变更通知", message.TierUp, "phrase1={tier}; thing2=新的权益已经生效; time3={time}"},
	{"会员等级变更通知", message.TierDown, "phrase1={tier}; thing2=随时可以再升回来; time3={time}"},
	{"会员保级提醒", message.TierWarned, "phrase1={tier}; number2={missing}; date3={day}"},
	{"积分到期提醒", message.PointsExpiring, "number1={points}; date2={day}; thing3=到期后失效，别忘了使用"},
	{"消费成功通知", message.Paid, "amount1={amount}; thing2={store}; character_string3={no}; time4={time}"},
	{"退款成功通知", message.Refunded, "amount1={amount}; thing2={store}; character_string3={no}; time4={time}"},
	{"活动通知", message.Announcement, "thing1={title}; thing2={body}"},
}

// showTemplates sets the messages up with the templates that the accounts have; who has set them up keeps them.
func (a *App) showTemplates(ctx context.Context) error {
	official, mini := map[string]string{}, map[string]string{}
	if len(a.Channels.OA) > 0 {
		client, err := a.Entry.OA(a.Channels.OA[0].AppID)
		if err != nil {
			return err
		}
		list, err := client.Templates(ctx)
		if err != nil {
			return err
		}
		for _, t := range list {
			official[t.Title] = t.ID
		}
	}
	if len(a.Channels.MP) > 0 {
		client, err := a.Entry.MP(a.Channels.MP[0].AppID)
		if err != nil {
			return err
		}
		list, err := client.Templates(ctx)
		if err != nil {
			return err
		}
		for _, t := range list {
			mini[t.Title] = t.ID
		}
	}
	return a.DB.Write(ctx, db.Op{Actor: "system:demo"}, func(tx *db.Tx) error {
		if rules := message.Rules.At(tx, tx.Now()); rules.ID == 0 { // whoever tries it at night wants to see messages arrive
			rules.Value.QuietUntil = rules.Value.QuietFrom
			if _, err := message.Rules.Set(tx, rules.Value, 0, "演示"); err != nil {
				return err
			}
		}
		now := message.Templates.At(tx, tx.Now())
		if now.ID != 0 {
			return nil
		}
		words := message.Words{Templates: slices.Clone(now.Value.Templates)}
		for _, s := range shownTemplates {
			for i := range words.Templates {
				t := &words.Templates[i]
				if t.Occasion != s.occasion {
					continue
				}
				if t.Official = official[s.title]; t.Official != "" {
					t.OfficialFields = s.fields
				}
				if t.Mini = mini[s.title]; t.Mini != "" {
					t.MiniFields = s.fields
				}
			}
		}
		if err := words.Check(tx); err != nil {
			return err
		}
		_, err := message.Templates.Set(tx, words, 0, "演示")
		return err
	})
}
