package campaign

import (
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/fault"
	"guanxi/internal/loyalty/member"
)

// Newcomer is the task pack of newcomers (新人任务): a few small things in the first days, each given once.
type Newcomer struct {
	Days    int64  `json:"days" zh:"入会后几天内" en:"Within days of joining" min:"1" max:"90" required:"true"`
	CheckIn int64  `json:"checkin" zh:"首次签到积分" en:"Points for a first check-in" min:"0" max:"10000"`
	Browse  int64  `json:"browse" zh:"浏览等级权益积分" en:"Points for looking at the tiers" min:"0" max:"10000"`
	Follow  int64  `json:"follow" zh:"关注服务号积分" en:"Points for following the official account" min:"0" max:"10000" help:"0 表示没有这项任务；须已接入服务号" help_en:"0 is no such task; an official account must be connected"`
	Group   int64  `json:"group" zh:"加入客户群积分" en:"Points for joining the customer group" min:"0" max:"10000" help:"0 表示没有这项任务；须已接入企业微信" help_en:"0 is no such task; WeCom must be connected"`
	Link    string `json:"group_link" zh:"客户群二维码的内容" en:"What the QR code of the customer group says" max:"200" help:"在企业微信“加入群聊”中取得，以 https:// 开头" help_en:"from WeCom's way to join a group; begins with https://"`
}

// Tasks of newcomers; they are the slots of the plays.
const (
	TaskCheckIn = "checkin"
	TaskBrowse  = "browse"
	TaskFollow  = "follow" // the 服务号; done by the platform's word alone
	TaskGroup   = "group"  // the 客户群; done by the platform's word alone
)

var taskSlots = map[string]int64{TaskCheckIn: 1, TaskBrowse: 2, TaskFollow: 3, TaskGroup: 4}

// ErrLink refuses a task to join a group that nobody can find.
var ErrLink = fault.Define("campaign.group_link", fault.Invalid,
	"请填写客户群二维码的内容，以 https:// 开头", "Say what the QR code of the customer group says; it begins with https://")

// ErrTask refuses a task that is none, or whose time is over.
var ErrTask = fault.Define("campaign.task", fault.Conflict, "没有这项任务，或已过期", "There is no such task, or its time is over")

var newcomer = Kind{
	Name: "newcomer", Zh: "新人任务", En: "Newcomer tasks", Single: true,
	Settings: func() any { return &Newcomer{Days: 3, CheckIn: 10, Browse: 10} },
	Check: func(settings any) error {
		n := settings.(*Newcomer)
		if !strings.HasPrefix(n.Link, "https://") && (n.Link != "" || n.Group > 0) {
			return ErrLink.New().At("group_link")
		}
		return nil
	},
}

func (n *Newcomer) points(task string) int64 {
	switch task {
	case TaskCheckIn:
		return n.CheckIn
	case TaskBrowse:
		return n.Browse
	case TaskFollow:
		return n.Follow
	case TaskGroup:
		return n.Group
	}
	return 0
}

// Task is one of the tasks as a member sees it.
type Task struct {
	Key    string
	Points int64
	Done   bool
	Until  int64
	Link   string // what its QR code says, when the settings know
}

// TasksOf lists the tasks of a member who joined at an instant; none when their time is over.
func TasksOf(r db.Reader, z clock.Zone, member, joined int64) (out []Task) {
	c := current(r, newcomer.Name, r.Now())
	if c == nil {
		return nil
	}
	n := c.settings.(*Newcomer)
	until := n.until(z, joined)
	for _, key := range []string{TaskCheckIn, TaskBrowse, TaskFollow, TaskGroup} {
		if n.points(key) == 0 || r.Now() >= until {
			continue
		}
		_, done := plays.Get(r, PlayKey{member, c.Version.Campaign, taskSlots[key]})
		one := Task{Key: key, Points: n.points(key), Done: done, Until: until}
		if key == TaskGroup {
			one.Link = n.Link
		}
		out = append(out, one)
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
	return s.did(tx, memberID, TaskCheckIn)
}

// OnFollowed does the task of following the account, in the Tx in which we hear of it.
func (s *Service) OnFollowed(tx *db.Tx, memberID int64) error {
	return s.did(tx, memberID, TaskFollow)
}

// OnInGroup does the task of joining the customer group, in the Tx in which we hear of it.
func (s *Service) OnInGroup(tx *db.Tx, memberID int64) error {
	return s.did(tx, memberID, TaskGroup)
}

// did does a task for who may have it; for everybody else what they did stands, and gives nothing.
func (s *Service) did(tx *db.Tx, memberID int64, task string) error {
	_, _, err := s.DoTask(tx, memberID, task)
	if fault.Is(err, ErrTask) || fault.Is(err, member.ErrBlocked) {
		return nil
	}
	return err
}

// AsksToFollow says whether a version has the task of following the account.
func AsksToFollow(r db.Reader, version int64) bool {
	v, _ := versions.Get(r, version)
	c, err := compile(v, v.SpecOf())
	if err != nil || c.kind.Name != newcomer.Name {
		return false
	}
	return c.settings.(*Newcomer).Follow > 0
}
