package member

import (
	"guanxi/internal/base/db"
	"guanxi/internal/base/vault"
)

// Each member's personal fields are sealed under a key of the member's own, which stands wrapped by the installation's keys in
// one row. Without that row nothing of the person can be opened again (粉碎). Fields sealed before there were such keys open
// under the installation's keys, and move to the member's own when they are written next.

type keyRow struct {
	Member  int64
	Wrapped string
}

var memberKeys = db.NewTable(db.Spec[keyRow, int64]{
	Name: "member_key", Keys: 1, Cols: []string{"member_id", "wrapped"},
	Row:   func(r *keyRow, p []any) []any { return append(p, &r.Member, &r.Wrapped) },
	Key:   func(r *keyRow) int64 { return r.Member },
	Owner: func(k int64) int64 { return k },
})

func keyPlace(member int64) vault.Place {
	return vault.Place{Table: "member_key", Row: member, Column: "wrapped"}
}

// sealField seals a personal field of a member, whose key is made with the first of them.
func (s *Service) sealField(tx *db.Tx, member int64, at vault.Place, v vault.Secret) (string, error) {
	if v.IsEmpty() {
		return "", nil
	}
	row, ok := memberKeys.Get(tx, member)
	if !ok {
		wrapped, err := s.Vault.NewDataKey(keyPlace(member))
		if err != nil {
			return "", err
		}
		row = keyRow{member, wrapped}
		memberKeys.Put(tx, row)
	}
	own, err := s.Vault.WithDataKey(keyPlace(member), row.Wrapped)
	if err != nil {
		return "", err
	}
	return own.Seal(at, v)
}

// openField opens a personal field of a member. What was sealed under a key that is gone is gone.
func (s *Service) openField(r db.Reader, member int64, at vault.Place, sealed string) (vault.Secret, error) {
	if sealed == "" {
		return vault.Secret{}, nil
	}
	id, err := vault.KeyID(sealed)
	if err != nil {
		return vault.Secret{}, err
	}
	if id != 0 {
		return s.Vault.Open(at, sealed)
	}
	row, ok := memberKeys.Get(r, member)
	if !ok {
		return vault.Secret{}, vault.ErrRefused.New()
	}
	own, err := s.Vault.WithDataKey(keyPlace(member), row.Wrapped)
	if err != nil {
		return vault.Secret{}, err
	}
	return own.Open(at, sealed)
}

func (s *Service) openIdentity(r db.Reader, row identityRow) (vault.Secret, error) {
	return s.openField(r, row.Origin, vault.Place{Table: "member_identity", Row: row.Origin, Column: row.Kind}, row.Sealed)
}

// Clear is one identity in clear: for the person alone.
type Clear struct {
	Kind, Issuer string
	Value        vault.Secret
	Verified     bool
}

// IdentitiesInClear lists a member's identities for that member's own copy of the data.
func (s *Service) IdentitiesInClear(r db.Reader, id int64) (out []Clear, err error) {
	for _, row := range identitiesOf(r, id) {
		v, err := s.openIdentity(r, row)
		if err != nil {
			return nil, err
		}
		out = append(out, Clear{row.Kind, row.Issuer, v, row.Verified > 0})
	}
	return out, nil
}

// Shred takes away all that names a person: identities, profile, sessions, codes, and the keys of the member and of all that
// were merged into it. It gives how many identities there were. The member's number, status and dates stay.
func (s *Service) Shred(tx *db.Tx, id int64) (identitiesGone int) {
	family := map[int64]bool{}
	for _, one := range Family(tx, id) {
		family[one] = true
	}
	for _, row := range identitiesOf(tx, id) {
		family[row.Origin] = true
		identities.Delete(tx, row.ID)
		identitiesGone++
	}
	for one := range family {
		profiles.Delete(tx, one)
		memberKeys.Delete(tx, one)
		for _, x := range sessionsOf(tx, one) {
			sessions.Delete(tx, x.Hash)
		}
		for _, c := range codesOf(tx, one) {
			codes.Delete(tx, c.Hash)
		}
	}
	return identitiesGone
}

// Unmasked says that somebody saw a member's data in clear.
type Unmasked struct{}

// FactKind is "member.unmasked".
func (Unmasked) FactKind() string { return "member.unmasked" }
