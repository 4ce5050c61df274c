package staff

import (
	"context"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

// The faults of logging in. A wrong name, a wrong password and a blocked operator give one answer.
var (
	ErrWrongLogin = fault.Define("staff.wrong_login", fault.NoLogin,
		"登录名或密码错误", "The login name or the password is wrong")
	ErrLocked = fault.Define("staff.locked", fault.TooMany,
		"尝试次数过多，请 {minutes} 分钟后再试", "Too many tries: try again in {minutes} minutes")
)

const (
	maxTries   = 5
	lockFor    = 15 * clock.Minute
	idleFor    = 15 * clock.Minute
	liveFor    = 8 * clock.Hour
	touchEvery = clock.Minute
	freshFor   = 5 * clock.Minute
	maxAgent   = 200
)

// Attempt is somebody who wants to log in.
type Attempt struct {
	Login    string
	Password vault.Secret
	Code     string // of the second factor, or a recovery code
	IP       string
	Agent    string // what the browser calls itself
	Request  string
}

// Session is a login of an operator (会话), without its token.
type Session struct {
	ID        int64
	Agent     string
	CreatedAt int64
	SeenAt    int64
}

// Login gives a session token for the right name and password. The try is counted before the password is looked at,
// so that many at once get no more than five.
func (s *Service) Login(ctx context.Context, a Attempt) (token string, who Who, err error) {
	row, err := s.prove(ctx, strings.ToLower(a.Login), a.Password)
	if err != nil {
		return "", Who{}, err
	}
	err = s.db.Write(ctx, db.Op{Actor: Who{Operator: row.ID}.Actor()}, func(tx *db.Tx) error {
		now, ok := operators.Get(tx, row.ID)
		if !ok || now.Status != Active || now.Password != row.Password {
			return ErrWrongLogin.New()
		}
		if err := s.checkFactor(tx, row.ID, a.Code); err != nil {
			return err
		}
		tries.Delete(tx, row.Login)
		token, who, err = s.begin(tx, row, a)
		return err
	})
	return token, who, err
}

// begin opens a session for an operator who has proved who they are.
func (s *Service) begin(tx *db.Tx, row operatorRow, a Attempt) (token string, who Who, err error) {
	token = web.NewToken()
	ses := sessionRow{web.TokenHash(token), tx.ID(), row.ID, cut(a.Agent, maxAgent), tx.Now(), tx.Now(), tx.Now()}
	if err := sessions.Insert(tx, ses); err != nil {
		return "", Who{}, err
	}
	who = s.at(tx, row, ses)
	who.IP, who.Request = a.IP, a.Request
	return token, who, s.Log(tx, who, Act{What: "session.begin", Targets: []int64{ses.ID}})
}

// at is an operator at work in a session.
func (s *Service) at(r db.Reader, row operatorRow, ses sessionRow) Who {
	who := Who{Operator: row.ID, Name: row.Name, Grants: grantsOf(r, row.ID), Session: ses.ID, Proved: ses.ProvedAt}
	who.Due = s.due(r, row, who.Grants)
	who.Bare = who.Due != 0 && who.Due <= r.Now()
	return who
}

// Prove asks the operator of a session once more who they are: what a found session must not do is open to them for a while.
func (s *Service) Prove(ctx context.Context, who Who, hash string, password vault.Secret, code string) error {
	row, err := s.proveAgain(ctx, who, password)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, db.Op{Actor: who.Actor()}, func(tx *db.Tx) error {
		if err := s.checkFactor(tx, row.ID, code); err != nil {
			return err
		}
		tries.Delete(tx, row.Login)
		return s.freshen(tx, hash)
	})
}

func (s *Service) freshen(tx *db.Tx, hash string) error {
	ses, ok := sessions.Get(tx, hash)
	if !ok || isOver(ses, tx.Now()) {
		return ErrNoSession.New()
	}
	ses.SeenAt, ses.ProvedAt = tx.Now(), tx.Now()
	sessions.Put(tx, ses)
	return nil
}

// CheckPassword proves an operator's password once more, before a change of it or an act that asks for it.
func (s *Service) CheckPassword(ctx context.Context, who Who, password vault.Secret) error {
	row, err := s.proveAgain(ctx, who, password)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, db.Op{Actor: who.Actor()}, func(tx *db.Tx) error { tries.Delete(tx, row.Login); return nil })
}

