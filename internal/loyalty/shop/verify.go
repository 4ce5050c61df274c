package shop

import (
	"context"
	"crypto/hmac"
	"hash/maphash"
	"net/http"
	"strconv"

	"guanxi/internal/base/clock"
	"guanxi/internal/base/fault"
	"guanxi/internal/base/id"
)

// What a signed request may be refused with. Until the signature has been verified there is one answer only, so that
// it tells nothing; with it goes the server's time, by which a till with a wrong clock can correct itself.
var (
	ErrRefused = fault.Define("signature.refused", fault.NoLogin,
		"签名无效（服务器时间 {now}）", "The signature was refused (server time {now})")
	ErrReplayed = fault.Define("signature.replayed", fault.NoLogin,
		"请求已处理过：请换一个随机串重新签名", "This nonce was used before: sign again with a fresh one")
	ErrFlood = fault.Define("signature.flood", fault.TooMany,
		"签名请求过多，请稍后重试", "Too many signed requests, retry later")
)

const (
	window    = 300 * clock.Second // how far a request's time may be off
	remember  = 600 * clock.Second // how long a nonce is kept: from window before its time to window after
	maxNonces = 4 << 20            // in each of two generations: 7,000 requests a second, some 80 MB
)

// Verifier verifies signed requests from memory.
//
// It remembers nonces in memory too, and where there is a Redis, together with the other processes. After a restart, or to
// another process after Redis was wiped, a request of the last five minutes could be sent once more. Nothing is given
// twice even so, since every effect has its own unique key.
type Verifier struct {
	s      *Service
	nonces nonceSet
	decoy  *liveKey // stands in for unknown keys, so that they take as long as known ones
}

// NewVerifier makes a verifier with the partners' keys.
func NewVerifier(s *Service) *Verifier {
	return &Verifier{s: s, decoy: &liveKey{secret: []byte(id.Token(32))},
		nonces: nonceSet{seed: maphash.MakeSeed(), most: maxNonces}}
}

// VerifyHTTP verifies a request whose body has been read.
func (v *Verifier) VerifyHTTP(r *http.Request, body []byte) (Caller, error) {
	q, authorization, ok := requestOf(r, body)
	if !ok {
		return Caller{}, v.refuse()
	}
	return v.Verify(r.Context(), q, authorization)
}

// Verify tells who signed a request, or refuses it.
func (v *Verifier) Verify(ctx context.Context, q Request, authorization string) (Caller, error) {
	live, err := v.s.live(ctx)
	if err != nil {
		return Caller{}, err
	}
	now := v.s.db.Clock().Now()
	name, sum := parseAuthorization(authorization)
	key, known := live[name]
	if !known {
		key = v.decoy
	}
	text, readable := q.Canonical()
	signed := hmac.Equal(sum, mac(key.secret, text))
	if !known || !readable || !signed || !inWindow(q.Timestamp, now) {
		return Caller{}, v.refuse()
	}
	if err := v.takeNonce(ctx, key.caller.Key, q.Nonce, now); err != nil {
		return Caller{}, err
	}
	key.used.Store(now)
	return key.caller, nil
}

func (v *Verifier) refuse() error { return ErrRefused.With("now", v.s.db.Clock().Now()/1000) }

func inWindow(seconds string, now int64) bool {
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || len(seconds) > 12 { // no product can overflow
		return false
	}
	return max(at*1000-now, now-at*1000) <= window
}
