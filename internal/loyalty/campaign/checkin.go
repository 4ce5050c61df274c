package campaign

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
)

// CheckIn is the daily check-in (签到): a ladder of points for days in a row, and steps on top.
type CheckIn struct {
	Daily []int64 `json:"daily" zh:"连续签到每日积分（第 1 天、第 2 天…）" en:"Points by day in a row (1st, 2nd …)" min:"0" max:"10000" help:"走完后从头开始" help_en:"begins anew at its end"`
	Steps []Step  `json:"steps" zh:"连续签到额外奖励" en:"Extra for days in a row" max:"12"`
}

// Step is an extra gift on a day in a row.
type Step struct {
	Days   int64 `json:"days" zh:"连续第几天" en:"On which day in a row" min:"1" max:"366" required:"true"`
	Points int64 `json:"points" zh:"额外积分" en:"Extra points" min:"1" max:"10000" required:"true"`
	Every  bool  `json:"every" zh:"每满这么多天都给" en:"Again each time as many days have passed"`
}

var checkIn = Kind{
	Name: "check_in", Zh: "每日签到", En: "Daily check-in", Single: true,
	Settings: func() any { return &CheckIn{Daily: []int64{5, 6, 8, 10, 12, 15, 20}, Steps: []Step{{7, 10, true}}} },
	Check: func(settings any) error {
		s := settings.(*CheckIn)
		if len(s.Daily) == 0 || len(s.Daily) > 31 {
			return ErrLadder.New().At("daily")
		}
		for i, x := range s.Steps {
			if i > 0 && x.Days <= s.Steps[i-1].Days {
				return ErrLadder.New().At("steps")
			}
		}
		return nil
	},
}

// On is what the n-th day in a row gives: its place on the ladder, and what steps add.
func (s *CheckIn) On(n int) (points, bonus int64) {
	points = s.Daily[(n-1)%len(s.Daily)]
	for _, x := range s.Steps {
		if int64(n) == x.Days || x.Every && int64(n)%x.Days == 0 {
			bonus += x.Points
		}
	}
	return points, bonus
}

// Ladder is the check-in in force with its version and since when it holds; false when there is none.
func Ladder(r db.Reader) (s CheckIn, version, from int64, ok bool) {
	c := current(r, checkIn.Name, r.Now())
	if c == nil {
		return s, 0, 0, false
	}
	return *c.settings.(*CheckIn), c.Version.ID, c.From, true
}

// maxStreak is where counting back ends.
const maxStreak = 3660

// streakBefore counts the days in a row that end on the day before a day.
func streakBefore(r db.Reader, z clock.Zone, member, campaign int64, day int) int {
	n, want := 0, z.AddDays(day, -1)
	for before := int64(day); n < maxStreak; {
		rows := playsBefore(r, member, campaign, before, 64)
		for _, p := range rows {
			if p.Slot != int64(want) {
				return n
			}
			n++
			want = z.AddDays(want, -1)
		}
		if len(rows) < 64 {
			return n
		}
		before = rows[len(rows)-1].Slot
	}
	return n
}

// Result is what a check-in came to.
type Result struct {
	Play
	Again bool // this day had been checked in before; nothing changed
}

// CheckInNow checks a member in on the local day of the Tx. Asked again on the same day it gives the same play.
func (s *Service) CheckInNow(tx *db.Tx, memberID int64) (Result, error) {
	c := current(tx, checkIn.Name, tx.Now())
	if c == nil {
		return Result{}, ErrClosed.New()
	}
	m, err := s.earner(tx, memberID)
	if err != nil {
		return Result{}, err
	}
	day := s.Zone.LocalDay(tx.Now())
	if p, ok := plays.Get(tx, PlayKey{m.ID, c.Version.Campaign, int64(day)}); ok {
		return Result{p, true}, nil
	}
	streak := streakBefore(tx, s.Zone, m.ID, c.Version.Campaign, day) + 1
	points, bonus := c.settings.(*CheckIn).On(streak)
	p, err := s.play(tx, c, Play{Member: m.ID, Slot: int64(day), Points: points, Bonus: bonus, Streak: streak})
	if err != nil {
		return Result{}, err
	}
	_, err = fact.Emit(tx, m.ID, CheckedIn{c.Version.Campaign, c.Version.ID, day, streak, p.Points + p.Bonus})
	return Result{p, false}, err
}

// Standing is how far a member has come in the check-in in force.
type Standing struct {
	Streak  int   // days in a row, today among them when it is done
	Checked bool  // today is done
	Next    int64 // points the next check-in gives, with the extra
}

// StandingOf tells how far a member has come; false when no check-in is in force.
func StandingOf(r db.Reader, z clock.Zone, member int64) (Standing, bool) {
	c := current(r, checkIn.Name, r.Now())
	if c == nil {
		return Standing{}, false
	}
	return standing(r, z, c, member), true
}

func standing(r db.Reader, z clock.Zone, c *compiled, member int64) (out Standing) {
	day := z.LocalDay(r.Now())
	_, out.Checked = plays.Get(r, PlayKey{member, c.Version.Campaign, int64(day)})
	out.Streak = streakBefore(r, z, member, c.Version.Campaign, day)
	if out.Checked {
		out.Streak++
	}
	p, b := c.settings.(*CheckIn).On(out.Streak + 1)
	out.Next = p + b
	return out
}

// Streak tells the days in a row of the check-in in force, whether today is one of them, and what all check-ins gave.
func (s *Service) Streak(r db.Reader, member int64) (days int, today bool, given int64) {
	c := current(r, checkIn.Name, r.Now())
	if c == nil {
		return 0, false, 0
	}
	at := standing(r, s.Zone, c, member)
	days, today = at.Streak, at.Checked
	for _, p := range PlaysBetween(r, member, c.Version.Campaign, 0, 99991231) {
		given += p.Points + p.Bonus
	}
	return days, today, given
}

// GivenOn tells what all campaigns of a kind did on a local day.
func GivenOn(v *db.View, kind string, day int) (plays, points int64) {
	for _, c := range campaigns.Select(v, db.Query[Campaign]{Where: "kind = ?", Args: []any{kind}}) {
		for _, d := range DaysOf(v, c.ID, day, day) {
			plays, points = plays+d.Plays, points+d.Points
		}
	}
	return plays, points
}
