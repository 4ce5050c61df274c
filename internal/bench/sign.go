package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"time"

	"guanxi/internal/base/id"
	"guanxi/internal/loyalty/shop"
)

// signer signs requests as a partner would (GX1), without allocating. It belongs to one connection.
type signer struct {
	name  string // of the key
	mac   hash.Hash
	nonce []byte // a beginning of its own, then a number
	fixed int
	n     uint64
	sum   []byte
}

func newSigner(name, secret string) *signer {
	nonce := []byte(id.Token(12) + "-")
	return &signer{name: name, mac: hmac.New(sha256.New, []byte(secret)), nonce: nonce, fixed: len(nonce)}
}

// sign appends the headers of a signature over a request whose query is empty.
func (s *signer) sign(b []byte, q *request, method string, now time.Time) []byte {
	s.n++
	s.nonce = strconv.AppendUint(s.nonce[:s.fixed], s.n, 36)
	text := append(append(append(q.text[:0], method...), '\n'), q.path...)
	text = strconv.AppendInt(append(text, '\n', '\n'), now.Unix(), 10)
	text = append(append(append(text, '\n'), s.nonce...), '\n')
	text = append(append(text, q.key...), '\n')
	body := sha256.Sum256(q.body)
	q.text = append(hex.AppendEncode(text, body[:]), '\n')
	s.mac.Reset()
	_, _ = s.mac.Write(q.text) // a hash never fails
	s.sum = s.mac.Sum(s.sum[:0])
	b = append(b, shop.TimestampHeader+": "...)
	b = append(strconv.AppendInt(b, now.Unix(), 10), "\r\n"+shop.NonceHeader+": "...)
	b = append(append(b, s.nonce...), "\r\nAuthorization: "+shop.Algorithm+` key="`...)
	b = append(append(b, s.name...), `", signature="`...)
	return append(base64.StdEncoding.AppendEncode(b, s.sum), "\"\r\n"...)
}
