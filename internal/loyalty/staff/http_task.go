package staff

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
)

// TaskOut is a task as the console watches it.
type TaskOut struct {
	ID         web.ID      `json:"id" doc:"作业|the task"`
	Kind       string      `json:"kind" doc:"种类|kind"`
	State      string      `json:"state" enum:"waiting,running,done,failed,cancelled" doc:"状态|state"`
	Done       int64       `json:"done" doc:"已完成|done so far"`
	Total      int64       `json:"total" doc:"总量，0 为未知|of how much, 0 unknown"`
	Result     web.JSON    `json:"result" doc:"结果，未完成为 null|what came of it, null until it is done"`
	Fault      *task.Fault `json:"fault,omitempty" doc:"失败原因|why it failed"`
	By         string      `json:"by" doc:"发起人|by whom"`
	Mine       bool        `json:"mine" doc:"由我发起|asked for by the caller"`
	CreatedAt  int64       `json:"created_at" doc:"发起时间|when it was asked for"`
	StartedAt  int64       `json:"started_at" doc:"开始时间，0 为未开始|when it began, 0 not yet"`
	FinishedAt int64       `json:"finished_at" doc:"结束时间，0 为未结束|when it ended, 0 not yet"`
}

// TaskFor shows a task.
func (d Desk) TaskFor(r db.Reader, t task.Row) TaskOut {
	out := TaskOut{ID: web.ID(t.ID), Kind: t.Kind, State: t.State, Done: t.Done, Total: t.Total, Result: web.JSON(t.Result), Fault: t.Why(), By: d.Name(r, t.Owner),
		CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, FinishedAt: t.FinishedAt}
	if t.Result == "" {
		out.Result = "null"
	}
	return out
}

// Tasks answers a list of tasks, the newest first.
func (d Desk) Tasks(c *web.Ctx, f task.Filter, p web.Paging) (*web.Page[TaskOut], error) {
	var before int64
	if err := web.DecodeCursor(p.Cursor, &before); err != nil {
		return nil, err
	}
	return Read(c, d, func(v *db.View) (*web.Page[TaskOut], error) {
		var rows []TaskOut
		for _, t := range task.List(v, f, before, p.Limit+1) {
			one := d.TaskFor(v, t)
			one.Mine = t.Owner == c.Caller.Actor()
			rows = append(rows, one)
		}
		return web.PageOf(rows, p.Limit, func(t TaskOut) string { return web.EncodeCursor(int64(t.ID)) }), nil
	})
}
