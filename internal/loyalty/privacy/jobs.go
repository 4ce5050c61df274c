package privacy

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
)

type leaving struct {
	Member  int64 `json:"member,string"`
	Closure int64 `json:"closure,string"`
}

type copying struct {
	Member int64 `json:"member,string"`
	Export int64 `json:"export,string"`
}

// The background work of privacy.
const (
	carryOut job.Kind[leaving]  = "privacy.close"
	makeCopy job.Kind[copying]  = "privacy.export"
	tidyUp   job.Kind[job.Slot] = "privacy.tidy"
)

// RegisterJobs adds the background work.
func (s *Service) RegisterJobs(r *job.Runner) {
	job.Register(r, carryOut, job.Spec{Zh: "注销到期的账号", En: "Close accounts whose days to think are over"}, s.close)
	job.Register(r, makeCopy, job.Spec{Zh: "生成数据副本", En: "Make a copy of a member's data"}, s.copy)
	job.Register(r, tidyUp, job.Spec{Zh: "清理过期的数据副本", En: "Drop old copies of data"}, s.tidy)
	r.Schedule(job.Daily(tidyUp, 3, 50))
}

// close carries a closure out, unless it was taken back. While an order holds points it waits a day.
func (s *Service) close(ctx context.Context, run *job.Run, l leaving) error {
	return run.Write(ctx, db.Op{Owner: l.Member}, func(tx *db.Tx) error {
		c, ok := closures.Get(tx, pair{l.Member, l.Closure})
		if !ok || c.State != Open {
			return run.Finish(tx)
		}
		if _, err := s.Ledger.Settle(tx, c.Member, ledger.Points); err != nil {
			return err
		}
		if ledger.Now(tx, c.Member, ledger.Points).Held > 0 {
			c.Due = tx.Now() + clock.Day
			closures.Put(tx, c)
			if _, err := job.Add(tx, carryOut, l, job.At(c.Due), job.Key(fmt.Sprintf("%d@%d", c.ID, c.Due))); err != nil {
				return err
			}
			return run.Finish(tx)
		}
		void, err := s.Erase(tx, c.Member, "closed by the member")
		if err != nil {
			return err
		}
		c.State, c.Done, c.Points = Closed, tx.Now(), void
		closures.Put(tx, c)
		return run.Finish(tx)
	})
}

// partSize keeps a sealed part within what every engine holds in one column.
const partSize = 30_000

func place(e Export) vault.Place {
	return vault.Place{Table: "privacy_export", Row: e.ID, Column: "body"}
}

// copy reads everything in one view and writes it sealed, in parts.
func (s *Service) copy(ctx context.Context, run *job.Run, c copying) error {
	var text []byte
	if err := s.DB.View(ctx, func(v *db.View) (err error) {
		file, err := s.collect(v, c.Member)
		if err == nil {
			text, err = json.MarshalIndent(file, "", " ")
		}
		return err
	}); err != nil {
		return err
	}
	return run.Write(ctx, db.Op{Owner: c.Member}, func(tx *db.Tx) error {
		e, ok := exports.Get(tx, pair{c.Member, c.Export})
		if !ok || e.State == Ready {
			return run.Finish(tx)
		}
		e.Bytes, e.Parts = int64(len(text)), 0
		for rest := text; len(rest) > 0; e.Parts++ {
			n := min(partSize, len(rest))
			sealed, err := s.Vault.Seal(place(e), vault.Hide(strconv.Itoa(e.Parts)+":"+string(rest[:n])))
			if err != nil {
				return err
			}
			if err := parts.Insert(tx, part{e.Member, e.ID, e.Parts, sealed}); err != nil {
				return err
			}
			rest = rest[n:]
		}
		e.State, e.Ready = Ready, tx.Now()
		exports.Put(tx, e)
		return run.Finish(tx)
	})
}

// read puts a copy together again.
func (s *Service) read(r db.Reader, e Export) ([]byte, error) {
	var out []byte
	for n := range e.Parts {
		p, _ := parts.Get(r, partKey{e.Member, e.ID, n})
		text, err := s.Vault.Open(place(e), p.Body)
		if err != nil {
			return nil, err
		}
		mark := strconv.Itoa(n) + ":"
		if clear := text.Reveal(); len(clear) >= len(mark) && clear[:len(mark)] == mark { // else parts were exchanged
			out = append(out, clear[len(mark):]...)
		} else {
			return nil, vault.ErrRefused.New()
		}
	}
	return out, nil
}

const batch = 20

func (s *Service) tidy(ctx context.Context, run *job.Run, _ job.Slot) error {
	for {
		n := 0
		err := run.Write(ctx, db.Op{}, func(tx *db.Tx) error {
			old := expiredExports(tx, batch)
			for _, e := range old {
				drop(tx, e)
			}
			n = len(old)
			return run.Save(tx, fmt.Sprint(n))
		})
		if err != nil || n < batch {
			return err
		}
	}
}
