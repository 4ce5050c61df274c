package earn

import (
	"context"
	"encoding/json"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/job"
)

// States of a trial.
const (
	TrialRunning = "running"
	TrialDone    = "done"
	TrialFailed  = "failed"
)

// Failures of trials.
var (
	ErrNoTrial = fault.Define("earn.no_trial", fault.NotFound, "试算不存在", "There is no such trial")
	ErrSpan    = fault.Define("earn.span", fault.Invalid, "试算区间须为 1 天到 5 年，且不晚于现在", "A trial covers from 1 day to 5 years, none of it to come")
)

// TrialInput says what is tried on which orders.
type TrialInput struct {
	Rule  int64 `json:"rule"` // whose versions it stands in for; 0 is a rule of its own
	Spec  Spec  `json:"spec"`
	From  int64 `json:"from"`
	Until int64 `json:"until"`
}

const longestTrial = 5 * 366 * clock.Day

// trialJob tries a draft in the background.
const trialJob job.Kind[int64] = "earn.trial"

// RegisterJobs adds the background work of rules.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, trialJob, job.Spec{Zh: "规则历史试算", En: "Try a rule on past orders", MaxAttempts: 3, Lease: clock.Hour}, s.runTrial)
}

// StartTrial checks what is to be tried and leaves it to a job.
func (s *Service) StartTrial(tx *db.Tx, in TrialInput) (id int64, err error) {
	if _, err := compile(Version{}, in.Spec); err != nil {
		return 0, err
	}
	if in.Until > tx.Now() || in.Until-in.From < clock.Day || in.Until-in.From > longestTrial {
		return 0, ErrSpan.New().At("from")
	}
	body, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	row := trialRow{ID: tx.ID(), Body: string(body), State: TrialRunning, Author: tx.Actor(), Created: tx.Now()}
	if err := trials.Insert(tx, row); err != nil {
		return 0, err
	}
	_, err = job.Add(tx, trialJob, row.ID)
	return row.ID, err
}

// tellEvery is after how many orders a running trial says how far it is.
const tellEvery = 20_000

func (s *Service) runTrial(ctx context.Context, run *job.Run, id int64) error {
	var in TrialInput
	var out Trial
	err := run.DB().View(ctx, func(v *db.View) error {
		row, ok := trials.Get(v, id)
		if !ok {
			return job.GiveUp(ErrNoTrial.New())
		}
		if err := json.Unmarshal([]byte(row.Body), &in); err != nil {
			return job.GiveUp(err)
		}
		var err error
		out, err = s.BackTest(v, in.Spec, in.Rule, in.From, in.Until, func(orders int64) {
			if orders%tellEvery == 0 {
				s.tellTrial(ctx, run, id, orders)
			}
		})
		return err
	})
	if fault.As(err) != nil && fault.As(err).Kind.Class == fault.Invalid {
		return s.endTrial(ctx, run, id, TrialFailed, Trial{})
	}
	if err != nil {
		return err
	}
	return s.endTrial(ctx, run, id, TrialDone, out)
}

// tellTrial notes progress for whoever watches; a note that can't be written is no reason to stop.
func (s *Service) tellTrial(ctx context.Context, run *job.Run, id, orders int64) {
	_ = run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		row, ok := trials.Get(tx, id)
		if row.Orders = orders; ok {
			trials.Put(tx, row)
		}
		return run.Save(tx, "")
	})
}

func (s *Service) endTrial(ctx context.Context, run *job.Run, id int64, state string, out Trial) error {
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
		row, ok := trials.Get(tx, id)
		if !ok {
			return ErrNoTrial.New()
		}
		row.State, row.Orders, row.Result, row.Finished = state, out.Orders, string(text), tx.Now()
		trials.Put(tx, row)
		return run.Finish(tx)
	})
}
