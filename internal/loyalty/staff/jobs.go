package staff

import (
	"context"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
)

// Sweep is the job that writes down what time has ended.
const Sweep job.Kind[job.Slot] = "staff.sweep"

const sweepBatch = 200

// RegisterJobs adds the background work of staff.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, Sweep, job.Spec{Zh: "清理过期会话与复核申请", En: "End expired sessions and approvals"},
		func(ctx context.Context, run *job.Run, _ job.Slot) error {
			for more := true; more; {
				err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error { more = sweep(tx); return run.Save(tx, "") })
				if err != nil {
					return err
				}
			}
			return nil
		})
	r.Schedule(job.Every(Sweep, clock.Hour))
}

// sweep ends one batch and tells whether there may be more. All of it was over before: reads judge by time themselves.
func sweep(tx *db.Tx) (more bool) {
	now := tx.Now()
	old := sessionsOver(tx, now-idleFor, now-liveFor, sweepBatch)
	for _, ses := range old {
		sessions.Delete(tx, ses.Hash)
	}
	names := triesOver(tx, now-lockFor, sweepBatch)
	for _, t := range names {
		tries.Delete(tx, t.Login)
	}
	late := append(approvalsIn(tx, Waiting, now, sweepBatch), approvalsIn(tx, Approved, now, sweepBatch)...)
	for _, a := range late {
		a.State = Expired
		approvals.Put(tx, a)
	}
	stale := challengesOver(tx, now-challengeFor, sweepBatch)
	for _, c := range stale {
		challenges.Delete(tx, c.Hash)
	}
	return max(len(old), len(names), len(late), len(stale)) >= sweepBatch
}
