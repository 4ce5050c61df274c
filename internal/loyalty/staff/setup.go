package staff

import (
	"crypto/subtle"

	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/web"
)

// The faults of the first start.
var (
	ErrSetupDone = fault.Define("staff.setup_done", fault.Conflict,
		"已有操作员，初始化已完成", "There are operators already: the set-up is done")
	ErrSetupToken = fault.Define("staff.setup_token", fault.NoLogin,
		"初始化口令无效或已使用", "The set-up token is wrong or was used")
)

const theSetup = 1

// NeedsSetup reports whether there is no operator yet.
func (s *Service) NeedsSetup(r db.Reader) bool { return len(operatorsAfter(r, 0, 1)) == 0 }

// NewSetupToken makes the token for the first operator; the one before it is void. Show it once: only its hash is kept.
func (s *Service) NewSetupToken(tx *db.Tx) (string, error) {
	if !s.NeedsSetup(tx) {
		return "", ErrSetupDone.New()
	}
	token := web.NewToken()
	setups.Get(tx, theSetup)
	setups.Put(tx, setupRow{theSetup, web.TokenHash(token)})
	return token, nil
}

// HasSetupToken reports whether a token was made and not used, so that a restart makes no second one.
func (s *Service) HasSetupToken(r db.Reader) bool {
	_, ok := setups.Get(r, theSetup)
	return ok
}

// Setup makes the first operator and voids the token. That person keeps the system and says who may do what, until
// they have made a second person one of the two; daily business needs another account.
func (s *Service) Setup(tx *db.Tx, token string, in NewOperator) (Operator, error) {
	if !s.NeedsSetup(tx) {
		return Operator{}, ErrSetupDone.New()
	}
	row, ok := setups.Get(tx, theSetup)
	if !ok || subtle.ConstantTimeCompare([]byte(row.Hash), []byte(web.TokenHash(token))) != 1 {
		return Operator{}, ErrSetupToken.New()
	}
	setups.Delete(tx, theSetup)
	first, err := add(tx, in)
	if err != nil {
		return Operator{}, err
	}
	for _, role := range []string{SystemAdmin, SecurityAdmin} {
		if err := roles.Insert(tx, roleRow{first.ID, role, 0}); err != nil {
			return Operator{}, err
		}
	}
	op := s.operator(tx, first)
	return op, s.Log(tx, Who{Operator: op.ID, Grants: op.Grants}, Act{What: "staff.setup", Targets: []int64{op.ID}, New: op.Grants})
}
