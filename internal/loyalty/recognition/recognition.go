// Package recognition is what members are honoured by (勋章与纪念日): badges with the titles they bring, birthdays, anniversaries of joining.
//
// Invariants:
//
//   - a member gets a badge once, in the Tx of what earned it, and keeps it: a refund or a lost tier takes nothing back;
//   - badges give no points and open no door, so nothing of value hangs on them;
//   - a badge that a merge carried over goes back when the merge is undone; an account that is closed has none;
//   - nobody is greeted but active members, once a year for each occasion, on the local day; 29 February is kept on the 28th when there is none.
package recognition

import (
	"slices"

	"guanxi/internal/base/clock"
)

// Badge is one thing to be honoured for. To add one: a line below, and where it is earned in service.go.
type Badge struct {
	Key          string
	Icon         string // as the member centre names its pictures
	Zh, En       string
	HowZh, HowEn string // how it is earned
	// The word by which a member who has it is called; the last badge of the list that a member has counts. Empty: it brings none.
	TitleZh, TitleEn string
}

// Keys of badges.
const (
	Profile    = "profile"
	FirstOrder = "first_order"
	Streak7    = "streak_7"
	TierUp     = "tier_up"
	Orders10   = "orders_10"
	Year1      = "year_1"
	Streak30   = "streak_30"
	Year3      = "year_3"
	TierTop    = "tier_top"
)

// Badges is the closed list, from the easiest to the rarest.
var Badges = []Badge{
	{Profile, "me", "相互了解", "Well met", "完善全部个人资料", "Complete your profile", "", ""},
	{FirstOrder, "bag", "第一单", "First order", "完成第一笔订单", "Place a first order", "新朋友", "New friend"},
	{Streak7, "calendar", "七日之约", "Seven in a row", "连续签到 7 天", "Check in 7 days in a row", "", ""},
	{TierUp, "spark", "更上一层", "One step up", "第一次升级", "Reach a higher tier", "", ""},
	{Orders10, "receipt", "十单熟客", "Ten orders", "累计 10 笔订单", "Place 10 orders", "熟客", "Regular"},
	{Year1, "birthday", "相识一年", "One year", "入会满一年", "Be a member for a year", "老朋友", "Old friend"},
	{Streak30, "clock", "三十日如一", "Thirty in a row", "连续签到 30 天", "Check in 30 days in a row", "常相见", "Daily guest"},
	{Year3, "heart", "三载相伴", "Three years", "入会满三年", "Be a member for three years", "知己", "Confidant"},
	{TierTop, "crown", "登顶", "At the top", "达到最高等级", "Reach the highest tier", "座上宾", "Guest of honour"},
}

// In gives the badge's name, how it is earned, and its title in a language.
func (b *Badge) In(lang string) (name, how, title string) {
	if lang == "en" {
		return b.En, b.HowEn, b.TitleEn
	}
	return b.Zh, b.HowZh, b.TitleZh
}

// mark is a badge for a number of something.
type mark struct {
	n     int
	badge string
}

var (
	byOrders = []mark{{1, FirstOrder}, {10, Orders10}}
	byStreak = []mark{{7, Streak7}, {30, Streak30}}
	byYears  = []mark{{1, Year1}, {3, Year3}}
)

// at is the badge for exactly a number, "" for none.
func at(list []mark, n int) string {
	for _, m := range list {
		if m.n == n {
			return m.badge
		}
	}
	return ""
}

// Awarded says that a member got a badge.
type Awarded struct {
	Badge string `json:"badge"`
	Why   string `json:"why"`
}

// FactKind is "recognition.awarded".
func (Awarded) FactKind() string { return "recognition.awarded" }

// YearsOn says how many whole years ago, as the calendar counts them, something was on a local day; 0 when that day is no anniversary of it.
func YearsOn(z clock.Zone, since, day int) int {
	n := yearsBy(z, since, day)
	if n < 1 || z.AddMonths(since, 12*n) != day {
		return 0
	}
	return n
}

// yearsBy says how many years have passed by a local day.
func yearsBy(z clock.Zone, since, day int) int {
	n := day/10000 - since/10000
	if n > 0 && z.AddMonths(since, 12*n) > day {
		n--
	}
	return n
}

// birthdaysOn lists the birthdays (MMDD) that are kept on a local day.
func birthdaysOn(z clock.Zone, day int) []int {
	out := []int{day % 10000}
	if day%10000 == 228 && z.AddDays(day, 1)%10000 == 301 {
		out = append(out, 229)
	}
	return out
}

// BornOn says whether a birthday (MMDD, 0 when it is not known) is kept on a local day.
func BornOn(z clock.Zone, md, day int) bool { return slices.Contains(birthdaysOn(z, day), md) }
