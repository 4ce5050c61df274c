package member

import (
	"strconv"
	"strings"
	"time"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/vault"
)

// Profile is the base fields (基础资料); personal ones are Secrets and show masked.
type Profile struct {
	Nickname  vault.Secret
	Phone     vault.Secret
	Birthday  vault.Secret // 1990-05-17
	BirthMD   int          // 517; 0 for not known
	Gender    string       // female, male, other or empty
	Region    string
	Completed int64
	Updated   int64
}

// ProfileInput changes the given fields; nil leaves one as it is.
type ProfileInput struct {
	Nickname *string
	Phone    *string
	Birthday *string
	Gender   *string
	Region   *string
}

// ProfileOf reads a member's profile.
func (s *Service) ProfileOf(r db.Reader, id int64) (Profile, error) {
	row, ok := profiles.Get(r, id)
	if !ok {
		return Profile{}, nil
	}
	p := Profile{BirthMD: row.BirthMD, Gender: row.Gender, Region: row.Region, Completed: row.Completed, Updated: row.Updated}
	for _, f := range []struct {
		col, text string
		into      *vault.Secret
	}{{"nickname", row.Nickname, &p.Nickname}, {"phone", row.Phone, &p.Phone}, {"birthday", row.Birthday, &p.Birthday}} {
		v, err := s.openField(r, id, place(id, f.col), f.text)
		if err != nil {
			return p, err
		}
		*f.into = v
	}
	return p, nil
}

func place(id int64, column string) vault.Place {
	return vault.Place{Table: "member_profile", Row: id, Column: column}
}

// SetProfile changes base fields. When the last missing one is filled for the first time, the profile is complete.
func (s *Service) SetProfile(tx *db.Tx, id int64, in ProfileInput) error {
	row, _ := profiles.Get(tx, id)
	row.Member, row.Updated = id, tx.Now()
	if err := s.sealFields(tx, &row, in); err != nil {
		return err
	}
	if in.Gender != nil {
		switch *in.Gender {
		case "", "female", "male", "other":
			row.Gender = *in.Gender
		default:
			return ErrField.New().At("gender")
		}
	}
	if in.Region != nil {
		if len(*in.Region) > 64 {
			return ErrField.New().At("region")
		}
		row.Region = strings.TrimSpace(*in.Region)
	}
	done := row.Nickname != "" && row.Phone != "" && row.Birthday != "" && row.Gender != "" && row.Region != ""
	first := done && row.Completed == 0
	if first {
		row.Completed = tx.Now()
	}
	profiles.Put(tx, row)
	if !first {
		return nil
	}
	_, err := fact.Emit(tx, id, ProfileCompleted{tx.Now()})
	return err
}

func (s *Service) sealFields(tx *db.Tx, row *profileRow, in ProfileInput) error {
	if in.Nickname != nil {
		n := strings.TrimSpace(*in.Nickname)
		if len(n) > 120 {
			return ErrField.New().At("nickname")
		}
		if err := s.seal(tx, row.Member, "nickname", n, &row.Nickname); err != nil {
			return err
		}
	}
	if in.Phone != nil {
		phone, err := vault.Phone(*in.Phone)
		if err != nil {
			return err
		}
		if err := s.Bind(tx, row.Member, Identity{Kind: KindPhone, Value: phone}); err != nil {
			return err
		}
		if err := s.seal(tx, row.Member, "phone", phone.Reveal(), &row.Phone); err != nil {
			return err
		}
	}
	if in.Birthday != nil {
		d, err := time.Parse("2006-01-02", *in.Birthday)
		if err != nil || d.Year() < 1900 || d.UnixMilli() > tx.Now() {
			return ErrField.New().At("birthday")
		}
		row.BirthMD, _ = strconv.Atoi(d.Format("0102"))
		return s.seal(tx, row.Member, "birthday", *in.Birthday, &row.Birthday)
	}
	return nil
}

func (s *Service) seal(tx *db.Tx, id int64, column, text string, into *string) error {
	sealed, err := s.sealField(tx, id, place(id, column), vault.Hide(text))
	*into = sealed
	return err
}
