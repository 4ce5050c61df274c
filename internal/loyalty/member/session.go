package member

import (
	"context"
	"slices"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// ErrNoSession asks to log in again.
var ErrNoSession = fault.Define("member.no_session", fault.NoLogin, "登录已失效，请重新登录", "The session has ended, log in again")

const (
	sessionIdle  = 7 * clock.Day
	sessionLife  = 30 * clock.Day
	sessionTouch = clock.Hour // a use is noted this often, so that reading stays reading
	maxSessions  = 10         // of one member; the one unused for longest gives way
)

// sessionRow is one login of a member (会话).
type sessionRow struct {
	Hash     string
	Member   int64
	OpenedBy string
	Created  int64
	Seen     int64
}

func (s *sessionRow) over(now int64) bool {
	return now-s.Seen >= sessionIdle || now-s.Created >= sessionLife
}

// OpenSession logs a member in and gives the token, which is stored nowhere, and when it ends at the latest.
func (s *Service) OpenSession(tx *db.Tx, id int64) (token string, until int64, err error) {
	m, err := Require(tx, id, SignIn)
	if err != nil {
		return "", 0, err
	}
	live := slices.DeleteFunc(sessionsOf(tx, m.ID), func(row sessionRow) bool {
		if row.over(tx.Now()) {
			sessions.Delete(tx, row.Hash)
		}
		return row.over(tx.Now())
	})
	for len(live) >= maxSessions {
		sessions.Delete(tx, live[0].Hash)
		live = live[1:]
	}
	token = web.NewToken()
	row := sessionRow{web.TokenHash(token), m.ID, tx.Actor(), tx.Now(), tx.Now()}
	return token, tx.Now() + sessionLife, sessions.Insert(tx, row)
}

// EndSession logs out the session with a token's hash.
func (s *Service) EndSession(tx *db.Tx, hash string) { sessions.Delete(tx, hash) }

// Who gives the living member whose session has a token's hash, and notes the use now and then.
func (s *Service) Who(ctx context.Context, d *db.DB, hash string) (Member, error) {
	var m Member
	var seen int64
	err := d.View(ctx, func(v *db.View) (err error) {
		row, ok := sessions.Get(v, hash)
		if !ok || row.over(v.Now()) {
			return ErrNoSession.New()
		}
		seen = row.Seen
		m, err = Require(v, row.Member, SignIn)
		return err
	})
	if err != nil || d.Clock().Now()-seen < sessionTouch {
		return m, err
	}
	return m, d.Write(ctx, db.Op{Actor: "member:session"}, func(tx *db.Tx) error { return touch(tx, hash) })
}

// touch looks once more: the session may have ended since it was read.
func touch(tx *db.Tx, hash string) error {
	row, ok := sessions.Get(tx, hash)
	if !ok || row.over(tx.Now()) {
		return ErrNoSession.New()
	}
	row.Seen = tx.Now()
	sessions.Put(tx, row)
	return nil
}

// sweepAtOnce is how many sessions one call of forgetSessions looks at.
const sweepAtOnce = 500

// forgetSessions drops those that are over among the next few after a position ("" is the start) and gives the
// position to go on from, "" when it has seen them all.
func forgetSessions(tx *db.Tx, after string) (next string) {
	rows := sessionsAfter(tx, after, sweepAtOnce)
	for _, row := range rows {
		if row.over(tx.Now()) {
			sessions.Delete(tx, row.Hash)
		}
	}
	if len(rows) < sweepAtOnce {
		return ""
	}
	return rows[len(rows)-1].Hash
}
