package member

import (
	"net/mail"
	"strings"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fact"
	"guanxi/internal/base/vault"
)

// Service is what others may call.
type Service struct {
	Vault *vault.Vault
	Zone  clock.Zone
}

// Wire tells the database what to read for every group.
func (s *Service) Wire(d *db.DB) { db.Load(d, Members) }

// Identity names a person in some system.
type Identity struct {
	Kind     string
	Issuer   string // the appid or system it is valid in; empty for phones
	Value    vault.Secret
	Verified bool
}

const identityIndex vault.Domain = "identity:v1"

// key is the stored form of an identity: kind, issuer and blind index, never the value.
func (s *Service) key(i Identity) string {
	return i.Kind + "|" + i.Issuer + "|" + s.Vault.Index(identityIndex, i.Value)
}

// Normal checks an identity and brings its value into the one form it is stored and found under.
func (s *Service) Normal(i Identity) (Identity, error) {
	switch i.Kind {
	case KindPhone:
		phone, err := vault.Phone(i.Value.Reveal())
		i.Value, i.Issuer = phone, ""
		return i, err
	case KindEmail:
		address, err := mailAddress(i.Value.Reveal())
		i.Value, i.Issuer = address, ""
		return i, err
	case KindOpenID, KindUnionID, KindCard, KindExternal:
	default:
		return i, ErrIdentity.New().At("kind")
	}
	v := strings.TrimSpace(i.Value.Reveal())
	if v == "" || len(v) > 128 {
		return i, ErrIdentity.New().At("value")
	}
	if len(i.Issuer) > 64 || strings.ContainsAny(i.Issuer, "|\n") {
		return i, ErrIdentity.New().At("issuer")
	}
	i.Value = vault.Hide(v)
	return i, nil
}

// mailAddress checks an e-mail address and brings it into one form.
func mailAddress(typed string) (vault.Secret, error) {
	a, err := mail.ParseAddress(strings.ToLower(strings.TrimSpace(typed)))
	if err != nil || a.Name != "" || len(a.Address) > 128 || !strings.Contains(a.Address[strings.LastIndexByte(a.Address, '@'):], ".") {
		return vault.Secret{}, ErrIdentity.New().At("value")
	}
	return vault.Hide(a.Address), nil
}

// Want declares that a write will look an identity up.
func (s *Service) Want(i Identity) (db.Want, error) {
	i, err := s.Normal(i)
	if err != nil {
		return db.Want{}, err
	}
	return identities.Want(s.key(i)), nil
}

// Found is who an identity leads to.
type Found struct {
	Member int64 // the living member
	Via    int64 // the merged member whose identity it was first, 0 when the same
}

// Find looks a member up by identity.
func (s *Service) Find(r db.Reader, i Identity) (Found, bool, error) {
	i, err := s.Normal(i)
	if err != nil {
		return Found{}, false, err
	}
	row, ok := identities.Get(r, s.key(i))
	if !ok {
		return Found{}, false, nil
	}
	f := Found{Member: row.Member}
	if row.Origin != row.Member {
		f.Via = row.Origin
	}
	return f, true, nil
}

// Resolve finds the living member behind an id: old ids lead to their survivor for ever.
func Resolve(r db.Reader, id int64) (Member, error) {
	for range 16 {
		m, ok := Members.Get(r, id)
		if !ok {
			return Member{}, ErrNone.New()
		}
		if m.Into == 0 {
			return m, nil
		}
		id = m.Into
	}
	return Member{}, ErrNone.New()
}

// PathOf lists an id and those it was merged into, the living member last. What an id has booked may stand with any of them.
func PathOf(r db.Reader, id int64) []int64 {
	out := []int64{id}
	for range 16 {
		m, _ := Members.Get(r, id)
		if m.Into == 0 {
			break
		}
		id = m.Into
		out = append(out, id)
	}
	return out
}

// Require resolves a member and checks that its status allows an act.
func Require(r db.Reader, id int64, a Act) (Member, error) {
	m, err := Resolve(r, id)
	if err != nil {
		return m, err
	}
	if !Allows(m.Status, a) {
		return m, ErrBlocked.With("status", m.Status)
	}
	return m, nil
}

// Join is how someone becomes a member.
type Join struct {
	Identities []Identity
	Channel    string
	Store      string
	Source     string
	JoinedAt   int64 // 0 is now; an import may know better
}

