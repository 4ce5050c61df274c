package app

import (
	"context"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/insight"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/tier"
)

// Background work, by name.
const (
	sweepPoints   job.Kind[job.Slot] = "ledger.sweep"
	reviewTiers   job.Kind[job.Slot] = "tier.review"
	reviewWaiting job.Kind[job.Slot] = "order.waiting"
	forgetKeys    job.Kind[job.Slot] = "web.forget"
	selfCheck     job.Kind[job.Slot] = "ledger.check"
)

// schedule lists all background work. Each job walks in small writes and stores where it is, so a crash or a
// restart goes on from there, and payments never wait behind it.
func (a *App) schedule() {
	job.Register(a.Jobs, sweepPoints, job.Spec{Zh: "到期积分与预占清理", En: "Book out what expired"}, a.sweep)
	job.Register(a.Jobs, reviewTiers, job.Spec{Zh: "等级评估", En: "Review tiers"}, a.reviewAll)
	job.Register(a.Jobs, tier.Reassess, job.Spec{Zh: "按新等级规则升级", En: "Lift members to a new ladder"}, a.reassess)
	job.Register(a.Jobs, reviewWaiting, job.Spec{Zh: "无主退款转人工", En: "Send refunds without an order to review"}, a.waiting)
	job.Register(a.Jobs, forgetKeys, job.Spec{Zh: "清理幂等记录", En: "Forget old idempotency keys"}, a.forget)
	job.Register(a.Jobs, selfCheck, job.Spec{Zh: "账务核对", En: "Check all balances"}, a.checkBalances)
	job.Register(a.Jobs, signHeads, job.Spec{Zh: "签名链头", En: "Sign the heads of the chains"}, a.keepHeads)
	a.Jobs.Schedule(
		job.Daily(sweepPoints, 0, 1),
		job.Daily(reviewTiers, 0, 10),
		job.Daily(reviewWaiting, 4, 0),
		job.Daily(forgetKeys, 4, 30),
		job.Daily(selfCheck, 5, 0),
		job.Daily(signHeads, 5, 30),
	)
	job.RegisterPurge(a.Jobs, 30)
	a.Exporter.RegisterTasks(a.Jobs)
	a.Staff.RegisterJobs(a.Jobs)
	a.Shop.RegisterJobs(a.Jobs)
	a.Members.RegisterJobs(a.Jobs)
	a.Earn.RegisterJobs(a.Jobs)
	insight.RegisterJobs(a.Jobs, a.Zone)
	a.Importer.RegisterTasks(a.Jobs)
	a.Cashier.RegisterJobs(a.Jobs)
	a.Messages.RegisterJobs(a.Jobs)
	a.Honours.RegisterJobs(a.Jobs)
	a.Tracks.RegisterJobs(a.Jobs)
	a.Privacy.RegisterJobs(a.Jobs)
}

// SweepPoints is the name of the job that books out what expired.
const SweepPoints = string(sweepPoints)

// batch is how many entries of the ledger, or members, a write of the nightly work takes: few enough that payments wait for little, and
// enough that a million of them is done within minutes.
const batch = 400

// sweep settles accounts that time has changed since anybody touched them. How many a write takes follows from how much there
// was to do in the last one.
func (a *App) sweep(ctx context.Context, run *job.Run, _ job.Slot) error {
	var k ledger.AccountKey
	_, _ = fmt.Sscanf(run.Cursor(), "%d:%d", &k.Member, &k.Asset)
	var due []ledger.AccountKey
	for reach := batch; ; {
		if len(due) == 0 {
			if err := a.DB.View(ctx, func(v *db.View) error { due = ledger.DueAfter(v, k, batch); return nil }); err != nil || len(due) == 0 {
				return err
			}
		}
		some, done := due[:min(reach, len(due))], 0
		owners := make([]int64, len(some))
		for i, d := range some {
			owners[i] = d.Member
		}
		err := run.Write(ctx, db.Op{Owners: owners, Weight: batch}, func(tx *db.Tx) (err error) {
			if done, err = a.Ledger.Sweep(tx, some, batch); err != nil {
				return err
			}
			return run.Save(tx, fmt.Sprintf("%d:%d", some[done-1].Member, some[done-1].Asset))
		})
		if err != nil {
			return err
		}
		k, due, reach = some[done-1], due[done:], min(batch, 2*done)
	}
}

// reviewAll warns, keeps and steps down whoever is due.
func (a *App) reviewAll(ctx context.Context, run *job.Run, _ job.Slot) error {
	return a.walk(ctx, run, tier.DueAfter, a.Tiers.Review)
}

// walk does something to all members of a list, a batch in a write, and goes on where it was.
func (a *App) walk(ctx context.Context, run *job.Run, list func(*db.View, int64, int) []int64, do func(*db.Tx, int64) error) error {
	var after int64
	_, _ = fmt.Sscan(run.Cursor(), &after)
	for {
		var due []int64
		if err := a.DB.View(ctx, func(v *db.View) error { due = list(v, after, batch); return nil }); err != nil {
			return err
		}
		if len(due) == 0 {
			return nil
		}
		after = due[len(due)-1]
		err := run.Write(ctx, db.Op{Owners: due, Weight: len(due)}, func(tx *db.Tx) error {
			for _, id := range due {
				if err := do(tx, id); err != nil {
					return err
				}
			}
			return run.Save(tx, fmt.Sprint(after))
		})
		if err != nil {
			return err
		}
	}
}

// reassess lifts everybody whom a new ladder puts higher.
func (a *App) reassess(ctx context.Context, run *job.Run, _ tier.Ladder) error {
	return a.walk(ctx, run, tier.GrowthAfter, a.Tiers.Lift)
}

// waitingDays is how long a refund may wait for its order before a person looks at it.
const waitingDays = 30

func (a *App) waiting(ctx context.Context, run *job.Run, _ job.Slot) error {
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		a.Orders.ReviewWaiting(tx, tx.Now()-waitingDays*clock.Day)
		return run.Finish(tx)
	})
}

func (a *App) forget(ctx context.Context, run *job.Run, _ job.Slot) error {
	after := run.Cursor()
	for {
		done := false
		err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			after = web.Forget(tx, after)
			done = after == ""
			return run.Save(tx, after)
		})
		if err != nil || done {
			return err
		}
	}
}

// checkBalances recomputes every balance nightly; a mismatch is an incident.
func (a *App) checkBalances(ctx context.Context, _ *job.Run, _ job.Slot) error {
	c, err := ledger.CheckAll(ctx, a.DB)
	if err == nil && len(c.Wrong) > 0 {
		a.Log.Error("balance check failed", "accounts", c.Accounts, "entries", c.Entries, "first", c.Wrong[0])
		return job.GiveUp(fmt.Errorf("%d wrong balances, the first: %s: %s", len(c.Wrong), c.Wrong[0].Row, c.Wrong[0].What))
	}
	return err
}
