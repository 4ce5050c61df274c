package centre

import (
	"strconv"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/campaign"
	"guanxi/internal/loyalty/earn"
	"guanxi/internal/loyalty/points"
	"guanxi/internal/loyalty/tier"
)

type helpSection struct {
	Key     string   `json:"key" enum:"earning,checkin,spending,expiry,refunds,tiers,keeping" doc:"章节|section"`
	Title   string   `json:"title" doc:"标题|title"`
	Lines   []string `json:"lines" doc:"每条一句|one sentence each"`
	Version string   `json:"version" doc:"所依据的设置版本，0 为缺省|version of the settings it is made from; 0 is the default"`
	From    int64    `json:"from_at" doc:"该版本生效时刻，UTC 毫秒|since when that version holds, milliseconds UTC"`
}

type helpOut struct {
	At       int64         `json:"at" doc:"生成时刻，UTC 毫秒|made at, milliseconds UTC"`
	Sections []helpSection `json:"sections" doc:"各章节|sections"`
}

// getHelp writes the rules of the programme out of the settings in force, so that they can't say anything else.
func (h *Routes) getHelp(c *web.Ctx, _ *struct{}) (out *helpOut, err error) {
	err = h.DB.View(c, func(v *db.View) error {
		lang := c.Lang()
		p, t := points.Policy.At(v, v.Now()), tier.Policy.At(v, v.Now())
		out = &helpOut{At: v.Now()}
		add := func(key, zh, en string, version, from int64, lines []string) {
			out.Sections = append(out.Sections, helpSection{key, word(lang, zh, en), lines, id.String(version), from})
		}
		earning, version, from := earn.InWords(v, lang)
		add("earning", "积分怎么得", "How points are earned", version, from, earning)
		if ladder, version, from, ok := campaign.Ladder(v); ok {
			add("checkin", "每日签到", "Checking in", version, from, checkInLines(ladder, lang))
		}
		add("spending", "积分怎么用", "How points are used", p.ID, p.From, spendingLines(p.Value, lang))
		add("expiry", "积分有效期", "How long points last", p.ID, p.From, expiryLines(p.Value, lang))
		add("refunds", "退款时", "When you return something", t.ID, t.From, refundLines(t.Value, lang))
		add("tiers", "等级", "Tiers", t.ID, t.From, tierLines(t.Value, lang))
		add("keeping", "保级", "Keeping a tier", t.ID, t.From, keepingLines(t.Value, lang))
		return nil
	})
	return out, err
}

func checkInLines(s campaign.CheckIn, lang string) (out []string) {
	out = append(out, text(lang, "每天签到一次，连续 %d 天依次得 %s 积分，之后从头开始。", "Check in once a day: %d days in a row give %s points, then it begins anew.", len(s.Daily), list(s.Daily)))
	for _, x := range s.Steps {
		if x.Every {
			out = append(out, text(lang, "每连续满 %d 天另得 %d 积分。", "Every %d days in a row give %d more.", x.Days, x.Points))
		} else {
			out = append(out, text(lang, "连续第 %d 天另得 %d 积分。", "Day %d in a row gives %d more.", x.Days, x.Points))
		}
	}
	return append(out, text(lang, "漏签一天，连续天数从头计。以服务器的日期为准。", "A day left out begins the count anew. The server's date counts."))
}

func list(all []int64) string {
	words := make([]string, len(all))
	for i, n := range all {
		words[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(words, " / ")
}

func spendingLines(s points.Settings, lang string) []string {
	order := text(lang, "先到期的先用。", "What expires first is used first.")
	if s.PromoFirst {
		order = text(lang, "先用活动与奖励积分，再用消费积分；同类之中先到期的先用。",
			"Points of campaigns and rewards are used before those of purchases; of each, what expires first.")
	}
	out := []string{
		text(lang, "%d 积分抵 1 元。", "%d points are worth ¥1.", s.PerYuan),
		text(lang, "每单最多抵扣 %d%%。", "They pay at most %d%% of an order.", int64(s.SpendCap)/10_000),
		text(lang, "每次至少使用 %d 积分。", "At least %d points are used at a time.", s.SpendMin),
		order,
	}
	if s.PendingDays > 0 {
		out = append(out, text(lang, "消费所得积分 %d 天后可用；订单完结后立即可用。", "Points of an order can be used after %d days, or as soon as the order is closed.", s.PendingDays))
	}
	return out
}

// refundLines say what a refund takes and gives back, of the tier too.
func refundLines(s tier.Settings, lang string) []string {
	out := []string{
		text(lang, "订单退款会按比例扣回该订单所得的积分与成长值。", "A refund takes back the share of points and growth that the order gave."),
		text(lang, "用来抵扣的积分会退回原批次，到期日不变。", "Points that paid come back as they were, with the same last day."),
	}
	switch s.RefundPolicy {
	case "immediate":
		return append(out, text(lang, "因该订单升的级，退款后当即回落。", "A tier that the order gave is lost with the refund."))
	case "protect":
		return append(out, text(lang, "因该订单升的级保留到有效期末，但退款后不再享受其权益。", "A tier that the order gave stays until its validity ends, but its benefits stop with the refund."))
	}
	return append(out, text(lang, "因该订单升的级保留到有效期末，届时再评。", "A tier that the order gave stays until its validity ends, and is reviewed then."))
}

func expiryLines(s points.Settings, lang string) (out []string) {
	for _, x := range []struct {
		zh, en string
		months int
	}{{"消费积分", "Points for purchases", s.Consumption}, {"活动积分", "Points of campaigns", s.Campaign}, {"奖励积分", "Points of rewards", s.Reward}} {
		if x.months == 0 {
			out = append(out, word(lang, x.zh+"永久有效。", x.en+" don't expire."))
			continue
		}
		out = append(out, word(lang, x.zh, x.en)+text(lang, "自获得起 %d 个月有效，到最后一天结束时失效。", " last %d months, to the end of the last day.", x.months))
	}
	return append(out, text(lang, "到期前 %d 天起会提醒您。", "We remind you from %d days before.", s.RemindDays),
		text(lang, "不利于您的变更至少提前 %d 天公告，已得积分的到期日不会缩短。", "Changes against you are announced at least %d days ahead and never shorten the life of points you have.", s.NoticeDays))
}

func tierLines(s tier.Settings, lang string) (out []string) {
	for _, l := range s.Levels {
		var brings []string
		for _, b := range l.Brings(lang) {
			brings = append(brings, b.Name)
		}
		sep := "、"
		if lang == "en" {
			sep = ", "
		}
		out = append(out, text(lang, "%s：成长值 %d 起；", "%s: from %d growth; ", l.Name(lang), l.Growth)+strings.Join(brings, sep))
	}
	if s.GrowthMonths > 0 {
		out = append(out, text(lang, "成长值按最近 %d 个月计。", "Growth counts for %d months.", s.GrowthMonths))
	}
	return append(out, text(lang, "达到门槛即刻升级；使用积分不会降低等级。", "You rise as soon as you reach it; using points never lowers a tier."))
}

func keepingLines(s tier.Settings, lang string) []string {
	return []string{
		text(lang, "等级有效期 %d 个月。", "A tier is valid for %d months.", s.ValidMonths),
		text(lang, "期末未达保级成长值时，每次只降一级，并提前提醒三次（%d、%d、%d 天前）。",
			"Who has not the growth to keep it goes down one step, after three notices (%d, %d and %d days before).", s.WarnDays[0], s.WarnDays[1], s.WarnDays[2]),
	}
}

func word(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}
