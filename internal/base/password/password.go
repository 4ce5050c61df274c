// Package password hashes what people sign in with, a few at a time: a hash takes its time and memory by intent.
package password

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

// Hash is the argon2id hash of a password. It is made outside of a Tx, because it takes its time.
type Hash string

// The cost of a hash: one try takes some 30 ms and 19 MiB.
const (
	argonTime   = 2
	argonMemory = 19 << 10 // KiB
	argonLanes  = 1
	argonLen    = 32
)

// Hasher makes and compares hashes.
type Hasher struct {
	turns chan struct{}
	decoy Hash
}

// NewHasher hashes at most so many at once.
func NewHasher(atOnce int) *Hasher {
	return &Hasher{make(chan struct{}, atOnce), Of(id.Token(32))}
}

// New checks a new password of somebody with a login name and hashes it.
func (h *Hasher) New(ctx context.Context, login string, password vault.Secret) (Hash, error) {
	if !isStrong(login, password.Reveal()) {
		return "", ErrWeak.New().At("password")
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return Of(password.Reveal()), nil
}

// Matches compares a password with a hash, or with a decoy when there is none: it takes as long.
func (h *Hasher) Matches(ctx context.Context, hash Hash, password vault.Secret) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	if hash == "" {
		h.decoy.Matches(password.Reveal())
		return false, nil
	}
	return hash.Matches(password.Reveal()), nil
}

// enter waits for its turn to hash.
func (h *Hasher) enter(ctx context.Context) error {
	select {
	case h.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.turns }

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

// Of gives the usual text form, so that the cost can be raised later without losing old hashes.
func Of(password string) Hash {
	salt := id.Token(16)
	sum := argon2.IDKey([]byte(password), []byte(salt), argonTime, argonMemory, argonLanes, argonLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return Hash(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64([]byte(salt)), b64(sum)))
}

// Matches tells whether a password is the one that was hashed.
func (p Hash) Matches(password string) bool {
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
