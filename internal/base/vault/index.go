package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
)

// Domain keeps the blind indexes of different things apart, and their versions: a new version is a new
// column, filled, switched to, and then the old one dropped.
type Domain string

// The domains in use.
const (
	PhoneIndex  Domain = "phone:v1"
	OpenIDIndex Domain = "openid:v1"
	keyProof    Domain = "vault:v1"
)

const indexLen = 16 // 128 bits: no two of 10 million members meet by chance

// Index is the blind index (盲索引) of a value: equal values give equal text, and without the key the text
// says nothing. Normalise first: "+8613812345678" and "13812345678" differ here.
func (v *Vault) Index(d Domain, s Secret) string {
	if d == "" || strings.Contains(string(d), "|") {
		panic("vault: not an index domain: " + string(d)) // the bar ends the domain
	}
	h := hmac.New(sha256.New, v.index)
	h.Write([]byte(string(d) + "|" + s.Reveal()))
	return encode(h.Sum(nil)[:indexLen])
}

// Fingerprint names this set of keys without telling anything about them, and stays the same over rotations.
// Kept in the database, it lets a start with the wrong key directory be refused before harm is done.
func (v *Vault) Fingerprint() string { return v.Index(keyProof, Hide("fingerprint")) }
