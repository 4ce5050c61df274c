package campaign

import (
	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
)

// Newcomer is the task pack of newcomers (新人任务): a few small things in the first days, each given once.
type Newcomer struct {
	Days    int64 `json:"days" zh:"入会后几天内" en:"Within days of joining" min:"1" max:"90" required:"true"`
	CheckIn int64 `json:"checkin" zh:"首次签到积分" en:"Points for a first check-in" min:"0" max:"10000"`
	Browse  int64 `json:"browse" zh:"浏览等级权益积分" en:"Points for looking at the tiers" min:"0" max:"10000"`
}

// Tasks of newcomers; they are the slots of the plays.
const (
	TaskCheckIn = "checkin"
	TaskBrowse  = "browse"
)

var taskSlots = map[string]int64{TaskCheckIn: 1, TaskBrowse: 2}

// ErrTask refuses a task that is none, or whose time is over.
var ErrTask = fault.Define("campaign.task", fault.Conflict, "没有这项任务，或已过期", "There is no such task, or its time is over")

var newcomer = Kind{
	Name: "newcomer", Zh: "新人任务", En: "Newcomer tasks", Single: true,
	Settings: func() any { return &Newcomer{Days: 3, CheckIn: 10, Browse: 10} },
	Check:    func(any) error { return nil },
}

func (n *Newcomer) points(task string) int64 {
	switch task {
	case TaskCheckIn:
		return n.CheckIn
	case TaskBrowse:
		return n.Browse
	}
	return 0
}

// Task is one of the tasks as a member sees it.
type Task struct {
	Key    string
	Points int64
	Done   bool
	Until  int64
}

// TasksOf lists the tasks of a member who joined at an instant; none when their time is over.
func TasksOf(r db.Reader, z clock.Zone, member, joined int64) (out []Task) {
	c := current(r, newcomer.Name, r.Now())
	if c == nil {
		return nil
	}
	n := c.settings.(*Newcomer)
	until := n.until(z, joined)
	for _, key := range []string{TaskCheckIn, TaskBrowse} {
		if n.points(key) == 0 || r.Now() >= until {
			continue
		}
		_, done := plays.Get(r, PlayKey{member, c.Version.Campaign, taskSlots[key]})
		out = append(out, Task{key, n.points(key), done, until})
	}
	return out
}

func (n *Newcomer) until(z clock.Zone, joined int64) int64 {
	return z.StartOfDay(z.AddDays(z.LocalDay(joined), int(n.Days)))
}

// DoTask gives what a task of newcomers brings, once. Who is no newcomer gets nothing and an error that says so.
func (s *Service) DoTask(tx *db.Tx, memberID int64, task string) (p Play, again bool, err error) {
	m, err := s.earner(tx, memberID)
	if err != nil {
		return p, false, err
	}
	c := current(tx, newcomer.Name, tx.Now())
	if c == nil || taskSlots[task] == 0 {
		return p, false, ErrTask.New()
	}
	if p, ok := plays.Get(tx, PlayKey{m.ID, c.Version.Campaign, taskSlots[task]}); ok {
		return p, true, nil
	}
	n := c.settings.(*Newcomer)
	if n.points(task) == 0 || tx.Now() >= n.until(s.Zone, m.JoinedAt) {
		return p, false, ErrTask.New()
	}
	if p, err = s.play(tx, c, Play{Member: m.ID, Slot: taskSlots[task], Points: n.points(task)}); err != nil {
		return p, false, err
	}
	_, err = fact.Emit(tx, m.ID, TaskDone{c.Version.Campaign, task, p.Points})
	return p, false, err
}

// OnCheckedIn does the task of the first check-in for a newcomer; for everybody else it does nothing.
func (s *Service) OnCheckedIn(tx *db.Tx, memberID int64) error {
	_, _, err := s.DoTask(tx, memberID, TaskCheckIn)
	if fault.Is(err, ErrTask) {
		return nil
	}
	return err
}
