package insight

import (
	"context"
	"encoding/json"
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/task"
	"guanxi/internal/base/web"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/staff"
)

// The verifications that can be asked for.
const (
	verifyLedger task.Kind[struct{}] = "verify.ledger"
	verifyLog    task.Kind[struct{}] = "verify.log"
)

// Verified is what a verification found.
type Verified struct {
	OK      bool     `json:"ok"`
	Checked int64    `json:"checked"` // rows
	Head    string   `json:"head"`    // hash of the last row: keep it elsewhere
	Wrong   []string `json:"wrong"`
}

func registerVerify(r *job.Runner) {
	task.Register(r, verifyLedger, task.Spec{Zh: "校验账本", En: "Verify the ledger"}, func(ctx context.Context, t *task.Task, _ struct{}) (any, error) {
		var out Verified
		return &out, t.DB().View(ctx, func(v *db.View) error {
			all := ledger.EntryCount(v)
			var failed error
			got := ledger.Verify(v, func(n int64) {
				if n%10_000 == 0 && failed == nil {
					failed = t.Step(ctx, n, all, "")
				}
			})
			out = Verified{OK: len(got.Wrong) == 0, Checked: got.Entries, Head: got.Head, Wrong: []string{}}
			for _, w := range got.Wrong {
				out.Wrong = append(out.Wrong, fmt.Sprintf("%s %s: %s", w.Table, w.Row, w.What))
			}
			return failed
		})
	})
	task.Register(r, verifyLog, task.Spec{Zh: "校验操作日志", En: "Verify the operation log"}, func(ctx context.Context, t *task.Task, _ struct{}) (any, error) {
		var out Verified
		return &out, t.DB().View(ctx, func(v *db.View) error {
			n, wrong := staff.VerifyLog(v)
			out = Verified{OK: wrong == nil, Checked: n, Head: staff.Head(v).Hash, Wrong: []string{}}
			if wrong != nil {
				out.Wrong = append(out.Wrong, fmt.Sprintf("%d: %s", wrong.Seq, wrong.What))
			}
			return nil
		})
	})
}

func lastVerification(v *db.View, kind task.Kind[struct{}]) verification {
	row, ok := task.Latest(v, string(kind), task.Done)
	if !ok {
		return verification{State: "never"}
	}
	var found Verified
	_ = json.Unmarshal([]byte(row.Result), &found) // written by its task
	if found.OK {
		return verification{"ok", row.FinishedAt}
	}
	return verification{"wrong", row.FinishedAt}
}

type verifyIn struct {
	Body struct {
		What string `json:"what" enum:"ledger,log" doc:"ledger 账本；log 操作日志|the ledger or the operation log"`
	}
}

func (k Console) verify(c *web.Ctx, in *verifyIn) (*staff.TaskOut, error) {
	return staff.Write(c, k.Desk, db.Op{}, func(tx *db.Tx) (*staff.TaskOut, staff.Act, error) {
		kind := verifyLedger
		if in.Body.What == "log" {
			kind = verifyLog
		}
		row, err := task.Start(tx, kind, c.Caller.Actor(), struct{}{})
		out := k.TaskFor(tx, row)
		return &out, staff.Act{What: "verify." + in.Body.What, Targets: []int64{row.ID}}, err
	})
}

type verificationsIn struct {
	web.Paging
	What string `query:"what" enum:"ledger,log" default:"ledger" doc:"ledger 账本；log 操作日志|the ledger or the operation log"`
}

func (k Console) verifications(c *web.Ctx, in *verificationsIn) (*web.Page[staff.TaskOut], error) {
	return k.Tasks(c, task.Filter{Kind: "verify." + in.What}, in.Paging)
}
