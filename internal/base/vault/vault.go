// Package vault keeps personal data out of sight (脱敏与加密): it seals personal fields at rest, makes
// blind indexes to find them again, and gives values that mask themselves wherever they are printed.
//
// Invariants:
//   - A sealed text opens only at the place (table, row, column) it was sealed for.
//   - Every text sealed under a key that still stands in the key file can be opened; rotating removes none.
//   - A new key is on disk before anything is sealed with it.
//   - The text of a Secret leaves it through Reveal and through nothing else.
package vault

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"guanxi/internal/base/fault"
)

// ErrRefused says that a sealed text can't be opened here: changed, moved, or sealed under a lost key.
var ErrRefused = fault.Define("vault.refused", fault.Internal,
	"加密字段无法解开：内容被改动、被移动，或密钥已不存在",
	"the sealed field can't be opened: it was changed or moved, or its key is gone")

// Place is where a sealed text stands. It is part of the seal, so a text copied to another row or column is refused.
type Place struct {
	Table  string
	Row    int64
	Column string
}

// bind writes the place unambiguously: the bars can't occur in the names.
func (p Place) bind() ([]byte, error) {
	if p.Table == "" || p.Column == "" || p.Row <= 0 || strings.Contains(p.Table+p.Column, "|") {
		return nil, fmt.Errorf("vault: not a place: table %q row %d column %q", p.Table, p.Row, p.Column)
	}
	b := append([]byte(p.Table), '|')
	b = strconv.AppendInt(b, p.Row, 10)
	return append(append(b, '|'), p.Column...), nil
}

// Sealer seals and opens personal fields: a Vault with the installation's keys, or a member's own data key.
// An empty text stays empty, so that a field without a value needs no ciphertext.
type Sealer interface {
	Seal(at Place, s Secret) (string, error)
	Open(at Place, sealed string) (Secret, error)
}

// Vault seals with the keys of one key directory. It is safe for concurrent use.
type Vault struct {
	file  string
	index []byte     // never replaced while running: the indexes in the database depend on it
	mu    sync.Mutex // one change or reload of the key file at a time
	ring  atomic.Pointer[ring]
}

// Load reads the keys in dir, making them when there are none yet.
func Load(dir string) (*Vault, error) { return load(dir, readOrMake) }

// Read reads the keys in dir and makes none: for who only looks.
func Read(dir string) (*Vault, error) { return load(dir, read) }

func load(dir string, get func(file string) (*keyFile, error)) (*Vault, error) {
	v := &Vault{file: keyPath(dir)}
	k, err := get(v.file)
	if err != nil {
		return nil, err
	}
	v.index = k.Index
	return v, v.use(k)
}

// Seal encrypts a text for its place, as base64url.
func (v *Vault) Seal(at Place, s Secret) (string, error) {
	if s.IsEmpty() {
		return "", nil
	}
	bound, err := at.bind()
	if err != nil {
		return "", err
	}
	sealed, err := v.ring.Load().aead.Encrypt([]byte(s.Reveal()), bound)
	if err != nil {
		return "", fmt.Errorf("vault: seal: %w", err)
	}
	return encode(sealed), nil
}

// Open decrypts a sealed text at its place.
func (v *Vault) Open(at Place, sealed string) (Secret, error) {
	if sealed == "" {
		return Secret{}, nil
	}
	bound, err := at.bind()
	if err != nil {
		return Secret{}, err
	}
	raw, err := decode(sealed)
	if err != nil {
		return Secret{}, err
	}
	r, err := v.ringWith(rawKeyID(raw))
	if err != nil {
		return Secret{}, ErrRefused.New().Because(err)
	}
	plain, err := r.aead.Decrypt(raw, bound)
	if err != nil {
		return Secret{}, ErrRefused.New().Because(err)
	}
	return Hide(string(plain)), nil
}

// Reseal brings a sealed text under the newest key; it reports false, and the text as it was, when it is there already.
func (v *Vault) Reseal(at Place, sealed string) (string, bool, error) {
	id, err := KeyID(sealed)
	if err != nil {
		return "", false, err
	}
	if id == v.ring.Load().primary {
		return sealed, false, nil
	}
	plain, err := v.Open(at, sealed)
	if err != nil {
		return "", false, err
	}
	fresh, err := v.Seal(at, plain)
	return fresh, err == nil, err
}

// KeyID names the key a text was sealed under, so that a sweep finds what still stands under an old one.
// It is 0 for a text under a member's own data key: there the wrapped key is what a sweep re-seals.
func KeyID(sealed string) (uint32, error) {
	raw, err := decode(sealed)
	if err != nil {
		return 0, err
	}
	return rawKeyID(raw), nil
}

// A master ciphertext is: 1 byte mark · 4 bytes key id · 12 bytes nonce · text · 16 bytes tag.
const (
	masterMark = 0x01
	prefixLen  = 5
	nonceLen   = 12
	tagLen     = 16
)

func rawKeyID(raw []byte) uint32 {
	if raw[0] != masterMark {
		return 0
	}
	return binary.BigEndian.Uint32(raw[1:prefixLen])
}

var encoding = base64.RawURLEncoding.Strict()

func encode(raw []byte) string { return encoding.EncodeToString(raw) }

// decode takes exactly one spelling of each ciphertext: the decoder itself would skip line breaks.
func decode(sealed string) ([]byte, error) {
	raw, err := encoding.DecodeString(sealed)
	if err != nil || len(raw) < 1+nonceLen+tagLen || strings.ContainsAny(sealed, "\r\n") {
		return nil, ErrRefused.New().Because(err)
	}
	return raw, nil
}
