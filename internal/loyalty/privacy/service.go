package privacy

import (
	"fmt"
	"math"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/job"
	"guanxi/internal/base/vault"
	"guanxi/internal/loyalty/ledger"
	"guanxi/internal/loyalty/member"
	"guanxi/internal/loyalty/message"
	"guanxi/internal/loyalty/track"
)

// Service is what others may call.
type Service struct {
	DB       *db.DB
	Zone     clock.Zone
	Vault    *vault.Vault
	Members  *member.Service
	Ledger   *ledger.Ledger
	Messages *message.Service
	Tracks   *track.Service
}

// Seen notes that somebody saw or took a member's data.
func Seen(tx *db.Tx, memberID int64, what string) error {
	return accesses.Insert(tx, Access{memberID, tx.ID(), what, tx.Actor(), tx.Now()})
}

// Void is what closing the account makes void.
type Void struct {
	Points ledger.Balances
}

// VoidOf tells what closing would make void now.
func VoidOf(r db.Reader, memberID int64) Void {
	return Void{ledger.Now(r, memberID, ledger.Points)}
}

// total is what will be void: what can be spent, and what is not yet.
func (v Void) total() int64 { return v.Points.Available + v.Points.Pending }

// Leave asks to close the account. Points is the number that the member was shown; another one asks to look again.
func (s *Service) Leave(tx *db.Tx, memberID, points int64) (Closure, error) {
	m, err := member.Resolve(tx, memberID)
	if err != nil {
		return Closure{}, err
	}
	if _, under := UnderWay(tx, m.ID); under {
		return Closure{}, ErrClosing.New()
	}
	if _, err := s.Ledger.Settle(tx, m.ID, ledger.Points); err != nil {
		return Closure{}, err
	}
	void := VoidOf(tx, m.ID)
	if void.Points.Held > 0 {
		return Closure{}, ErrOwing.With("held", void.Points.Held)
	}
	if points != void.total() {
		return Closure{}, ErrConfirm.With("points", void.total()).At("points")
	}
	c := Closure{Member: m.ID, ID: tx.ID(), State: Open, Asked: tx.Now(), Points: points}
	c.Due = s.Zone.StartOfDay(s.Zone.AddDays(s.Zone.LocalDay(tx.Now()), int(Rules.At(tx, tx.Now()).Value.CoolingDays)+1))
	if err := closures.Insert(tx, c); err != nil {
		return c, err
	}
	if _, err := job.Add(tx, carryOut, leaving{m.ID, c.ID}, job.At(c.Due), job.Key(fmt.Sprintf("%d@%d", c.ID, c.Due))); err != nil {
		return c, err
	}
	if _, err := fact.Emit(tx, m.ID, Closing{c.ID, c.Due, points}); err != nil {
		return c, err
	}
	return c, s.Messages.Tell(tx, message.Note{Member: m.ID, Occasion: message.AccountClosing, Dedupe: fmt.Sprintf("closure:%d", c.ID),
		Values: map[string]string{"day": s.Zone.Format("2006-01-02", c.Due)}})
}

// Stay takes the wish to leave back.
func (s *Service) Stay(tx *db.Tx, memberID int64) error {
	c, ok := UnderWay(tx, memberID)
	if !ok {
		return ErrNoClosure.New()
	}
	c.State, c.Done = Withdrawn, tx.Now()
	closures.Put(tx, c)
	_, err := fact.Emit(tx, memberID, Stayed{c.ID})
	return err
}

// Erase closes the account of a member and takes away everything that names the person.
func (s *Service) Erase(tx *db.Tx, memberID int64, reason string) (int64, error) {
	m, err := member.Resolve(tx, memberID)
	if err != nil {
		return 0, err
	}
	void, err := s.voidPoints(tx, m.ID)
	if err != nil {
		return 0, err
	}
	if m.Status != member.Cancelled {
		if err := s.Members.Cancel(tx, m.ID, reason); err != nil {
			return 0, err
		}
	}
	for _, id := range member.Family(tx, m.ID) {
		s.Tracks.Forget(tx, id)
		for _, e := range exports.OfOwner(tx, id) {
			drop(tx, e)
		}
	}
	n := s.Members.Shred(tx, m.ID)
	_, err = fact.Emit(tx, m.ID, Erased{n, void})
	return void, err
}

// voidPoints books out what a member who leaves still has. Debt stays in the books.
func (s *Service) voidPoints(tx *db.Tx, id int64) (int64, error) {
	if _, err := s.Ledger.Settle(tx, id, ledger.Points); err != nil {
		return 0, err
	}
	q := ledger.Debit{Member: id, Asset: ledger.Points, Kind: ledger.KindAdjust, Source: fmt.Sprintf("closure:%d", id), Reason: "注销作废 / void by closing", Short: ledger.ShortClip, Only: true}
	for _, l := range ledger.OpenLots(tx, id, ledger.Points, ledger.LotKey{Expires: tx.Now(), Lot: math.MaxInt64}, math.MaxInt32) {
		if free := l.Remaining - l.Held; free > 0 {
			q.Amount += free
			q.Prefer = append(q.Prefer, ledger.LotKey{Member: id, Asset: l.Asset, Expires: l.Expires, Lot: l.ID})
		}
	}
	if q.Amount == 0 {
		return 0, nil
	}
	e, err := s.Ledger.Take(tx, q)
	return -e.Amount, err
}

func drop(tx *db.Tx, e Export) {
	for n := range e.Parts {
		parts.Delete(tx, partKey{e.Member, e.ID, n})
	}
	exports.Delete(tx, pair{e.Member, e.ID})
}

// Ask asks for a copy of a member's data; a job makes it.
func (s *Service) Ask(tx *db.Tx, memberID int64) (Export, error) {
	for _, e := range exports.OfOwner(tx, memberID) {
		if e.Asked > tx.Now()-exportEvery {
			return e, ErrSoon.New()
		}
	}
	e := Export{Member: memberID, ID: tx.ID(), State: Waiting, Asked: tx.Now(), Expires: tx.Now() + Rules.At(tx, tx.Now()).Value.ExportDays*clock.Day}
	if err := exports.Insert(tx, e); err != nil {
		return e, err
	}
	if err := Seen(tx, memberID, "export"); err != nil {
		return e, err
	}
	_, err := job.Add(tx, makeCopy, copying{memberID, e.ID}, job.Key(fmt.Sprint(e.ID)))
	return e, err
}
