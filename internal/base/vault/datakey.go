package vault

import (
	"crypto/aes"
	"crypto/cipher"
)

// A member's data key makes erasure one deleted row (粉碎密钥): what was sealed under it can't be opened
// any more, in the database or in any backup, once the wrapped key is gone. The wrapped key is itself a
// sealed field, so rotation and sweeps treat it like every other.

const (
	dataMark   = 0x44 // tells a member's ciphertext from a master one
	dataKeyLen = 32
)

// NewDataKey makes a member's own key, wrapped by the master keys for the place where it will stand.
func (v *Vault) NewDataKey(at Place) (wrapped string, err error) {
	return v.Seal(at, Hide(string(randomBytes(dataKeyLen))))
}

// WithDataKey gives the sealer of one member from the wrapped key at its place.
func (v *Vault) WithDataKey(at Place, wrapped string) (Sealer, error) {
	key, err := v.Open(at, wrapped)
	if err != nil {
		return nil, err
	}
	if len(key.Reveal()) != dataKeyLen {
		return nil, ErrRefused.New()
	}
	block, err := aes.NewCipher([]byte(key.Reveal()))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return memberSealer{gcm}, err
}

type memberSealer struct{ gcm cipher.AEAD }

// Seal encrypts a text for its place under the member's key.
func (m memberSealer) Seal(at Place, s Secret) (string, error) {
	if s.IsEmpty() {
		return "", nil
	}
	bound, err := at.bind()
	if err != nil {
		return "", err
	}
	return encode(m.gcm.Seal([]byte{dataMark}, nil, []byte(s.Reveal()), bound)), nil
}

// Open decrypts a text that was sealed for its place under the member's key.
func (m memberSealer) Open(at Place, sealed string) (Secret, error) {
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
	if raw[0] != dataMark {
		return Secret{}, ErrRefused.New()
	}
	plain, err := m.gcm.Open(nil, nil, raw[1:], bound)
	if err != nil {
		return Secret{}, ErrRefused.New().Because(err)
	}
	return Hide(string(plain)), nil
}