// Join makes a member, or gives the one the first known identity belongs to (then nothing else changes but
// that new identities are bound to it).
func (s *Service) Join(tx *db.Tx, j Join) (m Member, isNew bool, err error) {
	if len(j.Identities) == 0 {
		return m, false, ErrNoIdentity.New().At("identities")
	}
	for n := range j.Identities {
		if j.Identities[n], err = s.Normal(j.Identities[n]); err != nil {
			return m, false, err
		}
	}
	for _, i := range j.Identities {
		if row, ok := identities.Get(tx, s.key(i)); ok {
			if m, err = Resolve(tx, row.Member); err != nil {
				return m, false, err
			}
			return m, false, s.bindAll(tx, m.ID, j.Identities)
		}
	}
	m = Member{ID: tx.ID(), Status: Active, JoinedAt: j.JoinedAt, Channel: j.Channel, Store: j.Store, Source: j.Source, StatusAt: tx.Now()}
	if m.JoinedAt == 0 {
		m.JoinedAt = tx.Now()
	}
	tx.NewOwner(m.ID)
	if err := Members.Insert(tx, m); err != nil {
		return m, false, err
	}
	if err := s.bindAll(tx, m.ID, j.Identities); err != nil {
		return m, false, err
	}
	s.tally(tx, m.JoinedAt, func(t *Total) { t.Joined++ })
	_, err = fact.Emit(tx, m.ID, Joined{m.Channel, m.Store, m.JoinedAt})
	return m, true, err
}

func (s *Service) bindAll(tx *db.Tx, id int64, list []Identity) error {
	for _, i := range list {
		if err := s.Bind(tx, id, i); err != nil {
			return err
		}
	}
	return nil
}

// Bind gives a member a further identity; one that belongs to somebody else is refused.
func (s *Service) Bind(tx *db.Tx, id int64, i Identity) error {
	i, err := s.Normal(i)
	if err != nil {
		return err
	}
	k := s.key(i)
	if row, ok := identities.Get(tx, k); ok {
		if row.Member != id {
			return ErrIdentityTaken.New()
		}
		return nil
	}
	sealed, err := s.sealField(tx, id, vault.Place{Table: "member_identity", Row: id, Column: i.Kind}, i.Value)
	if err != nil {
		return err
	}
	row := identityRow{ID: k, Member: id, Kind: i.Kind, Issuer: i.Issuer, Sealed: sealed, Origin: id, Bound: tx.Now()}
	if i.Verified {
		row.Verified = tx.Now()
	}
	return identities.Insert(tx, row)
}

// Unbind takes an identity away: a changed phone, a recycled number.
func (s *Service) Unbind(tx *db.Tx, id int64, i Identity) error {
	i, err := s.Normal(i)
	if err != nil {
		return err
	}
	row, ok := identities.Get(tx, s.key(i))
	if !ok || row.Member != id {
		return ErrNone.New()
	}
	identities.Delete(tx, row.ID)
	return nil
}

// Bound is one identity as staff see it.
type Bound struct {
	Kind     string
	Issuer   string
	Masked   string
	Verified bool
	At       int64
	Origin   int64
}

// IdentitiesOf lists a member's identities, masked.
func (s *Service) IdentitiesOf(r db.Reader, id int64) ([]Bound, error) {
	var out []Bound
	for _, row := range identitiesOf(r, id) {
		v, err := s.openIdentity(r, row)
		if err != nil {
			return nil, err
		}
		out = append(out, Bound{row.Kind, row.Issuer, maskIdentity(row.Kind, v), row.Verified > 0, row.Bound, row.Origin})
	}
	return out, nil
}

func maskIdentity(kind string, v vault.Secret) string {
	switch kind {
	case KindPhone:
		return vault.MaskPhone(v.Reveal())
	case KindEmail:
		return vault.MaskEmail(v.Reveal())
	}
	return vault.Mask(v.Reveal())
}

// SetStatus freezes, blacklists or reactivates a member.
func (s *Service) SetStatus(tx *db.Tx, id int64, status, reason string) error {
	if status != Active && status != Frozen && status != Blacklisted {
		return ErrStatus.New().At("status")
	}
	return s.setStatus(tx, id, status, reason)
}

// Cancel closes a membership for good; points left are dealt with by who hears of it.
func (s *Service) Cancel(tx *db.Tx, id int64, reason string) error {
	return s.setStatus(tx, id, Cancelled, reason)
}

func (s *Service) setStatus(tx *db.Tx, id int64, status, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return ErrReason.New().At("reason")
	}
	m, err := Resolve(tx, id)
	if err != nil {
		return err
	}
	if m.Status == Cancelled {
		return ErrCancelled.New()
	}
	if m.Status == status {
		return nil
	}
	was := m.Status
	m.Status, m.StatusAt = status, tx.Now()
	Members.Put(tx, m)
	if status == Cancelled {
		s.tally(tx, tx.Now(), func(t *Total) { t.Closed++ })
	}
	log := StatusLog{Member: m.ID, At: tx.Now(), ID: tx.ID(), Status: status, Was: was, Actor: tx.Actor(), Reason: reason}
	if err := StatusLogs.Insert(tx, log); err != nil {
		return err
	}
	_, err = fact.Emit(tx, m.ID, StatusChanged{was, status, reason})
	return err
}

// ValueOf opens one identity of a member, for who must address it outside: the openid of an app, say. The first one
// of its kind and issuer counts; false when there is none.
func (s *Service) ValueOf(r db.Reader, id int64, kind, issuer string) (vault.Secret, bool, error) {
	for _, row := range identitiesOf(r, id) {
		if row.Kind == kind && row.Issuer == issuer {
			v, err := s.openIdentity(r, row)
			return v, err == nil, err
		}
	}
	return vault.Secret{}, false, nil
}
