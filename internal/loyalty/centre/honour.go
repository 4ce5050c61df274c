package centre

import (
	"guanxi/internal/base/db"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/recognition"
)

// greetings are in words what a member is greeted for today.
func (h *Routes) greetings(v *db.View, m member.Member, birthMD int, lang string) []greetOut {
	out := []greetOut{}
	for _, g := range h.Honours.GreetingsOf(v, m, birthMD) {
		one := greetOut{Kind: g.Kind, Years: g.Years}
		if g.Kind == recognition.Birthday {
			one.Title, one.Note = text(lang, "生日快乐", "Happy birthday"), text(lang, "今天是您的日子，愿新的一岁事事顺心", "Today is your day. May the year ahead be kind to you")
		} else {
			one.Title, one.Note = text(lang, "相识 %d 周年", years(g.Years), g.Years), text(lang, "谢谢您一路相伴，往后也请多关照", "Thank you for staying with us")
		}
		out = append(out, one)
	}
	return out
}

func years(n int) string {
	if n == 1 {
		return "%d year together"
	}
	return "%d years together"
}

// newestBadges is how many the home page shows.
const newestBadges = 4

func badgesOf(v *db.View, memberID int64, lang string) homeBadges {
	w := recognition.WallOf(v, memberID)
	out := homeBadges{Earned: len(w.Earned), All: len(recognition.Badges), Newest: []homeBadge{}}
	if w.Title != nil {
		_, _, out.Title = w.Title.In(lang)
	}
	for _, a := range w.Earned[:min(len(w.Earned), newestBadges)] {
		out.Newest = append(out.Newest, badgeFor(recognition.BadgeOf(a.Badge), lang))
	}
	if len(w.Left) > 0 {
		next := badgeFor(w.Left[0], lang)
		out.Next = &next
	}
	return out
}

func badgeFor(b *recognition.Badge, lang string) homeBadge {
	name, how, _ := b.In(lang)
	return homeBadge{b.Key, name, b.Icon, how}
}
