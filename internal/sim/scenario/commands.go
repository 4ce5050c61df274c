package scenario

import (
	"fmt"
	"strings"
)

// command is one kind of sentence.
type command struct {
	name    string
	usage   []string
	about   string
	expects bool // it compares and changes nothing
	run     func(w *world, l *line) error
}

// commands is the whole language. It is a function because a race runs commands.
func commands() []command {
	return append(centreCommands(), []command{
		{"zone", []string{"zone America/New_York"}, "the programme's time zone; only as the first sentence", false, zone},
		{"at", []string{"at 2026-03-01 10:00"}, "goes to a moment; background work runs on the way", false, at},
		{"wait", []string{"wait 3 days", "wait 2 hours", "wait 30 minutes"}, "lets time pass", false, wait},
		{"without", []string{"without jobs"}, "background work stops", false, withoutJobs},
		{"with", []string{"with jobs"}, "background work goes on, with what it missed", false, withJobs},
		{"restart", []string{"restart"}, "closes the installation and opens it again", false, restart},

		{"no", []string{"no rules"}, "ends all rules, also those of a new installation", false, noRules},
		{"rule", []string{
			`rule "双倍" multiplier factor 2 when member.tier is gold and time.hour between 9..12 from 2026-03-01`,
			`rule "满赠" fixed points 20 class campaign asset points priority 5 group A stop bearer partner:acme cap per_day 50 over reject`,
		}, "publishes a rule, or the next version of the rule of that name", false, rule},
		{"retire", []string{`retire "双倍"`, `retire "双倍" at 2026-04-01`}, "ends a rule", false, retire},
		{"points", []string{"points pending_days 7 debt_policy pending_only from 2026-05-01"}, "changes the points policy", false, pointsPolicy},
		{"rate", []string{`rate 0.8 from 2026-05-01 "负债超预算"`}, "announces a floating rate", false, rate},
		{"tiers", []string{"tiers base 0, silver 100 keep 80 x1.2, gold 300 keep 240 x1.5 from 2026-05-01"}, "sets the ladder", false, tiers},
		{"growth", []string{"growth spend 1 weight 60, active_day 10 weight 30, invite 100 weight 10"}, "sets the sources of growth", false, growth},
		{"tier", []string{"tier refund_policy at_end growth_months 12 warn_days 30/14/3 from 2026-05-01", `tier anna gold until 2026-12-31 "客诉补偿"`},
			"changes the other settings of tiers, or gives a tier by hand", false, tierSentence},

		{"member", []string{"member anna", "member anna phone 13800000001 openid wxA/o1 unionid U/u1 channel shop store S1"},
			"joins, or finds who has that identity", false, joinMember},
		{"bind", []string{"bind anna phone 13900000001"}, "gives a further identity", false, bind},
		{"unbind", []string{"unbind anna phone 13900000001"}, "takes an identity away", false, unbind},
		{"status", []string{`status anna frozen "盗号"`}, "sets a member's status", false, status},
		{"cancel", []string{`cancel anna "本人申请"`}, "ends a membership for good", false, cancel},
		{"profile", []string{"profile anna complete", "profile anna nickname 安娜 gender female region 上海 birthday 1990-05-17 phone 13900000001"}, "fills in base fields", false, profile},
		{"merge", []string{"merge bob into anna"}, "makes one member of two", false, merge},
		{"unmerge", []string{"unmerge bob", "unmerge bob giving key1 key2"}, "takes that apart; bob gets what came meanwhile under these keys", false, unmerge},
		{"dismiss", []string{`dismiss anna bob "家人共用手机"`}, "decides that two are not one person", false, dismiss},

		{"order", []string{
			"order A1 anna 100.00",
			"order A1 anna 120.00 items tea x2 80.00, cup x1 30.00, post x1 10.00 no-earn occurred 2026-02-27 18:00 channel tmall store S1 source pos points 300 hold H1",
			"order A2 guest 50.00",
		}, "a paid order, by the identity the member shows", false, takeOrder},
		{"refund", []string{"refund A1 all", "refund A1 30.00 as R1", "refund A1 items tea x1, cup x1 as R2 occurred 2026-03-05 source pos"}, "a refund; the same number again is a repeated delivery", false, refund},
		{"close", []string{"close A1"}, "the return window of an order is over", false, closeOrder},

		{"hold", []string{"hold H1 anna 300 for 100.00", "hold H1 anna 300 for 100.00 as key1"}, "sets points apart for an open order", false, hold},
		{"void", []string{"void H1"}, "lets a hold go", false, void},
		{"freeze", []string{"freeze F1 anna 50"}, "stops points", false, freeze},
		{"seize", []string{"seize F1"}, "takes stopped points away", false, seize},
		{"spend", []string{"spend anna 80", "spend anna 80 as key1"}, "spends points", false, spend},
		{"transfer", []string{"transfer anna bob 50", "transfer anna bob 50 as key1"}, "hands points on", false, transfer},
		{"adjust", []string{`adjust anna +50 "补录"`, `adjust anna -20 "多记" as key1`}, "corrects points by hand", false, adjust},
		{"reverse", []string{"reverse anna key1", "reverse anna key1 30"}, "undoes what a key booked, wholly or in part", false, reverse},
		{"race", []string{"race 10 spend anna 30", "race 10 order A{n} anna 10.00"}, "does a sentence many times at once", false, race},

		{"expect", expectations(), "compares", true, expect},
		{"verify", []string{"verify"}, "recomputes all accounts, tiers and standings; every script ends with it", false, func(w *world, l *line) error {
			if err := l.end(); err != nil {
				return err
			}
			return w.verify()
		}},
	}...)
}

func find(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return &c
		}
	}
	return nil
}

// Help is the language in a table, for people who write scripts.
func Help() string {
	var b strings.Builder
	b.WriteString("Any sentence but expect may end with: fails CODE\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "%s: %s\n", c.name, c.about)
		for _, u := range c.usage {
			fmt.Fprintf(&b, "    %s\n", u)
		}
	}
	return b.String()
}
