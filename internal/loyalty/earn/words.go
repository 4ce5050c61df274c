package earn

import (
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/points"
)

// InWords tells members how points are earned: a sentence for each rule in force, the version of the newest, and since when it
// holds. Of a rule with a condition only its name is told; whom it is for is decided when it happens.
func InWords(r db.Reader, lang string) (lines []string, version, from int64) {
	set := ruleSets.Get(r)
	for _, on := range []string{OnOrder, OnProfile, OnJoin} {
		for _, c := range set.at(on, r.Now(), nil) {
			if c.asset != ledger.Points {
				continue
			}
			lines = append(lines, c.words(r, lang))
			version, from = max(version, c.Version.ID), max(from, c.From)
		}
	}
	return lines, version, from
}

func (c *compiled) words(r db.Reader, lang string) string {
	say := func(zh, en string, args ...any) string {
		if lang == "en" {
			return fmt.Sprintf(en, args...)
		}
		return fmt.Sprintf(zh, args...)
	}
	if when := string(c.When); when != "" && when != "null" {
		return say("%[1]s：符合条件时另有积分。", "%[2]s: extra points where its conditions are met.", c.Zh, c.En)
	}
	switch s := c.settings.(type) {
	case *PerYuan:
		out := say("每消费 1 元得 %s 积分", "%s points for every ¥1", s.Points)
		if s.Tier {
			out += say("，再乘以等级倍率", ", times the multiplier of your tier")
		}
		if rate := points.Rates.At(r, r.Now()).Value.Rate; s.Float && rate != money.One {
			out += say("，现行积分汇率 %s", ", at the rate of now, %s", rate)
		}
		return out + c.least(s.MinFen, say)
	case *Fixed:
		if c.Spec.Kind == firstOrder.Name {
			return say("首单另得 %d 积分", "%d points more for a first order", s.Points) + c.least(s.MinFen, say)
		}
		return say("每单得 %d 积分", "%d points for every order", s.Points) + c.least(s.MinFen, say)
	case *Multiply:
		return say("消费积分 %s 倍。", "Points for purchases %s times.", s.Factor)
	case *Once:
		return say("%[1]s得 %[3]d 积分，一次。", "%[2]s: %[3]d points, once.", c.Zh, c.En, s.Points)
	}
	return say("%[1]s。", "%[2]s.", c.Zh, c.En)
}

func (*compiled) least(fen int64, say func(zh, en string, args ...any) string) string {
	if fen == 0 {
		return say("。", ".")
	}
	return say("，单笔满 %s 元起。", ", from ¥%s an order.", money.Fen(fen))
}
