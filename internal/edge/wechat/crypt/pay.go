package crypt

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"guanxi/internal/base/clock"
)

// The words in front of an Authorization header: of a merchant, and of a brand.
const (
	PayScheme   = "WECHATPAY2-SHA256-RSA2048"
	BrandScheme = "WECHATPAY-BRAND-SHA256-RSA2048"
)

// What a signed delivery is turned away for. The caller outside hears none of it.
var (
	ErrPayHeader    = errors.New("pay: a signature header is missing, doubled or malformed")
	ErrPayStale     = errors.New("pay: the time of the signature is not near ours")
	ErrPaySerial    = errors.New("pay: no key has this serial number")
	ErrPaySignature = errors.New("pay: the signature does not fit")
)

// payWindow is how far the time of a signature may be off: five minutes and more is refused.
const payWindow = 5 * clock.Minute

// PayRequestMessage is what a request is signed over. Target is path and query, body the exact bytes sent.
func PayRequestMessage(method, target, timestamp, nonce string, body []byte) []byte {
	return lines(body, method, target, timestamp, nonce)
}

// PayMessage is what an answer or a notification is signed over.
func PayMessage(timestamp, nonce string, body []byte) []byte { return lines(body, timestamp, nonce) }

// lines puts every part on a line of its own, the last one too.
func lines(last []byte, parts ...string) []byte {
	n := len(last) + 1
	for _, p := range parts {
		n += len(p) + 1
	}
	b := make([]byte, 0, n)
	for _, p := range parts {
		b = append(append(b, p...), '\n')
	}
	return append(append(b, last...), '\n')
}

// PaySign signs a message: SHA-256, RSA PKCS #1 v1.5, Base64.
func PaySign(key *rsa.PrivateKey, message []byte) (string, error) {
	sum := sha256.Sum256(message)
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]) // the scheme is deterministic, nothing is drawn
	return base64.StdEncoding.EncodeToString(sig), err
}

// PayVerify checks a signature over a message.
func PayVerify(key *rsa.PublicKey, message []byte, signature string) error {
	// A foreign length is known without arithmetic; so is a text that is no Base64 of one spelling.
	if len(signature) != base64.StdEncoding.EncodedLen(key.Size()) {
		return ErrPaySignature
	}
	sig, err := strict.DecodeString(signature)
	if err != nil || strings.ContainsAny(signature, "\r\n") {
		return ErrPaySignature
	}
	sum := sha256.Sum256(message)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) != nil {
		return ErrPaySignature
	}
	return nil
}

var strict = base64.StdEncoding.Strict()

// PayAuthorization writes the Authorization header of a request. Who is a merchant or, with BrandScheme, a brand.
func PayAuthorization(scheme, who, serial, timestamp, nonce, signature string) string {
	name := "mchid"
	if scheme == BrandScheme {
		name = "brand_id"
	}
	return fmt.Sprintf(`%s %s="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`, scheme, name, who, nonce, signature, timestamp, serial)
}

// PayAppMessage is what the button of a page or mini program is signed over: pack is "prepay_id=…" there and the bare
// prepay id in an app.
func PayAppMessage(appID, timestamp, nonce, pack string) []byte {
	return lines([]byte(pack), appID, timestamp, nonce)
}

// PaySigned is the four headers of an answer or a notification.
type PaySigned struct{ Serial, Timestamp, Nonce, Signature string }

// PaySignedOf reads the headers. One that comes twice is refused: nobody could say which one was signed.
func PaySignedOf(h http.Header) (s PaySigned, err error) {
	for name, to := range map[string]*string{"Wechatpay-Serial": &s.Serial, "Wechatpay-Timestamp": &s.Timestamp,
		"Wechatpay-Nonce": &s.Nonce, "Wechatpay-Signature": &s.Signature} {
		v := h.Values(name)
		if len(v) != 1 || v[0] == "" || len(v[0]) > 1024 || strings.ContainsAny(v[0], "\r\n") {
			return PaySigned{}, ErrPayHeader
		}
		*to = v[0]
	}
	return s, nil
}

// PayKey is a key of the platform: its public key, or a certificate with its term.
type PayKey struct {
	Serial string // PUB_KEY_ID_… or the certificate's number in hexadecimal
	Key    *rsa.PublicKey
	From   int64 // ms; 0 has no term
	Until  int64
}

// PayKeys are the keys of the platform that are known now. Of both kinds there may be some: while a merchant moves from
// certificates to the public key, either arrives.
type PayKeys struct {
	known atomic.Pointer[map[string]PayKey]
}

// Set replaces all keys.
func (k *PayKeys) Set(list ...PayKey) {
	m := make(map[string]PayKey, len(list))
	for _, key := range list {
		m[key.Serial] = key
	}
	k.known.Store(&m)
}

// Has says whether a serial number is known.
func (k *PayKeys) Has(serial string) bool { _, ok := k.find(serial); return ok }

func (k *PayKeys) find(serial string) (PayKey, bool) {
	m := k.known.Load()
	if m == nil {
		return PayKey{}, false
	}
	key, ok := (*m)[serial]
	return key, ok
}

// Verify checks a delivery against our time (ms) and the key it names. Probes of the platform, whose signature begins
// with WECHATPAY/SIGNTEST/, are not known here: they fail as every wrong signature does, which is what they ask for.
func (k *PayKeys) Verify(s PaySigned, body []byte, now int64) error {
	at, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil || len(s.Timestamp) > 12 || s.Timestamp[0] == '+' {
		return ErrPayHeader
	}
	if max(at*1000-now, now-at*1000) >= payWindow {
		return ErrPayStale
	}
	key, ok := k.find(s.Serial)
	if !ok || key.Until != 0 && (now < key.From || now >= key.Until) {
		return ErrPaySerial
	}
	return PayVerify(key.Key, PayMessage(s.Timestamp, s.Nonce, body), s.Signature)
}

// ParsePayKey reads the platform's public key.
func ParsePayKey(id string, text []byte) (PayKey, error) {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return PayKey{}, errors.New("pay: no PEM text")
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PayKey{}, err
	}
	key, ok := k.(*rsa.PublicKey)
	if !ok {
		return PayKey{}, errors.New("pay: no RSA key")
	}
	return PayKey{Serial: id, Key: key}, nil
}

// ParsePayCertificate reads a certificate; its serial number comes from itself.
func ParsePayCertificate(text []byte) (PayKey, error) {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return PayKey{}, errors.New("pay: no PEM text")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return PayKey{}, err
	}
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return PayKey{}, errors.New("pay: no RSA key")
	}
	return PayKey{fmt.Sprintf("%X", c.SerialNumber), key, c.NotBefore.UnixMilli(), c.NotAfter.UnixMilli()}, nil
}

// ParsePayPrivateKey reads a merchant's own key.
func ParsePayPrivateKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil {
		return nil, errors.New("pay: no PEM text")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, ok := k.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("pay: no RSA key")
	}
	return key, nil
}