func (s *Service) proveAgain(ctx context.Context, who Who, password vault.Secret) (row operatorRow, err error) {
	err = s.db.View(ctx, func(v *db.View) error {
		row, _ = operators.Get(v, who.Operator)
		return nil
	})
	if err != nil {
		return row, err
	}
	return s.prove(ctx, row.Login, password)
}

// prove gives the operator with that name and password. What it answers costs the same time with any name.
func (s *Service) prove(ctx context.Context, login string, secret vault.Secret) (operatorRow, error) {
	if !loginForm.MatchString(login) {
		login = "" // no row is kept of what can't be a name
	}
	var row operatorRow
	err := s.db.Write(ctx, db.Op{Actor: "staff:login"}, func(tx *db.Tx) error {
		row, _ = operatorByLogin(tx, login)
		return s.countTry(tx, login, row.ID)
	})
	if err != nil {
		return row, err
	}
	hash := password.Hash(row.Password)
	if row.Status != Active {
		hash = ""
	}
	ok, err := s.passwords.Matches(ctx, hash, secret)
	if err == nil && !ok {
		err = ErrWrongLogin.New()
	}
	return row, err
}

// countTry refuses a name whose tries are used up.
func (s *Service) countTry(tx *db.Tx, login string, operator int64) error {
	t, _ := tries.Get(tx, login)
	unlocks := t.TriedAt + lockFor
	if tx.Now() >= unlocks {
		t.Tries = 0
	}
	if t.Tries >= maxTries {
		return ErrLocked.With("minutes", (unlocks-tx.Now()+clock.Minute-1)/clock.Minute)
	}
	t = tryRow{login, t.Tries + 1, tx.Now()}
	tries.Put(tx, t)
	if t.Tries == maxTries && operator != 0 {
		return s.Log(tx, Who{Operator: operator}, Act{What: "session.last_try", Targets: []int64{operator}})
	}
	return nil
}

// Who gives the operator whose session has a token hash, and notes the use.
func (s *Service) Who(ctx context.Context, hash string) (Who, error) {
	var who Who
	var seen int64
	err := s.db.View(ctx, func(v *db.View) error {
		ses, ok := sessions.Get(v, hash)
		row, _ := operators.Get(v, ses.Operator)
		if !ok || row.Status != Active || isOver(ses, v.Now()) {
			return ErrNoSession.New()
		}
		seen = ses.SeenAt
		who = s.at(v, row, ses)
		return nil
	})
	if err == nil && s.db.Clock().Now()-seen >= touchEvery {
		err = s.db.Write(ctx, db.Op{Actor: who.Actor()}, func(tx *db.Tx) error { return touch(tx, hash) })
	}
	return who, err
}

// touch looks once more: the session may have ended since it was read.
func touch(tx *db.Tx, hash string) error {
	ses, ok := sessions.Get(tx, hash)
	if !ok || isOver(ses, tx.Now()) {
		return ErrNoSession.New()
	}
	ses.SeenAt = tx.Now()
	sessions.Put(tx, ses)
	return nil
}

func isOver(ses sessionRow, now int64) bool {
	return now-ses.SeenAt >= idleFor || now-ses.CreatedAt >= liveFor
}

// Logout ends the session with a token hash.
func (s *Service) Logout(tx *db.Tx, who Who, hash string) error {
	ses, ok := sessions.Get(tx, hash)
	if !ok {
		return nil
	}
	sessions.Delete(tx, hash)
	return s.Log(tx, who, Act{What: "session.end", Targets: []int64{ses.ID}})
}

// Sessions lists an operator's sessions.
func (s *Service) Sessions(r db.Reader, operator int64) []Session {
	var out []Session
	for _, ses := range sessionsOf(r, operator) {
		if !isOver(ses, r.Now()) {
			out = append(out, Session{ses.ID, ses.Agent, ses.CreatedAt, ses.SeenAt})
		}
	}
	return out
}

// EndSession ends one session of an operator, one's own or, with the permission for it, another's.
func (s *Service) EndSession(tx *db.Tx, who Who, operator, session int64) error {
	if operator != who.Operator && !who.Can("end.sessions") {
		return ErrDenied.With("perm", "end.sessions")
	}
	for _, ses := range sessionsOf(tx, operator) {
		if ses.ID == session {
			return s.Logout(tx, who, ses.Hash)
		}
	}
	return nil
}

func endSessions(tx *db.Tx, operator int64) {
	for _, ses := range sessionsOf(tx, operator) {
		sessions.Delete(tx, ses.Hash)
	}
}

// cut shortens a text to n bytes at a character.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
