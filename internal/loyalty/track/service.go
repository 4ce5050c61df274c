package track

import (
	"context"
	"fmt"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/member"
)

// Service is what others may call.
type Service struct {
	DB      *db.DB
	Zone    clock.Zone
	Members *member.Service
}

// Taken is what became of a batch.
type Taken struct {
	New   int  // events that count
	Again int  // events that were here before
	Off   bool // nothing was kept: the member does not agree, or the house takes nothing in
}

// Take takes in a batch of a run of a member's app, to which a link led, or "".
func (s *Service) Take(tx *db.Tx, memberID int64, run, link string, events []Event) (Taken, error) {
	if !runName.MatchString(run) {
		return Taken{}, ErrRun.New().At("run")
	}
	if !Rules.At(tx, tx.Now()).Value.On || !s.Members.Consented(tx, memberID, member.ForTracking) {
		return Taken{Off: true}, nil
	}
	row, known := runs.Get(tx, runKey{memberID, run})
	if !known {
		s.makeRoom(tx, memberID)
		row = runRow{Member: memberID, Run: run, Seen: (&seen{}).text()}
	}
	was := readSeen(row.High, row.Seen)
	fresh := make([]Event, 0, len(events))
	for _, e := range events {
		if was.take(e.N) {
			fresh = append(fresh, s.clean(tx, e))
		}
	}
	if len(fresh) == 0 {
		return Taken{Again: len(events)}, nil
	}
	row.High, row.Seen, row.At = was.high, was.text(), tx.Now()
	runs.Put(tx, row)
	s.count(tx, fresh)
	b := batchRow{Member: memberID, ID: tx.ID(), At: tx.Now(), N: len(fresh), Body: pack(fresh)}
	tally(tx, link, func(l *Link) {
		b.Link = l.Code
		l.Events += int64(len(fresh))
	})
	return Taken{New: len(fresh), Again: len(events) - len(fresh)}, batches.Insert(tx, b)
}

// clean brings an event to what is kept: pages we know, times that can be.
func (s *Service) clean(tx *db.Tx, e Event) Event {
	if !slices.Contains(Pages, e.Page) {
		e.Page = "other"
	}
	if e.At > tx.Now() || e.At < tx.Now()-30*clock.Day {
		e.At = tx.Now() // a phone whose clock is off
	}
	return e
}

// count adds to the counts of the day on which the events came in.
func (s *Service) count(tx *db.Tx, events []Event) {
	day := s.Zone.LocalDay(tx.Now())
	for _, e := range events {
		k := countKey{day, e.Kind, e.Page}
		c, _ := counts.Get(tx, k)
		counts.Put(tx, Count{day, e.Kind, e.Page, c.N + 1, c.Dwell + e.MS})
	}
}

// makeRoom forgets the oldest run of a member who has too many.
func (s *Service) makeRoom(tx *db.Tx, memberID int64) {
	all := runs.OfOwner(tx, memberID)
	if len(all) < maxRuns {
		return
	}
	slices.SortFunc(all, func(a, b runRow) int { return int(min(max(a.At-b.At, -1), 1)) })
	for _, r := range all[:len(all)-maxRuns+1] {
		runs.Delete(tx, runKey{r.Member, r.Run})
	}
}

// Forget drops what is kept of a member: consent was taken back, or the account is closed.
func (s *Service) Forget(tx *db.Tx, memberID int64) {
	for _, b := range batches.OfOwner(tx, memberID) {
		batches.Delete(tx, batchKey{b.Member, b.ID})
	}
	for _, r := range runs.OfOwner(tx, memberID) {
		runs.Delete(tx, runKey{r.Member, r.Run})
	}
}

const tidyUp job.Kind[job.Slot] = "track.tidy"

const batch = 500

// RegisterJobs adds the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, tidyUp, job.Spec{Zh: "清理过期的行为明细", En: "Drop old events"}, s.tidy)
	r.Schedule(job.Daily(tidyUp, 3, 30))
}

func (s *Service) tidy(ctx context.Context, run *job.Run, _ job.Slot) error {
	for {
		n := 0
		err := run.Write(ctx, db.Op{Weight: batch}, func(tx *db.Tx) error {
			before := tx.Now() - Rules.At(tx, tx.Now()).Value.KeepDays*clock.Day
			old, ended := batchesBefore(tx, before, batch), runsBefore(tx, before, batch)
			for _, b := range old {
				batches.Delete(tx, batchKey{b.Member, b.ID})
			}
			for _, r := range ended {
				runs.Delete(tx, runKey{r.Member, r.Run})
			}
			n = max(len(old), len(ended))
			return run.Save(tx, fmt.Sprint(before))
		})
		if err != nil || n < batch {
			return err
		}
	}
}
