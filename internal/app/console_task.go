package app

import (
	"net/http"

	"guanxi/internal/base/db"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// taskRoutes show what operators have asked for and wait for. Everybody sees their own; all are seen by who sees jobs.
func (a *App) taskRoutes(s *web.Server) {
	s.Tag("task", "后台作业", "Tasks")
	web.Route(s, staff.Get("/tasks", "task.list", web.AnyCaller, "后台作业，从新到旧：自己的，或全部（需查看任务权限）", "Tasks, newest first: one's own, or all for who may see jobs", web.ErrCursor), a.tasks)
	web.Route(s, staff.Get("/tasks/{id}", "task.get", web.AnyCaller, "一项后台作业及进度", "A task and how far it is", task.ErrNone), a.task)
	web.Route(s, staff.Change(http.MethodPost, "/tasks/{id}/cancellation", "task.cancel", web.AnyCaller, "取消后台作业", "Cancel a task", task.ErrNone, task.ErrEnded), a.cancelTask)
}

type tasksIn struct {
	web.Paging
	All   bool   `query:"all" doc:"全部人的|of everybody"`
	Kind  string `query:"kind" maxLength:"64" doc:"种类|kind"`
	State string `query:"state" enum:"waiting,running,done,failed,cancelled" doc:"状态|state"`
}

func (a *App) tasks(c *web.Ctx, in *tasksIn) (*web.Page[staff.TaskOut], error) {
	f := task.Filter{Kind: in.Kind, State: in.State, Owner: c.Caller.Actor()}
	if in.All && staff.WhoOf(c).CanAt("view.jobs", 0) {
		f.Owner = ""
	}
	return a.desk().Tasks(c, f, in.Paging)
}

type taskIn struct {
	ID web.ID `path:"id" doc:"作业|the task"`
}

// ownTask finds a task for whoever may see it.
func ownTask(r db.Reader, c *web.Ctx, id web.ID, perm string) (task.Row, error) {
	t, ok := task.Get(r, int64(id))
	if !ok || t.Owner != c.Caller.Actor() && !staff.WhoOf(c).CanAt(perm, 0) {
		return t, task.ErrNone.New()
	}
	return t, nil
}

func (a *App) task(c *web.Ctx, in *taskIn) (*staff.TaskOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*staff.TaskOut, error) {
		t, err := ownTask(v, c, in.ID, "view.jobs")
		if err != nil {
			return nil, err
		}
		out := a.desk().TaskFor(v, t)
		out.Mine = t.Owner == c.Caller.Actor()
		return &out, nil
	})
}

func (a *App) cancelTask(c *web.Ctx, in *taskIn) (*staff.TaskOut, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*staff.TaskOut, staff.Act, error) {
		if _, err := ownTask(tx, c, in.ID, "edit.jobs"); err != nil {
			return nil, staff.Act{}, err
		}
		t, err := task.Cancel(tx, int64(in.ID))
		out := a.desk().TaskFor(tx, t)
		return &out, staff.Act{What: "task.cancel", Targets: []int64{t.ID}}, err
	})
}
