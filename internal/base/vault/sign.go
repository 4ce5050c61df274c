package vault

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
)

// signer is the installation's signing key. It comes from the one key that is never replaced, so that it needs no file of its own.
func (v *Vault) signer() ed25519.PrivateKey {
	seed, err := hkdf.Key(sha256.New, v.index, nil, "guanxi signature v1", ed25519.SeedSize)
	if err != nil {
		panic(err) // only for a length out of reach
	}
	return ed25519.NewKeyFromSeed(seed)
}

// Sign signs a text (Ed25519): who has the database alone can't.
func (v *Vault) Sign(text []byte) []byte { return ed25519.Sign(v.signer(), text) }

// PublicKey is what anybody checks signatures with.
func (v *Vault) PublicKey() ed25519.PublicKey { return v.signer().Public().(ed25519.PublicKey) }
