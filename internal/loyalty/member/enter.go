package member

import (
	"slices"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/vault"
)

// ErrRival says that what somebody proved leads to members who can't be one and the same: a shared phone, a recycled number, a
// second WeChat account. Nothing is decided by a machine then.
var ErrRival = fault.Define("member.rival", fault.Conflict,
	"该手机号或微信已绑定其他会员，请联系门店核实", "This phone or WeChat account belongs to another member; please ask in the store")

// Entry is who somebody has just proved to be, the strongest proof first: unionid, openid, phone.
type Entry struct {
	Identities []Identity
	Self       int64 // the member who is logged in already, 0 when nobody is
	Channel    string
	Store      string
	Source     string
}

// Entered is who that is.
type Entered struct {
	Member Member
	IsNew  bool
	Merged int // members that became one by this
}

// Lookup says whether somebody is a member already, without changing anything.
func (s *Service) Lookup(r db.Reader, list []Identity) (id int64, ok bool, err error) {
	for _, i := range list {
		f, ok, err := s.Find(r, i)
		if err != nil || ok {
			return f.Member, ok, err
		}
	}
	return 0, false, nil
}

// Enter finds or makes the member behind proofs that one person has given in one sitting. Where they lead to several members,
// these are merged into the one who joined first: two strong proofs show that they are one. Where an identity would stand against
// another of its kind, it is refused, and nothing changes.
func (s *Service) Enter(tx *db.Tx, e Entry) (out Entered, err error) {
	var found []int64
	if e.Self != 0 {
		found = append(found, e.Self)
	}
	for n, i := range e.Identities {
		if e.Identities[n], err = s.Normal(i); err != nil {
			return out, err
		}
		f, ok, err := s.Find(tx, i)
		if err != nil {
			return out, err
		}
		if ok && !slices.Contains(found, f.Member) {
			found = append(found, f.Member)
		}
	}
	if len(found) == 0 {
		m, isNew, err := s.Join(tx, Join{Identities: e.Identities, Channel: e.Channel, Store: e.Store, Source: e.Source})
		return Entered{Member: m, IsNew: isNew}, err
	}
	if err := s.noRivals(tx, found, e.Identities); err != nil {
		return out, err
	}
	into, err := oldest(tx, found)
	if err != nil {
		return out, err
	}
	for _, from := range found {
		if from == into {
			continue
		}
		if _, err := s.Merge(tx, from, into, "proved to be one person by "+kindsOf(e.Identities)); err != nil {
			return out, err
		}
		out.Merged++
	}
	if err := s.bindAll(tx, into, e.Identities); err != nil {
		return out, err
	}
	out.Member, err = Resolve(tx, into)
	return out, err
}

func kindsOf(list []Identity) (out string) {
	for n, i := range list {
		if n > 0 {
			out += " and "
		}
		out += i.Kind
	}
	return out
}

// slot is where a member has one value at a time, as people see it.
type slot struct{ kind, issuer string }

// noRivals refuses when members who have different values in one slot would become one, or when what was proved would stand
// beside another value. A member whom a merge gave two phones is found by either.
func (s *Service) noRivals(r db.Reader, members []int64, proved []Identity) error {
	all := map[slot][]string{}
	for _, id := range members {
		mine := map[slot][]string{}
		for _, row := range identitiesOf(r, id) {
			if row.Kind == KindPhone || row.Kind == KindOpenID || row.Kind == KindUnionID {
				at := slot{row.Kind, row.Issuer}
				mine[at] = append(mine[at], row.ID)
			}
		}
		for at, values := range mine {
			if all[at] != nil { // an identity has one member, so the values differ
				return ErrRival.New()
			}
			all[at] = values
		}
	}
	for _, i := range proved {
		if at := (slot{i.Kind, i.Issuer}); all[at] != nil && !slices.Contains(all[at], s.key(i)) {
			return ErrRival.New()
		}
	}
	return nil
}

// oldest gives the member who joined first.
func oldest(r db.Reader, list []int64) (into int64, err error) {
	var first int64
	for _, id := range list {
		m, err := Resolve(r, id)
		if err != nil {
			return 0, err
		}
		if into == 0 || m.JoinedAt < first || m.JoinedAt == first && m.ID < into {
			into, first = m.ID, m.JoinedAt
		}
	}
	return into, nil
}

// Forget takes every identity of a kind and issuer from a member and says how many are left of any kind.
func (s *Service) Forget(tx *db.Tx, id int64, kind, issuer string) (left int) {
	for _, row := range identitiesOf(tx, id) {
		if row.Kind == kind && row.Issuer == issuer {
			identities.Delete(tx, row.ID)
		} else {
			left++
		}
	}
	return left
}

// EndSessions logs a member out everywhere.
func (s *Service) EndSessions(tx *db.Tx, id int64) {
	for _, row := range sessionsOf(tx, id) {
		sessions.Delete(tx, row.Hash)
	}
}

// HasKind says whether a member has an identity of a kind.
func (s *Service) HasKind(r db.Reader, id int64, kind string) bool {
	return slices.ContainsFunc(identitiesOf(r, id), func(row identityRow) bool { return row.Kind == kind })
}

// NotePhone puts a phone that was proved into the profile.
func (s *Service) NotePhone(tx *db.Tx, id int64, phone vault.Secret) error {
	text := phone.Reveal()
	return s.SetProfile(tx, id, ProfileInput{Phone: &text})
}
