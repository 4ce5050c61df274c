package staff

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"guanxi/internal/base/db"
	"guanxi/internal/base/password"
	"guanxi/internal/base/vault"
)

// NewOperator is what an operator is made of.
type NewOperator struct {
	Login    string
	Name     string
	Password password.Hash
}

var loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,63}$`)

// Add makes an operator without any role.
func (s *Service) Add(tx *db.Tx, who Who, in NewOperator) (Operator, error) {
	row, err := add(tx, in)
	if err != nil {
		return Operator{}, err
	}
	return s.operator(tx, row), s.Log(tx, who, Act{What: "operator.add", Targets: []int64{row.ID}, New: map[string]string{"login": row.Login}})
}

func add(tx *db.Tx, in NewOperator) (operatorRow, error) {
	name := strings.TrimSpace(in.Name)
	switch {
	case !loginForm.MatchString(in.Login):
		return operatorRow{}, ErrLogin.New().At("login")
	case name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 100:
		return operatorRow{}, ErrName.New().At("name")
	case in.Password == "":
		return operatorRow{}, password.ErrWeak.New().At("password")
	}
	if _, taken := operatorByLogin(tx, in.Login); taken {
		return operatorRow{}, ErrLoginTaken.With("login", in.Login).At("login")
	}
	row := operatorRow{tx.ID(), in.Login, name, string(in.Password), Active, tx.Now()}
	return row, operators.Insert(tx, row)
}

// Operator reads one operator.
func (s *Service) Operator(r db.Reader, id int64) (Operator, error) {
	row, ok := operators.Get(r, id)
	if !ok {
		return Operator{}, ErrNoOperator.New()
	}
	return s.operator(r, row), nil
}

// OperatorFilter says which operators are wanted; empty fields are all. Text stands somewhere in the name or the login.
type OperatorFilter struct{ Status, Text string }

func (f *OperatorFilter) wants(o *operatorRow) bool {
	text := strings.ToLower(f.Text)
	return (f.Status == "" || o.Status == f.Status) && (strings.Contains(strings.ToLower(o.Name), text) || strings.Contains(o.Login, text))
}

// Operators lists operators by id, after the last one of the page before. There are few, so that all are looked at.
func (s *Service) Operators(r db.Reader, f OperatorFilter, after int64, limit int) (out []Operator) {
	for _, row := range operatorsAfter(r, after, 0) {
		if len(out) < limit && f.wants(&row) {
			out = append(out, s.operator(r, row))
		}
	}
	return out
}

func (s *Service) operator(r db.Reader, row operatorRow) Operator {
	return Operator{row.ID, row.Login, row.Name, row.Status, row.CreatedAt, heldBy(r, row.ID)}
}

// SetStatus lets an operator in or keeps one out; whoever is blocked is logged out.
func (s *Service) SetStatus(tx *db.Tx, who Who, operator int64, status, reason string) error {
	row, ok := operators.Get(tx, operator)
	switch {
	case !ok:
		return ErrNoOperator.New()
	case operator == who.Operator:
		return ErrOwn.New()
	case status != Active && status != Blocked:
		return ErrStatus.New().At("status")
	}
	act := Act{What: "operator.status", Targets: []int64{operator}, Old: row.Status, New: status, Reason: reason}
	row.Status = status
	operators.Put(tx, row)
	if status == Blocked {
		endSessions(tx, operator)
	}
	return s.Log(tx, who, act)
}

// PasswordReset is the ticket for giving an administrator or auditor a new password; it is about the operator's id.
const PasswordReset Needs[int64] = "operator.password"

// SetPassword gives an operator a new password and logs them out everywhere. Whoever changes their own proves the
// old one first, by CheckPassword. Another administrator's takes a PasswordReset ticket where somebody can grant it:
// who resets a password could else become that person.
func (s *Service) SetPassword(tx *db.Tx, who Who, operator int64, p password.Hash, ticket int64) error {
	row, ok := operators.Get(tx, operator)
	switch {
	case !ok:
		return ErrNoOperator.New()
	case p == "":
		return password.ErrWeak.New().At("password")
	}
	if operator != who.Operator && isGuard(grantsOf(tx, operator)) && hasSecond(tx, who.Operator, operator) {
		if ticket == 0 {
			return ErrSecond.New()
		}
		if err := Use(s, tx, who, PasswordReset, ticket, operator); err != nil {
			return err
		}
	}
	row.Password = string(p)
	operators.Put(tx, row)
	endSessions(tx, operator)
	return s.Log(tx, who, Act{What: "operator.password", Targets: []int64{operator}, Approval: ticket})
}

func isGuard(grants []Grant) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		return g.Role == SystemAdmin || g.Role == SecurityAdmin || g.Role == Auditor
	})
}

// hasSecond reports whether anybody besides the two could approve.
func hasSecond(r db.Reader, maker, target int64) bool {
	return slices.ContainsFunc(operatorsAfter(r, 0, 0), func(o operatorRow) bool {
		other := Who{Operator: o.ID, Grants: grantsOf(r, o.ID)}
		return o.ID != maker && o.ID != target && o.Status == Active && other.Can("approve.roles")
	})
}

// RoleGrant is the approval of a role for an operator.
const RoleGrant Needs[NewRole] = "role.grant"

// NewRole is what a RoleGrant is about.
type NewRole struct {
	Operator int64 `json:"operator"`
	Grant
}

// GrantRole gives another operator a role, for one store or, with 0, for all. Where somebody else could agree it is
// refused with ErrSecond, and a RoleGrant is to be requested instead.
func (s *Service) GrantRole(tx *db.Tx, who Who, operator int64, g Grant) error {
	if err := mayChangeRoles(tx, who, operator); err != nil {
		return err
	}
	if hasSecond(tx, who.Operator, operator) {
		return ErrSecond.New()
	}
	return s.grant(tx, who, NewRole{operator, g}, 0)
}

func (s *Service) grantApproved(tx *db.Tx, a Approval, n NewRole) error {
	if n.Operator == a.Checker {
		return ErrOwn.New()
	}
	maker := Who{Operator: a.Maker, Grants: grantsOf(tx, a.Maker)}
	if err := mayChangeRoles(tx, maker, n.Operator); err != nil {
		return err
	}
	return s.grant(tx, maker, n, a.ID)
}

func (s *Service) grant(tx *db.Tx, who Who, n NewRole, approval int64) error {
	old := heldBy(tx, n.Operator)
	if slices.Contains(old, n.Grant) {
		return nil
	}
	if err := fits(n.Role, old); err != nil {
		return err
	}
	if n.Store != 0 && n.area() {
		return ErrScope.New().At("store")
	}
	if err := keepGrant(tx, n.Operator, n.Grant); err != nil {
		return err
	}
	return s.Log(tx, who, Act{What: "role.grant", Targets: []int64{n.Operator}, Old: old, New: n.Grant, Approval: approval})
}

// RevokeRole takes a role from another operator; one they do not have is no error. It holds from the next request on.
func (s *Service) RevokeRole(tx *db.Tx, who Who, operator int64, g Grant) error {
	if err := mayChangeRoles(tx, who, operator); err != nil {
		return err
	}
	old := heldBy(tx, operator)
	if !slices.Contains(old, g) {
		return nil
	}
	dropGrant(tx, operator, g)
	return s.Log(tx, who, Act{What: "role.revoke", Targets: []int64{operator}, Old: g})
}

func mayChangeRoles(tx *db.Tx, who Who, operator int64) error {
	if operator == who.Operator {
		return ErrOwn.New()
	}
	if _, ok := operators.Get(tx, operator); !ok {
		return ErrNoOperator.New()
	}
	return nil
}

// fits keeps the auditor apart from those who are watched.
func fits(role string, old []Grant) error {
	if _, ok := roleNamed(role); !ok {
		return ErrNoRole.With("role", role).At("role")
	}
	for _, g := range old {
		if (g.Role == Auditor) != (role == Auditor) {
			return ErrRolesMix.New()
		}
	}
	return nil
}

// HashPassword checks a new password of an operator and hashes it, outside of a Tx: it takes its time.
func (s *Service) HashPassword(ctx context.Context, login string, secret vault.Secret) (password.Hash, error) {
	return s.passwords.New(ctx, login, secret)
}
