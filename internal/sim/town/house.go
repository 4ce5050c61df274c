package town

import (
	"encoding/json"
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/reward"
	"guanxi/internal/loyalty/tier"
)

// policies plans what the house decides over the years: rules, rates, settings, tiers.
func (t *Town) policies() {
	plan := func(day int, name string, do func(at int64) error) {
		if day < t.days() {
			t.at(midnight(firstDay, day)+t.between(0, allDay-1), name, do)
		}
	}
	plan(40, "rule", func(int64) error {
		return t.publish(nil, version{kind: "fixed", points: 5, channel: "online", group: "bonus", priority: 30, class: fromCampaign, caps: caps{day: 8}}, 0)
	})
	plan(41, "rule", func(int64) error {
		return t.publish(nil, version{kind: "fixed", points: 8, minFen: 15_000, group: "bonus", priority: 30, class: fromReward, caps: caps{member: 40}}, 0)
	})
	plan(60, "rule", func(int64) error {
		return t.publish(nil, version{kind: "join", points: 15, priority: 5, class: fromReward}, 0)
	})
	plan(90, "settings", func(at int64) error { return t.setPolicy(midnight(at, 40), func(p *policy) { p.pendingDays = 7 }) })
	plan(100, "rate", func(at int64) error { return t.setRate(midnight(at, 35), 800_000) })
	plan(110, "rule", func(at int64) error {
		return t.publish(nil, version{kind: "multiplier", points: 1_500_000, channel: "shop", priority: 20, class: fromCampaign, caps: caps{all: 200, budget: 8_000}}, midnight(at, 3))
	})
	plan(150, "rule", func(at int64) error {
		return t.publish(t.b.rules[0], version{kind: "per_yuan", points: 1_300_000, minFen: 1_000, priority: 100, class: fromSpending, caps: caps{grant: 250}}, midnight(at, 2)+hour)
	})
	plan(170, "settings", func(at int64) error {
		return t.setPolicy(midnight(at, 45), func(p *policy) { p.debt, p.debtCap, p.dailyCap = debtWithCap, 60, 400 })
	})
	plan(300, "rule", t.retire)
	plan(230, "rate", func(at int64) error { return t.setRate(midnight(at, 1), 1_200_000) })
	plan(260, "settings", func(at int64) error { return t.setPolicy(midnight(at, 2), func(p *policy) { p.debt = withinBalance }) })
	plan(330, "settings", func(at int64) error { return t.setPolicy(midnight(at, 1), func(p *policy) { p.debt = pendingOnly }) })
	plan(400, "ladder", func(at int64) error {
		return t.setLadder(midnight(at, 9), ladder{growth: []int64{0, 150, 400, 1000, 2500}, keep: []int64{0, 100, 300, 800, 2000},
			multiplier: []int64{million, 1_100_000, 1_400_000, 1_700_000, 2_500_000}})
	})
	plan(430, "settings", func(at int64) error { return t.setPolicy(midnight(at, 31), func(p *policy) { p.debt = holdForCash }) })
	plan(520, "settings", func(at int64) error {
		return t.setPolicy(midnight(at, 31), func(p *policy) { p.debt, p.debtCap, p.months, p.dailyCap = debtWithCap, 0, [4]int{0, 18, 6, 2}, 0 })
	})
	plan(700, "ladder", func(at int64) error {
		return t.setLadder(midnight(at, 1), ladder{growth: []int64{0, 120, 350, 900, 2200}, keep: []int64{0, 90, 250, 700, 1700},
			multiplier: []int64{million, 1_200_000, 1_500_000, 1_800_000, 2_000_000}})
	})
}

// publish puts a version of a rule in force, of a new rule when there is none yet; from 0 is at once.
func (t *Town) publish(r *rule, v version, from int64) error {
	id := int64(0)
	if r != nil {
		id = r.id
	}
	var drafted earn.Version
	code, err := t.write("rule", func(tx *db.Tx) (err error) {
		if drafted, err = t.app.Earn.Draft(tx, id, v.spec()); err != nil {
			return err
		}
		_, err = t.app.Earn.Publish(tx, drafted.ID, from, "town")
		return err
	})
	if err != nil || code != "" {
		return fmt.Errorf("a rule was not published: %s %w", code, err)
	}
	if v.id, v.from, v.until = drafted.ID, from, never; from == 0 {
		v.from = t.b.now
	}
	if r == nil {
		r = &rule{id: drafted.Rule}
		t.b.rules = append(t.b.rules, r)
	}
	for _, old := range r.versions {
		old.until = min(old.until, v.from)
	}
	r.versions = append(r.versions, &v)
	return nil
}

