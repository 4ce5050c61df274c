package campaign

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
)

// routes are the feature's routes over a database.
type routes struct {
	s *Service
	d *db.DB
}

// RoutesMember registers what members take part in.
func (s *Service) RoutesMember(srv *web.Server, d *db.DB) {
	h := routes{s, d}
	srv.Tag("campaign", "活动", "Campaigns")
	tags := []string{"campaign"}
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodGet, Path: "/me/checkin", ID: "me.checkin", Perm: web.AnyCaller, Tags: tags,
		Zh: "我的签到日历：今天、连续天数、阶梯", En: "My check-in calendar: today, days in a row, the ladder", Errors: []*fault.Kind{ErrClosed}}, h.getCalendar)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/checkins", ID: "me.check_in", Perm: web.AnyCaller, Write: true, Status: http.StatusCreated, Tags: tags,
		Zh: "签到；今天已签到时返回当时的结果（200）", En: "Check in; already done today gives what it came to (200)",
		Errors: []*fault.Kind{ErrClosed, member.ErrBlocked, ledger.ErrBalance}}, h.postCheckIn)
	web.Route(srv, web.Op{Door: member.Door, Method: http.MethodPost, Path: "/me/tasks/{task}", ID: "me.task", Perm: web.AnyCaller, Write: true, Status: http.StatusCreated, Tags: tags,
		Zh: "完成一项新人任务；已完成时返回当时的结果（200）", En: "Do a task of newcomers; already done gives what it came to (200)",
		Errors: []*fault.Kind{ErrTask, member.ErrBlocked, ledger.ErrBalance}}, h.postTask)
}

type calendarIn struct {
	Month int `query:"month" minimum:"0" maximum:"999912" doc:"自然月，如 202607；缺省为本月|local month, such as 202607; this month when absent"`
}

type calendarDay struct {
	Day    int   `json:"day" doc:"自然日|local day"`
	Points int64 `json:"points" doc:"得到的积分，含额外|points it gave, with the extra"`
	Bonus  int64 `json:"bonus" doc:"其中额外的|of them extra"`
}

type ladderDay struct {
	N      int   `json:"n" doc:"连续第几天|day in a row"`
	Points int64 `json:"points" doc:"积分|points"`
	Bonus  int64 `json:"bonus" doc:"额外积分|extra points"`
	Done   bool  `json:"done" doc:"本轮是否已走到|whether this round has come so far"`
}

type calendarOut struct {
	Campaign web.ID        `json:"campaign_id" doc:"活动|the campaign"`
	Name     string        `json:"name" doc:"名称|name"`
	Until    int64         `json:"until_at,omitempty" doc:"结束时刻，没有则长期|when it ends; absent for open"`
	Today    int           `json:"today" doc:"今天（服务器时间）|today, by the server's clock"`
	Checked  bool          `json:"checked_today" doc:"今天是否已签到|whether today is done"`
	Streak   int           `json:"streak" doc:"连续天数，断签后从 0 起|days in a row; 0 after a gap"`
	Next     ladderDay     `json:"next" doc:"下一次签到可得|what the next check-in gives"`
	Ladder   []ladderDay   `json:"ladder" doc:"本轮阶梯|the ladder of this round"`
	Month    int           `json:"month" doc:"所示月份|the month shown"`
	Days     []calendarDay `json:"days" doc:"该月已签到的日子|days of the month that were checked in"`
	Total    int64         `json:"month_points" doc:"该月签到所得|points of the month"`
}

func (h routes) getCalendar(c *web.Ctx, in *calendarIn) (out *calendarOut, err error) {
	err = h.d.View(c, func(v *db.View) error {
		out, err = h.s.calendar(v, c.Caller.ID, in.Month, c.Lang())
		return err
	})
	return out, err
}

func (s *Service) calendar(v *db.View, memberID int64, month int, lang string) (*calendarOut, error) {
	cur := current(v, checkIn.Name, v.Now())
	if cur == nil {
		return nil, ErrClosed.New()
	}
	settings, id, today := cur.settings.(*CheckIn), cur.Version.Campaign, s.Zone.LocalDay(v.Now())
	if m := month % 100; month < 190001 || m < 1 || m > 12 {
		month = today / 100
	}
	out := &calendarOut{Campaign: web.ID(id), Name: cur.Spec.Name(lang), Until: cur.Spec.Until, Today: today, Month: month, Ladder: []ladderDay{}, Days: []calendarDay{}}
	at := standing(v, s.Zone, cur, memberID)
	out.Checked, out.Streak = at.Checked, at.Streak
	round := len(settings.Daily)
	begun := out.Streak / round * round // days of whole rounds
	if out.Checked && out.Streak%round == 0 {
		begun -= round // today ended this round; it is shown until tomorrow
	}
	for n := begun + 1; n <= begun+round; n++ {
		p, b := settings.On(n)
		out.Ladder = append(out.Ladder, ladderDay{n, p, b, n <= out.Streak})
	}
	p, b := settings.On(out.Streak + 1)
	out.Next = ladderDay{out.Streak + 1, p, b, false}
	for _, x := range PlaysBetween(v, memberID, id, int64(month*100), int64(month*100+99)) {
		out.Days = append(out.Days, calendarDay{int(x.Slot), x.Points + x.Bonus, x.Bonus})
		out.Total += x.Points + x.Bonus
	}
	return out, nil
}

type checkInOut struct {
	Day    int    `json:"day" doc:"自然日|local day"`
	Again  bool   `json:"again" doc:"今天此前已签到|today had been done before"`
	Streak int    `json:"streak" doc:"连续天数|days in a row"`
	Points int64  `json:"points" doc:"得到的积分，含额外|points it gave, with the extra"`
	Bonus  int64  `json:"bonus" doc:"其中额外的|of them extra"`
	Cut    string `json:"cap,omitempty" doc:"触及的上限|the cap that bit"`
}

func (h routes) postCheckIn(c *web.Ctx, _ *struct{}) (*checkInOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*checkInOut, error) {
		r, err := h.s.CheckInNow(tx, c.Caller.ID)
		if err != nil {
			return nil, err
		}
		if r.Again {
			c.SetStatus(http.StatusOK)
		}
		return &checkInOut{int(r.Slot), r.Again, r.Streak, r.Points + r.Bonus, r.Bonus, r.Cut}, nil
	})
}

type taskIn struct {
	Task string `path:"task" enum:"browse" doc:"任务；签到任务随签到自动完成|the task; that of the check-in is done by checking in"`
}

type taskDoneOut struct {
	Task   string `json:"task" doc:"任务|the task"`
	Again  bool   `json:"again" doc:"此前已完成|done before"`
	Points int64  `json:"points" doc:"得到的积分|points it gave"`
}

func (h routes) postTask(c *web.Ctx, in *taskIn) (*taskDoneOut, error) {
	return web.Write(c, db.Op{Owner: c.Caller.ID}, func(tx *db.Tx) (*taskDoneOut, error) {
		p, again, err := h.s.DoTask(tx, c.Caller.ID, in.Task)
		if again {
			c.SetStatus(http.StatusOK)
		}
		return &taskDoneOut{in.Task, again, p.Points}, err
	})
}
