package app

import (
	"context"
	"encoding/json"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/recognition"
	"guanxi/internal/loyalty/reward"
)

// starters are the rules of a new installation: ¥1 = 1 point × tier, 50 for the first order, 10 for a complete profile.
var starters = []earn.Spec{
	{Kind: "per_yuan", Zh: "消费送积分", En: "Points for money spent", Asset: "points", Class: ledger.ClassConsumption, Priority: 100,
		Settings: json.RawMessage(`{"points":"1","tier_multiplier":true,"floating":true}`)},
	{Kind: "first_order", Zh: "首单奖励", En: "First order", Asset: "points", Class: ledger.ClassCampaign, Priority: 50,
		Settings: json.RawMessage(`{"points":50}`), Caps: reward.Caps{PerMember: 50}},
	{Kind: "profile", Zh: "完善资料", En: "Profile completed", Asset: "points", Class: ledger.ClassReward, Priority: 10,
		Settings: json.RawMessage(`{"points":10}`), Caps: reward.Caps{PerMember: 10}},
}

// firstStart gives a new installation its first rules, in force from the beginning of time so that imported history is judged by them.
// It also counts the members of an installation that is older than their daily totals, and gives badges to those who are older than badges.
func (a *App) firstStart(ctx context.Context) error {
	var days []member.Total
	older := false
	err := a.DB.View(ctx, func(v *db.View) error {
		days, older = member.CountByDay(v, a.Zone), len(member.List(v, 0, "", 1)) > 0 && !recognition.Any(v)
		return nil
	})
	if err != nil {
		return err
	}
	return a.DB.Write(ctx, db.Op{Actor: "system:first-start"}, func(tx *db.Tx) error {
		a.Members.Recount(tx, days)
		if older { // members were here before badges were
			if _, err := job.Add(tx, recognition.Reviewing, recognition.ReviewArgs{}, job.Key("first")); err != nil {
				return err
			}
		}
		if len(earn.VersionsOf(tx, 0)) > 0 {
			return nil
		}
		for _, s := range starters {
			if err := a.Earn.Found(tx, s); err != nil {
				return err
			}
		}
		return a.firstCampaigns(tx)
	})
}

// firstCampaigns gives a new installation the daily check-in and the tasks of newcomers, with their defaults.
func (a *App) firstCampaigns(tx *db.Tx) error {
	for _, s := range []campaign.Spec{{Kind: "check_in", Zh: "每日签到", En: "Daily check-in"}, {Kind: "newcomer", Zh: "新人任务", En: "Newcomer tasks"}} {
		v, err := a.Campaign.Make(tx, 0, s)
		if err != nil {
			return err
		}
		if _, err := a.Campaign.Publish(tx, v.ID, 0); err != nil {
			return err
		}
	}
	return nil
}
