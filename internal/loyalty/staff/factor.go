package staff

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/db"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
	"guanxi/internal/base/web"
)

// The faults of the second factor.
var (
	ErrCodeNeeded = fault.Define("staff.code_needed", fault.NoLogin,
		"请输入动态口令或恢复码", "A code of the authenticator, or a recovery code, is needed")
	ErrWrongCode = fault.Define("staff.wrong_code", fault.NoLogin,
		"动态口令错误、已过期或已使用", "The code is wrong, out of date or was used")
	ErrFactorOn = fault.Define("staff.factor_on", fault.Conflict,
		"动态口令已启用", "The second factor is on already")
	ErrNoFactor = fault.Define("staff.no_factor", fault.NotFound,
		"尚未设置动态口令", "There is no second factor yet")
)

// The second factor (动态口令): a code that an authenticator shows for 30 seconds, taken once, a step early or late.
// Whoever has lost theirs enters one of the recovery codes, each of which works once.
const (
	factorStep    = 30 * clock.Second
	recoveryCodes = 10
	issuer        = "Guanxi"
)

type factorRow struct {
	Operator  int64
	Secret    string // sealed
	Codes     string // JSON: hashes of the recovery codes that are left
	LastStep  int64  // the newest step that was used: none counts twice
	Confirmed int64  // 0 until the first code has shown that the authenticator works
	CreatedAt int64
}

var factors = db.NewTable(db.Spec[factorRow, int64]{
	Name: "staff_factor", Keys: 1, Cols: []string{"operator_id", "secret", "codes", "last_step", "confirmed_at", "created_at"},
	Row: func(r *factorRow, p []any) []any {
		return append(p, &r.Operator, &r.Secret, &r.Codes, &r.LastStep, &r.Confirmed, &r.CreatedAt)
	},
	Key: func(r *factorRow) int64 { return r.Operator },
})

func (r *factorRow) place() vault.Place {
	return vault.Place{Table: "staff_factor", Row: r.Operator, Column: "secret"}
}

func (r *factorRow) left() (hashes []string) {
	_ = json.Unmarshal([]byte(r.Codes), &hashes) // written by keep
	return hashes
}

func (r *factorRow) keep(hashes []string) {
	b, _ := json.Marshal(hashes) // plain strings
	r.Codes = string(b)
}

// HasFactor reports whether an operator logs in with a second factor.
func (s *Service) HasFactor(r db.Reader, operator int64) bool {
	f, ok := factors.Get(r, operator)
	return ok && f.Confirmed > 0
}

// BeginFactor makes a new secret, and the address an authenticator scans. It counts once ConfirmFactor has seen a code.
func (s *Service) BeginFactor(tx *db.Tx, who Who) (secret, uri string, err error) {
	if s.HasFactor(tx, who.Operator) {
		return "", "", ErrFactorOn.New()
	}
	op, err := s.Operator(tx, who.Operator)
	if err != nil {
		return "", "", err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: op.Login, Secret: []byte(id.Token(15))})
	if err != nil {
		return "", "", err
	}
	row := factorRow{Operator: who.Operator, CreatedAt: tx.Now()}
	if row.Secret, err = s.vault.Seal(row.place(), vault.Hide(key.Secret())); err != nil {
		return "", "", err
	}
	row.keep(nil)
	factors.Put(tx, row)
	return key.Secret(), key.URL(), s.Log(tx, who, Act{What: "factor.begin", Targets: []int64{who.Operator}})
}

// ConfirmFactor turns the second factor on after a first code, and gives the recovery codes: shown once.
func (s *Service) ConfirmFactor(tx *db.Tx, who Who, code string) (codes []string, err error) {
	row, ok := factors.Get(tx, who.Operator)
	switch {
	case !ok:
		return nil, ErrNoFactor.New()
	case row.Confirmed > 0:
		return nil, ErrFactorOn.New()
	}
	if err := s.useCode(&row, tx.Now(), code); err != nil {
		return nil, err
	}
	var hashes []string
	for range recoveryCodes {
		c := id.Token(12)
		codes, hashes = append(codes, c), append(hashes, web.TokenHash(c))
	}
	row.Confirmed = tx.Now()
	row.keep(hashes)
	factors.Put(tx, row)
	return codes, s.Log(tx, who, Act{What: "factor.on", Targets: []int64{who.Operator}})
}

// RemoveFactor takes an operator's second factor away.
func (s *Service) RemoveFactor(tx *db.Tx, operator int64) (Act, error) {
	if _, ok := factors.Get(tx, operator); !ok {
		return Act{}, ErrNoFactor.New()
	}
	factors.Delete(tx, operator)
	return Act{What: "factor.off", Targets: []int64{operator}}, nil
}

// ResetFactors takes all of an operator's second factors away: they have lost them.
func (s *Service) ResetFactors(tx *db.Tx, operator int64) (Act, error) {
	act, err := s.RemoveFactor(tx, operator)
	keys := passkeys.OfOwner(tx, operator)
	for _, k := range keys {
		passkeys.Delete(tx, passkeyKey{k.Operator, k.ID})
	}
	if len(keys) > 0 {
		return Act{What: "factor.off", Targets: []int64{operator}}, nil
	}
	return act, err
}

// checkFactor asks an operator who has a second factor for a code, and notes that it was used.
func (s *Service) checkFactor(tx *db.Tx, operator int64, code string) error {
	row, ok := factors.Get(tx, operator)
	if !ok || row.Confirmed == 0 {
		if len(passkeys.OfOwner(tx, operator)) > 0 && SignIns.At(tx, tx.Now()).Value.asks(grantsOf(tx, operator)) {
			return ErrUsePasskey.New() // a password alone would be one factor
		}
		return nil
	}
	code = strings.TrimSpace(code)
	if code == "" {
		return ErrCodeNeeded.New()
	}
	if left := row.left(); slices.Contains(left, web.TokenHash(code)) {
		row.keep(slices.DeleteFunc(left, func(h string) bool { return h == web.TokenHash(code) }))
		factors.Put(tx, row)
		return s.Log(tx, Who{Operator: operator}, Act{What: "factor.recovery", Targets: []int64{operator}, New: map[string]int{"left": len(row.left())}})
	}
	if err := s.useCode(&row, tx.Now(), code); err != nil {
		return err
	}
	factors.Put(tx, row)
	return nil
}

// useCode takes a code of this step, the one before or the one after, if it is newer than any used before.
func (s *Service) useCode(row *factorRow, now int64, code string) error {
	secret, err := s.vault.Open(row.place(), row.Secret)
	if err != nil {
		return err
	}
	for step := now/factorStep - 1; step <= now/factorStep+1; step++ {
		ok, err := totp.ValidateCustom(code, secret.Reveal(), s.zone.Time(step*factorStep), totp.ValidateOpts{Period: 30, Skew: 0, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok && step > row.LastStep {
			row.LastStep = step
			return nil
		}
	}
	return ErrWrongCode.New()
}
