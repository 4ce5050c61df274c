package app

import (
	"net/http"
	"slices"
	"strings"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/staff"
)

// statusRoutes tell how the installation is, and let dead letters be dealt with.
func (a *App) statusRoutes(s *web.Server) {
	s.Tag("status", "运行状态", "Status")
	staff.Route(s, staff.Get("/status", "status.now", web.AnyCaller, "运行状态：队列、任务与存储", "Queue, jobs and storage"), a.status)
	staff.Route(s, staff.Get("/jobs", "status.jobs", "view.jobs", "任务种类与死信", "Kinds of jobs and dead letters"), a.jobs)
	staff.Route(s, staff.Get("/jobs/queue", "status.queue", "view.jobs", "任务列表，从新到旧，可筛选", "List jobs, newest first, by filters", web.ErrCursor), a.queue)
	staff.Route(s, staff.Get("/jobs/{id}", "status.job", "view.jobs", "一个任务", "A job", job.ErrNone), a.oneJob)
	staff.Route(s, staff.Change(http.MethodPost, "/jobs/{id}/retry", "status.retry", "edit.jobs", "重试死信", "Retry a dead letter", job.ErrNotDead), a.retryJob)
	staff.Route(s, staff.Change(http.MethodDelete, "/jobs/{id}", "status.discard", "edit.jobs", "丢弃死信", "Discard a dead letter", job.ErrNotDead), a.discardJob)
}

type jobCounts struct {
	Ready     int64 `json:"ready" doc:"待执行|waiting"`
	Running   int64 `json:"running" doc:"执行中|running"`
	Dead      int64 `json:"dead" doc:"死信|dead letters"`
	OldestDue int64 `json:"oldest_due" doc:"最久未执行者的应执行时间，0 为无|when the one that waits longest was due, 0 none"`
}

type statusOut struct {
	Now      int64     `json:"now" doc:"服务器时间，UTC 毫秒|time of the server, milliseconds UTC"`
	Zone     string    `json:"zone" doc:"时区|time zone of natural days"`
	Facts    int64     `json:"facts_last_minute" doc:"上一整分钟的事件数（各进程合计）|facts of the last whole minute, of all processes that share a Redis"`
	Waiting  int       `json:"waiting" doc:"等待写入的请求|writes that wait"`
	WALBytes int64     `json:"wal_bytes" doc:"预写日志字节数|bytes of the write-ahead log"`
	Bytes    int64     `json:"bytes" doc:"数据库字节数|bytes of the database"`
	Jobs     jobCounts `json:"jobs" doc:"任务|jobs"`
}

func (a *App) status(c *web.Ctx, _ *struct{}) (*statusOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*statusOut, error) {
		n := job.Count(v)
		return &statusOut{v.Now(), a.Zone.Name(), a.pulse.lastMinute(v.Now()), a.DB.Waiting(), sizeOf(a.DB.Path() + "-wal"), sizeOf(a.DB.Path()), jobCounts(n)}, nil
	})
}

type jobKind struct {
	Name string `json:"name" doc:"代码|name"`
	Zh   string `json:"zh" doc:"中文|in Chinese"`
	En   string `json:"en" doc:"英文|in English"`
}

type deadJob struct {
	ID        web.ID `json:"id" doc:"任务|the job"`
	Kind      string `json:"kind" doc:"种类|kind"`
	Error     string `json:"error" doc:"最后的错误|last error"`
	Attempts  int    `json:"attempts" doc:"尝试次数|attempts"`
	CreatedAt int64  `json:"created_at" doc:"产生时间|when it came about"`
	EndedAt   int64  `json:"ended_at" doc:"放弃时间|when it was given up"`
}

type jobsOut struct {
	Kinds []jobKind `json:"kinds" doc:"任务种类|kinds of jobs"`
	Dead  []deadJob `json:"dead" doc:"死信，最旧的在前，最多 200 条|dead letters, the oldest first, at most 200"`
	Jobs  jobCounts `json:"jobs" doc:"任务数|counts"`
}

