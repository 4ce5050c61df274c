package earn

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/cond"
	"guanxi/internal/base/money"
	"guanxi/internal/loyalty/order"
)

// Input is everything a rule may look at, gathered once a fact.
type Input struct {
	On        string
	Member    int64
	Cause     int64 // id of the order or fact
	Occurred  int64
	Zone      clock.Zone
	TierRank  int
	TierKey   string
	TierRate  money.Rate
	FloatRate money.Rate
	JoinedAt  int64
	JoinedBy  string
	// Of orders.
	Order        *order.Order
	Lines        []order.Line
	Amount       int64
	Eligible     int64
	OrdersBefore int64
	FirstToday   bool // the member's first order received this local day
	// Carried is the fraction of a point, in millionths, that the member has with the rule at hand.
	Carried int64
	// Base is what rules for money spent gave, for kinds that multiply it.
	Base int64
	skus []string
}

// Fields are what conditions may ask; their order is the order of Int, Text and Set below.
var Fields = cond.NewSchema(
	cond.Field{Name: "order.amount_fen", Zh: "订单金额", En: "Order amount", Type: cond.Int, Unit: "fen"},
	cond.Field{Name: "order.eligible_fen", Zh: "可积分金额", En: "Eligible amount", Type: cond.Int, Unit: "fen"},
	cond.Field{Name: "order.source", Zh: "订单来源", En: "Order source", Type: cond.Text},
	cond.Field{Name: "order.channel", Zh: "渠道", En: "Channel", Type: cond.Text},
	cond.Field{Name: "order.store", Zh: "门店", En: "Store", Type: cond.Text},
	cond.Field{Name: "order.skus", Zh: "商品", En: "Items", Type: cond.Set},
	cond.Field{Name: "time.day", Zh: "日期", En: "Local day", Type: cond.Int},
	cond.Field{Name: "time.hour", Zh: "小时", En: "Hour", Type: cond.Int},
	cond.Field{Name: "time.weekday", Zh: "星期（1–7）", En: "Weekday (1–7)", Type: cond.Int},
	cond.Field{Name: "time.day_of_month", Zh: "每月几号", En: "Day of month", Type: cond.Int},
	cond.Field{Name: "member.tier", Zh: "会员等级", En: "Tier", Type: cond.Text},
	cond.Field{Name: "member.tier_rank", Zh: "等级序号", En: "Tier rank", Type: cond.Int},
	cond.Field{Name: "member.days", Zh: "入会天数", En: "Days since joining", Type: cond.Int},
	cond.Field{Name: "member.orders_before", Zh: "此前订单数", En: "Orders before", Type: cond.Int},
	cond.Field{Name: "member.channel", Zh: "入会渠道", En: "Joined by", Type: cond.Text},
)

const (
	fAmount = iota
	fEligible
	fSource
	fChannel
	fStore
	fSKUs
	fDay
	fHour
	fWeekday
	fMonthday
	fTier
	fTierRank
	fDays
	fOrders
	fJoinedBy
)

// Int answers whole-number fields.
func (in *Input) Int(f int) (int64, bool) {
	switch f {
	case fAmount:
		return in.Amount, in.Order != nil
	case fEligible:
		return in.Eligible, in.Order != nil
	case fDay:
		return int64(in.Zone.LocalDay(in.Occurred)), true
	case fHour:
		return int64(in.Zone.Time(in.Occurred).Hour()), true
	case fWeekday:
		return int64(in.Zone.Time(in.Occurred).Weekday()+6)%7 + 1, true
	case fMonthday:
		return int64(in.Zone.Time(in.Occurred).Day()), true
	case fTierRank:
		return int64(in.TierRank), true
	case fDays:
		return (in.Zone.StartOfDay(in.Zone.LocalDay(in.Occurred)) - in.Zone.StartOfDay(in.Zone.LocalDay(in.JoinedAt))) / clock.Day, true
	case fOrders:
		return in.OrdersBefore, true
	}
	return 0, false
}

// Text answers text fields.
func (in *Input) Text(f int) (string, bool) {
	switch f {
	case fTier:
		return in.TierKey, true
	case fJoinedBy:
		return in.JoinedBy, in.JoinedBy != ""
	}
	if in.Order == nil {
		return "", false
	}
	switch f {
	case fSource:
		return in.Order.Source, true
	case fChannel:
		return in.Order.Channel, in.Order.Channel != ""
	case fStore:
		return in.Order.Store, in.Order.Store != ""
	}
	return "", false
}

// Set answers fields with many values.
func (in *Input) Set(f int) []string {
	if f != fSKUs || in.Order == nil {
		return nil
	}
	if in.skus == nil {
		for _, l := range in.lines() {
			in.skus = append(in.skus, l.SKU)
		}
	}
	return in.skus
}

// lines reads the order's lines only when somebody asks for them.
func (in *Input) lines() []order.Line {
	if in.Lines == nil && in.Order != nil {
		in.Lines = in.Order.LinesOf()
	}
	return in.Lines
}
