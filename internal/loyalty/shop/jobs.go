package shop

import (
	"context"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
)

// KeyUses is the job that notes when each key was used last.
const KeyUses job.Kind[job.Slot] = "shop.key_uses"

// ForgetNonces is the job that drops nonces which no longer count.
const ForgetNonces job.Kind[job.Slot] = "shop.nonces"

// RegisterJobs adds the background work of shops.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, KeyUses, job.Spec{Zh: "记录密钥的最近使用时间", En: "Note when keys were used last"},
		func(ctx context.Context, run *job.Run, _ job.Slot) error {
			return run.Write(ctx, db.Op{}, func(tx *db.Tx) error { s.saveUses(tx); return run.Finish(tx) })
		})
	job.Register(r, ForgetNonces, job.Spec{Zh: "清理已用过的随机串", En: "Forget nonces that no longer count"},
		func(ctx context.Context, run *job.Run, _ job.Slot) error {
			for n := forgetAtOnce; n == forgetAtOnce; {
				err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error { n = forgetNonces(tx); return run.Save(tx, "") })
				if err != nil {
					return err
				}
			}
			return nil
		})
	r.Schedule(job.Every(KeyUses, 15*clock.Minute), job.Daily(ForgetNonces, 4, 45))
}
