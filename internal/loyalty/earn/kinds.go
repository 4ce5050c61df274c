package earn

import (
	"math/big"

	"guanxi/internal/base/money"
)

// Triggers: the facts a kind of rule listens to.
const (
	OnOrder   = "order.paid"
	OnProfile = "member.profile_completed"
	OnJoin    = "member.joined"
)

// Kind is a plug-in point: a pure function and its settings, from which the console draws the form.
type Kind struct {
	Name     string
	Zh       string
	En       string
	On       string
	Settings func() any // a pointer to fresh settings with their defaults
	// Evaluate gives the award before caps. It has no Tx and no clock: equal input gives equal awards.
	Evaluate func(settings any, in *Input) Calc
	// OnBase kinds run after the others and multiply what those gave.
	OnBase bool
}

// Calc is an award with its arithmetic: Points = Fen/100 × Rate × Tier × Float, or a fixed number.
type Calc struct {
	Points int64      `json:"n"`
	Fen    int64      `json:"fen,omitempty"`
	Base   int64      `json:"base,omitempty"`
	Rate   money.Rate `json:"rate,omitempty"`
	Tier   money.Rate `json:"tier,omitempty"`
	Float  money.Rate `json:"float,omitempty"`
	ByLine bool       `json:"byline,omitempty"`
	No     string     `json:"no,omitempty"` // why nothing is given
	// Of a rule that carries fractions: what was carried before and is left after, in millionths of a point.
	Carries bool  `json:"c,omitempty"`
	Carried int64 `json:"c0,omitempty"`
	Left    int64 `json:"c1,omitempty"`
}

// Kinds lists every kind of rule there is. To add one: a file, a line here, a scenario.
var Kinds = []Kind{perYuan, fixed, firstOrder, multiplier, profile, join}

// KindOf finds a kind by name.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// PerYuan gives points for money spent: 消费送积分.
type PerYuan struct {
	Points money.Rate `json:"points" zh:"每元积分" en:"Points per yuan" min:"0.000001" max:"1000000" required:"true"`
	Tier   bool       `json:"tier_multiplier" zh:"乘以等级倍率" en:"Times the tier's multiplier"`
	Float  bool       `json:"floating" zh:"乘以浮动汇率" en:"Times the floating rate"`
	MinFen int64      `json:"min_fen" zh:"最低消费" en:"Least amount" unit:"fen" min:"0"`
	Round  string     `json:"rounding" zh:"不足一分的零头" en:"Fractions of a point" options:"down=舍去/Dropped,nearest=四舍五入/To the nearest,up=进一/Rounded up,carry=累计到下次/Carried to the next order"`
}

var perYuan = Kind{
	Name: "per_yuan", Zh: "消费送积分", En: "Points for money spent", On: OnOrder,
	Settings: func() any { return &PerYuan{Points: money.One, Tier: true, Float: true, Round: RoundDown} },
	Evaluate: func(settings any, in *Input) Calc {
		s := settings.(*PerYuan)
		c := Calc{Fen: in.Eligible, Rate: s.Points, Tier: money.One, Float: money.One, ByLine: true}
		if in.Eligible < s.MinFen {
			c.No = "min_fen"
			return c
		}
		if s.Tier {
			c.Tier = in.TierRate
		}
		if s.Float {
			c.Float = in.FloatRate
		}
		if s.Round == RoundDown || s.Round == "" {
			c.Points = multiply(c.Fen, 100, c.Rate, c.Tier, c.Float)
			return c
		}
		c.rounded(multiply(c.Fen, 100, c.Rate, c.Tier, c.Float, money.One*money.One), s.Round, in.Carried)
		return c
	},
}

// Fixed gives the same number for every order that fits: 固定积分.
type Fixed struct {
	Points int64 `json:"points" zh:"积分" en:"Points" unit:"points" min:"1" max:"1000000" required:"true"`
	MinFen int64 `json:"min_fen" zh:"最低消费" en:"Least amount" unit:"fen" min:"0"`
}

var fixed = Kind{
	Name: "fixed", Zh: "每单固定积分", En: "Fixed points per order", On: OnOrder,
	Settings: func() any { return &Fixed{Points: 1} },
	Evaluate: func(settings any, in *Input) Calc {
		s := settings.(*Fixed)
		return least(in, s.MinFen, s.Points)
	},
}

func least(in *Input, minFen, n int64) Calc {
	if in.Eligible < minFen {
		return Calc{Fen: in.Eligible, No: "min_fen"}
	}
	return Calc{Points: n, Fen: in.Eligible}
}

var firstOrder = Kind{
	Name: "first_order", Zh: "首单奖励", En: "First order", On: OnOrder,
	Settings: func() any { return &Fixed{Points: 50} },
	Evaluate: func(settings any, in *Input) Calc {
		s := settings.(*Fixed)
		if in.OrdersBefore > 0 {
			return Calc{Fen: in.Eligible, No: "not_first"}
		}
		return least(in, s.MinFen, s.Points)
	},
}

// Multiply adds to what the other rules gave for money spent: 积分加倍.
type Multiply struct {
	Factor money.Rate `json:"factor" zh:"倍数" en:"Factor" min:"1" max:"100" required:"true"`
}

var multiplier = Kind{
	Name: "multiplier", Zh: "积分加倍", En: "Times points", On: OnOrder, OnBase: true,
	Settings: func() any { return &Multiply{Factor: 2 * money.One} },
	Evaluate: func(settings any, in *Input) Calc {
		s := settings.(*Multiply)
		c := Calc{Base: in.Base, Rate: s.Factor - money.One, ByLine: true}
		c.Points = multiply(in.Base, 1, c.Rate)
		if in.Base == 0 {
			c.No = "no_base"
		}
		return c
	},
}

// Once gives points once: for a completed profile, for joining.
type Once struct {
	Points int64 `json:"points" zh:"积分" en:"Points" unit:"points" min:"1" max:"1000000" required:"true"`
}

func giveOnce(settings any, _ *Input) Calc { return Calc{Points: settings.(*Once).Points} }

var profile = Kind{
	Name: "profile", Zh: "完善资料", En: "Profile completed", On: OnProfile,
	Settings: func() any { return &Once{Points: 10} }, Evaluate: giveOnce,
}

var join = Kind{
	Name: "join", Zh: "入会礼", En: "Joining", On: OnJoin,
	Settings: func() any { return &Once{Points: 10} }, Evaluate: giveOnce,
}

// multiply is n ÷ per × all rates, exact, rounded down once at the end.
func multiply(n, per int64, rates ...money.Rate) int64 {
	plain := money.One
	extra := 0
	for _, r := range rates {
		if r != money.One {
			plain = r
			extra++
		}
	}
	if extra <= 1 {
		out, err := money.MulDiv(n, int64(plain), per*int64(money.One), money.Floor)
		if err == nil {
			return out
		}
	}
	x := big.NewInt(n)
	y := big.NewInt(per)
	for _, r := range rates {
		x.Mul(x, big.NewInt(int64(r)))
		y.Mul(y, big.NewInt(int64(money.One)))
	}
	x.Quo(x, y)
	if !x.IsInt64() {
		return 0
	}
	return x.Int64()
}
