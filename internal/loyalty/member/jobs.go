package member

import (
	"context"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
)

// SweepSessions is the job that drops sessions that are over; they were void before, because reads judge by time.
const SweepSessions job.Kind[job.Slot] = "member.sessions"

// RegisterJobs adds the background work of members.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, SweepSessions, job.Spec{Zh: "清理过期的会员会话", En: "Drop members' sessions that have ended"},
		func(ctx context.Context, run *job.Run, _ job.Slot) error {
			next := run.Cursor()
			for more := true; more; more = next != "" {
				after := next
				err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
					next = forgetSessions(tx, after)
					return run.Save(tx, next)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	job.Register(r, SweepCodes, job.Spec{Zh: "清理过期的会员码", En: "Drop member codes that have ended"}, sweepCodes)
	r.Schedule(job.Daily(SweepSessions, 4, 45), job.Daily(SweepCodes, 4, 50))
}
