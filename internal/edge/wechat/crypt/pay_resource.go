package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1" // #nosec G505 -- the platform's OAEP is over SHA-1
	"encoding/base64"
	"errors"

	"guanxi/internal/base/id"
)

// ErrPayResource says that a resource can't be opened: altered, malformed, or sealed under another key.
var ErrPayResource = errors.New("pay: the resource can't be opened")

// PayResource is the sealed part of a notification or of a certificate.
type PayResource struct {
	OriginalType   string `json:"original_type"`
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
	Nonce          string `json:"nonce"`
}

// The one algorithm there is.
const payAEAD = "AEAD_AES_256_GCM"

// PayAPIKeyLen is the length of an APIv3 key.
const PayAPIKeyLen = 32

// Open decrypts a resource with the merchant's APIv3 key. Whatever is wrong with it, the answer is the same.
func (r *PayResource) Open(key []byte) ([]byte, error) {
	if r.Algorithm != payAEAD {
		return nil, ErrPayResource
	}
	return OpenPayText(key, r.Nonce, r.AssociatedData, r.Ciphertext)
}

// OpenPayText decrypts Base64(text ‖ tag). The nonce has 12 bytes: with any other length the cipher would panic.
func OpenPayText(key []byte, nonce, data, sealed string) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, ErrPayResource
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil || len(nonce) != gcm.NonceSize() {
		return nil, ErrPayResource
	}
	raw, err := strict.DecodeString(sealed)
	if err != nil || len(raw) < gcm.Overhead() {
		return nil, ErrPayResource
	}
	plain, err := gcm.Open(raw[:0], []byte(nonce), raw, []byte(data))
	if err != nil {
		return nil, ErrPayResource
	}
	return plain, nil
}

// SealPayField encrypts a personal field of a request with the platform's key, whose serial number goes into the header
// Wechatpay-Serial.
func SealPayField(key *rsa.PublicKey, text string) (string, error) {
	b, err := rsa.EncryptOAEP(sha1.New(), id.Random(), key, []byte(text), nil) // #nosec G401 -- as the platform wants it
	return base64.StdEncoding.EncodeToString(b), err
}

// OpenPayField decrypts a personal field of an answer with the merchant's own key.
func OpenPayField(key *rsa.PrivateKey, sealed string) (string, error) {
	raw, err := strict.DecodeString(sealed)
	if err != nil {
		return "", ErrPayResource
	}
	b, err := rsa.DecryptOAEP(sha1.New(), nil, key, raw, nil) // #nosec G401 -- as the platform does it
	if err != nil {
		return "", ErrPayResource
	}
	return string(b), nil
}
