package recognition

import (
	"context"
	"fmt"

	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
)

// The background work of recognition.
const (
	celebrate job.Kind[job.Slot]   = "recognition.celebrate"
	Reviewing job.Kind[ReviewArgs] = "recognition.review"
)

// ReviewArgs are none.
type ReviewArgs struct{}

const (
	batch = 200
	// late is how many days the years are looked back for: a pause of the service loses nobody a badge.
	late = 7
)

// RegisterJobs adds the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, celebrate, job.Spec{Zh: "生日与入会纪念日", En: "Birthdays and anniversaries"}, s.celebrate)
	job.Register(r, Reviewing, job.Spec{Zh: "为已有会员补发勋章", En: "Give members of before their badges"}, s.reviewAll)
	r.Schedule(job.Daily(celebrate, 0, 20))
}

// place is how far a night's work has come: the step, and the row within it.
type place struct {
	step   int
	at, id int64
}

func (p place) String() string { return fmt.Sprintf("%d:%d:%d", p.step, p.at, p.id) }

// celebrate greets whose day it is and gives the badges of the years. A step is one list of members; all are walked in small writes.
func (s *Service) celebrate(ctx context.Context, run *job.Run, slot job.Slot) error {
	day := s.Zone.LocalDay(slot.At)
	var p place
	_, _ = fmt.Sscanf(run.Cursor(), "%d:%d:%d", &p.step, &p.at, &p.id)
	steps := s.steps(day)
	for p.step < len(steps) {
		var due []member.Dated
		if err := s.DB.View(ctx, func(v *db.View) error { due = steps[p.step].list(v, p.at, p.id, batch); return nil }); err != nil {
			return err
		}
		do := steps[p.step].do
		if len(due) < batch {
			p = place{step: p.step + 1}
		} else {
			p.at, p.id = due[len(due)-1].At, due[len(due)-1].Member
		}
		op := db.Op{Weight: max(1, len(due))}
		for _, d := range due {
			op.Owners = append(op.Owners, d.Member)
		}
		err := run.Write(ctx, op, func(tx *db.Tx) error {
			for _, d := range due {
				m, err := member.Resolve(tx, d.Member)
				if err != nil || m.ID != d.Member { // merged: the survivor has days of its own
					continue
				}
				if err := do(tx, m); err != nil {
					return err
				}
			}
			return run.Save(tx, p.String())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type step struct {
	list func(v *db.View, at, id int64, n int) []member.Dated
	do   func(tx *db.Tx, m member.Member) error
}

// steps are the lists of a night: the birthdays, the anniversaries, and the years that give badges.
func (s *Service) steps(day int) (out []step) {
	for _, md := range birthdaysOn(s.Zone, day) {
		out = append(out, step{
			func(v *db.View, _, id int64, n int) []member.Dated { return member.BornOn(v, md, id, n) },
			func(tx *db.Tx, m member.Member) error { return s.greet(tx, m, day, Birthday) },
		})
	}
	for years := 1; years <= mostYears; years++ {
		first := s.Zone.AddMonths(day, -12*years)
		if first/10000 < firstYear {
			break
		}
		out = append(out, step{
			s.joined(first, s.Zone.AddDays(first, 2)), // two days: on 28 February those of the 29th are with them
			func(tx *db.Tx, m member.Member) error { return s.greet(tx, m, day, Anniversary) },
		})
	}
	for _, y := range byYears {
		last := s.Zone.AddMonths(day, -12*y.n)
		out = append(out, step{
			s.joined(s.Zone.AddDays(last, -late), s.Zone.AddDays(last, 2)),
			func(tx *db.Tx, m member.Member) error { return s.lasted(tx, m.ID, m.JoinedAt) },
		})
	}
	return out
}

// No programme is older than that.
const (
	mostYears = 60
	firstYear = 1990
)

func (s *Service) joined(from, until int) func(v *db.View, at, id int64, n int) []member.Dated {
	return func(v *db.View, at, id int64, n int) []member.Dated {
		if at == 0 {
			at = s.Zone.StartOfDay(from)
		}
		return member.JoinedFrom(v, at, id, s.Zone.StartOfDay(until), n)
	}
}

// greet tells a member that we have not forgotten; only on the day itself.
func (s *Service) greet(tx *db.Tx, m member.Member, day int, kind string) error {
	if m.Status != member.Active || s.Zone.LocalDay(tx.Now()) != day {
		return nil
	}
	note := message.Note{Member: m.ID, Occasion: message.Birthday, Dedupe: fmt.Sprint(day / 10000)}
	if kind == Anniversary {
		years := YearsOn(s.Zone, s.Zone.LocalDay(m.JoinedAt), day)
		if years == 0 {
			return nil
		}
		note.Occasion, note.Values = message.Anniversary, map[string]string{"years": fmt.Sprint(years)}
	}
	return s.Messages.Tell(tx, note)
}

// reviewAll walks all members once: an installation that is older than badges gives what was earned before.
func (s *Service) reviewAll(ctx context.Context, run *job.Run, _ ReviewArgs) error {
	var after int64
	_, _ = fmt.Sscan(run.Cursor(), &after)
	for {
		var rows []member.Member
		if err := s.DB.View(ctx, func(v *db.View) error { rows = member.List(v, after, "", batch); return nil }); err != nil || len(rows) == 0 {
			return err
		}
		op := db.Op{Weight: len(rows)}
		for _, m := range rows {
			op.Owners = append(op.Owners, m.ID)
		}
		after = rows[len(rows)-1].ID
		err := run.Write(ctx, op, func(tx *db.Tx) error {
			for _, m := range rows {
				if err := s.Review(tx, m.ID); err != nil {
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