const mostDead = 200

func (a *App) jobs(c *web.Ctx, _ *struct{}) (*jobsOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*jobsOut, error) {
		out := &jobsOut{Dead: []deadJob{}, Jobs: jobCounts(job.Count(v))}
		for name, k := range a.Jobs.Kinds() {
			out.Kinds = append(out.Kinds, jobKind{name, k.Zh, k.En})
		}
		slices.SortFunc(out.Kinds, func(x, y jobKind) int { return strings.Compare(x.Name, y.Name) })
		for _, j := range job.DeadLetters(v, mostDead) {
			out.Dead = append(out.Dead, deadJob{web.ID(j.ID), j.Kind, j.LastError, j.Attempts, j.CreatedAt, j.DueAt})
		}
		return out, nil
	})
}

type queueIn struct {
	web.Paging
	State string `query:"state" enum:"ready,running,done,dead,dropped" doc:"状态|state"`
	Kind  string `query:"kind" maxLength:"64" doc:"种类|kind"`
}

type jobOut struct {
	ID        web.ID `json:"id" doc:"任务|the job"`
	Kind      string `json:"kind" doc:"种类|kind"`
	Zh        string `json:"zh" doc:"种类的中文名|kind in Chinese"`
	En        string `json:"en" doc:"种类的英文名|kind in English"`
	State     string `json:"state" enum:"ready,running,done,dead,dropped" doc:"状态|state"`
	DueAt     int64  `json:"due_at" doc:"待执行：应执行时间；执行中：租约到期；已结束：结束时间|ready: when due; running: end of the lease; ended: when"`
	Attempts  int    `json:"attempts" doc:"尝试次数|attempts since it last got on"`
	Error     string `json:"error" doc:"最后的错误|last error"`
	CreatedAt int64  `json:"created_at" doc:"产生时间|when it came about"`
}

func (a *App) jobOf(j job.Row) jobOut {
	k := a.Jobs.Kinds()[j.Kind]
	return jobOut{web.ID(j.ID), j.Kind, k.Zh, k.En, j.State, j.DueAt, j.Attempts, j.LastError, j.CreatedAt}
}

func (a *App) queue(c *web.Ctx, in *queueIn) (*web.Page[jobOut], error) {
	var before int64
	if err := web.DecodeCursor(in.Cursor, &before); err != nil {
		return nil, err
	}
	return staff.Read(c, a.desk(), func(v *db.View) (*web.Page[jobOut], error) {
		var rows []jobOut
		for _, j := range job.List(v, job.Filter{State: in.State, Kind: in.Kind}, before, in.Limit+1) {
			rows = append(rows, a.jobOf(j))
		}
		return web.PageOf(rows, in.Limit, func(j jobOut) string { return web.EncodeCursor(int64(j.ID)) }), nil
	})
}

func (a *App) oneJob(c *web.Ctx, in *jobIn) (*jobOut, error) {
	return staff.Read(c, a.desk(), func(v *db.View) (*jobOut, error) {
		j, ok := job.Get(v, int64(in.ID))
		if !ok {
			return nil, job.ErrNone.New()
		}
		out := a.jobOf(j)
		return &out, nil
	})
}

type jobIn struct {
	ID web.ID `path:"id" doc:"任务|the job"`
}

func (a *App) retryJob(c *web.Ctx, in *jobIn) (*web.None, error) {
	return a.dealWith(c, in, "job.retry", job.Retry)
}

func (a *App) discardJob(c *web.Ctx, in *jobIn) (*web.None, error) {
	return a.dealWith(c, in, "job.discard", job.Discard)
}

func (a *App) dealWith(c *web.Ctx, in *jobIn, what string, do func(*db.Tx, int64) error) (*web.None, error) {
	return staff.Write(c, a.desk(), db.Op{}, func(tx *db.Tx) (*web.None, staff.Act, error) {
		return &web.None{}, staff.Act{What: what, Targets: []int64{int64(in.ID)}}, do(tx, int64(in.ID))
	})
}
