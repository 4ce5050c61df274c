package staff

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
	"guanxi/internal/base/vault"
)

// ErrWeak refuses passwords that are easily guessed.
var ErrWeak = fault.Define("staff.weak_password", fault.Invalid,
	"密码须为 12 至 128 个字符，且不能包含登录名或只由一两种字符组成",
	"A password takes 12 to 128 characters, without the login name and with more than two different ones")

// Password is the argon2id hash of a password. It is made outside of a Tx, because it takes its time.
type Password string

// The cost of a hash: one try takes some 30 ms and 19 MiB.
const (
	argonTime   = 2
	argonMemory = 19 << 10 // KiB
	argonLanes  = 1
	argonLen    = 32
)

// HashPassword checks a new password of an operator and hashes it.
func (s *Service) HashPassword(ctx context.Context, login string, password vault.Secret) (Password, error) {
	if !isStrong(login, password.Reveal()) {
		return "", ErrWeak.New().At("password")
	}
	if err := s.enter(ctx); err != nil {
		return "", err
	}
	defer s.leave()
	return hashPassword(password.Reveal()), nil
}

// matches compares a password with a hash, or with the decoy when there is no operator: it takes as long.
func (s *Service) matches(ctx context.Context, hash Password, password vault.Secret) (bool, error) {
	if err := s.enter(ctx); err != nil {
		return false, err
	}
	defer s.leave()
	if hash == "" {
		s.decoy.matches(password.Reveal())
		return false, nil
	}
	return hash.matches(password.Reveal()), nil
}

// enter waits for its turn to hash.
func (s *Service) enter(ctx context.Context) error {
	select {
	case s.hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) leave() { <-s.hashing }

func isStrong(login, password string) bool {
	n := utf8.RuneCountInString(password)
	if n < 12 || n > 128 || strings.Contains(strings.ToLower(password), strings.ToLower(login)) {
		return false
	}
	different := map[rune]bool{}
	for _, r := range password {
		different[r] = true
	}
	return len(different) > 2
}

// hashPassword gives the usual text form, so that the cost can be raised later without losing old hashes.
func hashPassword(password string) Password {
	salt := id.Token(16)
	sum := argon2.IDKey([]byte(password), []byte(salt), argonTime, argonMemory, argonLanes, argonLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return Password(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64([]byte(salt)), b64(sum)))
}

func (p Password) matches(password string) bool {
	var version, memory, passes uint32
	var lanes uint8
	parts := strings.Split(string(p), "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	_, err1 := fmt.Sscanf(parts[2], "v=%d", &version)
	_, err2 := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes)
	salt, err3 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err4 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || version != argon2.Version {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}
