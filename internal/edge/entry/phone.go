package entry

import (
	"context"
	"fmt"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
)

// The limits of phone codes.
const (
	codeLives   = 5 * clock.Minute
	codeTries   = 5
	codeEvery   = clock.Minute
	codesInHour = 5
	codesInDay  = 10
)

const (
	phoneIndex vault.Domain = "entry-phone:v1"
	codeIndex  vault.Domain = "entry-code:v1"
)

// SendCode sends a code to a phone and says after how many seconds the next one may be asked for.
func (s *Service) SendCode(ctx context.Context, typed string) (again int64, err error) {
	phone, err := vault.Phone(typed)
	if err != nil {
		return 0, err
	}
	if s.SMS == nil {
		return 0, ErrNoSMS.New()
	}
	code := fmt.Sprintf("%06d", id.Seed()%1_000_000)
	err = s.DB.Write(ctx, db.Op{Actor: "system:entry"}, func(tx *db.Tx) error { return s.noteCode(tx, s.phoneKey(phone), code) })
	if err != nil {
		return 0, s.refused(ctx, "", err)
	}
	if err := s.SMS.Send(ctx, phone, "code", map[string]string{"code": code}); err != nil {
		s.Log.Warn("a phone code was not sent", "err", err)
		s.Note(ctx, ErrSMS.Code, "", err.Error())
		return 0, ErrSMS.New().Because(err)
	}
	return codeEvery / clock.Second, nil
}

func (s *Service) phoneKey(phone vault.Secret) string { return s.Vault.Index(phoneIndex, phone) }

// noteCode keeps a code that is sent to somebody, under what they are found by, and refuses when too many were.
func (s *Service) noteCode(tx *db.Tx, key, code string) error {
	row, known := codes.Get(tx, key)
	now, day := tx.Now(), clock.Shanghai.LocalDay(tx.Now())
	if wait := row.SentAt + codeEvery - now; known && wait > 0 {
		return ErrTooOften.With("seconds", (wait+999)/1000)
	}
	if now-row.HourFrom >= clock.Hour {
		row.HourFrom, row.HourCount = now, 0
	}
	if row.Day != day {
		row.Day, row.DayCount = day, 0
	}
	if row.HourCount >= codesInHour {
		return ErrTooOften.With("seconds", (row.HourFrom+clock.Hour-now+999)/1000)
	}
	if row.DayCount >= codesInDay {
		return ErrTooOften.With("seconds", (clock.Shanghai.EndOfDay(now)-now+999)/1000)
	}
	row.Phone, row.Code, row.SentAt, row.Tries = key, s.codeHash(key, code), now, 0
	row.HourCount++
	row.DayCount++
	if !known {
		return codes.Insert(tx, row)
	}
	codes.Put(tx, row)
	return nil
}

func (s *Service) codeHash(key, code string) string {
	return s.Vault.Index(codeIndex, vault.Hide(key+"|"+code))
}

// checkCode counts a try in a Tx of its own, which stands whatever comes after: else every refusal would give the try back.
func (s *Service) checkCode(ctx context.Context, key, code string) error {
	var verdict error
	err := s.DB.Write(ctx, db.Op{Actor: "system:entry"}, func(tx *db.Tx) error {
		verdict = nil
		row, ok := codes.Get(tx, key)
		switch {
		case !ok || row.Code == "" || tx.Now()-row.SentAt >= codeLives || row.Tries >= codeTries:
			verdict = ErrPhoneCodeOver.New()
			return nil
		case row.Code != s.codeHash(key, code):
			row.Tries++
			verdict = ErrPhoneCode.With("left", codeTries-row.Tries)
		}
		codes.Put(tx, row)
		return nil
	})
	if err != nil {
		return err
	}
	return verdict
}

// useCode ends a code in the Tx of what it was good for, so that of two who bring it at once only one gets in.
func (s *Service) useCode(tx *db.Tx, key, code string) error {
	row, ok := codes.Get(tx, key)
	if !ok || row.Code == "" || row.Code != s.codeHash(key, code) || tx.Now()-row.SentAt >= codeLives || row.Tries >= codeTries {
		return ErrPhoneCodeOver.New()
	}
	row.Code = ""
	codes.Put(tx, row)
	return nil
}