// spec is the version as the program reads it.
func (v *version) spec() earn.Spec {
	s := earn.Spec{Kind: v.kind, Zh: "规则", En: "Rule", Asset: "points", Class: v.class, Priority: v.priority, Group: v.group,
		Caps: reward.Caps{PerGrant: v.caps.grant, PerDay: v.caps.day, PerMember: v.caps.member, RuleDay: v.caps.all, Budget: v.caps.budget}}
	if v.channel != "" {
		s.When = json.RawMessage(fmt.Sprintf(`{"field":"order.channel","op":"eq","value":%q}`, v.channel))
	}
	switch v.kind {
	case "per_yuan":
		s.Settings = json.RawMessage(fmt.Sprintf(`{"points":%q,"tier_multiplier":true,"floating":true,"min_fen":%d}`, money.Rate(v.points), v.minFen))
	case "multiplier":
		s.Settings = json.RawMessage(fmt.Sprintf(`{"factor":%q}`, money.Rate(v.points)))
	case "fixed":
		s.Settings = json.RawMessage(fmt.Sprintf(`{"points":%d,"min_fen":%d}`, v.points, v.minFen))
	default:
		s.Settings = json.RawMessage(fmt.Sprintf(`{"points":%d}`, v.points))
	}
	return s
}

// retire ends the newest version of the newest rule at once.
func (t *Town) retire(int64) error {
	r := t.b.rules[len(t.b.rules)-1]
	v := r.versions[len(r.versions)-1]
	code, err := t.write("rule retired", func(tx *db.Tx) error { _, err := t.app.Earn.Retire(tx, v.id, 0); return err })
	if err != nil || code != "" {
		return fmt.Errorf("a rule was not retired: %s %w", code, err)
	}
	v.until = t.b.now
	return nil
}

// setPolicy changes the settings of points from an instant; what is against members is planned with 30 days of notice.
func (t *Town) setPolicy(from int64, change func(*policy)) error {
	next := t.b.policyAt(from)
	next.from = from
	change(&next)
	code, err := t.write("settings", func(tx *db.Tx) error {
		s := points.Policy.At(tx, from).Value
		s.PendingDays, s.DebtPolicy, s.DebtCap, s.DailyCap = next.pendingDays, next.debt, next.debtCap, next.dailyCap
		s.Consumption, s.Campaign, s.Reward = next.months[1], next.months[2], next.months[3]
		_, err := points.SetPolicy(tx, s, from, "town")
		return err
	})
	if err != nil || code != "" {
		return fmt.Errorf("settings were not taken: %s %w", code, err)
	}
	t.b.policies = append(t.b.policies, next)
	return nil
}

// setRate announces a floating rate; a lower one is refused at once and taken with notice.
func (t *Town) setRate(from, millionths int64) error {
	set := func(from int64) (string, error) {
		return t.write("rate", func(tx *db.Tx) error { _, err := points.SetRate(tx, money.Rate(millionths), from, "town"); return err })
	}
	if millionths < t.b.rateAt(t.b.now) {
		code, err := set(0)
		if err != nil {
			return err
		}
		t.agree(nil, "a lower rate without notice", code, "points.notice")
	}
	code, err := set(from)
	if err != nil || code != "" {
		return fmt.Errorf("a rate was not taken: %s %w", code, err)
	}
	t.b.rates = append(t.b.rates, rate{from, millionths})
	return nil
}

// setLadder changes the tiers from an instant, at which the program lifts whom the new ones put higher.
func (t *Town) setLadder(from int64, l ladder) error {
	code, err := t.write("ladder", func(tx *db.Tx) error {
		s := tier.Policy.At(tx, tx.Now()).Value
		s.Levels = append([]tier.Level(nil), s.Levels...)
		for i := range s.Levels {
			s.Levels[i].Growth, s.Levels[i].Keep, s.Levels[i].Multiplier = l.growth[i], l.keep[i], money.Rate(l.multiplier[i])
		}
		_, err := tier.SetPolicy(tx, s, from, "town")
		return err
	})
	if err != nil || code != "" {
		return fmt.Errorf("tiers were not taken: %s %w", code, err)
	}
	l.from = from
	t.b.ladders = append(t.b.ladders, l)
	t.at(from, "jobs", func(at int64) error { t.downTill = 0; return t.step(at) })
	return nil
}
